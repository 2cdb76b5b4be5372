package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// primalProx minimises P(d) for smooth losses by a Newton method on d, with
// Armijo backtracking, which is free: P moves with u = J d and |d|².
type primalProx[T tensor.Float] struct {
	core[T]
	solver   PrimalLinear[T]
	sys      PrimalSystem[T]
	b, delta []T                       // p: -grad P(d), and a step of d
	room     [4]tensor.Matrix[float64] // m x k

	// Of the last call:
	zd, jd, gd tensor.Matrix[float64] // f + J d, J d, and the gradient of the losses there
	gradSize   float64                // |grad F|
}

var _ Oracle[float32] = (*primalProx[float32])(nil)

func newPrimalProx[T tensor.Float](spec ProxLinear, at Site) Oracle[T] {
	o := &primalProx[T]{
		solver: newPrimalSolver[T](spec.solver(at.Loss), spec.Inner, at),
		b:      make([]T, at.Dims.Weights), delta: make([]T, at.Dims.Weights),
	}
	o.bind(spec.Inner, at)
	for i := range o.room {
		o.room[i] = tensor.New[float64](at.Dims.Examples, at.Dims.Outputs)
	}
	return o
}

// armijo is the share of the predicted decrease that a step must bring.
const armijo = 1e-4

// Direction starts from d = 0. Each round solves ((1/m) Jᵀ H J + I/gamma') delta =
// -grad P(d), H at f + J d, and adds t delta, with t halved until P falls enough.
func (o *primalProx[T]) Direction(d []T, p *Subproblem[T]) Report {
	o.begin(d, p)
	m := o.m
	qq := o.outputGradient(o.b)
	o.gradSize = math.Sqrt(qq) / m
	o.zd, o.jd, o.gd = o.cut(o.room[0]), o.cut(o.room[1]), o.cut(o.room[2])
	if o.trivial(qq) {
		copy(d, o.b)
		o.gradientStep(qq, StoppedGradient)
		o.unsolved = true
		return o.finish()
	}
	tensor.Scale(o.pool, T(-1/m), o.b) // b = -grad P(0) = -grad F
	o.sys = o.primalSystem(o.room[3])
	z, u, g1 := o.zd, o.jd, o.gd
	clear(d)
	clear(u.Flat())
	copy(z.Flat(), o.f.Flat())
	first := o.gradSize
	size := first
	wd, dd := 0.0, 0.0 // mu w·d and |d|²
	before := o.mean(o.f)
	data := before // (1/m) Σ loss(f + J d)
	var out Solution
	gapScale := 0.0
	if o.spec.GapTolerance > 0 {
		gapScale = 2 * o.spec.GapTolerance * (before + o.decayValue()) / o.gammaPrime
	}
	for left := o.budget; ; {
		out.RelativeResidual, out.Residual = size/first, size
		p.Trace.note(out.Iterations, size/first, o.gammaPrime/2*size*size)
		switch res := out.RelativeResidual; {
		case math.IsNaN(size) || math.IsInf(size, 0):
			out.Reason = StoppedNonFinite
		case res <= epsilon:
			out.Reason = StoppedExact
		case res <= o.spec.Tolerance:
			out.Reason = StoppedTolerance
		case size*size <= gapScale: // P - D = (gamma'/2) |grad P|²
			out.Reason = StoppedGap
		case left <= 0:
			out.Reason = StoppedBudget
		}
		if out.Reason != "" {
			break
		}
		o.factor.set(z, o.y)
		solved, descent := o.solver.Solve(&o.sys, o.delta, o.b, Stop{Iterations: left, Tolerance: min(0.1, out.RelativeResidual)})
		out.Iterations += solved.Iterations
		left -= max(1, solved.Iterations)
		if solved.Iterations == 0 && solved.Reason != StoppedExact {
			out.Reason = solved.Reason
			break
		}
		step := o.sys.jx
		cross, square := tensor.Dot(o.pool, d, o.delta), tensor.Dot(o.pool, o.delta, o.delta)
		wdelta := o.decaySlope(o.delta)
		t, next := 1.0, 0.0
		accepted := false
		now := data + wd + dd/(2*o.gammaPrime)
		for range maxHalvings {
			copy(z.Flat(), o.f.Flat())
			axpy(1, u.Flat(), z.Flat())
			axpy(t, step.Flat(), z.Flat())
			next = o.mean(z)
			value := next + wd + t*wdelta + (dd+2*t*cross+t*t*square)/(2*o.gammaPrime)
			if accepted = value <= now-armijo*t*descent+1e-15*math.Abs(now); accepted {
				break
			}
			t /= 2
		}
		if !accepted {
			out.Reason = StoppedStalled
			break
		}
		tensor.Axpy(o.pool, T(t), o.delta, d)
		axpy(t, step.Flat(), u.Flat())
		data, wd, dd = next, wd+t*wdelta, dd+2*t*cross+t*t*square
		_, exact := o.solver.(*primalCholesky[T]) // whose residual says nothing of P
		if left <= 0 && o.spec.GapTolerance == 0 && !exact {
			// The next gradient would take a VJP for the report only. The residual
			// that CG left of this system is reported in its place.
			out.Reason, out.Residual = StoppedBudget, solved.Residual
			out.RelativeResidual = solved.Residual / first
			break
		}
		// b = -grad P = -(1/m) Jᵀ grad loss(f + J d) - mu w - d/gamma'
		o.gradients(g1, z)
		tensor.Scale(nil, -1/m, g1.Flat())
		o.vjp(o.b, g1)
		if mu := o.spec.WeightDecay; mu > 0 {
			tensor.Axpy(o.pool, T(-mu), p.Gradient.Weights(), o.b)
		}
		tensor.Axpy(o.pool, T(-1/o.gammaPrime), d, o.b)
		last := size
		if size = tensor.Norm2(o.pool, o.b); size >= last/2 && size/first < 1e-9 {
			out.Reason = StoppedExact // rounding lets it go no further
			out.RelativeResidual, out.Residual = size/first, size
			p.Trace.note(out.Iterations, size/first, o.gammaPrime/2*size*size)
			break
		}
	}
	p.Trace.end(out)
	o.report.Counters.Add(o.sys.Counters)
	o.report.Factored.Add(o.sys.factored)
	o.jittered, o.singular = o.sys.jittered, o.sys.singular
	o.record(out)
	if dd == 0 { // not one step was taken
		copy(d, o.b)
		tensor.Scale(o.pool, T(o.gammaPrime), d)
		o.report.Slope = -o.gammaPrime * first * first
		o.unsolved = true
		return o.finish()
	}
	o.report.Slope = dot(o.g.Flat(), u.Flat())/m + wd
	o.report.ModelChange = data - before
	return o.finish()
}

// Complete takes a JVP and a VJP for the gap (gamma'/2) |grad P(d)|², that of
// alpha = grad loss(f + J d), and a JVP for the model's change of a gradient step.
func (o *primalProx[T]) Complete(gap bool) Report {
	r := o.report
	if gap || math.IsNaN(r.ModelChange) {
		o.p.Gradient.JVP(o.u, o.d)
		copy(o.zd.Flat(), o.f.Flat())
		axpy(1, o.u.Flat(), o.zd.Flat())
		r.ModelChange = o.mean(o.zd) - o.mean(o.f)
		if gap {
			o.gradients(o.gd, o.zd)
			o.gradientGap(&r, o.gd, o.gradSize)
		}
	}
	return o.complete(r)
}
