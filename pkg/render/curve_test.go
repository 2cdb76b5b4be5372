package render

import (
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// panelOf returns a panel of one curve.
func panelOf(c figure.Curve, logY bool) panel {
	p := figure.Panel{Y: figure.Axis{Log: logY}, Curves: []figure.Curve{c}}
	for _, v := range c.Mean {
		p.X.Range.Add(v.X)
		if figure.Shows(logY, v.Y) {
			p.Y.Range.Add(v.Y)
		}
	}
	return newPanel(p, nil, halfWidth)
}

// TestZeros: a line ends where a 0 begins that a log axis has no place for, and goes on
// after it; the 0 stands at the edge.
func TestZeros(t *testing.T) {
	v := []float64{1, 0.1, 0.05, 0, 0.1}
	c := figure.Curve{Lo: v, Hi: v}
	for i, y := range v {
		c.Mean = append(c.Mean, figure.Point{X: float64(10 * i), Y: y})
	}
	to := draw.NewCanvas(new(recorder.Canvas), 200, 200)
	f := newFrame(to, panelOf(c, true).plot())
	if got := f.pieces(c.Mean); !slices.Equal(got, [][2]int{{0, 3}, {4, 5}}) {
		t.Errorf("pieces %v", got)
	}
	path := newCurve(c).path(f, c.Mean, func(i int) float64 { return v[i] }, 0, 3)
	if last := path[len(path)-1]; last.X != f.tx(30) || last.Y != f.ty(0.05) {
		t.Errorf("the line ends at %v, want at 30 and 0.05", last)
	}
	if at := f.at(30, 0); at.Y != to.Min.Y {
		t.Errorf("0 is at %v", at)
	}
}

// TestSteps: lines of curves run along the axes: a value holds until the next.
func TestSteps(t *testing.T) {
	c := figure.Curve{Mean: []figure.Point{{X: 0, Y: 4}, {X: 10, Y: 2}, {X: 20, Y: 1}, {X: 30, Y: 3}}}
	f := newFrame(draw.NewCanvas(new(recorder.Canvas), 200, 200), panelOf(c, false).plot())
	path := newCurve(c).path(f, c.Mean, func(i int) float64 { return c.Mean[i].Y }, 0, len(c.Mean))
	if len(path) != 7 {
		t.Fatalf("%v", path)
	}
	for i := 1; i < len(path); i++ {
		if path[i].X != path[i-1].X && path[i].Y != path[i-1].Y {
			t.Errorf("from %v to %v", path[i-1], path[i])
		}
	}
}

// TestCrosses: the mark of a run that diverged stands inside the axes, whole, however
// far it lies beyond them and beside others.
func TestCrosses(t *testing.T) {
	for _, place := range []float64{-50, 0, 50} {
		c := figure.Curve{Mean: []figure.Point{{X: 0, Y: 1}, {X: 600, Y: 2}}, Place: place}
		g := panelOf(c, false).plot()
		var canvas recorder.Canvas
		newCurve(figure.Curve{Crosses: []figure.Point{{X: 600, Y: 1e12}, {X: 0, Y: 1}}, Place: place}).Plot(draw.NewCanvas(&canvas, 300, 200), g)
		points := 0
		for _, a := range canvas.Actions {
			if s, ok := a.(*recorder.Stroke); ok {
				for _, k := range s.Path {
					points++
					if k.Pos.X < 0 || k.Pos.X > 300 || k.Pos.Y < 0 || k.Pos.Y > 200 {
						t.Errorf("place %g: the mark goes to %v", place, k.Pos)
					}
				}
			}
		}
		if points != 8 {
			t.Errorf("place %g: %d points", place, points)
		}
	}
}
