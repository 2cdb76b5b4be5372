package nn

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestJoined compares networks whose dense layers do the work of the relu layers around them
// with the same networks of leaky_relu with slope 0, whose layers all work by themselves: all
// that a linearization answers is the same, for one mini-batch after another, wherever a relu
// stands, in branches too.
func TestJoined(t *testing.T) {
	t.Run("float32", testJoined[float32])
	t.Run("float64", testJoined[float64])
}

func testJoined[T tensor.Float](t *testing.T) {
	// d is a dense layer, a an activation, f a layer that reshapes; a branch is in brackets,
	// and a shortcut behind a bar.
	for _, plan := range []string{"d", "da", "dad", "adad", "daad", "dfafd", "dadada", "d[da|]d", "d[dad|da]d", "[ada|da]a", "a[adad|]ad", "d[d[da|]a|]a"} {
		fused, apart := planned(t, plan, true), planned(t, plan, false)
		rng := rand.New(rand.NewPCG(1, 2))
		pool := tensor.NewPool(2)
		a, b := NewLinearization[T](fused, 7, pool), NewLinearization[T](apart, 7, pool)
		p, k := fused.NumParams(), fused.Outputs()
		for _, m := range []int{7, 3} {
			w, d := make([]T, p), make([]T, p)
			x, alpha := tensor.New[T](m, 6), tensor.New[float64](m, k)
			for _, s := range [][]T{w, d, x.Data} {
				for i := range s {
					s[i] = T(rng.NormFloat64())
				}
			}
			for i := range alpha.Data {
				alpha.Data[i] = rng.NormFloat64()
			}
			answers := func(l *Linearization[T]) (out []float64) {
				keep := func(v []T) {
					for _, v := range v {
						out = append(out, float64(v))
					}
				}
				u, g, gram := tensor.New[float64](m, k), make([]T, p), tensor.New[T](m*k, m*k)
				out = append(out, l.Linearize(w, x).Data...)
				l.JVP(u, d)
				out = append(out, u.Data...)
				l.VJP(g, alpha)
				keep(g)
				out = append(out, l.OutputsAt(0.1, d).Data...)
				l.Product(u, alpha)
				out = append(out, u.Data...)
				l.Gram(gram)
				keep(gram.Data)
				l.Combine(g, alpha)
				keep(g)
				l.JVP(u, g)
				return append(out, u.Data...)
			}
			if got, want := answers(a), answers(b); !slices.Equal(got, want) {
				i := 0
				for got[i] == want[i] {
					i++
				}
				t.Errorf("%s, %d examples: number %d of %d is %g, by layers apart %g", plan, m, i, len(got), got[i], want[i])
			}
		}
		pool.Close()
	}
}

// planned builds a network, with relu or with leaky_relu of slope 0.
func planned(t *testing.T, plan string, relu bool) *Net {
	t.Helper()
	var parse func() []LayerChoice
	at := 0
	parse = func() (layers []LayerChoice) {
		for ; at < len(plan) && plan[at] != '|' && plan[at] != ']'; at++ {
			switch plan[at] {
			case 'd':
				layers = append(layers, LayerChoice{registry.ChoiceOf(&Layers, "dense", Dense{Units: 6, Bias: true, Initializer: autoInit}, newDense)})
			case 'f':
				layers = append(layers, chosen("flatten", Flatten{}))
			case 'a':
				if relu {
					layers = append(layers, chosen("relu", ReLU{}))
				} else {
					layers = append(layers, chosen("leaky_relu", LeakyReLU{}))
				}
			case '[':
				at++
				body := parse()
				at++
				layers = append(layers, chosen("residual", Residual{Body: body, Shortcut: parse()}))
			}
		}
		return layers
	}
	var configs []LayerConfig
	for _, c := range parse() {
		configs = append(configs, LayerConfig{Kind: c.Name, Layer: c.Must()})
	}
	n, err := NewNet(tensor.Shape{C: 6, H: 1, W: 1}, configs...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
