package oracles

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"pgregory.net/rapid"
)

func gn(formulation string, iterations int, tolerance, gamma float64) GaussNewton {
	return GaussNewton{
		Formulation: formulation, Solver: SolverChoice{Solvers.Default("cg")}, InnerIterations: iterations, Tolerance: tolerance, Gamma: schedules.Const(gamma),
	}
}

// gnLosses are those that Gauss-Newton serves.
func gnLosses() (names []string) {
	for _, name := range losses.Known.Names() {
		if (GaussNewton{}).Check(losses.Known.Default(name).Must()) == nil {
			names = append(names, name)
		}
	}
	return names
}

// gradientOf returns grad h = (1/m) Jᵀ g, from its definition.
func gradientOf(p *Problem[float64], n int) []float64 {
	m := p.Z.Rows
	alpha, g := tensor.New[float64](m, p.Z.Cols), make([]float64, n)
	for i := range m {
		p.Loss.Grad(alpha.Row(i), p.Z.Row(i), p.Y.Row(i))
	}
	tensor.Scale(nil, 1/float64(m), alpha.Flat())
	p.Lin.VJP(g, alpha)
	return g
}

// TestDescent: every truncation is a descent direction, for every gamma, and
// reports its slope.
func TestDescent(t *testing.T) {
	for _, name := range gnLosses() {
		n, p := newProblem[float64](t, losses.Known.Default(name).Must(), 7, nil)
		g := gradientOf(p, n.NumParams())
		rapid.Check(t, func(t *rapid.T) {
			spec := gn(rapid.SampledFrom([]string{"dual", "primal"}).Draw(t, "formulation"),
				rapid.IntRange(0, 20).Draw(t, "iterations"), 0, math.Pow(10, rapid.Float64Range(-4, 4).Draw(t, "log10 gamma")))
			d := make([]float64, n.NumParams())
			r := Bind[float64](spec, n, 7, nil).Direction(d, p)
			slope := dot(g, d)
			if !(slope < 0) {
				t.Fatalf("%s: slope %g after %d iterations (%s)", name, slope, r.InnerIterations, r.StopReason)
			}
			if math.Abs(r.Slope-slope) > 1e-9*math.Abs(slope) {
				t.Fatalf("%s: reported slope %g, it is %g", name, r.Slope, slope)
			}
		})
	}
}

// gnModel is (1/m) Σ [g·u + u·H u/2] + |d|²/(2 gamma) with u = J d.
func gnModel(p *Problem[float64], d []float64, gamma float64) float64 {
	m, k := p.Z.Rows, p.Z.Cols
	u := tensor.New[float64](m, k)
	p.Lin.JVP(u, d)
	g, c, s := make([]float64, k), make([]float64, k), make([]float64, k)
	v := dot(d, d) / (2 * gamma)
	for i := range m {
		p.Loss.Grad(g, p.Z.Row(i), p.Y.Row(i))
		p.Loss.Factor(c, p.Z.Row(i), p.Y.Row(i))
		p.Loss.SqrtMulT(s, u.Row(i), c)
		v += (dot(g, u.Row(i)) + dot(s, s)/2) / float64(m)
	}
	return v
}

// TestMinimises: a converged solve minimises the oracle's own model: no random
// move makes it smaller, and none truncated is below it.
func TestMinimises(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range gnLosses() {
		for _, formulation := range []string{"dual", "primal"} {
			for _, gamma := range []float64{0.01, 1, 100} {
				n, p := newProblem[float64](t, losses.Known.Default(name).Must(), 7, nil)
				d := make([]float64, n.NumParams())
				r := Bind[float64](gn(formulation, 5000, 1e-13, gamma), n, 7, nil).Direction(d, p)
				if r.StopReason != StoppedTolerance && r.StopReason != StoppedExact {
					t.Fatalf("%s, %s, gamma %g: stopped by %s at %g", name, formulation, gamma, r.StopReason, r.RelativeResidual)
				}
				best := gnModel(p, d, gamma)
				for range 50 {
					e := make([]float64, len(d))
					size := math.Pow(10, -4*rng.Float64())
					for i := range e {
						e[i] = d[i] + size*rng.NormFloat64()
					}
					if v := gnModel(p, e, gamma); v < best-1e-13 {
						t.Fatalf("%s, %s, gamma %g: %g beside the minimum %g", name, formulation, gamma, v, best)
					}
				}
				short := make([]float64, len(d))
				Bind[float64](gn(formulation, 2, 0, gamma), n, 7, nil).Direction(short, p)
				if v := gnModel(p, short, gamma); v < best-1e-13 {
					t.Errorf("%s, %s, gamma %g: two iterations reach %g, below the minimum %g", name, formulation, gamma, v, best)
				}
			}
		}
	}
}

