package oracles

import (
	"errors"
	"math"
	"strings"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	cg := SolverChoice{registry.ChoiceOf(&Solvers, "cg", CG{}, func(s CG) (Solver, error) { return s, nil })}
	lanczos := SolverChoice{registry.ChoiceOf(&Solvers, "lanczos", Lanczos{}, func(s Lanczos) (Solver, error) { return s, nil })}
	base := GaussNewton{Inner{Formulation: "dual", Solver: cg, InnerIterations: 10, Gamma: ConstGamma(1)}}
	var trials []GaussNewton
	for _, o := range base.trials() {
		trials = append(trials, GaussNewton{o})
	}
	search, warm := base, base
	search.Solver, search.Gamma = lanczos, Gamma{search: []float64{0.01, 0.1, 1, 10}}
	warm.WarmStart = true
	registry.Add(&Known, registry.Info{
		Name:      "gauss_newton",
		Doc:       "minimises the quadratic model of the loss over the linearized network plus |d|^2/(2 gamma)",
		Reference: "Roulet and Blondel 2023, arXiv 2308.08886; Schraudolph 2002",
	}, base, newGaussNewton, append(trials, search, warm)...)
}

// GaussNewton minimises (1/m) Σ_i [g_i·u_i + u_i·H_i u_i/2] + |d|²/(2 gamma)
// with u = J d. With H = L Lᵀ, the dual formulation puts alpha = g + L s and
// solves, for the m k numbers s (docs/math.md section 3),
//
//	(I + (gamma/m) Lᵀ K L) s = -gamma Lᵀ J grad h,  K = J Jᵀ,  d = -(gamma/m) Jᵀ alpha,
//
// the primal one, for the p numbers d,
//
//	((1/m) Jᵀ H J + I/gamma) d = -grad h.
type GaussNewton struct {
	Inner `yaml:",inline"`
}

var _ Spec = GaussNewton{}

func newGaussNewton(o GaussNewton) (Spec, error) {
	if err := o.valid(); err != nil {
		return nil, err
	}
	if o.Solver.IsZero() {
		return nil, strict.Field("solver", "auto is for prox_linear, whose solvers depend on the loss; take one of %s", strings.Join(able(jobSystem.can), ", "))
	}
	if o.Gamma.search != nil && o.Solver.abilities().Path == nil {
		return nil, strict.Field("gamma.search", "needs solver: lanczos, whose basis serves every gamma; got %s", o.Solver.Name)
	}
	j := jobSystem
	if o.Formulation == "primal" {
		j = jobPrimal
	}
	if err := o.Solver.check(j); err != nil {
		return nil, err
	}
	if o.WarmStart && !o.Solver.abilities().Warm {
		return nil, strict.Field("warm_start", "is not for solver %s, which has no use for a start; take one of %s", o.Solver.Name, strings.Join(able(func(a Abilities) bool { return a.Warm }), ", "))
	}
	return o, nil
}

// Check refuses losses without curvature.
func (o GaussNewton) Check(l losses.Loss) error {
	if l.Curvature() == losses.Polyhedral {
		return errors.New("gauss_newton with this loss is just the gradient, since the loss is piecewise linear: its Hessian is 0; use the oracle gradient or prox_linear, or the loss squared_hinge or binary_logistic")
	}
	return nil
}

func (o GaussNewton) Fits(_ losses.Loss, n *nn.Net, m int) error {
	return o.Solver.checkSize(m, n.Outputs())
}

func (o GaussNewton) Oracles() Oracles { return OraclesOf(o, newGN[float32], newGN[float64]) }

func newGN[T tensor.Float](o GaussNewton, at Site) Oracle[T] {
	if o.Formulation == "primal" {
		return newPrimalGN[T](o, at)
	}
	return newDualGN[T](o, at)
}

// dualGN solves in the dual.
type dualGN[T tensor.Float] struct {
	core[T]
	sys    System
	solver Linear
	path   Path                   // in place of solver, where gammas are searched
	s, b   []float64              // m k
	alpha  tensor.Matrix[float64] // m x k
	q      []T                    // m grad F; not where K is formed
	qq     float64                // |q|²
	forms  bool                   // the solver needs K itself
	best   []T                    // direction of the best gamma so far
}

