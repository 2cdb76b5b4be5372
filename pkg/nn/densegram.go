package nn

import (
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// denseRows is what a dense layer holds of its J, whose row for a signal delta of an example
// with inputs a is the matrix delta aᵀ, and delta for the bias. It is never formed: with
// a_i·a_j + 1 in the m x m matrix G = A Aᵀ + 1 (the 1 is the bias),
//
//	K[(i,c),(j,c')] = G_ij (delta_ic·delta_jc')
//	Jᵀ v            = Bᵀ A, and the column sums of B,  b_i = Σ_c v_ic delta_ic
//	J Jᵀ v          = delta_ic·t_i,                    T = G B
type denseRows[T tensor.Float] struct {
	dy tensor.Matrix[T] // signals, row c m + i

	// Work space, made when first needed.
	g       []T  // m x m
	paired  bool // its lower triangle is that of the mini-batch
	whole   bool // and the upper one
	b, t    []T  // m x out
	tangent []T  // of the weights, where G would be more work
	ordered []T  // signals in rows i k + c
	inOrder bool // of the mini-batch
	across  []T  // G of the inputs here and those of another batch
	sums    []T  // out

	// Operands of the loop that is running.
	v, u         tensor.Matrix[T]
	gather, send func(lo, hi int)
	order, unit  func(lo, hi int)

	many *denseMany[T] // for products of several vectors, made when first needed
}

var (
	_ GramOp[float32]    = (*dense[float32])(nil)
	_ ChainedOp[float32] = (*dense[float32])(nil)
)

// pairs reports whether a product T = G B of m x m and m x out is less to do than one with
// the gradient Bᵀ A and one with A, of m x in x out each.
func (o *dense[T]) pairs() bool { return pairsInputs(o.x.Rows, o.in) }

func pairsInputs(m, in int) bool { return m <= 2*in }

// inputs returns G, or its lower triangle alone, made once for each mini-batch, and the
// multiply-adds.
func (o *dense[T]) inputs(whole bool) (g tensor.Matrix[T], adds int64) {
	m := o.x.Rows
	g = tensor.View(m, m, grow(&o.rows.g, m*m))
	if !o.rows.paired {
		one := T(0)
		if o.bias {
			one = 1
		}
		fill(g.Data, one)
		tensor.AddSymmetric(o.pool, o.x, g)
		o.rows.paired, o.rows.whole = true, false
		adds = triangle(m) * int64(o.in)
	}
	if whole && !o.rows.whole {
		tensor.Mirror(o.pool, g)
		o.rows.whole = true
	}
	return g, adds
}

// fill sets all of x to v, by copies of what is there.
func fill[T any](x []T, v T) {
	if len(x) == 0 {
		return
	}
	x[0] = v
	for n := 1; n < len(x); n *= 2 {
		copy(x[n:], x[:n])
	}
}

func (o *dense[T]) forget() { o.rows.paired = false }

// through sets t = G b, both m x out.
func (o *dense[T]) through(t, b tensor.Matrix[T]) (adds int64) {
	if !o.pairs() {
		o.VJP(tensor.Matrix[T]{}, o.gradient(), b)
		o.JVP(t, tensor.Matrix[T]{}, o.gradient())
		return 2 * int64(o.x.Rows) * int64(o.in*o.out)
	}
	g, adds := o.inputs(true)
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, g, b, 0, t)
	return adds + int64(o.x.Rows)*int64(o.x.Rows)*int64(o.out)
}

// gradient returns work space for a tangent of the weights.
func (o *dense[T]) gradient() []T {
	n := o.in * o.out
	if o.bias {
		n += o.out
	}
	return grow(&o.rows.tangent, n)
}

// Tangent sets dY = G B + dX Wᵀ.
func (o *dense[T]) Tangent(dy, dx, b tensor.Matrix[T]) int64 {
	adds := o.through(dy, b)
	if !dx.IsZero() {
		tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, dx, o.w, 1, dy)
	}
	return adds
}

func (o *dense[T]) KeepsSignals() bool { return true }
func (o *dense[T]) Held() bool         { return true }

func (o *dense[T]) Keep(dy tensor.Matrix[T], _ int) int64 {
	o.rows.dy, o.rows.inOrder = dy, false
	if o.rows.gather == nil {
		o.rows.gather, o.rows.send = o.gatherRows, o.sendRows
		o.rows.order = o.orderRows
	}
	return 0
}

// Gram adds G_ij (delta_ic·delta_jc').
func (o *dense[T]) Gram(a tensor.Matrix[T]) int64 {
	dy := o.inOrder() // that of K
	g, adds := o.inputs(false)
	tensor.AddWeighted(o.pool, dy, g, a)
	return adds + triangle(dy.Rows)*int64(o.out)
}

