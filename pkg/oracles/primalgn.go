package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// primalGN solves Gauss-Newton for the p numbers of the direction itself.
type primalGN[T tensor.Float] struct {
	core[T]
	solver PrimalLinear[T]
	sys    PrimalSystem[T]
	b      []T                    // p: -grad F
	roomJX tensor.Matrix[float64] // m x k

	gradSize float64 // |grad F| of the last call
}

var _ Oracle[float32] = (*primalGN[float32])(nil)

func newPrimalGN[T tensor.Float](spec GaussNewton, at Site) Oracle[T] {
	o := &primalGN[T]{
		solver: newPrimalSolver[T](spec.Solver, spec.Inner, at),
		b:      make([]T, at.Dims.Weights), roomJX: tensor.New[float64](at.Dims.Examples, at.Dims.Outputs),
	}
	o.bind(spec.Inner, at)
	return o
}

// primalSystem returns the system of a call. It sees the factor L by reference, at the
// outputs where that was set last; jx, m x k, is room for J x.
func (o *core[T]) primalSystem(jx tensor.Matrix[float64]) PrimalSystem[T] {
	return PrimalSystem[T]{
		jac: o.p.Gradient.Jacobian, factor: o.factor, gammaPrime: o.gammaPrime, pool: o.pool,
		u: o.u, v: o.v, work: o.row, jx: o.cut(jx),
	}
}

// Direction solves ((1/m) Jᵀ H J + I/gamma') d = -grad F.
func (o *primalGN[T]) Direction(d []T, p *Subproblem[T]) Report {
	o.begin(d, p)
	qq := o.outputGradient(o.b)
	o.gradSize = math.Sqrt(qq) / o.m
	if o.trivial(qq) {
		copy(d, o.b)
		o.gradientStep(qq, StoppedGradient)
		o.unsolved = true
		return o.finish()
	}
	o.factor.set(o.f, o.y)
	o.sys = o.primalSystem(o.roomJX)
	o.sys.g, o.sys.mu = o.g, o.spec.WeightDecay
	tensor.Scale(o.pool, T(-1/o.m), o.b) // b = -grad F
	stop := Stop{Iterations: o.budget, Tolerance: o.spec.Tolerance, Trace: p.Trace}
	if o.spec.GapTolerance > 0 { // the gap is (gamma'/2) |b - A d|²
		stop.Gap = math.Sqrt(2 * o.spec.GapTolerance * o.value() / o.gammaPrime)
	}
	p.Trace.begin(o.gammaPrime / 2)
	solution, bd := o.solver.Solve(&o.sys, d, o.b, stop)
	o.report.Counters.Add(o.sys.Counters)
	o.report.Factored.Add(o.sys.factored)
	o.jittered, o.singular = o.sys.jittered, o.sys.singular
	o.record(solution)
	o.report.Slope = -bd
	o.report.Gap = o.gammaPrime / 2 * solution.Residual * solution.Residual
	o.report.ModelChange = o.changeOf(o.sys.jx)
	if l := o.along(o.sys.jx); solution.Iterations > 0 && o.doubts(l.slope+bd, l.change(), 0) {
		o.measure(l.change())
	}
	if !(o.report.Slope < 0) && solution.Reason != StoppedNonFinite {
		tensor.Scale(o.pool, T(-o.m), o.b) // b = q
		copy(d, o.b)
		o.gradientStep(qq, StoppedSlope)
		o.measure(math.NaN())
	}
	return o.finish()
}

// measure is remeasure; the gap would take a VJP, and is left to Complete.
func (o *primalGN[T]) measure(change float64) {
	o.remeasure(o.sys.jx, change)
	o.report.Gap, o.report.RelativeResidual = math.NaN(), math.NaN()
}

// Complete takes a JVP and a VJP for the gap (gamma'/2) |grad P(d)|², that of
// alpha = g + H J d, and a JVP for the gradient step, whose J d is not known.
func (o *primalGN[T]) Complete(gap bool) Report { return o.completeQuadratic(gap, o.gradSize) }
