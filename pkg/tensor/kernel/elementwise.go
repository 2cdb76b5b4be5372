package kernel

import "math"

// Elementwise passes. All slices of a call have the same length. An assembly
// kernel takes whole vectors and cuts the last; the Go loops are the reference,
// and what other processors run. Kernels fuse multiply and add, so that the last
// bits depend on the instruction set; and those of sums, products and updates take
// subnormal numbers for 0, which the Go loops do not. Each states its bytes per
// element of float32 where operands come from memory.

// A passes holds the kernels of one instruction set and precision; nil stands
// for the Go loops.
type passes[T Float] struct {
	lanes       int
	masks       []*byte
	axpy        func(x, y *T, n int, mask *byte, alpha T)
	scale       func(x *T, n int, mask *byte, alpha T)
	multiply    func(x, y, z *T, n int, mask *byte)
	multiplyAdd func(x, y, z *T, n int, mask *byte)
	gate        func(gate, x, y *T, n int, mask *byte)
	exp         func(x, y *T, n int, mask *byte)

	tanh, sigmoid, softplus func(x, y, d *T, n int, mask *byte)

	tanhCurvature  func(y, d, s, t *T, n int, mask *byte)
	jetForward     func(d, s, z, e, y *T, n int, mask *byte)
	jetJVP, jetVJP func(a, b, c, d, e, f, g *T, n int, mask *byte)

	// Of float32 only.
	gelu          func(x, y, d *T, n int, mask *byte)
	largestOfFour [2]func(y *T, from *int32, x *T, w, rows, n, rest int, in, out *byte, first int) (done int) // and rectified
	spreadOfFour  func(x, y *T, from *int32, w, rows, n, rest int, in, out *byte)

	dot     func(x, y *T, n int) float64
	copySum func(y, x *T, n int) float64

	widen func(y *float64, x *float32, n int) // of float64 only
	norm  normPasses[T]

	addRows, addDots func(y, x *T, rowX int, v *T, k, n int, mask *byte, m, stepY, stepX, stepV int)
	scaleRows        func(y, x, v *T, k, n int, mask *byte, nextY, nextX int)
	matVec           func(y, a *T, rowA int, x *T, m, n int, mask *byte)

	sgdUpdate                      func(u, d, w *T, n int, mask *byte, rate, decay T)
	sgdStep                        func(d, w *T, n int, mask *byte, rate, decay T)
	momentumUpdate, nesterovUpdate func(u, d, w, v *T, n int, mask *byte, rate, decay, mu T)
	momentumStep, nesterovStep     func(d, w, v *T, n int, mask *byte, rate, decay, mu T)
	adamUpdate                     func(u, d, w, m, v *T, n int, mask *byte, decay, beta1, rest1, beta2, rest2, rate, root, eps, shrink T)
	adamStep                       func(d, w, m, v *T, n int, mask *byte, decay, beta1, rest1, beta2, rest2, rate, root, eps, shrink T)

	nadamUpdate    func(u, d, w, m, v *T, n int, mask *byte, decay, beta1, rest1, beta2, rest2, rate, root, eps, shrink, ahead T)
	nadamStep      func(d, w, m, v *T, n int, mask *byte, decay, beta1, rest1, beta2, rest2, rate, root, eps, shrink, ahead T)
	lionUpdate     func(u, d, w, m *T, n int, mask *byte, beta1, rest1, beta2, rest2, huge, low, high, rate, shrink T)
	lionStep       func(d, w, m *T, n int, mask *byte, beta1, rest1, beta2, rest2, huge, low, high, rate, shrink T)
	freeUpdate     func(u, d, w, z *T, n int, mask *byte, decay, share, ahead, rate T)
	freeStep       func(d, w, z *T, n int, mask *byte, decay, share, ahead, rate T)
	freeAdamUpdate func(u, d, w, z, v *T, n int, mask *byte, decay, share, ahead, rate, beta2, rest2, root, eps T)
	freeAdamStep   func(d, w, z, v *T, n int, mask *byte, decay, share, ahead, rate, beta2, rest2, root, eps T)
}

func passesOf[T Float]() *passes[T] {
	switch any(T(0)).(type) {
	case float32:
		return any(passes32[active]).(*passes[T])
	default:
		return any(passes64[active]).(*passes[T])
	}
}

// cut returns the number of whole vectors in n elements, and the mask of the
// last, nil if there is none.
func (k *passes[T]) cut(n int) (whole int, mask *byte) {
	if rest := n % k.lanes; rest > 0 {
		mask = k.masks[rest]
	}
	return n / k.lanes, mask
}

// same panics unless all slices have n elements: kernels trust it.
func same[T Float](n int, slices ...[]T) {
	for _, s := range slices {
		if len(s) != n {
			panic("kernel: slices of different lengths")
		}
	}
}

// Axpy sets y += alpha x (12 bytes).
func Axpy[T Float](alpha T, x, y []T) {
	same(len(x), y)
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		k.axpy(&x[0], &y[0], n, mask, alpha)
		return
	}
	for i, v := range x {
		y[i] += T(alpha * v)
	}
}

// Scale sets x *= alpha (8 bytes).
func Scale[T Float](alpha T, x []T) {
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		k.scale(&x[0], n, mask, alpha)
		return
	}
	for i := range x {
		x[i] *= alpha
	}
}

// Multiply sets z = x y, element by element (12 bytes).
func Multiply[T Float](x, y, z []T) {
	same(len(x), y, z)
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		k.multiply(&x[0], &y[0], &z[0], n, mask)
		return
	}
	for i, v := range x {
		z[i] = v * y[i]
	}
}

