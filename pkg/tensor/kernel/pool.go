package kernel

// LargestOfFour pools windows of 2x2 values next to each other in a channel of h rows of w
// values: y gets the largest of each window, row by row, and from its place in x, the first
// of several. A NaN is larger than any number, the last of several. Where rectify, values
// that are not above 0 become 0, and their places -1. (12 bytes for a value of x, and 8 for
// one of y, less what is in the cache.)
func LargestOfFour[T Float](y []T, from []int32, x []T, h, w int, rectify bool) {
	rows, n := h/2, w/2
	if len(y) != rows*n || len(from) != len(y) || len(x) != h*w {
		panic("kernel: LargestOfFour: slices of the wrong length")
	}
	if len(y) == 0 {
		return
	}
	k := passesOf[T]()
	if k != nil && k.largestOfFour[0] == nil {
		k = nil // nothing but Go for this precision
	}
	for r := 0; r < rows; r++ {
		if k != nil { // up to a row that holds a NaN
			f := k.largestOfFour[0]
			if rectify {
				f = k.largestOfFour[1]
			}
			whole, rest, in, out := k.windows(n)
			if r += f(&y[r*n], &from[r*n], &x[2*r*w], w, rows-r, whole, rest, in, out, 2*r*w); r == rows {
				return
			}
		}
		largestOfFourGo(y[r*n:(r+1)*n], from[r*n:], x, 2*r*w, w, rectify)
	}
}

// windows cuts a row of n windows: whole vectors of results, and the rest with the masks of
// its values and of its results.
func (k *passes[T]) windows(n int) (whole, rest int, in, out *byte) {
	if rest = n % k.lanes; rest > 0 {
		in, out = k.masks[2*rest], k.masks[rest]
	}
	return n / k.lanes, rest, in, out
}

// largestOfFourGo makes one row of windows, whose rows of w values start at x[first].
func largestOfFourGo[T Float](y []T, from []int32, x []T, first, w int, rectify bool) {
	from = from[:len(y)]
	upper, lower := x[first:first+w], x[first+w:first+2*w]
	for i := range y {
		j := 2 * i
		a, b, c, d := upper[j], upper[j+1], lower[j], lower[j+1]
		if sum := a + b + c + d; sum != sum { // there may be a NaN
			at, best := first+j, a
			for _, p := range [3]int{first + j + 1, first + w + j, first + w + j + 1} {
				if v := x[p]; v > best || v != v {
					at, best = p, v
				}
			}
			y[i], from[i] = best, int32(at)
		} else {
			// Which is the largest cannot be predicted, so that comparisons are numbers
			// here, and not jumps.
			u, v := j+number(b > a), j+number(d > c)
			at := first + u + number(lower[v] > upper[u])*(w+v-u)
			y[i], from[i] = x[at], int32(at)
		}
		if rectify && y[i] <= 0 {
			y[i], from[i] = 0, -1
		}
	}
}

// number returns 1 for true, and takes no jump.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// SpreadOfFour is the derivative of LargestOfFour: each y goes to its place in x, which is 0
// elsewhere.
func SpreadOfFour[T Float](x, y []T, from []int32, h, w int) {
	rows, n := h/2, w/2
	if len(y) != rows*n || len(from) != len(y) || len(x) != h*w {
		panic("kernel: SpreadOfFour: slices of the wrong length")
	}
	k := passesOf[T]()
	if k != nil && k.spreadOfFour != nil && len(y) > 0 {
		if h%2+w%2 > 0 { // what no window reaches
			clear(x)
		}
		whole, rest, in, out := k.windows(n)
		k.spreadOfFour(&x[0], &y[0], &from[0], w, rows, whole, rest, in, out)
		return
	}
	clear(x)
	for i, at := range from {
		if at >= 0 {
			x[at] = y[i]
		}
	}
}
