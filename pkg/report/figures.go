// Package report turns the runs of package results into figures, as data, and into
// tables that sum them up.
package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/scores"
)

// FigureOptions say what to draw. Empty values stand for the defaults.
type FigureOptions struct {
	Figures    []string       // names of Kinds; what the logs do not allow is an error
	Kinds      []string       // of Kinds, where Figures is empty: left out if the logs do not allow them
	X          []string       // wall, cost, epoch, step, oracle_calls
	Y          []string       // train_loss, test_loss, test_accuracy, ...
	LogX, LogY *bool          // nil: as fits the quantity
	Smooth     int            // curves: running mean over that many evaluations
	Goals      []runlog.Goal  // of the figure target; nil: the train loss that all methods reach
	Scores     *scores.Scores // of the figure profile
	Swept      string         // sensitivity: the key on the x axis
	Line       string         // sensitivity: the key with a line for each value
	Best       bool           // sensitivity: the best value of a run in place of the last
	All        bool           // curves of all settings, however many
}

// A Kind is a kind of figure.
type Kind struct {
	Name, Doc string

	names string // regular expression that the names of its figures match

	// draw returns the figures that the logs allow, or why there are none.
	draw func(d *drawing) (figures []figure.Figure, why string, err error)
}

// Kinds are the kinds of figures, in the order in which they are drawn.
var Kinds = []Kind{
	{"curves", "every y against every x, mean and band over the seeds", oneOf(Ys()) + "_vs_" + oneOf(Xs()), curves},
	{"overview", "train loss and test score against wall clock and cost", "overview", overview},
	{"target", "time and cost until a value is reached, of every seed", "target_" + oneOf(Ys()) + count, goals},
	{"profile", "share of tasks, or of seeds, in which a method is within a factor of the best (--target)", "profile_" + oneOf(Ys()) + count, profiles},
	{"sensitivity", "final or best value against a swept value", "sensitivity_.+", sensitivities},
	{"formulations", "primal against dual at equal cost", "formulations" + count, formulations},
	{"inner", "residual and duality gap against the inner iteration (log: {inner: true})", "inner" + count, residuals},
	{"solvers", "residual, gap and distance to the exact direction of compared oracles against cost, or time with --x wall (probe: {...})", "solvers(_vs_" + oneOf(Xs()) + ")?" + count, solvers},
	{"duals", "histogram of the per-example dual weights (log: {inner: true})", "duals" + count, weights},
}

// A drawing is what the kinds draw from.
type drawing struct {
	res    *results.Results
	series []results.Series // all of them
	opt    FigureOptions
}

// many is the number of curves that a figure holds and a reader can follow.
const many = 10

// Figures makes figures. By default these are all kinds that the logs allow, curves of
// the losses and of test accuracy or RMSE against wall clock, cost, epoch and step;
// curves only, if axes are given. A choice that the logs do not allow is an OptionError;
// the figures of the kinds before it are returned all the same.
func Figures(res *results.Results, opt FigureOptions) (figures []figure.Figure, err error) {
	kinds, err := check(res, opt)
	if err != nil {
		return nil, err
	}
	d := &drawing{res, res.Series(), opt}
	for _, k := range kinds {
		list, why, err := k.draw(d)
		if err == nil && list == nil && len(opt.Figures) > 0 {
			err = results.OptionErrorf("figure %s: %s", k.Name, why)
		}
		if err != nil {
			return figures, err
		}
		figures = append(figures, list...)
	}
	return figures, nil
}

// Unlike reports whether figures are of runs of any data sets: they are of scores alone,
// and need no runs.
func Unlike(figures []string) bool {
	return len(figures) > 0 && !slices.ContainsFunc(figures, func(f string) bool { return f != "profile" })
}

// check validates the options, and returns the kinds that they ask for.
func check(res *results.Results, opt FigureOptions) (kinds []Kind, err error) {
	if len(res.Runs) == 0 && !Unlike(opt.Figures) {
		return nil, runlog.Errorf("there are no runs to draw")
	}
	for _, r := range res.Runs {
		if r.Dataset != res.Runs[0].Dataset && !Unlike(opt.Figures) {
			return nil, results.OptionErrorf("the runs are of different data sets, %s (%s) and %s (%s); draw them apart", res.Runs[0].Dataset, res.Runs[0].Dir, r.Dataset, r.Dir)
		}
	}
	if opt.Smooth < 0 {
		return nil, results.OptionErrorf("smooth: must be a number of evaluations, got %d", opt.Smooth)
	}
	var known []string
	for _, k := range Kinds {
		known = append(known, k.Name)
		asked := slices.Contains(opt.Figures, k.Name)
		if len(opt.Figures) == 0 {
			// Axes alone ask for curves alone.
			asked = len(opt.X)+len(opt.Y) == 0 || k.Name == "curves"
			asked = asked && (opt.Kinds == nil || slices.Contains(opt.Kinds, k.Name))
		}
		if asked {
			kinds = append(kinds, k)
		}
	}
	for _, f := range slices.Concat(opt.Figures, opt.Kinds) {
		if !slices.Contains(known, f) {
			return nil, results.OptionErrorf("no figure is called %q (known: %s)", f, strings.Join(known, ", "))
		}
	}
	return kinds, nil
}

// axes returns the quantities to draw, of those given or else the defaults that
// any run has.
func (d *drawing) axes(defaultX, defaultY []string) (x, y []quantity, err error) {
	of := func(list []quantity, asked, defaults []string, log *bool) (out []quantity, err error) {
		names := asked
		if len(names) == 0 {
			names = defaults
		}
		for _, n := range names {
			q, err := find(list, n)
			if err != nil {
				return nil, err
			}
			if d.res.Has(q.column) {
				out = append(out, q.on(log))
			} else if len(asked) > 0 {
				return nil, results.OptionErrorf("no run has values of %s", n)
			}
		}
		return out, nil
	}
	if x, err = of(xs, d.opt.X, defaultX, d.opt.LogX); err != nil {
		return nil, nil, err
	}
	y, err = of(ys, d.opt.Y, defaultY, d.opt.LogY)
	return x, y, err
}

