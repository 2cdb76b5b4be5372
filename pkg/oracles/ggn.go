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
func (f ggnFactor) mul(dst, s []float64) {
	k := f.at.Cols
	for i := range f.at.Rows {
		f.loss.MulFactorOf(i, dst[i*k:(i+1)*k], s[i*k:(i+1)*k], f.at.Row(i))
	}
}

// mulT sets dst = Lᵀ v, both m k numbers.
func (f ggnFactor) mulT(dst, v []float64) {
	k := f.at.Cols
	for i := range f.at.Rows {
		f.loss.MulFactorTOf(i, dst[i*k:(i+1)*k], v[i*k:(i+1)*k], f.at.Row(i))
	}
}

// mulTOf sets dst = L_iᵀ v for example i, k numbers.
func (f ggnFactor) mulTOf(i int, dst, v []float64) { f.loss.MulFactorTOf(i, dst, v, f.at.Row(i)) }

// hessian sets dst = H u, both m x k; work has room for k numbers.
func (f ggnFactor) hessian(dst, u tensor.Matrix[float64], work []float64) {
	for i := range u.Rows {
		f.loss.MulFactorTOf(i, work, u.Row(i), f.at.Row(i))
		f.loss.MulFactorOf(i, dst.Row(i), work, f.at.Row(i))
	}
}
