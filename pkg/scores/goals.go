package scores

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

// TaskGoals are a value of a metric that runs are to reach: one for all tasks, or another
// for some of them, as a value that tells good from bad on one data set says nothing on
// another.
type TaskGoals struct {
	Metric string             // one of Metrics
	Value  float64            // NaN: tasks that Of does not name have no target
	Of     map[string]float64 // by the name of an experiment or of a data set
}

// Metrics are the columns of metrics.csv that say how good a model is.
var Metrics = func() []string {
	list := runlog.Metrics.Numbers()
	return list[slices.Index(list, runlog.Columns.TrainLoss):]
}()

// ParseGoals reads texts of the form METRIC=VALUE and TASK:METRIC=VALUE. One that names
// a task is for that task in place of the first of the metric, or of the next where the
// task has its own already.
func ParseGoals(texts []string) (list []TaskGoals, err error) {
	for _, text := range texts {
		end := strings.LastIndexByte(text, '=')
		if end < 0 {
			return nil, results.OptionErrorf("target: must be METRIC=VALUE or TASK:METRIC=VALUE, got %q", text)
		}
		metric, value := text[:end], text[end+1:]
		colon := strings.LastIndexByte(metric, ':')
		task := metric[:max(colon, 0)]
		metric = metric[colon+1:]
		if !slices.Contains(Metrics, metric) {
			return nil, results.OptionErrorf("target: no metric is called %q (known: %s)", metric, strings.Join(Metrics, ", "))
		}
		v, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
			return nil, results.OptionErrorf("target: %s: must be a number, got %q", metric, value)
		case runlog.HigherIsBetter(metric) && (v <= 0 || v > 1):
			return nil, results.OptionErrorf("target: %s: must be a fraction between 0 and 1, got %q", metric, value)
		}
		if colon < 0 {
			if slices.ContainsFunc(list, func(t TaskGoals) bool { return t.Metric == metric && t.Value == v }) {
				continue
			}
			list = append(list, TaskGoals{Metric: metric, Value: v, Of: map[string]float64{}})
			continue
		}
		at := slices.IndexFunc(list, func(t TaskGoals) bool { _, own := t.Of[task]; return t.Metric == metric && !own })
		if at < 0 {
			at = len(list)
			list = append(list, TaskGoals{Metric: metric, Value: math.NaN(), Of: map[string]float64{}})
		}
		list[at].Of[task] = v
	}
	return list, nil
}

// goal returns the target of a task, if it has one.
func (t TaskGoals) goal(task results.Task) (g runlog.Goal, ok bool) {
	g = runlog.Goal{Metric: t.Metric, Value: t.Value}
	for _, name := range []string{task.Dataset, task.Name} { // the name says more
		if v, own := t.Of[name]; own {
			g.Value = v
		}
	}
	return g, !math.IsNaN(g.Value)
}

// Goals are the targets that tasks have, each once.
func Goals(targets []TaskGoals, tasks []results.Task) (list []runlog.Goal) {
	for _, t := range targets {
		for _, task := range tasks {
			if g, ok := t.goal(task); ok && !slices.Contains(list, g) {
				list = append(list, g)
			}
		}
	}
	return list
}

// text says a target as tables do, in one line of ASCII.
func text(g runlog.Goal) string {
	sign := "<="
	if runlog.HigherIsBetter(g.Metric) {
		sign = ">="
	}
	return fmt.Sprintf("%s %s %g", g.Metric, sign, g.Value)
}

// An amount is what a run spends to get somewhere.
type amount struct{ name, column, title string }

var amounts = []amount{
	{"wall", runlog.Columns.WallSeconds, "seconds"}, {"cost", runlog.Columns.Cost, "cost"}, {"epoch", runlog.Columns.Epoch, "epochs"},
	{"step", runlog.Columns.Step, "steps"}, {"oracle_calls", runlog.Columns.OracleCalls, "oracle calls"},
}

// Amounts are the names of what runs spend, as on the x axes of figures.
func Amounts() (names []string) {
	for _, a := range amounts {
		names = append(names, a.name)
	}
	return names
}

func findAmount(name string) (amount, error) {
	for _, a := range amounts {
		if a.name == name {
			return a, nil
		}
	}
	return amount{}, results.OptionErrorf("no amount is called %q (known: %s)", name, strings.Join(Amounts(), ", "))
}

// A Cut is an amount at which all logs are cut off.
type Cut struct {
	Amount string // one of Amounts
	Value  float64
}

// ParseCut reads AMOUNT=VALUE.
func ParseCut(text string) (*Cut, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return nil, results.OptionErrorf("at: must be AMOUNT=VALUE, as cost=1000, got %q", text)
	}
	if _, err := findAmount(name); err != nil {
		return nil, err
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || !(v > 0) || math.IsInf(v, 1) {
		return nil, results.OptionErrorf("at: %s: must be a number above 0, got %q", name, value)
	}
	return &Cut{name, v}, nil
}
