package nn

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Pooling slides over each channel of an image that has padding on all four
// sides. Rows and columns at the end that no whole window reaches are left out.
type Pooling struct {
	Size    int `yaml:"size" doc:"height and width of the window"`
	Stride  int `yaml:"stride" doc:"from one window to the next; 0: size"`
	Padding int `yaml:"padding" doc:"rows and columns added on every side, at most size/2"`
}

// check reports options that fit no image.
func (l Pooling) check() error {
	switch {
	case l.Size <= 0:
		return strict.Field("size", "must be a positive number, got %d", l.Size)
	case l.Stride < 0:
		return strict.Field("stride", "must be 0 (the size) or a positive number, got %d", l.Stride)
	case l.Padding < 0 || l.Padding > l.Size/2:
		return strict.Field("padding", "must be from 0 to %d, half the size, got %d", l.Size/2, l.Padding)
	}
	if err := atMost("size", maxSide, l.Size); err != nil {
		return err
	}
	return atMost("stride", maxSide, l.Stride)
}

// Carries says that the values of a pooling layer are those of its input.
func (Pooling) Carries() {}

func (l Pooling) stride() int {
	if l.Stride == 0 {
		return l.Size
	}
	return l.Stride
}

// shape returns what the window makes of an image.
func (l Pooling) shape(in tensor.Shape) (tensor.Shape, error) {
	h, w := in.H+2*l.Padding, in.W+2*l.Padding
	if l.Size > min(h, w) {
		return tensor.Shape{}, fmt.Errorf("the window of %dx%d is larger than the image of %dx%d (with padding %d) of examples of shape %s", l.Size, l.Size, h, w, l.Padding, in)
	}
	return tensor.Shape{C: in.C, H: (h-l.Size)/l.stride() + 1, W: (w-l.Size)/l.stride() + 1}, nil
}

// mustShape is shape for an image that Size accepted.
func (l Pooling) mustShape(in tensor.Shape) tensor.Shape {
	out, err := l.shape(in)
	if err != nil {
		panic("nn: a pooling layer is bound to a shape it cannot take")
	}
	return out
}

// span returns the rows of n, or columns, that window i covers, from lo to hi-1.
// Padding of at most half the size leaves no window without any.
func (l Pooling) span(i, n int) (lo, hi int) {
	lo = i*l.stride() - l.Padding
	return max(lo, 0), min(lo+l.Size, n)
}
