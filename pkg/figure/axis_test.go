package figure

import (
	"math"
	"strings"
	"testing"
)

// TestExtremes: axes of whatever a float64 holds have finite ends and ticks.
func TestExtremes(t *testing.T) {
	for _, r := range []Range{{1e-300, 1e308, true}, {1, math.MaxFloat64, true}, {5e-324, 1, true}, {-1e308, 1e308, true}, {0, math.MaxFloat64, true}, {math.MaxFloat64, math.MaxFloat64, true}, {5e-324, 5e-324, true}, {0, 1e-250, true}, {0, 2.3e26, true}, {1e-9, 3e-9, true}, {}} {
		for _, log := range []bool{false, true} {
			a := Axis{Log: log, Range: r, Pad: [2]float64{0.1, 0.1}}
			lo, hi := a.Ends()
			if !(lo < hi) || math.IsInf(hi-lo, 0) || log && lo <= 0 {
				t.Errorf("%v, log %v: from %g to %g", r, log, lo, hi)
				continue
			}
			if log && r.Lo > 0 && (lo > max(r.Lo, LeastLog) || hi < r.Hi) {
				t.Errorf("%v: a log axis from %g to %g does not show it all", r, lo, hi)
			}
			ticks := a.Marks()
			if len(ticks) == 0 || len(ticks) > 100 {
				t.Errorf("%v, log %v: %d ticks", r, log, len(ticks))
			}
			for _, tick := range ticks {
				if len(tick.Label) > 8 {
					t.Errorf("%v, log %v: label %s", r, log, tick.Label)
				}
			}
		}
	}
}

// TestTicks: what axes label.
func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{{0, 20, "0 5 10 15 20"}, {0, 4e5, "0 100000 200000 300000 400000"}, {0, 2e6, "0 5e5 1e6 1.5e6 2e6"}, {0.1, 0.3, "0.10 0.15 0.20 0.25 0.30"}, {-2e-8, 2e-8, "-2e-8 -1e-8 0 1e-8 2e-8"}} {
		var got []string
		for _, tick := range linearTicks(c.lo, c.hi) {
			got = append(got, tick.Label)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%g to %g: %s, want %s", c.lo, c.hi, s, c.want)
		}
	}
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{{2.1, 2.9, "2.2 2.4 2.6 2.8"}, {1.1, 1.9, "1.2 1.4 1.6 1.8"}, {0.031, 0.038, "0.032 0.034 0.036 0.038"}, {1.5, 3.5, "1.5 2.0 2.5 3.0 3.5"}, {1.5, 4.5, "2 3 4"}} {
		var got []string
		for _, tick := range logTicks(c.lo, c.hi) {
			if tick.Label != "" {
				got = append(got, tick.Label)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("log, %g to %g: %s, want %s", c.lo, c.hi, s, c.want)
		}
	}
	if got := tickLabel(1e4) + " " + tickLabel(2e4) + " " + tickLabel(1e5) + " " + tickLabel(5000) + " " + tickLabel(1e-12); got != "1e4 2e4 1e5 5000 1e-12" {
		t.Error(got)
	}
	own := []Tick{{3, "three"}}
	if got := (Axis{Range: Range{0, 10, true}, Ticks: own}).Marks(); len(got) != 1 || got[0] != own[0] {
		t.Errorf("%v, want %v", got, own)
	}
}

// TestPadding: an axis goes beyond its range by fractions of its length.
func TestPadding(t *testing.T) {
	a := Axis{Range: Range{10, 20, true}, Pad: [2]float64{0.1, 0.2}}
	if lo, hi := a.Ends(); lo != 9 || hi != 22 {
		t.Errorf("from %g to %g", lo, hi)
	}
	a = Axis{Log: true, Range: Range{1, 100, true}, Pad: [2]float64{0.5, 0.5}}
	if lo, hi := a.Ends(); math.Abs(lo-0.1) > 1e-15 || math.Abs(hi-1000) > 1e-12 {
		t.Errorf("log: from %g to %g", lo, hi)
	}
}
