package oracles

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// exactGN is the Gauss-Newton direction of squared losses with weights, in 300 bits: d of
// (Jᵀ Ω J/m + (1/gamma + mu) I) d = -Jᵀ Ω (f - y)/m - mu w.
func exactGN(q *quadratics, y, omega []float64, gamma, mu float64) []float64 {
	const bits = 300
	num := func(v float64) *big.Float { return new(big.Float).SetPrec(bits).SetFloat64(v) }
	mul := func(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(bits).Mul(a, b) }
	n, p := q.j.Rows, q.j.Cols
	m := num(float64(n))
	a, b := make([][]*big.Float, p), make([]*big.Float, p)
	j := make([][]*big.Float, n)
	for r := range n {
		j[r] = make([]*big.Float, p)
		for c := range p {
			j[r][c] = num(q.j.Row(r)[c])
		}
	}
	for c := range p {
		a[c], b[c] = make([]*big.Float, p), num(0)
		for e := range p {
			a[c][e] = num(0)
			for r := range n {
				a[c][e].Add(a[c][e], mul(num(omega[r]), mul(j[r][c], j[r][e])))
			}
			a[c][e].Quo(a[c][e], m)
		}
		damping := new(big.Float).SetPrec(bits).Quo(num(1), num(gamma))
		a[c][c].Add(a[c][c], damping.Add(damping, num(mu)))
		for r := range n {
			residual := new(big.Float).SetPrec(bits).Sub(num(q.out.Flat()[r]), num(y[r]))
			b[c].Sub(b[c], mul(num(omega[r]), mul(j[r][c], residual)))
		}
		b[c].Quo(b[c], m)
		b[c].Sub(b[c], mul(num(mu), num(q.w[c])))
	}
	for c := range p { // elimination
		for e := c + 1; e < p; e++ {
			f := new(big.Float).SetPrec(bits).Quo(a[e][c], a[c][c])
			for h := c; h < p; h++ {
				a[e][h].Sub(a[e][h], mul(f, a[c][h]))
			}
			b[e].Sub(b[e], mul(f, b[c]))
		}
	}
	d := make([]float64, p)
	for c := p - 1; c >= 0; c-- {
		for e := c + 1; e < p; e++ {
			b[c].Sub(b[c], mul(a[c][e], b[e]))
		}
		b[c].Quo(b[c], a[c][c])
		d[c], _ = b[c].Float64()
	}
	return d
}

// graded gives J singular values from 100 down to 1e-6, as those of residuals of equations are.
func graded(q *quadratics, rng *rand.Rand) {
	n, p := q.j.Rows, q.j.Cols
	rank := min(n, p)
	clear(q.j.Flat())
	for r := range rank { // products of random, nearly orthogonal vectors
		s := 100 * math.Pow(1e-8, float64(r)/float64(rank-1))
		u, v := make([]float64, n), make([]float64, p)
		for i := range u {
			u[i] = rng.NormFloat64() / math.Sqrt(float64(n))
		}
		for i := range v {
			v[i] = rng.NormFloat64() / math.Sqrt(float64(p))
		}
		for i := range n {
			axpy(s*u[i], v, q.j.Row(i))
		}
	}
}

// TestLargeGamma: exact directions are right at gammas at which the dual and the primal systems
// are indefinite by rounding, for fewer residuals than weights and for more.
func TestLargeGamma(t *testing.T) {
	for _, formulation := range []string{"dual", "primal"} {
		for _, shape := range [][2]int{{20, 30}, {30, 12}, {1, 4}} {
			for _, gamma := range []float64{1, 1e4, 1e8, 1e10, 1e12} {
				for _, mu := range []float64{0, 1e-3} {
					rng := rand.New(rand.NewPCG(uint64(shape[0]), 7))
					n, p := shape[0], shape[1]
					q := newQuadratics(n, 1, p, rng)
					if n > 1 {
						graded(q, rng)
					}
					y, omega := tensor.New[float64](n, 1), make([]float64, n)
					for i := range n {
						y.Flat()[i], omega[i] = q.out.Flat()[i]+rng.NormFloat64(), 0.5+rng.Float64()
					}
					want := exactGN(q, y.Flat(), omega, gamma, mu)
					config := combo{oracle: "gauss_newton", formulation: formulation, solver: "cholesky", lossName: "squared", loss: losses.Squared{}}
					o := New[float64](config.must("inner_iterations: 1", fmt.Sprintf("gamma: %g", gamma), fmt.Sprintf("weight_decay: %g", mu)), Site{Loss: losses.Squared{}, Dims: q.Dims()})
					d := make([]float64, p)
					r := o.Direction(d, &Subproblem[float64]{Loss: losses.Squared{}, Gradient: Batch[float64]{Jacobian: q, Targets: y, Omega: omega}})
					away := make([]float64, p)
					for i := range away {
						away[i] = d[i] - want[i]
					}
					e := math.Sqrt(dot(away, away) / dot(want, want))
					tol := 1e-8
					if gamma > 1e10 { // rounding errors of Jᵀ alpha, which gamma'/m multiplies
						tol = 1e-6
					}
					t.Logf("%s %v gamma %g mu %g: %.2g away (%s, %d JVPs, residual %.1e)", formulation, shape, gamma, mu, e, r.StopReason, r.Counters.JVPs, r.RelativeResidual)
					if !(e <= tol) || !(r.Slope < 0) || r.StopReason != StoppedExact {
						t.Errorf("%s, %d residuals of %d weights, gamma %g, mu %g: d is %.2g away, slope %g, %s", formulation, n, p, gamma, mu, e, r.Slope, r.StopReason)
					}
				}
			}
		}
	}
}

