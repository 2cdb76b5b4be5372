package nn

import (
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// TestMaxPoolTies: the first of several largest values, row by row, gets the
// derivative, also where all values are below 0 and next to padding.
func TestMaxPoolTies(t *testing.T) {
	in := tensor.Shape{C: 1, H: 3, W: 4}
	op := bind[float64](MaxPool{Pooling{Size: 3, Stride: 2, Padding: 1}}, in, 1, nil)
	x := tensor.View(1, 12, []float64{
		-1, -2, -3, -3,
		-2, -1, -3, -3,
		-9, -9, -9, -9,
	})
	y, dx := tensor.New[float64](1, 4), tensor.New[float64](1, 12)
	op.Forward(y, x, nil)
	if want := []float64{-1, -1, -1, -1}; !slices.Equal(y.Flat(), want) {
		t.Errorf("the largest values are %v, want %v", y.Flat(), want)
	}
	op.VJP(dx, nil, tensor.View(1, 4, []float64{1, 10, 100, 1000}))
	want := []float64{
		1, 0, 0, 0,
		0, 1110, 0, 0,
		0, 0, 0, 0,
	}
	if !slices.Equal(dx.Flat(), want) {
		t.Errorf("the derivatives go to %v, want %v", dx.Flat(), want)
	}
}
