package report

import (
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/figure"
)

// Padding of axes, as fractions of their lengths.
var (
	padY    = [2]float64{0.04, 0.04}
	padX    = [2]float64{0, 0.02}
	padLogX = [2]float64{0.05, 0.02} // room for what held before the first x that has a logarithm
)

// curvePanel returns a panel of curves.
func curvePanel(curves []curve, x, y quantity) figure.Panel {
	p := figure.Panel{X: x.axis(padX), Y: y.axis(padY)}
	if x.log {
		p.X.Pad = padLogX
	}
	p.X.Range, p.Y.Range = ranges(curves, x, y)
	for _, c := range curves {
		p.Curves = append(p.Curves, c.Curve)
	}
	return p
}

// ranges returns what the axes of curves must show: means and bands, and of
// single runs what is not far beyond them: those that diverge leave at the upper
// edge. Of accuracies and RMSE, what comes after a tenth of the way is enough, if the
// start would squeeze it into less than half of the height. Lines then come from
// an edge.
func ranges(curves []curve, x, y quantity) (xr, yr figure.Range) {
	var all, later, single figure.Range
	addX := func(v float64) {
		if figure.Shows(x.log, v) {
			xr.Add(v)
		}
	}
	for _, c := range curves {
		for _, v := range slices.Concat(c.Single()...) {
			addX(v.X)
		}
		for _, v := range c.Mean {
			addX(v.X)
		}
	}
	start := xr.Lo + (xr.Hi-xr.Lo)/10
	if x.log {
		start = xr.Lo
	}
	for _, c := range curves {
		for i, v := range c.Mean {
			for _, w := range []float64{v.Y, c.Lo[i], c.Hi[i]} {
				if !figure.Shows(y.log, w) {
					continue
				}
				all.Add(w)
				if v.X > start {
					later.Add(w)
				}
			}
		}
		for _, v := range slices.Concat(c.Single()...) {
			if !figure.Shows(y.log, v.Y) {
				continue
			}
			single.Add(v.Y)
			if v.X > start {
				later.Add(v.Y)
			}
		}
	}
	switch {
	case !all.Some:
		all = single
	case single.Some && y.log: // at most a third of the height more, a decade at least
		room := math.Pow(max(10, all.Hi/all.Lo), 1./3)
		all.Add(max(single.Lo, all.Lo/room), min(single.Hi, all.Hi*room))
	case single.Some:
		room := (all.Hi - all.Lo) / 2
		all.Add(max(single.Lo, all.Lo-room), min(single.Hi, all.Hi+room))
	}
	if y.cut && later.Hi > later.Lo && later.Hi-later.Lo < (all.Hi-all.Lo)/2 {
		return xr, later
	}
	return xr, all
}