func newDualGN[T tensor.Float](spec GaussNewton, at Site) Oracle[T] {
	m, k := at.Dims.Examples, at.Dims.Outputs
	mk, abilities := m*k, spec.Solver.abilities()
	o := &dualGN[T]{forms: abilities.NeedsGram, s: make([]float64, mk), b: make([]float64, mk), alpha: tensor.New[float64](m, k), q: make([]T, at.Dims.Weights)}
	o.bind(spec.Inner, at)
	if spec.Gamma.search != nil {
		o.path = abilities.Path(mk, spec.InnerIterations)
		o.best = make([]T, at.Dims.Weights)
	} else {
		o.solver = abilities.System(mk, k, spec.InnerIterations, at.Pool)
	}
	o.sys = System{gram: &o.k, kx: tensor.New[float64](m, k), accept: func(bs float64) bool { return o.slope(bs) < 0 }}
	return o
}

// slope is <grad F, d> = -(gamma'/m²) |q|² + (1/m) b·s of the direction that s
// stands for. With a large gamma it is a small difference of large numbers: that
// of the direction itself is measured where q is at hand.
func (o *dualGN[T]) slope(bs float64) float64 {
	m := float64(o.problem.Z.Rows)
	return -o.damped/(m*m)*o.qq + bs/m
}

func (o *dualGN[T]) Direction(d []T, p *Problem[T]) Report {
	m, k := p.Z.Rows, p.Z.Cols
	o.start(p, o.gamma.at(p.Time))
	o.scratch = d // which is free until the end
	o.sys.gram, o.sys.loss = &o.k, p.losses()
	o.sys.v, o.sys.u, o.sys.factors = o.rows(o.v), o.rows(o.u), o.rows(o.factors)
	kx := o.sys.kx
	o.sys.kx = o.rows(kx)
	defer func() { o.sys.kx, o.scratch = kx, nil }()

	jq := o.sys.u // J q
	forms := o.forms && !o.nothing(1)
	if forms {
		o.qq = o.formedGradient(jq)
	}
	if !forms || o.qq == 0 {
		o.qq = o.outputGradient(o.q)
	}
	if o.nothing(o.qq) {
		o.fallBack(d, StoppedGradient)
		return o.report
	}
	o.factor(p.Z)
	s, b := o.s[:m*k], o.b[:m*k]
	if !forms {
		o.jvp(jq, o.q)
	}
	o.sys.transposed(b, jq)
	stop := Stop{Iterations: o.spec.InnerIterations, Tolerance: o.spec.Tolerance, Gap: o.gapResidual(), Warm: o.memory != nil, Trace: p.Trace}
	p.Trace.begin(1 / float64(2*m)) // gap |r|²/(2m)
	if o.path != nil {
		o.search(d, s, b, stop)
		return o.end(d)
	}
	tensor.Scale(nil, -o.c, b) // b = -c Lᵀ J q
	if stop.Warm {
		o.memory.load(s, p.Examples)
	}
	o.sys.c = o.c
	solution := o.solver.Solve(&o.sys, s, b, stop)
	if o.memory != nil {
		o.memory.store(s, p.Examples)
	}
	o.take(solution)
	o.evaluate(d, s, solution.Vector, dot(b, s))
	if !(o.report.Slope < 0) && solution.Reason != StoppedNonFinite {
		if o.forms {
			o.qq = o.outputGradient(o.q)
		}
		o.fallBack(d, StoppedSlope)
	}
	return o.end(d)
}

// formedGradient sets jq = J q with q = m grad F = Jᵀ g + m mu w, and returns |q|²,
// from K: the only product with J that it takes is that of w, for weight decay.
//
//	J q = K g + m mu J w,  |q|² = g·K g + 2 m mu g·J w + m² mu² |w|²
func (o *dualGN[T]) formedGradient(jq tensor.Matrix[float64]) float64 {
	g, m, mu := o.rows(o.g), float64(o.problem.Z.Rows), o.spec.WeightDecay
	o.form()
	o.product(jq, g)
	qq := dot(g.Flat(), jq.Flat())
	o.report.GradNorm = math.Sqrt(max(qq, 0)) / m
	if mu > 0 {
		jw := o.rows(o.v)
		o.jvp(jw, o.problem.Lin.Weights())
		qq += 2*m*mu*dot(g.Flat(), jw.Flat()) + 2*m*m*mu*o.decayValue()
		axpy(m*mu, jw.Flat(), jq.Flat())
	}
	return qq
}

