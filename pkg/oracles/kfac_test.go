package oracles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// kfacNets are networks of each kind of layer: those with factors, norms without, and layers within
// layers. One of them is of jets, the residuals of an equation in two coordinates.
var kfacNets = map[string]struct {
	in     tensor.Shape
	layers string
}{
	"dense": {tensor.Shape{C: 4, H: 1, W: 1}, "{kind: dense, units: 5}, {kind: tanh}, {kind: dense, units: 3, bias: false}, {kind: tanh}, {kind: dense, units: %d}"},
	"conv":  {tensor.Shape{C: 2, H: 5, W: 5}, "{kind: conv, filters: 3, kernel: 3, padding: same}, {kind: group_norm, groups: 1}, {kind: tanh}, {kind: conv, filters: 2, kernel: 3, stride: 2, bias: false}, {kind: flatten}, {kind: layer_norm}, {kind: dense, units: %d}"},
	"residual": {tensor.Shape{C: 2, H: 4, W: 4},
		"{kind: residual, body: [{kind: conv, filters: 2, kernel: 3, padding: same}, {kind: relu}, {kind: conv, filters: 2, kernel: 3, padding: same}]}, {kind: flatten}, {kind: dense, units: %d}"},
	"jets": {tensor.Shape{C: 2, H: 1, W: 1}, "{kind: dense, units: 5}, {kind: tanh}, {kind: dense, units: 4}, {kind: tanh}, {kind: dense, units: 1}"},
}

