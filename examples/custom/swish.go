package main

import (
	"math"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&nn.Layers, registry.Info{Name: "swish", Doc: "x sigmoid(beta x)", Reference: "Ramachandran, Zoph and Le 2017, arXiv 1710.05941"},
		Swish{Beta: 1}, newSwish)
}

// Swish is y = x s with s = 1/(1 + exp(-beta x)), value by value.
type Swish struct {
	Beta float64 `yaml:"beta" doc:"how steep the sigmoid is; large: nearly relu"`
}

func newSwish(l Swish) (nn.Layer, error) {
	if !(l.Beta > 0) {
		return nil, strict.Field("beta", "must be positive, got %g", l.Beta)
	}
	return l, nil
}

// Size says that the derivative is kept, a number for each value.
func (l Swish) Size(in tensor.Shape) (nn.Size, error) {
	return nn.Size{Out: in, Kept: in.Len()}, nil
}

// Initializer makes it an activation, which may stand between the dense layers of an mlp.
func (l Swish) Initializer() (string, float64) { return "he_normal", math.Sqrt2 }

func (l Swish) Ops() nn.Ops {
	return nn.PointwiseOps(swish[float32](l.Beta), swish[float64](l.Beta))
}

// swish returns what sets y = x s and the derivative d = s + beta y (1 - s).
func swish[T tensor.Float](beta float64) func(y, d, x []T) {
	return func(y, d, x []T) {
		for i, v := range x {
			s := 1 / (1 + math.Exp(-beta*float64(v)))
			y[i] = v * T(s)
			d[i] = T(s + beta*float64(v)*s*(1-s))
		}
	}
}
