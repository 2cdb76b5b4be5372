package oracles

import "github.com/dualgn/dgn/pkg/tensor"

// A GramOperator is K = J Jᵀ of one mini-batch, the empirical neural tangent kernel
// (docs/math.md section 5): m k x m k, row i k + c for output c of example i. Vectors of m k
// numbers are matrices of m x k. Every method returns what it cost.
type GramOperator interface {
	// Mul sets u = K v.
	Mul(u, v tensor.Matrix[float64]) Counters

	// Form returns K itself. It is made once for each mini-batch: later calls cost
	// nothing. Users may read it only, until the next mini-batch.
	Form() (tensor.Matrix[float64], Counters)

	// Blocks returns the diagonal blocks of K, m k x k: rows i k to i k + k - 1
	// hold that of example i. They are made once for each mini-batch.
	Blocks() (tensor.Matrix[float64], Counters)
}

// A gramForm is a GramOperator that serves one mini-batch after another.
type gramForm[T tensor.Float] interface {
	GramOperator

	// reset makes it the K of another linearized mini-batch.
	reset(j Jacobian[T])
}

// newGram returns K in the form that a solver needs, formed or matrix-free. Solvers do not
// know which they have.
func newGram[T tensor.Float](formed bool, pool *tensor.Pool) gramForm[T] {
	if formed {
		return &formedGram[T]{gramParts: gramParts[T]{pool: pool}}
	}
	return &matrixFreeGram[T]{gramParts: gramParts[T]{pool: pool}}
}

// gramParts is what the forms share: Form and Blocks.
type gramParts[T tensor.Float] struct {
	pool *tensor.Pool
	jac  Jacobian[T]

	formed, blocks       tensor.Matrix[float64] // room is made when first needed
	hasFormed, hasBlocks bool                   // for this mini-batch
	tangent              []T                    // p: Jᵀ v on its way to J Jᵀ v, made when first needed
}

func (g *gramParts[T]) reset(j Jacobian[T]) { g.jac, g.hasFormed, g.hasBlocks = j, false, false }

// throughTangents sets u = J (Jᵀ v): a VJP and a JVP.
func (g *gramParts[T]) throughTangents(u, v tensor.Matrix[float64]) Counters {
	dims := g.jac.Dims()
	if len(g.tangent) < dims.Weights {
		g.tangent = make([]T, dims.Weights)
	}
	t := g.tangent[:dims.Weights]
	g.jac.VJP(t, v)
	g.jac.JVP(u, t)
	return Counters{VJPs: 1, JVPs: 1, MultiplyAdds: dims.VJP + dims.JVP}
}

// resize returns a matrix of rows x cols in the memory of a, or in new memory
// where that is too small.
func resize(a tensor.Matrix[float64], rows, cols int) tensor.Matrix[float64] {
	if cap(a.Data) < rows*cols {
		return tensor.New[float64](rows, cols)
	}
	return tensor.View(rows, cols, a.Data[:rows*cols])
}

func (g *gramParts[T]) Form() (tensor.Matrix[float64], Counters) {
	if g.hasFormed {
		return g.formed, Counters{}
	}
	dims := g.jac.Dims()
	n := dims.Examples * dims.Outputs
	g.formed, g.hasFormed = resize(g.formed, n, n), true
	if j, ok := g.jac.(GramJacobian[T]); ok {
		return g.formed, Counters{VJPs: dims.Outputs, MultiplyAdds: j.Gram(g.formed)}
	}
	return g.formed, g.columns(func(i, c int, column tensor.Matrix[float64]) {
		for row, v := range column.Flat() {
			g.formed.Row(row)[i*dims.Outputs+c] = v
		}
	})
}

func (g *gramParts[T]) Blocks() (tensor.Matrix[float64], Counters) {
	if g.hasBlocks {
		return g.blocks, Counters{}
	}
	dims := g.jac.Dims()
	g.blocks, g.hasBlocks = resize(g.blocks, dims.Examples*dims.Outputs, dims.Outputs), true
	if j, ok := g.jac.(GramJacobian[T]); ok {
		return g.blocks, Counters{VJPs: dims.Outputs, MultiplyAdds: j.GramBlocks(g.blocks)}
	}
	return g.blocks, g.columns(func(i, c int, column tensor.Matrix[float64]) {
		for row, v := range column.Row(i) {
			g.blocks.Row(i*dims.Outputs + row)[c] = v
		}
	})
}

// columns calls use with every column K e_ic, m x k, made by a product each: for a
// Jacobian that is no [GramJacobian].
func (g *gramParts[T]) columns(use func(i, c int, column tensor.Matrix[float64])) (counters Counters) {
	dims := g.jac.Dims()
	unit, column := tensor.New[float64](dims.Examples, dims.Outputs), tensor.New[float64](dims.Examples, dims.Outputs)
	for i := range dims.Examples {
		for c := range dims.Outputs {
			unit.Set(i, c, 1)
			counters.Add(g.throughTangents(column, unit))
			unit.Set(i, c, 0)
			use(i, c, column)
		}
	}
	return counters
}

// matrixFreeGram multiplies by K as J (Jᵀ v), through the whole model.
type matrixFreeGram[T tensor.Float] struct{ gramParts[T] }

func (g *matrixFreeGram[T]) Mul(u, v tensor.Matrix[float64]) Counters { return g.throughTangents(u, v) }

// formedGram multiplies by K itself, which the first product makes.
type formedGram[T tensor.Float] struct{ gramParts[T] }

func (g *formedGram[T]) Mul(u, v tensor.Matrix[float64]) Counters {
	k, counters := g.Form()
	tensor.Gemv(g.pool, k, v.Flat(), u.Flat())
	counters.GramProducts++
	counters.MultiplyAdds += int64(k.Rows) * int64(k.Rows)
	return counters
}
