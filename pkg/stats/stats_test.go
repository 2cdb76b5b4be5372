package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestStat(t *testing.T) {
	// 1, 2, 6: mean 3, squares 4 + 1 + 9.
	if s := Of([]float64{1, 2, 6}); s.N != 3 || s.Mean != 3 || math.Abs(s.SD-math.Sqrt(7)) > 1e-15 {
		t.Errorf("%+v", s)
	}
	if s := Of([]float64{3}); s.Mean != 3 || !math.IsNaN(s.SD) || s.Lo != 3 || s.Hi != 3 {
		t.Errorf("%+v", s)
	}
	if s := Of(nil); s.N != 0 || !math.IsNaN(s.Mean) || !math.IsNaN(s.Lo) {
		t.Errorf("%+v", s)
	}
	// As numpy.quantile says.
	for p, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 0.9: 3.7, 1: 4} {
		if q := Quantile([]float64{4, 1, 3, 2}, p); math.Abs(q-want) > 1e-15 {
			t.Errorf("quantile %g: %g, want %g", p, q, want)
		}
	}
	if m := Median([]float64{1, math.Inf(1), 3}); m != 3 {
		t.Errorf("median %g", m)
	}
	if m := Median([]float64{1, math.Inf(1), math.Inf(1)}); !math.IsInf(m, 1) {
		t.Errorf("median %g", m)
	}
}

// TestSmallIntervals: of numbers 0 and 1, the mean of a resample is binomial, so
// that the interval is known in closed form.
func TestSmallIntervals(t *testing.T) {
	for n := fewest; n <= largest; n++ {
		for ones := range n + 1 {
			v := make([]float64, n)
			for i := range ones {
				v[i] = 1
			}
			// The resamples with k ones: C(n, k) ones^k (n-ones)^(n-k) of n^n.
			total := math.Pow(float64(n), float64(n))
			want := func(from, step int) float64 {
				sum, choose := 0.0, 1.0
				for j := range n + 1 {
					k := from + step*j
					sum += choose * math.Pow(float64(ones), float64(k)) * math.Pow(float64(n-ones), float64(n-k))
					if sum > math.Floor((1-level)/2*total) {
						return float64(k) / float64(n)
					}
					choose = choose * float64(n-j) / float64(j+1)
				}
				return math.NaN()
			}
			lo, hi := Interval(v)
			if lo != want(0, 1) || hi != want(n, -1) {
				t.Errorf("%d of %d: %g to %g, want %g to %g", ones, n, lo, hi, want(0, 1), want(n, -1))
			}
		}
	}
	// The claim of Interval: of three numbers the interval is the range.
	if out := math.Floor((1 - level) / 2 * 27); out != 0 {
		t.Errorf("%g of 27 resamples are left out", out)
	}
	if lo, hi := Interval([]float64{3, 1, 2}); lo != 1 || hi != 3 {
		t.Errorf("of three: %g to %g", lo, hi)
	}
}

// TestLargeInterval: of many numbers, the interval is that of the normal
// distribution, mean ± 1.96 sd/sqrt(n).
func TestLargeInterval(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]float64, 500)
	for i := range v {
		v[i] = r.ExpFloat64()
	}
	s := Of(v)
	half := 1.95996 * s.SD / math.Sqrt(float64(len(v)))
	if math.Abs(s.Lo-(s.Mean-half)) > 0.1*half || math.Abs(s.Hi-(s.Mean+half)) > 0.1*half {
		t.Errorf("%g to %g, want about %g to %g", s.Lo, s.Hi, s.Mean-half, s.Mean+half)
	}
}

// TestInterval: an interval lies within the range, moves and stretches with its
// numbers, and is the same in every call.
func TestInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-100, 100), 1, 12).Draw(t, "values")
		lo, hi := Interval(slices.Clone(v))
		if again, _ := Interval(v); again != lo {
			t.Fatalf("%g, and then %g", lo, again)
		}
		if eps := 1e-12 * 100; lo < slices.Min(v)-eps || hi > slices.Max(v)+eps || lo > Mean(v)+eps || hi < Mean(v)-eps {
			t.Fatalf("%g to %g, of mean %g", lo, hi, Mean(v))
		}
		w := make([]float64, len(v))
		for i := range v {
			w[i] = 3 - 2*v[i]
		}
		// Turned around, left and right change places; random resamples are
		// the same ones.
		wlo, whi := Interval(w)
		if math.Abs(wlo-(3-2*hi)) > 1e-9 || math.Abs(whi-(3-2*lo)) > 1e-9 {
			t.Fatalf("%g to %g, want %g to %g", wlo, whi, 3-2*hi, 3-2*lo)
		}
	})
}

func TestSelected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(0, 3), 1, 50).Draw(t, "values")
		k := rapid.IntRange(0, len(v)-1).Draw(t, "place")
		if got, want := selected(slices.Clone(v), k), slices.Sorted(slices.Values(v))[k]; got != want {
			t.Fatalf("place %d of %v: %g, want %g", k, v, got, want)
		}
	})
}

// TestMedianOfInfinities: where the middle two of an even number are infinite, so is
// the median.
func TestMedianOfInfinities(t *testing.T) {
	inf := math.Inf(1)
	if m := Median([]float64{1, inf, inf, inf}); m != inf {
		t.Error(m)
	}
	if m := Median([]float64{1, 2, inf, inf}); m != inf {
		t.Error(m)
	}
	if m := Median([]float64{1, 2, -inf, -inf}); m != -inf {
		t.Error(m)
	}
	if m := Median([]float64{inf, -inf}); !math.IsNaN(m) {
		t.Error(m)
	}
}

// TestRounding: a mean lies between the numbers that it is of.
func TestRounding(t *testing.T) {
	for n := 1; n < 50; n++ {
		for _, v := range []float64{0.96, 0.1, 1e-300, 1. / 3} {
			s := Of(slices.Repeat([]float64{v}, n))
			if s.Mean != v || s.Lo != v || s.Hi != v {
				t.Errorf("%d times %v: %+v", n, v, s)
			}
		}
	}
}
