package oracles

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"pgregory.net/rapid"
)

// A combo is an oracle with a formulation, a solver and a form of K, where it has them, on
// a loss.
type combo struct {
	oracle, formulation, solver string
	gram                        Form // "" where there is no choice
	loss                        losses.Loss
	lossName                    string
}

func (c combo) String() string {
	return strings.Join([]string{c.oracle, c.formulation, c.solver, string(c.gram), c.lossName}, "/")
}

// closed says that the oracle solves nothing, and so tells no P.
func (c combo) closed() bool {
	_, closed := Known.Default(c.oracle).Must().(Closed)
	return closed
}

// some returns the combos of the tests that take long: every form with one loss of each kind,
// and of the others the form that goes through tangents.
func some(all []combo) (out []combo) {
	for _, c := range all {
		if c.throughTangents() || c.lossName == "logistic" || c.lossName == "hinge" {
			out = append(out, c)
		}
	}
	return out
}

// throughTangents says that a product with K, if there are any, is a VJP and a JVP.
// draws reports whether the solver is one that draws, whose counts TestCountsOfDraws has.
func (c combo) draws() bool { return c.solver == "sdd" || c.solver == "nystrom" }

func (c combo) throughTangents() bool { return c.gram == "" || c.gram == MatrixFree }

// spec decodes the oracle of a config with further options, such as "gamma: 3".
func (c combo) spec(options ...string) (Spec, error) {
	text := "{kind: " + c.oracle
	if c.formulation != "" {
		text += ", formulation: " + c.formulation + ", solver: " + c.solver
	}
	if c.gram != "" {
		text += ", gram: " + string(c.gram)
	}
	for _, o := range slices.Concat(options, modelAlone[c.oracle]) {
		text += ", " + o
	}
	return parse(text + "}")
}

// modelAlone are options with which an oracle gives the minimiser of its model, or an iterate on the
// way there, whatever the loss says of it.
var modelAlone = map[string][]string{"hessian_free": {"backtracking: false"}}

