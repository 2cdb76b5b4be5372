package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A pointwise function sets y = f(x) and d = f'(x), value by value.
type pointwiseOf[T tensor.Float] func(y, d, x []T)

// A curvatureOf a pointwise function sets second = f”(x) and third = f”'(x), for y = f(x) and
// d = f'(x).
type curvatureOf[T tensor.Float] func(second, third, x, y, d []T)

// A smooth activation has the derivatives that those of jets take, in both precisions.
type smooth struct {
	f32 pointwiseOf[float32]
	f64 pointwiseOf[float64]
	c32 curvatureOf[float32]
	c64 curvatureOf[float64]
}

// jetActivation is a smooth activation on jets (docs/math.md section 11): of z it makes
//
//	y = f(z),  y_j = f'(z) z_j,  y_L = f'(z) z_L + f”(z) Σ_j c_j z_j²
//
// with the sum over the coordinates whose second derivatives are wanted, and their weights c_j.
type jetActivation struct {
	Activation
	smooth
	Jet
}

var (
	_ Layer      = jetActivation{}
	_ Activation = jetActivation{}
)

// Size keeps f', f” and the derivative of y_L in z.
func (l jetActivation) Size(in tensor.Shape) (Size, error) {
	return Size{Out: in, Kept: size.Product(3, in.W)}, nil
}

func (l jetActivation) Ops() Ops {
	return Ops{
		Float32: func(at Site) Op[float32] { return newJetActivation(l.f32, l.c32, l.Jet, at) },
		Float64: func(at Site) Op[float64] { return newJetActivation(l.f64, l.c64, l.Jet, at) },
	}
}

func newJetActivation[T tensor.Float](f pointwiseOf[T], c curvatureOf[T], j Jet, at Site) Op[T] {
	n := at.Examples * at.In.W
	o := &jetActivationOp[T]{
		pool: at.Pool, f: f, curvature: c, dimension: j.Dimension, second: j.weights(), width: at.In.W,
		kept: make([]T, 3*n),
	}
	o.forward, o.jvp, o.vjp = o.each(o.forwardOf), o.each(o.jvpOf), o.each(o.vjpOf)
	return o
}

type jetActivationOp[T tensor.Float] struct {
	pool      *tensor.Pool
	f         pointwiseOf[T]
	curvature curvatureOf[T]
	dimension int
	second    []float64 // c_j of each coordinate, 0 for those that are not in the sum
	width     int

	x    tensor.Matrix[T]
	kept []T // of each example f', f” and e = f” z_L + f”' Σ_j c_j z_j²

	to, from          tensor.Matrix[T] // operands of the loop that is running
	forward, jvp, vjp func(lo, hi int)
}

// each returns the loop over some examples. In it f gets the streams z of the input, those
// that it makes of others, and f', f” and e.
func (o *jetActivationOp[T]) each(f func(z, to, from jetRow[T], d, s, e []T)) func(lo, hi int) {
	return func(lo, hi int) {
		w := o.width
		for i := lo; i < hi; i++ {
			k := o.kept[3*i*w : 3*(i+1)*w]
			f(jetRow[T]{o.x.Row(i), w}, jetRow[T]{o.to.Row(i), w}, jetRow[T]{o.from.Row(i), w}, k[:w], k[w:2*w], k[2*w:])
		}
	}
}

// A jetRow is one example.
type jetRow[T tensor.Float] struct {
	all   []T
	width int
}

// stream returns the value (0), a derivative (1 to d) or the sum of second ones (d + 1).
func (r jetRow[T]) stream(i int) []T { return r.all[i*r.width : (i+1)*r.width] }

func (o *jetActivationOp[T]) run(to, from tensor.Matrix[T], body func(lo, hi int)) {
	o.to, o.from = to, from
	o.pool.For(o.x.Rows, max(1, pointwiseGrain/(1+o.x.Cols)), body)
	o.to, o.from = tensor.Matrix[T]{}, tensor.Matrix[T]{}
}

