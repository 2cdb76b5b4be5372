package report

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A panel is one pair of axes with its curves.
type panel struct {
	x, y   quantity
	curves []curve
}

func newPanel(res *Results, x, y quantity) panel {
	p := panel{x: x, y: y}
	for _, runs := range res.groups() {
		p.curves = append(p.curves, newCurve(runs, x, y))
	}
	return p
}

// left counts the points that cannot be drawn.
func (p panel) left() (n int) {
	for _, c := range p.curves {
		n += c.left
	}
	return n
}

// plot returns the panel as a plot without a legend.
func (p panel) plot() *plot.Plot {
	g := newPlot()
	g.X.Label.Text = p.x.label
	g.X.Tick.Marker, g.Y.Tick.Marker = linearTicks{}, linearTicks{}
	if p.x.log {
		g.X.Scale, g.X.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	if p.y.log {
		g.Y.Scale, g.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	grid := plotter.NewGrid()
	grid.Horizontal = draw.LineStyle{Color: color.NRGBA{225, 225, 225, 255}, Width: vg.Points(0.4)}
	grid.Vertical = grid.Horizontal
	g.Add(grid)
	for _, c := range p.curves {
		g.Add(c.plotter())
	}
	xr, yr := p.ranges()
	g.X.Min, g.X.Max = xr.padded(p.x.log, 0, 0.02)
	g.Y.Min, g.Y.Max = yr.padded(p.y.log, 0.04, 0.04)
	return g
}

// An interval is a range of values; empty until something is added.
type interval struct{ lo, hi float64 }

func (r *interval) add(v float64) {
	if r.lo == 0 && r.hi == 0 {
		*r = interval{v, v}
	}
	r.lo, r.hi = min(r.lo, v), max(r.hi, v)
}

// padded widens the interval by fractions of its length, and a point to
// something that can be drawn.
func (r interval) padded(log bool, below, above float64) (lo, hi float64) {
	if log {
		if r.lo <= 0 {
			return 0.1, 1
		}
		a, b := interval{math.Log10(r.lo), math.Log10(r.hi)}.padded(false, below, above)
		return math.Pow(10, a), math.Pow(10, b)
	}
	d := r.hi - r.lo
	if d < 1e-9*max(math.Abs(r.lo), math.Abs(r.hi)) || d == 0 {
		d = max(math.Abs(r.lo)*0.1, 0.1)
		return r.lo - d, r.hi + d
	}
	return r.lo - below*d, r.hi + above*d
}

// ranges returns what the axes must show: everything, but for accuracies
// what comes after the untrained network, if that would squeeze the rest into
// less than half of the height. Lines then rise from the lower edge.
func (p panel) ranges() (x, y interval) {
	var all, later interval
	for _, c := range p.curves {
		add := func(v plotter.XY, first bool) {
			x.add(v.X)
			all.add(v.Y)
			if !first {
				later.add(v.Y)
			}
		}
		for i, v := range c.mean {
			add(plotter.XY{X: v.X, Y: c.lo[i]}, i == 0)
			add(plotter.XY{X: v.X, Y: c.hi[i]}, i == 0)
		}
		for _, t := range c.thin {
			for i, v := range t {
				add(v, i == 0)
			}
		}
	}
	if p.y.about > 0 && later.hi > later.lo && later.hi-later.lo < (all.hi-all.lo)/2 {
		return x, later
	}
	return x, all
}

// A curvePlotter draws a curve inside the axes.
type curvePlotter struct {
	curve
	look style
}

func (c curve) plotter() plot.Plotter { return curvePlotter{c, styleOf(c.index)} }

func (c curvePlotter) Plot(to draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&to)
	at := func(v plotter.XY) vg.Point { return vg.Point{X: tx(v.X), Y: ty(v.Y)} }
	points := func(vs plotter.XYs) []vg.Point {
		out := make([]vg.Point, len(vs))
		for i, v := range vs {
			out[i] = at(v)
		}
		return out
	}
	if len(c.mean) > 1 {
		var band []vg.Point
		for i, v := range c.mean {
			band = append(band, at(plotter.XY{X: v.X, Y: c.hi[i]}))
		}
		for i := len(c.mean) - 1; i >= 0; i-- {
			band = append(band, at(plotter.XY{X: c.mean[i].X, Y: c.lo[i]}))
		}
		to.FillPolygon(c.look.band, to.ClipPolygonXY(band))
	}
	for _, t := range c.thin {
		to.StrokeLines(c.look.thin, to.ClipLinesXY(points(t))...)
	}
	line := points(c.mean)
	to.StrokeLines(c.look.line, to.ClipLinesXY(line)...)
	every := max(1, len(line)/12)
	for i, pt := range line {
		if i%every == 0 && to.Contains(pt) {
			to.DrawGlyph(c.look.glyph, pt)
		}
	}
	for _, v := range c.crosses {
		if pt := at(v); to.Contains(pt) {
			to.DrawGlyph(c.look.cross, pt)
		}
	}
}

// Thumbnail draws the sample of a legend.
func (c curvePlotter) Thumbnail(to *draw.Canvas) {
	y := to.Center().Y
	to.StrokeLine2(c.look.line, to.Min.X, y, to.Max.X, y)
	to.DrawGlyph(c.look.glyph, to.Center())
}
