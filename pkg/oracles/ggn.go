package oracles

import (
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A ggnFactor is the factor L of the losses' Hessians H = L Lᵀ at some outputs, a k x k
// block for each example. The generalized Gauss-Newton matrix is (1/m) Jᵀ L Lᵀ J.
type ggnFactor struct {
	loss losses.Weighted
	at   tensor.Matrix[float64] // m x k: what the loss keeps of the outputs
}

// set makes it the factor at outputs z with targets y, both m x k.
func (f ggnFactor) set(z, y tensor.Matrix[float64]) {
	for i := range z.Rows {
		f.loss.GGNFactor(f.at.Row(i), z.Row(i), y.Row(i))
	}
}

// mul sets dst = L s, both m k numbers.
func (f ggnFactor) mul(dst, s []float64) { f.loss.MulFactors(dst, s, f.at) }

// mulT sets dst = Lᵀ v, both m k numbers.
func (f ggnFactor) mulT(dst, v []float64) { f.loss.MulFactorsT(dst, v, f.at) }

// mulTOf sets dst = L_iᵀ v for example i, k numbers.
func (f ggnFactor) mulTOf(i int, dst, v []float64) { f.loss.MulFactorTOf(i, dst, v, f.at.Row(i)) }

// diagonal reports whether L is, so that Lᵀ v is v times Lᵀ 1, number by number.
func (f ggnFactor) diagonal() bool {
	_, separable := f.loss.Loss.(losses.Separable)
	return separable || f.at.Cols == 1
}

// transposed sets l, m k x k, to the blocks of Lᵀ below each other; e and column have room for k
// numbers.
func (f ggnFactor) transposed(l tensor.Matrix[float64], e, column []float64) {
	k := f.at.Cols
	e, column = e[:k], column[:k]
	clear(e)
	for i := range f.at.Rows {
		for b := range k {
			e[b] = 1
			f.mulTOf(i, column, e)
			e[b] = 0
			for a, v := range column {
				l.Data[(i*k+a)*l.Stride+b] = v
			}
		}
	}
}

// hessian sets dst = H u, both m x k; work has room for k numbers.
func (f ggnFactor) hessian(dst, u tensor.Matrix[float64], work []float64) {
	for i := range u.Rows {
		f.loss.MulFactorTOf(i, work, u.Row(i), f.at.Row(i))
		f.loss.MulFactorOf(i, dst.Row(i), work, f.at.Row(i))
	}
}
