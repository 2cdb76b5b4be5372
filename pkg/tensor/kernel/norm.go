package kernel

// Passes of norms over values x that they take to h = (x - mean) r, which is never stored.

// A normPasses holds their kernels.
type normPasses[T Float] struct {
	normal     func(x, y *T, n int, mask *byte, mean, r, w, b T)
	normalBack func(x, y, z *T, n int, mask *byte, mean, r, alpha, beta, gamma T)
	sum        func(x *T, n int, mask *byte) (sum float64)
	squares    func(x *T, n int, mask *byte, mean T) (sum float64)
	normalDots func(x, y *T, n int, mask *byte, mean, r T) (dot, sum float64)
}

// Sum returns the sum of x, added in float64 (4 bytes).
func Sum[T Float](x []T) (sum float64) {
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		return k.norm.sum(&x[0], n, mask)
	}
	for _, v := range x {
		sum += float64(v)
	}
	return sum
}

// Squares returns the sum of (x - mean)², squared and added in float64 (4 bytes).
func Squares[T Float](x []T, mean T) (sum float64) {
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		return k.norm.squares(&x[0], n, mask, mean)
	}
	for _, v := range x {
		d := float64(v - mean)
		sum += d * d
	}
	return sum
}

// Normal sets y = w h + b (8 bytes).
func Normal[T Float](y, x []T, mean, r, w, b T) {
	same(len(x), y)
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		k.norm.normal(&x[0], &y[0], n, mask, mean, r, w, b)
		return
	}
	for i, v := range x {
		y[i] = T(w*T((v-mean)*r)) + b
	}
}

// NormalBack sets z = alpha h + beta + gamma y, where z may be y (12 bytes).
func NormalBack[T Float](z, x, y []T, mean, r, alpha, beta, gamma T) {
	same(len(x), y, z)
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		k.norm.normalBack(&x[0], &y[0], &z[0], n, mask, mean, r, alpha, beta, gamma)
		return
	}
	for i, v := range x {
		z[i] = T(alpha*T((v-mean)*r)) + beta + T(gamma*y[i])
	}
}

// NormalDots returns <h, y> and the sum of y, multiplied and added in float64 (8 bytes).
func NormalDots[T Float](x, y []T, mean, r T) (dot, sum float64) {
	same(len(x), y)
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		return k.norm.normalDots(&x[0], &y[0], n, mask, mean, r)
	}
	for i, v := range x {
		dot += float64(T((v-mean)*r)) * float64(y[i])
		sum += float64(y[i])
	}
	return dot, sum
}
