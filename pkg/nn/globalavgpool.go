package nn

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "global_avg_pool", Doc: "the mean of each channel: an image becomes a vector", Reference: "Lin, Chen and Yan 2014, arXiv 1312.4400"},
		GlobalAvgPool{}, func(l GlobalAvgPool) (Layer, error) { return l, nil })
}

// GlobalAvgPool takes the mean of each channel.
type GlobalAvgPool struct{}

var (
	_ Layer   = GlobalAvgPool{}
	_ Carrier = GlobalAvgPool{}
)

func (GlobalAvgPool) Size(in tensor.Shape) (Size, error) {
	return Size{Out: tensor.Shape{C: in.C, H: 1, W: 1}}, nil
}

// Carries says that the values are means of those of the input.
func (GlobalAvgPool) Carries() {}

func (l GlobalAvgPool) Ops() Ops {
	return OpsOf(l, newGlobalAvgPoolOp[float32], newGlobalAvgPoolOp[float64])
}

func newGlobalAvgPoolOp[T tensor.Float](_ GlobalAvgPool, at Site) Op[T] {
	area := at.In.H * at.In.W
	ones := filled[T](area, 1)
	mean := func(y, x []T, _ int) { y[0] = T(kernel.Dot(ones, x) / float64(area)) }
	return newChannels(at.In, tensor.Shape{C: at.In.C, H: 1, W: 1}, at.Pool, mean, mean, func(y, x []T, _ int) {
		v := y[0] / T(area)
		for i := range x {
			x[i] = v
		}
	})
}

// filled returns n times v.
func filled[T tensor.Float](n int, v T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}
