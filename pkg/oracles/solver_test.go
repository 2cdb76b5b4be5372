package oracles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// systemOf is the dual system of Gauss-Newton on a problem, with a right-hand
// side in the range of Lᵀ.
func systemOf(p *Subproblem[float64], c float64) (sys *System, b []float64) {
	z := p.Gradient.Outputs()
	mat := func() tensor.Matrix[float64] { return tensor.New[float64](z.Rows, z.Cols) }
	gram := newGram[float64](MatrixFree, false, false, nil)
	gram.Reset(p.Gradient.Jacobian)
	sys = &System{K: gram, GammaOverM: c, factor: ggnFactor{p.losses(), mat()}, v: mat(), u: mat(), kx: mat(), descent: descent{math.Inf(-1), 1}}
	sys.factor.set(z, p.Gradient.Targets)
	g, kg := mat(), mat()
	for i := range z.Rows {
		p.Loss.Grad(g.Row(i), z.Row(i), p.Gradient.Targets.Row(i))
	}
	gram.Mul(kg, g)
	b = make([]float64, len(kg.Flat()))
	sys.factor.mulT(b, kg.Flat())
	tensor.Scale(nil, -c, b)
	return sys, b
}

// dense returns A column by column.
func dense(sys *System) tensor.Matrix[float64] {
	n := len(sys.u.Flat())
	a := tensor.New[float64](n, n)
	e, col := make([]float64, n), make([]float64, n)
	for j := range n {
		clear(e)
		e[j] = 1
		sys.Mul(col, e)
		for i, v := range col {
			a.Set(i, j, sys.GammaOverM*v)
		}
		a.Set(j, j, a.At(j, j)+1)
	}
	return a
}

// TestFormedSystem compares the formed A, and the blocks that PCG inverts, with A
// applied to unit vectors.
func TestFormedSystem(t *testing.T) {
	for _, name := range []string{"logistic", "squared", "huber", "squared_hinge"} {
		_, p := newProblem[float64](losses.Known.Default(name).Must(), 5, nil)
		sys, _ := systemOf(p, 0.7)
		n, k := len(sys.u.Flat()), sys.u.Cols
		want, got := dense(sys), tensor.New[float64](n, n)
		sys.matrix(nil, got, make([]float64, n*k))
		for i := range n { // the lower triangle is worthless
			for j := range i {
				got.Set(i, j, got.At(j, i))
			}
		}
		if d := distance(got.Flat(), want.Flat()); d > 1e-12 {
			t.Errorf("%s: the formed system is %.2g away", name, d)
		}
		pre := blockDiagonal{factors: tensor.New[float64](n, k)}
		pre.prepare(sys)
		rng := rand.New(rand.NewPCG(1, 2))
		x, b, z := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		for i := range n {
			lo := i / k * k
			b[i] = dot(want.Row(i)[lo:lo+k], x[lo:lo+k])
		}
		if pre.solve(z, b); distance(z, x) > 1e-12 {
			t.Errorf("%s: the preconditioner does not invert the blocks", name)
		}
	}
}

// TestSlopeGuard: a solver returns no iterate that the oracle refuses, and what it
// says of the one returned is so: its residual, K L x, b·x.
func TestSlopeGuard(t *testing.T) {
	for _, name := range able(jobSystem.can) {
		_, p := newProblem[float64](losses.Logistic{}, 5, nil)
		sys, b := systemOf(p, 5)
		n := len(b)
		s := Solvers.Default(name).Must().Abilities().System(n, sys.u.Cols, 50, nil)
		x := make([]float64, n)
		s.Solve(sys, x, b, Stop{Iterations: 50})
		limit := dot(b, x) * 0.99 // which the last iterates pass
		sys.descent = descent{-limit, 1}
		out := s.Solve(sys, x, b, Stop{Iterations: 50})
		if out.Reason != StoppedSlope || !(dot(b, x) < limit) {
			t.Errorf("%s: %v, b·x = %g of %g", name, out, dot(b, x), limit)
		}
		a, r := dense(sys), make([]float64, n)
		for i := range r {
			r[i] = b[i] - dot(a.Row(i), x)
		}
		if d := distance(out.Vector, r); d > 1e-9 {
			t.Errorf("%s: the residual vector is %.2g away", name, d)
		}
		if Solvers.Default(name).Must().Abilities().Newton {
			kx := slices.Clone(sys.kx.Flat())
			sys.Mul(make([]float64, n), x)
			if d := distance(kx, sys.u.Flat()); d > 1e-9 && tensor.Norm2(nil, kx) > 0 {
				t.Errorf("%s: K L x is %.2g away", name, d)
			}
		}
	}
}

