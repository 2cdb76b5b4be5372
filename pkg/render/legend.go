package render

import (
	"slices"

	"github.com/dualgn/dgn/pkg/figure"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lengths in points.
const (
	legendLead  = 3.5 // between lines
	sampleWidth = 30  // so that every dash shows a gap beside the mark in its middle
	sampleGap   = 4
	entryGap    = 12
)

// A legend is its entries in columns, row by row.
type legend struct {
	size    vg.Length // of letters
	entries []entry
	columns []vg.Length // their places
}

// An entry is a line of one.
type entry struct {
	label string
	look  style
	rest  bool // of the label of the line before: without a sample
}

// layLegend arranges the entries in as many columns as fit. Labels that a line does not
// hold are broken, in one column: what the edge cut off could be what tells two apart.
func layLegend(list []figure.Entry, width vg.Length) legend {
	l := legend{size: labelSize}
	if len(list) > 6 {
		l.size = smallSize
	}
	s, room := l.style(), width-sampleWidth-sampleGap
	stacked := slices.ContainsFunc(list, func(e figure.Entry) bool { return s.Width(e.Label) > room })
	for _, e := range list {
		lines := []string{e.Label}
		if stacked {
			lines = wrap(s, e.Label, room)
		}
		for i, line := range lines {
			l.entries = append(l.entries, entry{line, styleOf(e.Style), i > 0})
		}
	}
	if len(l.entries) > 6 {
		l.size = smallSize
		s = l.style()
	}
	most := len(l.entries)
	if stacked {
		most = 1
	}
	for cols := most; cols > 0; cols-- {
		columns := make([]vg.Length, cols+1)
		for c := range cols {
			widest := vg.Length(0)
			for i := c; i < len(l.entries); i += cols {
				widest = max(widest, sampleWidth+sampleGap+s.Width(l.entries[i].label)+entryGap)
			}
			columns[c+1] = columns[c] + widest
		}
		l.columns = columns[:cols]
		if columns[cols]-entryGap <= width {
			break
		}
	}
	return l
}

func (l legend) style() text.Style { return textStyle(l.size) }

func (l legend) height() vg.Length {
	if len(l.entries) == 0 {
		return 0
	}
	lines := (len(l.entries) + len(l.columns) - 1) / len(l.columns)
	return vg.Length(lines) * (l.size + legendLead)
}

// draw draws the legend at the top of c.
func (l legend) draw(c draw.Canvas) {
	for i, e := range l.entries {
		x := c.Min.X + l.columns[i%len(l.columns)]
		y := c.Max.Y - vg.Length(i/len(l.columns)+1)*(l.size+legendLead)
		if !e.rest {
			sample := draw.Crop(c, x-c.Min.X, x+sampleWidth-c.Max.X, y-c.Min.Y, y+l.size+legendLead-2-c.Max.Y)
			mid := sample.Center()
			sample.StrokeLine2(e.look.line, sample.Min.X, mid.Y, sample.Max.X, mid.Y)
			sample.DrawGlyph(e.look.glyph, mid)
		}
		c.FillText(l.style(), vg.Point{X: x + sampleWidth + sampleGap, Y: y + 1.5}, e.label)
	}
}
