package nn

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "max_pool", Doc: "the largest value in each window; of several the first, row by row, gets the derivative"},
		MaxPool{Pooling{Size: 2}}, newMaxPool,
		MaxPool{Pooling{Size: 3, Stride: 2, Padding: 1}}, MaxPool{Pooling{Size: 2, Stride: 1}}, MaxPool{Pooling{Size: 1, Stride: 2}})
}

// MaxPool takes the largest value in each window. Padding never is the largest.
// A NaN is larger than any number.
type MaxPool struct {
	Pooling `yaml:",inline"`
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

func (l MaxPool) Ops() Ops { return OpsOf(l, newMaxPoolOp[float32], newMaxPoolOp[float64]) }

func newMaxPoolOp[T tensor.Float](l MaxPool, at Site) Op[T] {
	return bindMaxPool[T](l.Pooling, at, false)
}

// bindMaxPool returns the op of the layer, or of a relu layer and it as one.
func bindMaxPool[T tensor.Float](l Pooling, at Site, rectify bool) Op[T] {
	out := l.mustShape(at.In)
	area := out.H * out.W
	// Where in its channel the value of each output is; -1: nowhere, a 0 of relu.
	from := make([]int32, at.Examples*out.Len())
	return newChannels(at.In, out, at.Pool,
		func(y, x []T, c int) { largest(l, at.In, out, y, from[c*area:(c+1)*area], x, rectify) },
		func(y, x []T, c int) {
			for i, j := range from[c*area : (c+1)*area] {
				if y[i] = 0; j >= 0 {
					y[i] = x[j]
				}
			}
		},
		func(y, x []T, c int) {
			from := from[c*area : (c+1)*area]
			if l.ofFour() {
				kernel.SpreadOfFour(x, y, from, at.In.H, at.In.W)
				return
			}
			clear(x)
			for i, j := range from {
				if j >= 0 {
					x[j] += y[i]
				}
			}
		})
}

// ofFour reports whether windows are of 2x2 values, next to each other.
func (l Pooling) ofFour() bool { return l.Size == 2 && l.stride() == 2 && l.Padding == 0 }

// largest pools one channel.
func largest[T tensor.Float](l Pooling, in, out tensor.Shape, y []T, from []int32, x []T, rectify bool) {
	if l.ofFour() {
		kernel.LargestOfFour(y, from, x, in.H, in.W, rectify)
		return
	}
	i := 0
	for oy := range out.H {
		top, bottom := l.span(oy, in.H)
		for ox := range out.W {
			left, right := l.span(ox, in.W)
			at := largestIn(x, in.W, top, bottom, left, right)
			if y[i], from[i] = x[at], int32(at); rectify && y[i] <= 0 {
				y[i], from[i] = 0, -1
			}
			i++
		}
	}
}

// largestIn returns where the largest value of a window is in rows of w values.
func largestIn[T tensor.Float](x []T, w, top, bottom, left, right int) int {
	at := top*w + left
	best := x[at]
	for r := top; r < bottom; r++ {
		for j, v := range x[r*w+left : r*w+right] {
			if v > best || v != v {
				best, at = v, r*w+left+j
			}
		}
	}
	return at
}
