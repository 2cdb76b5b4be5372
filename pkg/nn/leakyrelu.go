package nn

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "leaky_relu", Doc: "x if x > 0, else slope x", Reference: "Maas, Hannun and Ng 2013"},
		LeakyReLU{Slope: 0.01}, newLeakyReLU, LeakyReLU{Slope: 0.3})
}

// LeakyReLU is y = x where x > 0, and slope x elsewhere.
type LeakyReLU struct {
	Slope float64 `yaml:"slope" doc:"derivative for x <= 0"`
}

var (
	_ Layer      = LeakyReLU{}
	_ Activation = LeakyReLU{}
)

func newLeakyReLU(l LeakyReLU) (Layer, error) {
	if l.Slope < 0 || l.Slope >= 1 {
		return nil, strict.Field("slope", "must be at least 0 and less than 1, got %g", l.Slope)
	}
	return l, nil
}

func (LeakyReLU) Size(in tensor.Shape) (Size, error) { return pointwiseSize(in) }

// Initializer returns He's gain √(2/(1+slope²)) (He et al. 2015, eq. 15).
func (l LeakyReLU) Initializer() (string, float64) {
	return "he_normal", math.Sqrt(2 / (1 + l.Slope*l.Slope))
}

func (LeakyReLU) kinks() {}

func (l LeakyReLU) Ops() Ops {
	return PointwiseOps(leakyReLU[float32](l.Slope), leakyReLU[float64](l.Slope))
}

func leakyReLU[T tensor.Float](slope float64) func(y, d, x []T) {
	s := T(slope)
	return func(y, d, x []T) {
		for i, v := range x {
			if v <= 0 {
				y[i], d[i] = s*v, s
			} else {
				y[i], d[i] = v, 1
			}
		}
	}
}
