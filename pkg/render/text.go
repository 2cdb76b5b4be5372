package render

import (
	"image/color"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Sizes of letters, in points.
const (
	labelSize   = 8.5
	titleSize   = 8
	tickSize    = 8
	smallSize   = 7 // of long legends, and of those inside a panel
	captionSize = 6.5
	rowSize     = 6.5 // of the names of rows that stand above them
	noteSize    = 5.5
)

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

func textStyle(size vg.Length) text.Style {
	return text.Style{Color: color.Black, Font: sans(size), Handler: letters{plot.DefaultTextHandler}}
}

// wrap breaks text into lines of at most a width, at blanks, and within words
// that are wider.
func wrap(s text.Style, words string, width vg.Length) (lines []string) {
	line := ""
	var parts []string
	for _, word := range strings.Fields(words) {
		for s.Width(word) > width {
			fits := 0
			for i, r := range word {
				if end := i + utf8.RuneLen(r); i == 0 || s.Width(word[:end]) <= width {
					fits = end
				}
			}
			if fits == len(word) {
				break // a single letter
			}
			parts, word = append(parts, word[:fits]), word[fits:]
		}
		parts = append(parts, word)
	}
	for _, word := range parts {
		if line != "" && s.Width(line+" "+word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}