// fallBack makes the gradient step.
func (o *dualGN[T]) fallBack(d []T, reason string) {
	copy(o.rows(o.alpha).Flat(), o.rows(o.g).Flat())
	copy(d, o.q)
	o.gradientStep(d, o.qq, reason)
}

// gapResidual turns the tolerance on the gap into one on the residual r = Lᵀ u - s:
// the gap is |r|²/(2m).
func (o *dualGN[T]) gapResidual() float64 {
	if o.spec.GapTolerance == 0 {
		return 0
	}
	return math.Sqrt(2 * float64(o.problem.Z.Rows) * o.spec.GapTolerance * o.value())
}

func (o *core[T]) take(s Solution) {
	o.report.InnerIterations, o.report.StopReason, o.report.RelativeResidual = s.Iterations, s.Reason, s.RelativeResidual
}

// setAlpha makes alpha = g + L s.
func (o *dualGN[T]) setAlpha(s []float64) {
	k := o.problem.Z.Cols
	for i := range o.problem.Z.Rows {
		row := o.alpha.Row(i)
		o.problem.losses().SqrtMulOf(i, row, s[i*k:(i+1)*k], o.factors.Row(i))
		axpy(1, o.g.Row(i), row)
	}
}

// evaluate makes d = d0 - c Jᵀ alpha, and reports on it. The residual r of s gives
// Lᵀ J d = s + r, so that the model's change and the gap take no product: they
// are (1/m) [g·Jd + |s + r|²/2] and |r|²/(2m).
func (o *dualGN[T]) evaluate(d []T, s, r []float64, bs float64) {
	m := float64(o.problem.Z.Rows)
	o.setAlpha(s)
	v := o.rows(o.v)
	copy(v.Flat(), o.rows(o.alpha).Flat())
	tensor.Scale(nil, -o.c, v.Flat())
	o.vjp(d, v)
	o.addShift(d)

	slope := o.slope(bs)
	if !o.forms {
		slope = tensor.Dot(o.pool, o.q, d) / m
	}
	var curvature float64
	for i := range s {
		curvature += (s[i] + r[i]) * (s[i] + r[i]) / m
	}
	o.report.Gap = dot(r, r) / (2 * m)
	tau := 1.0
	if o.spec.Rescale {
		// tau = -<grad F, d> / (u·H u/m + |d|²/gamma'), and P(tau d) is below P(d).
		stiff := curvature + tensor.Dot(o.pool, d, d)/o.damped
		if tau = -slope / stiff; !(tau > 0) || math.IsInf(tau, 0) {
			tau = 1
		}
		tensor.Scale(o.pool, T(tau), d)
		o.report.Gap += (tau-1)*slope + (tau*tau-1)*stiff/2
	}
	o.report.Slope = tau * slope
	o.report.ModelChange = o.report.Slope - o.decaySlope(d) + tau*tau*curvature/2
}

// search takes the gamma of least F on the mini-batch along the path of
// solutions, from one basis. Each gamma costs a VJP and a forward pass. The
// right-hand side for any gamma is -c b.
func (o *dualGN[T]) search(d []T, s, b []float64, stop Stop) {
	p, w, mu := o.problem, o.problem.Lin.Weights(), o.spec.WeightDecay
	o.sys.c = o.c   // of the largest gamma, whose system is the last to converge
	stop.Gap /= o.c // the residual for b is that for -c b over c
	p.Trace.begin(o.c * o.c / float64(2*p.Z.Rows))
	solution := o.path.Build(&o.sys, b, stop)
	norm := math.Sqrt(dot(b, b))
	least := math.Inf(1)
	var chosen Report
	for i, gamma := range o.spec.Gamma.search {
		o.setGamma(gamma)
		r := o.path.At(s, o.c, -o.c)
		o.take(solution)
		o.report.RelativeResidual = math.Sqrt(dot(r, r)) / (o.c * norm)
		o.evaluate(d, s, r, -o.c*dot(b, s))
		f := p.mean(p.Lin.OutputsAt(1, d))
		o.report.Counters.Forwards++
		o.k.count(p.Lin.Dims().Forward)
		if mu > 0 {
			f += mu / 2 * (2*tensor.Dot(o.pool, w, d) + tensor.Dot(o.pool, d, d))
		}
		descends := f < least && o.report.Slope < 0
		if i == 0 || descends {
			chosen = o.report
			copy(o.best, d)
		}
		if descends {
			least = f
		}
	}
	chosen.Counters = o.report.Counters
	o.setGamma(chosen.Gamma)
	if !(chosen.Slope < 0) && solution.Reason != StoppedNonFinite { // not one descends
		o.report = chosen
		o.fallBack(d, StoppedSlope)
		return
	}
	o.path.At(s, o.c, -o.c)
	o.setAlpha(s)
	copy(d, o.best)
	o.report = chosen
}

