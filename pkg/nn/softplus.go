package nn

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "softplus", Doc: "log(1 + exp(x))", Reference: "Dugas et al. 2001"},
		Softplus{}, func(l Softplus) (Layer, error) { return l, nil })
}

// Softplus is y = log(1 + exp(x)), value by value.
type Softplus struct{}

var (
	_ Layer      = Softplus{}
	_ Activation = Softplus{}
)

func (Softplus) Size(in tensor.Shape) (Size, error) { return pointwiseSize(in) }

func (Softplus) Initializer() (string, float64) { return "he_normal", math.Sqrt2 }

func (Softplus) Ops() Ops { return PointwiseOps(softplus[float32], softplus[float64]) }

// Lift returns the layer on jets.
func (l Softplus) Lift(j Jet) Layer {
	return jetActivation{l, smooth{softplus[float32], softplus[float64], softplusCurvature[float32], softplusCurvature[float64]}, j}
}

func softplus[T tensor.Float](y, d, x []T) { kernel.Softplus(x, y, d) }

// softplusCurvature sets f” = s (1 - s) and f”' = s (1 - s) (1 - 2 s) for the sigmoid s = f'.
func softplusCurvature[T tensor.Float](second, third, _, _, d []T) {
	for i, s := range d {
		v := s * (1 - s)
		second[i] = v
		third[i] = v * (1 - 2*s)
	}
}
