//go:build long

package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestCoverage: how often the interval of n normal numbers holds their true
// mean. The range of n numbers holds it in 1-2^(1-n) of all cases; percentile
// intervals of few numbers are too narrow, as Efron and Tibshirani 1993 say
// (section 13.3), and come near 0.95 from below.
func TestCoverage(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const trials = 4000
	for _, c := range []struct {
		n      int
		lo, hi float64
	}{{2, 0.5, 0.5}, {3, 0.75, 0.75}, {4, 0.75, 0.85}, {5, 0.80, 0.88}, {10, 0.87, 0.93}, {20, 0.91, 0.95}, {50, 0.93, 0.96}} {
		covered := 0
		v := make([]float64, c.n)
		for range trials {
			for i := range v {
				v[i] = r.NormFloat64()
			}
			if lo, hi := Interval(v); lo <= 0 && 0 <= hi {
				covered++
			}
		}
		share := float64(covered) / trials
		t.Logf("n = %d: %.3f", c.n, share)
		// Three standard errors.
		if e := 3 * math.Sqrt(0.25/trials); share < c.lo-e || share > c.hi+e {
			t.Errorf("n = %d: covers in %.3f of all cases, want %g to %g", c.n, share, c.lo, c.hi)
		}
	}
}
