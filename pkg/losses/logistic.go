package losses

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "logistic", Doc: "softmax cross-entropy, log sum_j exp(z_j) - y.z", Reference: "Berkson 1944; Bridle 1990"},
		Logistic{}, func(l Logistic) (Loss, error) { return l, nil })
}

// Logistic is LSE(z) - y·z with y on the simplex: the softmax cross-entropy.
// With p = softmax(z): g = p - y, H = diag(p) - p pᵀ = L Lᵀ with
// L = diag(√p) - p √pᵀ.
type Logistic struct{}

var _ Likelihood = Logistic{}

// tail returns the position m of the largest z and Σ_{j≠m} exp(z_j - z_m).
// From it come p_m = 1/(1+tail) and 1 - p_m = tail/(1+tail), both to full
// precision, which a softmax alone loses where p_m is near 1.
func tail(z []float64) (m int, sum float64) {
	m = argmax(z)
	return m, kernel.ExpTail(z, m)
}

// Value is Σ y_j (z_m - z_j) + log(1 + tail), a sum of terms that are not
// negative, since Σ y = 1.
func (Logistic) Value(z, y []float64) float64 {
	m, t := tail(z)
	return valueAt(z, y, m, t)
}

// valueAt is the value, of the position m of the largest z and the tail t.
func valueAt(z, y []float64, m int, t float64) float64 {
	check(z, y)
	v := math.Log1p(t)
	for j := range z {
		v += y[j] * (z[m] - z[j])
	}
	return v
}

// Grad is p - y, computed at m as (1 - y_m) - (1 - p_m).
func (Logistic) Grad(dst, z, y []float64) {
	m, t := tail(z)
	for j := range z {
		dst[j] = z[j] - z[m]
	}
	kernel.Exp(dst, dst)
	gradAt(dst, dst, y, m, t)
}

// gradAt is the gradient, of e_j = exp(z_j - z_m), which may be dst itself.
func gradAt(dst, e, y []float64, m int, t float64) {
	check(e, y)
	for j := range e {
		dst[j] = e[j]/(1+t) - y[j]
	}
	dst[m] = (1 - y[m]) - t/(1+t)
}

// GGNFactor keeps √p_j = h_j / √(1 + tail), h_j = exp((z_j - z_m)/2), with Σ_{j≠m} h_j² for the tail.
func (Logistic) GGNFactor(c, z, _ []float64) {
	m := argmax(z)
	for j := range z {
		c[j] = (z[j] - z[m]) / 2
	}
	kernel.Exp(c, c)
	var t float64
	for j, h := range c {
		if j != m {
			t += h * h
		}
	}
	root := math.Sqrt(1 + t)
	for j := range c {
		c[j] /= root
	}
}

// MulFactor is (L s)_j = √p_j s_j - p_j t with t = Σ √p_i s_i. These add up to 0,
// from which the m-th comes without cancellation.
func (Logistic) MulFactor(dst, s, c []float64) {
	check(dst, s)
	m := peak(c)
	var t, others float64
	for j := range s {
		t += c[j] * s[j]
	}
	for j := range s {
		dst[j] = c[j] * (s[j] - c[j]*t)
	}
	dst[m] = 0
	for _, v := range dst {
		others += v
	}
	dst[m] = -others
}

// MulFactorT is (Lᵀ v)_j = √p_j (v_j - p·v). A constant added to v changes
// nothing, so v is taken relative to v_m, where p is largest.
func (Logistic) MulFactorT(dst, v, c []float64) {
	check(dst, v)
	at := v[peak(c)]
	var t float64
	for j := range v {
		t += c[j] * c[j] * (v[j] - at)
	}
	for j := range v {
		dst[j] = c[j] * (v[j] - at - t)
	}
}

// peak returns the position of the largest of numbers that are not negative, the first of equals.
// Bits of such numbers are in the order of the numbers, and integers are compared without a jump,
// which the processor would guess wrong twice among ten.
func peak(c []float64) (m int) {
	largest := int64(-1)
	for j, v := range c {
		bits := int64(math.Float64bits(v))
		if bits > largest {
			m = j
		}
		largest = max(largest, bits)
	}
	return m
}

// Conj is Σ q_j log q_j with q = a + y on the simplex.
func (Logistic) Conj(a, y []float64) float64 {
	check(a, y)
	var sum, v float64
	for j := range a {
		q := a[j] + y[j]
		if !(q >= -domainTol) {
			return math.Inf(1)
		}
		sum += q
		if y[j] == 1 && a[j] > -1 {
			v += q * math.Log1p(a[j])
		} else {
			v += xlogx(max(q, 0))
		}
	}
	if !(math.Abs(sum-1) <= domainTol*float64(len(a))) {
		return math.Inf(1)
	}
	return v
}

// DrawGrad is p - y for the one-hot y of a class that is drawn from p.
func (l Logistic) DrawGrad(dst, z []float64, rng *rand.Rand) {
	m, t := tail(z)
	u, class := rng.Float64()*(1+t), m
	for j := range z { // in units of p_m
		if e := math.Exp(z[j] - z[m]); u < e {
			class = j
			break
		} else {
			u -= e
		}
	}
	for j := range z {
		dst[j] = math.Exp(z[j]-z[m]) / (1 + t)
	}
	if class == m {
		dst[m] = -t / (1 + t)
		return
	}
	dst[class]--
}

func (Logistic) Target() Target       { return ClassTarget }
func (Logistic) Curvature() Curvature { return Smooth }

func (Logistic) Sample(rng *rand.Rand, k int) (z, y []float64) {
	z, y = normal(rng, k), make([]float64, k)
	for j := range z {
		z[j] *= 2
	}
	y[rng.IntN(k)] = 1
	return z, y
}
