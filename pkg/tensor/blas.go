package tensor

import (
	"github.com/dualgn/dgn/pkg/tensor/kernel"
	"gonum.org/v1/gonum/blas"
)

// BLAS has the matrix products under gonum's signatures (blas.Float64Level3 and
// blas.Float32Level3), on the calling goroutine. Its products are exact
// replacements but for rounding: with alpha = 0 the operands are not looked at,
// with beta = 0 C is overwritten whatever it holds.
type BLAS struct{}

// Dgemm sets C = alpha op(A) op(B) + beta C. Arguments that do not fit panic.
func (BLAS) Dgemm(ta, tb blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	blasGemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// Sgemm is Dgemm in float32.
func (BLAS) Sgemm(ta, tb blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	blasGemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

func blasGemm[T Float](ta, tb blas.Transpose, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	if m < 0 || n < 0 || k < 0 {
		panic("tensor: gemm: a negative size")
	}
	transA, transB := transposed(ta), transposed(tb)
	shape := func(trans bool, rows, cols, ld int, data []T) Matrix[T] {
		if trans {
			rows, cols = cols, rows
		}
		if ld < max(1, cols) {
			panic("tensor: gemm: a row length below the number of columns")
		}
		return Matrix[T]{rows, cols, ld, data}
	}
	x, y, z := shape(transA, m, k, lda, a), shape(transB, k, n, ldb, b), shape(false, m, n, ldc, c)
	if m == 0 || n == 0 {
		return
	}
	x.check()
	y.check()
	z.check()
	if m*n*k <= tiny {
		gemmTiny(Transpose(transA), Transpose(transB), alpha, &x, &y, beta, &z, k)
		return
	}
	kernel.Product(&kernel.Scratch[T]{}, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

func transposed(t blas.Transpose) bool {
	switch t {
	case blas.NoTrans:
		return false
	case blas.Trans, blas.ConjTrans:
		return true
	}
	panic("tensor: gemm: not a transposition")
}
