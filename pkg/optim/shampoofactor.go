package optim

import (
	"math"
	"time"

	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A factor is L or R of a block: matrices whose lower triangle is valid, or diagonals.
type factor[T tensor.Float] struct {
	n         int
	full      bool
	sum, root []T
}

// identity makes the root that of a block whose factors have never been inverted.
func (f *factor[T]) identity() {
	if !f.full {
		for i := range f.root {
			f.root[i] = 1
		}
		return
	}
	clear(f.root)
	for i := range f.n {
		f.root[i*f.n+i] = 1
	}
}

// addSquares brings the factors up to date.
func (o *shampoo[T]) addSquares(b *shampooBlock[T]) {
	began := time.Now()
	var adds int64
	g := tensor.View(b.rows, b.cols, o.g[:b.Len()])
	for i := range b.factors {
		f := &b.factors[i]
		if i == 1 {
			kernel.Transpose(o.gt, b.rows, o.g, b.cols, b.rows, b.cols)
			g = tensor.View(b.cols, b.rows, o.gt[:b.Len()])
		}
		adds += f.add(o.pool, T(o.Beta), g)
	}
	o.report.Products.Since(began, adds)
}

// add adds G Gᵀ to the sum, or takes it into the mean.
func (f *factor[T]) add(pool *tensor.Pool, beta T, g tensor.Matrix[T]) (adds int64) {
	rest := 1 - beta
	if beta == 1 {
		rest = 1
	}
	if f.full {
		tensor.LowerProduct(pool, rest, g, g, beta, tensor.View(f.n, f.n, f.sum))
		return int64(f.n) * int64(f.n+1) / 2 * int64(g.Cols)
	}
	for i := range f.sum {
		f.sum[i] = T(beta*f.sum[i]) + T(rest*T(kernel.Dot(g.Row(i), g.Row(i))))
	}
	return int64(f.n) * int64(g.Cols)
}

// jitters are what is added to the diagonal of a factor that has no inverse root, in rounding errors
// of the precision times the trace.
var jitters = [...]float64{0, 4, 256, 16384}

// invert makes (F + epsilon I)^(-1/p) of a factor.
func (o *shampoo[T]) invert(f *factor[T], p int) {
	began := time.Now()
	if !f.full {
		for i, v := range f.sum {
			if x := T(math.Pow(float64(v)+o.Epsilon, -1/float64(p))); finite[T](float64(x)) && v >= 0 {
				f.root[i] = x
			} else {
				o.report.fall(FallbackStale)
			}
		}
		o.report.Factorisations.Since(began, 0)
		return
	}
	a := tensor.View(f.n, f.n, o.a[:f.n*f.n])
	trace, rounding := 0.0, 0x1p-52
	if kernel.SizeOf[T]() == 4 {
		rounding = 0x1p-23
	}
	for i := range f.n {
		trace += float64(f.sum[i*f.n+i])
	}
	var adds int64
	for try, jitter := range jitters {
		for i := range f.n {
			row := a.Row(i)[:i+1]
			for j, v := range f.sum[i*f.n:][:i+1] {
				row[j] = float64(v)
			}
			row[i] += o.Epsilon + jitter*rounding*trace
		}
		tensor.Mirror(o.pool, a)
		took, ok := o.newton.Root(o.pool, a, p)
		adds += took
		if ok {
			if try > 0 {
				o.report.fall(FallbackJitter)
			}
			tensor.Convert(f.root, a.Data)
			o.report.Factorisations.Since(began, adds)
			return
		}
	}
	o.report.fall(FallbackStale)
	o.report.Factorisations.Since(began, adds)
}

// precondition sets p2 to the gradient times the roots of its factors.
func (o *shampoo[T]) precondition(b *shampooBlock[T]) {
	began := time.Now()
	n := b.Len()
	var adds int64
	from, to := o.g[:n], o.p2[:n]
	f := &b.factors[0]
	switch {
	case !f.full:
		kernel.ScaleRows(to, from, f.root)
		adds += int64(n)
	case b.cols == 1:
		clear(to)
		tensor.AddProducts(o.pool, tensor.View(f.n, f.n, f.root), from, to)
		adds += int64(n) * int64(n)
	default:
		tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, tensor.View(f.n, f.n, f.root), tensor.View(b.rows, b.cols, from), 0, tensor.View(b.rows, b.cols, to))
		adds += int64(f.n) * int64(n)
	}
	if len(b.factors) > 1 {
		f = &b.factors[1]
		x := tensor.View(b.rows, b.cols, to)
		if f.full {
			y := tensor.View(b.rows, b.cols, o.p1[:n])
			tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, x, tensor.View(f.n, f.n, f.root), 0, y)
			o.p1, o.p2 = o.p2, o.p1
			adds += int64(f.n) * int64(n)
		} else {
			for i := range x.Rows {
				kernel.Multiply(x.Row(i), f.root, x.Row(i))
			}
			adds += int64(n)
		}
	}
	o.report.Products.Since(began, adds)
}
