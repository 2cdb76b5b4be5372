package oracles

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
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

// TestKFACFallbacks: factors that are singular or not finite never make a direction of NaN, and the
// report says what was done.
func TestKFACFallbacks(t *testing.T) {
	// Inputs whose squares overflow in float32, and gradients that do not.
	dense := func(units int) nn.LayerConfig {
		return nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: units, Bias: true, Initializer: "lecun_normal"}}
	}
	n, err := nn.NewNet(tensor.Shape{C: 2, H: 1, W: 1}, dense(3), nn.LayerConfig{Kind: "tanh", Layer: nn.Tanh{}}, dense(2))
	if err != nil {
		t.Fatal(err)
	}
	const m = 3
	l := losses.Squared{}
	w, x, y := make([]float32, n.NumParams()), tensor.New[float32](m, 2), tensor.New[float64](m, 2)
	tensor.Convert(w, n.Init(rand.New(rand.NewPCG(1, 2))))
	lin := nn.NewLinearization[float32](n, m, nil)
	p := problemOf(l, lin, y)
	at := func(scale float32) {
		for i := range x.Data {
			x.Data[i] = scale * float32(i+1)
		}
		for j := range 6 { // small weights, so that tanh does not saturate
			w[j] = 0.1 / scale * float32(j+1)
		}
		lin.Linearize(w, x)
	}
	for _, c := range []struct{ options, first, second, third string }{
		{"gamma: 2", "", FactorNone, ""},
		{"gamma: 2, ema: 0.5", "", FactorStale, ""},
		{"gamma: 2, update_every: 2", "", FactorStale, ""},
	} {
		spec, err := parse("{kind: kfac, " + c.options + "}")
		if err != nil {
			t.Fatal(err)
		}
		o, d := New[float32](spec, Site{Loss: l, Dims: n.Dims(m)}).(*kfacOracle[float32]), make([]float32, n.NumParams())
		for step, s := range []struct {
			scale float32
			want  string
		}{{1, c.first}, {1e20, c.second}, {1, c.third}} {
			at(s.scale)
			p.Time.Step = 2 * step
			r := o.Direction(d, p)
			if size := tensor.Norm2(nil, d); r.StopReason != s.want || !finite(size) || !(r.Slope < 0) {
				t.Errorf("%s, step %d: %q, want %q; |d| = %g, slope %g", c.options, step, r.StopReason, s.want, size, r.Slope)
			}
			if s.want == FactorNone {
				for j := range 9 { // the gradient step
					if want := -2 / float32(m) * o.q[j]; math.Abs(float64(d[j]-want)) > 1e-5*math.Abs(float64(want)) {
						t.Errorf("%s: d is %g at %d, not %g", c.options, d[j], j, want)
					}
				}
			}
			o.lasting(func(name string, part []float32) {
				for _, v := range part {
					if !finite(float64(v)) {
						t.Fatalf("%s: %s have %g", c.options, name, v)
					}
				}
			})
		}
	}

	// A factor that is singular in float32, with damping that is lost beside it.
	o := New[float32](KFAC{Fisher: type2, Shared: expand, UpdateEvery: 1, Gamma: ConstGamma(1)}, Site{Loss: l, Dims: n.Dims(m)}).(*kfacOracle[float32])
	to := make([]float32, 9)
	if ok := o.invert(tensor.View(3, 3, []float32{1, 1, 1, 1, 1, 1, 1, 1, 1}), 0, to); !ok || o.fallback != FactorJitter || !finite(float64(to[0])) {
		t.Errorf("a singular factor: %t, %q, %v", ok, o.fallback, to)
	}
	if o.invert(tensor.View(2, 2, []float32{1, 2, 2, 1}), 0, to) {
		t.Error("an indefinite factor has an inverse")
	}
	o.fall(FactorNone)
	if o.fall(FactorStale); o.fallback != FactorNone {
		t.Errorf("of several fallbacks %q is told", o.fallback)
	}
}

// TestKFACRestoreRefuses: a state that does not fit is an error, and changes nothing.
func TestKFACRestoreRefuses(t *testing.T) {
	l := losses.Logistic{}
	n, p := drawProblem[float64](l, 6, 1, nil)
	o := kfacOf(t, "ema: 0.5, update_every: 2", l, n, 6)
	o.Direction(make([]float64, n.NumParams()), p)
	good := o.State()
	for _, c := range []struct {
		key   string
		value []float64
		want  string
	}{
		{"factors", nil, "factors has 0 numbers, those of this model"},
		{"inverses", good["inverses"][1:], "inverses has"},
		{"updates", []float64{1}, "updates has 1 numbers, those of this model 7"},
		{"updates", []float64{1, 1, 1, 1, 0.5, 1, 1}, "updates says 0.5 updates or inverses"},
		{"updates", []float64{-1, 1, 1, 1, 1, 1, 1}, "a gamma of -1, which is negative"},
		{"updates", []float64{math.NaN(), 1, 1, 1, 1, 1, 1}, "updates has a number that is not finite"},
		{"duals", nil, "the oracle remembers [], the state holds [duals]"},
	} {
		bad := maps.Clone(good)
		bad[c.key] = c.value
		if err := o.Restore(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.key, err, c.want)
		}
	}
	delete(good, "factors")
	if err := o.Restore(good); err == nil || !strings.Contains(err.Error(), "kfac remembers [factors, inverses, updates], the state holds [inverses, updates]") {
		t.Errorf("without factors: %v", err)
	}
}

