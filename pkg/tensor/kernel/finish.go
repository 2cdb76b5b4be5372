package kernel

import "unsafe"

// A Finish is what a product does to its elements when their sums are complete: in the registers, or a
// panel of columns at a time, which is then in the first-level cache. The zero Finish does nothing.
type Finish[T Float] struct {
	Bias    []T  // n numbers that are added to each row, or none
	Rectify bool // a number below 0 becomes 0, after the bias

	// Elements become 0 where the gate, GateRows x n with rows LdGate apart, is 0 or below:
	// row i where row i modulo GateRows of the gate is. A NaN in it lets its element pass.
	Gate             []T
	LdGate, GateRows int

	from int // the row of the product that is row 0 here
}

// none reports whether there is nothing to do.
func (f *Finish[T]) none() bool { return len(f.Bias) == 0 && !f.Rectify && f.Gate == nil }

// At returns what is to be done to a block of the product that begins at row i and column j.
func (f Finish[T]) At(i, j int) Finish[T] {
	if len(f.Bias) > 0 {
		f.Bias = f.Bias[j:]
	}
	if f.Gate != nil {
		f.Gate = f.Gate[j:]
		f.from += i
	}
	return f
}

// Apply finishes C, m x n, in Go.
func (f *Finish[T]) Apply(m, n int, c []T, ldc int) {
	if n == 0 {
		return
	}
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		if len(f.Bias) > 0 {
			for j, b := range f.Bias[:n] {
				row[j] += b
			}
		}
		if f.Rectify {
			for j, v := range row {
				if v <= 0 {
					row[j] = 0
				}
			}
		}
		if f.Gate != nil {
			at := (f.from + i) % f.GateRows * f.LdGate
			for j, v := range f.Gate[at : at+n] {
				if v <= 0 {
					row[j] = 0
				}
			}
		}
	}
}

// An ending tells a product kernel how to finish its block of C: a bias for each column, or nil;
// a gate whose rows are so many bytes apart, or nil; and whether numbers below 0 become 0. Kernels know its
// layout.
type ending[T Float] struct {
	bias, gate *T
	rowGate    int
	rectify    int
}

// of describes blocks of h rows from row i and column j on, and returns how many of count one
// call can finish. Where rows of the gate begin again within the first block, which no kernel does, it is
// one, and there is no description.
func (e *ending[T]) of(f *Finish[T], i, j, h, count int) (blocks int, end *byte) {
	*e = ending[T]{}
	if len(f.Bias) > 0 {
		e.bias = &f.Bias[j]
	}
	if f.Rectify {
		e.rectify = 1
	}
	if f.Gate != nil {
		at := (f.from + i) % f.GateRows
		if count = min(count, (f.GateRows-at)/h); count == 0 {
			return 1, nil
		}
		e.gate, e.rowGate = &f.Gate[at*f.LdGate+j], f.LdGate*SizeOf[T]()
	}
	return count, (*byte)(unsafe.Pointer(e))
}

// panel finishes rows of w columns.
func (f *Finish[T]) panel(g *set[T], rows, w int, c []T, ldc int) {
	for j, two := 0, 2*g.lanes; j < w; j += two {
		at := f.At(0, j)
		at.two(g, rows, min(two, w-j), c[j:], ldc)
	}
}

// two finishes rows of up to two vectors, w columns.
func (f *Finish[T]) two(g *set[T], rows, w int, c []T, ldc int) {
	size, mask := SizeOf[T](), g.masks[w]
	if w == 2*g.lanes {
		mask = nil
	}
	switch {
	case len(f.Bias) > 0 && f.Rectify:
		g.addRectify(&c[0], ldc*size, rows, &f.Bias[0], mask)
	case len(f.Bias) > 0:
		g.addBias(&c[0], ldc*size, rows, &f.Bias[0], mask)
	case f.Rectify:
		g.gate(&c[0], ldc*size, &c[0], ldc*size, rows, mask)
	}
	for done := 0; f.Gate != nil && done < rows; {
		at := (f.from + done) % f.GateRows
		more := min(rows-done, f.GateRows-at)
		g.gate(&c[done*ldc], ldc*size, &f.Gate[at*f.LdGate], f.LdGate*size, more, mask)
		done += more
	}
}
