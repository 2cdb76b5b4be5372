package nn

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "flatten", Doc: "turns an image into a vector, channel by channel, row by row"},
		Flatten{}, func(l Flatten) (Layer, error) { return l, nil })
}

// Flatten turns an example of any shape into a vector.
type Flatten struct{}

var (
	_ Layer    = Flatten{}
	_ Reshaper = Flatten{}
	_ Carrier  = Flatten{}
)

func (Flatten) Size(in tensor.Shape) (Size, error) {
	return Size{Out: tensor.Shape{C: in.Len(), H: 1, W: 1}}, nil
}

// Reshapes says that examples, which are rows of values, stay as they are.
func (Flatten) Reshapes() {}
func (Flatten) Carries()  {}

func (l Flatten) Ops() Ops { return OpsOf(l, newFlattenOp[float32], newFlattenOp[float64]) }

func newFlattenOp[T tensor.Float](Flatten, Site) Op[T] { return identity[T]{} }

// identity copies. Networks spare themselves the copy of a Reshaper.
type identity[T tensor.Float] struct{}

func (identity[T]) Forward(y, x tensor.Matrix[T], _ []T) { copy(y.Flat(), x.Flat()) }

func (identity[T]) JVP(dy, dx tensor.Matrix[T], _ []T) {
	clear(dy.Flat())
	copy(dy.Flat(), dx.Flat())
}

func (identity[T]) VJP(dx tensor.Matrix[T], _ []T, dy tensor.Matrix[T]) {
	if !dx.IsZero() {
		copy(dx.Flat(), dy.Flat())
	}
}
