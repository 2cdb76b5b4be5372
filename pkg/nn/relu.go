package nn

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "relu", Doc: "max(0, x); the derivative at 0 is 0", Reference: "Nair and Hinton 2010"},
		ReLU{}, func(l ReLU) (Layer, error) { return l, nil })
}

// ReLU is y = max(0, x), value by value.
type ReLU struct{}

var (
	_ Layer      = ReLU{}
	_ Activation = ReLU{}
)

// Size keeps nothing: the derivative is that of the input, which is kept for it.
func (ReLU) Size(in tensor.Shape) (Size, error) { return Size{Out: in}, nil }

func (ReLU) Initializer() (string, float64) { return "he_normal", math.Sqrt2 }

func (ReLU) kinks() {}

func (l ReLU) Ops() Ops { return OpsOf(l, newReLU[float32], newReLU[float64]) }

func newReLU[T tensor.Float](_ ReLU, at Site) Op[T] {
	o := &relu[T]{pool: at.Pool}
	o.gate = func(lo, hi int) { kernel.Gate(o.by[lo:hi], o.from[lo:hi], o.to[lo:hi]) }
	return o
}

// relu has the derivative 1 where the input is above 0. So is the output, which may be given
// for the input: it may lie in its place.
type relu[T tensor.Float] struct {
	pool *tensor.Pool
	x    tensor.Matrix[T]

	by, from, to []T // operands of the loop that is running
	gate         func(lo, hi int)
}

// gateGrain is the number of values that one thread takes at a time, in some microseconds.
const gateGrain = 1 << 15

// run sets to to from, and to 0 where x is 0 or below.
func (o *relu[T]) run(to, from tensor.Matrix[T]) {
	o.by, o.from, o.to = o.x.Flat(), from.Flat(), to.Flat()
	o.pool.For(len(o.to), gateGrain, o.gate)
	o.by, o.from, o.to = nil, nil, nil
}

// Forward sets y = max(0, x).
func (o *relu[T]) Forward(y, x tensor.Matrix[T], _ []T) {
	o.x = x
	o.run(y, x)
}

// JVP sets dy = f'(x) dx.
func (o *relu[T]) JVP(dy, dx tensor.Matrix[T], _ []T) {
	if dx.IsZero() {
		clear(dy.Flat())
		return
	}
	o.run(dy, dx)
}

// VJP sets dx = f'(x) dy.
func (o *relu[T]) VJP(dx tensor.Matrix[T], _ []T, dy tensor.Matrix[T]) {
	if !dx.IsZero() {
		o.run(dx, dy)
	}
}