// TestCounts: t iterations take t+2 VJPs and t+1 JVPs in the dual, t+1 and t in
// the primal, and each its multiply-adds.
func TestCounts(t *testing.T) {
	l := losses.Known.Default("logistic").Must()
	for iterations := range 5 {
		for formulation, extra := range map[string][2]int{"dual": {2, 1}, "primal": {1, 0}} {
			n, p := newProblem[float64](t, l, 7, nil)
			r := Bind[float64](gn(formulation, iterations, 0, 1), n, 7, nil).Direction(make([]float64, n.NumParams()), p)
			vjps, jvps := iterations+extra[0], iterations+extra[1]
			if iterations == 0 { // the gradient step
				vjps, jvps = 1, 0
			}
			adds := n.MultiplyAdds()
			want := Counters{VJPs: vjps, JVPs: jvps, MultiplyAdds: 7 * (int64(vjps)*adds.VJP + int64(jvps)*adds.JVP)}
			if r.Counters != want || r.InnerIterations != iterations {
				t.Errorf("%s, %d iterations: %+v, want %+v", formulation, r.InnerIterations, r.Counters, want)
			}
		}
	}
}

// TestSmallGamma: as gamma goes to 0, the direction goes to -gamma grad h.
func TestSmallGamma(t *testing.T) {
	const gamma = 1e-9
	n, p := newProblem[float64](t, losses.Known.Default("logistic").Must(), 7, nil)
	g := gradientOf(p, n.NumParams())
	tensor.Scale(nil, -gamma, g)
	for _, formulation := range []string{"dual", "primal"} {
		d := make([]float64, len(g))
		Bind[float64](gn(formulation, 5, 0, gamma), n, 7, nil).Direction(d, p)
		if e := distance(d, g); e > 1e-6 {
			t.Errorf("%s: %g away from the gradient step", formulation, e)
		}
	}
}

// TestFloat32: the direction in float32 is that of float64, but for rounding
// that the condition of the system amplifies.
func TestFloat32(t *testing.T) {
	for _, formulation := range []string{"dual", "primal"} {
		l := losses.Known.Default("logistic").Must()
		n, p := newProblem[float64](t, l, 7, nil)
		_, q := newProblem[float32](t, l, 7, nil)
		d, e, wide := make([]float64, n.NumParams()), make([]float32, n.NumParams()), make([]float64, n.NumParams())
		Bind[float64](gn(formulation, 8, 0, 1), n, 7, nil).Direction(d, p)
		Bind[float32](gn(formulation, 8, 0, 1), n, 7, nil).Direction(e, q)
		tensor.Convert(wide, e)
		if dist := distance(wide, d); dist > 1e-4 {
			t.Errorf("%s: float32 is %g away", formulation, dist)
		}
	}
}

// TestBadProblems: NaN gradients end the solve, a zero gradient gives no step.
func TestBadProblems(t *testing.T) {
	for _, formulation := range []string{"dual", "primal"} {
		n, p := newProblem[float64](t, losses.Known.Default("squared").Must(), 7, nil)
		o := Bind[float64](gn(formulation, 50, 0, 1), n, 7, nil)
		d := make([]float64, n.NumParams())
		y := p.Y.At(2, 0)
		p.Y.Set(2, 0, math.NaN())
		if r := o.Direction(d, p); r.StopReason != StoppedNonFinite || r.InnerIterations > 1 {
			t.Errorf("%s, NaN: %d iterations, %s", formulation, r.InnerIterations, r.StopReason)
		}
		p.Y.Set(2, 0, y)
		copy(p.Y.Flat(), p.Z.Flat()) // every residual is 0
		if r := o.Direction(d, p); r.StopReason != StoppedGradient || tensor.Norm2(nil, d) != 0 {
			t.Errorf("%s, zero gradient: |d| = %g, %s", formulation, tensor.Norm2(nil, d), r.StopReason)
		}
	}
}

// TestIndefinite: an operator that is not positive definite is reported.
func TestIndefinite(t *testing.T) {
	b := []float64{1, 2}
	negative := func(dst, v []float64) {
		for i := range v {
			dst[i] = -v[i]
		}
	}
	x := make([]float64, 2)
	if s := (CG{}).Dual(2, 9).Solve(x, b, negative, Stop{Iterations: 9}, func(float64) bool { return true }); s.Reason != StoppedIndefinite {
		t.Errorf("dual: %+v", s)
	}
	if s, _ := (CG{}).Primal64(2, nil).Solve(x, b, negative, Stop{Iterations: 9}); s.Reason != StoppedIndefinite {
		t.Errorf("primal: %+v", s)
	}
}

func TestGaussNewtonErrors(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"{kind: gauss_newton, formulation: duel}", `formulation: must be dual or primal, got "duel"`},
		{"{kind: gauss_newton, inner_iterations: -1}", "inner_iterations: must be 0 (the gradient step)"},
		{"{kind: gauss_newton, tolerance: 1}", "tolerance: must be 0 (never) or a relative residual below 1, got 1"},
		{"{kind: gauss_newton, gamma: -1}", "gamma: must be positive, got -1"},
		{"{kind: gauss_newton, solver: gc}", `unknown solver "gc"`},
	} {
		doc, err := strict.Parse("c.yaml", []byte(c.config))
		if err != nil {
			t.Fatal(err)
		}
		var choice registry.Choice[Spec]
		if choice, err = Known.Decode(doc.Root()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v (%v)\n  want %s", c.config, err, choice, c.want)
		}
	}
	err := gn("dual", 1, 0, 1).Check(losses.Known.Default("hinge").Must())
	if err == nil || !strings.Contains(err.Error(), "its Hessian is 0; use the oracle gradient, or the loss squared_hinge") {
		t.Errorf("hinge: %v", err)
	}
}
