package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// linearized is what the prox-linear oracles that work in the dual share. They
// keep alpha and u = -c K alpha, so that J d = s0 + u for
// d = d0 - c Jᵀ alpha, s0 = J d0. With base = f + s0,
//
//	P = (1/m) Σ loss_i(base_i + u_i) - alpha·u/(2m)
//
// but for a constant, which is 0 without weight decay.
type linearized[T tensor.Float] struct {
	core[T]
	base, z         tensor.Matrix[float64] // base, and base + u
	alpha, certain  tensor.Matrix[float64] // certain: admissible, for D and for output
	moved           tensor.Matrix[float64] // u
	jd              tensor.Matrix[float64] // J d
	start0          float64                // P below which d is a descent direction: P at d = 0
	atStart, before float64                // F at w; |g|
}

func (o *linearized[T]) bindLinearized(spec Inner, at Site) {
	o.bind(spec, at)
	for _, a := range []*tensor.Matrix[float64]{&o.base, &o.z, &o.alpha, &o.certain, &o.moved, &o.jd} {
		*a = tensor.New[float64](at.Dims.Examples, at.Dims.Outputs)
	}
}

// begin sets base, and P at d = 0 and the size of g; d serves as scratch.
// It reports whether there is anything to solve.
func (o *linearized[T]) begin(d []T, p *Problem[T]) bool {
	o.core.start(p, o.gamma.at(p.Time))
	o.scratch = d
	size, mu := math.Sqrt(dot(o.rows(o.g).Flat(), o.rows(o.g).Flat())), o.spec.WeightDecay
	if o.nothing(size + mu) {
		o.fallBack(d, StoppedGradient)
		return false
	}
	if o.before = size; size == 0 {
		o.before = 1
	}
	base := o.rows(o.base)
	copy(base.Flat(), p.Z.Flat())
	h := p.mean(p.Z)
	o.atStart, o.start0 = h+o.decayValue(), h
	if mu > 0 {
		clear(d)
		o.addShift(d) // d0 = -gamma' mu w
		// F(w) = P(0) + C with C = (mu/2) |w|² (1 - gamma' mu), the least of
		// |d|²/(2 gamma) + (mu/2) |w + d|².
		o.start0 = o.atStart - o.decayValue()*(1-o.damped*mu)
		u := o.rows(o.u)
		o.jvp(u, d)
		axpy(1, u.Flat(), base.Flat())
	}
	return true
}

// fallBack makes the gradient step.
func (o *linearized[T]) fallBack(d []T, reason string) {
	qq := o.outputGradient(d)
	copy(o.rows(o.alpha).Flat(), o.rows(o.g).Flat())
	copy(o.rows(o.certain).Flat(), o.rows(o.g).Flat())
	o.gradientStep(d, qq, reason)
}

// step makes d from alpha and u, unless P is not below what it is at d = 0: then
// it makes the gradient step, since nothing would show that d descends.
func (o *linearized[T]) step(d []T, primal float64, s Solution) {
	p := o.problem
	o.take(s)
	if !(primal < o.start0) {
		if s.Reason != StoppedNonFinite {
			o.report.StopReason = StoppedNoDecrease
		}
		o.fallBack(d, o.report.StopReason)
		return
	}
	v, jd, mean := o.rows(o.v), o.rows(o.jd), 1/float64(p.Z.Rows)
	copy(v.Flat(), o.rows(o.alpha).Flat())
	tensor.Scale(nil, -o.c, v.Flat())
	o.vjp(d, v)
	o.addShift(d)
	for i, b := range o.rows(o.base).Flat() { // J d = base + u - f
		jd.Flat()[i] = b + o.moved.Flat()[:len(jd.Flat())][i] - p.Z.Flat()[i]
	}
	if o.spec.Rescale {
		tau := o.bestMultiple(d)
		tensor.Scale(o.pool, T(tau), d)
		tensor.Scale(nil, tau, jd.Flat())
	}
	o.report.Slope = dot(o.rows(o.g).Flat(), jd.Flat())*mean + o.decaySlope(d)
	o.report.ModelChange = o.changeAt(jd)
}

