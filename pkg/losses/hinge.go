package losses

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "hinge", Doc: "max(0, 1 - y z), labels y = +-1 (support vector machine)", Reference: "Cortes and Vapnik 1995"},
		Hinge{}, func(l Hinge) (Loss, error) { return l, nil })
}

// Hinge is max(0, 1 - y z), for one output.
type Hinge struct{}

var _ BoxDual = Hinge{}

func (Hinge) Value(z, y []float64) float64 {
	checkBinary(z, y)
	return max(0, 1-y[0]*z[0])
}

// Grad is -y where 1 - y z > 0; at the kink it is 0.
func (Hinge) Grad(dst, z, y []float64) {
	checkBinary(z, y)
	switch r := 1 - y[0]*z[0]; {
	case r > 0:
		dst[0] = -y[0]
	case r <= 0:
		dst[0] = 0
	default:
		dst[0] = r
	}
}

// GGNFactor keeps the Hessian, which is 0, or NaN where z is.
func (Hinge) GGNFactor(c, z, _ []float64)                   { c[0] = 0 * z[0] }
func (Hinge) MulFactor(dst, s, c []float64)                 { dst[0] = c[0] * s[0] }
func (Hinge) MulFactorT(dst, v, c []float64)                { dst[0] = c[0] * v[0] }
func (Hinge) Target() Target                                { return BinaryTarget }
func (Hinge) Curvature() Curvature                          { return Polyhedral }
func (Hinge) Sample(rng *rand.Rand, _ int) (z, y []float64) { return binarySample(rng) }

// Conj is a y for a y in [-1, 0].
func (Hinge) Conj(a, y []float64) float64 {
	checkBinary(a, y)
	t := a[0] * y[0]
	if !(t >= -1-domainTol && t <= domainTol) {
		return math.Inf(1)
	}
	return t
}

// ProxConj minimises t + kappa t²/2 - w y t over t = a y in [-1, 0].
func (Hinge) ProxConj(kappa, w, y float64) float64 {
	switch slope := w*y - 1; {
	case kappa > 0:
		return y * min(max(slope/kappa, -1), 0)
	case slope < 0:
		return -y
	default:
		return 0 * slope // 0, or a NaN
	}
}
