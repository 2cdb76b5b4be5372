package oracles

import (
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A rowSpace is q = Jᵀ g of a mini-batch beside V, of n s x p, the rows J_iᵀ sigma_ic of n
// examples: see [nn.RowSpace], which it is for networks. Any other model has rowsByProducts.
type rowSpace[T tensor.Float] interface {
	Select(index []int) (multiplyAdds int64)
	take(j Jacobian[T])
	Blocks() int
	Send(g, sigma tensor.Matrix[float64], scale []float64) (multiplyAdds int64)
	Gram(b int, a tensor.Matrix[T]) (multiplyAdds int64)
	Cross(b int, u tensor.Matrix[T]) (multiplyAdds int64)
	Project(b int, u tensor.Matrix[T], d []T) (multiplyAdds int64)
	Step(b int, d []T, c T, y tensor.Matrix[T]) (multiplyAdds int64)
}

// A rowModel tells what a rowSpace of its own takes.
type rowModel interface {
	// RowMemory returns the bytes that rows of s signals of n examples add to a linearization of
	// m examples, where a number takes so many bytes.
	RowMemory(m, n, s, value int) int
}

// A rowJacobian has a rowSpace of its own.
type rowJacobian[T tensor.Float] interface {
	NewRowSpace(n int) *nn.RowSpace[T]
}

// newRowSpace returns that of a model on at most m examples, for rows of at most n examples and s
// signals each.
func newRowSpace[T tensor.Float](j Jacobian[T], m, n, s int) rowSpace[T] {
	if own, ok := j.(rowJacobian[T]); ok {
		return networkRows[T]{own.NewRowSpace(n)}
	}
	dims := j.Dims()
	return &rowsByProducts[T]{
		grad: j, v: tensor.New[T](n*s, dims.Weights), q: make([]T, dims.Weights), sum: make([]T, dims.Weights),
		one: tensor.New[float64](m, dims.Outputs),
	}
}

type networkRows[T tensor.Float] struct{ *nn.RowSpace[T] }

func (r networkRows[T]) take(j Jacobian[T]) { r.Take(j.(*nn.Linearization[T])) }

// rowsByProducts makes V by a VJP for each row. All weights are one block.
type rowsByProducts[T tensor.Float] struct {
	grad, rows Jacobian[T]
	index      []int // of the examples of rows; nil: its first ones
	v          tensor.Matrix[T]
	q, sum     []T
	one        tensor.Matrix[float64]

	count int // rows of V
}

func (r *rowsByProducts[T]) Select(index []int) int64 {
	r.rows, r.index = r.grad, index
	return 0
}

func (r *rowsByProducts[T]) take(j Jacobian[T]) { r.rows, r.index = j, nil }

func (r *rowsByProducts[T]) Blocks() int { return 1 }

func (r *rowsByProducts[T]) Send(g, sigma tensor.Matrix[float64], scale []float64) int64 {
	r.grad.VJP(r.q, g)
	adds := r.grad.Dims().VJP
	dims := r.rows.Dims()
	n := dims.Examples
	if r.index != nil {
		n = len(r.index)
	}
	s := max(1, sigma.Rows/n)
	r.count = n * s
	one := r.one.RowRange(0, dims.Examples)
	for i := range n {
		at := i
		if r.index != nil {
			at = r.index[i]
		}
		for c := range s {
			to := one.Row(at)
			switch {
			case !sigma.IsZero():
				copy(to, sigma.Row(c*n+i))
			default:
				copy(to, g.Row(at))
				if scale != nil {
					tensor.Scale(nil, scale[i], to)
				}
			}
			r.rows.VJP(r.v.Row(i*s+c), one)
			adds += dims.VJP
			clear(to)
		}
	}
	return adds
}

func (r *rowsByProducts[T]) held() tensor.Matrix[T] { return r.v.RowRange(0, r.count) }

func (r *rowsByProducts[T]) Gram(_ int, a tensor.Matrix[T]) int64 {
	tensor.AddSymmetric(nil, r.held(), a)
	return int64(r.count) * int64(r.count+1) / 2 * int64(r.v.Cols)
}

func (r *rowsByProducts[T]) Cross(b int, u tensor.Matrix[T]) int64 { return r.Project(b, u, r.q) }

func (r *rowsByProducts[T]) Project(_ int, u tensor.Matrix[T], d []T) int64 {
	tensor.AddProducts(nil, r.held(), d, u.Flat())
	return int64(r.count) * int64(r.v.Cols)
}

func (r *rowsByProducts[T]) Step(_ int, d []T, c T, y tensor.Matrix[T]) int64 {
	tensor.Combine(nil, r.held(), y.Flat(), r.sum)
	copy(d, r.q)
	tensor.Axpy(nil, 1, r.sum, d)
	tensor.Scale(nil, c, d)
	return int64(r.count) * int64(r.v.Cols)
}
