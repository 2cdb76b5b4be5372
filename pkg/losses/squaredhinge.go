package losses

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "squared_hinge", Doc: "max(0, 1 - y z)^2 / 2, labels y = +-1"},
		SquaredHinge{}, func(l SquaredHinge) (Loss, error) { return l, nil })
}

// SquaredHinge is max(0, 1 - y z)²/2, for one output.
type SquaredHinge struct{}

var _ BoxDual = SquaredHinge{}

func (SquaredHinge) Value(z, y []float64) float64 {
	r := Hinge{}.Value(z, y)
	return r * r / 2
}

// Grad is -y max(0, 1 - y z).
func (SquaredHinge) Grad(dst, z, y []float64) {
	dst[0] = -y[0] * Hinge{}.Value(z, y)
}

// GGNFactor keeps H = 1 where 1 - y z > 0, else 0.
func (SquaredHinge) GGNFactor(c, z, y []float64) {
	Hinge{}.Grad(c, z, y)
	c[0] *= -y[0]
}

func (SquaredHinge) MulFactor(dst, s, c []float64)  { dst[0] = c[0] * s[0] }
func (SquaredHinge) MulFactorT(dst, v, c []float64) { dst[0] = c[0] * v[0] }

// Conj is t²/2 + t with t = a y <= 0.
func (SquaredHinge) Conj(a, y []float64) float64 {
	checkBinary(a, y)
	t := a[0] * y[0]
	if !(t <= domainTol) {
		return math.Inf(1)
	}
	return t*t/2 + t
}

func (SquaredHinge) Target() Target       { return BinaryTarget }
func (SquaredHinge) Curvature() Curvature { return PiecewiseSmooth }

func (SquaredHinge) Sample(rng *rand.Rand, _ int) (z, y []float64) { return binarySample(rng) }

// ProxConj minimises t²/2 + t + kappa t²/2 - w y t over t = a y <= 0.
func (SquaredHinge) ProxConj(kappa, w, y float64) float64 {
	return y * min((w*y-1)/(1+kappa), 0)
}
