package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// newtonProx solves the dual of prox-linear for smooth losses, by Newton's method with an
// inexact solve for each step (docs/math.md section 4).
type newtonProx[T tensor.Float] struct {
	dualProx[T]
	solver Linear
	sys    System

	roomS, roomB []float64                 // m k
	roomNewton   [5]tensor.Matrix[float64] // m x k

	// Of the last call:
	s, b   []float64              // unknowns and right-hand side of the system
	r, kr  tensor.Matrix[float64] // grad loss(base + u) - alpha, and K r
	da, du tensor.Matrix[float64] // steps of alpha and u
	kx     tensor.Matrix[float64]
}

var _ Oracle[float32] = (*newtonProx[float32])(nil)

func newNewtonProx[T tensor.Float](spec ProxLinear, at Site) Oracle[T] {
	m, k := at.Dims.Examples, at.Dims.Outputs
	abilities := spec.solver(at.Loss).abilities()
	o := &newtonProx[T]{
		solver: abilities.System(m*k, k, spec.InnerIterations, at.Pool),
		roomS:  make([]float64, m*k), roomB: make([]float64, m*k),
	}
	o.bindDual(spec.Inner, spec.solver(at.Loss), at)
	o.smooth = true
	for i := range o.roomNewton {
		o.roomNewton[i] = tensor.New[float64](m, k)
	}
	return o
}

// Direction starts from alpha = u = 0, or from remembered dual variables, lowers P by
// Newton steps, and makes d = d0 - (gamma'/m) Jᵀ alpha.
func (o *newtonProx[T]) Direction(d []T, p *Subproblem[T]) Report {
	if !o.beginDual(d, p) {
		return o.finish()
	}
	n := len(o.u.Flat())
	o.s, o.b = o.roomS[:n], o.roomB[:n]
	for i, to := range []*tensor.Matrix[float64]{&o.r, &o.kr, &o.da, &o.du, &o.kx} {
		*to = o.cut(o.roomNewton[i])
	}
	clear(o.shift.Flat())
	clear(o.alpha.Flat())
	if o.formed {
		o.form()
	}
	primal := o.mean(o.base)
	if o.memory != nil {
		primal = o.resume(primal)
	}
	primal, solution := o.newton(primal)
	p.Trace.end(solution)
	o.settle(&o.sys)
	if o.memory != nil {
		o.memory.store(o.alpha.Flat(), p.Gradient.Examples)
	}
	o.step(primal, solution)
	return o.finish()
}

// resume starts from remembered dual variables if P is smaller there.
func (o *newtonProx[T]) resume(primal float64) float64 {
	o.memory.load(o.alpha.Flat(), o.p.Gradient.Examples)
	o.product(o.shift, o.alpha)
	tensor.Scale(nil, -o.gammaOverM, o.shift.Flat())
	if p := o.primalAt(0); p < primal {
		return p
	}
	clear(o.alpha.Flat())
	clear(o.shift.Flat())
	return primal
}

// primalAt returns P after a step of length t along da and du, and leaves base + u
// after that step in z.
func (o *newtonProx[T]) primalAt(t float64) float64 {
	base, u, alpha, z := o.base.Flat(), o.shift.Flat(), o.alpha.Flat(), o.z.Flat()
	if t == 0 {
		copy(z, base)
		axpy(1, u, z)
		return o.mean(o.z) - dot(alpha, u)/(2*o.m)
	}
	du, da := o.du.Flat(), o.da.Flat()
	var product float64
	for i := range u {
		ui := u[i] + t*du[i]
		z[i] = base[i] + ui
		product += (alpha[i] + t*da[i]) * ui
	}
	return o.mean(o.z) - product/(2*o.m)
}

