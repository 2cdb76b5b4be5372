package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// dualGN solves Gauss-Newton in the dual: for s of m k numbers, with alpha = g + L s and
// d = d0 - (gamma'/m) Jᵀ alpha (docs/math.md sections 3 and 6).
type dualGN[T tensor.Float] struct {
	core[T]
	solver Linear
	path   Path // in place of solver, where gammas are searched
	direct bool // products with K take the place of those with J and Jᵀ
	sys    System
	alpha  tensor.Matrix[float64] // m x k
	roomS  []float64              // m k, for s
	roomB  []float64              // m k, for b
	kx     tensor.Matrix[float64] // m x k: K L s
	q      []T                    // m grad P(0); where products with K are direct only if the gradient step is made
	best   []T                    // direction of the best gamma so far

	spareRoom refinement       // of solvers that are refined
	bend      *acceleration[T] // nil: directions have none

	// Of the last call:
	s, b []float64 // unknowns, alpha = g + L s, and the right-hand side
	qq   float64   // |q|²
	norm float64   // |b|
	tau  float64   // d = tau d(alpha), see docs/math.md section 3
}

var (
	_ DualOracle      = (*dualGN[float32])(nil)
	_ Oracle[float32] = (*dualGN[float32])(nil)
)

func newDualGN[T tensor.Float](spec GaussNewton, at Site) Oracle[T] {
	m, k := at.Dims.Examples, at.Dims.Outputs
	n, abilities := m*k, spec.Solver.abilities()
	o := &dualGN[T]{
		alpha: tensor.New[float64](m, k), kx: tensor.New[float64](m, k),
		roomS: make([]float64, n), roomB: make([]float64, n), q: make([]T, at.Dims.Weights),
	}
	o.bind(spec.Inner, at)
	form := spec.gramChoice(spec.Solver, at.Dims).Form
	o.gram, o.direct = newGram[T](form, abilities.NeedsGram, abilities.asksBlocks(), at.Pool), form != MatrixFree
	if spec.Gamma.search != nil {
		o.path = abilities.Path(n, spec.InnerIterations)
		o.best = make([]T, at.Dims.Weights)
	} else {
		o.solver = abilities.System(n, k, spec.InnerIterations, at.Pool)
		if _, ok := o.solver.(corrector); ok {
			o.spareRoom = newRefinement(n)
		}
	}
	if spec.Accelerates() {
		o.bend = newAcceleration[T](at.Dims)
	}
	return o
}

// slope is <grad P(0), d> = -(gamma'/m²) |q|² + (1/m) b·s of the direction d that s stands
// for. With a large gamma it is a small difference of large numbers, and evaluate takes
// q·d/m in its place where q is at hand.
func (o *dualGN[T]) slope() descent {
	return descent{atZero: -o.gammaPrime / (o.m * o.m) * o.qq, divisor: o.m}
}

// Direction solves (I + (gamma'/m) Lᵀ K L) s = -(gamma'/m) Lᵀ J q with q = m grad P(0), and
// makes d = d0 - (gamma'/m) Jᵀ (g + L s).
func (o *dualGN[T]) Direction(d []T, p *Subproblem[T]) Report {
	o.begin(d, p)
	if o.bend != nil {
		o.bend.bent = false
	}
	n := len(o.u.Flat())
	o.s, o.b, o.tau = o.roomS[:n], o.roomB[:n], 1

	jq := o.u // J q
	direct := o.direct && !o.trivial(1)
	if direct {
		o.qq = o.directGradient(jq)
	}
	if !direct || !(o.qq > 0) { // K is formed with rounding errors, and that sum may be all there is of it
		o.qq = o.outputGradient(o.q)
	}
	if o.trivial(o.qq) {
		o.fallBack(StoppedGradient)
		o.unsolved = true
		return o.finish()
	}
	o.factor.set(o.f, o.y)
	if !direct {
		o.jvp(jq, o.q)
	}
	o.factor.mulT(o.b, jq.Flat())
	o.sys = System{K: o.gram, GammaOverM: o.gammaOverM, factor: o.factor, v: o.v, u: o.u, kx: o.cut(o.kx), descent: o.slope(), refined: unit[T]() < 0x1p-50}
	o.draws(&o.sys)
	stop := Stop{Iterations: o.budget, Tolerance: o.spec.Tolerance, Gap: o.gapResidual(), Warm: o.memory != nil, Trace: p.Trace}
	p.Trace.begin(1 / (2 * o.m)) // gap |r|²/(2m)
	if o.path != nil {
		o.search(stop)
		return o.finish()
	}
	tensor.Scale(nil, -o.gammaOverM, o.b) // b = -(gamma'/m) Lᵀ J q
	o.norm = math.Sqrt(dot(o.b, o.b))
	if stop.Warm {
		o.memory.load(o.s, p.Gradient.Examples)
	}
	solution := o.solver.Solve(&o.sys, o.s, o.b, stop)
	o.settle(&o.sys)
	if o.memory != nil {
		o.memory.store(o.s, p.Gradient.Examples)
	}
	o.record(solution)
	if solver, ok := o.solver.(corrector); ok && direct && doubtAt*o.gammaOverM*o.qq < unit[T]()*solver.bound()*dot(o.g.Flat(), o.g.Flat()) {
		o.report.GradNorm = math.NaN() // rounding errors of K may be all there is of g·K g: Complete takes a VJP
	}
	if !o.refine(&solution) {
		o.evaluate(solution.Vector, dot(o.b, o.s))
	}
	if !(o.report.Slope < 0) && solution.Reason != StoppedNonFinite {
		o.giveUp()
	} else if o.bend != nil && solution.Reason == StoppedExact && solution.Iterations > 0 { // there is a factor
		o.accelerate()
	}
	return o.finish()
}

