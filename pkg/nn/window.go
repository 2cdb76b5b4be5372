package nn

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Window slides over each channel of an image that has padding on all four
// sides. Rows and columns at the end that no whole window reaches are left out.
type Window struct {
	Size    int `yaml:"size" doc:"height and width of the window"`
	Stride  int `yaml:"stride" doc:"from one window to the next; 0: size"`
	Padding int `yaml:"padding" doc:"rows and columns added on every side, at most size/2"`
}

// check reports options that fit no image.
func (w Window) check() error {
	switch {
	case w.Size <= 0:
		return strict.Field("size", "must be a positive number, got %d", w.Size)
	case w.Stride < 0:
		return strict.Field("stride", "must be 0 (the size) or a positive number, got %d", w.Stride)
	case w.Padding < 0 || w.Padding > w.Size/2:
		return strict.Field("padding", "must be from 0 to %d, half the size, got %d", w.Size/2, w.Padding)
	}
	return nil
}

// Carries says that the values of a pooling layer are those of its input.
func (Window) Carries() {}

func (w Window) stride() int {
	if w.Stride == 0 {
		return w.Size
	}
	return w.Stride
}

// shape returns what the window makes of an image.
func (w Window) shape(in tensor.Shape) (tensor.Shape, error) {
	h, v := in.H+2*w.Padding, in.W+2*w.Padding
	if w.Size > min(h, v) {
		return tensor.Shape{}, fmt.Errorf("the window of %dx%d is larger than the image of %dx%d (with padding %d) of examples of shape %s", w.Size, w.Size, h, v, w.Padding, in)
	}
	return tensor.Shape{C: in.C, H: (h-w.Size)/w.stride() + 1, W: (v-w.Size)/w.stride() + 1}, nil
}

// span returns the rows of n, or columns, that window i covers, from lo to hi-1.
// Padding of at most half the size leaves no window without any.
func (w Window) span(i, n int) (lo, hi int) {
	lo = i*w.stride() - w.Padding
	return max(lo, 0), min(lo+w.Size, n)
}

// channels is a loop over the channels of all examples of a mini-batch, for
// layers that treat each alone.
type channels[T tensor.Float] struct {
	pool    *tensor.Pool
	in, out int // values of a channel
	grain   int // channels that one thread takes at a time

	y, x []T // operands of the loop that is running
}

func newChannels[T tensor.Float](in, out tensor.Shape, p *tensor.Pool) channels[T] {
	return channels[T]{pool: p, in: in.H * in.W, out: out.H * out.W, grain: max(1, pointwiseGrain/(in.H*in.W))}
}

// run calls body for ranges of channels. The matrix y has the outputs, or their
// tangents, and x the inputs.
func (o *channels[T]) run(y, x tensor.Matrix[T], body func(lo, hi int)) {
	o.y, o.x = y.Flat(), x.Flat()
	o.pool.For(len(o.x)/o.in, o.grain, body)
	o.y, o.x = nil, nil
}

// channel returns the outputs and the inputs of channel c, counted over all examples.
func (o *channels[T]) channel(c int) (y, x []T) {
	return o.y[c*o.out : (c+1)*o.out], o.x[c*o.in : (c+1)*o.in]
}
