// Package scores judges methods by the logs of their runs, in a way that few seeds and runs
// that fail can bear: what it takes to reach a target, where never is counted as such;
// values at the same cost; differences over seeds, with exact tests; ranks over several
// tasks, and performance profiles. docs/scores.md has the definitions.
package scores

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

// Options say what to score. Empty values stand for the defaults.
type Options struct {
	Goals    []TaskGoals
	At       *Cut     // all logs end there; nil: at their own ends
	Amounts  []string // spent to reach targets; empty: wall, cost and step, as far as the logs have them
	Metrics  []string // values at the end; empty: those that the logs have
	Baseline string   // pairs are of each method with this one; "": of every two
	Compare  []string // names of two methods, or labels of two settings: pairs are of these alone; nil: of all
	All      bool     // all settings of a sweep are compared; else the best of each method
	Seeds    bool     // problems of profiles are the seeds of every task; else, of several tasks, the tasks
	Limit    float64  // of the factors that the score of a profile is over; 0: DefaultLimit
}

// Scores are those of all methods on all tasks.
type Scores struct {
	Tasks    []Task
	Rankings []Ranking // over tasks, if there are several
	Profiles []Profile
	Warnings []string // of what was read
	Limit    float64
	At       *Cut

	compared bool // pairs are of two methods that were named
}

// A Task is the scores on one task.
type Task struct {
	Name, Dataset string
	Scores        []Score
	Notes         []string // what to be careful about
	Timing        string   // why times do not compare, which is one of the notes
	Label         string   // its name, with the data set where another has the name
}

// What a score is of.
const (
	ToTarget = "target" // what is spent until a target is reached
	Final    = "final"  // the last value
	Best     = "best"   // the best value so far
)

// A Score is one number of each run on a task, summed up by method.
type Score struct {
	Key    string // the same for all tasks
	Name   string // with the target of the task
	Kind   string // ToTarget, Final or Best
	Metric string
	Amount string // of ToTarget
	Goal   runlog.Goal
	Lines  []Line
	Pairs  []Pair // of the lines that compete
	Why    string // why there are no pairs, ranks and profile; "" if there are
	Notes  []string

	amount amount
	group  string // of the scores that a profile is of
}

// A Line is the score of one method and setting.
type Line struct {
	Series   results.Series
	Competes bool    // is compared with others: the best setting of its method
	Values   []Value // of all runs
	N        int     // values that are numbers, infinite ones too
	Reached  int     // of ToTarget: runs that reach it; else those that did not diverge
	Median   stats.Estimate
	Beyond   float64 // of an infinite median: all that is known is that it is more than this; else NaN
	Open     bool    // the interval begins where a run ended without the target, and not where one reached it
	Mean, SD float64
	Rank     float64 // among those that compete, by the median, 1 the best; NaN if it does not
	Note     string  // of the runs
	Doubt    string  // why the median may be less
}

// Of computes scores. What the tasks do not have is an [results.OptionError].
func Of(tasks []results.Task, opt Options) (*Scores, error) {
	s := &Scores{Limit: opt.Limit, At: opt.At, compared: opt.Compare != nil}
	if s.Limit == 0 {
		s.Limit = DefaultLimit
	}
	if err := check(tasks, &opt, s.Limit); err != nil {
		return nil, err
	}
	for _, t := range tasks {
		scored, err := score(t, opt, labelOf(t, tasks))
		if err != nil {
			return nil, err
		}
		s.Tasks = append(s.Tasks, scored)
		for _, w := range t.Warnings {
			if !slices.Contains(s.Warnings, w) {
				s.Warnings = append(s.Warnings, w)
			}
		}
	}
	if len(s.Tasks) > 1 {
		s.Rankings = s.rankings()
	}
	s.Profiles = s.profiles(opt.Seeds)
	return s, nil
}

// labelOf names a task by its experiment, with its data set where others have the name.
func labelOf(t results.Task, all []results.Task) string {
	for _, other := range all {
		if other.Name == t.Name && other.Dataset != t.Dataset {
			return t.Name + " " + t.Dataset
		}
	}
	return t.Name
}

// check validates the options, and fills in the defaults.
func check(tasks []results.Task, opt *Options, limit float64) error {
	has := func(column string) bool {
		return slices.ContainsFunc(tasks, func(t results.Task) bool { return t.Has(column) })
	}
	if len(tasks) == 0 {
		return runlog.Errorf("there are no runs to score")
	}
	if !(limit > 1) || math.IsInf(limit, 1) {
		return results.OptionErrorf("tau: must be a factor above 1, got %g", limit)
	}
	if len(opt.Amounts) == 0 {
		for _, name := range []string{"wall", "cost", "step"} {
			if has(columnOf(name)) {
				opt.Amounts = append(opt.Amounts, name)
			}
		}
	}
	for _, name := range opt.Amounts {
		a, err := findAmount(name)
		if err != nil {
			return err
		}
		if !has(a.column) {
			return results.OptionErrorf("no run has values of %s", name)
		}
	}
	opt.Amounts, opt.Metrics = once(opt.Amounts), once(opt.Metrics)
	metrics := slices.Clone(opt.Metrics)
	if len(metrics) == 0 {
		opt.Metrics = slices.DeleteFunc(slices.Clone(Metrics), func(m string) bool { return !has(m) || m == runlog.Columns.TrainAccuracy })
	}
	for _, t := range opt.Goals {
		metrics = append(metrics, t.Metric)
		for name := range t.Of {
			if !slices.ContainsFunc(tasks, func(task results.Task) bool { return task.Name == name || task.Dataset == name }) {
				return results.OptionErrorf("target: no task is called %q (there are: %s)", name, strings.Join(namesOf(tasks), ", "))
			}
		}
	}
	for _, m := range metrics {
		if !slices.Contains(Metrics, m) {
			return results.OptionErrorf("no metric is called %q (known: %s)", m, strings.Join(Metrics, ", "))
		}
		if !has(m) {
			return results.OptionErrorf("no run has values of %s", m)
		}
	}
	if opt.Baseline != "" {
		var known []string
		for _, t := range tasks {
			for _, r := range t.Runs {
				if !slices.Contains(known, r.Method) {
					known = append(known, r.Method)
				}
			}
		}
		if !slices.Contains(known, opt.Baseline) {
			return results.OptionErrorf("baseline: there are no runs of method %q (there are: %s)", opt.Baseline, strings.Join(known, ", "))
		}
	}
	opt.All = opt.All || compareSettings(tasks, opt.Compare)
	return checkCut(tasks, opt.At)
}