func parse(text string) (Spec, error) {
	doc, err := strict.Parse("c.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	choice, err := Known.Decode(doc.Root())
	if err != nil {
		return nil, err
	}
	return choice.New()
}

// must is spec for options that are known to be valid. An oracle without formulations has but
// some of them.
func (c combo) must(options ...string) Spec {
	if c.formulation == "" {
		has := map[string]bool{}
		for _, o := range registry.Options(Known.Entry(c.oracle).Defaults) {
			has[o.Key] = true
		}
		options = slices.DeleteFunc(slices.Clone(options), func(o string) bool {
			key, _, _ := strings.Cut(o, ":")
			return !has[key]
		})
	}
	s, err := c.spec(options...)
	if err != nil {
		panic(err)
	}
	return s
}

func (c combo) bind(n *nn.Net, m int, options ...string) Oracle[float64] {
	return New[float64](c.must(options...), Site{Loss: c.loss, Dims: n.Dims(m)})
}

// combos returns every registered oracle x formulation x solver x loss, those
// that are served and, with the reason, those that are not.
func combos() (served []combo, refused []string) {
	for _, kind := range Known.Names() {
		formulations, solvers := []string{""}, []string{""}
		for _, o := range registry.Options(Known.Entry(kind).Defaults) {
			if o.Key == "formulation" {
				formulations = []string{"dual", "primal"}
				solvers = Solvers.Names()
			}
		}
		for _, f := range formulations {
			for _, s := range solvers {
				for _, l := range knownLosses() {
					forms := []Form{""}
					if f == "dual" && !Solvers.Default(s).Must().Abilities().NeedsGram {
						forms = Forms
						if Solvers.Default(s).Must().Abilities().Sketch > 0 { // products of the others are those of cg
							forms = []Form{MatrixFree, Formed}
						}
					}
					for _, gram := range forms {
						c := combo{kind, f, s, gram, l.loss, l.name}
						spec, err := c.spec()
						if err == nil {
							err = spec.Check(c.loss)
						}
						if err == nil {
							served = append(served, c)
						} else {
							refused = append(refused, fmt.Sprintf("%v: %v", c, err))
						}
					}
				}
			}
		}
	}
	return served, refused
}

// A namedLoss is a loss as the tests know it.
type namedLoss struct {
	name string
	loss losses.Loss
}

// knownLosses returns every registered loss; one that may have labels and one output, or targets
// in [0, 1] of several, is there as both.
func knownLosses() (all []namedLoss) {
	for _, name := range losses.Known.Names() {
		l := losses.Known.Default(name).Must()
		all = append(all, namedLoss{name, l})
		if l.Target() == losses.ProbabilityTarget {
			all = append(all, namedLoss{name + " of labels", ofLabels{l.(losses.Separable)}})
		}
	}
	return all
}

// ofLabels is a loss with one output, whatever the number that is asked for.
type ofLabels struct{ losses.Separable }

func (l ofLabels) Scalar(n, z, y []float64) (losses.Scalar, float64) {
	return l.Separable.(losses.Scalarized).Scalar(n, z, y)
}

func (l ofLabels) Sample(rng *rand.Rand, _ int) (z, y []float64) { return l.Separable.Sample(rng, 1) }

// TestCombos pins down which pairs are refused, so that none is lost to the
// suites unnoticed, and lists them.
func TestCombos(t *testing.T) {
	served, refused := combos()
	all := map[string]bool{}
	for _, kind := range Known.Names() {
		all[kind] = false
	}
	for _, name := range append(Solvers.Names(), losses.Known.Names()...) {
		all[name] = false
	}
	for _, c := range served {
		all[c.oracle], all[c.solver], all[c.lossName] = true, true, true
	}
	for name, used := range all {
		if !used && name != "" {
			t.Errorf("nothing serves %s", name)
		}
	}
	want := map[string]int{
		"gradient//": 7, "kfac//": 6, "lbfgs//": 7, "hessian_free//": 6, "gauss_newton/dual/cg": 6, "gauss_newton/dual/pcg": 6, "gauss_newton/dual/lanczos": 6, "gauss_newton/dual/cholesky": 6,
		"gauss_newton/dual/sdd": 6, "gauss_newton/dual/nystrom": 6, "prox_linear/dual/sdd": 4, "prox_linear/dual/nystrom": 4,
		"gauss_newton/primal/cg": 6, "gauss_newton/primal/cholesky": 6, "prox_linear/primal/cholesky": 4, "prox_linear/dual/cg": 4, "prox_linear/dual/pcg": 4, "prox_linear/dual/cholesky": 4,
		"prox_linear/dual/sdca": 3, "prox_linear/dual/projected_gradient": 3, "prox_linear/primal/cg": 4,
	}
	got := map[string]int{}
	for _, c := range served {
		if c.throughTangents() {
			got[c.oracle+"/"+c.formulation+"/"+c.solver]++
		}
	}
	for _, name := range slices.Sorted(mapsKeys(got)) {
		if got[name] != want[name] {
			t.Errorf("%s serves %d losses, want %d", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d combinations are served, want %d", len(got), len(want))
	}
	sort.Strings(refused)
	t.Logf("%d served, %d refused:\n%s", len(served), len(refused), strings.Join(refused, "\n"))
}

func mapsKeys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// newProblem draws weights, a batch of m examples, and targets.
func newProblem[T tensor.Float](l losses.Loss, m int, pool *tensor.Pool) (*nn.Net, *Subproblem[T]) {
	return drawProblem[T](l, m, 5, pool)
}

func drawProblem[T tensor.Float](l losses.Loss, m int, seed uint64, pool *tensor.Pool) (*nn.Net, *Subproblem[T]) {
	n, p, _ := drawBatch[T](l, m, seed, pool)
	return n, p
}

// drawBatch is drawProblem, with the inputs.
func drawBatch[T tensor.Float](l losses.Loss, m int, seed uint64, pool *tensor.Pool) (*nn.Net, *Subproblem[T], tensor.Matrix[T]) {
	rng := rand.New(rand.NewPCG(seed, 6))
	_, first := l.Sample(rng, 3)
	k := len(first)
	tanh := nn.LayerConfig{Kind: "tanh", Layer: nn.Tanh{}}
	dense := func(n int) nn.LayerConfig {
		return nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: n, Bias: true, Initializer: "lecun_normal"}}
	}
	n, err := nn.NewNet(tensor.Shape{C: 6, H: 1, W: 1}, dense(8), tanh, dense(5), tanh, dense(k))
	if err != nil {
		panic(err)
	}
	w, x, y := make([]T, n.NumParams()), tensor.New[T](m, 6), tensor.New[float64](m, k)
	tensor.Convert(w, n.Init(rng))
	for i := range x.Flat() {
		x.Flat()[i] = T(rng.NormFloat64())
	}
	for i := range m {
		_, yi := l.Sample(rng, k)
		copy(y.Row(i), yi)
	}
	lin := nn.NewLinearization[T](n, m, pool)
	lin.Linearize(w, x)
	return n, problemOf(l, lin, y), x
}

// weigh gives the examples weights, of which the first is 0 where there are more
// than one, and some are others.
func weigh[T tensor.Float](p *Subproblem[T], seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	p.Gradient.Omega = make([]float64, p.Gradient.Outputs().Rows)
	for i := range p.Gradient.Omega {
		p.Gradient.Omega[i] = rng.ExpFloat64() * float64(rng.IntN(3))
	}
	p.Gradient.Omega[0] = 0
	p.Gradient.Omega[len(p.Gradient.Omega)-1] = 1.5
}

// weightOf is omega_i.
func weightOf(p *Subproblem[float64], i int) float64 {
	if p.Gradient.Omega == nil {
		return 1
	}
	return p.Gradient.Omega[i]
}

// problemOf is the problem of a linearized mini-batch.
func problemOf[T tensor.Float](l losses.Loss, lin *nn.Linearization[T], y tensor.Matrix[float64]) *Subproblem[T] {
	return &Subproblem[T]{Loss: l, Gradient: Batch[T]{Jacobian: lin, Targets: y}}
}

// meanOf is h of a problem's mini-batch where the outputs are z.
func meanOf(p *Subproblem[float64], z tensor.Matrix[float64]) float64 {
	return p.losses().Mean(z, p.Gradient.Targets)
}

// gradientOf returns grad F = (1/m) Jᵀ g + mu w, from its definition.
func gradientOf(p *Subproblem[float64], mu float64) []float64 {
	m := p.Gradient.Outputs().Rows
	alpha, g := tensor.New[float64](m, p.Gradient.Outputs().Cols), make([]float64, len(p.Gradient.Weights()))
	for i := range m {
		p.Loss.Grad(alpha.Row(i), p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i))
		tensor.Scale(nil, weightOf(p, i), alpha.Row(i))
	}
	tensor.Scale(nil, 1/float64(m), alpha.Flat())
	p.Gradient.VJP(g, alpha)
	axpy(mu, p.Gradient.Weights(), g)
	return g
}

