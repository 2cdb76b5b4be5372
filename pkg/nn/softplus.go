package nn

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
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

func (Softplus) Bind32(in tensor.Shape, m int, p *tensor.Pool) Op[float32] {
	return newPointwise(in, m, p, softplus[float32])
}

func (Softplus) Bind64(in tensor.Shape, m int, p *tensor.Pool) Op[float64] {
	return newPointwise(in, m, p, softplus[float64])
}

// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)) does not overflow; its
// derivative is the sigmoid.
func softplus[T tensor.Float](y, d, x []T) {
	for i, v := range x {
		a := float64(v)
		e := math.Exp(-math.Abs(a))
		s := e / (1 + e)
		if a > 0 {
			s = 1 / (1 + e)
		}
		y[i], d[i] = T(max(a, 0)+math.Log1p(e)), T(s)
	}
}