// inOrder returns the signals in rows i k + c: those of an example one behind the other.
func (o *dense[T]) inOrder() tensor.Matrix[T] {
	m, dy := o.x.Rows, o.rows.dy
	if dy.Rows == m {
		return dy
	}
	grow(&o.rows.ordered, dy.Rows*dy.Cols)
	if !o.rows.inOrder {
		o.pool.For(m, max(1, pointwiseGrain/(dy.Rows/m*o.out)), o.rows.order)
		o.rows.inOrder = true
	}
	return tensor.View(dy.Rows, dy.Cols, o.rows.ordered[:dy.Rows*dy.Cols])
}

func (o *dense[T]) orderRows(lo, hi int) {
	m, dy := o.x.Rows, o.rows.dy
	k := dy.Rows / m
	for i := lo; i < hi; i++ {
		for c := range k {
			copy(o.rows.ordered[(i*k+c)*o.out:(i*k+c+1)*o.out], dy.Row(c*m+i))
		}
	}
}

func (o *dense[T]) GramBlocks(b tensor.Matrix[float64]) int64 {
	m, dy := o.x.Rows, o.rows.dy
	k := dy.Rows / m
	for i := range m {
		g := tensor.Dot(nil, o.x.Row(i), o.x.Row(i))
		if o.bias {
			g++
		}
		for c := range k {
			for d := range c + 1 {
				v := g * tensor.Dot(nil, dy.Row(c*m+i), dy.Row(d*m+i))
				b.Row(i*k + c)[d] += v
				if c != d {
					b.Row(i*k + d)[c] += v
				}
			}
		}
	}
	return int64(m) * (int64(o.in) + triangle(k)*int64(o.out))
}

// sum returns B for v.
func (o *dense[T]) sum(v tensor.Matrix[T]) tensor.Matrix[T] {
	m := o.x.Rows
	grow(&o.rows.b, m*o.out)
	o.rows.v = v
	o.pool.For(m, max(1, pointwiseGrain/(o.out*v.Cols)), o.rows.gather)
	o.rows.v = tensor.Matrix[T]{}
	return tensor.View(m, o.out, o.rows.b[:m*o.out])
}

func (o *dense[T]) gatherRows(lo, hi int) {
	m := o.x.Rows
	if o.rows.v.Cols == 1 {
		kernel.ScaleRows(o.rows.b[lo*o.out:hi*o.out], o.rows.dy.Data[lo*o.out:hi*o.out], o.rows.v.Flat()[lo:hi])
		return
	}
	k, b := o.rows.v.Cols, o.rows.b[lo*o.out:hi*o.out]
	clear(b)
	kernel.AddRowsOfEach(hi-lo, b, o.rows.dy.Data[lo*o.out:], m*o.out, o.out, o.rows.v.Flat()[lo*k:hi*k])
}

func (o *dense[T]) Combine(dw []T, v tensor.Matrix[T]) int64 {
	o.VJP(tensor.Matrix[T]{}, dw, o.sum(v))
	return int64(o.rows.dy.Rows)*int64(o.out) + int64(o.x.Rows)*int64(o.in*o.out)
}

func (o *dense[T]) Multiply(u, v tensor.Matrix[T]) int64 {
	adds := o.through(o.room(), o.sum(v)) + int64(o.rows.dy.Rows)*int64(o.out)
	return adds + o.deliver(u)
}

// Project makes T = A dWᵀ + 1 dbᵀ.
func (o *dense[T]) Project(u tensor.Matrix[T], dw []T) int64 {
	o.JVP(o.room(), tensor.Matrix[T]{}, dw)
	return int64(o.x.Rows)*int64(o.in*o.out) + o.deliver(u)
}

// room returns memory for T.
func (o *dense[T]) room() tensor.Matrix[T] {
	return tensor.View(o.x.Rows, o.out, grow(&o.rows.t, o.x.Rows*o.out))
}

// deliver adds delta_ic·t_i to u, m x s, for the T in its room.
func (o *dense[T]) deliver(u tensor.Matrix[T]) int64 {
	o.rows.u = u
	o.pool.For(o.x.Rows, max(1, pointwiseGrain/(o.out*u.Cols)), o.rows.send)
	o.rows.u = tensor.Matrix[T]{}
	return int64(o.rows.dy.Rows) * int64(o.out)
}

func (o *dense[T]) sendRows(lo, hi int) {
	m, k := o.x.Rows, o.rows.u.Cols
	kernel.AddDotsOfEach(hi-lo, o.rows.u.Flat()[lo*k:hi*k], o.rows.dy.Data[lo*o.out:], m*o.out, o.out, o.rows.t[lo*o.out:hi*o.out])
}
