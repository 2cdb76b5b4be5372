package tune

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/render"
	"github.com/dualgn/dgn/pkg/report"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

// trials are trials that were made, with their logs.
type trials struct {
	metric string
	logs   *results.Results
	score  map[int]float64 // less is better; +Inf: it diverged from some seed
	least  float64         // share of tune.at at which a value was read; 1: of all that far
}

// read reads the logs of trials, and scores them.
func read(s *config.Search, made *experiment.Result, which []int) (*trials, error) {
	t := &trials{metric: s.Config.Tune.Metric, logs: &results.Results{}, score: map[int]float64{}, least: 1}
	values := map[string][]float64{} // by method and settings
	name := func(method int, v runlog.Varied) string { return fmt.Sprint(method) + v.Key() }
	for _, r := range made.Runs {
		if r.State == folder.Held {
			return nil, fmt.Errorf("%s: %w", filepath.Join(made.Dir, r.Dir), r.Fault)
		}
		before := len(t.logs.Runs)
		if err := t.logs.Add(filepath.Join(made.Dir, r.Dir), r.Varied); err != nil {
			return nil, err
		}
		if len(t.logs.Runs) == before {
			return nil, fmt.Errorf("%s: the run of a trial has gone", filepath.Join(made.Dir, r.Dir))
		}
		run := &t.logs.Runs[before]
		value, err := t.loss(run, s.Config.Tune.At)
		if err != nil {
			return nil, config.Errorf("%s: %w", r.Task, err)
		}
		key := name(r.MethodIndex, r.Varied)
		values[key] = append(values[key], value)
	}
	for _, i := range which {
		p := s.Trials.Points[i]
		t.score[i] = math.Inf(1)
		if v := values[name(p.Method, p.Varied)]; !slices.ContainsFunc(v, func(x float64) bool { return math.IsInf(x, 0) }) {
			t.score[i] = stats.Mean(v)
		}
	}
	return t, nil
}

// early is the share of a cost or a time below which a value is none of that moment.
const early = 0.5

// loss is the metric of a run, negated where more is better: the last value, or the last
// one at or before a cost or a time. It is +Inf of a run that diverged, whatever came
// before. A run that was last evaluated long before has no value there, which is an error.
func (t *trials) loss(r *results.Run, at *config.Amount) (float64, error) {
	if !r.Complete() {
		return math.Inf(1), nil
	}
	rows := r.Rows
	if at != nil {
		column, amount := runlog.Columns.Cost, at.Cost
		if at.Seconds > 0 {
			column, amount = runlog.Columns.WallSeconds, at.Seconds
		}
		n := 0
		for n < len(rows) && rows[n][column] <= amount*(1+1e-12) {
			n++
		}
		if n == 0 || rows[n-1][column] < early*amount {
			last := 0.0
			if n > 0 {
				last = rows[n-1][column]
			}
			return 0, fmt.Errorf("to be compared at %s %g, it was last evaluated at %.3g before; evaluate more often, as with evaluate: {every: {geometric: 30}}", column, amount, last)
		}
		t.least = min(t.least, rows[n-1][column]/amount)
		rows = rows[:n]
	}
	if len(rows) == 0 || math.IsNaN(rows[len(rows)-1][t.metric]) {
		return 0, fmt.Errorf("has no %s", t.metric)
	}
	value := rows[len(rows)-1][t.metric]
	if runlog.HigherIsBetter(t.metric) {
		value = -value
	}
	return value, nil
}

// sort orders trials from the best to the worst; of equal ones the first comes first.
func (t *trials) sort(list []int) {
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Or(cmp.Compare(t.score[a], t.score[b]), a-b) })
}

// publish writes summary.csv, and draws the final value against each setting.
func (t *trials) publish(dir string, opt experiment.Options) ([]string, error) {
	t.logs.WarnOfFiles()
	var b bytes.Buffer
	if err := report.Summarize(t.logs).WriteCSV(&b); err != nil {
		return nil, err
	}
	if err := opt.Files.Replace(filepath.Join(dir, "summary.csv"), b.Bytes()); err != nil {
		return nil, err
	}
	if len(t.logs.Datasets()) > 1 {
		return nil, nil
	}
	files, err := experiment.Draw(t.logs, report.FigureOptions{Figures: []string{"sensitivity"}, Y: []string{t.metric}}, filepath.Join(dir, "figures"), render.All(render.PrintDPI))
	for _, w := range t.logs.Warnings {
		opt.Log.Warn(w)
	}
	var none *results.OptionError
	if errors.As(err, &none) { // no setting is a number
		return nil, nil
	}
	return files, err
}
