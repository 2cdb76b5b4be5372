package nn

import "github.com/dualgn/dgn/pkg/tensor"

// A tape is a chain bound to a largest batch. It keeps the values between
// layers, and takes tangents forward and cotangents back through the chain.
type tape[T tensor.Float] struct {
	ops   []boundLayer[T] // of layers that change values
	first int             // the first op with weights, len(ops) if there is none
	space *workspace[T]
	depth int // of nesting
}

type boundLayer[T tensor.Float] struct {
	op        Op[T]
	nested    nestedOp[T]           // the op, of a composite layer
	chained   ChainedOp[T]          // the op, if it is one
	forgetful interface{ forget() } // the op, if it makes something of a mini-batch once
	rectifier rectifierOp[T]        // the op, of a rectifier
	joined    bool                  // with a relu behind it, whose output it makes
	relu      *relu[T]              // the op, if it is one
	sees      exampleOp[T]          // the op, if it sees the examples of the network
	width     int                   // values of one example of the output
	lo, hi    int                   // its weights
	forward   int64                 // multiply-adds of the forward pass of one example
	input     int64                 // of the input half of a VJP
	weight    int64                 // and of the weight half
	y         []T                   // outputs of m examples; nil for the last, whose output is the caller's, and one that is joined

	x tensor.Matrix[T] // the input of the last forward

	// Work space of an op with weights, made when first needed.
	kept []T // signals that its rows of J are made of, see [GramOp]
	b    []T // its cotangent in a chained product, or
	dw   []T // its gradient there
}

// A rectifierOp is the op of a [rectifier]: it makes the output of a relu behind it, and the
// cotangent of the input of a relu before it, by itself, within its products. The relu's op
// then has its output for its input too, in one place, which says the same of the derivative.
type rectifierOp[T tensor.Float] interface {
	Op[T]

	// ForwardRectified is Forward with y = max(0, f(x; w)).
	ForwardRectified(y, x tensor.Matrix[T], w []T)

	// VJPGated is VJP with dx set to 0 where x is 0 or below. Without dw, dy may have several
	// signals of each example, r m + i for signal r of example i, as dx has.
	VJPGated(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T])
}

// weighted reports whether the op has weights of its own.
func (o *boundLayer[T]) weighted() bool { return o.hi > o.lo && o.nested == nil }

// A workspace is memory for tangents and cotangents, shared by chains that are
// never at work at the same time.
type workspace[T tensor.Float] struct {
	slots [][3][]T
	run   [2][]T // between the ops of a run, made when first needed
}

// newWorkspace returns work space for batches of m examples.
func newWorkspace[T tensor.Float](s slots, m int) *workspace[T] {
	w := &workspace[T]{slots: make([][3][]T, len(s))}
	for d := range s {
		for i, n := range s[d] {
			w.slots[d][i] = make([]T, m*n)
		}
	}
	return w
}

func (w *workspace[T]) matrix(depth, slot, rows, cols int) tensor.Matrix[T] {
	return tensor.View(rows, cols, w.slots[depth][slot][:rows*cols])
}

func newTape[T tensor.Float](c *chain, m int, p *tensor.Pool, space *workspace[T], depth int) *tape[T] {
	t := &tape[T]{space: space, depth: depth, first: -1}
	for i, l := range c.layers {
		if !l.changes() {
			continue
		}
		if i == c.first {
			t.first = len(t.ops)
		}
		b := boundLayer[T]{width: l.size.Out.Len(), lo: l.offset, hi: l.offset + l.size.NumParams(), forward: l.size.Forward, input: l.size.Input, weight: l.size.Weight}
		site := Site{In: l.in, Examples: m, Pool: p}
		if r, ok := l.Layer.(Residual); ok {
			o := bindResidual(r, site, space, depth+1)
			b.op, b.nested = o, o
		} else {
			b.op = bind[T](l.Layer, site)
			b.chained, _ = b.op.(ChainedOp[T])
			b.relu, _ = b.op.(*relu[T])
			if _, ok := l.Layer.(rectifier); ok {
				b.rectifier = b.op.(rectifierOp[T])
			}
		}
		t.ops = append(t.ops, b)
	}
	for i := range len(t.ops) - 1 {
		o := &t.ops[i]
		// The last output is the caller's, who may change it: a relu refers to its own.
		if o.joined = o.rectifier != nil && t.ops[i+1].relu != nil && i+2 < len(t.ops); !o.joined {
			o.y = make([]T, m*o.width)
		}
	}
	if t.first < 0 {
		t.first = len(t.ops)
	}
	for i := range t.ops {
		t.ops[i].forgetful, _ = any(t.ops[i].op).(interface{ forget() })
		t.ops[i].sees, _ = t.ops[i].op.(exampleOp[T])
	}
	return t
}