// kfacProblem is one of them on a mini-batch of m examples.
func kfacProblem[T tensor.Float](t testing.TB, name string, l losses.Loss, m int, seed uint64, pool *tensor.Pool) (*nn.Net, *Subproblem[T]) {
	t.Helper()
	c := kfacNets[name]
	rng := rand.New(rand.NewPCG(seed, 8))
	_, first := l.Sample(rng, 3)
	layers := c.layers
	if name != "jets" {
		layers = fmt.Sprintf(layers, len(first))
	}
	doc, err := strict.Parse("c.yaml", []byte("model: {kind: sequential, layers: ["+layers+"]}"))
	if err != nil {
		t.Fatal(err)
	}
	at, _ := doc.Root().Lookup("model")
	model, err := nn.Models.Decode(at)
	if err != nil {
		t.Fatal(err)
	}
	n, err := model.Must().Build(c.in, 0)
	if err != nil {
		t.Fatal(err)
	}
	if name == "jets" {
		n, err = n.Differentiate(nn.Jet{Dimension: 2, Second: []int{0, 1}}, func(to, _, jet []float64) float64 {
			to[0], to[3] = 0.3, -1
			return 0.3*jet[0] - jet[3]
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w, x, y := make([]T, n.NumParams()), tensor.New[T](m, n.Input().Len()), tensor.New[float64](m, n.Outputs())
	tensor.Convert(w, n.Init(rng))
	for i := range w {
		w[i] += T(0.1 * rng.NormFloat64()) // norms and biases too
	}
	for i := range x.Flat() {
		x.Flat()[i] = T(rng.NormFloat64())
	}
	for i := range m {
		if name == "jets" {
			x.Row(i)[2] = T(i % 2) // inside or on the boundary
		}
		_, yi := l.Sample(rng, n.Outputs())
		copy(y.Row(i), yi)
	}
	lin := nn.NewLinearization[T](n, m, pool)
	lin.Linearize(w, x)
	return n, problemOf(l, lin, y)
}

func kfacOf(t testing.TB, options string, l losses.Loss, n *nn.Net, m int) *kfacOracle[float64] {
	t.Helper()
	spec, err := parse("{kind: kfac, " + options + "}")
	if err != nil {
		t.Fatal(err)
	}
	return New[float64](spec, Site{Loss: l, Dims: n.Dims(m), Seed: 3}).(*kfacOracle[float64])
}

// kronecker returns the curvature of a layer in the order of its weights, W row by row and then b:
// that of weight (c, j) and (c', j') is G_cc' A_jj', where the bias is j = in.
func kronecker(k *nn.Kronecker, a, g []float64) tensor.Matrix[float64] {
	n := k.Inputs()
	at := func(p int) (c, j int) {
		if p < k.In*k.Out {
			return p / k.In, p % k.In
		}
		return p - k.In*k.Out, k.In
	}
	out := tensor.New[float64](n*k.Out, n*k.Out)
	for p := range out.Rows {
		for q := range out.Cols {
			c, j := at(p)
			d, i := at(q)
			out.Row(p)[q] = g[c*k.Out+d] * a[j*n+i]
		}
	}
	return out
}

// gaussNewtonOf is (1/m) Jᵀ H J of weights lo to hi-1, from explicit J and L.
func gaussNewtonOf(p *Subproblem[float64], lo, hi int) tensor.Matrix[float64] {
	jac := jacobianOf(p.Gradient.Jacobian)
	z, y := p.Gradient.Outputs(), p.Gradient.Targets
	k := z.Cols
	out := tensor.New[float64](hi-lo, hi-lo)
	for i := range z.Rows {
		c, e, l := make([]float64, k), make([]float64, k), make([]float64, k)
		p.Loss.GGNFactor(c, z.Row(i), y.Row(i))
		for s := range k {
			clear(e)
			e[s] = 1
			p.Loss.MulFactor(l, e, c)
			row := make([]float64, hi-lo)
			for b, v := range l {
				axpy(v, jac.Row(i*k + b)[lo:hi], row)
			}
			for r, v := range row {
				axpy(v/float64(z.Rows)*weightOf(p, i), row, out.Row(r))
			}
		}
	}
	return out
}

// TestKFACIsGaussNewton: for one example, A ⊗ G without damping is the Gauss-Newton block of a dense
// layer, for every loss with curvature: of a network of one layer, of each of three, and of a
// convolution at one place; the diagonal of a norm is that of its block. With equal inputs it is so
// for any number of examples.
func TestKFACIsGaussNewton(t *testing.T) {
	for _, named := range knownLosses() {
		l := named.loss
		if l.Curvature() == losses.Polyhedral {
			continue
		}
		check := func(name string, n *nn.Net, p *Subproblem[float64], m int) {
			o := kfacOf(t, "ema: 0.5", l, n, m) // which keeps factors, at first those of the mini-batch alone
			o.Direction(make([]float64, n.NumParams()), p)
			for i := range o.blocks {
				b := &o.blocks[i]
				want := gaussNewtonOf(p, b.lo, b.hi)
				if b.shape == nil {
					for j, v := range b.diagonal {
						if math.Abs(v-want.At(j, j)) > 1e-13*(1+want.At(j, j)) {
							t.Errorf("%s, %s: the diagonal of layer %d has %g at %d, not %g", name, named.name, i, v, j, want.At(j, j))
						}
					}
				} else if b.shape.Places == 1 {
					if e := distance(kronecker(b.shape, b.factors[0], b.factors[1]).Data, want.Data); !(e < 1e-12) && tensor.Norm2(nil, want.Data) > 0 {
						t.Errorf("%s, %s: A ⊗ G of layer %d is %.2g away from the Gauss-Newton block", name, named.name, i, e)
					}
				}
			}
		}
		n, p := drawProblem[float64](l, 1, 4, nil)
		check("three layers", n, p, 1)
		n, p = kfacProblem[float64](t, "conv", l, 1, 2, nil)
		check("conv", n, p, 1)

		_, first := l.Sample(rand.New(rand.NewPCG(1, 1)), 3)
		one, err := nn.NewNet(tensor.Shape{C: 4, H: 1, W: 1}, nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: len(first), Bias: true, Initializer: "lecun_normal"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []int{1, 3} {
			rng := rand.New(rand.NewPCG(2, 3))
			x, y := tensor.New[float64](m, 4), tensor.New[float64](m, len(first))
			for i := range m {
				copy(x.Row(i), []float64{0.3, -1, 2, 0.5})
				_, yi := l.Sample(rng, len(first))
				copy(y.Row(i), yi)
			}
			lin := nn.NewLinearization[float64](one, m, nil)
			lin.Linearize(one.Init(rng), x)
			q := problemOf(l, lin, y)
			check("one layer", one, q, m)
			if m > 1 {
				q.Gradient.Omega = []float64{0.5, 0, 2.5} // their sum is m
				check("one layer with weights", one, q, m)
			}
		}
	}
}

// TestKFACDirection: d is the solution of a dense system for each layer, with the damping of Martens
// and Grosse, of factors that the tests of nn compare with their definitions; for every kind of
// network, fisher and sharing, with weights of the examples and weight decay.
func TestKFACDirection(t *testing.T) {
	const m, gamma, mu = 5, 7.0, 0.02
	for name := range kfacNets {
		l := losses.Loss(losses.Logistic{})
		if name == "jets" {
			l = losses.Squared{}
		}
		for _, fisher := range []string{type2, monteCarlo, empirical} {
			for _, shared := range []string{expand, reduce} {
				n, p := kfacProblem[float64](t, name, l, m, 1, nil)
				if fisher != monteCarlo {
					p.Gradient.Omega = []float64{1, 0, 2, 0.5, 1.5}
				}
				o := kfacOf(t, fmt.Sprintf("fisher: %s, shared: %s, ema: 0.5, gamma: %g, weight_decay: %g", fisher, shared, gamma, mu), l, n, m)
				d := make([]float64, n.NumParams())
				r := o.Direction(d, p)
				g := gradientOf(p, mu)
				lambda := 1/gamma + mu
				for i := range o.blocks {
					b := &o.blocks[i]
					var want []float64
					if b.shape == nil {
						for j, v := range b.diagonal {
							want = append(want, -g[b.lo+j]/(v+lambda))
						}
					} else {
						sides := b.sides()
						pi := math.Sqrt(trace(square(b.factors[0], sides[0])) / float64(sides[0]) / (trace(square(b.factors[1], sides[1])) / float64(sides[1])))
						damped := [2][]float64{slices.Clone(b.factors[0]), slices.Clone(b.factors[1])}
						for s, add := range []float64{pi * math.Sqrt(lambda), math.Sqrt(lambda) / pi} {
							for j := range sides[s] {
								damped[s][j*sides[s]+j] += add
							}
						}
						minus := slices.Clone(g[b.lo:b.hi])
						tensor.Scale(nil, -1, minus)
						want = solveDense(kronecker(b.shape, damped[0], damped[1]), minus)
					}
					if e := distance(d[b.lo:b.hi], want); !(e < 1e-10) {
						t.Errorf("%s, %s, %s: layer %d is %.2g away", name, fisher, shared, i, e)
					}
				}
				if r.StopReason != "" {
					t.Errorf("%s, %s, %s: %s", name, fisher, shared, r.StopReason)
				}
				if slope := dot(g, d); !(slope < 0) || math.Abs(r.Slope-slope) > 1e-10*math.Abs(slope) {
					t.Errorf("%s, %s, %s: the slope is %g, reported %g", name, fisher, shared, slope, r.Slope)
				}
			}
		}
	}
}

// TestKFACDraws: what mc draws has the factors of type2 for its mean, and follows from the seed and
// the step alone.
func TestKFACDraws(t *testing.T) {
	const m, draws = 6, 2000
	for _, l := range []losses.Loss{losses.Logistic{}, losses.Squared{}, losses.BinaryLogistic{}} {
		n, p := drawProblem[float64](l, m, 1, nil)
		exact, drawn := kfacOf(t, "ema: 0.5", l, n, m), kfacOf(t, "fisher: mc, ema: 0.5", l, n, m)
		d := make([]float64, n.NumParams())
		exact.Direction(d, p)
		sums := make([][]float64, len(exact.blocks))
		for step := range draws {
			p.Time.Step = step
			drawn.made = false
			for i := range drawn.blocks {
				drawn.blocks[i].updates = 0
			}
			drawn.Direction(d, p)
			for i := range sums {
				if sums[i] == nil {
					sums[i] = make([]float64, len(drawn.blocks[i].factors[1]))
				}
				axpy(1.0/draws, drawn.blocks[i].factors[1], sums[i])
			}
		}
		for i := range sums {
			if e := distance(sums[i], exact.blocks[i].factors[1]); !(e < 0.08) {
				t.Errorf("%T: the mean of G of layer %d is %.2g away from that of type2", l, i, e)
			}
		}
		again, e := kfacOf(t, "fisher: mc", l, n, m), make([]float64, len(d))
		kfacOf(t, "fisher: mc", l, n, m).Direction(d, p)
		if again.Direction(e, p); !slices.Equal(d, e) {
			t.Errorf("%T: the draws of a step are others", l)
		}
		p.Time.Step = 1
		if again.Direction(e, p); slices.Equal(d, e) {
			t.Errorf("%T: another step has the same draws", l)
		}
	}
}

// TestKFACUpdates: between updates no signals go back, and inverses and gamma stay; the k-th update
// of means has the weight 1 - min(1 - 1/k, ema).
func TestKFACUpdates(t *testing.T) {
	const m = 6
	l := losses.Logistic{}
	n, p := drawProblem[float64](l, m, 1, nil)
	_, q := drawProblem[float64](l, m, 2, nil)
	o, d := kfacOf(t, "update_every: 3, gamma: {schedule: cosine, initial: 4, final: 1, steps: 10}", l, n, m), make([]float64, n.NumParams())
	for step, want := range []int{4, 1, 1, 4} {
		p.Time.Step, p.Time.Total = step, 11
		r := o.Direction(d, p)
		if r.Counters.VJPs != want || (r.Gamma == 4) != (step < 3) {
			t.Errorf("step %d: %d VJPs, want %d; gamma %g", step, r.Counters.VJPs, want, r.Gamma)
		}
	}
	p.Gamma = 9
	if r := o.Direction(d, p); r.Gamma != 9 || r.Counters.VJPs != 4 {
		t.Errorf("a gamma of the call: %g, %d VJPs", r.Gamma, r.Counters.VJPs)
	}
	p.Gamma, p.Time.Step = 0, 0

	means, first, second := kfacOf(t, "ema: 0.3", l, n, m), kfacOf(t, "ema: 0.3", l, n, m), kfacOf(t, "ema: 0.3", l, n, m)
	first.Direction(d, p)
	second.Direction(d, q)
	want := slices.Clone(first.blocks[0].factors[0])
	for k, fresh := range []*kfacOracle[float64]{first, second, first, first} {
		problem := p
		if fresh == second {
			problem = q
		}
		means.Direction(d, problem)
		rest := min(1-1/float64(k+1), 0.3)
		for i, v := range fresh.blocks[0].factors[0] {
			want[i] = rest*want[i] + (1-rest)*v
		}
		if e := distance(means.blocks[0].factors[0], want); e > 1e-14 {
			t.Errorf("update %d: the mean is %.2g away", k+1, e)
		}
	}
}
