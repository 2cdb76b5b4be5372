package nn

import (
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// Lift returns the layer on jets: every stream times Wᵀ, and b on the value alone.
func (l Dense) Lift(j Jet) Layer { return jetDense{l, j} }

// jetDense is a dense layer on jets.
type jetDense struct {
	dense Dense // by name: jets do not pass through what it does for relu layers
	Jet
}

var (
	_ Layer         = jetDense{}
	_ Initializable = jetDense{}
	_ GramLayer     = jetDense{}
)

// values is the shape of the values of jets of a shape.
func values(in tensor.Shape) tensor.Shape { return tensor.Shape{C: in.W, H: 1, W: 1} }

func (l jetDense) Size(in tensor.Shape) (Size, error) {
	s, err := l.dense.Size(values(in))
	if err != nil {
		return Size{}, err
	}
	n := int64(size.Product(l.Streams(), int(s.Forward)))
	s.Out, s.Forward, s.Weight, s.Input = l.shape(l.dense.Units), n, n, n
	return s, nil
}

func (l jetDense) Init(w []float64, in tensor.Shape, next Layer, rng *rand.Rand) {
	l.dense.Init(w, values(in), next, rng)
}

func (l jetDense) Ops() Ops { return OpsOf(l, newJetDense[float32], newJetDense[float64]) }

func newJetDense[T tensor.Float](l jetDense, at Site) Op[T] {
	o := &jetDenseOp[T]{Explicit: NewExplicit[T](at.Pool), pool: at.Pool, streams: l.Streams(), in: at.In.W, out: l.dense.Units, bias: l.dense.Bias}
	o.form = o.formRows
	return o
}

// jetDenseOp takes a batch of m jets for m (d + 2) rows. Its rows of J are formed: with the
// streams a_is of an example and its signals delta_is, J_i = Σ_s delta_is a_isᵀ, as a
// convolution's sum over positions, and delta_i0 for the bias.
type jetDenseOp[T tensor.Float] struct {
	*Explicit[T]
	pool             *tensor.Pool
	streams, in, out int
	bias             bool

	x, w tensor.Matrix[T] // m (d + 2) x in and out x in

	dy     tensor.Matrix[T] // the signals that Keep has
	turned []T              // of them, with the streams of each output next to each other
	form   func(lo, hi int)
}

func (o *jetDenseOp[T]) alike() {}

// rows returns jets as a matrix with a row for each stream.
func (o *jetDenseOp[T]) rows(a tensor.Matrix[T], cols int) tensor.Matrix[T] {
	return tensor.View(a.Rows*o.streams, cols, a.Flat())
}

// first returns the rows of the values.
func (o *jetDenseOp[T]) first(a tensor.Matrix[T]) tensor.Matrix[T] {
	return tensor.Matrix[T]{Rows: a.Rows, Cols: o.out, Stride: a.Stride, Data: a.Data}
}

func (o *jetDenseOp[T]) split(w []T) (weight tensor.Matrix[T], bias []T) {
	n := o.in * o.out
	return tensor.View(o.out, o.in, w[:n]), w[n:]
}

// Forward sets Y = X Wᵀ, and adds b to the values.
func (o *jetDenseOp[T]) Forward(y, x tensor.Matrix[T], w []T) {
	weight, bias := o.split(w)
	o.x, o.w = o.rows(x, o.in), weight
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, o.x, weight, 0, o.rows(y, o.out))
	o.add(y, bias)
}

// add adds b to the values.
func (o *jetDenseOp[T]) add(y tensor.Matrix[T], b []T) {
	if len(b) == 0 {
		return
	}
	for i := range y.Rows {
		kernel.Axpy(1, b, y.Row(i)[:o.out])
	}
}

// JVP sets dY = X dWᵀ + dX Wᵀ, and adds db to the values.
func (o *jetDenseOp[T]) JVP(dy, dx tensor.Matrix[T], dw []T) {
	weight, bias := o.split(dw)
	to := o.rows(dy, o.out)
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, o.x, weight, 0, to)
	if !dx.IsZero() {
		tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, o.rows(dx, o.in), o.w, 1, to)
	}
	o.add(dy, bias)
}

// VJP sets dW = dYᵀ X, db to the sum of the values' dy, and dX = dY W.
func (o *jetDenseOp[T]) VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	from := o.rows(dy, o.out)
	if dw != nil {
		weight, bias := o.split(dw)
		tensor.Gemm(o.pool, tensor.Trans, tensor.NoTrans, 1, from, o.x, 0, weight)
		if o.bias {
			tensor.ColSums(o.pool, bias, o.first(dy))
		}
	}
	if !dx.IsZero() {
		tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, from, o.w, 0, o.rows(dx, o.in))
	}
}

// Keep forms the rows of J.
func (o *jetDenseOp[T]) Keep(dy tensor.Matrix[T], _ int) int64 {
	n := o.in * o.out
	cols := n
	if o.bias {
		cols += o.out
	}
	o.Rows(dy, o.x.Rows/o.streams, cols)
	grow(&o.turned, len(dy.Flat()))
	o.dy = dy
	o.pool.For(dy.Rows, max(1, pointwiseGrain/(n+1)), o.form)
	o.dy = tensor.Matrix[T]{}
	return int64(dy.Rows) * int64(o.streams) * int64(n)
}

func (o *jetDenseOp[T]) formRows(lo, hi int) {
	m, s := o.x.Rows/o.streams, o.streams
	for r := lo; r < hi; r++ {
		delta := o.turned[r*s*o.out : (r+1)*s*o.out]
		kernel.Transpose(delta, s, o.dy.Row(r), o.out, s, o.out)
		row := o.Row(r)
		weight, a := row[:o.in*o.out], o.x.Data[r%m*s*o.in:]
		clear(weight)
		for c := range o.out {
			kernel.AddRows(weight[c*o.in:(c+1)*o.in], a, o.in, delta[c*s:(c+1)*s])
		}
		if o.bias {
			copy(row[o.in*o.out:], o.dy.Row(r)[:o.out])
		}
	}
}

// GramWork is that of an [Explicit] whose rows are sums over the streams.
func (l jetDense) GramWork(in tensor.Shape, m, s int) GramWork {
	n := size.Product(in.W, l.dense.Units)
	cols := n
	if l.dense.Bias {
		cols = size.Sum(n, l.dense.Units)
	}
	each, signals := size.Product(l.Streams(), n), size.Product(m, s, l.Streams(), l.dense.Units)
	g := explicitWork(m, s, cols)
	g.Keep = adds(size.Product(m, s, each), size.Sum(g.Held, signals))
	g.Chained = adds(size.Product(2, m, each), size.Product(2, m, size.Sum(in.Len(), l.shape(l.dense.Units).Len())))
	g.Held = size.Sum(g.Held, signals)
	return g
}