// TestMonotone: more iterations of a dual prox-linear solve never make P larger;
// a gradient step reports the gradient as its dual variables.
func TestMonotone(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		if c.oracle != "prox_linear" || c.formulation != "dual" {
			continue
		}
		for _, gamma := range []float64{0.1, 10, 1000} {
			last := math.Inf(1)
			for t0 := range 15 {
				n, p := newProblem[float64](c.loss, 7, nil)
				d := make([]float64, n.NumParams())
				o := c.bind(n, 7, fmt.Sprintf("inner_iterations: %d", t0), fmt.Sprintf("gamma: %g", gamma))
				r := o.Direction(d, p)
				if r.StopReason == StoppedGradient || r.StopReason == StoppedNoDecrease {
					g := make([]float64, p.Gradient.Outputs().Cols)
					for i := range 7 {
						if p.Loss.Grad(g, p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i)); !slices.Equal(g, o.(DualOracle).DualVariables().Row(i)) {
							t.Fatalf("%v: the dual variables of a gradient step are not the gradient", c)
						}
					}
					continue
				}
				v := primalOf(c, p, d, gamma, 0)
				// Each budget of a Newton method cuts another solve short.
				if c.solver == "sdca" || c.solver == "projected_gradient" {
					if v > last*(1+1e-12) {
						t.Errorf("%v, gamma %g: P is %g after %d iterations, %g before", c, gamma, v, t0, last)
					}
				}
				last = v
			}
		}
	}
}

// TestWarmMultiple: wherever a solve starts, it ends at the best multiple of its
// iterate, b·x = x·A x, from which descent follows.
func TestWarmMultiple(t *testing.T) {
	for _, name := range able(func(a Abilities) bool { return a.Warm }) {
		_, p := newProblem[float64](losses.Logistic{}, 5, nil)
		sys, b := systemOf(p, 5)
		n := len(b)
		a, rng := dense(sys), rand.New(rand.NewPCG(1, 2))
		s := Solvers.Default(name).Must().Abilities().System(n, sys.u.Cols, 3, nil)
		x, ax := make([]float64, n), make([]float64, n)
		for t0 := range 4 {
			for i := range x {
				x[i] = b[i] + 0.3*rng.NormFloat64()
			}
			s.Solve(sys, x, b, Stop{Iterations: t0, Warm: true})
			for i := range ax {
				ax[i] = dot(a.Row(i), x)
			}
			if bx, xax := dot(b, x), dot(x, ax); !(bx > 0) || math.Abs(bx-xax) > 1e-10*bx {
				t.Errorf("%s, %d iterations: b·x = %g, x·A x = %g", name, t0, bx, xax)
			}
		}
	}
}

// TestWarmSafeguard: a warm solve whose result is refused ends at 0, and says so.
func TestWarmSafeguard(t *testing.T) {
	for _, name := range able(func(a Abilities) bool { return a.Warm }) {
		_, p := newProblem[float64](losses.Logistic{}, 5, nil)
		sys, b := systemOf(p, 5)
		sys.descent = descent{math.Inf(1), 1}
		s := Solvers.Default(name).Must().Abilities().System(len(b), sys.u.Cols, 3, nil)
		x := slices.Clone(b)
		out := s.Solve(sys, x, b, Stop{Iterations: 3, Warm: true})
		if out.Reason != StoppedSlope || out.RelativeResidual != 1 || dot(x, x) != 0 || !slices.Equal(out.Vector, b) {
			t.Errorf("%s: %v, |x|² = %g", name, out, dot(x, x))
		}
	}
}

// TestRestart: restarts keep the accelerated gradient from circling the optimum,
// which takes two to four times as many iterations without.
func TestRestart(t *testing.T) {
	for name, most := range map[string]int{"huber": 300, "squared_hinge": 90, "hinge": 180} {
		l := losses.Known.Default(name).Must()
		n, p := newProblem[float64](l, 7, nil)
		c := combo{"prox_linear", "dual", "projected_gradient", "", l, name}
		r := c.bind(n, 7, "gamma: 100", "inner_iterations: 5000", "tolerance: 1e-10").Direction(make([]float64, n.NumParams()), p)
		if r.StopReason != StoppedTolerance || r.InnerIterations > most {
			t.Errorf("%s: %s after %d iterations, want at most %d", name, r.StopReason, r.InnerIterations, most)
		}
	}
}

