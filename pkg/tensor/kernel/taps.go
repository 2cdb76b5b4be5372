package kernel

import "slices"

// Products whose sums go over any columns of A and rows of B, which are read where they
// are: a convolution leaves out the taps that see nothing but padding. B has whole vectors
// of columns, as images have that lie in lanes (see [ToLanes]), or channels last.

// A tapsSet is what an instruction set has for them; nil stands for none, and then
// [ProductTaps] must not be called.
type tapsSet[T Float] struct {
	lanes int // elements of a vector
	rows  int // of C in the largest kernel
	taps  [2][maxRows + 1]tapsKernel[T]

	runs [maxRun + 1][]tapRunsKernel[T] // by the length of runs, from 2 on, and rows of C, of two vectors; nil where there are none

	to   func(dst *T, rows *int32, src *T, rowSrc, n int)
	from func(dst *T, rowDst int, src *T, rows *int32, n int)

	correlate correlateSet[T]
}

type tapsKernel[T Float] func(n, stepA, stepB, k int, table *int32, a *T, rowA int, b, c *T, rowC int, bias *T, accumulate int)

type tapRunsKernel[T Float] func(n, stepA, stepB, k int, table *int32, a *T, rowA int, b *T, stepRun int, c *T, rowC int, bias *T, accumulate int)

// maxRun is the largest number of terms that a pair of a table stands for.
const maxRun = 4

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
	Table           TapTable
	A               []T
	LdA             int
	B               []T

	// Bias is what is added to each row of C, in rows LdA apart, or nil.
	Bias []T
}

// A TapTable has a pair of places, in a row of A and in B, for each Run terms, 0 meaning 1. They are those of the first term: of each that
// follows, the place in A is the next, and the place in B is Step elements on.
type TapTable struct {
	Pairs     []int32
	Run, Step int
}

// InRuns returns a table of the terms whose pairs of places are given, in their order. It has the longest runs that there are kernels for
// on this processor, that the places allow, and that no cut divides: cuts are numbers of terms. Runs are for products of two vectors.
func InRuns[T Float](pairs []int32, cuts ...int) TapTable {
	g := tapsOf[T]()
	for run := maxRun; run > 1; run-- {
		if g.runs[run] == nil || len(pairs) == 0 || len(pairs)/2%run != 0 || slices.ContainsFunc(cuts, func(at int) bool { return at%run != 0 }) {
			continue
		}
		step, same := pairs[3]-pairs[1], true
		for i := 0; i+2 < len(pairs); i += 2 {
			if (i/2+1)%run != 0 && (pairs[i+2] != pairs[i]+1 || pairs[i+3] != pairs[i+1]+step) {
				same = false
				break
			}
		}
		if same {
			t := TapTable{Run: run, Step: int(step)}
			for i := 0; i < len(pairs); i += 2 * run {
				t.Pairs = append(t.Pairs, pairs[i], pairs[i+1])
			}
			return t
		}
	}
	return TapTable{Pairs: pairs, Run: 1}
}

// Part returns a table of the terms lo to hi-1, which are whole runs.
func (t TapTable) Part(lo, hi int) TapTable {
	run := max(1, t.Run)
	t.Pairs = t.Pairs[2*(lo/run) : 2*(hi/run)]
	return t
}

// check panics unless the slices hold what a product of m rows and n columns reads and
// writes, as far as the last step of the table tells. Places in B may be below 0: it may begin before the slice.
func (t *Taps[T]) check(m, n int, c []T, ldc int) {
	if m == 0 {
		return
	}
	pairs, more := t.Table.Pairs, max(1, t.Table.Run)-1
	ok := t.N > 0 && len(pairs)%2 == 0 && len(c) >= (m-1)*ldc+n && (t.Bias == nil || len(t.Bias) > (m-1)*t.LdA)
	if k := len(pairs); ok && k > 0 {
		ok = len(t.A) > (t.N-1)*t.StepA+(m-1)*t.LdA+int(pairs[k-2])+more && len(t.B) >= (t.N-1)*t.StepB+int(pairs[k-1])+max(0, more*t.Table.Step)+n
	}
	if !ok {
		panic("kernel: ProductTaps: matrices that are longer than their data")
	}
}

// ProductTaps sets C, m rows and so many vectors, 1 or 2, or adds to it. Sums are in the
// order of N and the table, whatever m and the runs of the table, which are for 2 vectors alone.
func ProductTaps[T Float](t *Taps[T], m, vectors int, accumulate bool, c []T, ldc int) {
	g := tapsOf[T]()
	t.check(m, vectors*g.lanes, c, ldc)
	size, add := SizeOf[T](), 0
	if accumulate {
		add = 1
	}
	var table *int32
	if len(t.Table.Pairs) > 0 {
		table = &t.Table.Pairs[0]
	}
	if m == 0 {
		return
	}
	k, run := len(t.Table.Pairs)/2, t.Table.Run
	switch {
	case k == 0:
		run = 1
	case run > 1 && (vectors != 2 || run > maxRun || g.runs[run] == nil):
		panic("kernel: ProductTaps: runs of terms that there is no kernel for")
	}
	rows := cutRows(m, g.rows)
	for r, i := 0, 0; r < rows.blocks; r++ {
		h := rows.of(r)
		var bias *T
		if t.Bias != nil {
			bias = &t.Bias[i*t.LdA]
		}
		if run > 1 {
			g.runs[run][h](t.N, t.StepA*size, t.StepB*size, k, table, &t.A[i*t.LdA], t.LdA*size, &t.B[0], t.Table.Step*size,
				&c[i*ldc], ldc*size, bias, add)
		} else {
			g.taps[vectors-1][h](t.N, t.StepA*size, t.StepB*size, k, table, &t.A[i*t.LdA], t.LdA*size, &t.B[0],
				&c[i*ldc], ldc*size, bias, add)
		}
		i += h
	}
}