// legible returns the series that curves are drawn of: all, or of too many the
// best setting of each method, and a remark that says so.
func (d *drawing) legible() ([]results.Series, []figure.Remark) {
	if len(d.series) <= many || d.opt.All {
		return d.series, nil
	}
	chosen := bestOf(d.res, d.series)
	if len(chosen) == len(d.series) {
		return d.series, nil
	}
	return chosen, []figure.Remark{{Text: fmt.Sprintf("of %d settings, the one of each method with the least final %s", len(d.series), strings.ReplaceAll(scores.Chooser(d.res), "_", " "))}}
}

// curves draws every y against every x.
func curves(d *drawing) (figures []figure.Figure, why string, err error) {
	xs, ys, err := d.axes([]string{"wall", "cost", "epoch", "step"}, []string{"train_loss", "test_loss", "test_accuracy", "test_rmse", "test_l2"})
	if err != nil {
		return nil, "", err
	}
	shown, remarks := d.legible()
	for _, y := range ys {
		for _, x := range xs {
			figures = append(figures, d.curveFigure(y.name+"_vs_"+x.name, shown, [][2]quantity{{x, y}}, remarks))
		}
	}
	return figures, "no run has values", nil
}

// overview is the figure that tells most at one look.
func overview(d *drawing) ([]figure.Figure, string, error) {
	score := "test_accuracy"
	for _, other := range []string{"test_rmse", "test_l2"} {
		if !d.res.Has(score) {
			score = other
		}
	}
	var pairs [][2]quantity
	for _, name := range []string{"train_loss", score} {
		y, err := find(ys, name)
		if err != nil {
			return nil, "", err
		}
		y = y.on(d.opt.LogY)
		for _, name := range []string{"wall", "cost"} {
			x, err := find(xs, name)
			if err != nil {
				return nil, "", err
			}
			pairs = append(pairs, [2]quantity{x.on(d.opt.LogX), y})
		}
	}
	shown, remarks := d.legible()
	return []figure.Figure{d.curveFigure("overview", shown, pairs, remarks)}, "", nil
}

// curveFigure draws series against pairs of axes.
func (d *drawing) curveFigure(name string, shown []results.Series, axes [][2]quantity, remarks []figure.Remark) figure.Figure {
	f := figure.Figure{Name: name, Columns: min(2, len(axes)), Large: len(axes) == 1}
	c := captioner{res: only(shown), smooth: d.opt.Smooth, band: "band"}
	for _, a := range axes {
		x, y := a[0], a[1]
		var curves []curve
		for _, s := range shown {
			curves = append(curves, newCurve(s, x, y, d.opt.Smooth))
		}
		if d.opt.LogX == nil && x.spent && spread(curves) > MuchLonger {
			x.log = true
		}
		c.add(x, y, curves)
		f.Panels = append(f.Panels, curvePanel(curves, x, y))
		if f.Legend == nil {
			f.Legend = legendOf(curves)
		}
	}
	for i, p := range f.Panels { // panels of one quantity beside each other compare
		for _, other := range f.Panels {
			if other.Y.Label == p.Y.Label && other.Y.Range.Some {
				f.Panels[i].Y.Range.Add(other.Y.Range.Lo, other.Y.Range.Hi)
			}
		}
	}
	f.Caption = slices.Concat(c.remarks(), remarks)
	return f
}

// only returns the results of some series.
func only(list []results.Series) *results.Results {
	out := &results.Results{}
	for _, s := range list {
		out.Runs = append(out.Runs, s.Runs...)
	}
	return out
}

// MuchLonger is how many times as much time, or cost, some curves may take as
// others before a linear axis shows the others as a line at its start.
const MuchLonger = 5

// spread returns how many times as far the longest curve goes as the shortest.
func spread(curves []curve) float64 {
	var ends figure.Range
	for _, c := range curves {
		lines := c.Single()
		if len(c.Mean) > 0 {
			lines = [][]figure.Point{c.Mean}
		}
		var own figure.Range
		for _, line := range lines {
			if n := len(line); n > 0 {
				own.Add(line[n-1].X)
			}
		}
		if own.Hi > 0 {
			ends.Add(own.Hi)
		}
	}
	if !ends.Some {
		return 1
	}
	return ends.Hi / ends.Lo
}

// legendOf names the curves, with n where it is not that of most, and where the
// label does not say it.
func legendOf(curves []curve) (entries []figure.Entry) {
	usual := usualN(curves)
	for _, c := range curves {
		if c.n != usual && (c.n == 0 || c.n == c.of) {
			c.Label += fmt.Sprintf(" [n = %d]", c.n)
		}
		entries = append(entries, figure.Entry{Label: c.Label, Style: c.Style})
	}
	return entries
}

// plain names the curves.
func plain(curves []curve) (entries []figure.Entry) {
	for _, c := range curves {
		entries = append(entries, figure.Entry{Label: c.Label, Style: c.Style})
	}
	return entries
}

// usualN is the n of most curves that are means; the largest of several such. It
// is 0 if none is.
func usualN(curves []curve) (n int) {
	count := map[int]int{}
	for _, c := range curves {
		if c.n > 0 {
			count[c.n]++
		}
	}
	for k, v := range count {
		if v > count[n] || v == count[n] && k > n {
			n = k
		}
	}
	return n
}
