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
	out := l.mustShape(at.In)
	area := out.H * out.W
	from := make([]int32, at.Examples*out.Len()) // where in its channel the value of each output is
	return newChannels(at.In, out, at.Pool,
		func(y, x []T, c int) { largest(l.Pooling, at.In, out, y, from[c*area:(c+1)*area], x) },
		func(y, x []T, c int) {
			for i, j := range from[c*area : (c+1)*area] {
				y[i] = x[j]
			}
		},
		func(y, x []T, c int) {
			clear(x)
			for i, j := range from[c*area : (c+1)*area] {
				x[j] += y[i]
			}
		})
}

// largest pools one channel.
func largest[T tensor.Float](l Pooling, in, out tensor.Shape, y []T, from []int32, x []T) {
	if l.Size == 2 && l.stride() == 2 && l.Padding == 0 {
		for r := range out.H {
			largestOfFour(y[r*out.W:(r+1)*out.W], from[r*out.W:], x, 2*r*in.W, in.W)
		}
		return
	}
	i := 0
	for oy := range out.H {
		top, bottom := l.span(oy, in.H)
		for ox := range out.W {
			left, right := l.span(ox, in.W)
			at := largestIn(x, in.W, top, bottom, left, right)
			y[i], from[i] = x[at], int32(at)
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

// largestOfFour makes one row of outputs from windows of 2x2 next to each other;
// their rows of w values start at x[first].
func largestOfFour[T tensor.Float](y []T, from []int32, x []T, first, w int) {
	from = from[:len(y)]
	upper, lower := x[first:first+w], x[first+w:first+2*w]
	for i := kernel.LargestOfFour(y, from, x, first, w); i < len(y); i++ {
		j := 2 * i
		a, b, c, d := upper[j], upper[j+1], lower[j], lower[j+1]
		if sum := a + b + c + d; sum != sum { // there may be a NaN
			at := largestIn(x[first:], w, 0, 2, j, j+2)
			y[i], from[i] = x[first+at], int32(first+at)
			continue
		}
		// Which is the largest cannot be predicted, so that comparisons are numbers
		// here, and not jumps.
		u, v := j+number(b > a), j+number(d > c)
		at := first + u + number(lower[v] > upper[u])*(w+v-u)
		y[i], from[i] = x[at], int32(at)
	}
}

// number returns 1 for true, and takes no jump.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
