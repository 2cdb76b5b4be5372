package nn

import "github.com/dualgn/dgn/pkg/tensor"

// A max_pool layer that follows a relu layer does the work of both: max(0, the largest value
// of a window) is the largest of what relu makes of it, and the derivative is that of the
// first largest value where that is above 0, and else 0. So neither what relu makes of an
// image nor its derivative is ever stored.

// mergeRectified gives the work of relu layers that max_pool follows to the latter.
func mergeRectified(layers []LayerConfig) []LayerConfig {
	out := append([]LayerConfig(nil), layers...)
	for i := range len(out) - 1 {
		relu, first := out[i].Layer.(ReLU)
		pool, second := out[i+1].Layer.(MaxPool)
		if first && second {
			out[i].Layer, out[i+1].Layer = mergedReLU{relu}, rectifiedPool{pool}
		}
	}
	return out
}

// mergedReLU is a relu layer whose work the next layer does.
type mergedReLU struct{ ReLU }

var (
	_ Activation = mergedReLU{}
	_ Reshaper   = mergedReLU{}
)

func (mergedReLU) Size(in tensor.Shape) (Size, error) { return Size{Out: in}, nil }

// Reshapes says that examples stay as they are.
func (mergedReLU) Reshapes() {}

func (l mergedReLU) Ops() Ops { return OpsOf(l, newMergedOp[float32], newMergedOp[float64]) }

func newMergedOp[T tensor.Float](mergedReLU, Site) Op[T] { return identity[T]{} }

// rectifiedPool is a max_pool layer and the relu layer before it.
type rectifiedPool struct{ MaxPool }

func (l rectifiedPool) Ops() Ops { return OpsOf(l, newRectifiedOp[float32], newRectifiedOp[float64]) }

func newRectifiedOp[T tensor.Float](l rectifiedPool, at Site) Op[T] {
	return bindMaxPool[T](l.Pooling, at, true)
}
