package oracles

import (
	"time"

	"github.com/dualgn/dgn/pkg/tensor"
)

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

// A Gram is a GramOperator that serves one mini-batch after another.
type Gram[T tensor.Float] interface {
	GramOperator

	// Reset makes it the K of another linearized mini-batch.
	Reset(j Jacobian[T])

	// Combine sets d = Jᵀ alpha: a VJP, or from what the products have made of J.
	Combine(d []T, alpha tensor.Matrix[float64]) Counters
}

// NewGram returns K in a form, which is not [AutoForm].
func NewGram[T tensor.Float](form Form, pool *tensor.Pool) Gram[T] {
	return newGram[T](form, false, false, pool)
}

// newGram returns K in a form, needed if a solver works on K itself, blocks if it asks for the
// diagonal blocks. Of a Jacobian that is no [GramJacobian] it is formed by products, a column
// each, and multiplied by through tangents.
func newGram[T tensor.Float](form Form, needed, blocks bool, pool *tensor.Pool) Gram[T] {
	parts := gramParts[T]{pool: pool}
	switch form {
	case Formed:
		return &formedGram[T]{gramParts: parts, exact: needed}
	case Chained, Explicit:
		return &structuredGram[T]{gramParts: parts, keep: form == Explicit, asked: blocks}
	}
	return &matrixFreeGram[T]{parts}
}

// gramParts is what the forms share: Form and Blocks.
type gramParts[T tensor.Float] struct {
	pool *tensor.Pool
	jac  Jacobian[T]
	able GramJacobian[T] // jac, if it is one

	full         tensor.Matrix[T]       // K; room is made when first needed
	wide, blocks tensor.Matrix[float64] // K in float64, its blocks

	hasFull, hasWide, hasBlocks bool // for this mini-batch

	tangent []T // p: Jᵀ v on its way to J Jᵀ v, made when first needed

	passes time.Duration // over the numbers of a formed K in float64, since takePasses
}

// takePasses returns how long passes over a formed K took since the last call: to make it one of
// float64, and to multiply by it, which is as fast as memory is.
func (g *gramParts[T]) takePasses() time.Duration {
	d := g.passes
	g.passes = 0
	return d
}

func (g *gramParts[T]) Reset(j Jacobian[T]) {
	g.jac, g.hasFull, g.hasWide, g.hasBlocks = j, false, false, false
	if g.able, _ = j.(GramJacobian[T]); g.able != nil {
		g.able.Forget()
	}
}

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

func (g *gramParts[T]) Combine(d []T, alpha tensor.Matrix[float64]) Counters {
	if g.able != nil {
		return Counters{VJPs: 1, MultiplyAdds: g.able.Combine(d, alpha)}
	}
	g.jac.VJP(d, alpha)
	return Counters{VJPs: 1, MultiplyAdds: g.jac.Dims().VJP}
}

// resize returns a matrix of rows x cols in the memory of a, or in new memory
// where that is too small.
func resize[T tensor.Float](a tensor.Matrix[T], rows, cols int) tensor.Matrix[T] {
	if cap(a.Data) < rows*cols {
		return tensor.New[T](rows, cols)
	}
	return tensor.View(rows, cols, a.Data[:rows*cols])
}

// form makes K in precision T.
func (g *gramParts[T]) form() Counters {
	if g.hasFull {
		return Counters{}
	}
	dims := g.jac.Dims()
	n := dims.Examples * dims.Outputs
	g.full, g.hasFull = resize(g.full, n, n), true
	if g.able != nil {
		return Counters{VJPs: dims.Outputs, MultiplyAdds: g.able.Gram(g.full)}
	}
	return g.columns(func(i, c int, column tensor.Matrix[float64]) {
		for row, v := range column.Flat() {
			g.full.Row(row)[i*dims.Outputs+c] = T(v)
		}
	})
}

func (g *gramParts[T]) Form() (tensor.Matrix[float64], Counters) {
	if g.hasWide {
		return g.wide, Counters{}
	}
	counters := g.form()
	g.hasWide = true
	if same, ok := any(g.full).(tensor.Matrix[float64]); ok {
		g.wide = same
		return g.wide, counters
	}
	g.wide = resize(g.wide, g.full.Rows, g.full.Cols)
	if narrow, ok := any(g.full.Flat()).([]float32); ok {
		began := time.Now()
		tensor.Widen(g.pool, g.wide.Flat(), narrow)
		g.passes += time.Since(began)
	}
	return g.wide, counters
}

