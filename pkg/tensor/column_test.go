package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestColumn: a product with one column is what it is defined to be, finished as it is asked, and has the same bits with
// any number of threads and for some of its rows alone.
func TestColumn(t *testing.T) {
	pool := NewPool(3)
	defer pool.Close()
	t.Run("float32", rapid.MakeCheck(func(t *rapid.T) { testColumn[float32](t, pool, 3e-6) }))
	t.Run("float64", rapid.MakeCheck(func(t *rapid.T) { testColumn[float64](t, pool, 1e-14) }))
}

func testColumn[T Float](t *rapid.T, pool *Pool, tol float64) {
	m, k := rapid.SampledFrom([]int{1, 2, 7, 64, 3000}).Draw(t, "m"), rapid.SampledFrom([]int{0, 1, 3, 64, 129, 900}).Draw(t, "k")
	tb := Transpose(rapid.Bool().Draw(t, "tb"))
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	gap := rapid.SampledFrom([]int{0, 0, 2})
	a := randomMatrix[T](rng, m, k, gap.Draw(t, "gap of A"))
	b := randomMatrix[T](rng, k, 1, gap.Draw(t, "gap of B"))
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
	alpha := T(rapid.SampledFrom([]float64{1, -0.5, 0}).Draw(t, "alpha"))
	f := Finish[T]{Rectify: rapid.Bool().Draw(t, "rectify"), Bias: []T{0.3}}
	want := naive(NoTrans, tb, alpha, a, b, beta, c)
	one, three, few := clone(c), clone(c), clone(c)
	GemmFinish(nil, NoTrans, tb, alpha, a, b, beta, one, f)
	GemmFinish(pool, NoTrans, tb, alpha, a, b, beta, three, f)
	rows := (m + 1) / 2
	GemmFinish(nil, NoTrans, tb, alpha, a.RowRange(0, rows), b, beta, few.RowRange(0, rows), f)
	same := func(a, b T) bool { return a == b || a != a && b != b } // what lies between rows are NaNs
	if !slices.EqualFunc(one.Data, three.Data, same) {
		t.Fatal("the bits depend on threads")
	}
	// Elsewhere a few rows are made by a plain loop, which rounds in other places.
	pass := alpha == 1 && beta != 0.25 && c.Stride == 1 && (bool(tb) || b.Stride == 1 || k == 1)
	if pass && !slices.EqualFunc(one.RowRange(0, rows).Data, few.RowRange(0, rows).Data, same) {
		t.Fatal("the bits depend on rows besides")
	}
	for i := range m {
		v := want[i][0] + 0.3
		if f.Rectify {
			v = max(v, 0)
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
