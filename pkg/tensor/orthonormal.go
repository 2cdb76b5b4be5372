package tensor

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// An Orthonormal makes orthogonal factors of square matrices, by Householder reflectors in
// blocks: the factorisation of Golub and Van Loan, Matrix Computations, section 5.2.3, of the
// transpose, since rows are adjacent in memory. Its work space serves matrices of any size up to
// that it was made for.
type Orthonormal[T Float] struct {
	n      int
	v      []T // n x n: reflectors, a row each, 0 left of the diagonal
	t      []T // a triangle of each block, one behind the other
	left   []T // n x reflectors: products with a block
	right  []T
	scalar [reflectors]T
}

// reflectors is the number of rows whose reflectors are applied together.
const reflectors = 32

// NewOrthonormal returns one for matrices of up to n x n.
func NewOrthonormal[T Float](n int) *Orthonormal[T] {
	blocks := (n + reflectors - 1) / reflectors
	return &Orthonormal[T]{
		n: n, v: make([]T, n*n), t: make([]T, blocks*reflectors*reflectors),
		left: make([]T, n*reflectors), right: make([]T, n*reflectors),
	}
}

// OrthonormalSpace is the number of values that an Orthonormal keeps.
func OrthonormalSpace(n int) int { return n*n + (n+reflectors)*reflectors + 2*n*reflectors }

// Rows replaces A, n x n, by Q whose rows are orthonormal: the first i of them span what the first
// i rows of A do, where these are independent. A = L Q for a lower triangle L: Qᵀ is the
// orthogonal factor of Aᵀ. It is orthonormal whatever A is, if finite. Returns the multiply-adds:
// 2/3 n³ for the factorisation and as many for Q.
func (o *Orthonormal[T]) Rows(p *Pool, a Matrix[T]) (adds int64) {
	n := a.Rows
	if a.Cols != n || n > o.n {
		panic("tensor: Orthonormal: the shape does not fit")
	}
	v := View(n, n, o.v[:n*n])
	for lo := 0; lo < n; lo += reflectors {
		hi := min(lo+reflectors, n)
		o.reflect(a, v, lo, hi)
		if hi < n {
			o.apply(p, part(a, hi, n, lo, n), v, lo, hi, NoTrans)
		}
	}
	for i := range n {
		clear(a.Row(i))
		a.Row(i)[i] = 1
	}
	for lo := (n - 1) / reflectors * reflectors; lo >= 0; lo -= reflectors {
		hi := min(lo+reflectors, n)
		o.apply(p, part(a, lo, n, lo, n), v, lo, hi, Trans)
	}
	return 4 * int64(n) * int64(n) * int64(n) / 3
}

// triangle is the T of the block that begins at row lo: I - Vᵀ T V is the product of its
// reflectors, with the rows V.
func (o *Orthonormal[T]) triangle(lo, hi int) Matrix[T] {
	at := lo * reflectors
	return Matrix[T]{hi - lo, hi - lo, reflectors, o.t[at : at+reflectors*reflectors]}
}

// reflect makes the reflectors of rows lo to hi-1, and applies each to the rows of the block that
// follow.
func (o *Orthonormal[T]) reflect(a, v Matrix[T], lo, hi int) {
	t := o.triangle(lo, hi)
	for i := lo; i < hi; i++ {
		x, to := a.Row(i), v.Row(i)
		clear(to[:i])
		copy(to[i:], x[i:])
		tau := householder(to[i:])
		for r := i + 1; r < hi; r++ {
			row := a.Row(r)[i:]
			kernel.Axpy(-T(tau*kernel.Dot(row, to[i:])), to[i:], row)
		}
		// Schreiber and Van Loan 1989: column j of T is -tau T V v_j above its diagonal.
		j := i - lo
		column := o.scalar[:j]
		for k := range column {
			column[k] = T(-tau * kernel.Dot(v.Row(lo + k)[i:], to[i:]))
		}
		for k := range j {
			var sum T
			for l := k; l < j; l++ {
				sum += T(t.Row(k)[l] * column[l])
			}
			t.Row(k)[j] = sum
		}
		t.Row(j)[j] = T(tau)
		clear(t.Row(j)[:j])
	}
}

// householder replaces x by v, v_0 = 1, and returns tau such that (I - tau v vᵀ) x is a multiple of
// the first unit vector. Where there is nothing to reflect, tau is 0.
func householder[T Float](x []T) (tau float64) {
	tail := kernel.Dot(x[1:], x[1:])
	first := float64(x[0])
	x[0] = 1
	if tail == 0 {
		return 0
	}
	norm := math.Sqrt(first*first + tail)
	beta := -math.Copysign(norm, first)
	scale := T(1 / (first - beta))
	if math.IsInf(float64(scale), 0) { // x is about 0
		clear(x[1:])
		return 0
	}
	kernel.Scale(scale, x[1:])
	return (beta - first) / beta
}

// apply multiplies the rows of a, columns from lo on, by the reflectors of a block from the right:
// a = a (I - Vᵀ op(T) V).
func (o *Orthonormal[T]) apply(p *Pool, a, v Matrix[T], lo, hi int, op Transpose) {
	b := hi - lo
	rows := part(v, lo, hi, lo, v.Cols)
	left, right := View(a.Rows, b, o.left[:a.Rows*b]), View(a.Rows, b, o.right[:a.Rows*b])
	Gemm(p, NoTrans, Trans, 1, a, rows, 0, left)
	Gemm(p, NoTrans, op, 1, left, o.triangle(lo, hi), 0, right)
	Gemm(p, NoTrans, NoTrans, -1, right, rows, 1, a)
}
