package oracles

import (
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// TestSpent: solvers tell of their factorisations, with the multiply-adds that docs/math.md counts,
// which are among those of all; and of their passes.
func TestSpent(t *testing.T) {
	const n, rank = 40, 8
	for _, c := range []struct {
		solver Solver
		adds   int64
	}{
		{Cholesky{}, n * n * n / 6},
		{Nystrom{Rank: rank}, 13*rank*rank*n/2 + rank*rank*rank/6 + rank*rank*rank + 9*rank*rank*rank/2},
		{SDD{Batch: 8, LearningRate: 1, Momentum: 0.9, Averaging: 10}, 0},
		{CG{}, 0},
	} {
		sys, b := systemWith(powerLaw(n, 1), 10)
		c.solver.Abilities().System(n, 1, 5, nil).Solve(sys, make([]float64, n), b, Stop{Iterations: 5})
		f := sys.factored
		if f.MultiplyAdds != c.adds || f.MultiplyAdds > sys.Counters.MultiplyAdds || (f.Time > 0) != (c.adds > 0) {
			t.Errorf("%T: factorisations took %+v, want %d multiply-adds; all took %d", c.solver, f, c.adds, sys.Counters.MultiplyAdds)
		}
		if !(sys.passes > 0 && sys.products > 0) {
			t.Errorf("%T: passes took %v, products %v", c.solver, sys.passes, sys.products)
		}
	}
}

// TestSharedCoordinates: the loops of sdd that threads share make the same bits on any number of them.
func TestSharedCoordinates(t *testing.T) {
	const n, iterations = 600, 4 // three chunks of columns, and many of rows
	solver := SDD{Batch: 64, LearningRate: 1, Momentum: 0.9, Averaging: 3}
	if chunks := (n*solver.Batch + shared - 1) / shared; chunks < 3 {
		t.Fatalf("only %d chunks of columns", chunks)
	}
	k := powerLaw(n, 1)
	var first []float64
	for _, threads := range []int{1, 2, 3} {
		pool := tensor.NewPool(threads)
		sys, b := systemWith(k, 10)
		x := make([]float64, n)
		out := solver.Abilities().System(n, 1, iterations, pool).Solve(sys, x, b, Stop{Iterations: iterations})
		pool.Close()
		if out.Iterations != iterations {
			t.Fatalf("%d threads: %+v", threads, out.Reason)
		}
		if first == nil {
			first = x
		}
		if !slices.Equal(x, first) {
			t.Errorf("%d threads: other bits than on one", threads)
		}
	}
}
