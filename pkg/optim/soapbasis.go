package optim

import (
	"time"

	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A basis is Qᵀ, an eigenvector in each row, of a matrix whose lower triangle is the mean.
type basis[T tensor.Float] struct {
	n       int // 0: there is none
	mean, q []T
}

// begin makes the means of a block and the bases of their eigenvectors.
func (o *soap[T]) begin(b *soapBlock[T]) {
	o.addSquares(b)
	for _, e := range []*basis[T]{&b.left, &b.right} {
		if e.n == 0 {
			continue
		}
		began := time.Now()
		if !eigenBasis(o.eigen, e) {
			o.report.fall(FallbackStale)
		}
		// Golub and Van Loan, section 8.3: 9 n³ operations, half of them multiplications.
		n := int64(e.n)
		o.report.Factorisations.Since(began, 9*n*n*n/2)
	}
}

// project returns Q_Lᵀ X Q_R, or back, Q_L X Q_Rᵀ, in work space that the next call overwrites.
func (o *soap[T]) project(b *soapBlock[T], x []T, back bool) []T {
	began := time.Now()
	n := b.Len()
	var adds int64
	forth, other := tensor.NoTrans, tensor.Trans
	if back {
		forth, other = tensor.Trans, tensor.NoTrans
	}
	if b.left.n > 0 {
		tensor.Gemm(o.pool, forth, tensor.NoTrans, 1, b.left.matrix(), tensor.View(b.rows, b.cols, x), 0, tensor.View(b.rows, b.cols, o.x[:n]))
		x = o.x[:n]
		adds += int64(b.rows) * int64(n)
	}
	if b.right.n > 0 {
		tensor.Gemm(o.pool, tensor.NoTrans, other, 1, tensor.View(b.rows, b.cols, x), b.right.matrix(), 0, tensor.View(b.rows, b.cols, o.y[:n]))
		x = o.y[:n]
		adds += int64(b.cols) * int64(n)
	}
	o.report.Products.Since(began, adds)
	return x
}

func (e *basis[T]) matrix() tensor.Matrix[T] { return tensor.View(e.n, e.n, e.q) }

// addSquares takes the direction into the means.
func (o *soap[T]) addSquares(b *soapBlock[T]) {
	began := time.Now()
	var adds int64
	beta := T(o.ShampooBeta)
	square := func(e *basis[T], g tensor.Matrix[T]) {
		tensor.LowerProduct(o.pool, 1-beta, g, g, beta, tensor.View(e.n, e.n, e.mean))
		adds += int64(e.n) * int64(e.n+1) / 2 * int64(g.Cols)
	}
	if b.left.n > 0 {
		square(&b.left, tensor.View(b.rows, b.cols, o.d))
	}
	if b.right.n > 0 {
		kernel.Transpose(o.z, b.rows, o.d, b.cols, b.rows, b.cols)
		square(&b.right, tensor.View(b.cols, b.rows, o.z[:b.Len()]))
	}
	o.report.Products.Since(began, adds)
}

// turn brings the bases of a block up to date, and M' and V with them.
func (o *soap[T]) turn(b *soapBlock[T]) {
	n := b.Len()
	m, v := o.m[b.Offset:b.Offset+n], o.v[b.Offset:b.Offset+n]
	whole := o.project(b, m, true)
	copy(o.g, whole)
	began := time.Now()
	var adds int64
	for side, e := range []*basis[T]{&b.left, &b.right} {
		if e.n == 0 {
			continue
		}
		order, took, ok := o.iterate(e)
		adds += took
		if !ok {
			o.report.fall(FallbackStale)
			continue
		}
		old := o.z[:n]
		copy(old, v)
		to, from := tensor.View(b.rows, b.cols, v), tensor.View(b.rows, b.cols, old)
		for i := range b.rows {
			if side == 0 {
				copy(to.Row(i), from.Row(order[i]))
				continue
			}
			for j := range b.cols {
				to.Row(i)[j] = from.Row(i)[order[j]]
			}
		}
	}
	o.report.Factorisations.Since(began, adds)
	copy(m, o.project(b, o.g[:n], false))
}

// iterate replaces Q by the orthogonal factor of L Q, with columns in the order of falling estimates
// of eigenvalues, which it returns. Where L is not finite, Q stays.
func (o *soap[T]) iterate(e *basis[T]) (order []int, adds int64, ok bool) {
	n := e.n
	mean, q := tensor.View(n, n, e.mean), e.matrix()
	product, sorted := tensor.View(n, n, o.a[:n*n]), tensor.View(n, n, o.b[:n*n])
	tensor.Mirror(o.pool, mean)
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, q, mean, 0, product) // (L Q)ᵀ
	adds = int64(n) * int64(n) * int64(n)
	if !finite[T](tensor.Dot(o.pool, product.Flat(), product.Flat())) {
		return nil, adds, false
	}
	order = o.eigen.order[:n]
	values := o.eigen.values[:n]
	for i := range n {
		order[i], values[i] = i, kernel.Dot(q.Row(i), product.Row(i))
	}
	o.eigen.sort(order)
	for i, from := range order {
		copy(sorted.Row(i), product.Row(from))
	}
	adds += o.factor.Rows(o.pool, sorted)
	copy(e.q, sorted.Flat())
	return order, adds, true
}