// TestTolerance: a solve ends as soon as its residual is small beside that of no
// iterations, whatever the scale of the problem. In the primal that is |grad P|
// beside |grad F|.
func TestTolerance(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		if c.oracle != "gauss_newton" || c.solver == "cholesky" || c.solver == "sdd" { // whose average depends on the budget
			continue
		}
		for _, gamma := range []float64{1e-2, 1e3} {
			for _, tol := range []float64{1e-1, 1e-4, 1e-8} {
				n, p := newProblem[float64](c.loss, 7, nil)
				d, short := make([]float64, n.NumParams()), make([]float64, n.NumParams())
				solve := func(d []float64, budget int) Report {
					return c.bind(n, 7, fmt.Sprintf("inner_iterations: %d", budget), fmt.Sprintf("tolerance: %g", tol), fmt.Sprintf("gamma: %g", gamma)).Direction(d, p)
				}
				r := solve(d, 500)
				if r.StopReason == StoppedExact {
					continue
				}
				if r.StopReason != StoppedTolerance || r.RelativeResidual > tol || r.InnerIterations == 0 {
					t.Errorf("%v, gamma %g: %s after %d at %g, wanted %g", c, gamma, r.StopReason, r.InnerIterations, r.RelativeResidual, tol)
				}
				if r.InnerIterations > 1 {
					if s := solve(short, r.InnerIterations-1); s.StopReason != StoppedBudget || s.RelativeResidual <= tol {
						t.Errorf("%v, gamma %g: %d iterations for %g, but %g after one less", c, gamma, r.InnerIterations, tol, s.RelativeResidual)
					}
				}
				if c.formulation == "primal" {
					at := func(d []float64) float64 { // |grad P|
						u := tensor.New[float64](7, p.Gradient.Outputs().Cols)
						p.Gradient.JVP(u, d)
						row, f := make([]float64, p.Gradient.Outputs().Cols), make([]float64, p.Gradient.Outputs().Cols)
						for i := range 7 {
							p.Loss.GGNFactor(f, p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i))
							p.Loss.MulFactorT(row, u.Row(i), f)
							p.Loss.MulFactor(u.Row(i), row, f)
						}
						tensor.Scale(nil, 1.0/7, u.Flat())
						e := make([]float64, len(d))
						p.Gradient.VJP(e, u)
						axpy(1, gradientOf(p, 0), e)
						axpy(1/gamma, d, e)
						return tensor.Norm2(nil, e)
					}
					if got := at(d) / at(make([]float64, len(d))); math.Abs(got-r.RelativeResidual) > 1e-6*got+1e-11 {
						t.Errorf("%v, gamma %g: the residual is %g, reported as %g", c, gamma, got, r.RelativeResidual)
					}
				}
			}
		}
	}
}

// TestProxResidual: the residual of a dual prox-linear solve is
// |grad loss(f + J d) - alpha|/|g| with the alpha that makes d.
func TestProxResidual(t *testing.T) {
	tested := 0
	served, _ := combos()
	for _, c := range served {
		n, p := newProblem[float64](c.loss, 7, nil)
		d := make([]float64, n.NumParams())
		o, ok := c.bind(n, 7, "inner_iterations: 4", "gamma: 5").(*newtonProx[float64])
		if !ok {
			continue
		}
		tested++
		r := o.Direction(d, p)
		u := tensor.New[float64](7, p.Gradient.Outputs().Cols)
		p.Gradient.JVP(u, d)
		axpy(1, p.Gradient.Outputs().Flat(), u.Flat())
		var rr, gg float64
		g := make([]float64, p.Gradient.Outputs().Cols)
		for i := range 7 {
			p.Loss.Grad(g, p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i))
			gg += dot(g, g)
			p.Loss.Grad(g, u.Row(i), p.Gradient.Targets.Row(i))
			axpy(-1, o.alpha.Row(i), g)
			rr += dot(g, g)
		}
		if want := math.Sqrt(rr / gg); math.Abs(r.RelativeResidual-want) > 1e-9*want+1e-12 {
			t.Errorf("%v: the residual is %g, want %g", c, r.RelativeResidual, want)
		}
	}
	if tested == 0 {
		t.Error("nothing tested")
	}
}
