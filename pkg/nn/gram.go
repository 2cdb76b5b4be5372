package nn

import "github.com/dualgn/dgn/pkg/tensor"

// A GramOp is the op of a layer with weights. With J the derivative of the
// network's outputs with respect to these weights, it adds J Jᵀ, or its
// diagonal blocks, to a matrix.
//
// The signals dy are the derivatives of the outputs with respect to the
// layer's own: k matrices of m rows below each other, row c m + i for output c
// of example i. The op refers to them during the call only. Both methods
// return the multiply-adds they took.
type GramOp[T tensor.Float] interface {
	// Gram adds to all of a, (m k) x (m k), row i k + c for output c of example i.
	Gram(a tensor.Matrix[float64], dy tensor.Matrix[T]) int64

	// GramBlocks adds the k x k block of each example to b, (m k) x k.
	GramBlocks(b tensor.Matrix[float64], dy tensor.Matrix[T]) int64
}

// Gram sets a = K = J Jᵀ, (m k) x (m k), row i k + c for output c of example
// i, from k back-propagations and a closed form for each layer (docs/math.md
// section 5). It returns the multiply-adds.
func (l *Linearization[T]) Gram(a tensor.Matrix[float64]) int64 {
	mk := l.rows * l.out.Cols
	if a.Rows != mk || a.Cols != mk {
		panic("nn: Gram: the matrix has the wrong shape")
	}
	return l.gram(a, GramOp[T].Gram)
}

// GramBlocks sets b, (m k) x k, to the diagonal blocks of K: rows i k to
// i k + k - 1 hold that of example i. It returns the multiply-adds.
func (l *Linearization[T]) GramBlocks(b tensor.Matrix[float64]) int64 {
	if b.Rows != l.rows*l.out.Cols || b.Cols != l.out.Cols {
		panic("nn: GramBlocks: the matrix has the wrong shape")
	}
	return l.gram(b, GramOp[T].GramBlocks)
}

// gram sends the signals of all outputs back, and adds up what layers say of them.
func (l *Linearization[T]) gram(dst tensor.Matrix[float64], add func(GramOp[T], tensor.Matrix[float64], tensor.Matrix[T]) int64) int64 {
	m, k := l.rows, l.out.Cols
	for i := range dst.Rows {
		clear(dst.Row(i))
	}
	unit := l.Signals(k) // signal c of every example is row c of the identity
	for c := range k {
		for i := range m {
			unit.Set(c*m+i, c, 1)
		}
	}
	l.sum = gramSum[T]{add: add, dst: dst}
	walk := l.Backprop(unit, &l.sum)
	adds := walk + l.sum.adds
	l.sum = gramSum[T]{} // which would keep dst alive
	return adds
}

// A gramSum adds what each layer contributes to K, or to its blocks.
type gramSum[T tensor.Float] struct {
	add  func(GramOp[T], tensor.Matrix[float64], tensor.Matrix[T]) int64
	dst  tensor.Matrix[float64]
	adds int64
}

func (g *gramSum[T]) Visit(l Visited[T]) { g.adds += g.add(l.Op.(GramOp[T]), g.dst, l.Signals) }

// An Explicit is what an op needs to be a [GramOp] if its own Jacobian is small enough to
// be formed, as those of scales and norms are. The op writes its Jacobian for the signals,
// a row c m + i for output c of example i, to what Rows returns, and leaves the sums to
// Gram and GramBlocks. Its layer is [GramSized], by [ExplicitValues].
type Explicit[T tensor.Float] struct {
	pool       *tensor.Pool
	jac, pairs []T
}

// NewExplicit returns an Explicit that works on a pool. It takes memory when first used.
func NewExplicit[T tensor.Float](pool *tensor.Pool) *Explicit[T] { return &Explicit[T]{pool: pool} }

// Rows returns room for a Jacobian, valid until the next call. It is not cleared.
func (e *Explicit[T]) Rows(rows, cols int) tensor.Matrix[T] {
	if len(e.jac) < rows*cols {
		e.jac = make([]T, rows*cols)
	}
	return tensor.View(rows, cols, e.jac[:rows*cols])
}

// Gram adds jac jacᵀ to a for m examples, and returns the multiply-adds. Pairs of outputs c <= d take an m x m
// product each, and the rest is symmetry.
func (e *Explicit[T]) Gram(a tensor.Matrix[float64], jac tensor.Matrix[T], m int) int64 {
	if len(e.pairs) < m*m {
		e.pairs = make([]T, m*m)
	}
	k, pairs := jac.Rows/m, tensor.View(m, m, e.pairs[:m*m])
	for c := range k {
		for d := c; d < k; d++ {
			tensor.Gemm(e.pool, tensor.NoTrans, tensor.Trans, 1, jac.RowRange(c*m, (c+1)*m), jac.RowRange(d*m, (d+1)*m), 0, pairs)
			for i := range m {
				for j, v := range pairs.Row(i) {
					a.Row(i*k + c)[j*k+d] += float64(v)
					if c != d {
						a.Row(j*k + d)[i*k+c] += float64(v)
					}
				}
			}
		}
	}
	return int64(m*m*k*(k+1)/2) * int64(jac.Cols)
}

// GramBlocks adds the diagonal blocks of jac jacᵀ to b, and returns the multiply-adds.
func (e *Explicit[T]) GramBlocks(b tensor.Matrix[float64], jac tensor.Matrix[T], m int) int64 {
	k := jac.Rows / m
	for i := range m {
		for c := range k {
			for d := range c + 1 {
				v := tensor.Dot(nil, jac.Row(c*m+i), jac.Row(d*m+i))
				b.Row(i*k + c)[d] += v
				if c != d {
					b.Row(i*k + d)[c] += v
				}
			}
		}
	}
	return int64(m*k*(k+1)/2) * int64(jac.Cols)
}
