package nn

import (
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// pointwise is y = f(x), value by value, without weights.
type pointwise[T tensor.Float] struct {
	pool *tensor.Pool
	f    func(y, d, x []T) // sets y = f(x) and d = f'(x)
	d    []T               // f'(x), for all examples

	y, x []T // operands of the loop that is running

	forward, multiply func(lo, hi int)
}

// pointwiseGrain is the number of values that one thread takes at a time.
const pointwiseGrain = 1 << 12

// PointwiseOps returns the constructors of a layer y = f(x), value by value, from
// the two instances of one generic function, which sets y = f(x) and d = f'(x).
func PointwiseOps(f32 func(y, d, x []float32), f64 func(y, d, x []float64)) Ops {
	return Ops{
		Float32: func(at Site) Op[float32] { return newPointwise(f32, at) },
		Float64: func(at Site) Op[float64] { return newPointwise(f64, at) },
	}
}

func newPointwise[T tensor.Float](f func(y, d, x []T), at Site) Op[T] {
	o := &pointwise[T]{pool: at.Pool, f: f, d: make([]T, at.Examples*at.In.Len())}
	o.forward = func(lo, hi int) { o.f(o.y[lo:hi], o.d[lo:hi], o.x[lo:hi]) }
	o.multiply = func(lo, hi int) { kernel.Multiply(o.d[lo:hi], o.x[lo:hi], o.y[lo:hi]) }
	return o
}

func (o *pointwise[T]) run(y, x tensor.Matrix[T], body func(lo, hi int)) {
	o.y, o.x = y.Flat(), x.Flat()
	o.pool.For(len(o.x), pointwiseGrain, body)
	o.y, o.x = nil, nil
}

func (o *pointwise[T]) Forward(y, x tensor.Matrix[T], _ []T) { o.run(y, x, o.forward) }

// JVP sets dy = f'(x) dx.
func (o *pointwise[T]) JVP(dy, dx tensor.Matrix[T], _ []T) {
	if dx.IsZero() {
		clear(dy.Flat())
		return
	}
	o.run(dy, dx, o.multiply)
}

// VJP sets dx = f'(x) dy.
func (o *pointwise[T]) VJP(dx tensor.Matrix[T], _ []T, dy tensor.Matrix[T]) {
	if !dx.IsZero() {
		o.run(dx, dy, o.multiply)
	}
}

// pointwiseSize is the Size of an activation: the derivative is kept.
func pointwiseSize(in tensor.Shape) (Size, error) {
	return Size{Out: in, Kept: in.Len()}, nil
}
