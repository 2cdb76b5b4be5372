package nn

import "github.com/dualgn/dgn/pkg/tensor"

// A Linearization is a network on a mini-batch of m examples: its outputs at
// weights w, and there J = df(w), which maps R^p to R^{m x k}. After
// Linearize, JVP and VJP may be called any number of times; nothing is
// allocated after NewLinearization.
type Linearization[T tensor.Float] struct {
	net  *Net
	m    int // the largest batch
	pool *tensor.Pool
	ops  []boundLayer[T]

	rows int                    // examples in the current batch
	tan  [2][]T                 // tangents and cotangents between layers, in turn
	out  tensor.Matrix[float64] // m x k, outputs in float64

	w       []T               // at which the network is linearized
	x       tensor.Matrix[T]  // and the batch
	signals [2][]T            // for Gram, made when first needed
	second  *Linearization[T] // for Beyond, made when first needed
	trial   []T               // its weights
}

// A boundLayer is a layer that changes values; reshaping needs no work.
type boundLayer[T tensor.Float] struct {
	op     Op[T]
	width  int   // values of one example of the output
	lo, hi int   // its weights
	input  int64 // multiply-adds of the input half of a VJP of one example
	y      []T   // outputs of m examples
	starts bool
}

// NewLinearization returns a linearization for batches of at most m examples.
func NewLinearization[T tensor.Float](n *Net, m int, pool *tensor.Pool) *Linearization[T] {
	if m <= 0 {
		panic("nn: NewLinearization: m must be positive")
	}
	l := &Linearization[T]{net: n, m: m, pool: pool, out: tensor.New[float64](m, n.Outputs())}
	widest := 0
	for i, nl := range n.layers {
		if _, ok := nl.Layer.(Reshaper); ok {
			continue
		}
		width := nl.size.Out.Len()
		widest = max(widest, width)
		l.ops = append(l.ops, boundLayer[T]{
			op: bind[T](nl.Layer, nl.in, m, pool), width: width,
			lo: nl.offset, hi: nl.offset + nl.size.NumParams(), input: nl.size.Input,
			y: make([]T, m*width), starts: i == n.first,
		})
	}
	for i := range l.tan {
		l.tan[i] = make([]T, m*widest)
	}
	return l
}

// Linearize sets the weights and the batch, an example in each row of x, and
// returns the outputs, rows x k. It refers to w and x, and the outputs are
// valid, until the next call.
func (l *Linearization[T]) Linearize(w []T, x tensor.Matrix[T]) tensor.Matrix[float64] {
	l.check(w)
	if x.Rows > l.m || x.Cols != l.net.in.Len() {
		panic("nn: Linearize: the batch has the wrong shape")
	}
	l.rows, l.w, l.x = x.Rows, w, x
	for i := range l.ops {
		o := &l.ops[i]
		y := tensor.View(l.rows, o.width, o.y[:l.rows*o.width])
		o.op.Forward(y, x, w[o.lo:o.hi])
		x = y
	}
	z := l.Outputs()
	tensor.Convert(z.Flat(), x.Flat())
	return z
}

// Outputs returns what the last Linearize returned.
func (l *Linearization[T]) Outputs() tensor.Matrix[float64] { return l.out.RowRange(0, l.rows) }

// JVP sets u = J d, rows x k, for d of length p.
func (l *Linearization[T]) JVP(u tensor.Matrix[float64], d []T) {
	l.check(d)
	l.checkOutputs(u)
	var dx tensor.Matrix[T] // no tangent reaches the first layer with weights
	started := false
	for i := range l.ops {
		o := &l.ops[i]
		if started = started || o.starts; !started {
			continue
		}
		dy := tensor.View(l.rows, o.width, l.tan[i%2][:l.rows*o.width])
		o.op.JVP(dy, dx, d[o.lo:o.hi])
		dx = dy
	}
	for r := range l.rows {
		tensor.Convert(u.Row(r), dx.Row(r))
	}
}

// VJP sets d = Jᵀ alpha, of length p, for alpha of rows x k.
func (l *Linearization[T]) VJP(d []T, alpha tensor.Matrix[float64]) {
	l.check(d)
	l.checkOutputs(alpha)
	last := len(l.ops) - 1
	dy := tensor.View(l.rows, l.ops[last].width, l.tan[last%2][:l.rows*l.ops[last].width])
	for r := range l.rows {
		tensor.Convert(dy.Row(r), alpha.Row(r))
	}
	for i := last; i >= 0; i-- {
		o := &l.ops[i]
		if o.starts { // nobody wants its input gradient
			o.op.VJP(tensor.Matrix[T]{}, d[o.lo:o.hi], dy)
			return
		}
		width := l.ops[i-1].width
		dx := tensor.View(l.rows, width, l.tan[(i-1)%2][:l.rows*width])
		o.op.VJP(dx, d[o.lo:o.hi], dy)
		dy = dx
	}
}

// Weights returns the weights at which the network is linearized.
func (l *Linearization[T]) Weights() []T { return l.w }

// Beyond returns the outputs of the network itself at w + eta d, and leaves the
// linearization as it is. The result is valid until the next call.
func (l *Linearization[T]) Beyond(eta float64, d []T) tensor.Matrix[float64] {
	l.check(d)
	if l.second == nil {
		l.second = NewLinearization[T](l.net, l.m, l.pool)
		l.trial = make([]T, l.net.params)
	}
	copy(l.trial, l.w)
	tensor.Axpy(l.pool, T(eta), d, l.trial)
	return l.second.Linearize(l.trial, l.x)
}

func (l *Linearization[T]) check(w []T) {
	if len(w) != l.net.params {
		panic("nn: a vector of weights or a direction has the wrong length")
	}
}

func (l *Linearization[T]) checkOutputs(u tensor.Matrix[float64]) {
	if u.Rows != l.rows || u.Cols != l.out.Cols {
		panic("nn: a matrix of outputs has the wrong shape")
	}
}
