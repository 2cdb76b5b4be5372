package losses

import (
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "squared", Doc: "half the squared distance to the target; classes are one-hot", Reference: "Legendre 1805"},
		Squared{}, func(l Squared) (Loss, error) { return l, nil })
}

// Squared is |z-y|²/2, so that H = L = I.
type Squared struct{}

var _ Likelihood = Squared{}

func (Squared) Value(z, y []float64) (v float64) {
	check(z, y)
	for j := range z {
		v += (z[j] - y[j]) * (z[j] - y[j]) / 2
	}
	return v
}

func (Squared) Grad(dst, z, y []float64) {
	check(z, y)
	for j := range z {
		dst[j] = z[j] - y[j]
	}
}

// GGNFactor keeps the diagonal of L = I: 1, or NaN where z is.
func (Squared) GGNFactor(c, z, _ []float64) {
	for j := range c {
		c[j] = 1 + 0*z[j]
	}
}

func (Squared) MulFactor(dst, s, c []float64) {
	check(dst, s)
	for j := range dst {
		dst[j] = c[j] * s[j]
	}
}

func (l Squared) MulFactorT(dst, v, c []float64) { l.MulFactor(dst, v, c) }

func (Squared) Separable() {}

// DrawGrad is z - y for y of the normal distribution about z, of variance 1.
func (Squared) DrawGrad(dst, z []float64, rng *rand.Rand) {
	for j := range dst {
		dst[j] = rng.NormFloat64() + 0*z[j]
	}
}

// Conj is |a|²/2 + a·y.
func (Squared) Conj(a, y []float64) (v float64) {
	check(a, y)
	for j := range a {
		v += a[j]*a[j]/2 + a[j]*y[j]
	}
	return v
}

func (Squared) Target() Target       { return ValueTarget }
func (Squared) Curvature() Curvature { return Smooth }

func (Squared) Sample(rng *rand.Rand, k int) (z, y []float64) { return normal(rng, k), normal(rng, k) }
