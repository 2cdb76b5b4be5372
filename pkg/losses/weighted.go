package losses

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// Weighted are the losses omega_i loss of the examples of a mini-batch, with
// weights omega_i >= 0. The weight multiplies the gradient and the Hessian, whose
// factor becomes √omega_i L, and the conjugate of a is omega_i loss*(a/omega_i).
// A weight of 0 leaves the function 0, whose conjugate is 0 at a = 0 alone.
type Weighted struct {
	Loss
	Omega []float64 // of each example; nil: all 1
}

// Mean returns (1/m) Σ omega_i loss(z_i), added up from the first row to the last.
// The weights are not normalised.
func (w Weighted) Mean(z, y tensor.Matrix[float64]) float64 {
	if b, ok := w.Loss.(Batched); ok {
		return b.Total(z, y, w.Omega) / float64(z.Rows)
	}
	var s float64
	for i := range z.Rows {
		s += w.ValueOf(i, z.Row(i), y.Row(i))
	}
	return s / float64(z.Rows)
}

// Grads sets row i of dst to the gradient for example i, for all rows of z.
func (w Weighted) Grads(dst, z, y tensor.Matrix[float64]) {
	b, ok := w.Loss.(Batched)
	if !ok {
		for i := range z.Rows {
			w.GradOf(i, dst.Row(i), z.Row(i), y.Row(i))
		}
		return
	}
	b.Grads(dst, z, y)
	if w.Omega != nil {
		for i := range z.Rows {
			tensor.Scale(nil, w.Omega[i], dst.Row(i))
		}
	}
}

// ValueOf returns the value for example i.
func (w Weighted) ValueOf(i int, z, y []float64) float64 {
	return scaled(w.Value(z, y), w.Omega, i)
}

// GradOf writes the gradient for example i to dst.
func (w Weighted) GradOf(i int, dst, z, y []float64) {
	w.Grad(dst, z, y)
	if w.Omega != nil {
		tensor.Scale(nil, w.Omega[i], dst)
	}
}

// MulFactorOf sets dst = √omega_i L s, with the numbers c that GGNFactor keeps of the
// loss without its weight.
func (w Weighted) MulFactorOf(i int, dst, s, c []float64) {
	w.MulFactor(dst, s, c)
	if w.Omega != nil {
		tensor.Scale(nil, math.Sqrt(w.Omega[i]), dst)
	}
}

// MulFactorTOf sets dst = √omega_i Lᵀ v.
func (w Weighted) MulFactorTOf(i int, dst, v, c []float64) {
	w.MulFactorT(dst, v, c)
	if w.Omega != nil {
		tensor.Scale(nil, math.Sqrt(w.Omega[i]), dst)
	}
}

// MulFactors sets dst = L s for all examples: m k numbers each, and row i of c, m x k, what
// GGNFactor keeps of example i. The weights are included.
func (w Weighted) MulFactors(dst, s []float64, c tensor.Matrix[float64]) {
	at, n := c.Flat(), w.together(c)
	for lo := 0; lo < len(at); lo += n {
		w.MulFactor(dst[lo:lo+n], s[lo:lo+n], at[lo:lo+n])
	}
	w.weighFactors(dst, c.Cols)
}

// MulFactorsT sets dst = Lᵀ v for all examples.
func (w Weighted) MulFactorsT(dst, v []float64, c tensor.Matrix[float64]) {
	at, n := c.Flat(), w.together(c)
	for lo := 0; lo < len(at); lo += n {
		w.MulFactorT(dst[lo:lo+n], v[lo:lo+n], at[lo:lo+n])
	}
	w.weighFactors(dst, c.Cols)
}

// together is how many numbers one call multiplies by their factor: the outputs of an example, or,
// of a [Separable] loss, all. With few outputs a call costs more than what it computes.
func (w Weighted) together(c tensor.Matrix[float64]) int {
	if _, ok := w.Loss.(Separable); ok {
		return c.Rows * c.Cols
	}
	return c.Cols
}

// weighFactors multiplies the k numbers of every example by √omega_i.
func (w Weighted) weighFactors(dst []float64, k int) {
	for i, omega := range w.Omega {
		root := math.Sqrt(omega)
		for j := i * k; j < (i+1)*k; j++ {
			dst[j] *= root
		}
	}
}

// ConjOf returns the conjugate for example i at a, with work space of the length
// of a.
func (w Weighted) ConjOf(i int, a, y, work []float64) float64 {
	if w.Omega == nil {
		return w.Conj(a, y)
	}
	omega := w.Omega[i]
	if omega == 0 {
		for _, v := range a {
			if v != 0 {
				return math.Inf(1)
			}
		}
		return 0
	}
	for j, v := range a {
		work[j] = v / omega
	}
	return omega * w.Conj(work, y)
}

// WeightedProxConj returns the a that minimises omega loss*(a/omega) + kappa a²/2 - w a
// for one output with target y. It is omega b for the b that minimises
// loss*(b) + (kappa omega) b²/2 - w b.
func WeightedProxConj(l BoxDual, omega, kappa, w, y float64) float64 {
	if omega == 0 {
		return 0
	}
	return omega * l.ProxConj(kappa*omega, w, y)
}
