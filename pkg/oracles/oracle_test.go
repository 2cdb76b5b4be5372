package oracles

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// An oracleCase is one oracle with one setting on one loss.
type oracleCase struct {
	spec Spec
	loss losses.Loss
}

// oracleCases returns every registered oracle with every trial setting on
// every loss it accepts.
func oracleCases(t *testing.T) map[string]oracleCase {
	out := map[string]oracleCase{}
	for _, kind := range Known.Names() {
		used := 0
		for i, trial := range Known.Entry(kind).Trials {
			spec, err := trial()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range losses.Known.Names() {
				l := losses.Known.Default(name).Must()
				if err := spec.Check(l); err == nil {
					out[fmt.Sprintf("%s/%d/%s", kind, i, name)] = oracleCase{spec, l}
					used++
				}
			}
		}
		if used == 0 {
			t.Errorf("%s accepts no loss", kind)
		}
	}
	return out
}

// newProblem draws weights, a batch of m examples, and targets.
func newProblem[T tensor.Float](t *testing.T, l losses.Loss, m int, pool *tensor.Pool) (*nn.Net, *Problem[T]) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	_, first := l.Sample(rng, 3)
	k := len(first)
	tanh := nn.LayerConfig{Kind: "tanh", Layer: nn.Tanh{}}
	dense := func(n int) nn.LayerConfig {
		return nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: n, Bias: true, Initializer: "lecun_normal"}}
	}
	n, err := nn.NewNet(tensor.Shape{C: 6, H: 1, W: 1}, dense(8), tanh, dense(5), tanh, dense(k))
	if err != nil {
		t.Fatal(err)
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
	return n, &Problem[T]{Z: lin.Linearize(w, x), Y: y, Lin: lin, Loss: l}
}

// TestOracles is the conformance suite: it knows no oracle by name.
func TestOracles(t *testing.T) {
	const m = 7
	for name, c := range oracleCases(t) {
		t.Run(name, func(t *testing.T) {
			n, p := newProblem[float64](t, c.loss, m, nil)
			o := Bind[float64](c.spec, n, m+3, nil) // room for more than the batch
			d := make([]float64, n.NumParams())
			r := o.Direction(d, p)
			o.Diagnose(&r, d, p)

			// The gradient, from its definition.
			alpha, g := tensor.New[float64](m, n.Outputs()), make([]float64, len(d))
			for i := range m {
				p.Loss.Grad(alpha.Row(i), p.Z.Row(i), p.Y.Row(i))
			}
			tensor.Scale(nil, 1.0/m, alpha.Flat())
			p.Lin.VJP(g, alpha)
			slope := tensor.Dot(nil, g, d)
			if !(slope < 0) {
				t.Errorf("not a descent direction: slope %g", slope)
			}
			if e := distance([]float64{r.Slope, r.GradNorm}, []float64{slope, tensor.Norm2(nil, g)}); e > 1e-9 {
				t.Errorf("reported slope %g and |grad h| %g, they are %g and %g", r.Slope, r.GradNorm, slope, tensor.Norm2(nil, g))
			}
			if r.Gamma <= 0 {
				t.Errorf("gamma %g", r.Gamma)
			}
			if r.Counters.VJPs == 0 || r.Counters.MultiplyAdds == 0 {
				t.Errorf("nothing counted: %+v", r.Counters)
			}

			t.Run("threads", func(t *testing.T) {
				pool := tensor.NewPool(3)
				defer pool.Close()
				_, q := newProblem[float64](t, c.loss, m, pool)
				e := make([]float64, len(d))
				Bind[float64](c.spec, n, m, pool).Direction(e, q)
				if !slices.Equal(d, e) {
					t.Error("three threads give other bits than one")
				}
			})
			t.Run("fewer examples", func(t *testing.T) {
				n, q := newProblem[float64](t, c.loss, 2, nil)
				again, fresh := make([]float64, len(d)), make([]float64, len(d))
				Bind[float64](c.spec, n, 2, nil).Direction(fresh, q)
				Bind[float64](c.spec, n, m, nil).Direction(again, q)
				if distance(again, fresh) > 1e-12 {
					t.Error("the direction depends on the largest batch")
				}
			})
			t.Run("allocations", func(t *testing.T) {
				pool := tensor.NewPool(2)
				defer pool.Close()
				n, q := newProblem[float32](t, c.loss, m, pool)
				o, e := Bind[float32](c.spec, n, m, pool), make([]float32, len(d))
				o.Direction(e, q)
				if n := testing.AllocsPerRun(5, func() { o.Direction(e, q) }); n != 0 {
					t.Errorf("%g allocations", n)
				}
			})
		})
	}
}

func TestBadOptions(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"{kind: gradient, gamma: 0}", "gamma: must be positive, got 0"},
		{"{kind: gradientt}", `unknown oracle "gradientt"; did you mean "gradient"?`},
		{"{kind: gradient, gama: 1}", `did you mean "gamma"?`},
	} {
		doc, err := strict.Parse("c.yaml", []byte(c.config))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = Known.Decode(doc.Root()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.config, err, c.want)
		}
	}
}
