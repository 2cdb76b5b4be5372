// Package oracles answers "which direction d?" for one linearized mini-batch:
// each oracle minimises a convex model of the objective h plus the proximity
// term |d|²/(2 gamma).
package oracles

import (
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Problem is one mini-batch of m examples, linearized at the current
// weights: h(w) = (1/m) Σ loss_i(f_i(w)).
type Problem[T tensor.Float] struct {
	Z, Y tensor.Matrix[float64] // outputs f(w) and targets, m x k
	Lin  *nn.Linearization[T]   // J, the derivative of the outputs
	Loss losses.Loss
	Time schedules.Time // where the run stands, for options that vary in time
}

// An Oracle chooses a direction. It may hold buffers and state from call to
// call, so each run has its own.
type Oracle[T tensor.Float] interface {
	// Direction overwrites d, of length p, with the oracle's direction. It does
	// not fail: the report says how it ended.
	Direction(d []T, p *Problem[T]) Report

	// Diagnose completes the report of the call just made with what only the
	// log reads. It is called outside the clock, and costs nothing.
	Diagnose(r *Report, d []T, p *Problem[T])
}

// A Spec is an oracle with its options, not yet sized.
type Spec interface {
	// Check reports whether the oracle can serve a loss, with the alternatives
	// in the error if it cannot. It is called before any data are read.
	Check(loss losses.Loss) error

	// Bind32 and Bind64 return an oracle for at most m examples of network n.
	Bind32(n *nn.Net, m int, pool *tensor.Pool) Oracle[float32]
	Bind64(n *nn.Net, m int, pool *tensor.Pool) Oracle[float64]
}

// Bind returns s bound in precision T.
func Bind[T tensor.Float](s Spec, n *nn.Net, m int, pool *tensor.Pool) Oracle[T] {
	var o any
	switch any(T(0)).(type) {
	case float32:
		o = s.Bind32(n, m, pool)
	default:
		o = s.Bind64(n, m, pool)
	}
	return o.(Oracle[T])
}

// Known is the table of oracles.
var Known = registry.Table[Spec]{Kind: "oracle"}

// A Report says what one call found and what it cost.
type Report struct {
	Gamma float64 // the proximity used, in the unit of a step size

	// Inner solve; StopReason is "" for an oracle with a closed form, and then
	// the two others do not apply.
	InnerIterations  int
	StopReason       string
	RelativeResidual float64

	Counters Counters

	// Set by Diagnose, if not before.
	GradNorm float64 // |grad h|
	Slope    float64 // <grad h, d>: negative for a descent direction
}

// Counters count the work of the mathematics, see [Counters.Calls].
type Counters struct {
	Forwards     int // evaluations of the network on a mini-batch
	JVPs, VJPs   int
	GramProducts int   // products with K = J Jᵀ not made of a VJP and a JVP
	MultiplyAdds int64 // matrix products, convolutions, factorisations; not elementwise work
}

// Add adds o to c.
func (c *Counters) Add(o Counters) {
	c.Forwards += o.Forwards
	c.JVPs += o.JVPs
	c.VJPs += o.VJPs
	c.GramProducts += o.GramProducts
	c.MultiplyAdds += o.MultiplyAdds
}

// Calls is the classical oracle complexity: JVPs plus VJPs, a Gram product
// counting as one of each, whatever they cost.
func (c Counters) Calls() int { return c.JVPs + c.VJPs + 2*c.GramProducts }
