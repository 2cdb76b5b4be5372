package kernel

// The passes of activations on jets, which are derived in docs/math.md section 11: a jet has the value z_0
// of each unit, its derivatives z_j along coordinates, and the sum z_L of second ones. d, s and t
// are the first three derivatives of the function at z_0, and e = s z_L + t Σ z_j² that of y_L in z_0.

// TanhCurvature sets s and t to the second and third derivative of tanh, -2 y d and
// -2 d (1 - 3 y²), for the value y and the first derivative d (16 bytes).
func TanhCurvature[T Float](y, d, s, t []T) {
	same(len(y), d, s, t)
	if k := passesOf[T](); k != nil && len(y) > 0 {
		n, mask := k.cut(len(y))
		k.tanhCurvature(&y[0], &d[0], &s[0], &t[0], n, mask)
		return
	}
	for i, v := range y {
		s[i] = -2 * v * d[i]
		t[i] = -2 * d[i] * (1 - 3*v*v)
	}
}

// JetForward sets e = s z + e y and y = d z + s y (28 bytes): for z_L, of t in e and Σ z_j² in y
// it makes e, and y_L.
func JetForward[T Float](d, s, z, e, y []T) {
	same(len(y), d, s, z, e)
	if k := passesOf[T](); k != nil && len(y) > 0 {
		n, mask := k.cut(len(y))
		k.jetForward(&d[0], &s[0], &z[0], &e[0], &y[0], n, mask)
		return
	}
	for i, q := range y {
		e[i] = s[i]*z[i] + e[i]*q
		y[i] = d[i]*z[i] + s[i]*q
	}
}

// JetJVP sets y = d z + e v + 2 s y and y0 = d v (32 bytes): for the tangents v of z_0 and z of z_L,
// of Σ z_j dz_j in y, it makes those of y_L and y_0.
func JetJVP[T Float](d, s, e, v, z, y, y0 []T) {
	same(len(y), d, s, e, v, z, y0)
	if k := passesOf[T](); k != nil && len(y) > 0 {
		n, mask := k.cut(len(y))
		k.jetJVP(&d[0], &s[0], &e[0], &v[0], &z[0], &y[0], &y0[0], n, mask)
		return
	}
	for i, q := range v {
		y[i] = d[i]*z[i] + e[i]*q + 2*s[i]*y[i]
		y0[i] = d[i] * q
	}
}

// JetVJP sets z0 = d y0 + s z0 + e v and z = d v (32 bytes): for the cotangents y0 of y_0 and v of
// y_L, of Σ z_j dy_j in z0, it makes those of z_0 and z_L.
func JetVJP[T Float](d, s, e, y0, v, z0, z []T) {
	same(len(z), d, s, e, y0, v, z0)
	if k := passesOf[T](); k != nil && len(z) > 0 {
		n, mask := k.cut(len(z))
		k.jetVJP(&d[0], &s[0], &e[0], &y0[0], &v[0], &z0[0], &z[0], n, mask)
		return
	}
	for i, q := range v {
		z0[i] = d[i]*y0[i] + s[i]*z0[i] + e[i]*q
		z[i] = d[i] * q
	}
}
