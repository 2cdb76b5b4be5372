package kernel

// Widen sets y to x, every bit.
func Widen(y []float64, x []float32) {
	if len(x) != len(y) {
		panic("kernel: slices of different lengths")
	}
	if k := passesOf[float64](); k != nil && len(x) >= k.lanes {
		n := len(x) / k.lanes
		k.widen(&y[0], &x[0], n)
		x, y = x[n*k.lanes:], y[n*k.lanes:]
	}
	for i, v := range x {
		y[i] = float64(v)
	}
}
