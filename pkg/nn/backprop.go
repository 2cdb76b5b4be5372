package nn

import "github.com/dualgn/dgn/pkg/tensor"

// A Visitor is shown the layers with weights, the last first, while signals go back
// through a network (see [Linearization.Backprop]). The Gram matrix K and its blocks are
// sums over these layers, and are made by one.
type Visitor[T tensor.Float] interface {
	Visit(l Visited[T])
}

// Visited is a layer with weights that signals have reached. Its matrices are
// valid during the visit only.
type Visited[T tensor.Float] struct {
	Op     Op[T] // linearized at the mini-batch
	Lo, Hi int   // its weights in the flat vector

	Inputs tensor.Matrix[T] // m x in: what the layer got of each example

	// Signals are s m x out, row r m + i for signal r of example i. It is Aᵀ v for
	// the signal v that was sent, of k numbers, and A, k x out, the derivative of f_i
	// in the layer's output.
	Signals tensor.Matrix[T]
}

// Signals returns work space for s signals for each example of the batch, s m x k,
// all 0. It is valid until the next call.
func (l *Linearization[T]) Signals(s int) tensor.Matrix[T] {
	if s > l.room {
		l.signals, l.room = newWorkspace[T](l.slots, s*l.m), s
	}
	dy := l.tape.between(l.signals, len(l.tape.ops)-1, s*l.rows)
	clear(dy.Flat())
	return dy
}

// Backprop sends signals, s m x k with row r m + i for signal r of example i, back
// through the network, and shows v each layer with weights. The signals are in work space
// from [Linearization.Signals], which the walk overwrites. No gradient of weights is made. Backprop returns the
// multiply-adds of the walk, without what the visitor does.
func (l *Linearization[T]) Backprop(signals tensor.Matrix[T], v Visitor[T]) int64 {
	if signals.Rows == 0 || signals.Rows%l.rows != 0 || signals.Cols != l.out.Cols {
		panic("nn: Backprop: the signals have the wrong shape")
	}
	l.walk = walk[T]{visitor: v, rows: l.rows, space: l.signals}
	return l.tape.backprop(&l.walk, 0, tensor.Matrix[T]{}, signals)
}

// A walk is one Backprop: what stays the same while signals go from layer to layer.
type walk[T tensor.Float] struct {
	visitor Visitor[T]
	rows    int           // examples in the batch
	space   *workspace[T] // for all signals
}

// A nestedOp is the op of a composite layer.
type nestedOp[T tensor.Float] interface {
	// backprop shows the layers inside to the visitor, and takes the signals dy
	// back to dx unless that is a zero matrix. The layer's weights start at offset.
	backprop(w *walk[T], offset int, dx, dy tensor.Matrix[T]) (multiplyAdds int64)
}

// backprop is nestedOp.backprop for a chain whose weights start at offset.
func (t *tape[T]) backprop(w *walk[T], offset int, dx, dy tensor.Matrix[T]) (adds int64) {
	for i := len(t.ops) - 1; i >= 0; i-- {
		o, to := &t.ops[i], t.backTo(w.space, dx, i, dy.Rows)
		if o.nested != nil {
			adds += o.nested.backprop(w, offset+o.lo, to, dy)
		} else {
			if o.hi > o.lo {
				w.visitor.Visit(Visited[T]{Op: o.op, Lo: offset + o.lo, Hi: offset + o.hi, Inputs: o.x, Signals: dy})
			}
			if !to.IsZero() {
				for lo := 0; lo < dy.Rows; lo += w.rows {
					o.op.VJP(to.RowRange(lo, lo+w.rows), nil, dy.RowRange(lo, lo+w.rows))
				}
				adds += int64(dy.Rows) * o.input
			}
		}
		if to.IsZero() {
			return adds
		}
		dy = to
	}
	if len(t.ops) == 0 && !dx.IsZero() {
		copy(dx.Flat(), dy.Flat())
	}
	return adds
}