// between returns work space for the tangent of the output of op i.
func (t *tape[T]) between(w *workspace[T], i, rows int) tensor.Matrix[T] {
	return w.matrix(t.depth, i%2, rows, t.ops[i].width)
}

func (t *tape[T]) forward(y, x tensor.Matrix[T], w []T) {
	if len(t.ops) == 0 {
		copy(y.Flat(), x.Flat())
	}
	examples := x
	for i := 0; i < len(t.ops); i++ {
		o := &t.ops[i]
		o.x = x
		if o.sees != nil {
			o.sees.See(examples)
		}
		if o.joined {
			next := &t.ops[i+1]
			to := next.output(y, x.Rows)
			o.rectifier.ForwardRectified(to, x, w[o.lo:o.hi])
			next.x, next.relu.x = to, to
			x = to
			i++
			continue
		}
		to := o.output(y, x.Rows)
		o.op.Forward(to, x, w[o.lo:o.hi])
		x = to
	}
}

// output returns the memory for the output of an op, y for the last.
func (o *boundLayer[T]) output(y tensor.Matrix[T], rows int) tensor.Matrix[T] {
	if o.y == nil {
		return y
	}
	return tensor.View(rows, o.width, o.y[:rows*o.width])
}

// jvp is Op.JVP of the whole chain.
func (t *tape[T]) jvp(dy, dx tensor.Matrix[T], dw []T) {
	start := 0
	if dx.IsZero() {
		start = t.first // nothing reaches the ops before
	}
	if start == len(t.ops) {
		clear(dy.Flat())
		copy(dy.Flat(), dx.Flat())
		return
	}
	last := len(t.ops) - 1
	for i := start; i <= last; i++ {
		o, to := &t.ops[i], dy
		if i < last {
			to = t.between(t.space, i, dy.Rows)
		}
		o.op.JVP(to, dx, dw[o.lo:o.hi])
		dx = to
	}
}

// vjp is Op.VJP of the whole chain.
func (t *tape[T]) vjp(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) { t.vjpDown(0, dx, dw, dy) }

// vjpDown is vjp for the ops from cut on; the others are left out, and so is dx if there
// are any.
func (t *tape[T]) vjpDown(cut int, dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	slot := len(t.ops) % 2 // dy may be in the other
	for i := len(t.ops) - 1; i >= cut; i-- {
		o := &t.ops[i]
		var part []T
		if dw != nil {
			part = dw[o.lo:o.hi]
		}
		r := t.gated(i, cut)
		if r != nil {
			i-- // both are passed
		}
		to := t.backTo(t.space, dx, i, slot, dy.Rows)
		if i == cut && cut > 0 {
			to = tensor.Matrix[T]{}
		}
		slot = 1 - slot
		if r != nil {
			r.VJPGated(to, part, dy)
		} else {
			o.op.VJP(to, part, dy)
		}
		if to.IsZero() {
			return
		}
		dy = to
	}
	if len(t.ops) == 0 && !dx.IsZero() {
		copy(dx.Flat(), dy.Flat())
	}
}

// gated returns op i if it passes signals back through a relu before it too, op i-1, which must
// not be below the last.
func (t *tape[T]) gated(i, last int) rectifierOp[T] {
	if i <= last || t.ops[i-1].relu == nil {
		return nil
	}
	return t.ops[i].rectifier
}

// backTo returns where the cotangent of the input of op i goes: to dx for the first, to a slot
// of the work space for others, and nowhere if neither dx nor weights before are to be served.
func (t *tape[T]) backTo(w *workspace[T], dx tensor.Matrix[T], i, slot, rows int) tensor.Matrix[T] {
	if i == 0 || dx.IsZero() && i <= t.first {
		return dx
	}
	return w.matrix(t.depth, slot, rows, t.ops[i-1].width)
}
