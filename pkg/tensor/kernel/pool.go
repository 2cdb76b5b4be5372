package kernel

// LargestOfFour pools windows of 2x2 values next to each other, in rows w values
// apart, of which x[first] is the first: y gets the largest of each window, and
// from its place in x, the first of several, row by row. It returns how many
// windows it made, which may be none: it ends before some that hold a NaN, and has
// nothing but assembly for float32.
func LargestOfFour[T Float](y []T, from []int32, x []T, first, w int) (done int) {
	n := len(y)
	if len(from) != n || w < 2*n || len(x) < first+w+2*n {
		panic("kernel: LargestOfFour: slices of the wrong length")
	}
	k := passesOf[T]()
	if k == nil || k.largestOfFour == nil || n == 0 {
		return 0
	}
	var in, out *byte
	if rest := n % k.lanes; rest > 0 {
		in, out = k.masks[2*rest], k.masks[rest]
	}
	return min(n, k.lanes*k.largestOfFour(&y[0], &from[0], &x[first], w, n/k.lanes, in, out, first))
}
