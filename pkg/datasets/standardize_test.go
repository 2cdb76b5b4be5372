package datasets

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// TestCloseNumbers: only numbers that are all the same are constant; any others
// get mean 0 and deviation 1, in inputs and in targets.
func TestCloseNumbers(t *testing.T) {
	for _, c := range []struct {
		name   string
		value  func(i int) float64
		ranged bool
	}{
		{"integers near 4e15", func(i int) float64 { return 4006381333900000 + 7*float64(i) }, true},
		{"adjacent float64", func(i int) float64 { return 1 + float64(i)*0x1p-52 }, true},
		{"two adjacent float64", func(i int) float64 { return 1e300 * (1 + float64(i%2)*0x1p-52) }, true},
		{"tiny", func(i int) float64 { return 1e-200 * float64(i) }, true},
		{"huge", func(i int) float64 { return 1e200 * float64(i) }, true},
		{"ordinary", func(i int) float64 { return 3 + float64(i) }, false},
		{"large offset", func(i int) float64 { return 1e9 + float64(i) }, false},
	} {
		e := &Examples{Shape: tensor.Shape{C: 1, H: 1, W: 1}, K: 1}
		for i := range 40 {
			e.Values, e.Targets = append(e.Values, c.value(i)), append(e.Targets, c.value(i))
		}
		p, err := Prepare(&Raw{Train: e, Test: e}, Defaults(), Values)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		x, y := read[float64](p.Train, nil)
		for what, v := range map[string][]float64{"inputs": x.Flat(), "targets": y.Flat()} {
			var s moments
			for _, f := range v {
				s.add(f)
			}
			if !(math.Abs(s.mean) < 1e-6 && math.Abs(s.deviation()-1) < 1e-6) {
				t.Errorf("%s: %s have mean %g and deviation %g", c.name, what, s.mean, s.deviation())
			}
		}
		if span, want := (c.value(39)-c.value(0))/p.TargetScale[0], y.At(39, 0)-y.At(0, 0); math.Abs(span-want) > 1e-6 {
			t.Errorf("%s: the targets span %g of their scale %g, want %g", c.name, span, p.TargetScale[0], want)
		}
		if _, ranged := p.Reading["standardize"]; p.Notes != nil || ranged != c.ranged {
			t.Errorf("%s: notes %q, reading %q", c.name, p.Notes, p.Reading)
		}
	}
	// A constant, whatever its value, is told to be one.
	for _, v := range []float64{0, 0.1, -1e300, 5e-324} {
		s, err := standard(slices.Values(slices.Repeat([]float64{v}, 7)))
		if err != nil || !s.constant() || s.apply(v) != 0 || s.apply(v+1) != 0 {
			t.Errorf("%g is no constant: %+v, %v", v, s, err)
		}
	}
	e := &Examples{Shape: tensor.Shape{C: 1, H: 1, W: 1}, K: 1, Values: []float64{-1e308, 1e308}, Targets: []float64{1, 2}}
	if _, err := Prepare(&Raw{Train: e, Test: e}, Defaults(), Values); err == nil || !strings.Contains(err.Error(), "input column 0 holds values from -1e+308 to 1e+308, too far apart for a float64; scale them down") {
		t.Errorf("says %v", err)
	}
}

// TestWhite: without standardisation, pixels are divided by what stands for 1.
func TestWhite(t *testing.T) {
	raw, err := open(t, t.TempDir(), "{name: digits}", OneHot)
	if err != nil {
		t.Fatal(err)
	}
	for _, white := range []uint8{16, 0} {
		raw.Train.White = white
		p, err := Prepare(raw, Common{}, OneHot)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := read[float64](p.Train, nil)
		by, marked := 255.0, ""
		if white != 0 {
			by, marked = 16, "16"
		}
		if m := slices.Max(x.Flat()); m != 16/by || p.Reading["white"] != marked {
			t.Errorf("white %d: the whitest pixel is %g, reading %q", white, m, p.Reading)
		}
		if p, err = Prepare(raw, Defaults(), OneHot); err != nil || len(p.Reading) != 0 {
			t.Errorf("standardised, white %d: reading %q, %v", white, p.Reading, err)
		}
	}
}
