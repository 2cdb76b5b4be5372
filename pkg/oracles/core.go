package oracles

import (
	"math"
	"time"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// core is what oracles with an inner problem share: their options, what they remember from
// call to call, and work space for the largest mini-batch, of which each call has views.
type core[T tensor.Float] struct {
	spec Inner
	pool *tensor.Pool
	seed uint64 // of the run

	// All that lasts from call to call, see State.
	gamma    *proximity
	memory   *memory      // nil: starts are cold
	previous *previous[T] // nil: no momentum

	gram  Gram[T]                // K of the mini-batch; not used in the primal
	roomG tensor.Matrix[float64] // m x k each: for g, the factor L, u and v of a call
	roomL tensor.Matrix[float64]
	roomU tensor.Matrix[float64]
	roomV tensor.Matrix[float64]
	row   []float64 // k, work space
	extra []T       // p, work space, made when first needed

	call[T] // the one that runs, or the last
}

// A call is one call of an oracle with an inner problem: the mini-batch, gamma, and
// views of the oracle's work space cut to the m examples at hand. It is made at the
// start of Direction, and Complete speaks of it until the next. Weight decay and momentum
// are part of the model, see shift.go.
type call[T tensor.Float] struct {
	p    *Subproblem[T]
	d    []T                    // the direction
	f, y tensor.Matrix[float64] // outputs f(w) and targets, m x k
	loss losses.Weighted
	m    float64

	budget     int     // inner iterations
	gammaPrime float64 // gamma'
	gammaOverM float64 // gamma'/m, what multiplies K in the dual

	g      tensor.Matrix[float64] // grad loss(f), m x k
	factor ggnFactor
	u, v   tensor.Matrix[float64] // m x k, work space

	// unsolved says that d is the gradient step because there was nothing to solve, or no
	// step was taken. It tells nothing of the model, and gamma stays as it is.
	unsolved bool

	// jittered says that a system of the call was indefinite by rounding, see [Jitter]. What the
	// report says of the end of the solve may change until finish, which adds it.
	jittered bool
	singular Singular // what there is to tell of such a system

	// end is where a step of length 1 goes, if not to d: see accelerate.
	end []T

	report Report
}

// bind makes the work space.
func (o *core[T]) bind(spec Inner, at Site) {
	k := at.Dims.Outputs
	mk := func() tensor.Matrix[float64] { return tensor.New[float64](at.Dims.Examples, k) }
	*o = core[T]{
		spec: spec, pool: at.Pool, seed: at.Seed, gamma: newProximity(spec.Gamma),
		roomG: mk(), roomL: mk(), roomU: mk(), roomV: mk(), row: make([]float64, k),
	}
	if spec.WarmStart {
		o.memory = newMemory(k)
	}
	o.previous = newPrevious[T](spec.Momentum, at.Dims.Weights)
}

// begin makes the call, with g, gamma and a report of nothing known yet.
func (o *core[T]) begin(d []T, p *Subproblem[T]) {
	p.oneBatch()
	o.start(d, p)
}

// start is begin for oracles that may take their curvature from another mini-batch.
func (o *core[T]) start(d []T, p *Subproblem[T]) {
	batch := &p.Gradient
	o.previous.begin()
	o.call = call[T]{p: p, d: d, f: batch.Outputs(), y: batch.Targets, loss: p.losses()}
	o.m = float64(o.f.Rows)
	o.g, o.u, o.v = o.cut(o.roomG), o.cut(o.roomU), o.cut(o.roomV)
	o.factor = ggnFactor{o.loss, o.cut(o.roomL)}
	o.report = newReport(o.spec.WeightDecay)
	if o.budget = o.spec.InnerIterations; p.Iterations > 0 {
		o.budget = min(o.budget, p.Iterations)
	}
	if p.Gamma > 0 {
		o.setGamma(p.Gamma)
	} else {
		o.setGamma(o.gamma.at(p.Time))
	}
	if o.gram != nil {
		o.gram.Reset(batch.Jacobian)
	}
	p.Trace.begin(math.NaN())
	o.gradients(o.g, o.f)
}

// gradients sets to, m x k, to the gradients of the losses at the outputs z.
func (o *core[T]) gradients(to, z tensor.Matrix[float64]) {
	o.loss.Grads(to, z, o.y)
}

// cut returns the part of a matrix of work space that the examples at hand take.
func (o *core[T]) cut(a tensor.Matrix[float64]) tensor.Matrix[float64] {
	return a.RowRange(0, o.f.Rows)
}

func (o *core[T]) setGamma(gamma float64) {
	o.report.Gamma = gamma
	o.gammaPrime = gamma / (1 + gamma*o.spec.WeightDecay)
	o.gammaOverM = o.gammaPrime / o.m
}

// trivial reports whether there is nothing to solve, and d is the gradient step: no
// iterations, the gradient 0, or the gamma = 0 that a schedule may end with, where d = 0.
// size is 0 only where the gradient is: its norm or its square, or a sum with it.
func (o *core[T]) trivial(size float64) bool {
	return o.budget == 0 || size == 0 || o.gammaPrime == 0
}

// vjp sets to = Jᵀ alpha, and counts it.
func (o *core[T]) vjp(to []T, alpha tensor.Matrix[float64]) {
	if o.gram != nil {
		o.report.Counters.Add(o.gram.Combine(to, alpha))
		return
	}
	o.p.Gradient.VJP(to, alpha)
	o.report.Counters.Add(Counters{VJPs: 1, MultiplyAdds: o.p.Gradient.Dims().VJP})
}

// jvp sets u = J v, and counts it.
func (o *core[T]) jvp(u tensor.Matrix[float64], v []T) {
	o.p.Gradient.JVP(u, v)
	o.report.Counters.Add(Counters{JVPs: 1, MultiplyAdds: o.p.Gradient.Dims().JVP})
}

// product sets u = K v, and counts it.
func (o *core[T]) product(u, v tensor.Matrix[float64]) {
	o.report.Counters.Add(o.gram.Mul(u, v))
}

// form makes K, counts it, and returns it.
func (o *core[T]) form() tensor.Matrix[float64] {
	k, counters := o.gram.Form()
	o.report.Counters.Add(counters)
	return k
}

// spare returns work space of p numbers.
func (o *core[T]) spare() []T {
	if n := len(o.p.Gradient.Weights()); len(o.extra) < n {
		o.extra = make([]T, n)
	}
	return o.extra
}

// gradientStep turns d = q = m grad P(0), with qq = |q|², into d = -gamma' grad P(0), which
// without momentum is the gradient step.
func (o *core[T]) gradientStep(qq float64, reason string) {
	tensor.Scale(o.pool, T(-o.gammaOverM), o.d)
	o.report.StopReason = reason
	o.report.Slope = -o.gammaPrime * qq / (o.m * o.m)
	o.report.ModelChange, o.report.Gap = math.NaN(), math.NaN()
}

// mean is h where the outputs are z.
func (o *core[T]) mean(z tensor.Matrix[float64]) float64 { return o.loss.Mean(z, o.y) }

// value is F at w: what P is at d = 0.
func (o *core[T]) value() float64 { return o.mean(o.f) + o.decayValue() }

// changeOf is the change of the quadratic model of h, (1/m) Σ [g·u + u·H u/2],
// with u = J d and the factor at f.
func (o *core[T]) changeOf(u tensor.Matrix[float64]) float64 {
	var sum float64
	for i := range u.Rows {
		o.factor.mulTOf(i, o.row, u.Row(i))
		sum += dot(o.g.Row(i), u.Row(i)) + dot(o.row, o.row)/2
	}
	return sum / o.m
}

// record notes how a solve ended.
func (o *core[T]) record(s Solution) {
	o.report.InnerIterations, o.report.StopReason, o.report.RelativeResidual = s.Iterations, s.Reason, s.RelativeResidual
}

// draws tells a system what solvers that draw draw from, and what rounding errors they may expect.
func (o *core[T]) draws(sys *System) {
	sys.seed, sys.step, sys.unit = o.seed, uint64(o.p.Time.Step), unit[T]()
}

// settle notes what the systems of a call have cost, and whether one was jittered.
func (o *core[T]) settle(sys *System) {
	o.report.Counters.Add(sys.Counters)
	o.report.Factored.Add(sys.factored)
	o.report.Elementwise += sys.passes
	o.jittered, o.singular = sys.jittered, sys.singular
}

// finish is the one end of every call: it adapts gamma, where that is asked for, adds the jitter
// to the stop reason, and returns the report.
func (o *core[T]) finish() Report {
	if g, ok := o.gram.(interface{ takePasses() time.Duration }); ok {
		o.report.Elementwise += g.takePasses()
	}
	if o.gamma.adapts() && !o.unsolved && !(o.p.Gamma > 0) {
		o.adapt()
	}
	if o.previous != nil {
		o.report.Slope += o.momentumSlope(o.d)
		o.previous.end(o.d)
	}
	if o.singular.Unknowns > 0 && (o.jittered || o.report.StopReason == StoppedIndefinite) {
		o.tellSingular()
	}
	if reason := o.report.StopReason; o.jittered && reason != StoppedIndefinite && reason != StoppedNonFinite {
		o.report.StopReason += Jitter
	}
	switch o.report.StopReason { // a direction of another system, or the gradient's, is logged in any case
	case StoppedIndefinite, StoppedSlope:
		o.report.Fallback = true
	default:
		o.report.Fallback = o.report.Fallback || o.jittered
	}
	return o.report
}

// adapt adapts gamma by how well the model predicts F(w + d), which takes a forward pass; where
// steps follow a curve that is not too bent at its end, by F there, and the change that the model predicts of d.
func (o *core[T]) adapt() {
	batch, v := &o.p.Gradient, o.d
	if o.end != nil {
		v = o.end
	}
	before, after := o.mean(o.f), o.mean(batch.OutputsAt(1, v))
	o.report.Counters.Add(Counters{Forwards: 1, MultiplyAdds: batch.Dims().Forward})
	// Both changes are of F = h + (mu/2) |w|²: with the second term the model
	// may well let h rise.
	of := func(v []T) float64 { // of (mu/2) |w|²
		if mu := o.spec.WeightDecay; mu > 0 {
			return o.decaySlope(v) + mu/2*tensor.Dot(o.pool, v, v)
		}
		return 0
	}
	ratio := (after - before + of(v)) / (o.report.ModelChange + of(o.d))
	if reason := o.report.StopReason; reason == StoppedSlope || reason == StoppedRounding || o.jittered {
		ratio = math.NaN() // gamma is too large for the precision
	}
	o.gamma.adapt(ratio)
}

// complete returns r with GradNorm and Primal, for a ModelChange that is known. GradNorm
// takes a VJP where it is not known yet, as with weight decay.
func (o *core[T]) complete(r Report) Report {
	if math.IsNaN(r.GradNorm) {
		jg := o.spare()
		o.p.Gradient.VJP(jg, o.g)
		r.GradNorm = tensor.Norm2(o.pool, jg) / o.m
	}
	w, mu := o.p.Gradient.Weights(), r.WeightDecay
	r.Primal = o.mean(o.f) + r.ModelChange + o.proximity(r.Gamma)
	if mu > 0 {
		r.Primal += mu / 2 * (tensor.Dot(o.pool, w, w) + 2*tensor.Dot(o.pool, w, o.d) + tensor.Dot(o.pool, o.d, o.d))
	}
	return r
}

// completeQuadratic is Complete of the quadratic model in the primal, with gradSize = |grad F|: where
// the gap or the change of the model are asked for, by a JVP and a VJP.
func (o *core[T]) completeQuadratic(gap bool, gradSize float64) Report {
	r := o.report
	if gap || math.IsNaN(r.ModelChange) {
		o.factor.set(o.f, o.y)
		o.p.Gradient.JVP(o.u, o.d)
		r.ModelChange = o.changeOf(o.u)
		o.factor.hessian(o.v, o.u, o.row)
		axpy(1, o.g.Flat(), o.v.Flat())
		o.gradientGap(&r, o.v, gradSize)
	}
	return o.complete(r)
}

// gradientGap sets the gap (gamma'/2) |grad P(d)|² of r, and its residual
// |grad P(d)|/gradSize, with grad P(d) = (1/m) Jᵀ v + mu w + d/gamma' for the output
// gradients v of the model at d, m x k, and gradSize = |grad F|. It overwrites v.
func (o *core[T]) gradientGap(r *Report, v tensor.Matrix[float64], gradSize float64) {
	if o.gammaPrime == 0 { // d = 0 is the minimum
		r.Gap = 0
		return
	}
	b := o.spare()
	tensor.Scale(nil, 1/o.m, v.Flat())
	o.p.Gradient.VJP(b, v)
	tensor.Axpy(o.pool, T(r.WeightDecay), o.p.Gradient.Weights(), b)
	tensor.Axpy(o.pool, T(1/o.gammaPrime), o.d, b)
	size := tensor.Norm2(o.pool, b)
	r.Gap = o.gammaPrime / 2 * size * size
	if r.InnerIterations > 0 && r.StopReason != StoppedSlope {
		r.RelativeResidual = size / gradSize
	}
}
