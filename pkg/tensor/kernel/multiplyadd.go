package kernel

// MultiplyAdd sets z += x y, element by element (16 bytes).
func MultiplyAdd[T Float](x, y, z []T) {
	same(len(x), y, z)
	if k := passesOf[T](); k != nil && len(x) > 0 {
		n, mask := k.cut(len(x))
		k.multiplyAdd(&x[0], &y[0], &z[0], n, mask)
		return
	}
	for i, v := range x {
		z[i] += T(v * y[i])
	}
}
