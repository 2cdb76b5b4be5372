package figure

import (
	"fmt"
	"testing"
)

// TestStyles: curves that a figure may show together do not look alike.
func TestStyles(t *testing.T) {
	colors, glyphs, lines := map[Color]bool{}, map[Glyph]bool{}, map[string]bool{}
	for i := range 35 {
		s := StyleOf(i)
		if i < 7 {
			colors[s.Color], glyphs[s.Glyph] = true, true
		}
		lines[fmt.Sprint(s.Color, s.Dash)] = true
	}
	if len(colors) != 7 || len(glyphs) != 7 || len(lines) != 35 {
		t.Errorf("%d colours, %d glyphs, %d lines", len(colors), len(glyphs), len(lines))
	}
	if got := StyleOf(0).Color.Hex(); got != "#0072B2" {
		t.Error(got)
	}
}
