package oracles

import (
	"errors"
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	cg := SolverChoice{registry.ChoiceOf(&Solvers, "cg", CG{}, newCG)}
	base := GaussNewton{Formulation: "dual", Solver: cg, InnerIterations: 10, Gamma: schedules.Const(1)}
	trial := func(formulation string, iterations int, gamma float64) GaussNewton {
		return GaussNewton{Formulation: formulation, Solver: cg, InnerIterations: iterations, Gamma: schedules.Const(gamma)}
	}
	registry.Add(&Known, registry.Info{
		Name:      "gauss_newton",
		Doc:       "minimises the quadratic model of the loss over the linearized network plus |d|^2/(2 gamma)",
		Reference: "Roulet and Blondel 2023, arXiv 2308.08886; Schraudolph 2002",
	}, base, newGaussNewton, trial("primal", 10, 1), trial("dual", 1, 100), trial("primal", 1, 100), trial("dual", 0, 1), trial("primal", 0, 1), trial("dual", 20, 1e4), trial("primal", 3, 1e4))
}

// GaussNewton minimises (1/m) Σ_i [g_i·u_i + u_i·H_i u_i/2] + |d|²/(2 gamma)
// with u = J d. With H = L Lᵀ, the dual formulation puts alpha = g + L s and
// solves, for the m k numbers s (docs/math.md section 2),
//
//	(I + (gamma/m) Lᵀ K L) s = -(gamma/m) Lᵀ K g,  K = J Jᵀ,  d = -(gamma/m) Jᵀ alpha,
//
// the primal one, for the p numbers d,
//
//	((1/m) Jᵀ H J + I/gamma) d = -(1/m) Jᵀ g.
type GaussNewton struct {
	Formulation     string           `yaml:"formulation" doc:"dual: unknowns are batch size x outputs; primal: unknowns are the weights"`
	Solver          SolverChoice     `yaml:"solver" doc:"inner solver"`
	InnerIterations int              `yaml:"inner_iterations" doc:"budget of the inner solver; 0 is the gradient step"`
	Tolerance       float64          `yaml:"tolerance" doc:"relative residual at which the inner solver stops; 0: never"`
	Gamma           schedules.Number `yaml:"gamma" doc:"proximity: 1/gamma is the damping; a number or a schedule"`
}

var _ Spec = GaussNewton{}

func newGaussNewton(o GaussNewton) (Spec, error) {
	switch {
	case o.Formulation != "dual" && o.Formulation != "primal":
		return nil, strict.Field("formulation", "must be dual or primal, got %q", o.Formulation)
	case o.InnerIterations < 0:
		return nil, strict.Field("inner_iterations", "must be 0 (the gradient step) or a number of iterations, got %d", o.InnerIterations)
	case !(o.Tolerance >= 0 && o.Tolerance < 1):
		return nil, strict.Field("tolerance", "must be 0 (never) or a relative residual below 1, got %g", o.Tolerance)
	}
	if err := o.Gamma.Positive("gamma"); err != nil {
		return nil, err
	}
	return o, nil
}

// Check refuses losses without curvature.
func (o GaussNewton) Check(l losses.Loss) error {
	if l.Curvature() == losses.Polyhedral {
		return errors.New("gauss_newton with this loss is just the gradient, since the loss is piecewise linear: its Hessian is 0; use the oracle gradient, or the loss squared_hinge or binary_logistic")
	}
	return nil
}

func (o GaussNewton) Bind32(n *nn.Net, m int, pool *tensor.Pool) Oracle[float32] {
	if o.Formulation == "primal" {
		return bindPrimal(o, o.Solver.Must().Primal32(n.NumParams(), pool), n, m, pool)
	}
	return bindDual[float32](o, n, m, pool)
}

func (o GaussNewton) Bind64(n *nn.Net, m int, pool *tensor.Pool) Oracle[float64] {
	if o.Formulation == "primal" {
		return bindPrimal(o, o.Solver.Must().Primal64(n.NumParams(), pool), n, m, pool)
	}
	return bindDual[float64](o, n, m, pool)
}

