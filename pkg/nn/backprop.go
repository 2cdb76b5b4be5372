package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

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
		var ends slots
		ends.reserveSignals(&l.net.chain, 0)
		l.signals, l.room = newWorkspace[T](ends, s*l.m), s
	}
	dy := l.signals.matrix(0, 0, s*l.rows, l.out.Cols)
	clear(dy.Flat())
	return dy
}

// Backprop sends signals, s m x k with row r m + i for signal r of example i, back
// through the network, and shows v each layer with weights. The signals are in work space
// from [Linearization.Signals], which the walk overwrites. No gradient of weights is made.
// Backprop returns the multiply-adds of the walk, without what the visitor does.
func (l *Linearization[T]) Backprop(signals tensor.Matrix[T], v Visitor[T]) int64 {
	if signals.Rows == 0 || signals.Rows%l.rows != 0 || signals.Cols != l.out.Cols {
		panic("nn: Backprop: the signals have the wrong shape")
	}
	return l.backprop(signals, walk[T]{visitor: v, looks: size.Max})
}

// backprop is Backprop as w says.
func (l *Linearization[T]) backprop(signals tensor.Matrix[T], w walk[T]) int64 {
	w.rows, w.space, w.values = l.rows, l.signals, l.runs
	l.walk = w
	return l.tape.backprop(&l.walk, 0, tensor.Matrix[T]{}, signals)
}

// A walk is one Backprop: what stays the same while signals go from layer to layer.
type walk[T tensor.Float] struct {
	visitor Visitor[T]
	rows    int           // examples in the batch
	space   *workspace[T] // for all signals
	looks   int           // the visitor is shown ops whose weights begin below this
	keeps   int           // ops whose weights begin below this may refer to their signals later
	units   bool          // the signals are the rows of the identity, one for each output
	values  int           // runValues, but in tests
}

// home returns the memory of its own for so many rows of signals of an op that keeps them,
// a zero matrix for others.
func (o *boundLayer[T]) home(w *walk[T], offset, rows int) tensor.Matrix[T] {
	if !o.weighted() || offset+o.lo >= w.keeps || !o.op.(GramOp[T]).KeepsSignals() {
		return tensor.Matrix[T]{}
	}
	return tensor.View(rows, o.width, grow(&o.kept, rows*o.width))
}

// settle returns the signals dy of an op where they stay: in its home, if it has one.
func (o *boundLayer[T]) settle(w *walk[T], offset int, dy tensor.Matrix[T]) tensor.Matrix[T] {
	home := o.home(w, offset, dy.Rows)
	if home.IsZero() || &home.Data[0] == &dy.Data[0] {
		return dy
	}
	copy(home.Flat(), dy.Flat())
	return home
}

// An alike op takes signals back the same way whatever the example, any number at a time.
type alike interface{ alike() }

// A nestedOp is the op of a composite layer.
type nestedOp[T tensor.Float] interface {
	// backprop shows the layers inside to the visitor, and takes the signals dy
	// back to dx unless that is a zero matrix. The layer's weights start at offset.
	backprop(w *walk[T], offset int, dx, dy tensor.Matrix[T]) (multiplyAdds int64)

	// gather takes the cotangent dy back to dx as VJP does, and leaves in the layers inside
	// what tangents then makes of it; see [ChainedOp].
	gather(dx, dy tensor.Matrix[T]) (multiplyAdds int64)

	// tangents sets dy = (df/dx) dx + (df/dw)(df/dw)ᵀ b for the b of the last gather.
	tangents(dy, dx tensor.Matrix[T]) (multiplyAdds int64)
}

// runValues is how many values of signals go through a run of ops at a time, unless one
// signal of all examples has more, so that they are in the cache from one op to the next.
const runValues = 1 << 16

