package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A RowSpace is q = Jᵀ g of a mini-batch of m examples, beside a few rows of J: V, of n s x p,
// has the row J_iᵀ sigma_ic, number i s + c, for signal c of each of n examples. With it,
// systems in V Vᵀ and steps q + Vᵀ y are made without forming q or V where a layer is
// dense (docs/math.md section 9). For inputs A, signals D of the gradient and Delta of the
// rows, and the index of the examples whose the rows are,
//
//	V Vᵀ     = (A_I A_Iᵀ + 1) o (Delta Deltaᵀ)
//	V q      = delta_ic·t_i,  T = (A_I Aᵀ + 1) D
//	q + Vᵀ y = (D + Σ_c y_ic delta_ic)ᵀ A
//
// Other layers form both. Blocks are layers with weights, the last first, or all of them
// together. Every method returns the multiply-adds it took.
type RowSpace[T tensor.Float] struct {
	grad, rows *Linearization[T]
	own        *Linearization[T] // rows, where they are selected from the examples of grad
	index      []int             // of the examples of rows in grad; nil: another mini-batch
	s          int               // signals for each example of rows
	blocks     []rowBlock[T]
	q          []T // p, the parts of layers that form it; nil if none does
	gather     []T // signals of selected examples

	visitGrad, visitRows *rowVisitor[T]
}

// A rowBlock is a layer with weights lo to hi-1, in both linearizations.
type rowBlock[T tensor.Float] struct {
	grad, rows GramOp[T]
	on         *boundLayer[T] // of rows
	lo, hi     int
	weight     int64     // multiply-adds of q for one example
	pair       *dense[T] // grad, where q is not formed
}

// NewRowSpace returns one for rows of at most n examples of l's mini-batches.
func (l *Linearization[T]) NewRowSpace(n int) *RowSpace[T] {
	r := &RowSpace[T]{grad: l, own: NewLinearization[T](l.net, n, l.pool)}
	r.visitGrad, r.visitRows = &rowVisitor[T]{of: r, grad: true}, &rowVisitor[T]{of: r}
	return r
}

// Select makes the rows those of examples index of the mini-batch.
func (r *RowSpace[T]) Select(index []int) (multiplyAdds int64) {
	r.rows, r.index = r.own, index
	return r.own.Select(r.grad, index)
}

// Take makes the rows those of another mini-batch, linearized at the same weights.
func (r *RowSpace[T]) Take(rows *Linearization[T]) {
	r.rows, r.index = rows, nil
	rows.Forget()
}

// Rows returns the linearization of the examples whose rows they are.
func (r *RowSpace[T]) Rows() *Linearization[T] { return r.rows }

// Blocks is the number of layers with weights.
func (r *RowSpace[T]) Blocks() int { return len(r.blocks) }

// Send sends g, m x k, back through the layers, and sigma, n s x k with row c n + i for
// signal c of example i. If sigma is a zero matrix, the rows are those of g itself, and row
// i is that of example i times scale_i: nil is 1.
func (r *RowSpace[T]) Send(g, sigma tensor.Matrix[float64], scale []float64) (multiplyAdds int64) {
	own := sigma.IsZero()
	if own && r.index == nil {
		panic("nn: Send: rows of another mini-batch have no signals of this one")
	}
	r.s = 1
	if !own {
		r.s = sigma.Rows / r.rows.rows
	}
	if r.blocks == nil {
		r.collect(r.grad.tape, r.own.tape, 0)
	}
	if r.rows != r.own { // another linearization each time, perhaps
		r.blocks = r.blocks[:0]
		r.collect(r.grad.tape, r.rows.tape, 0)
	}
	v := r.visitGrad
	v.at, v.adds, v.own, v.scale = 0, 0, own, scale
	multiplyAdds = r.grad.send(g, v) + v.adds
	if own {
		return multiplyAdds
	}
	v = r.visitRows
	v.at, v.adds = 0, 0
	return multiplyAdds + r.rows.send(sigma, v) + v.adds
}