// Gate sets y to x, and to 0 where the gate is 0 or below (12 bytes). With x
// itself for the gate it is max(x, 0).
func Gate[T Float](gate, x, y []T) {
	same(len(x), gate, y)
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		k.gate(&gate[0], &x[0], &y[0], n, mask)
		return
	}
	for i, v := range x {
		if gate[i] <= 0 {
			v = 0
		}
		y[i] = v
	}
}

// Dot returns <x, y>, multiplied and added in float64 (8 bytes).
func Dot[T Float](x, y []T) float64 {
	same(len(x), y)
	var sum float64
	if k := passesOf[T](); k != nil {
		lanes := k.lanes * SizeOf[T]() / 8 // of float64
		if n := len(x) / (4 * lanes); n > 0 {
			sum = k.dot(&x[0], &y[0], n)
			x, y = x[4*lanes*n:], y[4*lanes*n:]
		}
	}
	var s0, s1, s2, s3 float64
	for len(x) >= 4 && len(y) >= 4 {
		s0 += float64(x[0]) * float64(y[0])
		s1 += float64(x[1]) * float64(y[1])
		s2 += float64(x[2]) * float64(y[2])
		s3 += float64(x[3]) * float64(y[3])
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		s0 += float64(v) * float64(y[i])
	}
	return sum + ((s0 + s1) + (s2 + s3))
}

// CopySum copies x to y, every bit, and returns its sum, added in float64 (8 bytes).
func CopySum[T Float](y, x []T) float64 {
	same(len(x), y)
	var sum float64
	if k := passesOf[T](); k != nil {
		group := 4 * k.lanes * SizeOf[T]() / 8 // four vectors of float64
		if n := len(x) / group; n > 0 {
			sum = k.copySum(&y[0], &x[0], n)
			x, y = x[group*n:], y[group*n:]
		}
	}
	var rest float64
	for i, v := range x {
		y[i] = v
		rest += float64(v)
	}
	return sum + rest
}

// Momentum are the scalars of an update with the memory v. Mu = 0 has none, and
// takes a nil v.
type Momentum[T Float] struct {
	Rate, Decay, Mu T
	Nesterov        bool
}

// Update makes, with g = d - Decay w,
//
//	u = Rate g                         without memory
//	v = Mu v + g, u = Rate v           with momentum
//	v = Mu v + g, u = Rate (g + Mu v)  with Nesterov's
//
// (12, 20 and 20 bytes). A nil u is added to w instead (12, 20, 20).
func (o Momentum[T]) Update(u, d, w, v []T) {
	step := u == nil
	same(len(d), w)
	if !step {
		same(len(d), u)
	}
	if o.Mu != 0 {
		same(len(d), v)
	}
	if k := passesOf[T](); k != nil && len(d) > 0 {
		n, mask := k.cut(len(d))
		d, w := &d[0], &w[0]
		switch {
		case o.Mu == 0 && step:
			k.sgdStep(d, w, n, mask, o.Rate, o.Decay)
		case o.Mu == 0:
			k.sgdUpdate(&u[0], d, w, n, mask, o.Rate, o.Decay)
		case o.Nesterov && step:
			k.nesterovStep(d, w, &v[0], n, mask, o.Rate, o.Decay, o.Mu)
		case o.Nesterov:
			k.nesterovUpdate(&u[0], d, w, &v[0], n, mask, o.Rate, o.Decay, o.Mu)
		case step:
			k.momentumStep(d, w, &v[0], n, mask, o.Rate, o.Decay, o.Mu)
		default:
			k.momentumUpdate(&u[0], d, w, &v[0], n, mask, o.Rate, o.Decay, o.Mu)
		}
		return
	}
	for i, g := range d {
		g -= T(o.Decay * w[i])
		if o.Mu != 0 {
			v[i] = T(o.Mu*v[i]) + g
			if o.Nesterov {
				g += T(o.Mu * v[i])
			} else {
				g = v[i]
			}
		}
		if g *= o.Rate; step {
			w[i] += g
		} else {
			u[i] = g
		}
	}
}

// Adam are the scalars of its update, with the corrections of bias worked in.
type Adam[T Float] struct {
	Decay, Beta1, Rest1, Beta2, Rest2, Rate, Root, Epsilon, Shrink T
}

// Update makes, with g = d - Decay w,
//
//	m = Beta1 m + Rest1 g,  v = Beta2 v + Rest2 g²
//	u = Rate m/(Root √v + Epsilon) - Shrink w
//
// (28 bytes). A nil u is added to w instead (28).
func (o Adam[T]) Update(u, d, w, m, v []T) {
	step := u == nil
	same(len(d), w, m, v)
	if !step {
		same(len(d), u)
	}
	if k := passesOf[T](); k != nil && len(d) > 0 {
		n, mask := k.cut(len(d))
		if step {
			k.adamStep(&d[0], &w[0], &m[0], &v[0], n, mask, o.Decay, o.Beta1, o.Rest1, o.Beta2, o.Rest2, o.Rate, o.Root, o.Epsilon, o.Shrink)
		} else {
			k.adamUpdate(&u[0], &d[0], &w[0], &m[0], &v[0], n, mask, o.Decay, o.Beta1, o.Rest1, o.Beta2, o.Rest2, o.Rate, o.Root, o.Epsilon, o.Shrink)
		}
		return
	}
	for i, g := range d {
		g -= T(o.Decay * w[i])
		m[i] = T(o.Beta1*m[i]) + T(o.Rest1*g)
		v[i] = T(o.Beta2*v[i]) + T(o.Rest2*T(g*g))
		g = T(o.Rate*m[i])/(T(o.Root*T(math.Sqrt(float64(v[i]))))+o.Epsilon) - T(o.Shrink*w[i])
		if step {
			w[i] += g
		} else {
			u[i] = g
		}
	}
}
