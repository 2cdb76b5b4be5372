package oracles

import (
	"time"

	"github.com/dualgn/dgn/pkg/clock"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

// An Oracle chooses a direction d, of length p, that minimises its model of F. It holds
// buffers, and may remember earlier calls, so each run has its own.
type Oracle[T tensor.Float] interface {
	// Direction overwrites d, of length p, with the oracle's direction for a
	// problem. It does not fail: the report says how the inner solve ended. Numbers
	// about d that would take further products with J are NaN in it.
	Direction(d []T, p *Subproblem[T]) Report

	// Complete returns the report of the last call with these numbers filled in; the
	// duality gap, which takes the most, only if asked. It is for logs: what it takes
	// is neither timed nor counted. It must be called before d, the weights or the
	// mini-batch change.
	Complete(gap bool) Report
}

// A Spec is an oracle with its options, not yet sized.
type Spec interface {
	// Check returns an error, with the alternatives, if the oracle cannot serve a loss.
	// It is called before any data are read.
	Check(loss losses.Loss) error

	// Fits returns an error if what the oracle holds is too large for mini-batches of
	// dimensions d, with a loss that Check accepts.
	Fits(l losses.Loss, d Dims) error

	// Oracles returns the constructors of the oracle, see [OraclesOf].
	Oracles() Oracles
}

// A Site is what an oracle works on: batches of at most Dims.Examples, whose
// targets are measured by a loss that Check accepts.
type Site struct {
	Loss losses.Loss
	Dims Dims // of the largest batch
	Pool *tensor.Pool
	Seed uint64 // of the run, for oracles that draw: what they draw follows from it and the step
}

// Oracles are the constructors of an oracle, one for each precision.
type Oracles = tensor.Instances[func(Site) Oracle[float32], func(Site) Oracle[float64]]

// OraclesOf returns the constructors for a spec from the two instances of one
// generic function: OraclesOf(o, newMine[float32], newMine[float64]).
func OraclesOf[S Spec](s S, f32 func(S, Site) Oracle[float32], f64 func(S, Site) Oracle[float64]) Oracles {
	return Oracles{
		Float32: func(at Site) Oracle[float32] { return f32(s, at) },
		Float64: func(at Site) Oracle[float64] { return f64(s, at) },
	}
}

// New returns a fresh oracle.
func New[T tensor.Float](s Spec, at Site) Oracle[T] {
	return tensor.InstanceOf[func(Site) Oracle[T]](s.Oracles())(at)
}

// A Sloper is an oracle whose Direction leaves the slope NaN, since it takes a pass over
// the p numbers of d that only line searches and logs want.
type Sloper interface {
	// Slope returns <grad F, d> of the last call.
	Slope() float64
}

// Known is the table of oracles.
var Known = registry.Table[Spec]{Kind: "oracle"}

// A Report says what one call found and what it cost.
type Report struct {
	Gamma float64 // the proximity used, in the unit of a step size

	// Inner solve; StopReason is "" for an oracle with a closed form.
	// RelativeResidual is NaN where there is none.
	InnerIterations  int
	StopReason       string
	RelativeResidual float64

	// Fallback says that StopReason tells of parts of d that are not what the oracle says, so that
	// it is logged in any case.
	Fallback bool

	Counters Counters

	// Factored is what factorisations took: of the system of the dual, of its preconditioner, of
	// the factors of K-FAC. Their multiply-adds are in Counters too.
	Factored clock.Work

	// Elementwise is how long passes over vectors, and over the numbers of a K or a system that is
	// formed, took, of an oracle or a solver of which they are a large part. Products of a vector with
	// a formed K, and with the rows of A that sdd takes, have their multiply-adds in Counters.
	Elementwise time.Duration

	// Singular tells of a system that the precision does not resolve.
	Singular Singular

	// WeightDecay is mu of the objective F = h + (mu/2) |w|² that d is for. It is the
	// oracle's: the weight decay of an optimizer is no part of F.
	WeightDecay float64

	// Numbers about d, NaN where Direction does not know them; see Complete. It knows
	// the slope, unless the oracle is a [Sloper].
	GradNorm    float64 // |grad h|
	Slope       float64 // <grad F, d>: negative for a descent direction
	ModelChange float64 // of h from w to w + d, as the model predicts it
	Gap         float64 // P(d) - D(alpha), NaN where there is no dual or it was not asked for
	Primal      float64 // P(d) = model of h + |d - beta d_prev|²/(2 gamma) + (mu/2) |w + d|²
}

// Dual returns D(alpha), NaN where there is none.
func (r *Report) Dual() float64 { return r.Primal - r.Gap }

// A DualOracle is an oracle that solves in the dual.
type DualOracle interface {
	// DualVariables returns the admissible alpha of the last call, m x k, valid
	// until the next.
	DualVariables() tensor.Matrix[float64]
}

// An Automatic spec has options that it sets by the loss, and by the dimensions of
// mini-batches.
type Automatic interface {
	// Choices returns a sentence for each choice made, for people.
	Choices(loss losses.Loss, d Dims) []string
}

// A Periodic spec does some of its work every so many steps alone.
type Periodic interface {
	Period() int
}

// Period returns the number of steps after which the work of a [Periodic] spec repeats, else 1.
func Period(s Spec) int {
	if p, ok := s.(Periodic); ok {
		return p.Period()
	}
	return 1
}

// A Closed spec has a closed form, and no inner solve to speak of.
type Closed interface{ Closed() }

// A Recurrent spec has options that take an example for the same in every step.
type Recurrent interface {
	// Redrawn refuses them where examples are drawn anew, with a [strict.FieldError].
	Redrawn() error
}

// A Pairwise spec compares the gradients of successive calls, which are to be of the same
// examples.
type Pairwise interface {
	// Pairwise says why.
	Pairwise() string
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