// gaussNewton is what both formulations share.
type gaussNewton[T tensor.Float] struct {
	spec GaussNewton
	adds nn.MultiplyAdds
	pool *tensor.Pool
	g, c tensor.Matrix[float64] // gradients and Hessian factors of the losses, m x k
	v, u tensor.Matrix[float64] // work space

	// The call that is running.
	problem *Problem[T]
	gamma   float64
	report  Report
}

func newGaussNewtonState[T tensor.Float](o GaussNewton, n *nn.Net, m int, pool *tensor.Pool) gaussNewton[T] {
	mk := func() tensor.Matrix[float64] { return tensor.New[float64](m, n.Outputs()) }
	return gaussNewton[T]{spec: o, adds: n.MultiplyAdds(), pool: pool, g: mk(), c: mk(), v: mk(), u: mk()}
}

// start makes g and the factors of the batch, and sets q = Jᵀ g.
func (o *gaussNewton[T]) start(q []T, p *Problem[T]) {
	m := p.Z.Rows
	o.problem, o.gamma = p, o.spec.Gamma.At(p.Time)
	o.report = Report{Gamma: o.gamma}
	for i := range m {
		p.Loss.Grad(o.g.Row(i), p.Z.Row(i), p.Y.Row(i))
		p.Loss.Factor(o.c.Row(i), p.Z.Row(i), p.Y.Row(i))
	}
	o.vjp(q, o.g.RowRange(0, m))
}

func (o *gaussNewton[T]) vjp(d []T, alpha tensor.Matrix[float64]) {
	o.problem.Lin.VJP(d, alpha)
	o.report.Counters.VJPs++
	o.report.Counters.MultiplyAdds += int64(alpha.Rows) * o.adds.VJP
}

func (o *gaussNewton[T]) jvp(u tensor.Matrix[float64], d []T) {
	o.problem.Lin.JVP(u, d)
	o.report.Counters.JVPs++
	o.report.Counters.MultiplyAdds += int64(u.Rows) * o.adds.JVP
}

// gradientStep makes d = -(gamma/m) q, where no system is solved.
func (o *gaussNewton[T]) gradientStep(d []T, qq float64) Report {
	m := float64(o.problem.Z.Rows)
	tensor.Scale(o.pool, T(-o.gamma/m), d)
	r := o.report
	r.StopReason, r.RelativeResidual = StoppedGradient, math.NaN()
	r.GradNorm, r.Slope = math.Sqrt(qq)/m, -o.gamma*qq/(m*m)
	return r
}

func (o *gaussNewton[T]) finish(s Solution) Report {
	r := o.report
	r.InnerIterations, r.StopReason, r.RelativeResidual = s.Iterations, s.Reason, s.RelativeResidual
	o.problem = nil
	return r
}

// Diagnose has nothing to add: slope and gradient come with the solution.
func (o *gaussNewton[T]) Diagnose(*Report, []T, *Problem[T]) {}

// dualGN solves in the dual.
type dualGN[T tensor.Float] struct {
	gaussNewton[T]
	solver DualSolver
	s, b   []float64 // m k
	d      []T       // of the call: holds Jᵀ v between a VJP and a JVP
	qq     float64   // |Jᵀ g|² = g·K g

	apply  func(dst, v []float64)
	accept func(bs float64) bool
}

func bindDual[T tensor.Float](spec GaussNewton, n *nn.Net, m int, pool *tensor.Pool) Oracle[T] {
	mk := m * n.Outputs()
	o := &dualGN[T]{
		gaussNewton: newGaussNewtonState[T](spec, n, m, pool), solver: spec.Solver.Must().Dual(mk, spec.InnerIterations),
		s: make([]float64, mk), b: make([]float64, mk),
	}
	// A s = s + (gamma/m) Lᵀ K L s
	o.apply = func(dst, s []float64) {
		p := o.problem
		m, k := p.Z.Rows, p.Z.Cols
		v, u := o.v.RowRange(0, m), o.u.RowRange(0, m)
		for i := range m {
			p.Loss.SqrtMul(v.Row(i), s[i*k:(i+1)*k], o.c.Row(i))
		}
		o.vjp(o.d, v)
		o.jvp(u, o.d)
		scale := o.gamma / float64(m)
		for i := range m {
			row := dst[i*k : (i+1)*k]
			p.Loss.SqrtMulT(row, u.Row(i), o.c.Row(i))
			for j := range row {
				row[j] = s[i*k+j] + scale*row[j]
			}
		}
	}
	o.accept = func(bs float64) bool { return o.slope(bs) < 0 }
	return o
}

