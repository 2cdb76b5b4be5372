package nn

import "github.com/dualgn/dgn/pkg/tensor"

// An attachedOp is the op of a layer whose Forward does nothing but make y: its derivative
// needs the input and the weights alone.
type attachedOp[T tensor.Float] interface {
	// attach does all of Forward but y.
	attach(x tensor.Matrix[T], w []T)
}

func (o *dense[T]) attach(x tensor.Matrix[T], w []T) {
	o.x, o.rows.paired = x, false
	o.w, _ = o.split(w)
}

func (o *conv[T]) attach(x tensor.Matrix[T], w []T) {
	o.x = x
	o.w, _ = o.split(w)
}

// Select makes l the linearization of examples index of the mini-batch of another one, of
// the same network, at the same weights. Inputs of layers are copied, and no product is
// made but those of layers that a program has added: it returns their multiply-adds.
func (l *Linearization[T]) Select(of *Linearization[T], index []int) (multiplyAdds int64) {
	if l.net != of.net || l == of {
		panic("nn: Select: not two linearizations of one network")
	}
	if len(index) == 0 || len(index) > l.m {
		panic("nn: Select: the number of examples does not fit")
	}
	width := l.net.in.Len()
	l.rows, l.w = len(index), of.w
	l.x = tensor.View(l.rows, width, grow(&l.own, l.m*width)[:l.rows*width])
	gatherRows(l.x, of.x, index)
	l.forgetRows()
	k := l.out.Cols
	y := tensor.View(l.rows, k, l.y[:l.rows*k])
	multiplyAdds = l.tape.selectFrom(of.tape, index, y, l.x, tensor.View(of.rows, k, of.y[:of.rows*k]), l.w)
	tensor.Convert(l.Outputs().Flat(), y.Flat())
	return multiplyAdds
}

// gatherRows sets row i of dst to row index[i] of src, unless that is a zero matrix.
func gatherRows[T tensor.Float](dst, src tensor.Matrix[T], index []int) {
	if src.IsZero() {
		return
	}
	for r, i := range index {
		copy(dst.Row(r), src.Row(i))
	}
}

// selectFrom is Select for a chain: x is selected, y is set, and ofY are the outputs of
// the other chain; if they are a zero matrix, y need not be right.
func (t *tape[T]) selectFrom(of *tape[T], index []int, y, x, ofY tensor.Matrix[T], w []T) (adds int64) {
	if len(t.ops) == 0 {
		copy(y.Flat(), x.Flat())
	}
	examples := x
	output := func(i int) tensor.Matrix[T] { // of op i in the other chain
		if i+1 < len(of.ops) {
			return of.ops[i+1].x
		}
		return ofY
	}
	for i := 0; i < len(t.ops); i++ {
		o := &t.ops[i]
		o.x = x
		if o.sees != nil {
			o.sees.See(examples)
		}
		part := w[o.lo:o.hi]
		attached, product := o.op.(attachedOp[T])
		if o.joined {
			next := &t.ops[i+1]
			to := next.output(y, x.Rows)
			gatherRows(to, output(i+1), index)
			attached.attach(x, part)
			next.x, next.relu.x = to, to
			x = to
			i++
			continue
		}
		to := o.output(y, x.Rows)
		switch inside, nested := o.nested.(*residual[T]); {
		case nested:
			adds += inside.selectFrom(of.ops[i].nested.(*residual[T]), index, to, x, part)
			gatherRows(to, output(i), index)
		case product:
			attached.attach(x, part)
			gatherRows(to, output(i), index)
		default:
			o.op.Forward(to, x, part)
			adds += int64(x.Rows) * o.forward
		}
		x = to
	}
	return adds
}

// selectFrom is that of the branches, which leave in y what is of no further use.
func (o *residual[T]) selectFrom(of *residual[T], index []int, y, x tensor.Matrix[T], w []T) int64 {
	adds := o.body.selectFrom(of.body, index, y, x, tensor.Matrix[T]{}, w[:o.split])
	if !o.plain {
		adds += o.shortcut.selectFrom(of.shortcut, index, y, x, tensor.Matrix[T]{}, w[o.split:])
	}
	return adds
}
