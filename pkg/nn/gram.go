package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A GramOp is the op of a layer with weights. Let J be the derivative of the network's
// outputs, or of s combinations of them, with respect to these weights: a row for each
// of them and each of m examples. The op holds J in the form that its structure allows,
// adds J Jᵀ or its diagonal blocks to a matrix, and multiplies by J Jᵀ, J and Jᵀ. All
// methods return the multiply-adds they took. An [Explicit] has all of them but Keep.
type GramOp[T tensor.Float] interface {
	// Keep takes the signals dy, which are the derivatives of the outputs with respect to
	// the layer's own: s matrices of m rows below each other, row c m + i for signal c of
	// example i. What is made of them serves until the next Keep or Forward. At most room
	// values are held, or so many as one filter needs; if that is too few, Held is false.
	Keep(dy tensor.Matrix[T], room int) int64

	// KeepsSignals reports whether the op refers to dy itself later: dy then stays as it is
	// until the next Keep. If not, it may be overwritten after Gram or GramBlocks, which
	// follow Keep at once.
	KeepsSignals() bool

	// Held reports whether all of J is held. If not, Combine, Project and Multiply must not be
	// called.
	Held() bool

	// Gram adds J Jᵀ to the lower triangle of a, (m s) x (m s), row i s + c for signal c of
	// example i. What it leaves above the diagonal is worthless.
	Gram(a tensor.Matrix[T]) int64

	// GramBlocks adds the s x s block of each example to b, (m s) x s.
	GramBlocks(b tensor.Matrix[float64]) int64

	// Combine sets dw = Jᵀ v for v of m x s.
	Combine(dw []T, v tensor.Matrix[T]) int64

	// Project adds J dw to u, m x s.
	Project(u tensor.Matrix[T], dw []T) int64

	// Multiply adds J Jᵀ v to u, both m x s.
	Multiply(u, v tensor.Matrix[T]) int64
}

// Gram sets a = K = J Jᵀ, (m k) x (m k), row i k + c for output c of example
// i, from k back-propagations and a closed form for each layer (docs/math.md
// section 5). It returns the multiply-adds. Rows of J are kept as far as that takes little
// memory, see [Linearization.Combine].
func (l *Linearization[T]) Gram(a tensor.Matrix[T]) int64 {
	mk := l.rows * l.out.Cols
	if a.Rows != mk || a.Cols != mk {
		panic("nn: Gram: the matrix has the wrong shape")
	}
	for i := range a.Rows {
		clear(a.Row(i))
	}
	adds := l.keep(l.units(), true, keeper[T]{room: jacobianLength, full: a}, len(l.tape.ops))
	tensor.Mirror(l.pool, a)
	return adds
}

// GramBlocks sets b, (m k) x k, to the diagonal blocks of K: rows i k to
// i k + k - 1 hold that of example i. It returns the multiply-adds. Kept rows are forgotten.
func (l *Linearization[T]) GramBlocks(b tensor.Matrix[float64]) int64 {
	if b.Rows != l.rows*l.out.Cols || b.Cols != l.out.Cols {
		panic("nn: GramBlocks: the matrix has the wrong shape")
	}
	for i := range b.Rows {
		clear(b.Row(i))
	}
	return l.keep(l.units(), true, keeper[T]{room: jacobianLength, blocks: b}, 0)
}

// Keep makes the rows of J, as the layers hold them, of those layers where a product with
// them is less to do than one through the layers above, for mini-batches of the largest
// size: [Linearization.Product] and [Linearization.Combine] use them from then on, for this
// mini-batch. Unless blocks is a zero matrix, it is set to the diagonal blocks of K in the
// same walk. Keep reports whether it made k back-propagations, which there is no use for
// if all layers are best chained, and returns the multiply-adds.
func (l *Linearization[T]) Keep(blocks tensor.Matrix[float64]) (walked bool, multiplyAdds int64) {
	if l.best < 0 {
		l.best = l.net.keepsBelow(l.m, l.net.Outputs())
	}
	return l.keepBelow(l.best, blocks, true, l.units)
}

// keepBelow keeps rows of the layers below an op, for signals; units says that these are the unit signals.
func (l *Linearization[T]) keepBelow(best int, blocks tensor.Matrix[float64], units bool, signals func() tensor.Matrix[T]) (walked bool, multiplyAdds int64) {
	if best == 0 && blocks.IsZero() {
		l.forgetRows()
		return false, 0
	}
	for i := range blocks.Rows {
		clear(blocks.Row(i))
	}
	return true, l.keep(signals(), units, keeper[T]{room: size.Max, blocks: blocks}, best)
}

