package oracles

import (
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

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
