package nn

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "sigmoid", Doc: "1/(1 + exp(-x))"},
		Sigmoid{}, func(l Sigmoid) (Layer, error) { return l, nil })
}

// Sigmoid is y = 1/(1 + exp(-x)), value by value.
type Sigmoid struct{}

var (
	_ Layer      = Sigmoid{}
	_ Activation = Sigmoid{}
)

func (Sigmoid) Size(in tensor.Shape) (Size, error) { return pointwiseSize(in) }

func (Sigmoid) Initializer() (string, float64) { return "glorot_normal", 1 }

func (Sigmoid) Ops() Ops { return PointwiseOps(sigmoid[float32], sigmoid[float64]) }

// Lift returns the layer on jets.
func (l Sigmoid) Lift(j Jet) Layer {
	return jetActivation{l, smooth{sigmoid[float32], sigmoid[float64], sigmoidCurvature[float32], sigmoidCurvature[float64]}, j}
}

func sigmoid[T tensor.Float](y, d, x []T) { kernel.Sigmoid(x, y, d) }

// sigmoidCurvature sets f” = y' (1 - 2 y) and f”' = y' (1 - 6 y').
func sigmoidCurvature[T tensor.Float](second, third, _, y, d []T) {
	for i, v := range y {
		second[i] = d[i] * (1 - 2*v)
		third[i] = d[i] * (1 - 6*d[i])
	}
}