// TestLargeGammaOfMany is TestLargeGamma for a thousand residuals, at the gamma at which rounding is first
// met in practice.
func TestLargeGammaOfMany(t *testing.T) {
	const n, p, gamma = 1000, 40, 1e10
	rng := rand.New(rand.NewPCG(1, 9))
	q := newQuadratics(n, 1, p, rng)
	graded(q, rng)
	y, omega := tensor.New[float64](n, 1), make([]float64, n)
	for i := range n {
		y.Flat()[i], omega[i] = q.out.Flat()[i]+rng.NormFloat64(), 0.5+rng.Float64()
	}
	want := exactGN(q, y.Flat(), omega, gamma, 0)
	for _, formulation := range []string{"dual", "primal"} {
		config := combo{oracle: "gauss_newton", formulation: formulation, solver: "cholesky", lossName: "squared", loss: losses.Squared{}}
		o := New[float64](config.must("inner_iterations: 1", fmt.Sprintf("gamma: %g", gamma)), Site{Loss: losses.Squared{}, Dims: q.Dims()})
		d := make([]float64, p)
		r := o.Direction(d, &Subproblem[float64]{Loss: losses.Squared{}, Gradient: Batch[float64]{Jacobian: q, Targets: y, Omega: omega}})
		away := distance(d, want)
		t.Logf("%s: %.2g away (%s, %d JVPs)", formulation, away, r.StopReason, r.Counters.JVPs)
		if !(away <= 1e-8) || !(r.Slope < 0) || r.StopReason != StoppedExact {
			t.Errorf("%s: d is %.2g away, slope %g, %s", formulation, away, r.Slope, r.StopReason)
		}
	}
}

// TestTooLargeGamma: where rounding errors of Jᵀ alpha spoil exact directions, these descend all the same, the
// model does not rise along them, and the report says what they are.
func TestTooLargeGamma(t *testing.T) {
	for _, formulation := range []string{"dual", "primal"} {
		for _, shape := range [][2]int{{20, 30}, {30, 12}, {40, 60}} {
			for _, gamma := range []float64{1e12, 1e14, 1e16, 1e20, 1e30} {
				rng := rand.New(rand.NewPCG(uint64(shape[0]), 8))
				n, p := shape[0], shape[1]
				q := newQuadratics(n, 1, p, rng)
				graded(q, rng)
				y := tensor.New[float64](n, 1)
				for i := range n {
					y.Flat()[i] = q.out.Flat()[i] + rng.NormFloat64()
				}
				config := combo{oracle: "gauss_newton", formulation: formulation, solver: "cholesky", lossName: "squared", loss: losses.Squared{}}
				o := New[float64](config.must("inner_iterations: 1", fmt.Sprintf("gamma: %g", gamma)), Site{Loss: losses.Squared{}, Dims: q.Dims()})
				d := make([]float64, p)
				s := &Subproblem[float64]{Loss: losses.Squared{}, Gradient: Batch[float64]{Jacobian: q, Targets: y}}
				r := o.Direction(d, s)
				u := tensor.New[float64](n, 1)
				q.JVP(u, d)
				slope, change := 0.0, dot(d, d)/(2*gamma)
				jg := make([]float64, p)
				g := tensor.New[float64](n, 1)
				for i, v := range u.Flat() {
					g.Flat()[i] = q.out.Flat()[i] - y.Flat()[i]
					slope += g.Flat()[i] * v / float64(n)
					change += g.Flat()[i]*v/float64(n) + v*v/float64(2*n)
				}
				q.VJP(jg, g)
				norm := math.Sqrt(dot(jg, jg)) / float64(n)
				t.Logf("%s %v gamma %g: slope %.3g, reported %.3g, P changes by %.3g (%s), |grad| %.3g, reported %.3g", formulation, shape, gamma, slope, r.Slope, change, r.StopReason, norm, o.Complete(false).GradNorm)
				if !(slope < 0) || change > 0 || math.Abs(r.Slope/slope-1) > 1e-2 {
					t.Errorf("%s, %v, gamma %g: slope %g, reported %g, P changes by %g (%s)", formulation, shape, gamma, slope, r.Slope, change, r.StopReason)
				}
				if got := o.Complete(false).GradNorm; math.Abs(got/norm-1) > 1e-2 {
					t.Errorf("%s, %v, gamma %g: the gradient has the norm %g, reported %g", formulation, shape, gamma, norm, got)
				}

				// As after the step, in exact arithmetic: little is left of the gradient.
				exact := exactGN(q, y.Flat(), slices.Repeat([]float64{1}, n), 1e12, 0)
				q.JVP(u, exact)
				axpy(-1, u.Flat(), y.Flat())
				axpy(1, u.Flat(), g.Flat())
				q.VJP(jg, g)
				o.Direction(d, s)
				norm = math.Sqrt(dot(jg, jg)) / float64(n)
				if got := o.Complete(false).GradNorm; math.Abs(got/norm-1) > 1e-2 {
					t.Errorf("%s, %v, gamma %g, second step: the gradient has the norm %g, reported %g", formulation, shape, gamma, norm, got)
				}
			}
		}
	}
}