// TestKFACLayers: every kind of network gives the same bits on any number of threads and allocates
// nothing after the first steps; layers without factors, and those that are too large for them, are
// named.
func TestKFACLayers(t *testing.T) {
	const m = 20
	for name := range kfacNets {
		l := losses.Loss(losses.Logistic{})
		if name == "jets" {
			l = losses.Squared{}
		}
		for _, options := range []string{"ema: 0.5", "shared: reduce, fisher: empirical"} {
			spec, err := parse("{kind: kfac, " + options + "}")
			if err != nil {
				t.Fatal(err)
			}
			var first []float32
			for _, threads := range []int{1, 3} {
				pool := tensor.NewPool(threads)
				n, p := kfacProblem[float32](t, name, l, m, 1, pool)
				o, d := New[float32](spec, Site{Loss: l, Dims: n.Dims(m), Pool: pool}), make([]float32, n.NumParams())
				o.Direction(d, p)
				if first == nil {
					first = slices.Clone(d)
				} else if !slices.Equal(first, d) {
					t.Errorf("%s, %s: three threads give other bits", name, options)
				}
				if n := testing.AllocsPerRun(3, func() { o.Direction(d, p) }); n != 0 {
					t.Errorf("%s, %s: %g allocations", name, options, n)
				}
				pool.Close()
			}
		}
	}
	n, _ := kfacProblem[float64](t, "conv", losses.Logistic{}, 2, 1, nil)
	if got := strings.Join((KFAC{Fisher: type2}).Choices(losses.Logistic{}, n.Dims(2)), "\n"); !strings.Contains(got, "fisher: type2 takes 3 signals of each example back") ||
		!strings.Contains(got, "take the diagonal of the curvature: 1 (group_norm), 5 (layer_norm)") {
		t.Errorf("the choices are\n%s", got)
	}
	wide, err := nn.NewNet(tensor.Shape{C: 20000, H: 1, W: 1}, nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: 1, Bias: true, Initializer: "lecun_normal"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := (KFAC{}).Fits(losses.Squared{}, wide.Dims(2)); err == nil || !strings.Contains(err.Error(), "kfac inverts a matrix of 20001 x 20001 for layer 0 (dense), which takes 3.0 GiB, more than the 2.0 GiB allowed") {
		t.Errorf("a wide layer: %v", err)
	}
}

// TestKFACHeld: what kfac says it will hold on networks of every kind is what it holds, with what
// the model keeps for signals and factors.
func TestKFACHeld(t *testing.T) {
	const m = 60
	for name := range kfacNets {
		l := losses.Loss(losses.Logistic{})
		if name == "jets" {
			l = losses.Squared{}
		}
		for _, options := range []string{"ema: 0.5", "shared: reduce", "fisher: empirical"} {
			spec, err := parse("{kind: kfac, " + options + "}")
			if err != nil {
				t.Fatal(err)
			}
			n, first := kfacProblem[float64](t, name, l, m, 1, nil)
			counted := float64(HeldBy(spec, l, sizesOf(n, m)).Bytes)
			got, right := 0.0, false
			for try := 0; try < 3 && !right; try++ {
				d := make([]float64, n.NumParams())
				_, p := kfacProblem[float64](t, name, l, m, 1, nil) // whose linearization holds nothing yet
				p.Gradient.Omega = slices.Repeat([]float64{1}, m)
				if name != "jets" {
					p.Gradient.Omega = nil
				}
				p.Gradient.VJP(d, tensor.New[float64](m, n.Outputs())) // products of convolutions have their own space
				before := heapInUse()
				o := New[float64](spec, Site{Loss: l, Dims: n.Dims(m)})
				o.Direction(d, p)
				o.Complete(true)
				got = heapInUse() - before
				runtime.KeepAlive([]any{o, d, p, n, first})
				right = counted >= 0.8*got-8000 && counted <= 1.25*got+8000
			}
			if !right {
				t.Errorf("%s {%s}: %.0f bytes are counted, %.0f held: a ratio of %.3f", name, options, counted, got, counted/got)
			}
		}
	}
}
