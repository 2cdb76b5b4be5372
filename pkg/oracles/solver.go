package oracles

import (
	"fmt"
	"strings"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Solver is an inner solver with its options. What it can do is what it
// implements of [SystemSolver], [NewtonSolver], [PrimalSolver] and [BoxSolver].
type Solver any

// A SystemSolver solves the dual system of Gauss-Newton.
type SystemSolver interface {
	// System returns a solver of systems of at most n = m k unknowns, for at
	// most budget iterations.
	System(n, k, budget int, pool *tensor.Pool) Linear
}

// A NewtonSolver solves the systems of a Newton method, one after the other:
// afterwards [System] holds K L x.
type NewtonSolver interface {
	SystemSolver
	Newton()
}

// A PathSolver solves one dual system for many gammas.
type PathSolver interface {
	SystemSolver
	Path(n, budget int) Path
}

// A WarmSolver starts from what [System] is told to start from.
type WarmSolver interface {
	SystemSolver
	Warm()
}

// A PrimalSolver solves systems of p unknowns, in at most budget iterations each.
type PrimalSolver interface {
	Primal32(p, budget int, pool *tensor.Pool) PrimalLinear[float32]
	Primal64(p, budget int, pool *tensor.Pool) PrimalLinear[float64]
}

// A BoxSolver maximises the dual of prox-linear for losses whose conjugates
// have a box for their domain.
type BoxSolver interface {
	Box(n int) BoxAscent
}

// A Former holds K itself, of (m k)² numbers.
type Former interface {
	Forms()
}

// Linear solves A x = b for the A of a [System].
type Linear interface {
	// Solve overwrites x, of length m k. It starts from 0, or from the x it is
	// given if stop.Warm is set.
	Solve(sys *System, x, b []float64, stop Stop) Solution
}

// PrimalLinear solves the system of a [PrimalSystem].
type PrimalLinear[T tensor.Float] interface {
	// Solve overwrites x, of length p, starting from 0. It returns b·x with the
	// solution.
	Solve(sys *PrimalSystem[T], x, b []T, stop Stop) (s Solution, bx float64)
}

// Stop says when a solver has done enough.
type Stop struct {
	Iterations int
	Tolerance  float64 // of |b - A x|/|b|; 0: never
	Gap        float64 // of |b - A x|, at which the duality gap is small enough; 0: never
	Warm       bool    // start from the x given
	Trace      *Trace  // is told of every iterate, if not nil
}

// A Solution says how a solve ended.
type Solution struct {
	Iterations       int
	Reason           string // one of the Stopped constants
	RelativeResidual float64
	Residual         float64   // |b - A x|
	Vector           []float64 // b - A x in the dual, valid until the next solve
}

// Why an inner solve ended.
const (
	StoppedBudget     = "budget"
	StoppedTolerance  = "tolerance"
	StoppedGap        = "gap"
	StoppedExact      = "exact"       // the residual is 0, but for rounding
	StoppedIndefinite = "indefinite"  // v·A v is not positive
	StoppedRounding   = "rounding"    // the precision does not resolve what was asked for
	StoppedSlope      = "slope"       // rounding would have made it no descent direction
	StoppedStalled    = "stalled"     // no step along the Newton direction lowers the model
	StoppedNoDecrease = "no_decrease" // no iterate is below the start: the gradient step
	StoppedNonFinite  = "non_finite"  // a NaN or an infinity
	StoppedGradient   = "gradient"    // nothing to solve: no iterations, or a zero gradient
)

// Solvers is the table of inner solvers.
var Solvers = registry.Table[Solver]{Kind: "solver"}

// automatic is the choice of a solver by the loss.
const automatic = "auto"

// A SolverChoice is a solver in a config: its name, or a mapping with options;
// "auto" is the zero value.
type SolverChoice struct{ registry.Choice[Solver] }

var _ strict.Unmarshaler = (*SolverChoice)(nil)

func (c *SolverChoice) UnmarshalStrict(v strict.Value) (err error) {
	if name, _ := v.Text(); name == automatic {
		*c = SolverChoice{}
		return nil
	}
	c.Choice, err = Solvers.Decode(v)
	return err
}

// MarshalYAML returns what UnmarshalStrict reads.
func (c SolverChoice) MarshalYAML() (any, error) {
	if c.IsZero() {
		return automatic, nil
	}
	return c.Choice.MarshalYAML()
}

// A job is what an oracle asks of a solver.
type job struct {
	what string // completes "serves ..."
	can  func(Solver) bool
}

func can[T any](s Solver) bool { _, ok := s.(T); return ok }

// The jobs there are.
var (
	jobSystem = job{"gauss_newton in the dual (every loss but hinge)", can[SystemSolver]}
	jobNewton = job{"prox_linear in the dual with smooth losses (logistic, squared, binary_logistic)", can[NewtonSolver]}
	jobPrimal = job{"gauss_newton (every loss but hinge) and prox_linear (logistic, squared, binary_logistic) in the primal", can[PrimalSolver]}
	jobBox    = job{"prox_linear in the dual with losses whose dual has a box (hinge, squared_hinge, huber)", can[BoxSolver]}
)

// Serves says what a solver can do, for people.
func Serves(s Solver) []string {
	var out []string
	for _, j := range []job{jobSystem, jobNewton, jobPrimal, jobBox} {
		if j.can(s) {
			out = append(out, j.what)
		}
	}
	return out
}

// able returns the names of the solvers that can do something.
func able(can func(Solver) bool) (names []string) {
	for _, name := range Solvers.Names() {
		if can(Solvers.Default(name).Must()) {
			names = append(names, name)
		}
	}
	return names
}

// check returns an error about the key solver unless the choice can do a job.
func (c SolverChoice) check(j job) error {
	if j.can(c.Must()) {
		return nil
	}
	return strict.Field("solver", "%s serves %s; for %s take one of %s", c.Name, strings.Join(Serves(c.Must()), ", and "), j.what, strings.Join(able(j.can), ", "))
}

func (s Solution) String() string {
	return fmt.Sprintf("%d iterations, %s, relative residual %.3g", s.Iterations, s.Reason, s.RelativeResidual)
}