// once returns each text once, in the order of the first.
func once(list []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// checkCut refuses an amount that no run has spent.
func checkCut(tasks []results.Task, at *Cut) error {
	if at == nil {
		return nil
	}
	a, err := findAmount(at.Amount)
	if err != nil {
		return err
	}
	most := math.Inf(-1)
	for _, t := range tasks {
		for _, r := range t.Runs {
			for _, row := range r.Rows {
				if x := row[a.column]; x > most {
					most = x
				}
			}
		}
	}
	switch {
	case math.IsInf(most, -1):
		return results.OptionErrorf("at: no run has values of %s", at.Amount)
	case at.Value > most*(1+1e-12):
		return results.OptionErrorf("at: %s=%g: no run goes so far; the longest ends at %.6g", at.Amount, at.Value, most)
	}
	return nil
}

func namesOf(tasks []results.Task) (names []string) {
	for _, t := range tasks {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

// score scores one task.
func score(t results.Task, opt Options, label string) (Task, error) {
	out := Task{Name: t.Name, Dataset: t.Dataset, Label: label, Timing: t.Results.Timing()}
	for _, note := range []string{t.Mixture(), out.Timing} {
		if note != "" {
			out.Notes = append(out.Notes, note)
		}
	}
	list := t.Series()
	if opt.Baseline != "" && !slices.ContainsFunc(list, func(s results.Series) bool { return s.Method == opt.Baseline }) {
		out.Notes = append(out.Notes, fmt.Sprintf("no pairs: there are no runs of the baseline %q", opt.Baseline))
	}
	competes := competitors(t.Results, list, opt.All)
	if len(competes) < len(list) {
		out.Notes = append(out.Notes, fmt.Sprintf("of %d settings the best of each method alone is compared, by mean final %s; chosen from these very runs, its tests are too bold", len(list), Chooser(t.Results)))
	}
	logs := make([][]log, len(list))
	for i, s := range list {
		for j := range s.Runs {
			logs[i] = append(logs[i], logOf(t.Results, &s.Runs[j], opt.At))
		}
	}
	fill := func(s Score, of func(l log) Value) {
		for i, series := range list {
			s.Lines = append(s.Lines, newLine(s, series, logs[i], slices.Contains(competes, i), opt.At, of))
		}
		s.finish(opt.Baseline, opt.Compare)
		out.Scores = append(out.Scores, s)
	}
	for i, target := range opt.Goals {
		g, ok := target.goal(t)
		if !ok || !t.Has(g.Metric) {
			continue
		}
		key := target.key(opt.Goals[:i])
		for _, name := range opt.Amounts {
			a, err := findAmount(name)
			if err != nil {
				return out, err
			}
			if t.Has(a.column) {
				fill(Score{Key: name + " to " + key, Name: name + " to " + text(g), Kind: ToTarget, Metric: g.Metric, Amount: name, Goal: g, amount: a, group: key},
					func(l log) Value { return l.reach(g, a.column) })
			}
		}
	}
	for _, m := range opt.Metrics {
		if !t.Has(m) {
			continue
		}
		name := "final " + m
		if opt.At != nil {
			name = fmt.Sprintf("%s at %s=%g", m, opt.At.Amount, opt.At.Value)
		}
		fill(Score{Key: name, Name: name, Kind: Final, Metric: m}, func(l log) Value { return l.value(m, false) })
		name = strings.Replace("best "+strings.TrimPrefix(name, "final "), " at ", " by ", 1)
		fill(Score{Key: name, Name: name, Kind: Best, Metric: m}, func(l log) Value { return l.value(m, true) })
	}
	return out, nil
}

// key names a target in all tasks: by its value if that is the same for all.
func (t TaskGoals) key(before []TaskGoals) string {
	if len(t.Of) == 0 {
		return text(runlog.Goal{Metric: t.Metric, Value: t.Value})
	}
	n := 1
	for _, other := range before {
		if other.Metric == t.Metric {
			n++
		}
	}
	if n == 1 {
		return t.Metric + " of the task"
	}
	return fmt.Sprintf("%s of the task (%d)", t.Metric, n)
}

// competitors are the places of the series that are compared: all, or the best of each
// method.
func competitors(res *results.Results, list []results.Series, all bool) (at []int) {
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && list[to].Method == list[from].Method && !all {
			to++
		}
		at = append(at, from+max(0, BestOf(list[from:to], Chooser(res))))
		from = to
	}
	return at
}
