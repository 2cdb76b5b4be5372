package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// TestColumn: a product with one column is what it is defined to be, finished as it is asked, and has the same bits with
// any number of threads and for some of its rows alone.
func TestColumn(t *testing.T) {
	defer kernel.Use(kernel.Active())
	for _, isa := range kernel.Available() {
		kernel.Use(isa)
		for _, threads := range []int{1, 3} {
			pool := NewPool(threads)
			defer pool.Close()
			t.Run(isa.String()+"/float32", rapid.MakeCheck(func(t *rapid.T) { testColumn[float32](t, pool, 3e-6) }))
			t.Run(isa.String()+"/float64", rapid.MakeCheck(func(t *rapid.T) { testColumn[float64](t, pool, 1e-14) }))
		}
	}
}

func testColumn[T Float](t *rapid.T, pool *Pool, tol float64) {
	m, k := rapid.SampledFrom([]int{1, 2, 7, 64, 3000}).Draw(t, "m"), rapid.SampledFrom([]int{0, 1, 3, 64, 129, 900}).Draw(t, "k")
	ta, tb := Transpose(rapid.IntRange(0, 3).Draw(t, "ta") == 0), Transpose(rapid.Bool().Draw(t, "tb"))
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	gap := rapid.SampledFrom([]int{0, 0, 2})
	a, b := randomMatrix[T](rng, m, k, gap.Draw(t, "gap of A")), randomMatrix[T](rng, k, 1, gap.Draw(t, "gap of B"))
	if ta {
		a = randomMatrix[T](rng, k, m, 1)
	}
	if tb {
		b = randomMatrix[T](rng, 1, k, 2)
	}
	c := randomMatrix[T](rng, m, 1, gap.Draw(t, "gap of C"))
	beta := T(rapid.SampledFrom([]float64{0, 1, 0.25}).Draw(t, "beta"))
	if beta == 0 {
		for i := range m {
			c.Set(i, 0, T(math.NaN())) // must be overwritten
		}
	}
	alpha := T(rapid.SampledFrom([]float64{1, 1, -0.5, 0}).Draw(t, "alpha"))
	f := Finish[T]{Rectify: rapid.Bool().Draw(t, "rectify"), Bias: []T{0.3}}
	if rapid.Bool().Draw(t, "gate") {
		f.Gate = randomMatrix[T](rng, m, 1, 0)
	}
	want := naive(ta, tb, alpha, a, b, beta, c)
	one, more := clone(c), clone(c)
	GemmFinish(nil, ta, tb, alpha, a, b, beta, one, f)
	GemmFinish(pool, ta, tb, alpha, a, b, beta, more, f)
	same := func(a, b T) bool { return a == b || a != a && b != b } // what lies between rows are NaNs
	if !slices.EqualFunc(one.Data, more.Data, same) {
		t.Fatal("the bits depend on threads")
	}
	// Elsewhere a few rows are made by a plain loop, which rounds in other places.
	pass := ta == NoTrans && alpha == 1 && beta != 0.25 && c.Stride == 1 && (bool(tb) || b.Stride == 1 || k == 1)
	if rows := (m + 1) / 2; pass && f.Gate.IsZero() {
		few := clone(c).RowRange(0, rows)
		GemmFinish(nil, ta, tb, alpha, a.RowRange(0, rows), b, beta, few, f)
		if !slices.EqualFunc(one.RowRange(0, rows).Data, few.Data, same) {
			t.Fatal("the bits depend on rows besides")
		}
	}
	for i := range m {
		v := want[i][0] + 0.3
		if f.Rectify {
			v = max(v, 0)
		}
		if !f.Gate.IsZero() && f.Gate.At(i, 0) <= 0 {
			v = 0
		}
		if got := float64(one.At(i, 0)); !(math.Abs(got-v) <= tol*math.Sqrt(float64(k+1))*(1+math.Abs(want[i][0]))) {
			t.Fatalf("C[%d] = %g, want %g", i, got, v)
		}
		for _, between := range one.Data[i*one.Stride+1 : min(len(one.Data), (i+1)*one.Stride)] {
			if !math.IsNaN(float64(between)) {
				t.Fatalf("wrote between the rows, after row %d", i)
			}
		}
	}
}

// TestColumnSums: sums of a column are made in float64, and pass NaNs and infinities on.
func TestColumnSums(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	a := View(4, 3, []float32{1e8, 1, -1e8, inf, 1, 1, nan, 1, 1, inf, -inf, 0})
	c := New[float32](4, 1)
	Gemm(nil, NoTrans, NoTrans, 1, a, View(3, 1, []float32{1, 1, 1}), 0, c)
	if got := c.Data; got[0] != 1 || got[1] != inf || got[2] == got[2] || got[3] == got[3] {
		t.Errorf("the sums are %v, want 1, +Inf, NaN, NaN", got)
	}
}
