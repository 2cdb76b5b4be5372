package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

// goalText says a goal as a caption does.
func goalText(g runlog.Goal) string {
	y, err := find(ys, g.Metric)
	if err != nil {
		return g.Metric
	}
	name, unit, _ := strings.Cut(y.label, " [")
	sign := "≤"
	if runlog.HigherIsBetter(y.column) {
		sign = "≥"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %.4g %s", name, sign, g.Value*y.scale, strings.TrimSuffix(unit, "]")))
}

// reached returns x at the first evaluation that meets a goal; +Inf if none
// does.
func reached(r *results.Run, g runlog.Goal, x quantity) float64 {
	for _, row := range r.Rows {
		if g.MetBy(row[g.Metric]) {
			if at := row[x.column] * x.scale; !math.IsNaN(at) {
				return at
			}
		}
	}
	return math.Inf(1)
}

// defaultGoal is the train loss that all complete runs of every method's best
// setting end with or below, rounded up to two digits. There is none without
// complete runs.
func (d *drawing) defaultGoal() *runlog.Goal {
	worst := 0.0
	for _, s := range bestOf(d.res, d.series) {
		for _, v := range s.Final(runlog.Columns.TrainLoss) {
			worst = max(worst, v)
		}
	}
	if worst <= 0 || math.IsInf(worst, 1) {
		return nil
	}
	unit := math.Pow10(int(math.Floor(math.Log10(worst))) - 1)
	v, err := strconv.ParseFloat(fmt.Sprintf("%.2g", math.Ceil(worst/unit*(1-1e-12))*unit), 64)
	if err != nil {
		return nil
	}
	return &runlog.Goal{Metric: runlog.Columns.TrainLoss, Value: v}
}

// DefaultGoal is the target of the figure target where none is given: the train loss that all
// complete runs of every method's best setting end with or below, rounded up to two digits;
// nil without complete runs.
func DefaultGoal(res *results.Results) *runlog.Goal {
	return (&drawing{res, res.Series(), FigureOptions{}}).defaultGoal()
}

// rows is the number of series that the figure has room for.
const rows = 40

// goals draws when each run reaches each goal.
func goals(d *drawing) (figures []figure.Figure, why string, err error) {
	list := d.opt.Goals
	if len(list) == 0 {
		g := d.defaultGoal()
		if g == nil {
			return nil, "no run ended well, so that there is no default target; give one", nil
		}
		list = []runlog.Goal{*g}
	}
	for _, g := range list {
		f, why, err := d.goal(g)
		if err != nil || f == nil {
			return nil, why, err
		}
		figures = append(figures, *f)
	}
	number(figures)
	return figures, "", nil
}

// number tells figures of one name apart.
func number(figures []figure.Figure) {
	count := map[string]int{}
	for i := range figures {
		name := figures[i].Name
		if count[name]++; count[name] > 1 {
			figures[i].Name = fmt.Sprintf("%s_%d", name, count[name])
		}
	}
}

// goal draws when each run reaches one goal.
func (d *drawing) goal(g runlog.Goal) (*figure.Figure, string, error) {
	var remarks []figure.Remark
	if len(d.opt.Goals) == 0 {
		remarks = append(remarks, figure.Remark{Text: "the target is what all complete runs of every method's best setting reach, rounded up"})
	}
	y, err := find(ys, g.Metric)
	if err != nil {
		return nil, "", err
	}
	if !d.res.Has(y.column) {
		return nil, "", results.OptionErrorf("no run has values of %s", g.Metric)
	}
	xs, _, err := d.axes([]string{"wall", "cost"}, nil)
	if err != nil || len(xs) == 0 {
		return nil, "no run has values", err
	}
	shown := d.series
	if len(shown) > rows || len(d.opt.Goals) == 0 {
		var chosen []figure.Remark
		shown, chosen = d.legible()
		remarks = append(remarks, chosen...)
	}
	f := figure.Figure{Name: "target_" + g.Metric, Columns: len(xs)}
	seeds, wall, atZero := 0, false, false
	for _, x := range xs {
		if d.opt.LogX == nil {
			x.log = x.spent && spreadOfGoals(shown, g, x) > MuchLonger
		}
		wall = wall || x.name == "wall"
		p := figure.Panel{X: x.axis([2]float64{0.03, 0.1})}
		if !x.log {
			p.X.Range.Add(0)
		}
		for _, s := range shown {
			row := figure.Row{Label: s.Label, Style: s.Index}
			for _, r := range s.Sound() {
				at := reached(&r, g, x)
				row.At = append(row.At, at)
				if x.log && at <= 0 {
					atZero = true
					continue
				}
				if !math.IsInf(at, 1) {
					p.X.Range.Add(at)
				} else if end := endOf(&r, x); end > 0 { // the axis shows how long it tried
					p.X.Range.Add(end)
				}
			}
			row.Median = figure.Number(stats.Median(row.At))
			seeds = max(seeds, len(row.At))
			p.Rows = append(p.Rows, row)
		}
		f.Panels = append(f.Panels, p)
	}
	never := 0
	for _, row := range f.Panels[0].Rows {
		never += len(row.At) - row.Reached()
	}
	text := fmt.Sprintf("%s: first evaluation with %s; a mark for each seed, of up to n = %d; bar: median over all seeds, never reached counted as infinite; k/n: k of n seeds reach it",
		d.res.Runs[0].Dataset, goalText(g), seeds)
	if never > 0 {
		text += fmt.Sprintf("; triangles at the edge: never reached (%d runs)", never)
	}
	if atZero {
		text += "; at the left edge: reached at 0"
	}
	f.Caption = slices.Concat([]figure.Remark{{Text: text}}, alerts(only(shown), wall), remarks)
	return &f, "", nil
}

// spreadOfGoals returns how many times as much the slowest series takes to reach
// a goal as the fastest, by the medians over their runs.
func spreadOfGoals(list []results.Series, g runlog.Goal, x quantity) float64 {
	var all figure.Range
	for _, s := range list {
		var at []float64
		for _, r := range s.Sound() {
			at = append(at, reached(&r, g, x))
		}
		if m := stats.Median(at); m > 0 && !math.IsInf(m, 1) {
			all.Add(m)
		}
	}
	if !all.Some {
		return 1
	}
	return all.Hi / all.Lo
}

// endOf returns where a run's last evaluation is, NaN if it has none.
func endOf(r *results.Run, x quantity) float64 {
	if len(r.Rows) == 0 {
		return math.NaN()
	}
	return r.Rows[len(r.Rows)-1][x.column] * x.scale
}
