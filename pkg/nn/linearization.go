package nn

import "github.com/dualgn/dgn/pkg/tensor"

// A Linearization is a network on a mini-batch of m examples: its outputs at
// weights w, and there J = df(w), which maps R^p to R^{m x k}. After
// Linearize, JVP and VJP may be called any number of times; nothing is
// allocated after NewLinearization, but for what products with K need when they are first
// made.
type Linearization[T tensor.Float] struct {
	net  *Net
	m    int // the largest batch
	pool *tensor.Pool
	tape *tape[T]

	rows int                    // examples in the current batch
	y    []T                    // outputs
	out  tensor.Matrix[float64] // the same in float64

	w       []T              // at which the network is linearized
	x       tensor.Matrix[T] // and the batch
	slots   slots            // sizes of work space
	signals *workspace[T]    // for Backprop, made when first needed
	room    int              // signals of an example that there is room for
	runs    int              // runValues, but in tests
	walk    walk[T]          // the Backprop that is running
	back    []T              // a cotangent of the outputs, for products
	stack   *stack[T]        // of several, made when first needed

	// Rows of J that are kept of the mini-batch, see [Linearization.Keep].
	keeper keeper[T]
	kept   []keptOp[T]
	cut    int // the ops from here on are not kept

	best int // Net.keepsBelow of the largest batch, -1 where it was not asked for

	own []T // the inputs of examples that were selected

	second *Linearization[T] // for At, made when first needed
	trial  []T               // its weights
}

// NewLinearization returns a linearization for batches of at most m examples.
func NewLinearization[T tensor.Float](n *Net, m int, pool *tensor.Pool) *Linearization[T] {
	if m <= 0 {
		panic("nn: NewLinearization: m must be positive")
	}
	l := &Linearization[T]{net: n, m: m, pool: pool, y: make([]T, m*n.Outputs()), out: tensor.New[float64](m, n.Outputs()), best: -1, runs: runValues}
	l.slots.reserve(&n.chain, 0)
	l.tape = newTape(&n.chain, m, pool, newWorkspace[T](l.slots, m), 0)
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
	l.forgetRows()
	y := tensor.View(l.rows, l.out.Cols, l.y[:l.rows*l.out.Cols])
	l.tape.forward(y, x, w)
	z := l.Outputs()
	tensor.Convert(z.Flat(), y.Flat())
	return z
}

// Outputs returns what the last Linearize returned.
func (l *Linearization[T]) Outputs() tensor.Matrix[float64] { return l.out.RowRange(0, l.rows) }

// JVP sets u = J d, rows x k, for d of length p.
func (l *Linearization[T]) JVP(u tensor.Matrix[float64], d []T) {
	l.check(d)
	l.checkOutputs(u)
	dy := l.ends()
	l.tape.jvp(dy, tensor.Matrix[T]{}, d)
	for r := range l.rows {
		tensor.Convert(u.Row(r), dy.Row(r))
	}
}

// VJP sets d = Jᵀ alpha, of length p, for alpha of rows x k.
func (l *Linearization[T]) VJP(d []T, alpha tensor.Matrix[float64]) {
	l.check(d)
	l.checkOutputs(alpha)
	dy := l.ends()
	for r := range l.rows {
		tensor.Convert(dy.Row(r), alpha.Row(r))
	}
	l.tape.vjp(tensor.Matrix[T]{}, d, dy)
}

// ends returns work space for a tangent or cotangent of the outputs.
func (l *Linearization[T]) ends() tensor.Matrix[T] {
	return l.tape.between(l.tape.space, len(l.tape.ops)-1, l.rows)
}

// Weights returns the weights at which the network is linearized.
func (l *Linearization[T]) Weights() []T { return l.w }

// OutputsAt returns the outputs of the network itself at w + eta d, and leaves the
// linearization as it is. The result is valid until the next call of it or of At.
func (l *Linearization[T]) OutputsAt(eta float64, d []T) tensor.Matrix[float64] {
	return l.At(eta, d).Outputs()
}

// At returns a linearization of the network on the same batch at w + eta d, and leaves this
// one as it is. It is valid until the next call of At or of OutputsAt.
func (l *Linearization[T]) At(eta float64, d []T) *Linearization[T] {
	l.check(d)
	if l.second == nil {
		l.second = NewLinearization[T](l.net, l.m, l.pool)
		l.trial = make([]T, l.net.params)
	}
	copy(l.trial, l.w)
	tensor.Axpy(l.pool, T(eta), d, l.trial)
	l.second.Linearize(l.trial, l.x)
	return l.second
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

// Dims returns the sizes for the batch at hand.
func (l *Linearization[T]) Dims() Dims { return l.net.Dims(l.rows) }
