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

// Lift returns the layer on jets.
func (l GELU) Lift(j Jet) Layer {
	return jetActivation{l, smooth{gelu[float32], gelu[float64], geluCurvature[float32], geluCurvature[float64]}, j}
}

func gelu[T tensor.Float](y, d, x []T) { kernel.GELU(x, y, d) }

// geluCurvature sets f” = phi (2 - x²) and f”' = phi (x³ - 4 x) for the normal density phi.
func geluCurvature[T tensor.Float](second, third, x, _, _ []T) {
	for i, v := range x {
		third[i] = -v * v / 2
	}
	kernel.Exp(third, third)
	for i, v := range x {
		phi := third[i] * T(1/math.Sqrt(2*math.Pi))
		if phi == 0 {
			v = 0 // of a large one the cube may be infinite
		}
		second[i] = phi * (2 - v*v)
		third[i] = phi * (v*v*v - 4*v)
	}
}
