package nn

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "relu", Doc: "max(0, x); the derivative at 0 is 0", Reference: "Nair and Hinton 2010"},
		ReLU{}, func(l ReLU) (Layer, error) { return l, nil })
}

// ReLU is y = max(0, x), value by value.
type ReLU struct{}

var (
	_ Layer      = ReLU{}
	_ Activation = ReLU{}
)

func (ReLU) Size(in tensor.Shape) (Size, error) { return pointwiseSize(in) }

func (ReLU) Initializer() (string, float64) { return "he_normal", math.Sqrt2 }

func (ReLU) Ops() Ops { return PointwiseOps(relu[float32], relu[float64]) }

func relu[T tensor.Float](y, d, x []T) { kernel.ReLU(x, y, d) }