// TestLargeGammaOfAnEquation is TestLargeGamma for the residuals of Poisson's equation, by the products
// of their network.
func TestLargeGammaOfAnEquation(t *testing.T) {
	const m, inside = 30, 20
	layers := []nn.LayerConfig{}
	for i, units := range []int{6, 5, 1} {
		if i > 0 {
			layers = append(layers, nn.LayerConfig{Kind: "tanh", Layer: nn.Tanh{}})
		}
		layers = append(layers, nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: units, Bias: true, Initializer: "lecun_normal"}})
	}
	u, err := nn.NewNet(tensor.Shape{C: 2, H: 1, W: 1}, layers...)
	if err != nil {
		t.Fatal(err)
	}
	net, err := u.Differentiate(nn.Jet{Dimension: 2, Second: []int{0, 1}}, func(to, _, jet []float64) float64 {
		to[3] = -1
		return -jet[3]
	})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	x, y, omega := tensor.New[float64](m, 3), tensor.New[float64](m, 1), make([]float64, m)
	for i := range m {
		x.Row(i)[0], x.Row(i)[1] = rng.Float64(), rng.Float64()
		if i >= inside {
			x.Row(i)[0], x.Row(i)[2] = 0, nn.Boundary
		}
		y.Set(i, 0, rng.NormFloat64())
		omega[i] = 0.5 + rng.Float64()
	}
	lin := nn.NewLinearization[float64](net, m, nil)
	lin.Linearize(net.Init(rng), x)
	p := problemOf(losses.Squared{}, lin, y)
	p.Gradient.Omega = omega
	q := &quadratics{j: jacobianOf(&p.Gradient), out: lin.Outputs(), w: lin.Weights()}
	for _, gamma := range []float64{1e4, 1e8, 1e10} {
		want := exactGN(q, y.Flat(), omega, gamma, 0)
		for _, formulation := range []string{"dual", "primal"} {
			config := combo{oracle: "gauss_newton", formulation: formulation, solver: "cholesky", lossName: "squared", loss: losses.Squared{}}
			o := New[float64](config.must("inner_iterations: 1", fmt.Sprintf("gamma: %g", gamma)), Site{Loss: losses.Squared{}, Dims: net.Dims(m)})
			d := make([]float64, net.NumParams())
			r := o.Direction(d, p)
			if away := distance(d, want); !(away <= 1e-7) || r.StopReason != StoppedExact {
				t.Errorf("%s, gamma %g: d is %.2g away (%s)", formulation, gamma, away, r.StopReason)
			} else {
				t.Logf("%s, gamma %g: %.2g away", formulation, gamma, away)
			}
		}
	}
}

// TestAutoFormulation: auto is the formulation with fewer unknowns, and says so.
func TestAutoFormulation(t *testing.T) {
	for _, c := range []struct {
		m, p int
		want string
	}{{5, 9, "dual"}, {9, 9, "dual"}, {10, 9, "primal"}} {
		rng := rand.New(rand.NewPCG(1, 2))
		q := newQuadratics(c.m, 1, c.p, rng)
		y := tensor.New[float64](c.m, 1)
		direction := func(formulation string) ([]float64, Spec) {
			spec := combo{oracle: "gauss_newton", formulation: formulation, solver: "cholesky", lossName: "squared", loss: losses.Squared{}}.must("inner_iterations: 1")
			d := make([]float64, c.p)
			New[float64](spec, Site{Loss: losses.Squared{}, Dims: q.Dims()}).Direction(d, &Subproblem[float64]{Loss: losses.Squared{}, Gradient: Batch[float64]{Jacobian: q, Targets: y}})
			return d, spec
		}
		got, auto := direction("auto")
		want, same := direction(c.want)
		if !slices.Equal(got, want) {
			t.Errorf("%d residuals of %d weights: other bits than %s", c.m, c.p, c.want)
		}
		sizes := Sizes{Dims: q.Dims(), Value: 8}
		if a, b := HeldBy(auto, losses.Squared{}, sizes), HeldBy(same, losses.Squared{}, sizes); a != b {
			t.Errorf("%s holds %v, and auto %v", c.want, b, a)
		}
		if list := auto.(Automatic).Choices(losses.Squared{}, q.Dims()); len(list) == 0 || !strings.HasPrefix(list[0], "formulation: auto is "+c.want) {
			t.Errorf("says %v", list)
		}
		if err := auto.Fits(losses.Squared{}, q.Dims()); err != nil {
			t.Error(err)
		}
	}
}