// changeAt is (1/m) Σ loss_i(f_i + u_i) - h.
func (o *linearized[T]) changeAt(u tensor.Matrix[float64]) float64 {
	z, p := o.rows(o.z), o.problem
	copy(z.Flat(), p.Z.Flat())
	axpy(1, u.Flat(), z.Flat())
	return p.mean(z) - p.mean(p.Z)
}

// bestMultiple returns the tau > 0 at which P(tau d) is least: the root of its
// derivative, which grows. It is found by the Illinois variant of false position.
func (o *linearized[T]) bestMultiple(d []T) float64 {
	p, jd, g := o.problem, o.rows(o.jd), o.row
	inverse := 1 / float64(p.Z.Rows)
	dd, wd := tensor.Dot(o.pool, d, d)/o.damped, o.decaySlope(d)
	z := o.rows(o.z)
	slope := func(tau float64) float64 {
		copy(z.Flat(), p.Z.Flat())
		axpy(tau, jd.Flat(), z.Flat())
		sum := wd + tau*dd
		for i := range z.Rows {
			p.losses().GradOf(i, g, z.Row(i), p.Y.Row(i))
			sum += dot(g, jd.Row(i)) * inverse
		}
		return sum
	}
	lo, hi := 0.0, 1.0
	atLo, atHi := slope(0), slope(1)
	if !(atLo < 0) {
		return 1
	}
	for range 60 {
		if !(atHi < 0) {
			break
		}
		lo, atLo = hi, atHi
		hi *= 2
		atHi = slope(hi)
	}
	for range 50 {
		if atHi == 0 || !(hi-lo > 1e-12*hi) {
			break
		}
		mid := (lo*atHi - hi*atLo) / (atHi - atLo)
		if at := slope(mid); at < 0 {
			lo, atLo = mid, at
			atHi /= 2
		} else {
			if hi, atHi = mid, at; at == 0 {
				break
			}
			atLo /= 2
		}
	}
	return hi
}

func (o *linearized[T]) Alpha() tensor.Matrix[float64] { return o.certain.RowRange(0, o.k.m) }

// newtonProx solves for smooth losses by a Newton method in the dual.
type newtonProx[T tensor.Float] struct {
	linearized[T]
	sys     System
	solver  Linear
	s, b    []float64              // m k
	r, kr   tensor.Matrix[float64] // m x k: grad loss(base + u) - alpha, and K r
	da, du  tensor.Matrix[float64]
	squareR float64 // r·K r
	forms   bool    // the solver needs K itself
}

func newNewtonProx[T tensor.Float](spec ProxLinear, at Site) Oracle[T] {
	m, k := at.Dims.Examples, at.Dims.Outputs
	abilities := spec.solver(at.Loss).abilities()
	o := &newtonProx[T]{forms: abilities.NeedsGram, solver: abilities.System(m*k, k, spec.InnerIterations, at.Pool), s: make([]float64, m*k), b: make([]float64, m*k)}
	o.bindLinearized(spec.Inner, at)
	for _, a := range []*tensor.Matrix[float64]{&o.r, &o.kr, &o.da, &o.du, &o.sys.kx} {
		*a = tensor.New[float64](m, k)
	}
	// P falls along the step that s stands for: -c r·K r + b·s < 0.
	o.sys.accept = func(bs float64) bool { return -o.c*o.squareR+bs < 0 }
	return o
}

func (o *newtonProx[T]) Direction(d []T, p *Problem[T]) Report {
	defer func() { o.scratch = nil }()
	if !o.begin(d, p) {
		return o.report
	}
	clear(o.rows(o.moved).Flat())
	clear(o.rows(o.alpha).Flat())
	if o.forms {
		o.form()
	}
	primal := p.mean(o.rows(o.base))
	if o.memory != nil {
		primal = o.resume(primal)
	}
	primal, solution := o.newton(primal)
	if o.memory != nil {
		o.memory.store(o.rows(o.alpha).Flat(), p.Examples)
	}
	o.step(d, primal, solution)
	return o.end(d)
}