// newton minimises P. Each system is that of Gauss-Newton at the current outputs,
// with the residual r of the optimality condition alpha = grad loss(base + u) in
// place of g: any truncation of it lowers P (docs/math.md section 4).
func (o *newtonProx[T]) newton(primal float64) (float64, Solution) {
	alpha, u, r, kr := o.alpha.Flat(), o.shift.Flat(), o.r.Flat(), o.kr.Flat()
	trace := o.p.Trace
	o.sys = System{K: o.gram, GammaOverM: o.gammaOverM, factor: o.factor, v: o.v, u: o.u, kx: o.kx}
	o.draws(&o.sys)
	out := Solution{}
	last, forcing := math.Inf(1), 0.1
	for left := o.budget; ; {
		o.primalAt(0) // z = base + u
		o.gradients(o.admissible, o.z)
		copy(r, o.admissible.Flat())
		axpy(-1, alpha, r)
		size := math.Sqrt(dot(r, r))
		out.RelativeResidual = size / o.gSize
		trace.note(out.Iterations, out.RelativeResidual, math.NaN())
		switch res := out.RelativeResidual; {
		case math.IsNaN(size) || math.IsInf(size, 0):
			out.Reason = StoppedNonFinite
		case res <= epsilon || res < 1e-9 && res >= last/2:
			out.Reason = StoppedExact // rounding lets it go no further
		case res <= o.spec.Tolerance:
			out.Reason = StoppedTolerance
		case o.spec.GapTolerance > 0 && o.gap(primal) <= o.spec.GapTolerance*o.objective:
			out.Reason = StoppedGap
		case left <= 0:
			out.Reason = StoppedBudget
		}
		if out.Reason != "" {
			return primal, out
		}
		// A residual b - A s that is small beside b may be large beside r, if A is
		// badly conditioned. Where r did not halve, solve ten times as exactly.
		if out.RelativeResidual > last/2 {
			forcing /= 10
		}
		last = out.RelativeResidual

		o.factor.set(o.z, o.y)
		o.product(o.kr, o.r)
		rKr := dot(r, kr)
		o.condition = max(o.condition, o.gammaOverM*rKr/dot(r, r))
		o.factor.mulT(o.b, kr)
		tensor.Scale(nil, -o.gammaOverM, o.b)
		// m times the slope of P along the step that s stands for is
		// -(gamma'/m) r·K r + b·s, which must be negative.
		o.sys.descent = descent{atZero: -o.gammaOverM * rKr, divisor: 1}
		solved := o.solver.Solve(&o.sys, o.s, o.b, Stop{Iterations: left, Tolerance: min(forcing, out.RelativeResidual)})
		out.Iterations += solved.Iterations
		left -= max(1, solved.Iterations)
		if solved.Reason == StoppedNonFinite || solved.Reason == StoppedIndefinite {
			out.Reason = solved.Reason
			if solved.Iterations == 0 {
				return primal, out
			}
		}
		da, du, kx := o.da.Flat(), o.du.Flat(), o.kx.Flat()
		o.factor.mul(da, o.s) // dalpha = r + L s
		axpy(1, r, da)
		for i := range du { // du = -(gamma'/m) K dalpha
			du[i] = -o.gammaOverM * (kr[i] + kx[i])
		}
		t, next := 1.0, 0.0
		for range maxHalvings {
			if next = o.primalAt(t); next <= primal+1e-15*math.Abs(primal) {
				break
			}
			t /= 2
		}
		if !(next <= primal+1e-15*math.Abs(primal)) {
			if out.Reason == "" {
				out.Reason = StoppedStalled
			}
			return primal, out
		}
		axpy(t, da, alpha)
		axpy(t, du, u)
		primal = next
		if out.Reason != "" {
			return primal, out
		}
	}
}

// maxHalvings is how often a step is halved before a solve ends as stalled.
const maxHalvings = 50

// gap is P - D at the admissible a = grad loss(base + u), whose Jᵀ a takes a VJP:
//
//	D(a) = -(1/m) Σ [loss_i*(a_i) - a_i·base_i] - gamma'/(2m²) |Jᵀ a|²
func (o *newtonProx[T]) gap(primal float64) float64 {
	ja := o.spare()
	o.vjp(ja, o.admissible)
	var conj float64
	for i := range o.z.Rows {
		a := o.admissible.Row(i)
		conj += o.loss.ConjOf(i, a, o.y.Row(i), o.row) - dot(a, o.base.Row(i))
	}
	return primal + conj/o.m + o.gammaOverM/(2*o.m)*tensor.Dot(o.pool, ja, ja)
}
