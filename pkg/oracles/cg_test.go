package oracles

import (
	"math"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// thirds is a preconditioner diag(1, 2, 3, 1, ...).
type thirds struct{}

func (thirds) prepare(*System) string { return "" }
func (thirds) solve(z, r []float64) {
	for i, v := range r {
		z[i] = v / float64(1+i%3)
	}
}

// TestResidualsStayOrthogonal: at a condition of 1e9 the residuals of conjugate gradients, which are
// orthogonal in the metric of the preconditioner, and the basis of Lanczos stay so over a hundred
// iterations, where those of plain recurrences would not.
func TestResidualsStayOrthogonal(t *testing.T) {
	const n, budget = 200, 100
	k := powerLaw(n, 4)
	orthonormal := func(name string, zs, rs []float64) {
		t.Helper()
		if len(zs) != len(rs) || len(rs) < n*budget/2 {
			t.Fatalf("%s: %d and %d numbers are kept", name, len(zs), len(rs))
		}
		worst := 0.0
		for i := 0; i < len(zs); i += n {
			for j := 0; j < len(rs); j += n {
				want := 0.0
				if i == j {
					want = 1
				}
				worst = max(worst, math.Abs(tensor.Dot(nil, zs[i:i+n], rs[j:j+n])-want))
			}
		}
		if !(worst < 1e-13) {
			t.Errorf("%s: Z Rᵀ differs from I by %.2g", name, worst)
		}
	}
	stop := Stop{Iterations: budget}
	x := make([]float64, n)

	sys, b := systemWith(k, 1e9)
	plain := newDualCG(n, budget, nil)
	plain.Solve(sys, x, b, stop)
	orthonormal("cg", plain.rs, plain.rs)

	sys, b = systemWith(k, 1e9)
	conditioned := newDualCG(n, budget, thirds{})
	conditioned.Solve(sys, x, b, stop)
	orthonormal("cg with a preconditioner", conditioned.zs, conditioned.rs)

	sys, b = systemWith(k, 1e9)
	path := newLanczosPath(n, budget)
	path.Build(sys, b, stop)
	orthonormal("lanczos", path.q, path.q)
}