// resume starts from remembered dual variables if P is smaller there.
func (o *newtonProx[T]) resume(primal float64) float64 {
	alpha, u := o.rows(o.alpha), o.rows(o.moved)
	o.memory.load(alpha.Flat(), o.problem.Examples)
	o.product(u, alpha)
	tensor.Scale(nil, -o.c, u.Flat())
	if p := o.primalAt(0); p < primal {
		return p
	}
	clear(alpha.Flat())
	clear(u.Flat())
	return primal
}

// primalAt returns P after a step of length t along da and du.
func (o *newtonProx[T]) primalAt(t float64) float64 {
	p, z := o.problem, o.rows(o.z)
	base, u, alpha := o.rows(o.base).Flat(), o.rows(o.moved).Flat(), o.rows(o.alpha).Flat()
	du, da := o.rows(o.du).Flat(), o.rows(o.da).Flat()
	if t == 0 {
		copy(z.Flat(), base)
		axpy(1, u, z.Flat())
		return p.mean(z) - dot(alpha, u)/(2*float64(z.Rows))
	}
	var product float64
	for i := range u {
		ui := u[i] + t*du[i]
		z.Flat()[i] = base[i] + ui
		product += (alpha[i] + t*da[i]) * ui
	}
	return p.mean(z) - product/(2*float64(z.Rows))
}

