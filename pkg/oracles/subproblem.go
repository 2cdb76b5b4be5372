package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Batch is a mini-batch of m examples, linearized at the current weights:
// h(w) = (1/m) Σ omega_i loss_i(f_i(w)).
type Batch[T tensor.Float] struct {
	Jacobian[T]                        // outputs f(w) and J = df(w)
	Targets     tensor.Matrix[float64] // m x k

	// Omega are the weights of the examples, omega_i >= 0; nil stands for 1
	// everywhere.
	Omega []float64

	// Examples tells the examples apart from step to step, for oracles that
	// remember them; nil stands for 0, 1, ..., m-1.
	Examples []int
}

// A Subproblem is what an oracle finds a direction for: a model of h made of the gradient on
// one mini-batch and the curvature on one.
type Subproblem[T tensor.Float] struct {
	Loss losses.Loss

	// Gradient is the mini-batch whose gradient the model has.
	Gradient Batch[T]

	// Curvature is the mini-batch whose curvature it has, of other examples or other
	// weights of the same; nil: that of the gradient. Both are linearized at the same w.
	// Oracles that are to take it from another have one, see [CurvatureBatch]; others panic if
	// there are two.
	Curvature *Batch[T]

	Time  schedules.Time // where the run stands, for options that vary in time
	Trace *Trace         // is overwritten with the course of the inner solve, if not nil

	// Gamma, if not 0, takes the place of the oracle's own, which then does not adapt; an
	// oracle that searches for its gamma goes on to do so.
	Gamma float64

	// Iterations, if not 0, is the budget of inner iterations of this call; no more than
	// the oracle's own, which its work space is made for.
	Iterations int
}

// losses returns the losses of the gradient's examples, with their weights.
func (p *Subproblem[T]) losses() losses.Weighted {
	return losses.Weighted{Loss: p.Loss, Omega: p.Gradient.Omega}
}

// oneBatch returns the mini-batch of a problem, for oracles that take gradient and
// curvature from one. It panics if there are two.
func (p *Subproblem[T]) oneBatch() *Batch[T] {
	if p.Curvature != nil && p.Curvature != &p.Gradient {
		panic("oracles: this oracle takes gradient and curvature from one mini-batch; Subproblem.Curvature must be nil")
	}
	return &p.Gradient
}

// newReport returns a report of nothing known yet.
func newReport(weightDecay float64) Report {
	nan := math.NaN()
	return Report{WeightDecay: weightDecay, RelativeResidual: nan, GradNorm: nan, Slope: nan, ModelChange: nan, Gap: nan, Primal: nan}
}
