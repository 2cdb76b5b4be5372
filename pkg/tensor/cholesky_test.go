package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
)

// spd returns B Bᵀ + shift I, n x n.
func spd(rng *rand.Rand, n int, shift float64) Matrix[float64] {
	b, a := New[float64](n, n), New[float64](n, n)
	for i := range b.Data {
		b.Data[i] = rng.NormFloat64()
	}
	Gemm(nil, NoTrans, Trans, 1, b, b, 0, a)
	for i := range n {
		a.Data[i*n+i] += shift
	}
	return a
}

// TestCholesky compares factor and solution with gonum's, below, at and above
// the sizes of blocks, and checks that threads change nothing.
func TestCholesky(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pool := NewPool(2)
	defer pool.Close()
	for _, n := range []int{0, 1, 2, 10, 16, 17, 63, 64, 65, 130, 257, 700} {
		a := spd(rng, n, 0.1)
		var want mat.Cholesky
		var upper mat.TriDense
		if n > 0 {
			if !want.Factorize(mat.NewSymDense(n, append([]float64(nil), a.Data...))) {
				t.Fatal("gonum: not positive definite")
			}
			want.UTo(&upper)
		}
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		b := make([]float64, n)
		for i := range b {
			b[i] = Dot(nil, a.Row(i), x)
		}
		other := View(n, n, append([]float64(nil), a.Data...))
		if !Cholesky(nil, a) || !Cholesky(pool, other) {
			t.Fatalf("n = %d: said not to be positive definite", n)
		}
		for i := range n {
			for j := range i + 1 {
				if w := upper.At(j, i); math.Abs(a.At(j, i)-w) > 1e-9*(1+math.Abs(w)) {
					t.Fatalf("n = %d: U[%d][%d] = %g, want %g", n, j, i, a.At(j, i), w)
				}
				if a.At(j, i) != other.At(j, i) {
					t.Fatalf("n = %d: two threads give other bits", n)
				}
			}
		}
		CholeskySolve(a, b)
		for i := range b {
			if math.Abs(b[i]-x[i]) > 1e-6 {
				t.Fatalf("n = %d: x[%d] = %g, want %g", n, i, b[i], x[i])
			}
		}
	}
}

func TestCholeskyAllocatesNothing(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	a := spd(rand.New(rand.NewPCG(1, 2)), 150, 1)
	work := New[float64](150, 150)
	factor := func() {
		copy(work.Data, a.Data)
		Cholesky(pool, work)
	}
	factor()
	if n := testing.AllocsPerRun(5, factor); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func TestCholeskyIndefinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, bad := range []float64{-1, 0, math.NaN(), math.Inf(1)} {
		a := spd(rng, 100, 0)
		a.Set(80, 80, bad)
		if Cholesky(nil, a) {
			t.Errorf("a diagonal of %g passes as positive definite", bad)
		}
	}
}

func BenchmarkCholesky(b *testing.B) {
	for _, n := range []int{10, 64, 128, 256, 1280, 3500} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("n=%d/threads=%d", n, threads), func(b *testing.B) {
				pool := NewPool(threads)
				defer pool.Close()
				a := spd(rand.New(rand.NewPCG(1, 2)), n, 1)
				work := New[float64](n, n)
				var spent time.Duration // without the copies
				for b.Loop() {
					copy(work.Data, a.Data)
					start := time.Now()
					Cholesky(pool, work)
					spent += time.Since(start)
				}
				b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/factor")
				b.ReportMetric(2*float64(n)*float64(n)*float64(n)/6/1e9*float64(b.N)/spent.Seconds(), "GFLOP/s")
			})
		}
	}
}
