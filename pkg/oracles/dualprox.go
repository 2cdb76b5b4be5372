package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// dualProx is what the prox-linear oracles that work in the dual share. They keep
// alpha and u = -(gamma'/m) K alpha, so that J d = s0 + u for
// d = d0 - (gamma'/m) Jᵀ alpha, s0 = J d0. With base = f + s0,
//
//	P = (1/m) Σ loss_i(base_i + u_i) - alpha·u/(2m)
//
// but for a constant, which is 0 without weight decay and momentum.
type dualProx[T tensor.Float] struct {
	core[T]
	smooth bool                      // the loss is: every truncated solve descends, but for rounding
	formed bool                      // the solver works on K itself
	direct bool                      // products with K take the place of those with J and Jᵀ
	room   [6]tensor.Matrix[float64] // m x k

	// Of the last call, m x k:
	base, z    tensor.Matrix[float64] // base, and base + u
	alpha      tensor.Matrix[float64]
	shift      tensor.Matrix[float64] // u
	admissible tensor.Matrix[float64] // dual variables for D and for output
	jd         tensor.Matrix[float64] // J d

	objective float64 // F at w
	primal0   float64 // P at d = 0: P below it makes d a descent direction
	gSize     float64 // |g|, 1 where that is 0
	condition float64 // a lower bound of (gamma'/m) |K|, 0 where none is known
	measured  bool    // jd is a product with d, not what alpha and u have
}

var _ DualOracle = (*dualProx[float32])(nil)

func (o *dualProx[T]) bindDual(spec Inner, solver SolverChoice, at Site) {
	o.bind(spec, at)
	form := spec.gramChoice(solver, at.Dims).Form
	o.formed, o.direct = solver.abilities().NeedsGram, form != MatrixFree
	o.gram = newGram[T](form, o.formed, solver.abilities().asksBlocks(), at.Pool)
	for i := range o.room {
		o.room[i] = tensor.New[float64](at.Dims.Examples, at.Dims.Outputs)
	}
}

// beginDual begins a call, and sets base, |g|, and F and P at d = 0. It reports whether
// there is anything to solve; if not, d is the gradient step.
func (o *dualProx[T]) beginDual(d []T, p *Subproblem[T]) bool {
	o.begin(d, p)
	for i, to := range []*tensor.Matrix[float64]{&o.base, &o.z, &o.alpha, &o.shift, &o.admissible, &o.jd} {
		*to = o.cut(o.room[i])
	}
	o.condition, o.measured = 0, false
	size := math.Sqrt(dot(o.g.Flat(), o.g.Flat()))
	if o.trivial(size) && !(o.budget > 0 && o.gammaPrime > 0 && o.shifted()) {
		o.fallBack(StoppedGradient)
		o.unsolved = true
		return false
	}
	if o.gSize = size; size == 0 {
		o.gSize = 1
	}
	copy(o.base.Flat(), o.f.Flat())
	h := o.mean(o.f)
	o.objective, o.primal0 = h+o.decayValue(), h
	if o.shifted() {
		d0 := o.spare()
		clear(d0)
		o.addShift(1, d0)
		o.primal0 = h + tensor.Dot(o.pool, d0, d0)/(2*o.gammaPrime) // |d - d0|²/(2 gamma') at 0
		o.jvp(o.u, d0)
		axpy(1, o.u.Flat(), o.base.Flat())
	}
	return true
}

// fallBack makes the gradient step.
func (o *dualProx[T]) fallBack(reason string) {
	qq := o.outputGradient(o.d)
	copy(o.alpha.Flat(), o.g.Flat())
	copy(o.admissible.Flat(), o.g.Flat())
	o.gradientStep(qq, reason)
}

// step ends a solve that found alpha and u with P = primal: it makes d, or the gradient
// step where P is not below P at d = 0, since then nothing shows that d descends.
func (o *dualProx[T]) step(primal float64, s Solution) {
	o.record(s)
	if !(primal < o.primal0) {
		if s.Reason != StoppedNonFinite {
			o.report.StopReason = StoppedNoDecrease
		}
		o.fallBack(o.report.StopReason)
		if o.smooth && o.report.StopReason == StoppedNoDecrease {
			o.measure(math.NaN())
		}
		return
	}
	copy(o.v.Flat(), o.alpha.Flat())
	tensor.Scale(nil, -o.gammaOverM, o.v.Flat())
	o.vjp(o.d, o.v)
	square := tensor.Dot(o.pool, o.d, o.d) / o.gammaPrime // |d - d0|²/gamma', which is -alpha·u/m
	o.addShift(1, o.d)
	jd, f, u := o.jd.Flat(), o.f.Flat(), o.shift.Flat()
	for i, b := range o.base.Flat() { // J d = base + u - f
		jd[i] = b + u[i] - f[i]
	}
	change := primal - o.primal0
	if o.doubts(square+dot(o.alpha.Flat(), u)*(1/o.m), change, o.condition) {
		if o.measure(change); !(o.report.Slope < 0) {
			o.fallBack(StoppedSlope)
			o.measure(math.NaN())
		}
		return
	}
	if o.spec.Rescale {
		o.rescale()
	}
	o.reportStep()
}

