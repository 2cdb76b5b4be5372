package oracles

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Solver solves the linear systems of oracles iteratively, from x = 0.
type Solver interface {
	// Dual returns a solver of systems of n unknowns in float64, for at most
	// budget iterations.
	Dual(n, budget int) DualSolver
	// Primal32 and Primal64 return solvers of systems of p unknowns.
	Primal32(p int, pool *tensor.Pool) PrimalSolver[float32]
	Primal64(p int, pool *tensor.Pool) PrimalSolver[float64]
}

// A DualSolver solves A x = b for a symmetric positive definite A of at most
// the n it was made for.
type DualSolver interface {
	// Solve overwrites x. The function apply sets dst = A v. After each
	// iteration accept is told b·x, and says whether x may be returned; the
	// last x that it accepted is.
	Solve(x, b []float64, apply func(dst, v []float64), stop Stop, accept func(bx float64) bool) Solution
}

// A PrimalSolver is the same for vectors of length p.
type PrimalSolver[T tensor.Float] interface {
	// Solve overwrites x, and returns b·x with the solution.
	Solve(x, b []T, apply func(dst, v []T), stop Stop) (s Solution, bx float64)
}

// Stop says when a solver has done enough.
type Stop struct {
	Iterations int
	Tolerance  float64 // of |b - A x|/|b|; 0: never
}

// A Solution says how a solve ended.
type Solution struct {
	Iterations       int
	Reason           string // one of the Stopped constants
	RelativeResidual float64
}

// Why an inner solve ended.
const (
	StoppedBudget     = "budget"
	StoppedTolerance  = "tolerance"
	StoppedExact      = "exact"      // the residual is 0, but for rounding
	StoppedIndefinite = "indefinite" // v·A v is not positive
	StoppedSlope      = "slope"      // rounding would have made it no descent direction
	StoppedNonFinite  = "non_finite" // a NaN or an infinity
	StoppedGradient   = "gradient"   // nothing to solve: no iterations, or a zero gradient
)

// Solvers is the table of inner solvers.
var Solvers = registry.Table[Solver]{Kind: "solver"}

// A SolverChoice is a solver in a config: its name, or a mapping with options.
type SolverChoice struct{ registry.Choice[Solver] }

var _ strict.Unmarshaler = (*SolverChoice)(nil)

func (c *SolverChoice) UnmarshalStrict(v strict.Value) (err error) {
	c.Choice, err = Solvers.Decode(v)
	return err
}
