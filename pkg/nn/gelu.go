package nn

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "gelu", Doc: "x Phi(x), Phi the normal distribution function (erf form, exact)", Reference: "Hendrycks and Gimpel 2016, arXiv 1606.08415"},
		GELU{}, func(l GELU) (Layer, error) { return l, nil })
}

// GELU is y = x Phi(x), value by value.
type GELU struct{}

var (
	_ Layer      = GELU{}
	_ Activation = GELU{}
)

func (GELU) Size(in tensor.Shape) (Size, error) { return pointwiseSize(in) }

func (GELU) Initializer() (string, float64) { return "he_normal", math.Sqrt2 }

func (GELU) Ops() Ops { return PointwiseOps(gelu[float32], gelu[float64]) }

func gelu[T tensor.Float](y, d, x []T) { kernel.GELU(x, y, d) }
