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

func softplus[T tensor.Float](y, d, x []T) { kernel.Softplus(x, y, d) }
