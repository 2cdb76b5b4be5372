package kernel

import "slices"

// A correlateSet is what an instruction set has for [Correlate].
type correlateSet[T Float] struct {
	taps    int // of a block
	filters []correlateKernel[T]
}

type correlateKernel[T Float] func(n, stepA, stepB, lines, whole int, mask *byte, a *T, rowA, lineA int, b *T, lineB int, taps *int32, c *T, rowC, accumulate int)

// CorrelateBlock returns how many filters and taps a block of [Correlate] has at most; 0, 0
// where there is none.
func CorrelateBlock[T Float]() (filters, taps int) {
	if g := tapsOf[T](); g != nil {
		return len(g.correlate.filters), g.correlate.taps
	}
	return 0, 0
}

// Lines are rows of A and an image B of N examples, each StepA and StepB elements after the
// one before: Count lines of Width elements, LineA and LineB apart. Rows of A, one for each
// filter, are RowA apart.
type Lines[T Float] struct {
	N, StepA, StepB            int
	Count, Width, LineA, LineB int
	A                          []T
	RowA                       int
	B                          []T
}

// check panics unless A and B hold the lines that so many filters and taps see, and C, which
// has so many elements to spare, the sums.
func (l *Lines[T]) check(filters int, taps []int32, spare int) {
	ends := l.Width + (l.N-1)*l.StepA + (filters-1)*l.RowA + (l.Count-1)*l.LineA
	sees := l.Width + (l.N-1)*l.StepB + (l.Count-1)*l.LineB + int(slices.Max(taps))
	if l.N < 1 || l.Count < 1 || len(l.A) < ends || len(l.B) < sees || slices.Min(taps) < 0 || spare < 0 {
		panic("kernel: Correlate: lines that are longer than their data")
	}
}

// Correlate adds up for each of a few filters f and each tap t of a block, of which taps has
// the places in B, the products of row f of A with B from there on: one vector of sums, whose
// lanes are yet to be added up, at c[f ldc + t Lanes]. It sets them or adds to them.
func Correlate[T Float](l *Lines[T], filters int, taps []int32, accumulate bool, c []T, ldc int) {
	g, size, add := tapsOf[T](), SizeOf[T](), 0
	taps = taps[:g.correlate.taps]
	l.check(filters, taps, len(c)-(filters-1)*ldc-len(taps)*g.lanes)
	if accumulate {
		add = 1
	}
	whole, mask := passesOf[T]().cut(l.Width)
	g.correlate.filters[filters-1](l.N, l.StepA*size, l.StepB*size, l.Count, whole, mask, &l.A[0], l.RowA*size, l.LineA*size,
		&l.B[0], l.LineB*size, &taps[0], &c[0], ldc*size, add)
}
