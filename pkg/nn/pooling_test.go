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
			for _, rectify := range []bool{false, true} {
				largest(Pooling{Size: 2}, in, out, y, from, x, rectify)
				dx, seen := make([]float32, in.Len()), make([]float32, in.Len())
				for i := range y {
					r, c := i/out.W*2, i%out.W*2
					want, best := largestIn(x, in.W, r, r+2, c, c+2), float32(0)
					if best = x[want]; rectify && best <= 0 {
						want, best = -1, 0
					} else {
						seen[want] = float32(i + 1)
					}
					if int(from[i]) != want || math.Float32bits(y[i]) != math.Float32bits(best) {
						t.Fatalf("rectify %v: output %d is %g, value %d; want %g, value %d", rectify, i, y[i], from[i], best, want)
					}
					y[i] = float32(i + 1)
				}
				for i := range dx {
					dx[i] = float32(math.NaN())
				}
				kernel.SpreadOfFour(dx, y, from, in.H, in.W)
				if !slices.Equal(dx, seen) {
					t.Fatalf("rectify %v: derivatives go to %v, want %v", rectify, dx, seen)
				}
			}
		}
	}
}

// TestRectifiedPool compares relu and max_pool as one op with the two.
func TestRectifiedPool(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const m = 3
	for _, pool := range []MaxPool{{Pooling{Size: 2}}, {Pooling{Size: 3, Stride: 2, Padding: 1}}} {
		for _, in := range []tensor.Shape{{C: 2, H: 4, W: 6}, {C: 3, H: 7, W: 9}, {C: 1, H: 5, W: 40}} {
			c, err := newChain(in, []LayerConfig{{"relu", ReLU{}}, {"max_pool", pool}})
			if err != nil {
				t.Fatal(err)
			}
			space := newWorkspace[float32](slots{{m * in.Len(), m * in.Len()}}, 1)
			one, site := newTape(&c, m, nil, space, 0), Site{in, m, nil}
			if len(one.ops) != 1 {
				t.Fatalf("%d ops of a relu layer and a max_pool layer, want 1", len(one.ops))
			}
			first, second := bind[float32](ReLU{}, site), bind[float32](pool, site)
			mid, out := tensor.New[float32](m, in.Len()), c.out.Len()
			x, dx, dy := randomMatrix[float32](rng, m, in.Len()), randomMatrix[float32](rng, m, in.Len()), randomMatrix[float32](rng, m, out)
			for i := range x.Data {
				x.Data[i] = float32(math.Round(2 * float64(x.Data[i]))) // with ties, and zeros
			}
			same := func(what string, cols int, f, g func(to tensor.Matrix[float32])) {
				t.Helper()
				a, b := tensor.New[float32](m, cols), tensor.New[float32](m, cols)
				f(a)
				g(b)
				if !slices.Equal(a.Flat(), b.Flat()) {
					t.Errorf("%s of %+v on %s is %v, want %v", what, pool, in, a.Flat(), b.Flat())
				}
			}
			same("forward", out, func(y tensor.Matrix[float32]) { one.forward(y, x, nil) },
				func(y tensor.Matrix[float32]) { first.Forward(mid, x, nil); second.Forward(y, mid, nil) })
			same("jvp", out, func(y tensor.Matrix[float32]) { one.jvp(y, dx, nil) },
				func(y tensor.Matrix[float32]) { first.JVP(mid, dx, nil); second.JVP(y, mid, nil) })
			same("vjp", in.Len(), func(d tensor.Matrix[float32]) { one.vjp(d, nil, dy) },
				func(d tensor.Matrix[float32]) { second.VJP(mid, nil, dy); first.VJP(d, nil, mid) })
		}
	}
}
