package render

import (
	"math"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
)

// TestSamples: in the legend a line of dashes shows a gap that the mark in the middle does not cover, and
// no two kinds of dashes show the same gaps.
func TestSamples(t *testing.T) {
	const fine = 10 // to a point
	seen := map[string][]float64{}
	for i := range 35 {
		dash := figure.StyleOf(i).Dash
		mark := float64(styleOf(i).glyph.Radius)
		shown := make([]byte, sampleWidth*fine)
		gaps := 0
		for x := range shown {
			at := (float64(x) + 0.5) / fine
			on := true
			if n := len(dash); n > 0 {
				var period float64
				for _, l := range dash {
					period += l
				}
				rest := math.Mod(at, period)
				for j := 0; rest >= dash[j]; j++ {
					rest -= dash[j]
					on = !on
				}
			}
			shown[x] = '-'
			if !on && math.Abs(at-sampleWidth/2) > mark {
				shown[x] = ' '
				gaps++
			}
		}
		if len(dash) > 0 && gaps < fine { // a point
			t.Errorf("%v looks solid in the legend: %q", dash, shown)
		}
		if other, ok := seen[string(shown)]; ok && len(other) != len(dash) {
			t.Errorf("%v and %v look alike in the legend", other, dash)
		}
		seen[string(shown)] = dash
	}
}
