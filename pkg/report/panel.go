package report

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A panel is one pair of axes and what is drawn between them.
type panel struct {
	title          string
	xlabel, ylabel string
	xlog, ylog     bool
	xticks, yticks plot.Ticker // nil for those of the scale
	xpad           [2]float64  // widens the x axis on both sides, by fractions
	x, y           interval    // what the axes show
	marks          []plot.Plotter
}

// plot returns the panel as a plot, without a legend and the labels of the axes,
// which figure draws.
func (p panel) plot() *plot.Plot {
	g := newPlot()
	if p.title != "" {
		g.Title.Text = p.title
		g.Title.TextStyle.Font = sans(titleSize)
		g.Title.Padding = vg.Points(3)
	}
	setAxis(&g.X, p.xlog, p.xticks)
	setAxis(&g.Y, p.ylog, p.yticks)
	grid := plotter.NewGrid()
	grid.Horizontal = draw.LineStyle{Color: color.NRGBA{225, 225, 225, 255}, Width: vg.Points(0.4)}
	grid.Vertical = grid.Horizontal
	g.Add(grid)
	g.Add(p.marks...)
	g.X.Min, g.X.Max = p.x.padded(p.xlog, p.xpad[0], p.xpad[1])
	g.Y.Min, g.Y.Max = p.y.padded(p.ylog, 0.04, 0.04)
	return g
}

func setAxis(a *plot.Axis, log bool, ticks plot.Ticker) {
	a.Tick.Marker = linearTicks{}
	if log {
		a.Scale, a.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	if ticks != nil {
		a.Tick.Marker = ticks
	}
}

// An interval is a range of values; empty until something is added.
type interval struct {
	lo, hi float64
	some   bool
}

func (r *interval) add(values ...float64) {
	for _, v := range values {
		if !r.some {
			*r = interval{v, v, true}
		}
		r.lo, r.hi = min(r.lo, v), max(r.hi, v)
	}
}

// padded widens the interval by fractions of its length, and a point to
// something that can be drawn.
func (r interval) padded(log bool, below, above float64) (lo, hi float64) {
	// Beyond are numbers that overflow when they are added or scaled.
	const least, most = 1e-240, 1e240
	r.lo, r.hi = min(max(r.lo, -most), most), min(max(r.hi, -most), most)
	if log {
		if r.lo <= 0 {
			return 0.1, 1
		}
		r.lo, r.hi = max(r.lo, least), max(r.hi, least)
		// A difference of rounding is none.
		if r.hi < r.lo*(1+1e-9) {
			return r.lo / 2, r.hi * 2
		}
		a, b := math.Log10(r.lo), math.Log10(r.hi)
		return math.Pow(10, a-below*(b-a)), math.Pow(10, b+above*(b-a))
	}
	d := r.hi - r.lo
	if d < 1e-9*max(math.Abs(r.lo), math.Abs(r.hi)) || d == 0 {
		d = max(math.Abs(r.lo)*0.1, 0.1)
		return r.lo - d, r.hi + d
	}
	return r.lo - below*d, r.hi + above*d
}

// curvePanel returns a panel of curves.
func curvePanel(curves []curve, x, y quantity) panel {
	p := panel{xlabel: x.label, ylabel: y.label, xlog: x.log, ylog: y.log, xpad: [2]float64{0, 0.02}}
	p.x, p.y = ranges(curves, y)
	for _, c := range curves {
		p.marks = append(p.marks, c.plotter())
	}
	return p
}

// ranges returns what the axes of curves must show: means and bands, and of
// single runs what is not far beyond them: those that diverge leave at the upper
// edge. Of accuracies, what comes after a tenth of the way is enough, if the
// start would squeeze it into less than half of the height. Lines then rise from
// the lower edge.
func ranges(curves []curve, y quantity) (xr, yr interval) {
	var all, later, single interval
	for _, c := range curves {
		for _, v := range slices.Concat(c.single()...) {
			xr.add(v.X)
		}
		for _, v := range c.mean {
			xr.add(v.X)
		}
	}
	start := xr.lo + (xr.hi-xr.lo)/10
	for _, c := range curves {
		for i, v := range c.mean {
			if math.IsNaN(v.Y) {
				continue
			}
			all.add(v.Y, c.lo[i], c.hi[i])
			if v.X > start {
				later.add(v.Y, c.lo[i], c.hi[i])
			}
		}
		for _, v := range slices.Concat(c.single()...) {
			single.add(v.Y)
			if v.X > start {
				later.add(v.Y)
			}
		}
	}
	switch {
	case !all.some:
		all = single
	case single.some && y.log: // at most a third of the height more, a decade at least
		room := math.Pow(max(10, all.hi/all.lo), 1./3)
		all.add(max(single.lo, all.lo/room), min(single.hi, all.hi*room))
	case single.some:
		room := (all.hi - all.lo) / 2
		all.add(max(single.lo, all.lo-room), min(single.hi, all.hi+room))
	}
	if y.cut && later.hi > later.lo && later.hi-later.lo < (all.hi-all.lo)/2 {
		return xr, later
	}
	return xr, all
}

// A curvePlotter draws a curve inside the axes.
type curvePlotter struct {
	curve
	look style
}

func (c curve) plotter() curvePlotter { return curvePlotter{c, styleOf(c.index)} }

// Plot implements plot.Plotter.
func (c curvePlotter) Plot(to draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&to)
	at := func(x, y float64) vg.Point { return vg.Point{X: tx(x), Y: ty(y)} }
	for start := 0; start < len(c.mean); start++ {
		end := start
		for end < len(c.mean) && !math.IsNaN(c.mean[end].Y) {
			end++
		}
		c.segment(to, at, start, end)
		start = end
	}
	for _, t := range c.single() {
		var line []vg.Point
		for _, v := range t {
			line = append(line, at(v.X, v.Y))
		}
		to.StrokeLines(c.look.thin, to.ClipLinesXY(line)...)
	}
	for _, v := range c.crosses {
		// What diverged beyond the axes has left at an edge.
		pt := at(v.X, min(max(v.Y, p.Y.Min), p.Y.Max))
		pt.X += c.dodge
		if to.ContainsX(pt.X) {
			to.DrawGlyph(c.look.cross, pt)
		}
	}
}

