package nn

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

// An Initializer says how initial weights are drawn: with mean 0 and a
// variance that depends on the numbers of inputs and outputs.
type Initializer interface {
	// Variance returns the variance of each weight. The gain is that of the
	// activation that follows: √2 for relu.
	Variance(fanIn, fanOut int, gain float64) float64
	// Uniform reports whether weights are uniform rather than normal.
	Uniform() bool
}

// Initializers is the table of initializers.
var Initializers = registry.Table[Initializer]{Kind: "initializer"}

// autoInit stands for the initializer that the next activation recommends:
// he_normal before relu, leaky_relu, softplus and gelu, glorot_normal before
// tanh and sigmoid, lecun_normal where no activation follows.
const autoInit = "auto"

type scheme struct {
	variance func(fanIn, fanOut int, gain float64) float64
	uniform  bool
}

func (s scheme) Variance(fanIn, fanOut int, gain float64) float64 {
	return s.variance(fanIn, fanOut, gain)
}
func (s scheme) Uniform() bool { return s.uniform }

func he(fanIn, _ int, gain float64) float64       { return gain * gain / float64(fanIn) }
func glorot(fanIn, fanOut int, _ float64) float64 { return 2 / float64(fanIn+fanOut) }
func lecun(fanIn, _ int, _ float64) float64       { return 1 / float64(fanIn) }

func init() {
	for _, s := range []struct {
		name, doc, ref string
		variance       func(fanIn, fanOut int, gain float64) float64
	}{
		{"he", "variance 2/fan_in (before leaky_relu 2/((1+slope^2) fan_in))", "He et al. 2015, arXiv 1502.01852", he},
		{"glorot", "variance 2/(fan_in + fan_out)", "Glorot and Bengio 2010", glorot},
		{"lecun", "variance 1/fan_in", "LeCun et al. 1998", lecun},
	} {
		for _, uniform := range []bool{false, true} {
			suffix := "_normal"
			if uniform {
				suffix = "_uniform"
			}
			registry.Add(&Initializers, registry.Info{Name: s.name + suffix, Doc: s.doc, Reference: s.ref},
				struct{}{}, func(struct{}) (Initializer, error) { return scheme{s.variance, uniform}, nil })
		}
	}
	registry.Add(&Initializers, registry.Info{Name: "zeros", Doc: "all 0"}, struct{}{}, func(struct{}) (Initializer, error) {
		return scheme{variance: func(int, int, float64) float64 { return 0 }}, nil
	})
}

// checkInit reports whether a layer's option `init` names an initializer.
func checkInit(name string) error {
	known := append([]string{autoInit}, Initializers.Names()...)
	if !slices.Contains(known, name) {
		return strict.Field("init", "unknown initializer %q%s", name, strict.Suggest(name, known))
	}
	return nil
}

// initialize draws w by the named initializer.
func initialize(name string, next Layer, w []float64, fanIn, fanOut int, rng *rand.Rand) {
	recommended, gain := "lecun_normal", math.Sqrt2
	if a, ok := next.(Activation); ok {
		recommended, gain = a.Initializer()
	}
	if name == autoInit {
		name = recommended
	}
	in := Initializers.Default(name).Must()
	sd := math.Sqrt(in.Variance(fanIn, fanOut, gain))
	for i := range w {
		if in.Uniform() {
			w[i] = sd * math.Sqrt(3) * (2*rng.Float64() - 1) // U(-a, a) has variance a²/3
		} else {
			w[i] = sd * rng.NormFloat64()
		}
	}
}
