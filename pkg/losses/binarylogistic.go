package losses

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Known, registry.Info{
		Name:      "binary_logistic",
		Doc:       "log(1 + exp(-y z)), labels y = +-1, of one output; or log(1 + exp(z)) - t z, targets t in [0, 1], summed over any number of outputs",
		Reference: "Berkson 1944",
	}, BinaryLogistic{}, func(l BinaryLogistic) (Loss, error) { return l, nil })
}

// BinaryLogistic is Σ_j log(1 + exp(z_j)) - t_j z_j, the cross-entropy of independent outputs
// with targets t in [0, 1] (binary cross-entropy with logits). A target y of -1 or +1 is a label,
// and stands for t = 0 or 1: the loss is then log(1 + exp(-y z)).
type BinaryLogistic struct{}

var (
	_ Separable  = BinaryLogistic{}
	_ Predictor  = BinaryLogistic{}
	_ Likelihood = BinaryLogistic{}
)

// probability is the t that a target stands for.
func probability(y float64) float64 { return max(y, 0) }

// Value is Σ t max(-z, 0) + (1-t) max(z, 0) + log(1 + exp(-|z|)), a sum of terms that are
// not negative. Of one output it takes the library's exp, of many the kernel's.
func (BinaryLogistic) Value(z, y []float64) float64 {
	check(z, y)
	var linear float64
	for j, v := range z {
		t := probability(y[j])
		linear += t*max(-v, 0) + (1-t)*max(v, 0)
	}
	if math.IsNaN(linear) { // perhaps from 0 times an infinite output, which costs nothing
		linear = 0
		for j, v := range z {
			switch t := probability(y[j]); {
			case !(v <= 0) && t != 1:
				linear += (1 - t) * v
			case !(v > 0) && t != 0:
				linear -= t * v
			}
		}
	}
	if len(z) == 1 {
		return linear + math.Log1p(math.Exp(-math.Abs(z[0])))
	}
	return linear + kernel.SumSoftplus(z)
}

// sigmoid is 1/(1 + exp(-t)), without overflow or cancellation.
func sigmoid(t float64) float64 {
	if t < 0 {
		e := math.Exp(t)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-t))
}

// Grad is s(z) - t, as (1-t) - s(-z) where z is positive.
func (BinaryLogistic) Grad(dst, z, y []float64) {
	check(z, y)
	if len(z) == 1 {
		switch t := probability(y[0]); {
		case t == 0:
			dst[0] = sigmoid(z[0])
			return
		case t == 1:
			dst[0] = -sigmoid(-z[0])
			return
		}
	}
	for j, v := range z {
		dst[j] = -math.Abs(v)
	}
	kernel.Exp(dst, dst)
	for j, e := range dst {
		small, t := e/(1+e), probability(y[j]) // s(-|z|)
		if z[j] > 0 {
			dst[j] = (1 - t) - small
		} else {
			dst[j] = small - t
		}
	}
}

// GGNFactor keeps √H, H = s(z) (1 - s(z)) = e/(1+e)² with e = exp(-|z|):
// √H = exp(-|z|/2)/(1+e).
func (BinaryLogistic) GGNFactor(c, z, _ []float64) {
	if len(z) == 1 {
		a := math.Abs(z[0])
		c[0] = math.Exp(-a/2) / (1 + math.Exp(-a))
		return
	}
	for j, v := range z {
		c[j] = -math.Abs(v) / 2
	}
	kernel.Exp(c, c)
	for j, h := range c {
		c[j] = h / (1 + h*h)
	}
}

func (BinaryLogistic) MulFactor(dst, s, c []float64) {
	check(dst, s)
	for j := range dst {
		dst[j] = c[j] * s[j]
	}
}

func (l BinaryLogistic) MulFactorT(dst, v, c []float64) { l.MulFactor(dst, v, c) }

func (BinaryLogistic) Separable() {}

// DrawGrad is s(z) - t for every t drawn from 0 and 1, 1 with the probability s(z).
func (BinaryLogistic) DrawGrad(dst, z []float64, rng *rand.Rand) {
	for j, v := range z {
		if rng.Float64() < sigmoid(v) {
			dst[j] = -sigmoid(-v)
		} else {
			dst[j] = sigmoid(v)
		}
	}
}

// Conj is Σ q log q + (1-q) log(1-q) with q = a + t in [0, 1].
func (BinaryLogistic) Conj(a, y []float64) (v float64) {
	check(a, y)
	for j := range a {
		q := -a[j] * y[j] // of a label: the q of t = 0, or 1 - q of t = 1
		if t := y[j]; math.Abs(t) != 1 {
			q = a[j] + t
			if rest := (1 - t) - a[j]; rest < q {
				q = rest // the smaller of the two, which has more digits
			}
		}
		v += negentropy(q)
	}
	return v
}

// negentropy is q log q + (1-q) log(1-q).
func negentropy(q float64) float64 {
	if !(q >= -domainTol && q <= 1+domainTol) {
		return math.Inf(1)
	}
	q = min(max(q, 0), 1)
	v := xlogx(q)
	if q < 1 {
		v += (1 - q) * math.Log1p(-q)
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

func (BinaryLogistic) Target() Target       { return ProbabilityTarget }
func (BinaryLogistic) Curvature() Curvature { return Smooth }

// Predict is s(z), the mean of what has the probability t.
func (BinaryLogistic) Predict(dst, z []float64) {
	for j, v := range z {
		dst[j] = sigmoid(v)
	}
}

// Sample draws targets in [0, 1], some of them at its ends; or, for one output, a label.
func (BinaryLogistic) Sample(rng *rand.Rand, k int) (z, y []float64) {
	if k == 1 {
		return binarySample(rng)
	}
	z, y = normal(rng, k), make([]float64, k)
	for j := range y {
		z[j] *= 2
		y[j] = min(max(1.2*rng.Float64()-0.1, 0), 1)
	}
	return z, y
}