// send is Backprop of signals in float64, with ops that keep theirs.
func (l *Linearization[T]) send(signals tensor.Matrix[float64], v Visitor[T]) int64 {
	dy := l.Signals(signals.Rows / l.rows)
	for i := range dy.Rows {
		tensor.Convert(dy.Row(i), signals.Row(i))
	}
	return l.backprop(dy, walk[T]{visitor: v, looks: size.Max, keeps: l.net.params})
}

// collect lists the layers with weights of two tapes in the order in which backprop visits
// them.
func (r *RowSpace[T]) collect(grad, rows *tape[T], offset int) {
	for i := len(grad.ops) - 1; i >= 0; i-- {
		o, on := &grad.ops[i], &rows.ops[i]
		switch inside, nested := o.nested.(*residual[T]); {
		case nested:
			other := on.nested.(*residual[T])
			r.collect(inside.body, other.body, offset+o.lo)
			r.collect(inside.shortcut, other.shortcut, offset+o.lo+inside.split)
		case o.weighted():
			b := rowBlock[T]{grad: o.op.(GramOp[T]), rows: on.op.(GramOp[T]), on: on, lo: offset + o.lo, hi: offset + o.hi, weight: o.weight}
			if b.pair, _ = o.op.(*dense[T]); b.pair == nil && r.q == nil {
				r.q = make([]T, r.grad.net.params)
			}
			r.blocks = append(r.blocks, b)
		}
	}
}

// A rowVisitor takes what signals are at a layer: those of the gradient, or of the rows.
type rowVisitor[T tensor.Float] struct {
	of    *RowSpace[T]
	grad  bool
	own   bool // signals of the gradient are those of the rows too
	scale []float64
	at    int // the block that comes next
	adds  int64
}

func (v *rowVisitor[T]) Visit(l Visited[T]) {
	r := v.of
	b := &r.blocks[v.at]
	v.at++
	if !v.grad {
		v.adds += b.rows.Keep(l.Signals, size.Max)
		return
	}
	if b.pair != nil {
		b.pair.Keep(l.Signals, 0)
	} else {
		b.grad.(Op[T]).VJP(tensor.Matrix[T]{}, r.q[b.lo:b.hi], l.Signals)
		v.adds += int64(l.Signals.Rows) * b.weight
	}
	if !v.own {
		return
	}
	n := len(r.index)
	dy := tensor.View(n, l.Signals.Cols, grow(&r.gather, n*l.Signals.Cols))
	if b.rows.KeepsSignals() {
		dy.Data = grow(&b.on.kept, n*l.Signals.Cols)
	}
	gatherRows(dy, l.Signals, r.index)
	for i, s := range v.scale {
		tensor.Scale(nil, T(s), dy.Row(i))
	}
	v.adds += b.rows.Keep(dy, size.Max)
}

// Gram adds V Vᵀ of block b to the lower triangle of a, n s x n s. What it leaves above the
// diagonal is worthless.
func (r *RowSpace[T]) Gram(b int, a tensor.Matrix[T]) int64 { return r.blocks[b].rows.Gram(a) }

// Cross adds V q of block b to u, n x s.
func (r *RowSpace[T]) Cross(b int, u tensor.Matrix[T]) int64 {
	block := &r.blocks[b]
	if block.pair == nil {
		return block.rows.Project(u, r.q[block.lo:block.hi])
	}
	return block.rows.(*dense[T]).cross(u, block.pair)
}

// cross adds V q to u, for the q of the same layer on another batch.
func (o *dense[T]) cross(u tensor.Matrix[T], grad *dense[T]) int64 {
	n, m := o.x.Rows, grad.x.Rows
	g := tensor.View(n, m, grow(&o.rows.across, n*m))
	one := T(0)
	if o.bias {
		one = 1
	}
	fill(g.Data, one)
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, o.x, grad.x, 1, g)
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, g, grad.rows.dy, 0, o.room())
	return int64(n)*int64(m)*int64(o.in+o.out) + o.deliver(u)
}

