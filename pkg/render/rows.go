package render

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/figure"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// rowLine is the height in points of a line of a row's name.
const rowLine = 8

// Rows are those of a panel, from top to bottom.
type rows []row

// A row draws when the runs of one series reach a goal.
type row struct {
	figure.Row
	y      float64
	look   style
	beside string   // at the left of the axis
	above  []string // by line
}

// layRows names rows, if they are in the first panel of several: beside them or, as long
// names would take the room of the panel, above.
func layRows(list []figure.Row, width vg.Length, named bool) (out rows) {
	long := slices.ContainsFunc(list, func(r figure.Row) bool { return textStyle(tickSize).Width(r.Label) > 110 })
	for i, r := range list {
		x := row{Row: r, y: -float64(i), look: styleOf(r.Style)}
		if named {
			x.beside = fmt.Sprintf("%d/%d", r.Reached(), len(r.At))
			if long {
				x.above = wrap(textStyle(rowSize), r.Label, width-60)
			} else {
				x.beside = r.Label + "  " + x.beside
			}
		}
		out = append(out, x)
	}
	return out
}

// height is that of the panel. All rows have the height of the one of most lines.
func (list rows) height() vg.Length {
	height := vg.Length(15)
	for _, r := range list {
		if r.above != nil {
			height = max(height, 22, 14+rowLine*vg.Length(len(r.above)))
		}
	}
	return 40 + height*vg.Length(len(list))
}

// axis takes the place of the y axis.
func (list rows) axis() figure.Axis {
	n := float64(len(list))
	a := figure.Axis{Range: figure.Range{Lo: -n + 0.5, Hi: 0.5, Some: true}, Pad: [2]float64{0.04, 0.04}}
	for _, r := range list {
		a.Ticks = append(a.Ticks, figure.Tick{Value: r.y, Label: r.beside})
	}
	return a
}

// Plot implements plot.Plotter.
func (r row) Plot(to draw.Canvas, p *plot.Plot) {
	f := newFrame(to, p)
	y := f.at(1, r.y).Y
	tx := func(x float64) vg.Length { return f.at(x, r.y).X }
	for i, line := range r.above {
		to.FillText(textStyle(rowSize), vg.Point{X: to.Min.X + 3, Y: y + 5 + rowLine*vg.Length(len(r.above)-1-i)}, line)
	}
	if m := float64(r.Median); !math.IsInf(m, 1) && !math.IsNaN(m) {
		bar := r.look.bar
		bar.Width = vg.Points(1.8)
		to.StrokeLine2(bar, tx(m), y-5, tx(m), y+5)
	}
	never := 0
	for _, v := range r.At {
		if !math.IsInf(v, 1) {
			to.DrawGlyph(r.look.glyph, vg.Point{X: tx(v), Y: y})
			continue
		}
		// Side by side, so that they can be counted.
		drawNever(to, r.look.bar.Color, vg.Point{X: to.Max.X - vg.Points(3+5*float64(never)), Y: y})
		never++
	}
}

// drawNever draws a hollow triangle that points to the right.
func drawNever(to draw.Canvas, c color.Color, at vg.Point) {
	r := vg.Points(2)
	a, b, d := vg.Point{X: at.X - r, Y: at.Y - r}, vg.Point{X: at.X + r, Y: at.Y}, vg.Point{X: at.X - r, Y: at.Y + r}
	to.StrokeLines(draw.LineStyle{Color: c, Width: vg.Points(0.7)}, []vg.Point{a, b, d, a})
}
