package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// primalProx minimises P(d) for smooth losses by a Newton method on d, with
// Armijo backtracking, which is free: P moves with u = J d and |d|².
type primalProx[T tensor.Float] struct {
	core[T]
	sys       PrimalSystem[T]
	solver    PrimalLinear[T]
	b, delta  []T                    // p
	z, u1, g1 tensor.Matrix[float64] // m x k; u1 = J d
}

func newPrimalProx[T tensor.Float](spec ProxLinear, at Site) Oracle[T] {
	p := at.Dims.Weights
	o := &primalProx[T]{solver: newPrimalSolver[T](spec.solver(at.Loss), spec.Inner, at), b: make([]T, p), delta: make([]T, p)}
	o.bind(spec.Inner, at)
	for _, a := range []*tensor.Matrix[float64]{&o.sys.jx, &o.z, &o.u1, &o.g1} {
		*a = tensor.New[float64](at.Dims.Examples, at.Dims.Outputs)
	}
	o.sys.mul = o.hessian
	return o
}

// armijo is the share of the predicted decrease that a step must bring.
const armijo = 1e-4

func (o *primalProx[T]) Direction(d []T, p *Problem[T]) Report {
	m := float64(p.Z.Rows)
	o.start(p, o.gamma.at(p.Time))
	qq := o.outputGradient(o.b)
	if o.nothing(qq) {
		copy(d, o.b)
		o.gradientStep(d, qq, StoppedGradient)
		return o.report
	}
	tensor.Scale(o.pool, T(-1/m), o.b) // b = -grad P(0) = -grad F
	jx := o.sys.jx
	o.sys.u, o.sys.jx = o.rows(o.u), o.rows(jx)
	defer func() { o.sys.jx = jx }()
	z, u, g1 := o.rows(o.z), o.rows(o.u1), o.rows(o.g1)
	clear(d)
	clear(u.Flat())
	copy(z.Flat(), p.Z.Flat())
	first := math.Sqrt(qq) / m // |grad F|
	size := first
	wd, dd := 0.0, 0.0 // mu w·d and |d|²
	before := p.mean(p.Z)
	data := before // (1/m) Σ loss(f + J d)
	var out Solution
	gapScale := 0.0
	if o.spec.GapTolerance > 0 {
		gapScale = 2 * o.spec.GapTolerance * (before + o.decayValue()) / o.damped
	}
	for left := o.spec.InnerIterations; ; {
		out.RelativeResidual, out.Residual = size/first, size
		p.Trace.note(out.Iterations, size/first, o.damped/2*size*size)
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
		o.factor(z)
		solved, descent := o.solver.Solve(&o.sys, o.delta, o.b, Stop{Iterations: left, Tolerance: min(0.1, out.RelativeResidual)})
		out.Iterations += solved.Iterations
		left -= max(1, solved.Iterations)
		if solved.Iterations == 0 && solved.Reason != StoppedExact {
			out.Reason = solved.Reason
			break
		}
		step := o.rows(o.sys.jx)
		cross, square := tensor.Dot(o.pool, d, o.delta), tensor.Dot(o.pool, o.delta, o.delta)
		wdelta := o.decaySlope(o.delta)
		t, next := 1.0, 0.0
		accepted := false
		now := data + wd + dd/(2*o.damped)
		for range maxHalvings {
			copy(z.Flat(), p.Z.Flat())
			axpy(1, u.Flat(), z.Flat())
			axpy(t, step.Flat(), z.Flat())
			next = p.mean(z)
			value := next + wd + t*wdelta + (dd+2*t*cross+t*t*square)/(2*o.damped)
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
		if left <= 0 && o.spec.GapTolerance == 0 {
			// The next gradient, a VJP, would serve the report only: what CG
			// leaves of this one stands for it.
			out.Reason, out.Residual = StoppedBudget, solved.Residual
			out.RelativeResidual = solved.Residual / first
			p.Trace.note(out.Iterations, out.RelativeResidual, math.NaN())
			break
		}
		// b = -grad P = -(1/m) Jᵀ grad loss(f + J d) - mu w - d/gamma'
		for i := range z.Rows {
			p.losses().GradOf(i, g1.Row(i), z.Row(i), p.Y.Row(i))
		}
		tensor.Scale(nil, -1/m, g1.Flat())
		o.vjp(o.b, g1)
		if mu := o.spec.WeightDecay; mu > 0 {
			tensor.Axpy(o.pool, T(-mu), p.Lin.Weights(), o.b)
		}
		tensor.Axpy(o.pool, T(-1/o.damped), d, o.b)
		last := size
		if size = tensor.Norm2(o.pool, o.b); size >= last/2 && size/first < 1e-9 {
			out.Reason = StoppedExact // rounding lets it go no further
			out.RelativeResidual = size / first
			break
		}
	}
	o.take(out)
	if dd == 0 { // not one step was taken
		copy(d, o.b)
		tensor.Scale(o.pool, T(o.damped), d)
		o.report.Slope = -o.damped * first * first
		return o.report
	}
	o.report.Slope = dot(o.rows(o.g).Flat(), u.Flat())/m + wd
	o.report.ModelChange = data - before
	return o.end(d)
}

// Diagnose takes a VJP for the gap (gamma'/2) |grad P|², and a JVP for the model's
// change of a gradient step.
func (o *primalProx[T]) Diagnose(r *Report, d []T, p *Problem[T], gap bool) {
	o.problem = p
	u, z := o.rows(o.u), o.rows(o.z)
	if gap || math.IsNaN(r.ModelChange) {
		p.Lin.JVP(u, d)
		copy(z.Flat(), p.Z.Flat())
		axpy(1, u.Flat(), z.Flat())
	}
	if math.IsNaN(r.ModelChange) {
		r.ModelChange = p.mean(z) - p.mean(p.Z)
	}
	o.diagnose(r, d, p)
	if o.damped == 0 { // d = 0 is the minimum
		r.Gap = 0
	} else if o.problem = p; gap {
		g, b := o.rows(o.g1), o.spare()
		for i := range z.Rows {
			p.losses().GradOf(i, g.Row(i), z.Row(i), p.Y.Row(i))
		}
		tensor.Scale(nil, 1/float64(z.Rows), g.Flat())
		p.Lin.VJP(b, g)
		tensor.Axpy(o.pool, T(o.spec.WeightDecay), p.Lin.Weights(), b)
		tensor.Axpy(o.pool, T(1/o.damped), d, b)
		r.Gap = o.damped / 2 * tensor.Dot(o.pool, b, b)
	}
	o.problem = nil
}
