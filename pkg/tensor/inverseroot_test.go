package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// spectrum returns Q diag(l) Qᵀ for an orthogonal Q drawn by chance.
func spectrum(rng *rand.Rand, l []float64) Matrix[float64] {
	n := len(l)
	g := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			g.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	var q, d, a mat.Dense
	qr.Factorize(g)
	qr.QTo(&q)
	d.Mul(&q, mat.NewDiagDense(n, l))
	a.Mul(&d, q.T())
	out := New[float64](n, n)
	for i := range n {
		for j := range n {
			out.Set(i, j, (a.At(i, j)+a.At(j, i))/2)
		}
	}
	return out
}

// TestInverseRoot compares with roots by eigenvalues, which are known.
func TestInverseRoot(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pool := NewPool(3)
	defer pool.Close()
	for _, n := range []int{1, 2, 7, 64, 130} {
		for _, condition := range []float64{1, 1e3, 1e8} {
			for _, size := range []float64{1e-20, 1, 1e20} {
				l := make([]float64, n)
				for i := range l {
					l[i] = size * math.Pow(condition, -float64(i)/float64(max(1, n-1)))
				}
				a := spectrum(rng, l)
				for _, p := range []int{2, 4} {
					x, again := View(n, n, slices.Clone(a.Data)), View(n, n, slices.Clone(a.Data))
					r := NewInverseRoot(n)
					if _, ok := r.Root(nil, x, p); !ok {
						t.Fatalf("no root %d of %d x %d with condition number %g", p, n, n, condition)
					}
					r.Root(pool, again, p)
					if !slices.Equal(x.Data, again.Data) {
						t.Error("three threads give other bits than one")
					}
					// X^p A = I, and what rounding of A, times the condition number, leaves.
					y := View(n, n, slices.Clone(a.Data))
					for range p {
						z := New[float64](n, n)
						Gemm(nil, NoTrans, NoTrans, 1, x, y, 0, z)
						y = z
					}
					for i := range n {
						for j := range n {
							want := 0.0
							if i == j {
								want = 1
							}
							if d := math.Abs(y.At(i, j) - want); d > 1e-12*(10+condition) {
								t.Fatalf("root %d, %d x %d, condition number %g, size %g: X^p A has %g at %d, %d", p, n, n, condition, size, y.At(i, j), i, j)
							}
						}
					}
				}
			}
		}
	}
}

// TestNoInverseRoot: what has none is told, and left as it was.
func TestNoInverseRoot(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	nan := spectrum(rng, []float64{1, 2, 3})
	nan.Set(1, 1, math.NaN())
	inf := spectrum(rng, []float64{1, 2, 3})
	inf.Set(2, 0, math.Inf(1))
	for i, a := range []Matrix[float64]{New[float64](3, 3), spectrum(rng, []float64{1, 0, 2}), spectrum(rng, []float64{1, -1, 2}), nan, inf} {
		before := fmt.Sprint(a.Data)
		if _, ok := NewInverseRoot(3).Root(nil, a, 4); ok {
			t.Errorf("matrix %d has a root", i)
		}
		if fmt.Sprint(a.Data) != before {
			t.Errorf("matrix %d was changed", i)
		}
	}
}

// TestInverseRootIterations: scaled, the iteration takes half as many steps for ill-conditioned matrices as
// its plain form, which takes 20 for a root of -1/4 of condition number 1e6, and 23 for one of -1/2.
func TestInverseRootIterations(t *testing.T) {
	const n = 40
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		condition float64
		most      map[int]int64 // by p
	}{{1, map[int]int64{2: 6, 4: 6}}, {10, map[int]int64{2: 8, 4: 7}}, {1e3, map[int]int64{2: 10, 4: 9}}, {1e6, map[int]int64{2: 14, 4: 13}}, {1e10, map[int]int64{2: 19, 4: 17}}} {
		l := make([]float64, n)
		for i := range l {
			l[i] = math.Pow(c.condition, -float64(i)/(n-1))
		}
		a := spectrum(rng, l)
		for p, most := range c.most {
			adds, ok := NewInverseRoot(n).Root(nil, View(n, n, slices.Clone(a.Data)), p)
			products := map[int]int64{2: 3, 4: 4}[p]
			if steps := (adds - n*n*n/6 - powerSteps*n*n) / (products * n * n * (n + 1) / 2); !ok || steps > most {
				t.Errorf("root %d, condition number %g: %d steps, want at most %d", p, c.condition, steps, most)
			}
		}
	}
}