// Combine sets d = Jᵀ alpha, of length p, for alpha of rows x k, and returns the
// multiply-adds: [Linearization.VJP], but from kept rows as far as there are any.
func (l *Linearization[T]) Combine(d []T, alpha tensor.Matrix[float64]) int64 {
	if len(l.kept) == 0 {
		l.VJP(d, alpha)
		return l.Dims().VJP
	}
	l.check(d)
	l.checkOutputs(alpha)
	sent := l.sent()
	for r := range l.rows {
		tensor.Convert(sent.Row(r), alpha.Row(r))
	}
	return l.combine(d, sent, sent)
}

// combine sets d = Jᵀ alpha, where rows are kept of what makes alpha of v.
func (l *Linearization[T]) combine(d []T, alpha, v tensor.Matrix[T]) int64 {
	adds := l.tape.addsDown(l.cut, l.rows)
	l.tape.vjpDown(l.cut, tensor.Matrix[T]{}, d, alpha)
	for _, o := range l.kept {
		adds += o.op.Combine(d[o.lo:o.hi], v)
	}
	return adds
}

// addsDown is the multiply-adds of vjpDown without dx for so many rows.
func (t *tape[T]) addsDown(cut, rows int) (adds int64) {
	for i := len(t.ops) - 1; i >= cut; i-- {
		o := &t.ops[i]
		adds += int64(rows) * o.weight
		if i > max(cut, t.first) {
			adds += int64(rows) * o.input
		}
	}
	return adds
}

// Forget gives up all that was made of the mini-batch for products with K, so that whoever
// comes next finds nothing done, and pays for all it uses.
func (l *Linearization[T]) Forget() {
	l.forgetRows()
	l.tape.forget()
}

// forgetRows gives up kept rows.
func (l *Linearization[T]) forgetRows() { l.kept, l.cut = l.kept[:0], 0 }

// forget is Forget for the ops of a chain.
func (t *tape[T]) forget() {
	for i := range t.ops {
		if o := t.ops[i].forgetful; o != nil {
			o.forget()
		}
	}
}

// units returns the signals of all outputs: signal c of every example is row c of the
// identity.
func (l *Linearization[T]) units() tensor.Matrix[T] {
	outputs := l.out.Cols
	unit := l.Signals(outputs)
	for c := range outputs {
		for i := range l.rows {
			unit.Set(c*l.rows+i, c, 1)
		}
	}
	return unit
}

// keep sends signals back, and has the layers below the op cut keep their rows. units says that they are the unit signals.
func (l *Linearization[T]) keep(signals tensor.Matrix[T], units bool, k keeper[T], cut int) int64 {
	l.forgetRows()
	l.cut = cut
	k.lin, k.end = l, l.net.params
	if cut == 0 {
		k.end = 0
	} else if cut < len(l.tape.ops) {
		k.end = l.tape.ops[cut].lo
	}
	l.keeper = k
	looks := size.Max
	if k.full.IsZero() && k.blocks.IsZero() && k.rows.IsZero() {
		looks = k.end
	}
	walked := l.backprop(signals, walk[T]{visitor: &l.keeper, looks: looks, keeps: k.end, units: units})
	adds := walked + l.keeper.adds
	l.keeper = keeper[T]{} // which would keep the matrices alive
	for _, o := range l.kept {
		if !o.op.Held() {
			l.forgetRows()
			break
		}
	}
	return adds
}

// A keeper has each layer with weights keep its rows, and adds what it contributes to K, or
// to its blocks, if that is wanted.
type keeper[T tensor.Float] struct {
	lin    *Linearization[T]
	end    int // rows of layers from this weight on are not kept
	room   int // values for each layer of which they are
	full   tensor.Matrix[T]
	blocks tensor.Matrix[float64]
	rows   tensor.Matrix[T] // J itself
	adds   int64
}

// A keptOp holds rows of J for weights lo to hi-1.
type keptOp[T tensor.Float] struct {
	op     GramOp[T]
	lo, hi int
}

func (k *keeper[T]) Visit(v Visited[T]) {
	room, keep := k.room, v.Lo < k.end
	switch {
	case !k.rows.IsZero():
		room = size.Max
	case !keep:
		room = jacobianLength
	}
	op := v.Op.(GramOp[T])
	k.adds += op.Keep(v.Signals, room)
	switch {
	case !k.full.IsZero():
		k.adds += op.Gram(k.full)
	case !k.blocks.IsZero():
		k.adds += op.GramBlocks(k.blocks)
	case !k.rows.IsZero():
		k.adds += k.rowsOf(op, columns(k.rows, v.Lo, v.Hi))
	}
	if keep {
		k.lin.kept = append(k.lin.kept, keptOp[T]{op, v.Lo, v.Hi})
	}
}