// models are the oracles' models of h, from their definitions: each is given the
// problem and u = J d. A registered oracle without one fails the suite.
var models = map[string]func(p *Subproblem[float64], u tensor.Matrix[float64]) float64{
	"gradient":     linear,
	"lbfgs":        linear, // of the first call
	"gauss_newton": quadratic,
	"hessian_free": quadratic,
	"kfac":         quadratic,
	"prox_linear": func(p *Subproblem[float64], u tensor.Matrix[float64]) float64 {
		return mean(p, u, func(z, y, u, _ []float64) float64 {
			shifted := slices.Clone(z)
			axpy(1, u, shifted)
			return p.Loss.Value(shifted, y)
		})
	},
}

func linear(p *Subproblem[float64], u tensor.Matrix[float64]) float64 {
	return mean(p, u, func(z, y, u, g []float64) float64 { return p.Loss.Value(z, y) + dot(g, u) })
}

func quadratic(p *Subproblem[float64], u tensor.Matrix[float64]) float64 {
	return mean(p, u, func(z, y, u, g []float64) float64 {
		c, s := make([]float64, len(z)), make([]float64, len(z))
		p.Loss.GGNFactor(c, z, y)
		p.Loss.MulFactorT(s, u, c)
		return p.Loss.Value(z, y) + dot(g, u) + dot(s, s)/2
	})
}

// approximate says that an oracle predicts by a model that its direction does not minimise: that it
// minimises the model of its own is for a test of its own.
func (c combo) approximate() bool { return c.oracle == "kfac" }

func mean(p *Subproblem[float64], u tensor.Matrix[float64], phi func(z, y, u, g []float64) float64) (sum float64) {
	g := make([]float64, p.Gradient.Outputs().Cols)
	for i := range p.Gradient.Outputs().Rows {
		p.Loss.Grad(g, p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i))
		sum += weightOf(p, i) * phi(p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i), u.Row(i), g) / float64(p.Gradient.Outputs().Rows)
	}
	return sum
}

// primalOf is P(d) = model of h + |d|²/(2 gamma) + (mu/2) |w + d|².
func primalOf(c combo, p *Subproblem[float64], d []float64, gamma, mu float64) float64 {
	u := tensor.New[float64](p.Gradient.Outputs().Rows, p.Gradient.Outputs().Cols)
	p.Gradient.JVP(u, d)
	shifted := slices.Clone(p.Gradient.Weights())
	axpy(1, d, shifted)
	return models[c.oracle](p, u) + dot(d, d)/(2*gamma) + mu/2*dot(shifted, shifted)
}

func TestEveryOracleHasAModel(t *testing.T) {
	for _, name := range Known.Names() {
		if models[name] == nil {
			t.Errorf("the suite does not know the model of %s", name)
		}
	}
}

