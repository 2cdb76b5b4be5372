package nn

import "github.com/dualgn/dgn/pkg/tensor"

// A ChainedOp is the op of a layer with weights that multiplies by J Jᵀ, with J = df/dw its
// own derivative, without the gradient Jᵀ b in between: a dense layer by the products of
// its inputs (docs/math.md section 5).
type ChainedOp[T tensor.Float] interface {
	// Tangent sets dy = (df/dx) dx + (df/dw)(df/dw)ᵀ b, and returns the multiply-adds of the
	// second term. Where dx is a zero matrix, the input does not move.
	Tangent(dy, dx, b tensor.Matrix[T]) (multiplyAdds int64)
}

// Product sets u = K v, rows x k, layer by layer: v goes back through the network, and in
// each layer with weights becomes a tangent, which goes forward. What [Linearization.Keep]
// has kept of the layers below serves in their place. It returns the multiply-adds.
func (l *Linearization[T]) Product(u, v tensor.Matrix[float64]) (multiplyAdds int64) {
	l.checkOutputs(u)
	l.checkOutputs(v)
	dy, sent := l.ends(), l.sent()
	for r := range l.rows {
		tensor.Convert(sent.Row(r), v.Row(r))
	}
	multiplyAdds = l.chained(dy, sent)
	for _, o := range l.kept {
		multiplyAdds += o.op.Multiply(dy, sent)
	}
	for r := range l.rows {
		tensor.Convert(u.Row(r), dy.Row(r))
	}
	return multiplyAdds
}

// chained sets dy = K v for the v sent, by the layers whose rows are not kept.
func (l *Linearization[T]) chained(dy, sent tensor.Matrix[T]) int64 {
	if l.cut == len(l.tape.ops) {
		clear(dy.Flat())
		return 0
	}
	return l.tape.gather(l.cut, tensor.Matrix[T]{}, sent) + l.tape.tangents(l.cut, dy, tensor.Matrix[T]{})
}

// sent returns work space for a cotangent of the outputs that walks leave as it is.
func (l *Linearization[T]) sent() tensor.Matrix[T] {
	k := l.out.Cols
	return tensor.View(l.rows, k, grow(&l.back, l.rows*k))
}

// gather is nestedOp.gather for the ops from cut on; the others are left out, and so is dx
// if there are any.
func (t *tape[T]) gather(cut int, dx, dy tensor.Matrix[T]) (adds int64) {
	slot := len(t.ops) % 2 // dy may be in the other
	for i := len(t.ops) - 1; i >= cut; i-- {
		o := &t.ops[i]
		r := t.gated(i, cut)
		if r != nil {
			i-- // both are passed
		}
		to := t.backTo(t.space, dx, i, slot, dy.Rows)
		slot = 1 - slot
		if i == cut && cut > 0 {
			to = tensor.Matrix[T]{}
		}
		if i > 0 && !to.IsZero() && t.ops[i-1].weighted() && t.ops[i-1].chained != nil {
			to = t.ops[i-1].cotangent(dy.Rows)
		}
		switch {
		case o.nested != nil:
			adds += o.nested.gather(to, dy)
		case o.weighted() && o.chained == nil:
			if dw := grow(&o.dw, o.hi-o.lo); r != nil {
				r.VJPGated(to, dw, dy)
			} else {
				o.op.VJP(to, dw, dy)
			}
			adds += int64(dy.Rows) * o.weight
		default:
			if o.weighted() {
				if b := o.cotangent(dy.Rows); &b.Data[0] != &dy.Data[0] {
					copy(b.Flat(), dy.Flat())
				}
			}
			switch {
			case to.IsZero():
			case r != nil:
				r.VJPGated(to, nil, dy)
			default:
				o.op.VJP(to, nil, dy)
			}
		}
		if to.IsZero() {
			return adds
		}
		if o.nested == nil {
			adds += int64(dy.Rows) * o.input
		}
		dy = to
	}
	if len(t.ops) == 0 && !dx.IsZero() {
		copy(dx.Flat(), dy.Flat())
	}
	return adds
}

// cotangent returns the memory for what gather brings to a [ChainedOp].
func (o *boundLayer[T]) cotangent(rows int) tensor.Matrix[T] {
	return tensor.View(rows, o.width, grow(&o.b, rows*o.width))
}

// tangents is nestedOp.tangents for the ops from cut on.
func (t *tape[T]) tangents(cut int, dy, dx tensor.Matrix[T]) (adds int64) {
	start := cut
	if dx.IsZero() {
		start = max(cut, t.first) // nothing reaches the ops before
	}
	if start == len(t.ops) {
		clear(dy.Flat())
		copy(dy.Flat(), dx.Flat())
		return 0
	}
	last := len(t.ops) - 1
	for i := start; i <= last; i++ {
		o, to := &t.ops[i], dy
		if i < last {
			to = t.between(t.space, i, dy.Rows)
		}
		switch {
		case o.nested != nil:
			adds += o.nested.tangents(to, dx)
		case o.weighted() && o.chained != nil:
			adds += o.chained.Tangent(to, dx, o.cotangent(dy.Rows))
		case o.weighted():
			o.op.JVP(to, dx, o.dw[:o.hi-o.lo])
			adds += int64(dy.Rows) * o.weight
		default:
			o.op.JVP(to, dx, nil)
		}
		if o.nested == nil && !dx.IsZero() {
			adds += int64(dy.Rows) * o.input
		}
		dx = to
	}
	return adds
}

// grow returns n elements of *buf, which it makes longer if need be.
func grow[T any](buf *[]T, n int) []T {
	if len(*buf) < n {
		*buf = make([]T, n)
	}
	return (*buf)[:n]
}