// newton minimises P. Each system is that of Gauss-Newton at the current outputs,
// with the residual r of the optimality condition alpha = grad loss(base + u) in
// place of g: any truncation of it lowers P (docs/math.md section 4).
func (o *newtonProx[T]) newton(primal float64) (float64, Solution) {
	p := o.problem
	alpha, u, r, kr := o.rows(o.alpha), o.rows(o.moved), o.rows(o.r), o.rows(o.kr)
	da, du, certain := o.rows(o.da), o.rows(o.du), o.rows(o.certain)
	k := p.Z.Cols
	s, b := o.s[:p.Z.Rows*k], o.b[:p.Z.Rows*k]
	kx := o.sys.kx
	o.sys.gram, o.sys.loss, o.sys.c = &o.k, p.losses(), o.c
	o.sys.v, o.sys.u, o.sys.factors, o.sys.kx = o.rows(o.v), o.rows(o.u), o.rows(o.factors), o.rows(kx)
	defer func() { o.sys.kx = kx }()
	out := Solution{}
	last, forcing := math.Inf(1), 0.1
	for left := o.spec.InnerIterations; ; {
		o.primalAt(0) // z = base + u
		z := o.rows(o.z)
		for i := range z.Rows {
			p.losses().GradOf(i, certain.Row(i), z.Row(i), p.Y.Row(i))
		}
		copy(r.Flat(), certain.Flat())
		axpy(-1, alpha.Flat(), r.Flat())
		size := math.Sqrt(dot(r.Flat(), r.Flat()))
		out.RelativeResidual = size / o.before
		p.Trace.note(out.Iterations, out.RelativeResidual, math.NaN())
		switch res := out.RelativeResidual; {
		case math.IsNaN(size) || math.IsInf(size, 0):
			out.Reason = StoppedNonFinite
		case res <= epsilon || res < 1e-9 && res >= last/2:
			out.Reason = StoppedExact // rounding lets it go no further
		case res <= o.spec.Tolerance:
			out.Reason = StoppedTolerance
		case o.spec.GapTolerance > 0 && o.gap(primal) <= o.spec.GapTolerance*o.atStart:
			out.Reason = StoppedGap
		case left <= 0:
			out.Reason = StoppedBudget
		}
		if out.Reason != "" {
			return primal, out
		}
		// A residual b - A s that is small beside b may still be large beside r,
		// by the condition of A: where r did not halve, solve more exactly.
		if out.RelativeResidual > last/2 {
			forcing /= 10
		}
		last = out.RelativeResidual

		o.factor(z)
		o.product(kr, r)
		o.squareR = dot(r.Flat(), kr.Flat())
		o.sys.transposed(b, kr)
		tensor.Scale(nil, -o.c, b)
		solved := o.solver.Solve(&o.sys, s, b, Stop{Iterations: left, Tolerance: min(forcing, out.RelativeResidual)})
		out.Iterations += solved.Iterations
		left -= max(1, solved.Iterations)
		if solved.Reason == StoppedNonFinite || solved.Reason == StoppedIndefinite {
			out.Reason = solved.Reason
			if solved.Iterations == 0 {
				return primal, out
			}
		}
		for i := range z.Rows { // dalpha = r + L s, du = -c K dalpha
			p.losses().SqrtMulOf(i, da.Row(i), s[i*k:(i+1)*k], o.factors.Row(i))
		}
		axpy(1, r.Flat(), da.Flat())
		for i := range du.Flat() {
			du.Flat()[i] = -o.c * (kr.Flat()[i] + o.sys.kx.Flat()[i])
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
		axpy(t, da.Flat(), alpha.Flat())
		axpy(t, du.Flat(), u.Flat())
		primal = next
		if out.Reason != "" {
			return primal, out
		}
	}
}

// maxHalvings ends a backtracking that leads nowhere.
const maxHalvings = 50

// gap is P - D at the admissible alpha' = grad loss(base + u), whose Jᵀ alpha'
// takes a VJP:
//
//	D(alpha') = -(1/m) Σ [loss*(alpha'_i) - alpha'_i·base_i] - gamma'/(2m²) |Jᵀ alpha'|²
func (o *newtonProx[T]) gap(primal float64) float64 {
	o.vjp(o.scratch, o.rows(o.certain))
	m := float64(o.problem.Z.Rows)
	var conj float64
	for i := range o.problem.Z.Rows {
		a := o.certain.Row(i)
		conj += o.problem.losses().ConjOf(i, a, o.problem.Y.Row(i), o.row) - dot(a, o.base.Row(i))
	}
	return primal + conj/m + o.c/(2*m)*tensor.Dot(o.pool, o.scratch, o.scratch)
}

// Diagnose takes a VJP for the gap, and a JVP for the model's change of a
// gradient step.
func (o *linearized[T]) Diagnose(r *Report, d []T, p *Problem[T], gap bool) {
	o.problem = p
	if math.IsNaN(r.ModelChange) {
		u := o.rows(o.u)
		p.Lin.JVP(u, d)
		r.ModelChange = o.changeAt(u)
	}
	o.diagnose(r, d, p)
	if o.problem = p; gap && math.IsNaN(r.Gap) {
		r.Gap = r.Primal - o.dualValue()
	}
	o.problem = nil
}

// dualValue is D at certain, with its constant: that of gap, since
// alpha·base = alpha·f + d0·Jᵀ alpha.
func (o *linearized[T]) dualValue() float64 {
	p := o.problem
	m, mu := float64(p.Z.Rows), o.spec.WeightDecay
	var conj float64
	for i := range p.Z.Rows {
		a := o.certain.Row(i)
		conj += p.losses().ConjOf(i, a, p.Y.Row(i), o.row) - dot(a, p.Z.Row(i))
	}
	ja := o.spare()
	p.Lin.VJP(ja, o.rows(o.certain))
	value := -conj/m - o.c/(2*m)*tensor.Dot(o.pool, ja, ja)
	if mu > 0 {
		value += -o.damped*mu/m*tensor.Dot(o.pool, p.Lin.Weights(), ja) + o.decayValue()*(1-o.damped*mu)
	}
	return value
}
