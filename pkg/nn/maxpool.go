package nn

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
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

func (l MaxPool) Bind32(in tensor.Shape, m int, p *tensor.Pool) Op[float32] {
	return bindMaxPool[float32](l, in, m, p)
}

func (l MaxPool) Bind64(in tensor.Shape, m int, p *tensor.Pool) Op[float64] {
	return bindMaxPool[float64](l, in, m, p)
}

func bindMaxPool[T tensor.Float](l MaxPool, in tensor.Shape, m int, p *tensor.Pool) Op[T] {
	out := l.mustShape(in)
	area := out.H * out.W
	from := make([]int32, m*out.Len()) // where in its channel the value of each output is
	return newChannels(in, out, p,
		func(y, x []T, c int) { largest(l.Pooling, in, out, y, from[c*area:(c+1)*area], x) },
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
	i := 0
	for oy := range out.H {
		top, bottom := l.span(oy, in.H)
		for ox := range out.W {
			left, right := l.span(ox, in.W)
			at := top*in.W + left
			best := x[at]
			for r := top; r < bottom; r++ {
				for j, v := range x[r*in.W+left : r*in.W+right] {
					if v > best || v != v {
						best, at = v, r*in.W+left+j
					}
				}
			}
			y[i], from[i] = best, int32(at)
			i++
		}
	}
}