// reportStep puts the slope and the model's change of d into the report, from J d in jd.
func (o *dualProx[T]) reportStep() {
	o.report.Slope = dot(o.g.Flat(), o.jd.Flat())*(1/o.m) + o.pull(o.d)
	o.report.ModelChange = o.changeAt(o.jd)
}

// rescale replaces d, and J d with it, by the multiple of least P.
func (o *dualProx[T]) rescale() {
	tau := o.bestMultiple()
	tensor.Scale(o.pool, T(tau), o.d)
	tensor.Scale(nil, tau, o.jd.Flat())
}

// measure puts into the report what a JVP J d says of d itself, where alpha and u have P
// change by change (NaN: they say nothing). If P changes otherwise, or rises, d becomes
// its best multiple. The gap would take a VJP, and is left to Complete.
func (o *dualProx[T]) measure(change float64) {
	o.jvp(o.jd, o.d)
	actual := o.changeAt(o.jd) + o.pull(o.d) + tensor.Dot(o.pool, o.d, o.d)/(2*o.gammaPrime)
	if bad := spoilt(actual, change); bad || actual > 0 || o.spec.Rescale {
		o.rescale()
		if bad && !o.jittered && claimed(o.report.StopReason) {
			o.report.StopReason = StoppedRounding
		}
	}
	o.measured = true
	o.report.RelativeResidual = math.NaN()
	o.reportStep()
}

// changeAt is (1/m) Σ loss_i(f_i + u_i) - h. It leaves f + u in z.
func (o *dualProx[T]) changeAt(u tensor.Matrix[float64]) float64 {
	copy(o.z.Flat(), o.f.Flat())
	axpy(1, u.Flat(), o.z.Flat())
	return o.mean(o.z) - o.mean(o.f)
}

// bestMultiple returns the tau > 0 at which P(tau d) is least: the root of its
// derivative, which grows. It is found by the Illinois variant of false position.
func (o *dualProx[T]) bestMultiple() float64 {
	dd, wd := tensor.Dot(o.pool, o.d, o.d)/o.gammaPrime, o.pull(o.d)
	slope := func(tau float64) float64 {
		copy(o.z.Flat(), o.f.Flat())
		axpy(tau, o.jd.Flat(), o.z.Flat())
		sum := wd + tau*dd
		for i := range o.z.Rows {
			o.loss.GradOf(i, o.row, o.z.Row(i), o.y.Row(i))
			sum += dot(o.row, o.jd.Row(i)) * (1 / o.m)
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

func (o *dualProx[T]) DualVariables() tensor.Matrix[float64] { return o.admissible }

// Complete takes a JVP and a VJP for the gap, and a JVP for the model's change of a
// gradient step. What it then reports is measured at d.
func (o *dualProx[T]) Complete(gap bool) Report {
	r := o.report
	if gap || math.IsNaN(r.ModelChange) {
		o.p.Gradient.JVP(o.u, o.d)
		r.ModelChange = o.changeAt(o.u)
	}
	if gap {
		r.Gap = o.gapOf()
	}
	return o.complete(r)
}

// gapOf is P(d) - D(a) at the admissible a, for z = f + J d of the last changeAt, in
// the form of Fenchel and Young, whose terms are not negative:
//
//	(1/m) Σ [loss_i(z_i) + loss_i*(a_i) - a_i·z_i] + |d - d(a)|²/(2 gamma').
func (o *dualProx[T]) gapOf() (gap float64) {
	if o.gammaPrime == 0 { // d = 0 is the minimum
		return 0
	}
	for i := range o.z.Rows {
		a, z, y := o.admissible.Row(i), o.z.Row(i), o.y.Row(i)
		gap += max(0, o.loss.ValueOf(i, z, y)+o.loss.ConjOf(i, a, y, o.row)-dot(a, z)) / o.m
	}
	away := o.spare() // d - d(a), d(a) = d0 - (gamma'/m) Jᵀ a
	o.p.Gradient.VJP(away, o.admissible)
	tensor.Scale(o.pool, T(o.gammaOverM), away)
	tensor.Axpy(o.pool, 1, o.d, away)
	o.addShift(-1, away)
	return gap + tensor.Dot(o.pool, away, away)/(2*o.gammaPrime)
}
