package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestOrthonormal(t *testing.T) {
	testOrthonormal[float64](t, 1e-13)
	testOrthonormal[float32](t, 2e-5)
}

// testOrthonormal: Q Qᵀ = I, and A Qᵀ is a lower triangle; of matrices without full rank too.
func testOrthonormal[T Float](t *testing.T, tolerance float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	pool := NewPool(3)
	defer pool.Close()
	for _, n := range []int{1, 2, 5, 31, 32, 33, 100, 161} {
		for _, rank := range []int{n, n / 2, 0} {
			l, r := New[T](n, rank), New[T](rank, n)
			for i := range l.Data {
				l.Data[i], r.Data[i] = T(rng.NormFloat64()), T(rng.NormFloat64())
			}
			a := New[T](n, n)
			Gemm(nil, NoTrans, NoTrans, 1, l, r, 0, a)
			if n > 2 && rank == n/2 {
				clear(a.Row(1))
			}
			q, again := View(n, n, slices.Clone(a.Data)), View(n, n, slices.Clone(a.Data))
			o := NewOrthonormal[T](n)
			o.Rows(nil, q)
			o.Rows(pool, again)
			if !slices.Equal(q.Data, again.Data) {
				t.Errorf("%d x %d: three threads give other bits than one", n, n)
			}
			one, lower := New[T](n, n), New[T](n, n)
			Gemm(nil, NoTrans, Trans, 1, q, q, 0, one)
			Gemm(nil, NoTrans, Trans, 1, a, q, 0, lower)
			for i := range n {
				for j := range n {
					want := 0.0
					if i == j {
						want = 1
					}
					if math.Abs(float64(one.At(i, j))-want) > tolerance {
						t.Fatalf("%d x %d of rank %d: rows %d and %d have the product %g", n, n, rank, i, j, one.At(i, j))
					}
					if j > i && math.Abs(float64(lower.At(i, j))) > tolerance*float64(n) {
						t.Fatalf("%d x %d of rank %d: A Qᵀ has %g at %d, %d", n, n, rank, lower.At(i, j), i, j)
					}
				}
			}
			if n := testing.AllocsPerRun(2, func() { o.Rows(pool, again) }); n != 0 {
				t.Errorf("%g allocations", n)
			}
		}
	}
}
