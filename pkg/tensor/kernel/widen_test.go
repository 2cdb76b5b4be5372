package kernel

import (
	"math"
	"testing"
)

// TestWiden compares every bit with a loop's, subnormal numbers and those that are not finite
// among them, and looks for writes outside.
func TestWiden(t *testing.T) {
	each(t, func(t *testing.T) {
		for n := range 70 {
			x := bits32(n)
			y := make([]float64, n+2)
			y[0], y[n+1] = canary, canary
			Widen(y[1:n+1], x)
			for i, v := range x {
				if got, want := math.Float64bits(y[1+i]), math.Float64bits(float64(v)); got != want {
					t.Fatalf("%d numbers: %g becomes %x, want %x", n, v, got, want)
				}
			}
			if y[0] != canary || y[n+1] != canary {
				t.Fatalf("%d numbers: writes outside", n)
			}
		}
	})
}

func bits32(n int) []float32 {
	special := []float32{0, 1, -1e-45, 1e-39, float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, float32(math.NaN())}
	x := make([]float32, n)
	for i := range x {
		x[i] = special[i*i%len(special)]
	}
	return x
}