// Project adds V d of block b to u, n x s, for d of length p.
func (r *RowSpace[T]) Project(b int, u tensor.Matrix[T], d []T) int64 {
	block := &r.blocks[b]
	return block.rows.Project(u, d[block.lo:block.hi])
}

// Step sets the part of d, of length p, of block b to c (q + Vᵀ y), for y of n x s. It is
// called once for each block after Send: the signals of the gradient become others.
func (r *RowSpace[T]) Step(b int, d []T, c T, y tensor.Matrix[T]) (adds int64) {
	block := &r.blocks[b]
	part := d[block.lo:block.hi]
	if block.pair == nil {
		adds = block.rows.Combine(part, y)
		tensor.Axpy(r.grad.pool, 1, r.q[block.lo:block.hi], part)
		tensor.Scale(r.grad.pool, c, part)
		return adds
	}
	return block.rows.(*dense[T]).step(part, c, y, block.pair, r.index)
}

// step sets dw to c (q + Vᵀ y).
func (o *dense[T]) step(dw []T, c T, y tensor.Matrix[T], grad *dense[T], index []int) int64 {
	b := o.sum(y)
	adds := int64(o.rows.dy.Rows)*int64(o.out) + int64(grad.x.Rows)*int64(o.in*o.out)
	for r, i := range index {
		tensor.Axpy(nil, 1, b.Row(r), grad.rows.dy.Row(i))
	}
	weight, bias := o.split(dw)
	tensor.Gemm(o.pool, tensor.Trans, tensor.NoTrans, c, grad.rows.dy, grad.x, 0, weight)
	if index == nil {
		tensor.Gemm(o.pool, tensor.Trans, tensor.NoTrans, c, b, o.x, 1, weight)
		adds += int64(o.x.Rows) * int64(o.in*o.out)
	}
	if !o.bias {
		return adds
	}
	tensor.ColSums(o.pool, bias, grad.rows.dy)
	if index == nil {
		sums := grow(&o.rows.sums, o.out)
		tensor.ColSums(o.pool, sums, b)
		tensor.Axpy(nil, 1, sums, bias)
	}
	tensor.Scale(nil, c, bias)
	return adds
}

// RowMemory returns the bytes that a [RowSpace] of s signals of n examples adds to
// linearizations of m examples if a value takes so many bytes: a linearization of the n
// examples, the signals, and what layers hold of them.
func (n *Net) RowMemory(m, examples, s, value int) int {
	own := n.Memory(examples, value)
	values := size.Sum(size.Product(examples, n.in.Len()),
		size.Product(n.signalValues(), size.Sum(m, size.Product(examples, s))), n.runSpace(m, 1), n.runSpace(examples, s))
	var widest int
	formed := n.rowValues(m, examples, s, &values, &widest)
	if formed {
		values = size.Sum(values, n.params)
	}
	rows := size.Product(examples, s)
	return size.Sum(own.Kept, own.Work, size.Product(value, size.Sum(values, size.Product(examples, widest), tensor.WeightedSpace(rows, s), n.gradientSpace(s))))
}

// rowValues adds what the layers of a chain hold. It reports whether one of them forms q.
func (c *chain) rowValues(m, examples, s int, values, widest *int) (formed bool) {
	for _, l := range c.layers {
		inside := l.inside()
		for _, b := range inside {
			formed = b.rowValues(m, examples, s, values, widest) || formed
		}
		if len(inside) > 0 || l.size.NumParams() == 0 {
			continue
		}
		out := l.size.Out.Len()
		*widest = max(*widest, out)
		if _, dense := l.Layer.(Dense); !dense {
			g, _, _ := l.gramWork(examples, s)
			*values = size.Sum(*values, g.Held, g.MultiplySpace)
			formed = true
			continue
		}
		rows := size.Product(examples, s)
		*values = size.Sum(*values, size.Product(out, size.Sum(m, rows, size.Product(2, examples), 1)), size.Product(examples, size.Sum(examples, m)))
		if s > 1 {
			*values = size.Sum(*values, size.Product(rows, out))
		}
	}
	return formed
}
