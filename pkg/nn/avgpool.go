package nn

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "avg_pool", Doc: "the mean of each window, zeros of the padding included"},
		AvgPool{Pooling{Size: 2}}, newAvgPool,
		AvgPool{Pooling{Size: 3, Stride: 2, Padding: 1}}, AvgPool{Pooling{Size: 2, Stride: 1}})
}

// AvgPool takes the mean of each window. Padding counts as zeros.
type AvgPool struct {
	Pooling `yaml:",inline"`
}

var (
	_ Layer   = AvgPool{}
	_ Carrier = AvgPool{}
)

func newAvgPool(l AvgPool) (Layer, error) { return l, l.check() }

func (l AvgPool) Size(in tensor.Shape) (Size, error) {
	out, err := l.shape(in)
	return Size{Out: out}, err
}

func (l AvgPool) Ops() Ops { return OpsOf(l, newAvgPoolOp[float32], newAvgPoolOp[float64]) }

func newAvgPoolOp[T tensor.Float](l AvgPool, at Site) Op[T] {
	out := l.mustShape(at.In)
	share := 1 / T(l.Pooling.Size*l.Pooling.Size)
	mean := func(y, x []T, _ int) {
		clear(y)
		l.rows(at.In, out, func(i, lo, hi int) {
			for _, v := range x[lo:hi] {
				y[i] += v * share
			}
		})
	}
	return newChannels(at.In, out, at.Pool, mean, mean, func(y, x []T, _ int) {
		clear(x)
		l.rows(at.In, out, func(i, lo, hi int) {
			v := y[i] * share
			for j := range x[lo:hi] {
				x[lo+j] += v
			}
		})
	})
}

// rows calls body for each row of each window over one channel: output i has
// the inputs lo to hi-1.
func (l Pooling) rows(in, out tensor.Shape, body func(i, lo, hi int)) {
	for i := range out.H * out.W {
		top, bottom := l.span(i/out.W, in.H)
		left, right := l.span(i%out.W, in.W)
		for r := top; r < bottom; r++ {
			body(i, r*in.W+left, r*in.W+right)
		}
	}
}
