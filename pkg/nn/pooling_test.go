package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// TestMaxPoolTies: the first of several largest values, row by row, gets the
// derivative, also where all values are below 0 and next to padding.
func TestMaxPoolTies(t *testing.T) {
	in := tensor.Shape{C: 1, H: 3, W: 4}
	op := bind[float64](MaxPool{Pooling{Size: 3, Stride: 2, Padding: 1}}, Site{in, 1, nil})
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

// TestMaxPoolOfFour compares windows of 2x2, of every instruction set, with the
// plain loop, on values that are often equal, on zeros of both signs, infinities,
// NaNs and a subnormal number.
func TestMaxPoolOfFour(t *testing.T) {
	before := kernel.Active()
	defer kernel.Use(before)
	for _, isa := range kernel.Available() {
		kernel.Use(isa)
		t.Run(isa.String(), testMaxPoolOfFour)
	}
}

func testMaxPoolOfFour(t *testing.T) {
	odd := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 1e-42, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), -float32(math.NaN())}
	rng := rand.New(rand.NewPCG(1, 2))
	shapes := []tensor.Shape{{C: 1, H: 2, W: 400}, {C: 1, H: 41, W: 23}}
	for w := 2; w < 70; w++ {
		shapes = append(shapes, tensor.Shape{C: 1, H: 4, W: w})
	}
	for _, in := range shapes {
		for _, kinds := range []int{5, 7, len(odd)} {
			out := tensor.Shape{C: 1, H: in.H / 2, W: in.W / 2}
			x, y, from := make([]float32, in.Len()), make([]float32, out.Len()), make([]int32, out.Len())
			for i := range x {
				x[i] = odd[rng.IntN(kinds)]
			}
			largest(Pooling{Size: 2}, in, out, y, from, x)
			for i, at := range from {
				r, c := i/out.W*2, i%out.W*2
				if want := largestIn(x, in.W, r, r+2, c, c+2); int(at) != want || math.Float32bits(y[i]) != math.Float32bits(x[want]) {
					t.Fatalf("output %d is %g, value %d; want %g, value %d", i, y[i], at, x[want], want)
				}
			}
		}
	}
}
