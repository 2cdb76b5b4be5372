package oracles

import (
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A gram is K = J Jᵀ of the mini-batch at hand, m k x m k.
type gram struct {
	m, k   int
	mul    func(u, v tensor.Matrix[float64]) // u = K v
	form   func() tensor.Matrix[float64]     // K itself
	blocks func() tensor.Matrix[float64]     // the k x k block of each example, one below the other
	count  func(multiplyAdds int64)
	pool   *tensor.Pool
}

// A System is A x = b with A = I + c Lᵀ K L, positive definite. H = L Lᵀ is the
// Hessian of the losses, example by example.
type System struct {
	*gram
	loss    losses.Weighted
	factors tensor.Matrix[float64] // m x k, of L
	c       float64

	v, u tensor.Matrix[float64] // L x and K L x of the last Mul
	kx   tensor.Matrix[float64] // K L x of the iterate, for a [NewtonSolver]

	// accept is told b·x, and says whether x may be returned.
	accept func(bx float64) bool
}

// Mul sets dst = Lᵀ K L x.
func (s *System) Mul(dst, x []float64) {
	for i := range s.m {
		s.loss.SqrtMulOf(i, s.v.Row(i), x[i*s.k:(i+1)*s.k], s.factors.Row(i))
	}
	s.mul(s.u, s.v)
	s.transposed(dst, s.u)
}

// transposed sets dst = Lᵀ u.
func (s *System) transposed(dst []float64, u tensor.Matrix[float64]) {
	for i := range s.m {
		s.loss.SqrtMulTOf(i, dst[i*s.k:(i+1)*s.k], u.Row(i), s.factors.Row(i))
	}
}

// advance says that the iterate moved by a times the last x multiplied.
func (s *System) advance(a float64) { tensor.Axpy(nil, a, s.u.Flat(), s.kx.Flat()) }

// matrix sets dst = A, formed.
func (s *System) matrix(dst tensor.Matrix[float64]) {
	gram := s.form()
	k := s.k
	for row := range dst.Rows { // K L, a row of which is Lᵀ applied to a row of K
		from, to := gram.Row(row), dst.Row(row)
		for i := range s.m {
			s.loss.SqrtMulTOf(i, to[i*k:(i+1)*k], from[i*k:(i+1)*k], s.factors.Row(i))
		}
	}
	column, out := s.v.Flat()[:k], s.u.Flat()[:k]
	for i := range s.m { // Lᵀ (K L), k rows at a time
		for j := range dst.Cols {
			for a := range k {
				column[a] = dst.Data[(i*k+a)*dst.Stride+j]
			}
			s.loss.SqrtMulTOf(i, out, column, s.factors.Row(i))
			for a := range k {
				dst.Data[(i*k+a)*dst.Stride+j] = s.c * out[a]
			}
		}
	}
	for i := range dst.Rows {
		dst.Data[i*dst.Stride+i]++
	}
}

// A PrimalSystem is A d = b with A = (1/m) Jᵀ H J + I/gamma, positive definite.
type PrimalSystem[T tensor.Float] struct {
	mul func(dst, v []T)       // dst = A v
	u   tensor.Matrix[float64] // J v of the last mul
	jx  tensor.Matrix[float64] // J x of the iterate
}

func (s *PrimalSystem[T]) advance(a float64) { tensor.Axpy(nil, a, s.u.Flat(), s.jx.Flat()) }
