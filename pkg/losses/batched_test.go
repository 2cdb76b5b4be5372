package losses

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// TestBatched: a mini-batch has the bits of its examples one by one, with weights and without, of
// rows that lie apart, and numbers that are not finite stay in their row.
func TestBatched(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, l := range all(t) {
		b, ok := l.(Batched)
		if !ok {
			continue
		}
		for _, k := range []int{1, 2, 3, 10, 33, expNumbers, expNumbers + 1} {
			for i, m := range []int{0, 1, 31, 32, 33, 70, 70} {
				finite := i%2 == 0 // where all are: one NaN hides what else is in a total
				t.Run(fmt.Sprintf("%s/%dx%d/finite=%t", name, m, k, finite), func(t *testing.T) {
					matrix := func() tensor.Matrix[float64] {
						return tensor.Matrix[float64]{Rows: m, Cols: k, Stride: k + 3, Data: make([]float64, m*(k+3))}
					}
					z, y, got := matrix(), matrix(), matrix()
					omega, want := make([]float64, m), make([]float64, k)
					for i := range m {
						at, target := l.Sample(rng, k)
						copy(z.Row(i), at)
						copy(y.Row(i), target)
						omega[i] = rng.ExpFloat64()
						switch kind := rng.IntN(8); {
						case kind == 0 && !finite:
							z.Row(i)[rng.IntN(k)] = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[rng.IntN(3)]
						case kind == 1:
							tensor.Scale(nil, 300, z.Row(i)) // far apart
						}
					}
					for _, weights := range [][]float64{nil, omega} {
						w := Weighted{l, weights}
						w.Grads(got, z, y)
						var sum float64
						for i := range m {
							w.GradOf(i, want, z.Row(i), y.Row(i))
							for j := range k {
								if !sameBits(got.At(i, j), want[j]) {
									t.Fatalf("gradient %v of example %d, by itself %v", got.Row(i), i, want)
								}
							}
							v := w.ValueOf(i, z.Row(i), y.Row(i))
							if one := b.Total(z.RowRange(i, i+1), y.RowRange(i, i+1), nil); weights == nil && !sameBits(one, v) {
								t.Fatalf("value %g of example %d, by itself %g", one, i, v)
							}
							sum += v
						}
						if total := b.Total(z, y, weights); !sameBits(total, sum) {
							t.Fatalf("total %g, of the examples %g", total, sum)
						}
					}
				})
			}
		}
	}
}

// sameBits takes all NaN for the same.
func sameBits(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}