// TestDescent: every truncation of every solver gives a descent direction of
// F = h + (mu/2) |w|², for every gamma, and reports its slope, its model's
// change, P and the gap as they are.
func TestDescent(t *testing.T) {
	served, _ := combos()
	for _, c := range some(served) {
		t.Run(c.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := rapid.IntRange(1, 9).Draw(t, "m")
				n, p := drawProblem[float64](c.loss, m, rapid.Uint64Range(0, 50).Draw(t, "seed"), nil)
				if rapid.Bool().Draw(t, "weights") {
					weigh(p, uint64(m))
				}
				gamma := math.Pow(10, rapid.Float64Range(-4, 4).Draw(t, "log10 gamma"))
				mu := rapid.SampledFrom([]float64{0, 0, 1e-3, 0.3}).Draw(t, "mu")
				options := []string{fmt.Sprintf("gamma: %g", gamma), fmt.Sprintf("weight_decay: %g", mu),
					fmt.Sprintf("inner_iterations: %d", rapid.IntRange(0, 20).Draw(t, "iterations"))}
				if c.formulation == "dual" && rapid.Bool().Draw(t, "rescale") {
					options = append(options, "rescale: true")
				}
				d := make([]float64, n.NumParams())
				o := c.bind(n, m, options...)
				r := o.Direction(d, p)
				r = o.Complete(true)
				g := gradientOf(p, mu)
				slope := dot(g, d)
				if norm := tensor.Norm2(nil, g); norm < 1e-12 {
					if tensor.Norm2(nil, d) > 1e-10 {
						t.Fatalf("a step of %g at a zero gradient", tensor.Norm2(nil, d))
					}
					return
				}
				if !(slope < 0) {
					t.Fatalf("slope %g after %d iterations (%s)", slope, r.InnerIterations, r.StopReason)
				}
				near := func(what string, got, want, scale float64) {
					if !(math.Abs(got-want) <= 1e-7*scale) {
						t.Fatalf("%s is %.12g, want %.12g (%s after %d)", what, got, want, r.StopReason, r.InnerIterations)
					}
				}
				near("slope", r.Slope, slope, math.Abs(slope)+1e-12)
				near("|grad h|", r.GradNorm, tensor.Norm2(nil, gradientOf(p, 0)), 1)
				if c.closed() {
					return
				}
				value, atStart := primalOf(c, p, d, gamma, mu), primalOf(c, p, make([]float64, len(d)), gamma, mu)
				near("P", r.Primal, value, math.Abs(value)+atStart)
				if value > atStart*(1+1e-12) && r.StopReason != StoppedGradient && r.StopReason != StoppedNoDecrease && mu == 0 && c.solver != "pcg" {
					t.Logf("P rose from %g to %g", atStart, value)
				}
				if !c.approximate() && !(r.Gap >= -1e-9*(math.Abs(value)+atStart)) {
					t.Fatalf("the gap is %g at P = %g (%s)", r.Gap, value, r.StopReason)
				}
			})
		})
	}
}

// converged are options of a solve to the end.
func converged(gamma, mu float64) []string {
	return []string{"inner_iterations: 20000", "tolerance: 1e-14", fmt.Sprintf("gamma: %g", gamma), fmt.Sprintf("weight_decay: %g", mu)}
}

// TestMinimises: a converged solve minimises the oracle's own model + |d|²/(2 gamma):
// no random move makes it smaller, and no truncated solve is below it. The gap is
// then 0, D is above D of any other admissible alpha and P below P of any other d.
func TestMinimises(t *testing.T) {
	served, _ := combos()
	for _, c := range some(served) {
		if c.approximate() {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			for _, gamma := range []float64{0.01, 1, 100} {
				for j, mu := range []float64{0, 0.1, 0, 0.1} {
					const m = 7
					n, p := newProblem[float64](c.loss, m, nil)
					if j >= 2 {
						weigh(p, 0)
					}
					d := make([]float64, n.NumParams())
					o := c.bind(n, m, converged(gamma, mu)...)
					r := o.Direction(d, p)
					r = o.Complete(true)
					if r.StopReason != StoppedTolerance && r.StopReason != StoppedExact && r.StopReason != StoppedRounding && c.formulation != "" {
						t.Fatalf("gamma %g, mu %g: stopped by %s at %g after %d", gamma, mu, r.StopReason, r.RelativeResidual, r.InnerIterations)
					}
					best := primalOf(c, p, d, gamma, mu)
					tol := 1e-11 * (1 + math.Abs(best))
					for range 60 {
						e := slices.Clone(d)
						size := math.Pow(10, -4*rng.Float64())
						for i := range e {
							e[i] += size * rng.NormFloat64()
						}
						if v := primalOf(c, p, e, gamma, mu); v < best-tol {
							t.Fatalf("gamma %g, mu %g: %.15g beside the minimum %.15g", gamma, mu, v, best)
						}
					}
					for t0 := range 4 {
						short := make([]float64, len(d))
						c.bind(n, m, fmt.Sprintf("inner_iterations: %d", t0), fmt.Sprintf("gamma: %g", gamma), fmt.Sprintf("weight_decay: %g", mu)).Direction(short, p)
						if v := primalOf(c, p, short, gamma, mu); v < best-tol {
							t.Errorf("gamma %g, mu %g: %d iterations reach %g, below the minimum %g", gamma, mu, t0, v, best)
						}
					}
					if c.formulation != "" && !(math.Abs(r.Gap) <= 1e-9*(1+math.Abs(best))) {
						t.Errorf("gamma %g, mu %g: the gap is %g", gamma, mu, r.Gap)
					}
				}
			}
		})
	}
}

