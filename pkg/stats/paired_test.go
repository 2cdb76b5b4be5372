package stats

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// depression are the differences of the Hamilton depression scale factor before and after
// a tranquilizer, example 3.1 of Hollander, Wolfe and Chicken (2014, Nonparametric
// Statistical Methods). The book has T+ = 5 of after - before, P = 0.0195 to one side,
// the estimate -0.46, and the interval -0.786 to -0.010 of 96.1 %.
func depression() (d []float64) {
	before := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	after := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	for i := range before {
		d = append(d, after[i]-before[i])
	}
	return d
}

func TestPublished(t *testing.T) {
	d := depression()
	if _, w := signedRanks(d); w != 5 {
		t.Errorf("T+ = %g", w)
	}
	if got := SignedRank(d); math.Abs(got.P-2*0.0195) > 1e-4 || got.N != 9 || !got.Exact {
		t.Errorf("%+v", got)
	}
	got := Shift(d)
	for _, c := range [][2]float64{{got.Value, -0.46}, {got.Lo, -0.786}, {got.Hi, -0.010}, {got.Coverage, 0.961}} {
		if math.Abs(c[0]-c[1]) > 5.1e-4 {
			t.Errorf("%+v, want %g", got, c[1])
		}
	}
}

// TestCriticalValues: the largest W whose lower tail is at most 0.025, and that tail, as
// in the table of McCornack (1965, Extended Tables of the Wilcoxon Matched Pair Signed
// Rank Statistic) and those made of it.
func TestCriticalValues(t *testing.T) {
	for _, c := range []struct {
		n, w int
		tail float64
	}{{6, 0, 0.0156}, {7, 2, 0.0234}, {8, 3, 0.0195}, {9, 5, 0.0195}, {10, 8, 0.0244}, {15, 25, 0.0240}, {20, 52, 0.0242}, {25, 89, 0.0241}} {
		k, coverage := walsh(c.n)
		if k != c.w+1 || math.Abs(coverage-(1-2*c.tail)) > 1.01e-4 {
			t.Errorf("n = %d: %d, %g, want %d, %g", c.n, k-1, coverage, c.w, 1-2*c.tail)
		}
	}
	if k, coverage := walsh(5); k != 1 || coverage != 0.9375 {
		t.Errorf("of five: %d, %g", k, coverage)
	}
}

// TestSignedRank: P is the share of all choices of signs in which W is as far from its
// mean, with ties and zeros.
func TestSignedRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d []float64
		for _, x := range rapid.SliceOfN(rapid.IntRange(-4, 4), 1, 11).Draw(t, "differences") {
			d = append(d, float64(x))
		}
		ranks, w := signedRanks(d)
		mean := 0.0
		for _, r := range ranks {
			mean += r / 2
		}
		far := 0
		for signs := range 1 << len(ranks) {
			sum := 0.0
			for i, r := range ranks {
				if signs>>i&1 == 1 {
					sum += r
				}
			}
			if math.Abs(sum-mean) >= math.Abs(w-mean) {
				far++
			}
		}
		want := float64(far) / float64(int(1)<<len(ranks))
		if got := SignedRank(d); math.Abs(got.P-want) > 1e-12 || got.P < got.Least() && got.N > 0 {
			t.Fatalf("%v: %+v, counted %g", d, got, want)
		}
	})
	// All six of one sign: 2 of 64.
	if got := SignedRank([]float64{1, 2, 3, 4, 5, 6}); got.P != 2./64 || got.Least() != 2./64 {
		t.Errorf("%+v", got)
	}
	if got := SignedRank([]float64{0, 0}); got.P != 1 || got.N != 0 || got.Least() != 1 {
		t.Errorf("no difference: %+v", got)
	}
	if got := SignedRank(nil); !math.IsNaN(got.P) {
		t.Errorf("of nothing: %+v", got)
	}
}