// slope is <grad h, d> = -(gamma/m²) g·K g + (1/m) b·s of the direction that s
// stands for.
func (o *dualGN[T]) slope(bs float64) float64 {
	m := float64(o.problem.Z.Rows)
	return -o.gamma/(m*m)*o.qq + bs/m
}

func (o *dualGN[T]) Direction(d []T, p *Problem[T]) Report {
	m, k := p.Z.Rows, p.Z.Cols
	o.d = d
	o.start(d, p)
	o.qq = tensor.Dot(o.pool, d, d)
	if o.spec.InnerIterations == 0 || o.qq == 0 {
		return o.gradientStep(d, o.qq)
	}
	scale := o.gamma / float64(m)
	u, v := o.u.RowRange(0, m), o.v.RowRange(0, m)
	s, b := o.s[:m*k], o.b[:m*k]
	o.jvp(u, d) // K g
	for i := range m {
		row := b[i*k : (i+1)*k]
		p.Loss.SqrtMulT(row, u.Row(i), o.c.Row(i))
		for j := range row {
			row[j] *= -scale
		}
	}
	solution := o.solver.Solve(s, b, o.apply, Stop{o.spec.InnerIterations, o.spec.Tolerance}, o.accept)
	o.report.GradNorm, o.report.Slope = math.Sqrt(o.qq)/float64(m), o.slope(dot(b, s))
	for i := range m { // -(gamma/m) alpha, alpha = g + L s
		row := v.Row(i)
		p.Loss.SqrtMul(row, s[i*k:(i+1)*k], o.c.Row(i))
		for j := range row {
			row[j] = -scale * (o.g.At(i, j) + row[j])
		}
	}
	o.vjp(d, v)
	o.d = nil
	return o.finish(solution)
}

// primalGN solves for the direction itself.
type primalGN[T tensor.Float] struct {
	gaussNewton[T]
	solver PrimalSolver[T]
	b      []T // p
	apply  func(dst, v []T)
}

func bindPrimal[T tensor.Float](spec GaussNewton, solver PrimalSolver[T], n *nn.Net, m int, pool *tensor.Pool) Oracle[T] {
	o := &primalGN[T]{gaussNewton: newGaussNewtonState[T](spec, n, m, pool), solver: solver, b: make([]T, n.NumParams())}
	// A d = (1/m) Jᵀ H J d + d/gamma
	o.apply = func(dst, d []T) {
		p := o.problem
		m := p.Z.Rows
		u, v := o.u.RowRange(0, m), o.v.RowRange(0, m)
		o.jvp(u, d)
		for i := range m {
			p.Loss.SqrtMulT(v.Row(i), u.Row(i), o.c.Row(i))
			p.Loss.SqrtMul(u.Row(i), v.Row(i), o.c.Row(i))
		}
		tensor.Scale(nil, 1/float64(m), u.Flat())
		o.vjp(dst, u)
		tensor.Axpy(o.pool, T(1/o.gamma), d, dst)
	}
	return o
}

func (o *primalGN[T]) Direction(d []T, p *Problem[T]) Report {
	m := float64(p.Z.Rows)
	o.start(o.b, p)
	qq := tensor.Dot(o.pool, o.b, o.b)
	if o.spec.InnerIterations == 0 || qq == 0 {
		copy(d, o.b)
		return o.gradientStep(d, qq)
	}
	tensor.Scale(o.pool, T(-1/m), o.b) // b = -grad h
	solution, bd := o.solver.Solve(d, o.b, o.apply, Stop{o.spec.InnerIterations, o.spec.Tolerance})
	o.report.GradNorm, o.report.Slope = math.Sqrt(qq)/m, -bd
	return o.finish(solution)
}
