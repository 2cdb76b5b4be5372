package nn

import "github.com/dualgn/dgn/pkg/tensor"

// channels is the op of a layer without weights that treats each channel alone,
// and whose derivative is a gather and a scatter.
type channels[T tensor.Float] struct {
	pool                     *tensor.Pool
	in, out                  int // values of a channel
	grain                    int // channels that one thread takes at a time
	forward, gather, scatter func(lo, hi int)

	y, x []T // operands of the loop that is running
}

// A channelLoop treats channel c, counted over all examples of the mini-batch:
// y are its outputs, or their tangents, and x its inputs.
type channelLoop[T tensor.Float] func(y, x []T, c int)

// newChannels returns an op of three loops: forward sets y from x, gather sets
// the tangents y from x, and scatter the cotangents x from y.
func newChannels[T tensor.Float](in, out tensor.Shape, p *tensor.Pool, forward, gather, scatter channelLoop[T]) *channels[T] {
	o := &channels[T]{pool: p, in: in.H * in.W, out: out.H * out.W}
	o.grain = max(1, pointwiseGrain/o.in)
	over := func(f channelLoop[T]) func(lo, hi int) {
		return func(lo, hi int) {
			for c := lo; c < hi; c++ {
				f(o.y[c*o.out:(c+1)*o.out], o.x[c*o.in:(c+1)*o.in], c)
			}
		}
	}
	o.forward, o.gather, o.scatter = over(forward), over(gather), over(scatter)
	return o
}

func (o *channels[T]) run(y, x tensor.Matrix[T], body func(lo, hi int)) {
	o.y, o.x = y.Flat(), x.Flat()
	o.pool.For(len(o.x)/o.in, o.grain, body)
	o.y, o.x = nil, nil
}

func (o *channels[T]) Forward(y, x tensor.Matrix[T], _ []T) { o.run(y, x, o.forward) }

func (o *channels[T]) JVP(dy, dx tensor.Matrix[T], _ []T) {
	if dx.IsZero() {
		clear(dy.Flat())
		return
	}
	o.run(dy, dx, o.gather)
}

func (o *channels[T]) VJP(dx tensor.Matrix[T], _ []T, dy tensor.Matrix[T]) {
	if !dx.IsZero() {
		o.run(dy, dx, o.scatter)
	}
}
