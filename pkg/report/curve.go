package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

// A curve is what a figure shows of one series, the mean over its complete runs and
// the other runs as thin lines, and what the caption has to say of it.
type curve struct {
	figure.Curve
	n, of    int  // complete runs, and all
	averaged bool // x is a mean of different x
	held     bool // values hold until the next evaluation of their run
	ended    bool // the last point is of the ends of all runs, which differ a little
}

// An evaluation is what a curve takes from a row of metrics.csv.
type evaluation struct{ step, x, y float64 }

// newCurve aggregates a series. Values are smoothed, run by run, over that many
// evaluations.
//
// The first evaluations of the complete runs are often at the same steps. There
// the curve has the mean of the values at the mean of the x, which differ where x
// is a time. After that it has, at each x where any run was evaluated, the mean of
// the last values of all runs. Either way a mean is of values that were measured.
// It ends where the first complete run does; but where all end at about the same x, as
// runs with a budget of cost or seconds that differ in their last step, at the mean of
// their ends, with the mean of their final values.
func newCurve(s results.Series, x, y quantity, smooth int) curve {
	c := curve{Curve: figure.Curve{Style: s.Index}, of: len(s.Runs)}
	var complete [][]evaluation
	counts := map[string]int{}
	for _, r := range s.Runs {
		counts[r.State()]++
		points := pointsOf(&r, x, y, smooth)
		switch {
		case len(points) == 0 || r.Damage != "":
		case r.Complete():
			complete = append(complete, points)
		default:
			line := drawable(points)
			c.Thin = append(c.Thin, line)
			if r.Outcome == runlog.Diverged {
				c.Crosses = append(c.Crosses, line[len(line)-1])
			}
		}
	}
	c.n = len(complete)
	c.Label = s.Label + noteOfMean(counts, len(s.Runs), c.n)
	if c.n > 0 {
		c.average(complete)
	}
	return c
}

// nearEnds is by which share of the earliest the ends of runs may differ that count as one.
const nearEnds = 0.05

// average fills in mean, band and tails.
func (c *curve) average(runs [][]evaluation) {
	at := make([]int, len(runs)) // the evaluation of each run that counts
	values := make([]float64, len(runs))
	add := func(x float64) {
		for i, p := range runs {
			values[i] = p[at[i]].y
		}
		s := stats.Of(values)
		c.Mean = append(c.Mean, figure.Point{X: x, Y: s.Mean})
		c.Lo, c.Hi = append(c.Lo, s.Lo), append(c.Hi, s.Hi)
	}
	same := corresponding(runs)
	for i := range same {
		for r := range runs {
			at[r], values[r] = i, runs[r][i].x
		}
		c.averaged = c.averaged || slices.Min(values) != slices.Max(values)
		add(stats.Mean(values))
	}
	start, end := math.Inf(-1), math.Inf(1)
	var grid []float64
	for _, p := range runs {
		start, end = max(start, p[max(same-1, 0)].x), min(end, p[len(p)-1].x)
		for _, e := range p[same:] {
			grid = append(grid, e.x)
		}
	}
	ends := make([]float64, len(runs))
	for r, p := range runs {
		ends[r] = p[len(p)-1].x
	}
	c.ended = len(grid) > 0 && start < end && slices.Max(ends)-end <= nearEnds*end
	slices.Sort(grid)
	grid = slices.DeleteFunc(slices.Compact(grid), func(x float64) bool {
		return x < start || x > end || same > 0 && x == start || c.ended && x == end
	})
	if same == 0 && len(grid) == 0 && !c.ended { // no x is common to all runs
		grid = []float64{start}
	}
	for _, x := range grid {
		c.held = true
		for r, p := range runs {
			for at[r]+1 < len(p) && p[at[r]+1].x <= x {
				at[r]++
			}
		}
		add(x)
	}
	if c.ended {
		for r, p := range runs {
			at[r] = len(p) - 1
		}
		add(stats.Mean(ends))
	}
	for r, p := range runs {
		if rest := p[at[r]:]; len(rest) > 1 {
			c.Tails = append(c.Tails, drawable(rest))
		}
	}
}

// corresponding returns how many first evaluations all runs have at the same steps.
func corresponding(runs [][]evaluation) int {
	for i := 0; ; i++ {
		for _, p := range runs {
			if i == len(p) || p[i].step != runs[0][i].step {
				return i
			}
		}
	}
}

// pointsOf returns the evaluations of a run that have a number.
func pointsOf(r *results.Run, x, y quantity, smooth int) (points []evaluation) {
	var window []float64
	for _, row := range r.Rows {
		p := evaluation{step: row[runlog.Columns.Step], x: row[x.column] * x.scale, y: row[y.column] * y.scale}
		if math.IsNaN(p.y) || math.IsNaN(p.x) || math.IsInf(p.x, 0) {
			continue
		}
		if smooth > 1 {
			window = append(window, p.y)
			window = window[max(0, len(window)-smooth):]
			p.y = stats.Mean(window)
		}
		points = append(points, p)
	}
	return points
}

func drawable(points []evaluation) (line []figure.Point) {
	for _, p := range points {
		line = append(line, figure.Point{X: p.x, Y: p.y})
	}
	return line
}

// edges counts the values that stand at the lower edge of a log axis.
func (c curve) edges() (e edge) {
	for _, line := range append(c.Single(), c.Mean) {
		for _, p := range line {
			if p.Y < figure.LeastLog {
				e.n++
				e.negative, e.tiny = e.negative || p.Y < 0, e.tiny || p.Y > 0
			}
		}
	}
	return e
}

// note says which runs did not reach their end, are damaged, or lack files.
func note(counts map[string]int, n int) string { return bracketed(ends(counts, n)) }

// noteOfMean is note for a line that is a mean over some of the runs.
func noteOfMean(counts map[string]int, n, complete int) string {
	parts := ends(counts, n)
	if len(parts) > 0 && complete > 0 {
		parts = append(parts, fmt.Sprintf("mean of the other %d", complete))
	}
	return bracketed(parts)
}

func ends(counts map[string]int, n int) (parts []string) {
	for _, o := range []string{string(runlog.Diverged), string(runlog.Interrupted), string(runlog.Failed), string(runlog.Running), results.Damaged, results.Incomplete} {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d %s", counts[o], n, o))
		}
	}
	return parts
}

func bracketed(parts []string) string {
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
