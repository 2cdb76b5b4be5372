package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
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

// TestCholesky holds U to Uᵀ U = A and solutions to A x = b, of every size up to some bands
// and of some around panels, with rows near each other and apart. The lower triangle is NaN:
// nothing of it may reach U.
func TestCholesky(t *testing.T) {
	pools := []*Pool{nil, NewPool(2), NewPool(3)}
	for _, p := range pools {
		defer p.Close()
	}
	sizes := []int{257, 383, 384, 385, 500, 700}
	for n := range 201 {
		sizes = append(sizes, n)
	}
	eachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, n := range sizes {
			gap := n % 3
			sym := spd(rng, n, 0.1)
			b := make([]float64, n)
			for i := range b {
				b[i] = rng.NormFloat64()
			}
			var first Matrix[float64]
			var solved []float64
			for threads, p := range pools {
				a := Matrix[float64]{n, n, n + gap, make([]float64, n*(n+gap))}
				for i := range a.Data {
					a.Data[i] = math.NaN()
				}
				for i := range n {
					copy(a.Row(i)[i:], sym.Row(i)[i:])
				}
				if !Cholesky(p, a) {
					t.Fatalf("n = %d: said not to be positive definite", n)
				}
				x := slices.Clone(b)
				CholeskySolve(p, a, x)
				for i := range n {
					for _, v := range a.Data[i*a.Stride:][n:a.Stride] {
						if !math.IsNaN(v) {
							t.Fatalf("n = %d: writes behind row %d", n, i)
						}
					}
				}
				if threads == 0 {
					first, solved = a, x
					continue
				}
				for i := range n {
					if !slices.Equal(a.Row(i)[i:], first.Row(i)[i:]) || x[i] != solved[i] {
						t.Fatalf("n = %d: %d threads give other bits in row %d", n, threads+1, i)
					}
				}
			}
			upper := New[float64](n, n)
			for i := range n {
				copy(upper.Row(i)[i:], first.Row(i)[i:])
			}
			product := New[float64](n, n)
			Gemm(nil, Trans, NoTrans, 1, upper, upper, 0, product)
			for i := range n {
				// |A - Uᵀ U| is within (n + 1) eps |U|ᵀ |U|, whose elements are at most roots of products of A's diagonal.
				for j := i; j < n; j++ {
					size := math.Sqrt(sym.At(i, i) * sym.At(j, j))
					if e := math.Abs(product.At(i, j) - sym.At(i, j)); !(e <= 0x1p-52*float64(n+4)*size) {
						t.Fatalf("n = %d: Uᵀ U is %g away at (%d, %d)", n, e, i, j)
					}
				}
				residual, size := b[i]-Dot(nil, sym.Row(i), solved), math.Abs(b[i])
				for j, v := range sym.Row(i) {
					size += math.Abs(v * solved[j])
				}
				if !(math.Abs(residual) <= 0x1p-50*float64(n+4)*size) {
					t.Fatalf("n = %d: the residual of equation %d is %g", n, i, residual)
				}
			}
		}
	})
}

func TestCholeskyAllocatesNothing(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	const n = 500
	a, x := spd(rand.New(rand.NewPCG(1, 2)), n, 1), make([]float64, n)
	work := New[float64](n, n)
	factor := func() {
		copy(work.Data, a.Data)
		Cholesky(pool, work)
		CholeskySolve(pool, work, x)
	}
	factor()
	if n := testing.AllocsPerRun(5, factor); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

// TestCholeskyIndefinite: a matrix that is not positive definite is told, wherever that shows,
// and so is one with numbers that are not finite.
func TestCholeskyIndefinite(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	eachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		sizes := []int{1, 2, 8, 15, 16, 17, 24, 70, 100}
		if !testing.Short() {
			sizes = append(sizes, 390)
		}
		for _, n := range sizes {
			a, work := spd(rng, n, 1), New[float64](n, n)
			for i := range n {
				for _, bad := range []float64{-1, 0, math.NaN(), math.Inf(1), math.Inf(-1)} {
					for _, j := range []int{i, n - 1} {
						if j > i && bad <= 0 && !math.IsInf(bad, 0) || (n > 100 || testing.Short()) && i%17 > 0 {
							continue
						}
						for _, p := range []*Pool{nil, pool} {
							copy(work.Data, a.Data)
							work.Set(i, j, bad)
							if Cholesky(p, work) {
								t.Errorf("n = %d, %d threads: a matrix with %g at (%d, %d) passes as positive definite", n, p.Threads(), bad, i, j)
							}
						}
					}
				}
			}
			clear(work.Data)
			if Cholesky(nil, work) {
				t.Errorf("n = %d: 0 passes as positive definite", n)
			}
		}
	})
}

// eachSize runs a benchmark with positive definite matrices, on one thread and on two.
func eachSize(b *testing.B, run func(b *testing.B, pool *Pool, a Matrix[float64])) {
	for _, n := range []int{10, 64, 128, 256, 1280, 3500} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("n=%d/threads=%d", n, threads), func(b *testing.B) {
				pool := NewPool(threads)
				defer pool.Close()
				run(b, pool, spd(rand.New(rand.NewPCG(1, 2)), n, 1))
			})
		}
	}
}

func BenchmarkCholesky(b *testing.B) {
	eachSize(b, func(b *testing.B, pool *Pool, a Matrix[float64]) {
		n := a.Rows
		work := Matrix[float64]{n, n, FactorStride(n), make([]float64, n*FactorStride(n))}
		var spent time.Duration // without the copies
		for b.Loop() {
			for i := range n {
				copy(work.Row(i), a.Row(i))
			}
			start := time.Now()
			Cholesky(pool, work)
			spent += time.Since(start)
		}
		b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/factor")
		b.ReportMetric(2*float64(n)*float64(n)*float64(n)/6/1e9*float64(b.N)/spent.Seconds(), "GFLOP/s")
	})
}

func BenchmarkCholeskySolve(b *testing.B) {
	eachSize(b, func(b *testing.B, pool *Pool, a Matrix[float64]) {
		Cholesky(pool, a)
		x := make([]float64, a.Rows)
		for b.Loop() {
			for i := range x {
				x[i] = 1
			}
			CholeskySolve(pool, a, x)
		}
	})
}

// TestFactorSpace: no matrix takes more than is said, beside kernels of any size.
func TestFactorSpace(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, n := range []int{1, 16, 63, 100, 383, 384, 385, 500} {
			pool := NewPool(1)
			a := Matrix[float64]{n, n, FactorStride(n), make([]float64, n*FactorStride(n))}
			for i := range n {
				a.Set(i, i, 1)
			}
			if !Cholesky(pool, a) {
				t.Fatalf("n = %d: an identity is not positive definite", n)
			}
			g := argsOf[float64](pool)
			held, said := len(a.Data)+len(g.factor.space)+len(g.factor.last), FactorSpace(n)
			if held > said || float64(said) > 1.25*float64(held)+2000 {
				t.Errorf("n = %d: %d numbers are held, %d said", n, held, said)
			}
			pool.Close()
		}
	})
}
