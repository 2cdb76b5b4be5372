package render

import (
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/figure"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A curvePlotter draws a curve inside the axes.
type curvePlotter struct {
	figure.Curve
	look style
}

func newCurve(c figure.Curve) curvePlotter {
	p := curvePlotter{c, styleOf(c.Style)}
	if c.Scatter {
		p.look.line.Width = 0
	}
	return p
}

// A frame places values on a canvas. Those that its axes cannot show, as 0 on a
// log axis, lie on their edges.
type frame struct {
	draw.Canvas
	tx, ty     func(float64) vg.Length
	xlog, ylog bool
	x, y       [2]float64
}

func newFrame(to draw.Canvas, p *plot.Plot) frame {
	f := frame{Canvas: to, x: [2]float64{p.X.Min, p.X.Max}, y: [2]float64{p.Y.Min, p.Y.Max}}
	_, f.xlog = p.X.Scale.(plot.LogScale)
	_, f.ylog = p.Y.Scale.(plot.LogScale)
	f.tx, f.ty = p.Transforms(&to)
	return f
}

// onto returns v, or the end of the axis that v lies beyond every value of.
func onto(v float64, log bool, ends [2]float64) float64 {
	switch {
	case log && v < figure.LeastLog, math.IsInf(v, -1):
		return ends[0]
	case math.IsInf(v, 1):
		return ends[1]
	}
	return v
}

func (f frame) at(x, y float64) vg.Point {
	return vg.Point{X: f.tx(onto(x, f.xlog, f.x)), Y: f.ty(onto(y, f.ylog, f.y))}
}

// pieces cuts a line where there is nothing to draw: at NaN, and at values that
// the axis cannot show. Each piece is the indices from, to-1.
func (f frame) pieces(line []figure.Point) (out [][2]int) {
	for from := 0; from < len(line); from++ {
		to := from
		for to < len(line) && figure.Shows(f.ylog, line[to].Y) {
			to++
		}
		if to > from {
			out = append(out, [2]int{from, to})
		}
		from = to
	}
	return out
}

// path returns the line from one evaluation to another: a value holds until the
// next evaluation, even if the value of that one has no place.
func (c curvePlotter) path(f frame, line []figure.Point, y func(i int) float64, from, to int) (path []vg.Point) {
	for i := from; i < to; i++ {
		path = append(path, f.at(line[i].X, y(i)))
		if !c.Straight && i+1 < len(line) {
			path = append(path, f.at(line[i+1].X, y(i)))
		}
	}
	return path
}

// Plot implements plot.Plotter.
func (c curvePlotter) Plot(to draw.Canvas, p *plot.Plot) {
	f := newFrame(to, p)
	for _, k := range f.pieces(c.Mean) {
		c.band(f, k[0], k[1])
	}
	mean := func(i int) float64 { return c.Mean[i].Y }
	for _, k := range f.pieces(c.Mean) {
		to.StrokeLines(c.look.line, to.ClipLinesXY(c.path(f, c.Mean, mean, k[0], k[1]))...)
	}
	c.marks(f)
	for _, t := range c.Single() {
		value := func(i int) float64 { return t[i].Y }
		for _, k := range f.pieces(t) {
			to.StrokeLines(c.look.thin, to.ClipLinesXY(c.path(f, t, value, k[0], k[1]))...)
		}
		for _, v := range t {
			if f.ylog && v.Y < figure.LeastLog {
				c.edgeMark(f, v)
			}
		}
	}
	for _, v := range c.Crosses {
		c.cross(f, v)
	}
}

// band draws the band of evaluations from to to-1.
func (c curvePlotter) band(f frame, from, to int) {
	lo := func(i int) float64 { return c.Lo[i] }
	hi := func(i int) float64 { return c.Hi[i] }
	bar := func(i int) {
		f.StrokeLines(c.look.bar, f.ClipLinesXY([]vg.Point{f.at(c.Mean[i].X, c.Lo[i]), f.at(c.Mean[i].X, c.Hi[i])})...)
	}
	if c.Bars {
		for i := from; i < to; i++ {
			bar(i)
		}
		return
	}
	if f.xlog && from == 0 && c.Mean[0].X <= 0 { // holds from a time that has no place
		bar(0)
		if from++; from == to {
			return
		}
	}
	if to == len(c.Mean) && !c.Straight { // the last value holds no longer
		bar(to - 1)
	}
	outline, lower := c.path(f, c.Mean, hi, from, to), c.path(f, c.Mean, lo, from, to)
	if len(outline) < 2 {
		return
	}
	slices.Reverse(lower)
	f.FillPolygon(c.look.band, f.ClipPolygonXY(append(outline, lower...)))
}

// marks draws a mark at the evaluations of the mean, or at some of many.
func (c curvePlotter) marks(f frame) {
	n := len(c.Mean)
	every := max(1, n/8)
	first := 0
	if n > 16 { // marks of curves that lie on each other should not
		first = c.Style * every / 4 % every
	}
	for i, v := range c.Mean {
		switch {
		case math.IsNaN(v.Y):
			continue
		case !figure.Shows(f.ylog, v.Y): // nothing else tells of it
			c.edgeMark(f, v)
			continue
		case i%every != first:
			continue
		}
		pt := f.at(v.X, v.Y)
		if f.Contains(pt) {
			f.DrawGlyph(c.look.glyph, pt)
			if c.Notes != nil && c.Notes[i] != "" {
				s := textStyle(noteSize)
				s.Color = c.look.glyph.Color
				f.FillText(s, vg.Point{X: pt.X + 3, Y: pt.Y + 2}, c.Notes[i])
			}
		}
	}
}

// edgeMark draws a triangle that points over the edge, for a value that lies
// beyond all that the axis can show.
func (c curvePlotter) edgeMark(f frame, v figure.Point) {
	pt := f.at(v.X, v.Y)
	if !f.ContainsX(pt.X) {
		return
	}
	const w, h = 2.6, 4.5
	base, tip := f.Min.Y+h+0.5, f.Min.Y+0.5
	if v.Y >= figure.LeastLog {
		base, tip = f.Max.Y-h-0.5, f.Max.Y-0.5
	}
	f.FillPolygon(c.look.glyph.Color, []vg.Point{{X: pt.X - w, Y: base}, {X: pt.X + w, Y: base}, {X: pt.X, Y: tip}})
}

// cross marks where a run diverged: all of the mark stands inside the axes, at
// the edge if the value is beyond.
func (c curvePlotter) cross(f frame, v figure.Point) {
	pt := f.at(v.X, v.Y)
	if !f.ContainsX(pt.X) {
		return
	}
	room := c.look.cross.Radius + 1
	pt.X = min(max(pt.X+c.dodge(), f.Min.X+room), f.Max.X-room)
	pt.Y = min(max(pt.Y, f.Min.Y+room), f.Max.Y-room)
	f.DrawGlyph(c.look.cross, pt)
}

// dodge moves crosses sideways, so that those of other curves can be seen. Those of bars
// have the room that barRoom keeps.
func (c curvePlotter) dodge() vg.Length {
	step := 4.
	if c.Bars {
		step = barStep
	}
	return vg.Length(step * c.Place)
}

// barStep is the distance in points of crosses that stand beside each other at a bar.
const barStep = 2.5

// barRoom is the least padding of an axis of curves of bars, so that all crosses at its
// first and last value are beside each other: a fraction of its length, about 180 points.
func barRoom(curves []figure.Curve) (room float64) {
	for _, c := range curves {
		if c.Bars {
			room = max(room, (barStep*math.Abs(c.Place)+5)/180)
		}
	}
	return room
}
