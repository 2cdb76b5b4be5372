package kernel

// Products whose sums go over any columns of A and rows of B, which are read where they
// are: a convolution leaves out the taps that see nothing but padding. B has whole vectors
// of columns, as images have that lie in lanes (see [ToLanes]), or channels last.

// A tapsSet is what an instruction set has for them; nil stands for none, and then
// [ProductTaps] must not be called.
type tapsSet[T Float] struct {
	lanes int // elements of a vector
	rows  int // of C in the largest kernel
	taps  [2][maxRows + 1]tapsKernel[T]
	to    func(dst *T, rows *int32, src *T, rowSrc, n int)
	from  func(dst *T, rowDst int, src *T, rows *int32, n int)

	correlate correlateSet[T]
}

type tapsKernel[T Float] func(n, stepA, stepB, k int, table *int32, a *T, rowA int, b, c *T, rowC int, bias *T, accumulate int)

func tapsOf[T Float]() *tapsSet[T] {
	switch any(T(0)).(type) {
	case float32:
		return any(taps32[active]).(*tapsSet[T])
	default:
		return any(taps64[active]).(*tapsSet[T])
	}
}

// Lanes is the number of elements of a vector, 0 where there is no [ProductTaps].
func Lanes[T Float]() int {
	if g := tapsOf[T](); g != nil {
		return g.lanes
	}
	return 0
}

// A Taps is a sum of N matrices A B, each StepA and StepB elements after the one before,
// over the steps of a table of pairs: the place in a row of A and the place in B. Rows of A
// are LdA elements apart.
type Taps[T Float] struct {
	N, StepA, StepB int
	Table           []int32
	A               []T
	LdA             int
	B               []T

	// Bias is what is added to each row of C, in rows LdA apart, or nil.
	Bias []T
}

// check panics unless the slices hold what a product of m rows and n columns reads and
// writes, as far as the last step of the table tells.
func (t *Taps[T]) check(m, n int, c []T, ldc int) {
	if m == 0 {
		return
	}
	ok := t.N > 0 && len(t.Table)%2 == 0 && len(c) >= (m-1)*ldc+n && (t.Bias == nil || len(t.Bias) > (m-1)*t.LdA)
	if k := len(t.Table); ok && k > 0 {
		ok = len(t.A) > (t.N-1)*t.StepA+(m-1)*t.LdA+int(t.Table[k-2]) && len(t.B) >= (t.N-1)*t.StepB+int(t.Table[k-1])+n
	}
	if !ok {
		panic("kernel: ProductTaps: matrices that are longer than their data")
	}
}

// ProductTaps sets C, m rows and so many vectors, 1 or 2, or adds to it. Sums are in the
// order of N and the table, whatever m.
func ProductTaps[T Float](t *Taps[T], m, vectors int, accumulate bool, c []T, ldc int) {
	g := tapsOf[T]()
	t.check(m, vectors*g.lanes, c, ldc)
	size, add := SizeOf[T](), 0
	if accumulate {
		add = 1
	}
	var table *int32
	if len(t.Table) > 0 {
		table = &t.Table[0]
	}
	if m == 0 {
		return
	}
	rows := cutRows(m, g.rows)
	for r, i := 0, 0; r < rows.blocks; r++ {
		h := rows.of(r)
		var bias *T
		if t.Bias != nil {
			bias = &t.Bias[i*t.LdA]
		}
		g.taps[vectors-1][h](t.N, t.StepA*size, t.StepB*size, len(t.Table)/2, table, &t.A[i*t.LdA], t.LdA*size, &t.B[0],
			&c[i*ldc], ldc*size, bias, add)
		i += h
	}
}