// dualOf is D(alpha) = -(1/m) Σ phi*(alpha_i) - gamma/(2m²) |Jᵀ alpha|², for alpha = g + L s
// with s in the range of Lᵀ (Gauss-Newton), or any alpha (prox-linear).
func dualOf(c combo, p *Subproblem[float64], alpha, s tensor.Matrix[float64], gamma float64) float64 {
	m := float64(p.Gradient.Outputs().Rows)
	ja := make([]float64, len(p.Gradient.Weights()))
	p.Gradient.VJP(ja, alpha)
	v := -gamma / (2 * m * m) * dot(ja, ja)
	for i := range p.Gradient.Outputs().Rows {
		z, y, a, omega := p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i), alpha.Row(i), weightOf(p, i)
		switch {
		case c.oracle == "gauss_newton":
			v -= (-omega*p.Loss.Value(z, y) + dot(s.Row(i), s.Row(i))/2) / m
		case omega == 0: // loss* is 0 at 0, and infinite elsewhere
			if tensor.Norm2(nil, a) > 0 {
				return math.Inf(-1)
			}
		default:
			inner := slices.Clone(a)
			tensor.Scale(nil, 1/omega, inner)
			v -= (omega*p.Loss.Conj(inner, y) - dot(a, z)) / m
		}
	}
	return v
}

// TestWeakDuality: P(d(alpha)) >= D(alpha) for random admissible alpha, and both
// bound the converged solve from either side.
func TestWeakDuality(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		if c.formulation != "dual" {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			const m = 5
			n, p := newProblem[float64](c.loss, m, nil)
			for j, gamma := range []float64{0.1, 10, 10} {
				if j == 2 {
					weigh(p, 0)
				}
				d := make([]float64, n.NumParams())
				o := c.bind(n, m, converged(gamma, 0)...)
				r := o.Direction(d, p)
				r = o.Complete(true)
				rng := rand.New(rand.NewPCG(3, 4))
				k := p.Gradient.Outputs().Cols
				alpha, s := tensor.New[float64](m, k), tensor.New[float64](m, k)
				for range 100 {
					for i := range m {
						factor, v := make([]float64, k), make([]float64, k)
						// A gradient at any point is admissible for prox-linear; for
						// Gauss-Newton, g + L Lᵀ v.
						z, _ := p.Loss.Sample(rng, k)
						if c.oracle == "gauss_newton" {
							p.Loss.GGNFactor(factor, p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i))
							for j := range v {
								v[j] = rng.NormFloat64()
							}
							p.Loss.MulFactorT(s.Row(i), v, factor)
							tensor.Scale(nil, math.Sqrt(weightOf(p, i)), s.Row(i))
							p.Loss.MulFactor(v, s.Row(i), factor)
							tensor.Scale(nil, math.Sqrt(weightOf(p, i)), v)
							p.Loss.Grad(alpha.Row(i), p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i))
							tensor.Scale(nil, weightOf(p, i), alpha.Row(i))
							axpy(1, v, alpha.Row(i))
						} else {
							p.Loss.Grad(alpha.Row(i), z, p.Gradient.Targets.Row(i))
							tensor.Scale(nil, weightOf(p, i), alpha.Row(i))
						}
					}
					e := make([]float64, len(d))
					p.Gradient.VJP(e, alpha)
					tensor.Scale(nil, -gamma/m, e)
					primal, dual := primalOf(c, p, e, gamma, 0), dualOf(c, p, alpha, s, gamma)
					if !(primal >= dual-1e-9) {
						t.Fatalf("P = %g is below D = %g", primal, dual)
					}
					if !(primal >= r.Primal-1e-9 && dual <= r.Dual()+1e-9) {
						t.Fatalf("P = %g and D = %g do not bound the optimum %g, %g", primal, dual, r.Primal, r.Dual())
					}
				}
			}
		})
	}
}

// TestAgreement: at convergence all solvers and both formulations of an oracle
// give the same direction.
func TestAgreement(t *testing.T) {
	served, _ := combos()
	for _, gamma := range []float64{0.1, 30} {
		first := map[string][]float64{}
		for _, c := range served {
			const m = 7
			n, p := newProblem[float64](c.loss, m, nil)
			d := make([]float64, n.NumParams())
			r := c.bind(n, m, converged(gamma, 0.01)...).Direction(d, p)
			key := c.oracle + "/" + c.lossName
			if first[key] == nil {
				first[key] = d
			} else if e := distance(d, first[key]); e > 1e-5 {
				t.Errorf("%v, gamma %g: %.2g away from another solver (%s, residual %.2g)", c, gamma, e, r.StopReason, r.RelativeResidual)
			}
		}
	}
}

