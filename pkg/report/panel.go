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
	if log {
		if r.lo <= 0 {
			return 0.1, 1
		}
		r.lo, r.hi = max(r.lo, leastLog), max(r.hi, leastLog)
		lo, hi = r.lo/2, r.hi*2
		if r.hi >= r.lo*(1+1e-9) { // and not a difference of rounding
			a, b := math.Log10(r.lo), math.Log10(r.hi)
			lo, hi = math.Pow(10, a-below*(b-a)), math.Pow(10, b+above*(b-a))
		}
		return max(lo, leastLog/1e3), min(hi, math.MaxFloat64)
	}
	// Beyond are numbers that overflow when they are added or scaled.
	const most = 1e240
	r.lo, r.hi = min(max(r.lo, -most), most), min(max(r.hi, -most), most)
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
	if x.log { // room for what held before the first x that has a logarithm
		p.xpad[0] = 0.05
	}
	p.x, p.y = ranges(curves, x, y)
	for _, c := range curves {
		p.marks = append(p.marks, c.plotter())
	}
	return p
}

// ranges returns what the axes of curves must show: means and bands, and of
// single runs what is not far beyond them: those that diverge leave at the upper
// edge. Of accuracies and RMSE, what comes after a tenth of the way is enough, if the
// start would squeeze it into less than half of the height. Lines then come from
// an edge.
func ranges(curves []curve, x, y quantity) (xr, yr interval) {
	var all, later, single interval
	addX := func(v float64) {
		if shows(x.log, v) {
			xr.add(v)
		}
	}
	for _, c := range curves {
		for _, v := range slices.Concat(c.single()...) {
			addX(v.X)
		}
		for _, v := range c.mean {
			addX(v.X)
		}
	}
	start := xr.lo + (xr.hi-xr.lo)/10
	if x.log {
		start = xr.lo
	}
	for _, c := range curves {
		for i, v := range c.mean {
			for _, w := range []float64{v.Y, c.lo[i], c.hi[i]} {
				if !shows(y.log, w) {
					continue
				}
				all.add(w)
				if v.X > start {
					later.add(w)
				}
			}
		}
		for _, v := range slices.Concat(c.single()...) {
			if !shows(y.log, v.Y) {
				continue
			}
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
