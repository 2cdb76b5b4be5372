package oracles

import (
	"fmt"
	"math"
	"strings"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Solver is an inner solver with its options.
type Solver interface {
	Abilities() Abilities
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
	Gap        float64 // value of |b - A x| at which the duality gap is as small as asked; 0: never
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
	StoppedDiverged   = "diverged"    // iterates grew beyond all bounds, as with too large a learning_rate of sdd
	StoppedNoDecrease = "no_decrease" // no iterate is below the start: the gradient step
	StoppedNonFinite  = "non_finite"  // a NaN or an infinity
	StoppedGradient   = "gradient"    // nothing to solve: no iterations, or a zero gradient
)

// Jitter ends the stop reason of a [Report] where rounding made a system A indefinite, and A + delta I
// was factored in its place: StoppedExact + Jitter as a rule, but any reason may come before it, also
// that of a gradient step, except for StoppedIndefinite and StoppedNonFinite. Such a solve does not
// claim to be accurate.
const Jitter = "+jitter"

// finite reports whether v is neither a NaN nor an infinity.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

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

func (c SolverChoice) abilities() Abilities { return c.Must().Abilities() }

// check returns an error about the key solver unless the choice can do a job.
func (c SolverChoice) check(j job) error {
	if j.can(c.abilities()) {
		return nil
	}
	return strict.Field("solver", "%s serves %s; for %s take one of %s", c.Name, strings.Join(Serves(c.Must()), ", and "), j, strings.Join(able(j.can), ", "))
}

// newPrimalSolver returns a solver of systems of p unknowns.
func newPrimalSolver[T tensor.Float](c SolverChoice, o Inner, at Site) PrimalLinear[T] {
	return tensor.InstanceOf[func(p, budget int, pool *tensor.Pool) PrimalLinear[T]](c.abilities().Primal)(at.Dims.Weights, o.InnerIterations, at.Pool)
}

func (s Solution) String() string {
	return fmt.Sprintf("%d iterations, %s, relative residual %.3g", s.Iterations, s.Reason, s.RelativeResidual)
}
