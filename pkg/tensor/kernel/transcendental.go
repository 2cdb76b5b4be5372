package kernel

import "math"

// The functions of activations, with their derivatives. There are vector kernels of all in
// float32, and of all but gelu in float64; the Go loops are the reference. What
// float32 results are worth, in units in the last place over all float32 (see
// TestAccuracy): exp 1, sigmoid 3, tanh 3, softplus 3, gelu 16 far below 0 where it
// is nearly 0, and 3 elsewhere.

// Exp sets y = exp(x) for x <= 0, as softmax needs it after the largest element
// is taken away; positive x are not allowed.
func Exp[T Float](x, y []T) {
	same(len(x), y)
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		k.exp(&x[0], &y[0], n, mask)
		return
	}
	for i, v := range x {
		y[i] = T(math.Exp(float64(v)))
	}
}

// ExpOnStack sets x = exp(x) for x <= 0, as Exp does, of work space that may be on the stack: Exp
// would send it to the heap.
func ExpOnStack(x []float64) {
	if len(x) > 0 {
		expInPlace(x)
	}
}

// ExpTail returns Σ_{j≠m} exp(z_j - z_m), from which come the softmax and the
// log-sum-exp of a row whose largest element is z_m without cancellation. It
// allocates nothing.
func ExpTail(z []float64, m int) (sum float64) {
	var buf [32]float64
	for lo := 0; lo < len(z); lo += len(buf) {
		part := buf[:min(len(buf), len(z)-lo)]
		for j := range part {
			part[j] = z[lo+j] - z[m]
		}
		expInPlace(part)
		if i := m - lo; i >= 0 && i < len(part) {
			part[i] = 0
		}
		for _, e := range part {
			sum += e
		}
	}
	return sum
}

// SumSoftplus returns Σ log(1 + exp(-|z_j|)), with few logarithms: of products of the 1 + e,
// less 1, so that small e keep their digits. It allocates nothing.
func SumSoftplus(z []float64) (sum float64) {
	var buf [32]float64
	var rest [4]float64 // Π (1+e) - 1 of every fourth e
	for lo := 0; lo < len(z); lo += len(buf) {
		part := buf[:min(len(buf), len(z)-lo)]
		for j := range part {
			part[j] = -math.Abs(z[lo+j])
		}
		expInPlace(part)
		clear(buf[len(part):])
		for j := 0; j < len(buf); j += len(rest) {
			for r := range rest {
				e := buf[j+r]
				rest[r] += e + rest[r]*e
			}
		}
		if max(rest[0], rest[1], rest[2], rest[3]) > 1e60 { // the next 8 factors are at most 2^8
			for _, p := range rest {
				sum += math.Log1p(p)
			}
			clear(rest[:])
		}
	}
	for _, p := range rest {
		sum += math.Log1p(p)
	}
	return sum
}

func expInPlaceGo(x []float64) {
	for i, v := range x {
		x[i] = math.Exp(v)
	}
}

// activate runs the vector kernel that pick chooses, if there is one.
func activate[T Float](x, y, d []T, pick func(*passes[T]) func(x, y, d *T, n int, mask *byte)) bool {
	same(len(x), y, d)
	k := passesOf[T]()
	if k == nil || pick(k) == nil {
		return false
	}
	if len(x) > 0 {
		n, mask := k.cut(len(x))
		pick(k)(&x[0], &y[0], &d[0], n, mask)
	}
	return true
}

// Tanh sets y = tanh(x) and d to its derivative.
func Tanh[T Float](x, y, d []T) {
	if activate(x, y, d, func(k *passes[T]) func(x, y, d *T, n int, mask *byte) { return k.tanh }) {
		return
	}
	for i, v := range x {
		t, slope := tanh(float64(v))
		y[i], d[i] = T(t), T(slope)
	}
}

// tanh returns tanh(v) and its derivative, with one exponential, or none: math.Tanh takes a
// rational function below 0.625.
func tanh(v float64) (t, slope float64) {
	if math.Abs(v) < 0.625 {
		t = math.Tanh(v)
		return t, 1 - float64(t*t)
	}
	e := math.Exp(-2 * math.Abs(v))
	return math.Copysign((1-e)/(1+e), v), 4 * e / ((1 + e) * (1 + e)) // 1 - tanh² would cancel
}

// Sigmoid sets y = 1/(1 + exp(-x)) and d to its derivative. With e = exp(-|x|),
// the smaller of s and 1-s is e/(1+e): neither overflows, and s' = e/(1+e)² loses
// no digits.
func Sigmoid[T Float](x, y, d []T) {
	if activate(x, y, d, func(k *passes[T]) func(x, y, d *T, n int, mask *byte) { return k.sigmoid }) {
		return
	}
	for i, v := range x {
		s, e := sigmoid(float64(v))
		y[i], d[i] = T(s), T(e/((1+e)*(1+e)))
	}
}

// sigmoid returns 1/(1 + exp(-v)) and exp(-|v|).
func sigmoid(v float64) (s, e float64) {
	e = math.Exp(-math.Abs(v))
	if v > 0 {
		return 1 / (1 + e), e
	}
	return e / (1 + e), e
}

// Softplus sets y = log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)), and d to its
// derivative, the sigmoid.
func Softplus[T Float](x, y, d []T) {
	if activate(x, y, d, func(k *passes[T]) func(x, y, d *T, n int, mask *byte) { return k.softplus }) {
		return
	}
	for i, v := range x {
		s, e := sigmoid(float64(v))
		y[i], d[i] = T(max(float64(v), 0)+math.Log1p(e)), T(s)
	}
}

// GELU sets y = x Phi(x) and d to its derivative Phi + x phi, with the normal
// distribution function Phi(x) = erfc(-x/√2)/2, which keeps its digits far below
// 0, and its density phi.
func GELU[T Float](x, y, d []T) {
	if activate(x, y, d, func(k *passes[T]) func(x, y, d *T, n int, mask *byte) { return k.gelu }) {
		return
	}
	for i, v := range x {
		a := float64(v)
		cdf := math.Erfc(-a/math.Sqrt2) / 2
		pdf := math.Exp(-a*a/2) / math.Sqrt(2*math.Pi)
		y[i], d[i] = T(a*cdf), T(cdf+a*pdf)
	}
}
