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

func sigmoid[T tensor.Float](y, d, x []T) { kernel.Sigmoid(x, y, d) }
