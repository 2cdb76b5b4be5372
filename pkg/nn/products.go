package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A manyOp is a [GramOp] that multiplies several vectors at the same time, in products of
// matrices that are wider than those of one.
type manyOp[T tensor.Float] interface {
	// MultiplyMany is Multiply for each row of u and v, m s numbers. Where work has room for
	// GramWork.Many numbers for each of them, it multiplies all together.
	MultiplyMany(u, v tensor.Matrix[T], work []T) int64
}

// At most vectorsAtOnce vectors go through the layers together: 8 took a tenth longer, 32 as long (2 threads,
// 784-256-256-10, 128 examples). Large layers take fewer, so that work space of many vectors has no
// more than manyValues values.
const (
	vectorsAtOnce = 16
	manyValues    = 1 << 22
)

// Products is [Linearization.Product] for each row of u and v, vectors of rows k numbers: several
// together through rows of J that are kept, and through the layers above where these are dense and
// activations; else one after the other.
func (l *Linearization[T]) Products(u, v tensor.Matrix[float64]) (multiplyAdds int64) {
	n := l.rows * l.out.Cols
	if u.Rows != v.Rows || u.Cols != n || v.Cols != n {
		panic("nn: Products: a matrix has the wrong shape")
	}
	if l.stack == nil || l.stack.cut != l.cut || l.stack.vectors < v.Rows {
		l.stack = l.newStack(v.Rows)
	}
	for lo := 0; lo < v.Rows; lo += l.stack.atOnce {
		hi := min(lo+l.stack.atOnce, v.Rows)
		multiplyAdds += l.together(u.RowRange(lo, hi), v.RowRange(lo, hi))
	}
	return multiplyAdds
}

// together is Products for all rows at the same time.
func (l *Linearization[T]) together(u, v tensor.Matrix[float64]) (adds int64) {
	r, n, space := v.Rows, v.Cols, l.stack.space
	to, sent, work := tensor.View(r, n, space[:r*n]), tensor.View(r, n, space[r*n:2*r*n]), space[2*r*n:]
	of := func(a tensor.Matrix[T], i int) tensor.Matrix[T] { return tensor.View(l.rows, l.out.Cols, a.Row(i)) }
	for i := range r {
		tensor.Convert(sent.Row(i), v.Row(i))
	}
	if l.stack.able {
		adds = l.stack.products(l.tape, l.rows, to, sent, work)
	} else {
		for i := range r {
			adds += l.chained(of(to, i), of(sent, i))
		}
	}
	for _, o := range l.kept {
		if many, ok := o.op.(manyOp[T]); ok {
			adds += many.MultiplyMany(to, sent, work)
			continue
		}
		for i := range r {
			adds += o.op.Multiply(of(to, i), of(sent, i))
		}
	}
	for i := range r {
		tensor.Convert(u.Row(i), to.Row(i))
	}
	return adds
}

// ProductsMemory is what [Linearization.Products] of so many vectors adds to products of one, for a
// use of K, in bytes if a value takes so many.
func (n *Net) ProductsMemory(m, value, vectors int, use GramUse) int {
	cut, ordered := 0, 0
	if use != UseChained {
		cut = n.keepsBelow(m, n.Outputs())
	}
	for _, l := range n.changing()[:cut] {
		g, _, _ := l.gramWork(m, n.Outputs())
		ordered = size.Sum(ordered, g.Ordered)
	}
	atOnce, space := n.manySpace(m, n.Outputs(), vectors, cut)
	return size.Product(value, size.Sum(ordered, size.Product(atOnce, space)))
}

// manySpace returns how many of so many vectors are multiplied together, and the work space for
// each in values, where rows are kept of the ops before cut: the vector and its product, and the most that a
// layer of those needs, or the others together.
func (n *Net) manySpace(m, k, vectors, cut int) (atOnce, space int) {
	layers, most, stacked := n.changing(), 0, 0
	for _, l := range layers[:cut] {
		most = max(most, l.many(m, k))
	}
	if n.stacks(m, cut) {
		for _, l := range layers[cut:] { // its cotangent, and a tangent, which an activation leaves in the place of the other
			copies := 1
			if l.size.NumParams() > 0 {
				copies = 2
			}
			stacked = size.Sum(stacked, size.Product(copies, m, l.size.Out.Len()))
		}
	}
	space = size.Sum(size.Product(2, m, k), max(most, stacked))
	return min(vectors, vectorsAtOnce, max(1, manyValues/max(1, space))), space
}

// stacks reports whether the layers from cut on can serve several vectors at the same time, in
// batches of m: dense ones and activations.
func (n *Net) stacks(m, cut int) bool {
	for _, l := range n.changing()[cut:] {
		switch l.Layer.(type) {
		case Dense:
			if !pairsInputs(m, l.in.C) {
				return false
			}
		case Activation:
		default:
			return false
		}
	}
	return true
}

