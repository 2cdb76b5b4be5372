package render

import (
	"image/color"
	"math"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A panel is one of a figure, with its texts broken into lines.
type panel struct {
	title string
	x, y  figure.Axis
	marks []plot.Plotter
}

// newPanel lays out a panel of a width.
func newPanel(of figure.Panel, rows rows, width vg.Length) panel {
	p := panel{title: strings.Join(wrap(textStyle(titleSize), of.Title, width-50), "\n"), x: of.X, y: of.Y}
	p.x.Ticks = fitTicks(p.x, width)
	room := barRoom(of.Curves)
	p.x.Pad = [2]float64{max(p.x.Pad[0], room), max(p.x.Pad[1], room)}
	for _, c := range of.Curves {
		p.marks = append(p.marks, newCurve(c))
	}
	for i, h := range of.Histograms {
		p.marks = append(p.marks, histogram{h, styleOf(h.Style), i})
	}
	if len(rows) > 0 {
		p.y = rows.axis()
		for _, r := range rows {
			p.marks = append(p.marks, r)
		}
	}
	return p
}

// fitTicks breaks the names of ticks into lines, and drops the labels of numbers that
// would touch the one before.
func fitTicks(a figure.Axis, width vg.Length) (ticks []figure.Tick) {
	place := func(v float64) float64 {
		if a.Log {
			return math.Log(v/a.Range.Lo) / math.Log(a.Range.Hi/a.Range.Lo)
		}
		return (v - a.Range.Lo) / (a.Range.Hi - a.Range.Lo)
	}
	last := math.Inf(-1)
	for _, t := range a.Ticks {
		if a.Names {
			t.Label = strings.Join(wrap(textStyle(tickSize), t.Label, (width-60)/vg.Length(len(a.Ticks))), "\n")
		} else if at := place(t.Value); at-last < 0.012*float64(4+len(t.Label)) {
			t.Label = ""
		} else {
			last = at
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// plot returns the panel as a plot, without the labels of the axes, which draw adds.
func (p panel) plot() *plot.Plot {
	g := newPlot()
	if p.title != "" {
		g.Title.Text = p.title
		g.Title.Padding = vg.Points(3)
	}
	setAxis(&g.X, p.x)
	setAxis(&g.Y, p.y)
	grid := plotter.NewGrid()
	grid.Horizontal = draw.LineStyle{Color: color.NRGBA{225, 225, 225, 255}, Width: vg.Points(0.4)}
	grid.Vertical = grid.Horizontal
	g.Add(grid)
	g.Add(p.marks...)
	g.X.Min, g.X.Max = p.x.Ends()
	g.Y.Min, g.Y.Max = p.y.Ends()
	return g
}

func setAxis(a *plot.Axis, of figure.Axis) {
	if of.Log {
		a.Scale = plot.LogScale{}
	}
	var ticks plot.ConstantTicks
	for _, t := range of.Marks() {
		ticks = append(ticks, plot.Tick{Value: t.Value, Label: t.Label})
	}
	a.Tick.Marker = ticks
}
