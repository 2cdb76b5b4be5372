package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// core is what the oracles with an inner problem share: counted products with
// J and Jᵀ, the losses' derivatives, and the parts that weight decay mu adds
// (docs/math.md section 6):
//
//	1/gamma' = 1/gamma + mu,  d0 = -gamma' mu w,  c = gamma'/m
type core[T tensor.Float] struct {
	spec Inner
	pool *tensor.Pool

	// All that lasts from call to call, see State.
	gamma  *proximity
	memory *memory // nil: starts are cold

	g, factors, u, v tensor.Matrix[float64] // m x k; g = grad loss(f)
	row              []float64              // k
	scratch          []T                    // p: Jᵀ v on its way to J Jᵀ v; the direction's own memory
	extra            []T                    // p, made when first needed
	k                gram
	formed           tensor.Matrix[float64] // K, made when first needed
	isFormed         bool                   // for the batch at hand
	blocks           tensor.Matrix[float64] // its diagonal blocks, (m k) x k
	hasBlocks        bool                   // for the batch at hand

	// The call that is running.
	problem *Problem[T]
	damped  float64 // gamma'
	c       float64
	report  Report
}

func (o *core[T]) bind(spec Inner, at Site) {
	k := at.Dims.Outputs
	mk := func() tensor.Matrix[float64] { return tensor.New[float64](at.Dims.Examples, k) }
	*o = core[T]{
		spec: spec, pool: at.Pool, gamma: newProximity(spec.Gamma),
		g: mk(), factors: mk(), u: mk(), v: mk(), row: make([]float64, k),
	}
	if spec.WarmStart {
		o.memory = newMemory(k)
	}
	o.k = gram{
		pool: at.Pool, mul: o.product, form: o.form, blocks: o.formBlocks,
		count: func(adds int64) { o.report.Counters.MultiplyAdds += adds },
	}
}

// start begins a call at a gamma: it makes g.
func (o *core[T]) start(p *Problem[T], gamma float64) {
	o.problem, o.isFormed, o.hasBlocks = p, false, false
	p.Trace.begin(math.NaN())
	o.k.m, o.k.k = p.Z.Rows, p.Z.Cols
	o.report = Report{WeightDecay: o.spec.WeightDecay, RelativeResidual: math.NaN(), GradNorm: math.NaN(), Slope: math.NaN(), ModelChange: math.NaN(), Gap: math.NaN(), Primal: math.NaN()}
	o.setGamma(gamma)
	for i := range p.Z.Rows {
		p.losses().GradOf(i, o.g.Row(i), p.Z.Row(i), p.Y.Row(i))
	}
}

func (o *core[T]) setGamma(gamma float64) {
	o.report.Gamma = gamma
	o.damped = gamma / (1 + gamma*o.spec.WeightDecay)
	o.c = o.damped / float64(o.problem.Z.Rows)
}

// nothing reports whether there is nothing to solve: no iterations, a gradient
// of size 0, or the gamma = 0 that a schedule may end with, where d = 0.
func (o *core[T]) nothing(size float64) bool {
	return o.spec.InnerIterations == 0 || size == 0 || o.damped == 0
}

// factor sets the factors of the Hessians at z.
func (o *core[T]) factor(z tensor.Matrix[float64]) {
	for i := range z.Rows {
		o.problem.Loss.Factor(o.factors.Row(i), z.Row(i), o.problem.Y.Row(i))
	}
}

// rows is a matrix of m x k numbers cut to the batch at hand.
func (o *core[T]) rows(a tensor.Matrix[float64]) tensor.Matrix[float64] {
	return a.RowRange(0, o.problem.Z.Rows)
}

func (o *core[T]) vjp(d []T, alpha tensor.Matrix[float64]) {
	o.problem.Lin.VJP(d, alpha)
	o.report.Counters.VJPs++
	o.k.count(o.problem.Lin.Dims().VJP)
}

func (o *core[T]) jvp(u tensor.Matrix[float64], d []T) {
	o.problem.Lin.JVP(u, d)
	o.report.Counters.JVPs++
	o.k.count(o.problem.Lin.Dims().JVP)
}

// product sets u = K v: with K itself if it has been formed, or as J (Jᵀ v).
func (o *core[T]) product(u, v tensor.Matrix[float64]) {
	if !o.isFormed {
		o.vjp(o.scratch, v)
		o.jvp(u, o.scratch)
		return
	}
	n := o.formed.Rows
	tensor.Gemv(o.pool, o.formed, v.Flat(), u.Flat())
	o.report.Counters.GramProducts++
	o.k.count(int64(n) * int64(n))
}

// spare returns a vector of p numbers for Diagnose.
func (o *core[T]) spare() []T {
	if o.extra == nil {
		o.extra = make([]T, len(o.problem.Lin.Weights()))
	}
	return o.extra
}

// form makes K, once a batch. Its k back-propagations count as VJPs.
func (o *core[T]) form() tensor.Matrix[float64] {
	if o.isFormed {
		return o.formed
	}
	n := o.problem.Z.Rows * o.problem.Z.Cols
	if cap(o.formed.Data) < n*n {
		o.formed = tensor.New[float64](n, n)
	}
	o.formed = tensor.View(n, n, o.formed.Data[:n*n])
	o.k.count(o.problem.Lin.Gram(o.formed))
	o.report.Counters.VJPs += o.problem.Z.Cols
	o.isFormed = true
	return o.formed
}