// TestSquaredIsSquared: for the squared loss prox-linear is Gauss-Newton, and on
// a full-rank linear model, with all data and a large gamma, one step solves the
// problem.
func TestSquaredIsSquared(t *testing.T) {
	l := losses.Squared{}
	n, p := newProblem[float64](l, 7, nil)
	d, e := make([]float64, n.NumParams()), make([]float64, n.NumParams())
	gn, prox := combo{"gauss_newton", "dual", "cg", "", l, "squared"}, combo{"prox_linear", "dual", "cg", "", l, "squared"}
	gn.bind(n, 7, converged(3, 0)...).Direction(d, p)
	prox.bind(n, 7, converged(3, 0)...).Direction(e, p)
	if dist := distance(e, d); dist > 1e-10 {
		t.Errorf("prox-linear is %.2g away from Gauss-Newton", dist)
	}

	served, _ := combos()
	for _, c := range served {
		if c.lossName != "squared" || c.formulation == "" {
			continue
		}
		linear, err := nn.NewNet(tensor.Shape{C: 4, H: 1, W: 1}, nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: 2, Bias: true, Initializer: "lecun_normal"}})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		const m = 12
		x, y, w := tensor.New[float64](m, 4), tensor.New[float64](m, 2), linear.Init(rng)
		for _, v := range [][]float64{x.Flat(), y.Flat()} {
			for i := range v {
				v[i] = rng.NormFloat64()
			}
		}
		lin := nn.NewLinearization[float64](linear, m, nil)
		lin.Linearize(w, x)
		q := problemOf(l, lin, y)
		d := make([]float64, len(w))
		c.bind(linear, m, converged(1e8, 0)...).Direction(d, q)
		axpy(1, d, w)
		lin.Linearize(w, x)
		// The condition of the system is 1e8 times that of K/m.
		bound := 1e-6
		if c.gram == Formed || c.solver == "nystrom" { // whose preconditioner is made of a formed part of K
			bound = 3e-6
		}
		if c.solver == "sdd" { // its steps are those of gradients
			bound = 1e-4
		}
		if g := tensor.Norm2(nil, gradientOf(q, 0)); g > bound {
			t.Errorf("%v: after one step the gradient is %g", c, g)
		}
	}
}

// TestLanczosPath: the Lanczos iterates are those of CG, for every gamma.
func TestLanczosPath(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		if c.solver != "lanczos" {
			continue
		}
		cg := c
		cg.solver = "cg"
		n, p := newProblem[float64](c.loss, 7, nil)
		d, e := make([]float64, n.NumParams()), make([]float64, n.NumParams())
		for _, gamma := range []float64{1e-3, 0.1, 1, 10, 1000} {
			for t0 := range 7 {
				options := []string{fmt.Sprintf("gamma: %g", gamma), fmt.Sprintf("inner_iterations: %d", t0)}
				a, b := c.bind(n, 7, options...).Direction(d, p), cg.bind(n, 7, options...).Direction(e, p)
				if dist := distance(d, e); dist > 1e-9 {
					t.Errorf("%v, gamma %g, %d iterations: %.2g away from CG", c, gamma, t0, dist)
				}
				if math.Abs(a.RelativeResidual-b.RelativeResidual) > 1e-9 || a.Counters != b.Counters {
					t.Errorf("%v, gamma %g, %d iterations: reports %+v, CG %+v", c, gamma, t0, a, b)
				}
			}
		}
	}
}

// TestDomain: the dual variables of every truncation are admissible.
func TestDomain(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		if c.formulation != "dual" {
			continue
		}
		n, p := newProblem[float64](c.loss, 7, nil)
		k := p.Gradient.Outputs().Cols
		for _, gamma := range []float64{0.01, 1, 1e3} {
			for t0 := range 12 {
				o := c.bind(n, 7, fmt.Sprintf("gamma: %g", gamma), fmt.Sprintf("inner_iterations: %d", t0))
				o.Direction(make([]float64, n.NumParams()), p)
				alpha := o.(DualOracle).DualVariables()
				for i := range p.Gradient.Outputs().Rows {
					a, factor, g, s, back := slices.Clone(alpha.Row(i)), make([]float64, k), make([]float64, k), make([]float64, k), make([]float64, k)
					if c.oracle == "prox_linear" {
						if math.IsInf(p.Loss.Conj(a, p.Gradient.Targets.Row(i)), 1) {
							t.Fatalf("%v, gamma %g, %d iterations: alpha_%d = %v is not in the domain", c, gamma, t0, i, a)
						}
						continue
					}
					// a - g = L s must be orthogonal to the null space of H, from
					// which v - L Lᵀ-multiples cannot be told here but for the
					// logistic loss, whose null space is the constants, and for H = 0.
					p.Loss.GGNFactor(factor, p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i))
					p.Loss.Grad(g, p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i))
					axpy(-1, g, a)
					ones := slices.Repeat([]float64{1}, k)
					p.Loss.MulFactorT(s, ones, factor)
					p.Loss.MulFactor(back, s, factor)
					if tensor.Norm2(nil, back) < 1e-12 && math.Abs(dot(ones, a)) > 1e-10*(1+tensor.Norm2(nil, a)) {
						t.Fatalf("%v, gamma %g, %d iterations: alpha_%d - g_%d = %v is not in the range of H", c, gamma, t0, i, i, a)
					}
				}
			}
		}
	}
}