// changing are the layers that have an op.
func (n *Net) changing() (out []namedLayer) {
	for _, l := range n.layers {
		if l.changes() {
			out = append(out, l)
		}
	}
	return out
}

// many is GramWork.Many of a layer, of the one inside it that needs most.
func (l namedLayer) many(m, k int) (n int) {
	inside := l.inside()
	for _, b := range inside {
		for _, in := range b.layers {
			if in.changes() {
				n = max(n, in.many(m, k))
			}
		}
	}
	if len(inside) == 0 && l.size.NumParams() > 0 {
		g, _, _ := l.gramWork(m, k)
		n = g.Many
	}
	return n
}

// A stackedOp is a [ChainedOp] that serves several vectors at the same time. Their cotangents and
// tangents are rows of one matrix, row i r + j for vector j of r of example i: those of an example
// are side by side in a row of an m x r n matrix.
type stackedOp[T tensor.Float] interface {
	alike // takes any number of cotangents back

	// tangents is Tangent for several vectors.
	tangents(dy, dx, b tensor.Matrix[T]) (multiplyAdds int64)
}

// A diagonalOp is the op of an activation, y = f(x) value by value.
type diagonalOp[T tensor.Float] interface {
	// scale sets to = f'(x) from, for the x of an example.
	scale(example int, to, from []T)
}

// stacks reports whether the ops from cut on serve several vectors at the same time.
func (t *tape[T]) stacks(cut int) bool {
	for _, o := range t.ops[cut:] {
		_, linear := o.op.(stackedOp[T])
		_, diagonal := o.op.(diagonalOp[T])
		if !linear && !diagonal {
			return false
		}
	}
	return true
}

// A stack takes several vectors through the ops of a tape at the same time, from cut on, as
// tape.gather and tape.tangents do with one.
type stack[T tensor.Float] struct {
	pool         *tensor.Pool
	vectors, cut int
	atOnce       int                // of the vectors
	able         bool               // or one after the other
	space        []T                // manySpace
	work         []T                // what is left of it
	cotangents   []tensor.Matrix[T] // of the output of each op

	// Operands of the loop that is running.
	op       diagonalOp[T]
	each     int // rows of an example
	to, from tensor.Matrix[T]
	scale    func(lo, hi int)
}

func (l *Linearization[T]) newStack(vectors int) *stack[T] {
	atOnce, space := l.net.manySpace(l.m, l.out.Cols, vectors, l.cut)
	s := &stack[T]{
		pool: l.pool, vectors: vectors, cut: l.cut, atOnce: atOnce,
		able:  l.net.stacks(l.m, l.cut) && l.tape.stacks(l.cut), // an activation of a user's may not be a diagonalOp
		space: make([]T, atOnce*space), cotangents: make([]tensor.Matrix[T], len(l.tape.ops)),
	}
	s.scale = s.scaleRows
	return s
}

func (s *stack[T]) scaleRows(lo, hi int) {
	for r := lo; r < hi; r++ {
		s.op.scale(r/s.each, s.to.Row(r), s.from.Row(r))
	}
}

// through sets to = f'(x) from.
func (s *stack[T]) through(op diagonalOp[T], to, from tensor.Matrix[T]) {
	s.op, s.to, s.from = op, to, from
	s.pool.For(to.Rows, max(1, pointwiseGrain/to.Cols), s.scale)
	s.op, s.to, s.from = nil, tensor.Matrix[T]{}, tensor.Matrix[T]{}
}

// take returns rows from the work space.
func (s *stack[T]) take(rows, cols int) tensor.Matrix[T] {
	a := tensor.View(rows, cols, s.work[:rows*cols])
	s.work = s.work[rows*cols:]
	return a
}

// products sets the rows of to, m k numbers each, to products of those of sent with the K of the
// ops from cut on.
func (s *stack[T]) products(t *tape[T], m int, to, sent tensor.Matrix[T], work []T) (adds int64) {
	first, last := max(s.cut, t.first), len(t.ops)-1
	if first > last {
		clear(to.Data)
		return 0
	}
	s.work, s.each = work, sent.Rows
	n := m * s.each
	k := sent.Cols / m
	dy := s.take(n, k)
	for r := range n {
		copy(dy.Row(r), sent.Row(r % s.each)[r/s.each*k:])
	}
	for i := last; ; i-- {
		o := &t.ops[i]
		s.cotangents[i] = dy
		if i == first {
			break
		}
		back := s.take(n, t.ops[i-1].width)
		if op, ok := o.op.(diagonalOp[T]); ok {
			s.through(op, back, dy)
		} else {
			o.op.VJP(back, nil, dy)
		}
		adds += int64(n) * o.input
		dy = back
	}
	var dx tensor.Matrix[T]
	for i := first; i <= last; i++ { // the first has weights: what is kept ends before one, or there is none before it
		o := &t.ops[i]
		ahead := s.cotangents[i] // which is not needed any more
		if op, ok := o.op.(diagonalOp[T]); ok {
			s.through(op, ahead, dx)
		} else {
			ahead = s.take(n, o.width)
			adds += o.op.(stackedOp[T]).tangents(ahead, dx, s.cotangents[i])
		}
		if !dx.IsZero() {
			adds += int64(n) * o.input
		}
		dx = ahead
	}
	for r := range n {
		copy(to.Row(r % s.each)[r/s.each*k:][:k], dx.Row(r))
	}
	return adds
}