// directGradient sets jq = J q with q = m grad P(0) = Jᵀ g + c, c = -(m/gamma') d0, and returns
// |q|², from K: the only product with J that it takes is that of c, where there is one.
//
//	J q = K g + J c,  |q|² = g·K g + 2 g·J c + |c|²
func (o *dualGN[T]) directGradient(jq tensor.Matrix[float64]) float64 {
	o.product(jq, o.g)
	qq := dot(o.g.Flat(), jq.Flat())
	o.report.GradNorm = math.Sqrt(max(qq, 0)) / o.m
	if o.shifted() {
		c, jc := o.spare(), o.v
		clear(c)
		o.addPull(o.m, c)
		o.jvp(jc, c)
		qq += 2*dot(o.g.Flat(), jc.Flat()) + tensor.Dot(o.pool, c, c)
		axpy(1, jc.Flat(), jq.Flat())
	}
	return qq
}

// fallBack makes the gradient step, that of alpha = g, s = 0.
func (o *dualGN[T]) fallBack(reason string) {
	copy(o.cut(o.alpha).Flat(), o.g.Flat())
	clear(o.s)
	o.tau = 1
	copy(o.d, o.q)
	o.gradientStep(o.qq, reason)
}

// giveUp makes the gradient step where no iterate descends, or its best multiple, since a
// gamma that is too large for the precision is too large for that step too.
func (o *dualGN[T]) giveUp() {
	if o.direct {
		o.qq = o.outputGradient(o.q)
	}
	o.fallBack(StoppedSlope)
	o.measure(math.NaN())
}

// gapResidual turns the tolerance on the gap into one on the residual r = Lᵀ u - s:
// the gap is |r|²/(2m).
func (o *dualGN[T]) gapResidual() float64 {
	if o.spec.GapTolerance == 0 {
		return 0
	}
	return math.Sqrt(2 * o.m * o.spec.GapTolerance * o.value())
}

// setAlpha makes alpha = g + L s.
func (o *dualGN[T]) setAlpha() {
	alpha := o.cut(o.alpha).Flat()
	o.factor.mul(alpha, o.s)
	axpy(1, o.g.Flat(), alpha)
}

// link makes d = d0 - (gamma'/m) Jᵀ alpha.
func (o *dualGN[T]) link() {
	copy(o.v.Flat(), o.cut(o.alpha).Flat())
	tensor.Scale(nil, -o.gammaOverM, o.v.Flat())
	o.vjp(o.d, o.v)
	o.addShift(1, o.d)
}