// TestSmallGamma: as gamma goes to 0, the direction goes to -gamma grad h.
func TestSmallGamma(t *testing.T) {
	const gamma = 1e-9
	served, _ := combos()
	for _, c := range served {
		n, p := newProblem[float64](c.loss, 7, nil)
		g := gradientOf(p, 0)
		tensor.Scale(nil, -gamma, g)
		d := make([]float64, len(g))
		c.bind(n, 7, "inner_iterations: 30", "tolerance: 1e-14", fmt.Sprintf("gamma: %g", gamma)).Direction(d, p)
		tolerance := 1e-6
		if c.approximate() { // the damping of a factor is √(1/gamma)
			tolerance = 1e-3
		}
		if e := distance(d, g); e > tolerance {
			t.Errorf("%v: %g away from the gradient step", c, e)
		}
	}
}

// TestGammaZero: where a schedule ends at gamma = 0, no oracle moves, or has
// anything to solve.
func TestGammaZero(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		for _, mu := range []float64{0, 0.1} {
			n, p := newProblem[float64](c.loss, 7, nil)
			p.Time = schedules.Time{Step: 10, Total: 11, StepsPerEpoch: 11}
			d := make([]float64, n.NumParams())
			o := c.bind(n, 7, "gamma: {schedule: cosine, initial: 1, final: 0, steps: 10}", fmt.Sprintf("weight_decay: %g", mu), "inner_iterations: 5")
			r := o.Direction(d, p)
			r = o.Complete(true)
			if size := tensor.Norm2(nil, d); size != 0 || r.Slope != 0 || r.ModelChange != 0 {
				t.Errorf("%v: |d| = %g, slope %g, change %g", c, size, r.Slope, r.ModelChange)
			}
			if c.formulation != "" && (r.StopReason != StoppedGradient || !(math.Abs(r.Gap) < 1e-12) || r.Counters.JVPs != 0) {
				t.Errorf("%v: %s, gap %g, %+v", c, r.StopReason, r.Gap, r.Counters)
			}
		}
	}
}

// TestFloat32: the direction in float32 is that of float64, but for rounding
// that the condition of the system, up to a few hundred here, amplifies. Solvers
// that take decisions on the way get the iterations to make up for them.
func TestFloat32(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		n, p := newProblem[float64](c.loss, 7, nil)
		_, q := newProblem[float32](c.loss, 7, nil)
		d, e, wide := make([]float64, n.NumParams()), make([]float32, n.NumParams()), make([]float64, n.NumParams())
		options := []string{"inner_iterations: 8", "gamma: 1"}
		if Solvers.Default(cmp.Or(c.solver, "cg")).Must().Abilities().Box != nil {
			options[0] = "inner_iterations: 300"
		}
		c.bind(n, 7, options...).Direction(d, p)
		New[float32](c.must(options...), Site{Loss: c.loss, Dims: n.Dims(7)}).Direction(e, q)
		tensor.Convert(wide, e)
		if dist := distance(wide, d); dist > 1e-4 {
			t.Errorf("%v: float32 is %g away", c, dist)
		}
	}
}

// TestDescentFloat32: in float32 too every direction descends, up to gammas where
// rounding is larger than what the dual system resolves.
func TestDescentFloat32(t *testing.T) {
	served, _ := combos()
	for turn, c := range some(served) {
		for _, seed := range seeds(25, turn) {
			m := 2 + int(seed)%7
			n, p := drawProblem[float32](c.loss, m, seed, nil)
			_, q := drawProblem[float64](c.loss, m, seed, nil)
			g := gradientOf(q, 0)
			if tensor.Norm2(nil, g) < 1e-9 {
				continue
			}
			d, wide := make([]float32, n.NumParams()), make([]float64, n.NumParams())
			for _, gamma := range []float64{1e-4, 1, 1e4, 1e6, 1e8, 1e10} {
				if gamma > 1e6 && (c.oracle == "prox_linear" || c.solver == "cholesky") {
					break // their slope follows from numbers of the dual, and is not measured
				}
				r := New[float32](c.must("inner_iterations: 20", fmt.Sprintf("gamma: %g", gamma)), Site{Loss: c.loss, Dims: n.Dims(m)}).Direction(d, p)
				tensor.Convert(wide, d)
				if slope := dot(g, wide); !(slope < 0) {
					t.Errorf("%v, seed %d, gamma %g: slope %g, reported as %g (%s after %d)", c, seed, gamma, slope, r.Slope, r.StopReason, r.InnerIterations)
				}
			}
		}
	}
}

