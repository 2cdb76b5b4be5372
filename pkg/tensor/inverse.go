package tensor

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// inverseBlock is the number of rows of U⁻¹ that are made at a time: products skip what is 0 in
// blocks of so many.
const inverseBlock = 128

// LowerGram sets the lower triangle of C, n x n for A of n columns, to that of alpha Aᵀ A + beta C:
// half the multiply-adds of the product. With beta = 0, C is overwritten whatever it holds. What it
// leaves above the diagonal is worthless, see [Mirror].
func LowerGram[T Float](p *Pool, alpha T, a Matrix[T], beta T, c Matrix[T]) {
	n := a.Cols
	if c.Rows != n || c.Cols != n {
		panic("tensor: LowerGram: the shapes do not fit")
	}
	for lo := 0; lo < n; lo += symmetricRows {
		hi := min(lo+symmetricRows, n)
		gemmPart(p, kernel.Lower, lo, Trans, NoTrans, alpha, part(a, 0, a.Rows, lo, hi), part(a, 0, a.Rows, 0, hi), beta, part(c, lo, hi, 0, hi))
	}
}

// An Inverse makes inverses of symmetric positive definite matrices of up to n x n from their
// Cholesky factors: A = Uᵀ U, V = U⁻¹ from the last rows to the first,
//
//	V_II = U_II⁻¹,  V_IJ = -V_II Σ_K U_IK V_KJ,  I < K <= J,
//
// and A⁻¹ = V Vᵀ. Each of the three takes n³/6 multiply-adds.
type Inverse struct {
	n    int
	v    []float64 // V
	work []float64 // a block of it
}

// NewInverse returns one for matrices of up to n x n.
func NewInverse(n int) *Inverse {
	return &Inverse{n, make([]float64, n*n), make([]float64, min(n, inverseBlock)*min(n, inverseBlock))}
}

// InverseSpace is the number of values that an Inverse keeps.
func InverseSpace(n int) int {
	return size.Sum(size.Product(n, n), size.Product(min(n, inverseBlock), min(n, inverseBlock)))
}

// Invert replaces a symmetric A, whose upper triangle it reads, by A⁻¹, and returns the
// multiply-adds it took. It is not ok if A is not positive definite, to the precision of
// float64, or not finite; then A is spoilt.
func (s *Inverse) Invert(p *Pool, a Matrix[float64]) (adds int64, ok bool) {
	n := a.Rows
	if a.Cols != n || n > s.n {
		panic("tensor: Inverse: the shape does not fit")
	}
	cube := int64(n) * int64(n) * int64(n)
	if !Cholesky(p, a) {
		return cube / 6, false
	}
	v := View(n, n, s.v[:n*n])
	clear(v.Data)
	for lo := (n - 1) / inverseBlock * inverseBlock; lo >= 0; lo -= inverseBlock {
		hi := min(lo+inverseBlock, n)
		invertTriangle(part(a, lo, hi, lo, hi), part(v, lo, hi, lo, hi))
		for from := hi; from < n; from += inverseBlock {
			to := min(from+inverseBlock, n)
			sum := View(hi-lo, to-from, s.work[:(hi-lo)*(to-from)])
			Gemm(p, NoTrans, NoTrans, 1, part(a, lo, hi, hi, to), part(v, hi, to, from, to), 0, sum)
			Gemm(p, NoTrans, NoTrans, -1, part(v, lo, hi, lo, hi), sum, 0, part(v, lo, hi, from, to))
		}
	}
	for lo := 0; lo < n; lo += inverseBlock {
		hi := min(lo+inverseBlock, n)
		gemmPart(p, kernel.Lower, lo, NoTrans, Trans, 1, part(v, lo, hi, lo, n), part(v, 0, hi, lo, n), 0, part(a, lo, hi, 0, hi))
	}
	Mirror(p, a)
	for i := range n {
		if x := a.Row(i)[i]; !(x-x == 0) { // of a pivot that is nearly 0
			return cube / 2, false
		}
	}
	return cube / 2, true
}

// invertTriangle sets v, which is 0, to the inverse of an upper triangle u, row by row from the last.
func invertTriangle(u, v Matrix[float64]) {
	n := u.Rows
	for i := n - 1; i >= 0; i-- {
		row, diagonal := v.Row(i), u.Row(i)[i]
		if i+1 < n {
			kernel.AddRows(row[i+1:], v.Data[(i+1)*v.Stride+i+1:], v.Stride, u.Row(i)[i+1:n])
		}
		kernel.Scale(-1/diagonal, row[i+1:])
		row[i] = 1 / diagonal
	}
}
