package nn

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "max_pool", Doc: "the largest value in each window; of several the first, row by row, gets the derivative"},
		MaxPool{Window{Size: 2}}, newMaxPool,
		MaxPool{Window{Size: 3, Stride: 2, Padding: 1}}, MaxPool{Window{Size: 2, Stride: 1}}, MaxPool{Window{Size: 1, Stride: 2}})
}

// MaxPool takes the largest value in each window. Padding never is the largest.
// A NaN is larger than any number.
type MaxPool struct {
	Window `yaml:",inline"`
}

var (
	_ Layer   = MaxPool{}
	_ Carrier = MaxPool{}
)

func newMaxPool(l MaxPool) (Layer, error) { return l, l.check() }

func (l MaxPool) Size(in tensor.Shape) (Size, error) {
	out, err := l.shape(in)
	return Size{Out: out, Indices: out.Len()}, err
}

func (l MaxPool) Bind32(in tensor.Shape, m int, p *tensor.Pool) Op[float32] {
	return bindMaxPool[float32](l, in, m, p)
}

func (l MaxPool) Bind64(in tensor.Shape, m int, p *tensor.Pool) Op[float64] {
	return bindMaxPool[float64](l, in, m, p)
}

type maxPool[T tensor.Float] struct {
	channels[T]
	window Window
	h, w   int     // of the inputs
	oh, ow int     // of the outputs
	from   []int32 // where in its channel the value of each output is

	forward, gather, scatter func(lo, hi int)
}

func bindMaxPool[T tensor.Float](l MaxPool, in tensor.Shape, m int, p *tensor.Pool) Op[T] {
	out, err := l.shape(in)
	if err != nil {
		panic("nn: max_pool: bound to a shape it cannot take")
	}
	o := &maxPool[T]{
		channels: newChannels[T](in, out, p), window: l.Window,
		h: in.H, w: in.W, oh: out.H, ow: out.W, from: make([]int32, m*out.Len()),
	}
	o.forward = func(lo, hi int) {
		for c := lo; c < hi; c++ {
			y, x := o.channel(c)
			o.largest(y, x, o.from[c*o.out:(c+1)*o.out])
		}
	}
	o.gather = func(lo, hi int) {
		for c := lo; c < hi; c++ {
			y, x := o.channel(c)
			for i, j := range o.from[c*o.out : (c+1)*o.out] {
				y[i] = x[j]
			}
		}
	}
	o.scatter = func(lo, hi int) {
		for c := lo; c < hi; c++ {
			y, x := o.channel(c)
			clear(x)
			for i, j := range o.from[c*o.out : (c+1)*o.out] {
				x[j] += y[i]
			}
		}
	}
	return o
}

// largest pools one channel.
func (o *maxPool[T]) largest(y, x []T, from []int32) {
	i := 0
	for oy := range o.oh {
		top, bottom := o.window.span(oy, o.h)
		for ox := range o.ow {
			left, right := o.window.span(ox, o.w)
			at := top*o.w + left
			best := x[at]
			for r := top; r < bottom; r++ {
				for j, v := range x[r*o.w+left : r*o.w+right] {
					if v > best || v != v {
						best, at = v, r*o.w+left+j
					}
				}
			}
			y[i], from[i] = best, int32(at)
			i++
		}
	}
}

func (o *maxPool[T]) Forward(y, x tensor.Matrix[T], _ []T) { o.run(y, x, o.forward) }

// JVP takes the tangent of the largest value.
func (o *maxPool[T]) JVP(dy, dx tensor.Matrix[T], _ []T) {
	if dx.IsZero() {
		clear(dy.Flat())
		return
	}
	o.run(dy, dx, o.gather)
}

// VJP gives the cotangent of each output to its largest value.
func (o *maxPool[T]) VJP(dx tensor.Matrix[T], _ []T, dy tensor.Matrix[T]) {
	if !dx.IsZero() {
		o.run(dy, dx, o.scatter)
	}
}