// formBlocks makes the diagonal blocks of K, once a batch. Its k back-propagations
// count as VJPs.
func (o *core[T]) formBlocks() tensor.Matrix[float64] {
	rows := o.problem.Z.Rows * o.problem.Z.Cols
	if o.blocks.Rows < rows {
		o.blocks = tensor.New[float64](rows, o.problem.Z.Cols)
	}
	b := o.blocks.RowRange(0, rows)
	if !o.hasBlocks {
		o.k.count(o.problem.Lin.GramBlocks(b))
		o.report.Counters.VJPs += o.problem.Z.Cols
		o.hasBlocks = true
	}
	return b
}

// addShift adds d0 = -gamma' mu w to d.
func (o *core[T]) addShift(d []T) {
	if mu := o.spec.WeightDecay; mu > 0 {
		tensor.Axpy(o.pool, T(-o.damped*mu), o.problem.Lin.Weights(), d)
	}
}

// outputGradient sets q = m grad F = Jᵀ g + m mu w, and returns |q|².
func (o *core[T]) outputGradient(q []T) float64 {
	o.vjp(q, o.rows(o.g))
	m := float64(o.problem.Z.Rows)
	if mu := o.spec.WeightDecay; mu > 0 {
		tensor.Axpy(o.pool, T(m*mu), o.problem.Lin.Weights(), q)
	} else {
		// |Jᵀ g| comes for nothing where it is q.
		qq := tensor.Dot(o.pool, q, q)
		o.report.GradNorm = math.Sqrt(qq) / m
		return qq
	}
	return tensor.Dot(o.pool, q, q)
}

// gradientStep turns q = m grad F into d = -gamma' grad F.
func (o *core[T]) gradientStep(d []T, qq float64, reason string) {
	m := float64(o.problem.Z.Rows)
	tensor.Scale(o.pool, T(-o.c), d)
	o.report.StopReason = reason
	o.report.Slope = -o.damped * qq / (m * m)
	o.report.ModelChange, o.report.Gap = math.NaN(), math.NaN()
}

// decaySlope is mu w·d: what the slopes of F and h differ by.
func (o *core[T]) decaySlope(d []T) float64 {
	if o.spec.WeightDecay == 0 {
		return 0
	}
	return o.spec.WeightDecay * tensor.Dot(o.pool, o.problem.Lin.Weights(), d)
}

// decayValue is (mu/2) |w|².
func (o *core[T]) decayValue() float64 {
	if o.spec.WeightDecay == 0 {
		return 0
	}
	w := o.problem.Lin.Weights()
	return o.spec.WeightDecay / 2 * tensor.Dot(o.pool, w, w)
}

// value is F at w: what P is at d = 0.
func (o *core[T]) value() float64 {
	return o.problem.mean(o.problem.Z) + o.decayValue()
}

// changeOf is the change of the quadratic model of h, (1/m) Σ [g·u + u·H u/2],
// with u = J d and factors at f.
func (o *core[T]) changeOf(u tensor.Matrix[float64]) float64 {
	var sum float64
	row := o.row
	for i := range u.Rows {
		o.problem.losses().SqrtMulTOf(i, row, u.Row(i), o.factors.Row(i))
		sum += dot(o.g.Row(i), u.Row(i)) + dot(row, row)/2
	}
	return sum / float64(u.Rows)
}

// end adapts gamma to what the network itself makes of d, if it is to be
// adapted, and returns the report.
func (o *core[T]) end(d []T) Report {
	if o.gamma.adapts() {
		p := o.problem
		before := p.mean(p.Z)
		after := p.mean(p.Lin.OutputsAt(1, d))
		o.report.Counters.Forwards++
		o.k.count(p.Lin.Dims().Forward)
		// Both changes are of F = h + (mu/2) |w|²: with the second term the model
		// may well let h rise.
		var decay float64
		if mu := o.spec.WeightDecay; mu > 0 {
			decay = o.decaySlope(d) + mu/2*tensor.Dot(o.pool, d, d)
		}
		o.gamma.adapt((after - before + decay) / (o.report.ModelChange + decay))
	}
	o.problem = nil
	return o.report
}

// diagnose fills in what can be known without counting. GradNorm takes a VJP
// where weight decay hides it.
func (o *core[T]) diagnose(r *Report, d []T, p *Problem[T]) {
	if math.IsNaN(r.GradNorm) {
		o.problem = p
		jg := o.spare()
		p.Lin.VJP(jg, o.rows(o.g))
		r.GradNorm = tensor.Norm2(o.pool, jg) / float64(p.Z.Rows)
		o.problem = nil
	}
	w, mu := p.Lin.Weights(), r.WeightDecay
	dd := tensor.Dot(o.pool, d, d)
	r.Primal = p.mean(p.Z) + r.ModelChange
	if dd > 0 {
		r.Primal += dd / (2 * r.Gamma)
	}
	if mu > 0 {
		r.Primal += mu / 2 * (tensor.Dot(o.pool, w, w) + 2*tensor.Dot(o.pool, w, d) + dd)
	}
}
