package nn

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "tanh", Doc: "hyperbolic tangent"},
		Tanh{}, func(l Tanh) (Layer, error) { return l, nil })
}

// Tanh is y = tanh(x), value by value.
type Tanh struct{}

var (
	_ Layer      = Tanh{}
	_ Activation = Tanh{}
)

func (Tanh) Size(in tensor.Shape) (Size, error) { return pointwiseSize(in) }

func (Tanh) Initializer() (string, float64) { return "glorot_normal", 1 }

func (Tanh) Ops() Ops { return PointwiseOps(tanh[float32], tanh[float64]) }

// Lift returns the layer on jets.
func (l Tanh) Lift(j Jet) Layer {
	return jetActivation{l, smooth{tanh[float32], tanh[float64], tanhCurvature[float32], tanhCurvature[float64]}, j}
}

func tanh[T tensor.Float](y, d, x []T) { kernel.Tanh(x, y, d) }

// tanhCurvature sets f” = -2 y y' and f”' = -2 y' (1 - 3 y²).
func tanhCurvature[T tensor.Float](second, third, _, y, d []T) {
	kernel.TanhCurvature(y, d, second, third)
}
