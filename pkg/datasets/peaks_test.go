package datasets

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// TestPeaksFunction compares with MATLAB: peaks at 0, and the highest and the lowest point.
func TestPeaksFunction(t *testing.T) {
	for _, c := range []struct{ x, y, want, tol float64 }{
		{0, 0, 8 / (3 * math.E), 1e-15},
		{-0.009317, 1.581368, 8.106214, 1e-6},
		{0.228279, -1.625535, -6.551133, 1e-6},
		{1.285, -0.0048, 3.5925, 1e-3},
	} {
		if got := peaks(c.x, c.y); !(math.Abs(got-c.want) <= c.tol) {
			t.Errorf("peaks(%g, %g) = %.8g, want %g", c.x, c.y, got, c.want)
		}
	}
}

func openPeaks(t *testing.T, p Peaks) *Examples {
	t.Helper()
	raw, err := p.Open(Env{}, Values)
	if err != nil {
		t.Fatal(err)
	}
	return raw.Train
}

// TestPeaks: points fill the square, noise moves values and no points, and both follow
// the seed.
func TestPeaks(t *testing.T) {
	clean, noisy := openPeaks(t, Peaks{Examples: 5000}), openPeaks(t, Peaks{Examples: 5000, Noise: 0.5})
	if lo, hi := slices.Min(clean.Values), slices.Max(clean.Values); !(lo >= -3 && lo < -2.99 && hi <= 3 && hi > 2.99) {
		t.Errorf("points from %g to %g", lo, hi)
	}
	if !slices.Equal(clean.Values, noisy.Values) {
		t.Error("noise moves points")
	}
	var s, r moments
	for i, v := range clean.Targets {
		if want := peaks(clean.Values[2*i], clean.Values[2*i+1]); math.Abs(v-want) > 0x1p-25 {
			t.Fatalf("value %g, want %g", v, want)
		}
		s.add(v)
		r.add(noisy.Targets[i] - v)
	}
	if math.Abs(s.deviation()-1.9065) > 0.1 || math.Abs(r.deviation()-0.5) > 0.02 || math.Abs(r.mean) > 0.02 {
		t.Errorf("values deviate by %g, noise by %g about %g", s.deviation(), r.deviation(), r.mean)
	}
	if slices.Equal(openPeaks(t, Peaks{Examples: 5000, Seed: 1}).Values, clean.Values) {
		t.Error("another seed has the same points")
	}
}

// TestPeaksBits: the same points and values everywhere, and as long as "peaks" in Reading
// is 1.
func TestPeaksBits(t *testing.T) {
	e := openPeaks(t, Peaks{Examples: 1000, Noise: 0.05})
	var b bytes.Buffer
	for _, v := range [][]float64{e.Values, e.Targets} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	if got := sumOf(b.Bytes()); got != "2377d492a07988c240c54a63ad2d71887ba39769daa0ea8ab005452042327947" {
		t.Errorf("SHA-256 %s", got)
	}
}
