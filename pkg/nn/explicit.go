package nn

import "github.com/dualgn/dgn/pkg/tensor"

// An Explicit makes an op a [GramOp] whose own Jacobian is small enough to be formed, as
// those of scales and norms are. The op embeds it and adds Keep, which asks for room by
// Rows, and writes what signal r says about the weights to the row that Row returns.
type Explicit[T tensor.Float] struct {
	on   *tensor.Pool
	room []T
	jac  tensor.Matrix[T] // row i s + c for signal c of example i
	sum  []T              // Jᵀ v, behind it
	m    int
}

// NewExplicit returns an Explicit that works on a pool. It takes memory when first used.
func NewExplicit[T tensor.Float](pool *tensor.Pool) *Explicit[T] { return &Explicit[T]{on: pool} }

// Rows makes room for a Jacobian of so many columns, for signals of m examples, as many
// rows as those have. It is not cleared.
func (e *Explicit[T]) Rows(dy tensor.Matrix[T], m, cols int) {
	n := dy.Rows * cols
	room := grow(&e.room, n+cols)
	e.m, e.jac, e.sum = m, tensor.View(dy.Rows, cols, room[:n]), room[n:]
}

// Row returns the row of the Jacobian for row r of the signals: c m + i for signal c of
// example i.
func (e *Explicit[T]) Row(r int) []T { return e.jac.Row(r%e.m*(e.jac.Rows/e.m) + r/e.m) }

func (e *Explicit[T]) KeepsSignals() bool { return false }
func (e *Explicit[T]) Held() bool         { return true }

// Gram adds the lower triangle of jac jacᵀ.
func (e *Explicit[T]) Gram(a tensor.Matrix[T]) int64 {
	tensor.AddSymmetric(e.on, e.jac, a)
	return triangle(e.jac.Rows) * int64(e.jac.Cols)
}

// triangle is the number of elements of an n x n matrix on and below its diagonal.
func triangle(n int) int64 { return int64(n) * int64(n+1) / 2 }

// GramBlocks adds the diagonal blocks of jac jacᵀ.
func (e *Explicit[T]) GramBlocks(b tensor.Matrix[float64]) int64 {
	addBlocks(b, e.jac, e.m)
	return int64(e.m) * triangle(e.jac.Rows/e.m) * int64(e.jac.Cols)
}

// addBlocks adds the diagonal blocks of jac jacᵀ to b, for m examples whose rows are next to
// each other.
func addBlocks[T tensor.Float](b tensor.Matrix[float64], jac tensor.Matrix[T], m int) {
	s := jac.Rows / m
	for i := range m {
		for c := range s {
			for d := range c + 1 {
				v := tensor.Dot(nil, jac.Row(i*s+c), jac.Row(i*s+d))
				b.Row(i*s + c)[d] += v
				if c != d {
					b.Row(i*s + d)[c] += v
				}
			}
		}
	}
}

// Combine sets dw = jacᵀ v.
func (e *Explicit[T]) Combine(dw []T, v tensor.Matrix[T]) int64 {
	tensor.Combine(e.on, e.jac, v.Flat(), dw)
	return int64(e.jac.Rows) * int64(e.jac.Cols)
}

// Project adds jac dw.
func (e *Explicit[T]) Project(u tensor.Matrix[T], dw []T) int64 {
	tensor.AddProducts(e.on, e.jac, dw, u.Flat())
	return int64(e.jac.Rows) * int64(e.jac.Cols)
}

// Multiply adds jac jacᵀ v.
func (e *Explicit[T]) Multiply(u, v tensor.Matrix[T]) int64 {
	adds := e.Combine(e.sum, v)
	return adds + e.Project(u, e.sum)
}