func (o *jetActivationOp[T]) Forward(y, x tensor.Matrix[T], _ []T) {
	o.x = x
	o.run(y, x, o.forward)
}

// weigh makes v, which is divided by a weight, one that is divided by the next, and returns that. So sums
// with weights take passes over v alone, and none where weights are 1.
func weigh[T tensor.Float](v []T, by, next float64) float64 {
	if by != next {
		kernel.Scale(T(by/next), v)
	}
	return next
}

func (o *jetActivationOp[T]) forwardOf(z, y, _ jetRow[T], d, s, e []T) {
	last := o.dimension + 1
	o.f(y.stream(0), d, z.stream(0))
	o.curvature(s, e, z.stream(0), y.stream(0), d)
	yl, zl := y.stream(last), z.stream(last)
	clear(yl)
	by := 1.0
	for j, c := range o.second {
		zj := z.stream(1 + j)
		kernel.Multiply(d, zj, y.stream(1+j))
		if c != 0 {
			by = weigh(yl, by, c)
			kernel.MultiplyAdd(zj, zj, yl)
		}
	}
	weigh(yl, by, 1)
	kernel.JetForward(d, s, zl, e, yl) // yl is the sum of squares so far
}

// JVP sets dy = f' dz, dy_j = f' dz_j + f” z_j dz and dy_L = f' dz_L + e dz + 2 f” Σ_j c_j z_j dz_j.
func (o *jetActivationOp[T]) JVP(dy, dx tensor.Matrix[T], _ []T) {
	if dx.IsZero() {
		clear(dy.Flat())
		return
	}
	o.run(dy, dx, o.jvp)
}

func (o *jetActivationOp[T]) jvpOf(z, dy, dz jetRow[T], d, s, e []T) {
	last := o.dimension + 1
	dy0, dyl, dz0, dzl := dy.stream(0), dy.stream(last), dz.stream(0), dz.stream(last)
	kernel.Multiply(s, dz0, dy0)
	clear(dyl)
	by := 1.0
	for j, c := range o.second {
		zj, dzj, dyj := z.stream(1+j), dz.stream(1+j), dy.stream(1+j)
		kernel.Multiply(d, dzj, dyj)
		kernel.MultiplyAdd(zj, dy0, dyj)
		if c != 0 {
			by = weigh(dyl, by, c)
			kernel.MultiplyAdd(zj, dzj, dyl)
		}
	}
	weigh(dyl, by, 1)
	kernel.JetJVP(d, s, e, dz0, dzl, dyl, dy0)
}

// VJP sets dz = f' dy + f” Σ_j z_j dy_j + e dy_L, dz_L = f' dy_L and dz_j = f' dy_j, to which
// 2 c_j f” z_j dy_L is added.
func (o *jetActivationOp[T]) VJP(dx tensor.Matrix[T], _ []T, dy tensor.Matrix[T]) {
	if !dx.IsZero() {
		o.run(dx, dy, o.vjp)
	}
}

func (o *jetActivationOp[T]) vjpOf(z, dz, dy jetRow[T], d, s, e []T) {
	last := o.dimension + 1
	dy0, dyl, dz0, dzl := dy.stream(0), dy.stream(last), dz.stream(0), dz.stream(last)
	kernel.Multiply(s, dyl, dzl)
	kernel.Scale(2, dzl)
	clear(dz0)
	by := 1.0
	for j, c := range o.second {
		zj, dyj, dzj := z.stream(1+j), dy.stream(1+j), dz.stream(1+j)
		kernel.Multiply(d, dyj, dzj)
		if c != 0 {
			weigh(dzl, c, by) // which now has the factor c
			by = c
			kernel.MultiplyAdd(zj, dzl, dzj)
		}
		kernel.MultiplyAdd(zj, dyj, dz0)
	}
	kernel.JetVJP(d, s, e, dy0, dyl, dz0, dzl)
}
