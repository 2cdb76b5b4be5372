package nn

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "layer_norm", Doc: "all values of an example to mean 0 and variance 1, then a scale and a shift for each value",
		Reference: "Ba, Kiros and Hinton 2016, arXiv 1607.06450"},
		LayerNorm{Eps: 1e-5}, newLayerNorm, LayerNorm{Eps: 0.1})
}

// LayerNorm is y = w (x - mean)/√(variance + eps) + b with the mean and the
// variance of all values of an example, and w and b for each of them.
type LayerNorm struct {
	Eps float64 `yaml:"eps" doc:"added to the variance"`
}

var (
	_ Layer         = LayerNorm{}
	_ Normalization = LayerNorm{}
	_ Initializable = LayerNorm{}
)

func newLayerNorm(l LayerNorm) (Layer, error) { return l, checkEps(l.Eps) }

func (l LayerNorm) Size(in tensor.Shape) (Size, error) {
	shape := []int{in.C, in.H, in.W}
	if in.IsVector() {
		shape = shape[:1]
	}
	return Size{Out: in, Params: []Param{{"weight", shape, true}, {"bias", shape, true}}, Kept: in.Len() + 1}, nil
}

// Carries says that the scale of the weights before does not matter.
func (LayerNorm) Carries() {}

// Normalizes says what the layer is for.
func (LayerNorm) Normalizes() {}

// Init sets w = 1 and b = 0.
func (LayerNorm) Init(w []float64, in tensor.Shape, _ Layer, _ *rand.Rand) { initNorm(w) }

func (l LayerNorm) Ops() Ops { return OpsOf(l, newLayerNormOp[float32], newLayerNormOp[float64]) }

type layerNorm[T tensor.Float] struct {
	pool  *tensor.Pool
	len   int // values of an example
	eps   float64
	grain int // examples that one thread takes at a time
	ones  []T // len

	w     []T
	hat   []T // h = (x - mean)/√(variance + eps) of m examples
	scale []T // 1/√(variance + eps) of each
	batch int // examples in the current batch
	*Explicit[T]

	// Operands of the loop that is running.
	y, x tensor.Matrix[T]
	dw   []T

	forward, jvp, vjp, columns, products func(lo, hi int)
}

func newLayerNormOp[T tensor.Float](l LayerNorm, at Site) Op[T] {
	n := at.In.Len()
	o := &layerNorm[T]{
		pool: at.Pool, len: n, eps: l.Eps, grain: max(1, pointwiseGrain/n), ones: filled[T](n, 1),
		hat: make([]T, at.Examples*n), scale: make([]T, at.Examples), Explicit: NewExplicit[T](at.Pool),
	}
	o.forward, o.jvp, o.vjp, o.columns, o.products = o.forwardRows, o.jvpRows, o.vjpRows, o.weightColumns, o.productRows
	return o
}

var _ GramOp[float32] = (*layerNorm[float32])(nil)

func (o *layerNorm[T]) Forward(y, x tensor.Matrix[T], w []T) {
	o.y, o.x, o.w, o.batch = y, x, w, x.Rows
	o.pool.For(x.Rows, o.grain, o.forward)
}

func (o *layerNorm[T]) hatOf(i int) []T { return o.hat[i*o.len : (i+1)*o.len] }

// normalize returns h of example i.
func (o *layerNorm[T]) normalize(i int) []T {
	hat, x, n := o.hatOf(i), o.x.Row(i), float64(o.len)
	mean := T(kernel.Sum(x) / n)
	o.scale[i] = T(1 / math.Sqrt(kernel.Squares(x, mean)/n+o.eps))
	kernel.Normal(hat, x, mean, o.scale[i], 1, 0)
	return hat
}

func (o *layerNorm[T]) forwardRows(lo, hi int) {
	for i := lo; i < hi; i++ {
		y := o.y.Row(i)
		kernel.Multiply(o.normalize(i), o.w[:o.len], y)
		kernel.Axpy(1, o.w[o.len:], y)
	}
}

// JVP sets dy = w dh + dw h + db, where h is x normalised, 1/s what scales it, and
// dh = (dx - mean(dx) - h mean(h dx))/s.
func (o *layerNorm[T]) JVP(dy, dx tensor.Matrix[T], dw []T) {
	o.y, o.x, o.dw = dy, dx, dw
	o.pool.For(dy.Rows, o.grain, o.jvp)
}

func (o *layerNorm[T]) jvpRows(lo, hi int) {
	n := o.len
	w, dw, db := o.w[:n], o.dw[:n], o.dw[n:2*n]
	for i := lo; i < hi; i++ {
		hat, dy := o.hatOf(i), o.y.Row(i)
		for j, h := range hat {
			dy[j] = dw[j]*h + db[j]
		}
		if o.x.IsZero() {
			continue
		}
		dx, r := o.x.Row(i), o.scale[i]
		mean, along := T(kernel.Sum(dx)/float64(n)), T(kernel.Dot(hat, dx)/float64(n))
		for j, h := range hat {
			dy[j] += w[j] * r * (dx[j] - mean - along*h)
		}
	}
}

// VJP sets dw = Σ h dy and db = Σ dy over the examples, and
// dx = (w dy - mean(w dy) - h mean(h w dy))/s.
func (o *layerNorm[T]) VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	o.y, o.x, o.dw = dy, dx, dw
	if dw != nil {
		o.pool.For(o.len, max(16, pointwiseGrain/max(1, dy.Rows)), o.columns)
	}
	if !dx.IsZero() {
		o.pool.For(dy.Rows, o.grain, o.vjp)
	}
}

func (o *layerNorm[T]) vjpRows(lo, hi int) {
	for i := lo; i < hi; i++ {
		hat, dy, dx, r := o.hatOf(i), o.y.Row(i), o.x.Row(i), o.scale[i]
		kernel.Multiply(dy, o.w[:o.len], dx)
		n := float64(o.len)
		mean, along := kernel.Sum(dx)/n, kernel.Dot(hat, dx)/n
		kernel.Axpy(T(-mean), o.ones, dx)
		kernel.Axpy(T(-along), hat, dx)
		kernel.Scale(r, dx)
	}
}

// weightColumns sums the columns from lo to hi-1, from the first example to the
// last.
func (o *layerNorm[T]) weightColumns(lo, hi int) {
	dw, db := o.dw[lo:hi], o.dw[o.len+lo:o.len+hi]
	clear(dw)
	clear(db)
	for i := range o.y.Rows {
		hat := o.hatOf(i)[lo:hi]
		for j, v := range o.y.Row(i)[lo:hi] {
			dw[j] += v * hat[j]
			db[j] += v
		}
	}
}

// Keep forms what each signal says about w and b; signal r is that of example r mod m.
func (o *layerNorm[T]) Keep(dy tensor.Matrix[T], _ int) int64 {
	o.Rows(dy, o.batch, 2*o.len)
	o.y = dy
	o.pool.For(dy.Rows, o.grain, o.products)
	return 0
}

func (o *layerNorm[T]) productRows(lo, hi int) {
	for r := lo; r < hi; r++ {
		to, dy := o.Row(r), o.y.Row(r)
		kernel.Multiply(o.hatOf(r%o.batch), dy, to[:o.len])
		copy(to[o.len:], dy)
	}
}