// backprop is nestedOp.backprop for a chain whose weights start at offset.
func (t *tape[T]) backprop(w *walk[T], offset int, dx, dy tensor.Matrix[T]) (adds int64) {
	slot := 0           // where dy is, at depth 0
	var above *dense[T] // the last layer, if dy is what its unit signals become behind the relu before it, or would be
	for i := len(t.ops) - 1; i >= 0; {
		o := &t.ops[i]
		slot = 1 - slot
		if o.nested != nil {
			to := t.signalsTo(w, offset, dx, i, slot, dy.Rows)
			adds += o.nested.backprop(w, offset+o.lo, to, dy)
			if to.IsZero() {
				return adds
			}
			above, dy = nil, to
			i--
			continue
		}
		dy = o.settle(w, offset, dy)
		if o.hi > o.lo && offset+o.lo < w.looks {
			w.visitor.Visit(Visited[T]{Op: o.op, Lo: offset + o.lo, Hi: offset + o.hi, Inputs: o.x, Signals: dy})
		}
		last := t.runFrom(i)
		to := t.signalsTo(w, offset, dx, last, slot, dy.Rows)
		if to.IsZero() {
			return adds
		}
		top := t.gathering(w, i, last)
		switch {
		case above.passes(t, i):
			o.op.(*dense[T]).vjpUnitsOf(above, to, i > last)
		case top.passes(t, last-1) && offset+t.ops[last-1].lo >= w.looks:
			// Op last-1 makes the signals below it of W and the gates, and no visitor sees those here: they are not made.
		case top != nil:
			top.vjpUnits(to)
		default:
			t.run(w, i, last, to, dy)
		}
		for j := last; j <= i; j++ {
			adds += int64(dy.Rows) * t.ops[j].input
		}
		above, dy, i = top, to, last-1
	}
	if len(t.ops) == 0 && !dx.IsZero() {
		copy(dx.Flat(), dy.Flat())
	}
	return adds
}

// signalsTo returns where the signals go that op i takes back: to dx for the first, to the
// home of the op before if it has one, or to a slot; and nowhere if neither dx nor weights
// before are to be served.
func (t *tape[T]) signalsTo(w *walk[T], offset int, dx tensor.Matrix[T], i, slot, rows int) tensor.Matrix[T] {
	if i == 0 || dx.IsZero() && i <= t.first {
		return dx
	}
	if home := t.ops[i-1].home(w, offset, rows); !home.IsZero() {
		return home
	}
	return w.space.matrix(t.depth, slot, rows, t.ops[i-1].width)
}

// runFrom returns the lowest op of the run that begins with op i: that one and the ops without weights below it.
func (t *tape[T]) runFrom(i int) int {
	for i > 0 && t.ops[i-1].nested == nil && t.ops[i-1].hi == t.ops[i-1].lo {
		i--
	}
	return i
}

// run takes signals back through ops from i down to last, some at a time.
func (t *tape[T]) run(w *walk[T], i, last int, to, dy tensor.Matrix[T]) {
	widest := to.Cols
	for j := last; j <= i; j++ {
		widest = max(widest, t.ops[j].width)
	}
	step := max(1, w.values/(w.rows*widest)) * w.rows
	if i == last { // nothing is passed on
		step = dy.Rows
	}
	for lo := 0; lo < dy.Rows; lo += step {
		from := dy.RowRange(lo, min(lo+step, dy.Rows))
		for j := i; j >= last; j-- {
			o, r := &t.ops[j], t.gated(j, last)
			if r != nil {
				j-- // both are passed
			}
			next := to.RowRange(lo, lo+from.Rows)
			if j > last {
				width := t.ops[j-1].width
				next = tensor.View(from.Rows, width, grow(&w.space.run[j%2], from.Rows*width))
			}
			if r != nil {
				r.VJPGated(next, nil, from)
				from = next
				continue
			}
			rows := w.rows
			if _, same := o.op.(alike); same {
				rows = from.Rows
			}
			for r := 0; r < from.Rows; r += rows {
				o.op.VJP(next.RowRange(r, r+rows), nil, from.RowRange(r, r+rows))
			}
			from = next
		}
	}
}