func (o *dualGN[T]) Alpha() tensor.Matrix[float64] { return o.alpha.RowRange(0, o.k.m) }

// Diagnose needs a JVP only for the gradient step, whose u is not known.
func (o *dualGN[T]) Diagnose(r *Report, d []T, p *Problem[T], _ bool) {
	o.diagnoseStep(r, d, p)
	o.diagnose(r, d, p)
}

// diagnoseStep completes the report of a gradient step: its model's change, and
// its gap |Lᵀ u|²/(2m), that of alpha = g.
func (o *core[T]) diagnoseStep(r *Report, d []T, p *Problem[T]) {
	if !math.IsNaN(r.ModelChange) {
		return
	}
	o.problem = p
	o.factor(p.Z)
	u := o.rows(o.u)
	p.Lin.JVP(u, d)
	r.ModelChange = o.changeOf(u)
	var slope float64
	for i := range u.Rows {
		slope += dot(o.g.Row(i), u.Row(i)) / float64(u.Rows)
	}
	r.Gap = r.ModelChange - slope
	o.problem = nil
}

// primalGN solves for the direction itself.
type primalGN[T tensor.Float] struct {
	core[T]
	sys    PrimalSystem[T]
	solver PrimalLinear[T]
	b      []T // p
}

func newPrimalGN[T tensor.Float](spec GaussNewton, at Site) Oracle[T] {
	o := &primalGN[T]{solver: newPrimalSolver[T](spec.Inner.Solver, spec.Inner, at), b: make([]T, at.Dims.Weights)}
	o.bind(spec.Inner, at)
	o.sys.jx = tensor.New[float64](at.Dims.Examples, at.Dims.Outputs)
	o.sys.mul = o.hessian
	return o
}

// hessian sets dst = (1/m) Jᵀ H J d + d/gamma', and leaves J d in o.sys.u.
func (o *core[T]) hessian(dst, d []T) {
	p := o.problem
	u, v := o.rows(o.u), o.rows(o.v)
	o.jvp(u, d)
	for i := range u.Rows {
		row := v.Row(i)
		p.losses().SqrtMulTOf(i, o.row, u.Row(i), o.factors.Row(i))
		p.losses().SqrtMulOf(i, row, o.row, o.factors.Row(i))
	}
	tensor.Scale(nil, 1/float64(u.Rows), v.Flat())
	o.vjp(dst, v)
	tensor.Axpy(o.pool, T(1/o.damped), d, dst)
}

func (o *primalGN[T]) Direction(d []T, p *Problem[T]) Report {
	m := float64(p.Z.Rows)
	o.start(p, o.gamma.at(p.Time))
	qq := o.outputGradient(o.b)
	if o.nothing(qq) {
		copy(d, o.b)
		o.gradientStep(d, qq, StoppedGradient)
		return o.report
	}
	o.factor(p.Z)
	jx := o.sys.jx
	o.sys.u, o.sys.jx = o.rows(o.u), o.rows(jx)
	defer func() { o.sys.jx = jx }()
	tensor.Scale(o.pool, T(-1/m), o.b) // b = -grad F
	stop := Stop{Iterations: o.spec.InnerIterations, Tolerance: o.spec.Tolerance, Trace: p.Trace}
	if o.spec.GapTolerance > 0 { // the gap is (gamma'/2) |b - A d|²
		stop.Gap = math.Sqrt(2 * o.spec.GapTolerance * o.value() / o.damped)
	}
	p.Trace.begin(o.damped / 2) // gap (gamma'/2) |b - A d|²
	solution, bd := o.solver.Solve(&o.sys, d, o.b, stop)
	o.take(solution)
	o.report.Slope = -bd
	o.report.Gap = o.damped / 2 * solution.Residual * solution.Residual
	o.report.ModelChange = o.changeOf(o.sys.jx)
	return o.end(d)
}

func (o *primalGN[T]) Diagnose(r *Report, d []T, p *Problem[T], _ bool) {
	o.diagnoseStep(r, d, p)
	o.diagnose(r, d, p)
}
