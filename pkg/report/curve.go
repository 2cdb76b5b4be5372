package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// A curve is what a figure shows of one series: the mean over its complete runs
// and a band about it, and the other runs as thin lines. Where the mean is NaN,
// the line has a gap.
type curve struct {
	label   string
	index   int // gives it its colour
	n       int // complete runs
	mean    plotter.XYs
	lo, hi  []float64
	thin    []plotter.XYs // runs that did not end well
	tails   []plotter.XYs // of complete runs, beyond the end of the shortest
	crosses plotter.XYs   // where runs diverged
	left    int           // points that a log axis cannot show
	between bool          // the mean is of values between evaluations
	bars    bool          // the band is drawn as bars
	dodge   vg.Length     // moves crosses, so that those of other curves can be seen
}

// newCurve aggregates a series. Values are smoothed, run by run, over that many
// evaluations. Where the complete runs have evaluations at the same x, the mean
// is taken there. Elsewhere (times differ) it is taken at the means of the i-th
// evaluations' x, of values linear between evaluations: in log y on a log axis,
// as the lines of a figure are. It ends where the first complete run does.
func newCurve(s series, x, y quantity, smooth int) curve {
	c := curve{index: s.index}
	var complete []plotter.XYs
	counts := map[string]int{}
	for _, r := range s.runs {
		counts[r.Outcome]++
		points, left := r.points(x, y, smooth)
		c.left += left
		switch {
		case len(points) == 0:
		case r.complete():
			complete = append(complete, points)
		default:
			c.thin = append(c.thin, points)
			if r.Outcome == "diverged" {
				c.crosses = append(c.crosses, points[len(points)-1])
			}
		}
	}
	c.n = len(complete)
	c.label = s.label + note(counts, len(s.runs))
	if c.n == 0 {
		return c
	}
	grid, same := commonGrid(complete)
	c.between = !same
	values := make([]float64, c.n)
	for _, at := range grid {
		for i, p := range complete {
			values[i] = interpolate(p, at, y.log)
		}
		s := stat(values)
		c.mean = append(c.mean, plotter.XY{X: at, Y: s.Mean})
		c.lo, c.hi = append(c.lo, s.Lo), append(c.hi, s.Hi)
	}
	end := grid[len(grid)-1] // of the shortest
	for _, p := range complete {
		if rest := after(p, end, y.log); len(rest) > 1 {
			c.tails = append(c.tails, rest)
		}
	}
	return c
}

// single returns the thin lines.
func (c curve) single() []plotter.XYs { return slices.Concat(c.thin, c.tails) }

// points returns what axes can show of a run, and the number of values that
// they cannot because of a log axis.
func (r *Run) points(x, y quantity, smooth int) (points plotter.XYs, left int) {
	var window []float64
	for _, row := range r.Rows {
		p := plotter.XY{X: row[x.column] * x.scale, Y: row[y.column] * y.scale}
		if math.IsNaN(p.Y) || math.IsInf(p.Y, 0) || math.IsNaN(p.X) || math.IsInf(p.X, 0) {
			continue
		}
		if smooth > 1 {
			window = append(window, p.Y)
			window = window[max(0, len(window)-smooth):]
			p.Y = mean(window)
		}
		if y.log && p.Y <= 0 || x.log && p.X <= 0 {
			left++
			continue
		}
		points = append(points, p)
	}
	return points, left
}

// commonGrid returns where a mean over runs is taken, and whether all runs have
// points there.
func commonGrid(runs []plotter.XYs) (grid []float64, same bool) {
	common := len(runs[0])
	start, end := math.Inf(-1), math.Inf(1)
	for _, p := range runs {
		common = min(common, len(p))
		start, end = max(start, p[0].X), min(end, p[len(p)-1].X)
	}
	same = true
	for i := range common {
		m := 0.0
		for _, p := range runs {
			same = same && p[i].X == runs[0][i].X
			m += p[i].X / float64(len(runs))
		}
		if same {
			m = runs[0][i].X
		}
		grid = append(grid, m)
	}
	if same {
		return grid, true
	}
	if start > end { // no x is common to all runs
		return []float64{start}, false
	}
	inside := []float64{start}
	for _, x := range grid {
		if x > start && x < end {
			inside = append(inside, x)
		}
	}
	if end > start {
		inside = append(inside, end)
	}
	return inside, false
}

// interpolate returns the value of a line at x, or at its nearer end.
func interpolate(p plotter.XYs, x float64, log bool) float64 {
	i := 0
	for i < len(p) && p[i].X < x {
		i++
	}
	switch {
	case i == len(p):
		return p[i-1].Y
	case i == 0 || p[i].X == x:
		return p[i].Y
	}
	a, b := p[i-1], p[i]
	t := (x - a.X) / (b.X - a.X)
	if log {
		return math.Exp(math.Log(a.Y)*(1-t) + math.Log(b.Y)*t)
	}
	return a.Y*(1-t) + b.Y*t
}

// after returns the part of a line from x on.
func after(p plotter.XYs, x float64, log bool) plotter.XYs {
	rest := plotter.XYs{{X: x, Y: interpolate(p, x, log)}}
	for _, q := range p {
		if q.X > x {
			rest = append(rest, q)
		}
	}
	return rest
}

// note says which runs did not reach their end.
func note(counts map[string]int, n int) string {
	var parts []string
	for _, o := range []string{"diverged", "interrupted", "failed", "running"} {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d %s", counts[o], n, o))
		}
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