func (g *gramParts[T]) Blocks() (tensor.Matrix[float64], Counters) {
	if g.hasBlocks {
		return g.blocks, Counters{}
	}
	dims := g.jac.Dims()
	g.blocks, g.hasBlocks = resize(g.blocks, dims.Examples*dims.Outputs, dims.Outputs), true
	if g.hasFull { // they are there
		for r := range g.blocks.Rows {
			tensor.Convert(g.blocks.Row(r), g.full.Row(r)[r/dims.Outputs*dims.Outputs:][:dims.Outputs])
		}
		return g.blocks, Counters{}
	}
	if g.able != nil {
		return g.blocks, Counters{VJPs: dims.Outputs, MultiplyAdds: g.able.GramBlocks(g.blocks)}
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

func (g *matrixFreeGram[T]) Combine(d []T, alpha tensor.Matrix[float64]) Counters {
	g.jac.VJP(d, alpha)
	return Counters{VJPs: 1, MultiplyAdds: g.jac.Dims().VJP}
}

// structuredGram multiplies by K layer by layer, with rows of J kept where that is less work,
// if it may.
type structuredGram[T tensor.Float] struct {
	gramParts[T]
	keep  bool
	asked bool // for the diagonal blocks, which are made in the walk that keeps rows
	kept  bool // for this mini-batch
}

func (g *structuredGram[T]) Reset(j Jacobian[T]) {
	g.gramParts.Reset(j)
	g.kept = false
}

func (g *structuredGram[T]) Mul(u, v tensor.Matrix[float64]) (counters Counters) {
	if g.able == nil {
		return g.throughTangents(u, v)
	}
	counters = g.prepare()
	counters.GramProducts++
	counters.MultiplyAdds += g.able.Product(u, v)
	return counters
}

// mulRows multiplies through the layers, or through rows that are kept, by all vectors together.
func (g *structuredGram[T]) mulRows(u, v tensor.Matrix[float64]) (Counters, bool) {
	many, ok := g.able.(interface {
		Products(u, v tensor.Matrix[float64]) (multiplyAdds int64)
	})
	if !ok {
		return Counters{}, false
	}
	counters := g.prepare()
	counters.GramProducts += v.Rows
	counters.MultiplyAdds += many.Products(u, v)
	return counters, true
}

// prepare keeps rows, if it may and they are not there.
func (g *structuredGram[T]) prepare() (counters Counters) {
	if !g.keep || g.kept {
		return counters
	}
	g.kept = true
	var blocks tensor.Matrix[float64]
	dims := g.jac.Dims()
	if g.asked && !g.hasBlocks {
		g.blocks, g.hasBlocks = resize(g.blocks, dims.Examples*dims.Outputs, dims.Outputs), true
		blocks = g.blocks
	}
	if walked, adds := g.able.Keep(blocks); walked {
		counters = Counters{VJPs: dims.Outputs, MultiplyAdds: adds}
	}
	return counters
}

func (g *structuredGram[T]) Blocks() (tensor.Matrix[float64], Counters) {
	if g.able == nil || g.hasBlocks || !g.keep || !g.asked {
		g.kept = g.kept && (g.hasBlocks || g.hasFull)
		return g.gramParts.Blocks()
	}
	counters := g.prepare()
	return g.blocks, counters
}

// Form goes over all layers, which forget what they kept.

func (g *structuredGram[T]) Form() (tensor.Matrix[float64], Counters) {
	g.kept = g.kept && g.hasFull
	return g.gramParts.Form()
}

// formedGram multiplies by K itself, which the first product makes: in precision T, or in
// float64 for solvers that work on K in float64 too, so that they find their residuals.
type formedGram[T tensor.Float] struct {
	gramParts[T]
	exact bool
	v, kv []T // of vectors and their products in precision T, see narrow
}

func (g *formedGram[T]) Mul(u, v tensor.Matrix[float64]) Counters {
	var counters Counters
	if g.exact {
		k, c := g.Form()
		counters = c
		began := time.Now()
		tensor.Gemv(g.pool, k, v.Flat(), u.Flat())
		g.passes += time.Since(began)
	} else {
		counters = g.form()
		one, product := g.narrow(1)
		x, y := one.Data, product.Data
		tensor.Convert(x, v.Flat())
		clear(y)
		tensor.AddProducts(g.pool, g.full, x, y)
		tensor.Convert(u.Flat(), y)
	}
	n := int64(g.full.Rows)
	counters.GramProducts++
	counters.MultiplyAdds += n * n
	return counters
}

// mulRows is one product of matrices.
func (g *formedGram[T]) mulRows(u, v tensor.Matrix[float64]) (counters Counters, done bool) {
	if _, wide := any(g.full).(tensor.Matrix[float64]); wide || g.exact {
		k, c := g.Form()
		tensor.Gemm(g.pool, tensor.NoTrans, tensor.NoTrans, 1, v, k, 0, u)
		counters = c
	} else {
		counters = g.form()
		x, y := g.narrow(v.Rows)
		for i := range v.Rows {
			tensor.Convert(x.Row(i), v.Row(i))
		}
		tensor.Gemm(g.pool, tensor.NoTrans, tensor.NoTrans, 1, x, g.full, 0, y)
		for i := range u.Rows {
			tensor.Convert(u.Row(i), y.Row(i))
		}
	}
	counters.Add(rowProducts(v.Rows, g.full.Rows))
	return counters, true
}

// narrow returns room for so many vectors and their products in precision T.
func (g *formedGram[T]) narrow(vectors int) (v, kv tensor.Matrix[T]) {
	n := g.full.Rows
	if len(g.v) < vectors*n {
		g.v, g.kv = make([]T, vectors*n), make([]T, vectors*n)
	}
	return tensor.View(vectors, n, g.v[:vectors*n]), tensor.View(vectors, n, g.kv[:vectors*n])
}

// rowProducts is what products of so many vectors with K of n rows cost.
func rowProducts(vectors, n int) Counters {
	return Counters{GramProducts: vectors, MultiplyAdds: int64(vectors) * int64(n) * int64(n)}
}
