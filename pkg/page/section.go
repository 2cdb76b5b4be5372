package page

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/report"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/scores"
)

// drawn are the kinds of figures that the page takes from package report; curves it draws
// itself.
var drawn = []string{"target", "sensitivity", "formulations", "inner", "solvers", "duals"}

// stepAxes are the quantities of steps.csv that have panels.
var stepAxes = []axis{
	{Name: "batch_loss", Label: "loss of the mini-batch", Log: true},
	{Name: "gamma", Label: "gamma", Log: true},
	{Name: "step_size", Label: "step size", Log: true},
	{Name: "inner_iterations", Label: "inner iterations"},
	{Name: "relative_residual", Label: "relative residual", Log: true},
	{Name: "duality_gap", Label: "duality gap", Log: true},
	{Name: "direction_norm", Label: "norm of the direction", Log: true},
	{Name: "grad_norm", Label: "norm of the gradient", Log: true},
}

// newSection takes what the page needs of the runs on one data set.
func newSection(set results.Task, logs []runLog, rowLimit, stepLimit int, goals []runlog.Goal) (*section, *pool) {
	s := &section{Name: set.Name, Dataset: set.Dataset, Chooser: scores.Chooser(set.Results), Timing: set.Timing()}
	for _, a := range []string{set.Mixture(), s.Timing} {
		if a != "" {
			s.Alerts = append(s.Alerts, a)
		}
	}
	list := set.Series()
	s.axes(set.Results, logs)
	s.addSeries(list)
	s.Differ = results.Differing(set.Runs)
	for _, series := range list {
		s.Settings = append(s.Settings, settingsOf(series, s.Differ))
	}
	if len(goals) > 0 {
		s.Goal = &goal{goals[0].Metric, goals[0].Value}
	}
	p := &pool{}
	n := 0
	for i, series := range list {
		of := logs[n : n+len(series.Runs)]
		n += len(series.Runs)
		kept := sharedRows(of, s.Y, rowLimit)
		for j := range series.Runs {
			s.Runs = append(s.Runs, s.newRun(i, &series.Runs[j], of[j], p, kept[j], stepLimit))
		}
	}
	return s, p
}

// axes chooses the quantities that any run has.
func (s *section) axes(res *results.Results, logs []runLog) {
	xs, ys := report.Quantities()
	for _, q := range xs {
		if res.Has(q.Column) {
			s.X = append(s.X, axis{Name: q.Name, Column: q.Column, Label: q.Label, Log: q.Log, Scale: q.Scale, Spent: q.Spent})
		}
		if slices.Contains([]string{"wall", "cost", "step", "oracle_calls"}, q.Name) {
			s.StepX = append(s.StepX, axis{Name: q.Name, Column: q.Column, Label: q.Label, Scale: q.Scale, Spent: q.Spent})
		}
	}
	for _, q := range ys {
		if res.Has(q.Column) {
			s.Y = append(s.Y, axis{Name: q.Name, Column: q.Column, Label: q.Label, Log: q.Log, Scale: q.Scale, Cut: q.Cut, Higher: runlog.HigherIsBetter(q.Column)})
		}
	}
	for _, a := range stepAxes {
		a.Column, a.Scale = a.Name, 1
		if slices.ContainsFunc(logs, func(l runLog) bool {
			return l.steps != nil && slices.ContainsFunc(l.steps.Values[a.Column], func(v float64) bool { return !math.IsNaN(v) })
		}) {
			s.StepY = append(s.StepY, a)
		}
	}
}

// addSeries describes the series, with the settings that are swept.
func (s *section) addSeries(list []results.Series) {
	short := results.ShortKeys(list)
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && list[to].Method == list[from].Method {
			to++
		}
		best := from + max(0, scores.BestOf(list[from:to], s.Chooser))
		for i := from; i < to; i++ {
			varied := map[string]string{}
			for _, v := range list[i].Settings {
				varied[v.Key] = v.Value
				s.sweep(v, short(v.Key))
			}
			s.Series = append(s.Series, series{Label: list[i].Label, Method: list[i].Method, Style: list[i].Index, Best: i == best, Varied: varied})
		}
		from = to
	}
	for i := range s.Swept {
		slices.SortFunc(s.Swept[i].Values, results.CompareValues)
	}
	s.Swept = slices.DeleteFunc(s.Swept, func(w swept) bool { return len(w.Values) < 2 })
}

func (s *section) sweep(v runlog.Setting, short string) {
	i := slices.IndexFunc(s.Swept, func(w swept) bool { return w.Key == v.Key })
	if i < 0 {
		i = len(s.Swept)
		s.Swept = append(s.Swept, swept{Key: v.Key, Short: short})
	}
	if !slices.Contains(s.Swept[i].Values, v.Value) {
		s.Swept[i].Values = append(s.Swept[i].Values, v.Value)
	}
}

// settingsOf are the values of some settings in the runs of a series.
func settingsOf(s results.Series, keys []string) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i], _ = s.Runs[0].Value(k)
	}
	return out
}

// newRun takes the columns of a run, of the rows that are kept.
func (s *section) newRun(of int, r *results.Run, log runLog, p *pool, rows []int, stepLimit int) run {
	out := run{Series: of, Seed: fmt.Sprint(r.Seed), State: r.State(), Complete: r.Complete(), Dir: r.Dir, Rows: map[string]int{}}
	for _, note := range []string{r.Damage, r.Error, r.Detail} {
		if note != "" && out.Note == "" {
			out.Note = note
		}
	}
	for _, a := range slices.Concat(s.X, s.Y) {
		if v, ok := log.rows[a.Column]; ok {
			out.Rows[a.Column] = p.add(at(v, rows))
		}
	}
	if log.steps != nil {
		out.Steps = map[string]int{}
		var kept []int
		var shown [][]float64
		n := len(log.steps.Values[runlog.Columns.Step])
		for _, a := range s.StepY {
			if v := log.steps.Values[a.Column]; v != nil {
				shown = append(shown, v)
			}
		}
		kept = extremes(n, shown, stepLimit)
		for _, a := range slices.Concat(s.StepX, s.StepY) {
			if v := log.steps.Values[a.Column]; v != nil {
				out.Steps[a.Column] = p.add(at(v, kept))
			}
		}
		out.Stops = map[string]int{}
		for _, reason := range log.steps.Stops {
			out.Stops[reason]++
		}
	}
	var err error
	if out.Manifest, err = json.Marshal(r.Manifest); err != nil {
		out.Manifest = json.RawMessage("null")
	}
	return out
}

// figures are those of package report that the logs allow. What cannot be read is an alert,
// and leaves the others alone.
func (s *section) figures(res *results.Results, goals []runlog.Goal) {
	for _, kind := range drawn {
		list, err := report.Figures(res, report.FigureOptions{Kinds: []string{kind}, Goals: goals})
		s.Figures = append(s.Figures, list...)
		if err != nil {
			s.Alerts = append(s.Alerts, fmt.Sprintf("no figure %s: %v", kind, err))
		}
	}
	if s.Figures == nil {
		s.Figures = []figure.Figure{}
	}
}