// TestOracles runs every combination through what has nothing to do with
// mathematics: threads, batches of other sizes, allocations, counting.
func TestOracles(t *testing.T) {
	const m = 7
	served, _ := combos()
	for _, c := range served {
		t.Run(c.String(), func(t *testing.T) {
			options := []string{"inner_iterations: 6", "gamma: 3", "weight_decay: 0.01"}
			n, p := newProblem[float64](c.loss, m, nil)
			d := make([]float64, n.NumParams())
			r := c.bind(n, m+3, options...).Direction(d, p) // room for more than the batch
			if r.Gamma != 3 || r.WeightDecay != 0.01 {
				t.Errorf("gamma %g, weight decay %g", r.Gamma, r.WeightDecay)
			}
			if r.Counters.VJPs == 0 || r.Counters.MultiplyAdds == 0 {
				t.Errorf("nothing counted: %+v", r.Counters)
			}
			t.Run("threads", func(t *testing.T) {
				pool := tensor.NewPool(3)
				defer pool.Close()
				_, q := newProblem[float64](c.loss, m, pool)
				e := make([]float64, len(d))
				New[float64](c.must(options...), Site{Loss: c.loss, Dims: n.Dims(m), Pool: pool}).Direction(e, q)
				if !slices.Equal(d, e) {
					t.Error("three threads give other bits than one")
				}
			})
			t.Run("fewer examples", func(t *testing.T) {
				_, q := newProblem[float64](c.loss, 2, nil)
				again, fresh := make([]float64, len(d)), make([]float64, len(d))
				c.bind(n, 2, options...).Direction(fresh, q)
				c.bind(n, m, options...).Direction(again, q)
				if distance(again, fresh) > 1e-12 {
					t.Error("the direction depends on the largest batch")
				}
			})
			t.Run("twice", func(t *testing.T) {
				o, e := c.bind(n, m, options...), make([]float64, len(d))
				_, q := newProblem[float64](c.loss, 2, nil)
				forget := forgetter(t, o)
				o.Direction(e, p)
				o.Direction(e, q)
				forget()
				if o.Direction(e, p); !slices.Equal(d, e) {
					t.Error("the direction depends on earlier calls in more than its state")
				}
			})
			t.Run("allocations", func(t *testing.T) {
				pool := tensor.NewPool(2)
				defer pool.Close()
				n, q := newProblem[float32](c.loss, m, pool)
				o, e := New[float32](c.must(options...), Site{Loss: c.loss, Dims: n.Dims(m), Pool: pool}), make([]float32, len(d))
				o.Direction(e, q)
				if n := testing.AllocsPerRun(5, func() { o.Direction(e, q) }); n != 0 {
					t.Errorf("%g allocations", n)
				}
			})
		})
	}
}

// forgetter returns what makes an oracle forget the calls from now on, if it remembers any.
func forgetter(t *testing.T, o Oracle[float64]) func() {
	s, ok := o.(Stateful)
	if !ok {
		return func() {}
	}
	state := map[string][]float64{}
	for name, v := range s.State() {
		state[name] = slices.Clone(v)
	}
	return func() {
		if err := s.Restore(state); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTrials builds every oracle with every trial of the registry.
func TestTrials(t *testing.T) {
	for _, kind := range Known.Names() {
		for i, trial := range Known.Entry(kind).Trials {
			spec, err := trial()
			if err != nil {
				t.Errorf("%s, trial %d: %v", kind, i, err)
				continue
			}
			for _, name := range losses.Known.Names() {
				l := losses.Known.Default(name).Must()
				if spec.Check(l) != nil {
					continue
				}
				n, p := newProblem[float64](l, 7, nil)
				d := make([]float64, n.NumParams())
				addCurvature(spec, n, p)
				r := New[float64](spec, Site{Loss: l, Dims: n.Dims(7)}).Direction(d, p)
				if slope := dot(gradientOf(p, r.WeightDecay), d); !(slope < 0) {
					t.Errorf("%s, trial %d, %s: slope %g (%s)", kind, i, name, slope, r.StopReason)
				}
			}
		}
	}
}
