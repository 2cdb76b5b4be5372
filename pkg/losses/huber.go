package losses

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "huber", Doc: "quadratic up to delta from the target, linear beyond, value by value", Reference: "Huber 1964"},
		Huber{Delta: 1}, newHuber, Huber{Delta: 0.3})
}

// Huber is Σ_j r²/2 where |r| <= delta and delta (|r| - delta/2) elsewhere,
// r = z_j - y_j.
type Huber struct {
	Delta float64 `yaml:"delta" doc:"where the quadratic part ends, in the unit of the targets"`
}

var _ BoxDual = Huber{}

func newHuber(l Huber) (Loss, error) {
	if l.Delta <= 0 {
		return nil, strict.Field("delta", "must be positive, got %g", l.Delta)
	}
	return l, nil
}

func (h Huber) Value(z, y []float64) (v float64) {
	check(z, y)
	for j := range z {
		r := math.Abs(z[j] - y[j])
		if r <= h.Delta {
			v += r * r / 2
		} else {
			v += h.Delta * (r - h.Delta/2)
		}
	}
	return v
}

func (h Huber) Grad(dst, z, y []float64) {
	check(z, y)
	for j := range z {
		dst[j] = min(max(z[j]-y[j], -h.Delta), h.Delta)
	}
}

// GGNFactor keeps the diagonal of H: 1 within delta of the target, 0 beyond.
func (h Huber) GGNFactor(c, z, y []float64) {
	check(z, y)
	for j := range z {
		switch r := math.Abs(z[j] - y[j]); {
		case r < h.Delta:
			c[j] = 1
		case r >= h.Delta:
			c[j] = 0
		default:
			c[j] = r
		}
	}
}

func (h Huber) MulFactor(dst, s, c []float64)  { Squared{}.MulFactor(dst, s, c) }
func (h Huber) MulFactorT(dst, v, c []float64) { Squared{}.MulFactor(dst, v, c) }

func (Huber) Separable() {}

// Conj is |a|²/2 + a·y for |a_j| <= delta.
func (h Huber) Conj(a, y []float64) float64 {
	for _, v := range a {
		if !(math.Abs(v) <= h.Delta*(1+domainTol)) {
			return math.Inf(1)
		}
	}
	return Squared{}.Conj(a, y)
}

func (Huber) Target() Target       { return ValueTarget }
func (Huber) Curvature() Curvature { return PiecewiseSmooth }

func (Huber) Sample(rng *rand.Rand, k int) (z, y []float64) { return normal(rng, k), normal(rng, k) }

// ProxConj minimises a²/2 + a y + kappa a²/2 - w a over |a| <= delta.
func (h Huber) ProxConj(kappa, w, y float64) float64 {
	return min(max((w-y)/(1+kappa), -h.Delta), h.Delta)
}