// TestUnround: differences of fractions are as those of their numerators, in units of the
// scale of what was subtracted; infinite ones and NaN stay.
func TestUnround(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := float64(rapid.IntRange(1, 100000).Draw(t, "n"))
		var whole, d, scale []float64
		for range rapid.IntRange(1, 12).Draw(t, "seeds") {
			a, b := rapid.IntRange(-100, 100).Draw(t, "a"), rapid.IntRange(-100, 100).Draw(t, "b")
			whole = append(whole, float64(a-b))
			x, y := float64(a)/n, float64(b)/n
			d, scale = append(d, x-y), append(scale, max(math.Abs(x), math.Abs(y)))
		}
		got := Unround(d, scale)
		for i := range got {
			if math.Abs(got[i]-d[i]) > 1e-12*slices.Max(scale) {
				t.Fatalf("%g was %g", got[i], d[i])
			}
			for j := range got {
				if (got[i] == got[j]) != (whole[i] == whole[j]) || (got[i] == -got[j]) != (whole[i] == -whole[j]) {
					t.Fatalf("%g and %g of %g and %g", got[i], got[j], whole[i], whole[j])
				}
			}
		}
		if SignedRank(got) != SignedRank(whole) || Signs(got) != Signs(whole) {
			t.Fatalf("%+v, want %+v", SignedRank(got), SignedRank(whole))
		}
	})
	inf, nan := math.Inf(1), math.NaN()
	// Small differences of small numbers are none of rounding.
	d := []float64{inf, -inf, nan, 1e-20, -3e-20, 0, -5e-13, 2}
	got := Unround(d, []float64{inf, inf, inf, 1e-19, 1e-19, inf, 1, 3})
	want := []float64{inf, -inf, nan, 1e-20, -3e-20, 0, 0, 2}
	for i := range want {
		if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

// TestNormal: beyond 25 differences P is near that of the distribution itself.
func TestNormal(t *testing.T) {
	var d []float64
	for i := 1; i <= 26; i++ {
		x := float64(i)
		if i%3 == 0 {
			x = -x
		}
		d = append(d, x)
	}
	ranks, w := signedRanks(d)
	exact := 0.0
	for sum, s := range signSums(ranks) {
		if math.Abs(float64(sum)/2-26*27/4.) >= math.Abs(w-26*27/4.) {
			exact += s
		}
	}
	if got := SignedRank(d); got.Exact || math.Abs(got.P-exact) > 0.002 {
		t.Errorf("%+v, exact %g", got, exact)
	}
	var few, many int
	few, _ = walsh(25)
	many, coverage := walsh(26)
	if many <= few || many > few+15 || coverage < 0.95 || coverage > 0.96 {
		t.Errorf("%d after %d, %g", many, few, coverage)
	}
}

func TestSigns(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		d []float64
		n int
		p float64
	}{
		{[]float64{inf, 1, 2, 3, inf, 4}, 6, 2. / 64},
		{[]float64{inf, 1, 2, 3, 0, -4}, 5, 2 * 6. / 32},
		{[]float64{-1, 1}, 2, 1},
		{[]float64{0}, 0, 1},
		// One unknown sign of six: at worst 5 to 1, 2 (1 + 6) / 64.
		{[]float64{inf, 1, 2, 3, nan, 4}, 6, 14. / 64},
		{[]float64{nan, nan, 1, 1, -1}, 5, 1},
	} {
		if got := Signs(c.d); got.N != c.n || math.Abs(got.P-c.p) > 1e-15 {
			t.Errorf("%v: %+v, want %d, %g", c.d, got, c.n, c.p)
		}
	}
	// Conover (1999), table A3: 2 or fewer of 12 heads have the chance 0.0193.
	if got := binomialTail(12, 2); math.Abs(got-0.0193) > 5e-5 {
		t.Errorf("tail %g", got)
	}
	if got := Signs(nil); !math.IsNaN(got.P) {
		t.Errorf("of nothing: %+v", got)
	}
}

// TestShift: of few differences the interval is their range; the estimate moves with them,
// and turns with their signs.
func TestShift(t *testing.T) {
	// Means of pairs of 1, 2, 6: 1 1.5 2 3.5 4 6.
	if got := Shift([]float64{6, 1, 2}); got != (Estimate{2.75, 1, 6, 0.75}) {
		t.Errorf("%+v", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SliceOfN(rapid.Float64Range(-10, 10), 1, 30).Draw(t, "differences")
		got := Shift(d)
		if got.Lo > got.Value || got.Value > got.Hi || got.Lo < slices.Min(d) || got.Hi > slices.Max(d) {
			t.Fatalf("%+v of %v", got, d)
		}
		var turned []float64
		for _, x := range d {
			turned = append(turned, 3-x)
		}
		other := Shift(turned)
		if math.Abs(other.Value-(3-got.Value)) > 1e-9 || math.Abs(other.Lo-(3-got.Hi)) > 1e-9 || other.Coverage != got.Coverage {
			t.Fatalf("%+v, and turned %+v", got, other)
		}
	})
	if got := Shift(nil); !math.IsNaN(got.Value) {
		t.Errorf("of nothing: %+v", got)
	}
}