// segment draws the mean and the band of evaluations start to end-1.
func (c curvePlotter) segment(to draw.Canvas, at func(x, y float64) vg.Point, start, end int) {
	var line, upper, lower []vg.Point
	for i := start; i < end; i++ {
		x := c.mean[i].X
		line = append(line, at(x, c.mean[i].Y))
		upper, lower = append(upper, at(x, c.hi[i])), append(lower, at(x, c.lo[i]))
	}
	switch {
	case c.bars:
		for i := range line {
			to.StrokeLines(c.look.bar, to.ClipLinesXY([]vg.Point{lower[i], upper[i]})...)
		}
	case len(line) > 1:
		band := upper
		for i := len(lower) - 1; i >= 0; i-- {
			band = append(band, lower[i])
		}
		to.FillPolygon(c.look.band, to.ClipPolygonXY(band))
	}
	to.StrokeLines(c.look.line, to.ClipLinesXY(line)...)
	every := max(1, len(line)/8)
	first := 0
	if len(line) > 16 { // marks of curves that lie on each other should not
		first = c.index * every / 4 % every
	}
	for i, pt := range line {
		if i%every == first && to.Contains(pt) {
			to.DrawGlyph(c.look.glyph, pt)
		}
	}
}

// Thumbnail draws the sample of a legend.
func (c curvePlotter) Thumbnail(to *draw.Canvas) {
	y := to.Center().Y
	to.StrokeLine2(c.look.line, to.Min.X, y, to.Max.X, y)
	to.DrawGlyph(c.look.glyph, to.Center())
}