// evaluate makes d = d0 - (gamma'/m) Jᵀ alpha for s, whose residual is r and b·s is bs,
// and reports on it. Since Lᵀ J d = s + r, the model's change and the gap take no
// product: they are (1/m) [g·Jd + |s + r|²/2] and |r|²/(2m).
func (o *dualGN[T]) evaluate(r []float64, bs float64) {
	o.setAlpha()
	o.link()

	slope := o.slope().at(bs)
	if !o.direct {
		slope = tensor.Dot(o.pool, o.q, o.d) / o.m
	}
	l := line{slope: slope, square: tensor.Dot(o.pool, o.d, o.d) / o.gammaPrime}
	var product float64 // s·Lᵀ J d/m
	for i, s := range o.s {
		l.curvature += (s + r[i]) * (s + r[i]) / o.m
		product += s * (s + r[i]) / o.m
	}
	o.report.Gap = dot(r, r) / (2 * o.m)
	// In exact arithmetic <grad P(d), d> = r·(s + r)/m, for the r of the recursion.
	cut := o.report.StopReason == StoppedSlope // by rounding
	if cut || o.doubts(l.slope+l.square+product, l.change(), o.gammaOverM*o.qq/dot(o.g.Flat(), o.g.Flat())) {
		o.report.Slope = l.slope
		o.measure(l.change())
		return
	}
	o.tau = 1
	if o.spec.Rescale {
		o.tau = l.best()
		tensor.Scale(o.pool, T(o.tau), o.d)
		o.report.Gap += (o.tau-1)*slope + (o.tau*o.tau-1)*l.stiff()/2
	}
	o.report.Slope = o.tau * slope
	o.report.ModelChange = o.report.Slope - o.pull(o.d) + o.tau*o.tau*l.curvature/2
}

// measure is remeasure with the gap and the residual of the s that d is made from.
func (o *dualGN[T]) measure(change float64) {
	var l line
	l, o.tau = o.remeasure(o.u, change)
	o.report.Gap = o.gapAt(l, o.u, o.tau, o.s)
	o.report.RelativeResidual = math.Sqrt(o.misfit(o.u, 1, o.s)) / o.norm
}

// search takes the gamma of least F on the mini-batch along the path of
// solutions, from one basis. Each gamma costs a VJP and a forward pass. Here b is
// Lᵀ J q, the same for every gamma, and the right-hand side is -(gamma'/m) b.
func (o *dualGN[T]) search(stop Stop) {
	batch, mu := &o.p.Gradient, o.spec.WeightDecay
	largest := o.gammaOverM // whose system is the last to converge
	stop.Gap /= largest     // the residual of x for b is that of -(gamma'/m) x over gamma'/m
	o.p.Trace.begin(largest * largest / (2 * o.m))
	solution := o.path.Build(&o.sys, o.b, stop)
	o.settle(&o.sys)
	norm := math.Sqrt(dot(o.b, o.b))
	least, tau := math.Inf(1), 1.0
	var chosen Report
	for i, gamma := range o.spec.Gamma.search {
		o.setGamma(gamma)
		r := o.path.At(o.s, o.gammaOverM, -o.gammaOverM)
		o.record(solution)
		o.norm = o.gammaOverM * norm
		o.report.RelativeResidual = math.Sqrt(dot(r, r)) / o.norm
		o.evaluate(r, -o.gammaOverM*dot(o.b, o.s))
		f := o.mean(batch.OutputsAt(1, o.d))
		o.report.Counters.Add(Counters{Forwards: 1, MultiplyAdds: batch.Dims().Forward})
		if mu > 0 {
			f += mu / 2 * (2*tensor.Dot(o.pool, batch.Weights(), o.d) + tensor.Dot(o.pool, o.d, o.d))
		}
		descends := f < least && o.report.Slope < 0
		if i == 0 || descends {
			chosen, tau = o.report, o.tau
			copy(o.best, o.d)
		}
		if descends {
			least = f
		}
	}
	chosen.Counters = o.report.Counters
	o.setGamma(chosen.Gamma)
	o.report, o.norm = chosen, o.gammaOverM*norm
	if !(chosen.Slope < 0) && solution.Reason != StoppedNonFinite { // not one descends
		o.giveUp()
		return
	}
	o.tau = tau
	o.path.At(o.s, o.gammaOverM, -o.gammaOverM)
	o.setAlpha()
	copy(o.d, o.best)
}

func (o *dualGN[T]) DualVariables() tensor.Matrix[float64] { return o.cut(o.alpha) }

// Complete takes a JVP for the gap, and for a gradient step, whose J d is not known. What
// it then reports is measured at d, in place of what the recursion has.
func (o *dualGN[T]) Complete(gap bool) Report {
	r := o.report
	if gap || math.IsNaN(r.ModelChange) {
		o.factor.set(o.f, o.y)
		o.p.Gradient.JVP(o.u, o.d)
		r.ModelChange = o.changeOf(o.u)
		tensor.Scale(nil, 1/o.tau, o.u.Flat()) // of d(alpha)
		l := o.along(o.u)
		l.square /= o.tau * o.tau
		r.Gap = o.gapAt(l, o.u, o.tau, o.s)
		if !math.IsNaN(r.RelativeResidual) {
			r.RelativeResidual = math.Sqrt(o.misfit(o.u, 1, o.s)) / o.norm
		}
	}
	return o.complete(r)
}
