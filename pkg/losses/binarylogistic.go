package losses

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "binary_logistic", Doc: "log(1 + exp(-y z)), labels y = +-1", Reference: "Berkson 1944"},
		BinaryLogistic{}, func(l BinaryLogistic) (Loss, error) { return l, nil })
}

// BinaryLogistic is log(1 + exp(-y z)), for one output.
type BinaryLogistic struct{}

var _ Loss = BinaryLogistic{}

// Value is max(-yz, 0) + log1p(exp(-|yz|)).
func (BinaryLogistic) Value(z, y []float64) float64 {
	checkBinary(z, y)
	t := y[0] * z[0]
	return max(-t, 0) + math.Log1p(math.Exp(-math.Abs(t)))
}

// sigmoid is 1/(1 + exp(-t)), without overflow or cancellation.
func sigmoid(t float64) float64 {
	if t < 0 {
		e := math.Exp(t)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-t))
}

// Grad is -y s(-yz).
func (BinaryLogistic) Grad(dst, z, y []float64) {
	checkBinary(z, y)
	dst[0] = -y[0] * sigmoid(-y[0]*z[0])
}

// GGNFactor keeps √H, H = s(z) (1 - s(z)) = e/(1+e)² with e = exp(-|z|):
// √H = exp(-|z|/2)/(1+e).
func (BinaryLogistic) GGNFactor(c, z, _ []float64) {
	a := math.Abs(z[0])
	c[0] = math.Exp(-a/2) / (1 + math.Exp(-a))
}

func (BinaryLogistic) MulFactor(dst, s, c []float64)  { dst[0] = c[0] * s[0] }
func (BinaryLogistic) MulFactorT(dst, v, c []float64) { dst[0] = c[0] * v[0] }

// Conj is t log t + (1-t) log(1-t) with t = -a y in [0, 1].
func (BinaryLogistic) Conj(a, y []float64) float64 {
	checkBinary(a, y)
	t := -a[0] * y[0]
	if !(t >= -domainTol && t <= 1+domainTol) {
		return math.Inf(1)
	}
	t = min(max(t, 0), 1)
	v := xlogx(t)
	if t < 1 {
		v += (1 - t) * math.Log1p(-t)
	}
	return v
}

// xlogx is x log x, continued to 0 at 0.
func xlogx(x float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(x)
}

func (BinaryLogistic) Target() Target       { return BinaryTarget }
func (BinaryLogistic) Curvature() Curvature { return Smooth }

func (BinaryLogistic) Sample(rng *rand.Rand, _ int) (z, y []float64) { return binarySample(rng) }
