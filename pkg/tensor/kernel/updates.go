package kernel

import "math"

// NAdam are the scalars of its update, with the corrections of bias worked in.
type NAdam[T Float] struct {
	Adam[T]
	Ahead T
}

// Update is that of [Adam] with
//
//	u = (Rate m + Ahead g)/(Root √v + Epsilon) - Shrink w
//
// in place of its u (28 bytes).
func (o NAdam[T]) Update(u, d, w, m, v []T) {
	step := u == nil
	same(len(d), w, m, v)
	if !step {
		same(len(d), u)
	}
	if k := passesOf[T](); k != nil && len(d) > 0 {
		n, mask := k.cut(len(d))
		if step {
			k.nadamStep(&d[0], &w[0], &m[0], &v[0], n, mask, o.Decay, o.Beta1, o.Rest1, o.Beta2, o.Rest2, o.Rate, o.Root, o.Epsilon, o.Shrink, o.Ahead)
		} else {
			k.nadamUpdate(&u[0], &d[0], &w[0], &m[0], &v[0], n, mask, o.Decay, o.Beta1, o.Rest1, o.Beta2, o.Rest2, o.Rate, o.Root, o.Epsilon, o.Shrink, o.Ahead)
		}
		return
	}
	for i, g := range d {
		g -= T(o.Decay * w[i])
		m[i] = T(o.Beta1*m[i]) + T(o.Rest1*g)
		v[i] = T(o.Beta2*v[i]) + T(o.Rest2*T(g*g))
		g = (T(o.Rate*m[i])+T(o.Ahead*g))/(T(o.Root*T(math.Sqrt(float64(v[i]))))+o.Epsilon) - T(o.Shrink*w[i])
		if step {
			w[i] += g
		} else {
			u[i] = g
		}
	}
}

// Lion are the scalars of its update.
type Lion[T Float] struct {
	Beta1, Rest1, Beta2, Rest2, Rate, Shrink T
}

// Update makes
//
//	c = Beta1 m + Rest1 d,  u = Rate sign(c) - Shrink w,  m = Beta2 m + Rest2 d
//
// where the sign of 0 is 0, and that of a NaN a NaN (20 bytes). A nil u is added to w
// instead (20).
func (o Lion[T]) Update(u, d, w, m []T) {
	step := u == nil
	same(len(d), w, m)
	if !step {
		same(len(d), u)
	}
	if k := passesOf[T](); k != nil && len(d) > 0 {
		// Times huge, every normal number is beyond 1, and others have been taken for 0.
		huge := T(math.Ldexp(1, 127))
		if SizeOf[T]() == 8 {
			huge = T(math.Ldexp(1, 1023))
		}
		n, mask := k.cut(len(d))
		if step {
			k.lionStep(&d[0], &w[0], &m[0], n, mask, o.Beta1, o.Rest1, o.Beta2, o.Rest2, huge, -1, 1, o.Rate, o.Shrink)
		} else {
			k.lionUpdate(&u[0], &d[0], &w[0], &m[0], n, mask, o.Beta1, o.Rest1, o.Beta2, o.Rest2, huge, -1, 1, o.Rate, o.Shrink)
		}
		return
	}
	for i, g := range d {
		c := T(o.Beta1*m[i]) + T(o.Rest1*g)
		switch {
		case c > 0:
			c = 1
		case c < 0:
			c = -1
		}
		m[i] = T(o.Beta2*m[i]) + T(o.Rest2*g)
		if c = T(o.Rate*c) - T(o.Shrink*w[i]); step {
			w[i] += c
		} else {
			u[i] = c
		}
	}
}

// Free are the scalars of a schedule-free update; Adaptive, those of its scaling by the
// mean of squares.
type Free[T Float] struct {
	Decay, Share, Ahead, Rate T

	Adaptive                    bool
	Beta2, Rest2, Root, Epsilon T
}

// Update makes
//
//	g = d - Decay w                                                       or, if Adaptive,
//	v = Beta2 v + Rest2 d²,  g = d/(Root √v + Epsilon) - Decay w
//	u = Share (z - w) + Ahead g,  z = z + Rate g
//
// (20 and 28 bytes; v is not looked at in the first). A nil u is added to w instead.
func (o Free[T]) Update(u, d, w, z, v []T) {
	step := u == nil
	same(len(d), w, z)
	if !step {
		same(len(d), u)
	}
	if o.Adaptive {
		same(len(d), v)
	}
	if k := passesOf[T](); k != nil && len(d) > 0 {
		n, mask := k.cut(len(d))
		d, w, z := &d[0], &w[0], &z[0]
		switch {
		case o.Adaptive && step:
			k.freeAdamStep(d, w, z, &v[0], n, mask, o.Decay, o.Share, o.Ahead, o.Rate, o.Beta2, o.Rest2, o.Root, o.Epsilon)
		case o.Adaptive:
			k.freeAdamUpdate(&u[0], d, w, z, &v[0], n, mask, o.Decay, o.Share, o.Ahead, o.Rate, o.Beta2, o.Rest2, o.Root, o.Epsilon)
		case step:
			k.freeStep(d, w, z, n, mask, o.Decay, o.Share, o.Ahead, o.Rate)
		default:
			k.freeUpdate(&u[0], d, w, z, n, mask, o.Decay, o.Share, o.Ahead, o.Rate)
		}
		return
	}
	for i, g := range d {
		if o.Adaptive {
			v[i] = T(o.Beta2*v[i]) + T(o.Rest2*T(g*g))
			g /= T(o.Root*T(math.Sqrt(float64(v[i])))) + o.Epsilon
		}
		g -= T(o.Decay * w[i])
		c := T(o.Share*(z[i]-w[i])) + T(o.Ahead*g)
		z[i] += T(o.Rate * g)
		if step {
			w[i] += c
		} else {
			u[i] = c
		}
	}
}