// tangents sets dY = G B + dX Wᵀ, G B with all vectors of an example side by side.
func (o *dense[T]) tangents(dy, dx, b tensor.Matrix[T]) int64 {
	m := o.x.Rows
	g, adds := o.inputs(true)
	wide := func(a tensor.Matrix[T]) tensor.Matrix[T] { return tensor.View(m, len(a.Data)/m, a.Data) }
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, g, wide(b), 0, wide(dy))
	if !dx.IsZero() {
		tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, dx, o.w, 1, dy)
	}
	return adds + int64(m)*int64(len(dy.Data))
}

func (o *relu[T]) scale(example int, to, from []T) { kernel.Gate(o.x.Row(example), from, to) }

func (o *pointwise[T]) scale(example int, to, from []T) {
	n := len(to)
	kernel.Multiply(o.d[example*n:(example+1)*n], from, to)
}

// A denseMany is what a dense layer has for several vectors by its rows of J.
type denseMany[T tensor.Float] struct {
	v, u, dy     tensor.Matrix[T] // dy: signals in rows i s + c
	wide         tensor.Matrix[T] // m x r out: B, later T, of r vectors side by side
	gather, send func(lo, hi int)
}

// MultiplyMany makes T = G B of all vectors at the same time.
func (o *dense[T]) MultiplyMany(u, v tensor.Matrix[T], work []T) (adds int64) {
	m, r := o.x.Rows, v.Rows
	s := v.Cols / m
	if !o.pairs() {
		for i := range r {
			adds += o.Multiply(tensor.View(m, s, u.Row(i)), tensor.View(m, s, v.Row(i)))
		}
		return adds
	}
	many := o.rows.many
	if many == nil {
		many = new(denseMany[T])
		many.gather, many.send = o.gatherMany, o.sendMany
		o.rows.many = many
	}
	g, adds := o.inputs(true)
	n := m * r * o.out
	t := tensor.View(m, r*o.out, work[n:2*n])
	many.v, many.u, many.dy, many.wide = v, u, o.inOrder(), tensor.View(m, r*o.out, work[:n])
	grain := max(1, pointwiseGrain/(o.out*r*s))
	o.pool.For(m, grain, many.gather)
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, g, many.wide, 0, t)
	many.wide = t
	o.pool.For(m, grain, many.send)
	many.v, many.u, many.dy, many.wide = tensor.Matrix[T]{}, tensor.Matrix[T]{}, tensor.Matrix[T]{}, tensor.Matrix[T]{}
	return adds + int64(r)*int64(o.out)*(int64(m)*int64(m)+2*int64(o.rows.dy.Rows))
}

func (o *dense[T]) gatherMany(lo, hi int) {
	v, dy, b := o.rows.many.v, o.rows.many.dy, o.rows.many.wide
	s := v.Cols / o.x.Rows
	for i := lo; i < hi; i++ {
		row := b.Row(i)
		clear(row)
		for r := range v.Rows {
			kernel.AddRows(row[r*o.out:(r+1)*o.out], dy.Data[i*s*o.out:], o.out, v.Row(r)[i*s:(i+1)*s])
		}
	}
}

func (o *dense[T]) sendMany(lo, hi int) {
	u, dy, t := o.rows.many.u, o.rows.many.dy, o.rows.many.wide
	s := u.Cols / o.x.Rows
	for i := lo; i < hi; i++ {
		row := t.Row(i)
		for r := range u.Rows {
			kernel.AddDots(u.Row(r)[i*s:(i+1)*s], dy.Data[i*s*o.out:], o.out, row[r*o.out:(r+1)*o.out])
		}
	}
}

// MultiplyMany makes Jᵀ v of all vectors, and J of these, as products of matrices.
func (e *Explicit[T]) MultiplyMany(u, v tensor.Matrix[T], work []T) (adds int64) {
	if len(work) < v.Rows*e.jac.Cols { // a layer that says nothing of it
		s := v.Cols / e.m
		for i := range v.Rows {
			adds += e.Multiply(tensor.View(e.m, s, u.Row(i)), tensor.View(e.m, s, v.Row(i)))
		}
		return adds
	}
	sums := tensor.View(v.Rows, e.jac.Cols, work[:v.Rows*e.jac.Cols])
	tensor.Gemm(e.on, tensor.NoTrans, tensor.NoTrans, 1, v, e.jac, 0, sums)
	tensor.Gemm(e.on, tensor.NoTrans, tensor.Trans, 1, sums, e.jac, 1, u)
	return 2 * int64(v.Rows) * int64(e.jac.Rows) * int64(e.jac.Cols)
}
