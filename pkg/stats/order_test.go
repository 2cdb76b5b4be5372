package stats

import (
	"math"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestMedianOf: the order statistics and coverages of Nair (1940, Table of Confidence
// Interval for the Median in Samples from Any Continuous Population, Sankhya 4).
func TestMedianOf(t *testing.T) {
	for _, c := range []struct {
		n, k     int
		coverage float64
	}{{1, 1, 0}, {2, 1, 0.5}, {3, 1, 0.75}, {5, 1, 0.9375}, {6, 1, 0.96875}, {8, 1, 0.9922}, {9, 2, 0.9609}, {10, 2, 0.9785},
		{15, 4, 0.9648}, {20, 6, 0.9586}, {25, 8, 0.9567}, {50, 18, 0.9672}, {100, 40, 0.9648}} {
		var v []float64
		for i := range c.n {
			v = append(v, float64(c.n-i))
		}
		got := MedianOf(v)
		if got.Value != float64(c.n+1)/2 || got.Lo != float64(c.k) || got.Hi != float64(c.n+1-c.k) || math.Abs(got.Coverage-c.coverage) > 5e-5 {
			t.Errorf("n = %d: %+v, want from the %d-th, %g", c.n, got, c.k, c.coverage)
		}
	}
	inf := math.Inf(1)
	if got := MedianOf([]float64{3, inf, 1, inf, 2}); got != (Estimate{3, 1, inf, 0.9375}) {
		t.Errorf("censored: %+v", got)
	}
	if got := MedianOf([]float64{inf, 4, inf, inf}); got != (Estimate{inf, 4, inf, 0.875}) {
		t.Errorf("mostly censored: %+v", got)
	}
	if got := MedianBetween([]float64{1, 2, 5}, []float64{1, 2, inf}); got != (Estimate{2, 1, inf, 0.75}) {
		t.Errorf("between: %+v", got)
	}
	if got := MedianOf(nil); !math.IsNaN(got.Value) || !math.IsNaN(got.Coverage) {
		t.Errorf("of nothing: %+v", got)
	}
}

// TestMedianCoverage: of all 2^n ways in which n numbers lie below or above their median,
// the stated share has it between the order statistics.
func TestMedianCoverage(t *testing.T) {
	for n := 1; n <= 16; n++ {
		k, coverage := orderStatistic(n)
		held := 0
		for signs := range 1 << n {
			if below := bits.OnesCount(uint(signs)); below >= k && n-below >= k {
				held++
			}
		}
		if want := float64(held) / float64(int(1)<<n); coverage != want {
			t.Errorf("n = %d: %g, counted %g", n, coverage, want)
		}
	}
}

func TestRanks(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct{ v, want []float64 }{
		{[]float64{3, 1, 2}, []float64{3, 1, 2}},
		{[]float64{2, 1, 2, 2}, []float64{3, 1, 3, 3}},
		{[]float64{inf, 1, inf}, []float64{2.5, 1, 2.5}},
		{[]float64{-inf, nan, inf, nan}, []float64{1, 3.5, 2, 3.5}},
		{nil, []float64{}},
	} {
		if got := Ranks(c.v); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.v, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var v []float64
		for _, x := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 12).Draw(t, "values") {
			v = append(v, float64(x))
		}
		for i, r := range Ranks(v) {
			less, same := 0, 0
			for _, x := range v {
				if x < v[i] {
					less++
				} else if x == v[i] {
					same++
				}
			}
			if want := float64(less) + float64(same+1)/2; r != want {
				t.Fatalf("%v: place %d has rank %g, want %g", v, i, r, want)
			}
		}
	})
}

// TestHolm: the example is worked out by hand: 0.01 x 4, 0.02 x 3, and 0.03 x 2 = 0.06 of
// the next; 0.04 x 1 is less than the one before.
func TestHolm(t *testing.T) {
	nan := math.NaN()
	got := Holm([]float64{0.04, 0.01, nan, 0.03, 0.02})
	for i, want := range []float64{0.06, 0.04, nan, 0.06, 0.06} {
		if math.Abs(got[i]-want) > 1e-15 || math.IsNaN(want) != math.IsNaN(got[i]) {
			t.Errorf("%d: %g, want %g", i, got[i], want)
		}
	}
	if got := Holm([]float64{0.6, 0.7}); got[0] != 1 || got[1] != 1 {
		t.Errorf("%v", got)
	}
}
