package nn

import "github.com/dualgn/dgn/pkg/tensor"

// jacobianLength bounds the values of the Jacobian of a layer that making K holds at a
// time, unless one filter needs more.
const jacobianLength = 1 << 22

// convJacobian is what a convolution holds of its J. With the patches a_i (P x q) of example i
// and its signal delta_ic (o x P) for output c, the gradient of the output is
// J_ic = delta_ic a_i (o x q), and for the bias the row sums of delta_ic. All filters have
// their columns formed if there is room for them, or some at a time.
type convJacobian[T tensor.Float] struct {
	dy      tensor.Matrix[T] // signals, row c m + i
	filters int              // that are held: all, or as many as there is room for

	weight, bias []T // room for J of these filters, row i k + c
	sums         []T // Jᵀ v
}

var _ GramOp[float32] = (*conv[float32])(nil)

// columns is the number of weights of some filters.
func (o *conv[T]) columns(filters int) int {
	n := filters * o.op.Taps()
	if o.bias {
		n += filters
	}
	return n
}

func (o *conv[T]) KeepsSignals() bool { return false }
func (o *conv[T]) Held() bool         { return o.rows.filters == o.op.Out.C }

// Keep forms J, unless it is larger than the room: then Gram and GramBlocks do so for some
// filters after others.
func (o *conv[T]) Keep(dy tensor.Matrix[T], room int) int64 {
	o.rows.dy = dy
	o.rows.filters = heldFilters(o.op.Out.C, dy.Rows*o.columns(1), room)
	if !o.Held() {
		return 0
	}
	o.form(0, o.op.Out.C)
	return int64(dy.Rows) * o.op.MultiplyAdds()
}

// heldFilters is the number of filters, of so many values each, that are held in a room: the
// whole, or at least one.
func heldFilters(filters, values, room int) int { return min(filters, max(1, room/max(1, values))) }

// form makes the columns of filters lo to hi-1.
func (o *conv[T]) form(lo, hi int) (weight, bias tensor.Matrix[T]) {
	n, q := o.rows.dy.Rows, o.op.Taps()
	grow(&o.rows.weight, n*o.rows.filters*q)
	if o.bias {
		grow(&o.rows.bias, n*o.rows.filters)
	}
	weight, bias = o.held(hi - lo)
	o.op.Gradients(o.x, o.rows.dy, lo, hi, weight, bias)
	return weight, bias
}

// held returns J of so many filters as form left it.
func (o *conv[T]) held(filters int) (weight, bias tensor.Matrix[T]) {
	n, q := o.rows.dy.Rows, o.op.Taps()
	weight = tensor.View(n, filters*q, o.rows.weight[:n*filters*q])
	if o.bias {
		bias = tensor.View(n, filters, o.rows.bias[:n*filters])
	}
	return weight, bias
}

// each calls use with J of all filters, some at a time, and returns the multiply-adds of
// forming it, if it was not held.
func (o *conv[T]) each(use func(jac tensor.Matrix[T])) (adds int64) {
	for lo := 0; lo < o.op.Out.C; lo += o.rows.filters {
		hi := min(lo+o.rows.filters, o.op.Out.C)
		weight, bias := tensor.Matrix[T]{}, tensor.Matrix[T]{}
		if o.Held() {
			weight, bias = o.held(hi)
		} else {
			weight, bias = o.form(lo, hi)
			adds += int64(o.rows.dy.Rows) * o.op.MultiplyAdds() / int64(o.op.Out.C) * int64(hi-lo)
		}
		use(weight)
		if o.bias {
			use(bias)
		}
	}
	return adds
}

func (o *conv[T]) Gram(a tensor.Matrix[T]) int64 {
	adds := o.each(func(jac tensor.Matrix[T]) { tensor.AddSymmetric(o.pool, jac, a) })
	return adds + triangle(o.rows.dy.Rows)*int64(o.columns(o.op.Out.C))
}

func (o *conv[T]) GramBlocks(b tensor.Matrix[float64]) int64 {
	m := o.x.Rows
	k := o.rows.dy.Rows / m
	adds := o.each(func(jac tensor.Matrix[T]) { addBlocks(b, jac, m) })
	return adds + int64(m)*triangle(k)*int64(o.columns(o.op.Out.C))
}

func (o *conv[T]) Combine(dw []T, v tensor.Matrix[T]) int64 {
	weight, bias := o.held(o.op.Out.C)
	tensor.Combine(o.pool, weight, v.Flat(), dw[:weight.Cols])
	if o.bias {
		tensor.Combine(o.pool, bias, v.Flat(), dw[weight.Cols:])
	}
	return int64(o.rows.dy.Rows) * int64(o.columns(o.op.Out.C))
}

func (o *conv[T]) Project(u tensor.Matrix[T], dw []T) int64 {
	weight, bias := o.held(o.op.Out.C)
	tensor.AddProducts(o.pool, weight, dw[:weight.Cols], u.Flat())
	if o.bias {
		tensor.AddProducts(o.pool, bias, dw[weight.Cols:], u.Flat())
	}
	return int64(o.rows.dy.Rows) * int64(o.columns(o.op.Out.C))
}

func (o *conv[T]) Multiply(u, v tensor.Matrix[T]) int64 {
	sums := grow(&o.rows.sums, o.columns(o.op.Out.C))
	adds := o.Combine(sums, v)
	return adds + o.Project(u, sums)
}
