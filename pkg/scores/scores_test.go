package scores

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/results"
)

// TestToTarget: what is spent to a target, and how runs that never reach it count.
func TestToTarget(t *testing.T) {
	damaged := fake("D", 3, 4, "finished", 4, 1)
	damaged.Text = header + "D,4,0,0,0,0,0,4,0,,,4,0,\nD,4,0,1,1,10,10,1,0,,,1,0,\n"
	s := scored(t, Options{Goals: targets(t, "train_loss=1", "test_accuracy=0.5"), Amounts: []string{"cost", "wall"}},
		fake("A", 0, 0, "finished", 4, 1), fake("A", 0, 1, "finished", 4, 2, 1), fake("A", 0, 2, "finished", 4, 2, 1), fake("A", 0, 3, "finished", 4, 2, 2, 0.5), fake("A", 0, 4, "finished", 4, 2, 2, 2, 2),
		fake("B", 1, 0, "finished", 4, 1), fake("B", 1, 1, "finished", 4, 2), fake("B", 1, 2, "finished", 4, 2, 2),
		// Reached before it diverged; never; stopped at a target of its own; broken off.
		fake("C", 2, 0, "diverged", 4, 1, 90), fake("C", 2, 1, "diverged", 4, 90), fake("C", 2, 2, "target", 4, 2), fake("C", 2, 3, "interrupted", 4, 3, 2), fake("C", 2, 4, "failed", 4, 1),
		fake("D", 3, 0, "diverged", 4, 2), damaged)
	cost := s.find(t, "cost to train_loss <= 1")
	for i, want := range []struct {
		reached           int
		median, low, high float64
		beyond            float64
		coverage          float64
		open              bool
		rank              float64
		note              string
		x                 []float64
		least             float64 // of the last but one value
	}{
		{4, 20, 10, inf, math.NaN(), 0.9375, false, 1, "", []float64{10, 20, 20, 30, inf}, 30},
		{1, inf, 10, inf, 10, 0.75, false, 3, "", []float64{10, inf, inf}, 10},
		{2, inf, 10, inf, 10, 0.9375, false, 3, "2 of 5 diverged; 1 of 5 interrupted; 1 of 5 failed; 1 reached it before diverging; 1 of 5 stopped at another target before, and might have reached this", []float64{10, inf, inf, inf, 10}, 20},
		{0, inf, inf, inf, inf, 0.5, false, 3, "1 of 2 diverged; 1 of 2 damaged", []float64{inf, inf}, inf},
	} {
		l := cost.Lines[i]
		if l.Reached != want.reached || l.Median.Value != want.median || l.Median.Lo != want.low || l.Median.Hi != want.high || !same(l.Beyond, want.beyond) || l.Median.Coverage != want.coverage || l.Open != want.open || l.Rank != want.rank || l.Note != want.note {
			t.Errorf("%s: %d reached, %+v, beyond %g, open %t, rank %g: %s", l.Series.Label, l.Reached, l.Median, l.Beyond, l.Open, l.Rank, l.Note)
		}
		for j, x := range want.x {
			if l.Values[j].X != x {
				t.Errorf("%s, seed %d: %g, want %g", l.Series.Label, j, l.Values[j].X, x)
			}
		}
		if v := l.Values[len(l.Values)-2]; v.Least != want.least {
			t.Errorf("%s: %+v, want at least %g", l.Series.Label, v, want.least)
		}
	}
	// Seconds are (1 + seed/10) of the evaluation; the accuracy is 1/2 at a loss of 1.5.
	if v := s.find(t, "wall to test_accuracy >= 0.5").Lines[0].Values[3].X; !same(v, 3*1.3) {
		t.Errorf("seconds %g", v)
	}
}

// TestCensored: an interval begins where runs ended without the target, if these may have
// reached it next; and so may the median.
func TestCensored(t *testing.T) {
	s := scored(t, Options{Goals: targets(t, "train_loss=1"), Amounts: []string{"cost"}},
		fake("A", 0, 0, "finished", 4, 2, 2), fake("A", 0, 1, "finished", 4, 2, 2, 2), fake("A", 0, 2, "finished", 4, 2, 2, 2),
		fake("B", 1, 0, "interrupted", 4), fake("B", 1, 1, "finished", 4, 2, 1), fake("B", 1, 2, "finished", 4, 2, 2, 1))
	a, b := s.find(t, "cost to train_loss <= 1").Lines[0], s.find(t, "cost to train_loss <= 1").Lines[1]
	if !a.Open || a.Median.Lo != 20 || a.Beyond != 30 {
		t.Errorf("%+v", a)
	}
	if b.Median.Value != 30 || b.Median.Lo != 0 || !b.Open || b.Doubt != "runs ended before this without the target; with them the median may be as low as 20" {
		t.Errorf("%+v", b)
	}
	if notes := s.find(t, "cost to train_loss <= 1").Notes; len(notes) != 0 {
		t.Errorf("%v", notes)
	}
}

// TestValues: last and best values, at the end and at a cost.
func TestValues(t *testing.T) {
	runs := []fakeRun{fake("A", 0, 0, "finished", 3, 1, 2), fake("A", 0, 1, "finished", 3, 2.4, 1.5), fake("A", 0, 2, "diverged", 3, 1.2, 1e9),
		fake("B", 1, 0, "finished", 3, 0.3), fake("B", 1, 1, "interrupted", 3, 2, 1), fake("B", 1, 2, "failed", 3)}
	s := scored(t, Options{Metrics: []string{"train_loss", "test_accuracy"}}, runs...)
	for _, c := range []struct {
		name         string
		line, n      int
		median, mean float64
	}{
		{"final train_loss", 0, 3, 2, inf}, {"best train_loss", 0, 3, 1.5, inf},
		{"final test_accuracy", 0, 3, 1 - 2./3, math.Inf(-1)}, {"best test_accuracy", 0, 3, 0.5, math.Inf(-1)},
		{"final train_loss", 1, 1, 0.3, 0.3},
	} {
		l := s.find(t, c.name).Lines[c.line]
		if l.N != c.n || !same(l.Median.Value, c.median) || !same(l.Mean, c.mean) {
			t.Errorf("%s, line %d: %+v", c.name, c.line, l)
		}
	}
	if l := s.find(t, "final train_loss").Lines[1]; l.Note != "1 of 3 interrupted; 1 of 3 failed; 2 without a value" || l.Rank != 1 {
		t.Errorf("%+v", l)
	}
	if l := s.find(t, "final train_loss").Lines[0]; l.Median.Lo != 1.5 || l.Median.Hi != inf || l.Note != "1 of 3 diverged" || !math.IsNaN(l.SD) {
		t.Errorf("%+v", l)
	}
	// At cost 15: the second evaluation of those that went on; B's first run had ended.
	s = scored(t, Options{Metrics: []string{"train_loss"}, At: &Cut{"cost", 15}}, runs...)
	a, b := s.find(t, "train_loss at cost=15").Lines[0], s.find(t, "best train_loss by cost=15").Lines[1]
	if a.Median.Value != 1.2 || a.N != 3 || a.Note != "3 of 3 read at cost 10, at their last evaluations before 15: evaluate more often, as by evaluate: {every: {cost: ...}}" || a.Reached != 3 {
		t.Errorf("%+v", a)
	}
	if b.N != 2 || b.Median.Value != 1.15 || b.Note != "1 of 3 failed; 1 of 3 ended before, from cost 10 on; 1 of 3 read at cost 10, at their last evaluations before 15: evaluate more often, as by evaluate: {every: {cost: ...}}; 1 without a value" {
		t.Errorf("%+v", b)
	}
	// At the very cost of an evaluation, that one: of what diverged, or broke off, after it too.
	s = scored(t, Options{Metrics: []string{"train_loss"}, At: &Cut{"cost", 20 * (1 + 1e-13)}}, runs...)
	if a := s.find(t, s.Tasks[0].Scores[0].Name).Lines[0]; a.Median.Value != 2 || a.Values[2].X != 1e9 || a.Note != "" {
		t.Errorf("%+v", a)
	}
	if b := s.find(t, s.Tasks[0].Scores[0].Name).Lines[1]; b.N != 2 || b.Values[1].X != 1 {
		t.Errorf("%+v", b)
	}
	// Targets that are reached later are not.
	s = scored(t, Options{Goals: targets(t, "train_loss=1.5"), Amounts: []string{"cost", "step"}, At: &Cut{"cost", 15}}, runs...)
	if a := s.find(t, "cost to train_loss <= 1.5").Lines[0]; a.Reached != 2 || a.Values[1].X != inf || a.Values[1].Least != 15 || a.Note != "1 of 3 read at cost 10, at their last evaluations before 15: evaluate more often, as by evaluate: {every: {cost: ...}}" {
		t.Errorf("%+v", a)
	}
	// Of other amounts, it has not by the next evaluation.
	if a := s.find(t, "step to train_loss <= 1.5").Lines[0]; a.Values[1].Least != 20 {
		t.Errorf("%+v", a.Values)
	}
}

// TestStale: where the last evaluation before the cut is far below it, a note says where.
func TestStale(t *testing.T) {
	rare := func(seed uint64, costs ...float64) fakeRun {
		r := fake("GN", 1, seed, "finished")
		r.Text = header
		for i, c := range costs {
			r.Text += fmt.Sprintf("GN,%d,%d,%d,%g,%g,%g,%d,0,,,4,0,\n", seed, i, i, c/10, c, c, 4-i)
		}
		return r
	}
	runs := []fakeRun{fake("SGD", 0, 0, "finished", 4, 3, 3, 2, 2, 2, 2, 2), fake("SGD", 0, 1, "finished", 4, 3, 3, 2, 2, 2, 2, 2), rare(0, 0, 97, 103), rare(1, 0, 40, 103), rare(2, 0, 57, 103), rare(3, 0, 41)}
	const often = ": evaluate more often, as by evaluate: {every: "
	for _, c := range []struct {
		at            Cut
		final, target string
	}{
		{Cut{"cost", 60}, "1 of 4 ended before, from cost 41 on; 2 of 4 read at cost 0 to 40, at their last evaluations before 60" + often + "{cost: ...}}", "1 of 4 read at cost 0, at their last evaluations before 60" + often + "{cost: ...}}"},
		{Cut{"wall", 6}, "1 of 4 ended before, from wall 4.1 on; 2 of 4 read at wall 0 to 4, at their last evaluations before 6" + often + "{seconds: ...}}", "1 of 4 read at wall 0, at their last evaluations before 6" + often + "{seconds: ...}}"},
		{Cut{"oracle_calls", 60}, "1 of 4 ended before, from oracle_calls 41 on; 2 of 4 read at oracle_calls 0 to 40, at their last evaluations before 60: evaluate more often", "1 of 4 read at oracle_calls 0, at their last evaluations before 60: evaluate more often"},
	} {
		s := scored(t, Options{Metrics: []string{"train_loss"}, Goals: targets(t, "train_loss=3"), Amounts: []string{"step"}, At: &c.at}, runs...)
		for i, name := range []string{"step to train_loss <= 3", fmt.Sprintf("train_loss at %s=%g", c.at.Amount, c.at.Value), fmt.Sprintf("best train_loss by %s=%g", c.at.Amount, c.at.Value)} {
			want := []string{c.target, c.final, c.final}[i]
			if l := s.find(t, name).Lines[1]; l.Note != want {
				t.Errorf("%s: %s, want %s", name, l.Note, want)
			}
		}
		if l := s.Tasks[0].Scores[1].Lines[0]; c.at.Amount == "cost" && l.Note != "" {
			t.Errorf("at every tenth: %s", l.Note)
		}
		var table, file bytes.Buffer
		if err := errors.Join(s.WriteTable(&table), s.WriteCSV(&file)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(table.String(), ") "+c.final+"\n") || !strings.Contains(file.String(), c.final) {
			t.Errorf("%s\n%s", table.String(), file.String())
		}
	}
}

// stepped gives a run a steps.csv of steps that end at some costs, half of them its seconds.
// The losses of the batches are those before the steps.
func stepped(r fakeRun, costs, losses []float64) fakeRun {
	r.Steps = "step,wall_seconds,cost,oracle_calls,batch_loss\n"
	for i, c := range costs {
		r.Steps += fmt.Sprintf("%d,%g,%g,%g,%g\n", i, c/2, c, 3*c, losses[i])
	}
	return r
}

// TestEndsBetween: a run that diverged, or broke off, after the cut went on there, though it
// was not evaluated again: its steps say so.
func TestEndsBetween(t *testing.T) {
	nan := math.NaN()
	runs := []fakeRun{
		// The last weights that a batch had a finite loss with are those of costs 20, 10 and 18.
		stepped(fake("A", 0, 0, "diverged", 4, 2), []float64{10, 20, 30, 40}, []float64{4, 2, 2, inf}),
		stepped(fake("A", 0, 1, "diverged", 4, 2), []float64{10, 20, 30}, []float64{4, 2, nan}),
		stepped(fake("A", 0, 2, "diverged", 4, 2), []float64{10, 18, 26}, []float64{4, 2, 2}),
		stepped(fake("B", 1, 0, "interrupted", 4, 2), []float64{10, 26}, []float64{4, 2}),
		stepped(fake("B", 1, 1, "interrupted", 4, 2), []float64{10, 18}, []float64{4, 2}),
		fake("B", 1, 2, "diverged", 4, 2), // has no steps.csv
		fake("C", 2, 0, "finished", 4, 2, 2, 2),
	}
	opt := Options{Metrics: []string{"train_loss"}, Goals: targets(t, "train_loss=1"), Amounts: []string{"cost", "wall"}, At: &Cut{Amount: "cost"}}
	check := func(at float64, want [2][]float64, least, seconds float64) {
		t.Helper()
		opt.At.Value = at
		s := scored(t, opt, runs...)
		for i, values := range want {
			for j, x := range values {
				if v := s.find(t, fmt.Sprintf("train_loss at cost=%g", at)).Lines[i].Values[j]; !same(v.X, x) {
					t.Errorf("at %g, line %d, seed %d: %g, want %g", at, i, j, v.X, x)
				}
			}
		}
		if v := s.find(t, "cost to train_loss <= 1").Lines[0].Values[0]; v.X != inf || v.Least != least {
			t.Errorf("at %g: %+v", at, v)
		}
		if v := s.find(t, "wall to train_loss <= 1").Lines[0].Values[0]; v.X != inf || v.Least != seconds {
			t.Errorf("at %g: %+v", at, v)
		}
		if len(s.Warnings) != 0 {
			t.Error(s.Warnings)
		}
	}
	check(15, [2][]float64{{2, inf, 2}, {2, 2, inf}}, 15, 10)
	check(19, [2][]float64{{2, inf, inf}, {2, nan, inf}}, 19, 10)
	check(20, [2][]float64{{2, inf, inf}, {2, nan, inf}}, 20, 10)
	check(30, [2][]float64{{inf, inf, inf}, {nan, nan, inf}}, inf, inf)
}

// TestBudgets: who was given less, and has not got there, is said.
func TestBudgets(t *testing.T) {
	s := scored(t, Options{Goals: targets(t, "train_loss=1"), Amounts: []string{"cost"}},
		fake("A", 0, 0, "finished", 4, 2), fake("A", 0, 1, "finished", 4, 2, 2), fake("A", 0, 2, "finished", 4, 2, 2),
		fake("B", 1, 0, "finished", 4, 3, 3, 1), fake("B", 1, 1, "finished", 4, 3, 3, 1), fake("B", 1, 2, "finished", 4, 3, 3, 1))
	c := s.find(t, "cost to train_loss <= 1")
	if len(c.Notes) != 1 || c.Notes[0] != "budgets differ: A ended at cost 20 without it, before another's median of 30; with --at cost=10 all have the same" {
		t.Errorf("%v", c.Notes)
	}
	if p := c.Pairs[0]; p.Open != 3 || p.Test.P != 1 || !math.IsNaN(p.Shift.Value) || !math.IsInf(p.Shift.Lo, -1) {
		t.Errorf("%+v", p)
	}
}

// TestSettings: of a sweep, the best setting of each method is compared, or all are.
func TestSettings(t *testing.T) {
	var runs []fakeRun
	for i, rate := range []string{"0.1", "0.3"} {
		for seed := range uint64(2) {
			for m, method := range []string{"A", "B"} {
				r := fake(method, m, seed, "finished", 4, 2-float64(i)/2)
				r = withRate(r, rate)
				runs = append(runs, r)
			}
		}
	}
	s := scored(t, Options{}, runs...)
	f := s.find(t, "final train_loss")
	if len(f.Lines) != 4 || len(f.Pairs) != 1 || f.Pairs[0].A.Label != "A, learning_rate=0.3" || !math.IsNaN(f.Lines[0].Rank) || f.Lines[1].Rank != 1.5 {
		t.Errorf("%+v", f)
	}
	if n := s.Tasks[0].Notes; len(n) != 1 || !strings.Contains(n[0], "of 4 settings the best of each method alone is compared, by mean final train_loss") {
		t.Errorf("%v", n)
	}
	s = scored(t, Options{All: true}, runs...)
	if f := s.find(t, "final train_loss"); len(f.Pairs) != 6 || len(s.Tasks[0].Notes) != 0 {
		t.Errorf("%d pairs, %v", len(f.Pairs), s.Tasks[0].Notes)
	}
	s = scored(t, Options{Baseline: "B"}, runs...)
	if f := s.find(t, "final train_loss"); len(f.Pairs) != 1 || f.Pairs[0].B.Method != "B" {
		t.Errorf("%+v", f.Pairs)
	}
}

// TestDefaults: amounts and metrics are those that the logs have.
func TestDefaults(t *testing.T) {
	s := scored(t, Options{Goals: targets(t, "train_loss=1")}, fake("A", 0, 0, "finished", 4, 1), fake("B", 1, 0, "finished", 4, 1))
	var names []string
	for _, sc := range s.Tasks[0].Scores {
		names = append(names, sc.Name)
	}
	if got := strings.Join(names, ", "); got != "wall to train_loss <= 1, cost to train_loss <= 1, step to train_loss <= 1, final train_loss, best train_loss, final test_loss, best test_loss, final test_accuracy, best test_accuracy" {
		t.Error(got)
	}
}

func TestErrors(t *testing.T) {
	list := tasks(t, []fakeRun{fake("A", 0, 0, "finished", 4, 1)})
	for _, c := range []struct {
		opt  Options
		want string
	}{
		{Options{Goals: targets(t, "valid_loss=1")}, "no run has values of valid_loss"},
		{Options{Goals: targets(t, "mnist:train_loss=1")}, `target: no task is called "mnist" (there are: toy)`},
		{Options{Metrics: []string{"loss"}}, `no metric is called "loss" (known: train_loss,`},
		{Options{Metrics: []string{"test_rmse"}}, "no run has values of test_rmse"},
		{Options{Amounts: []string{"time"}}, `no amount is called "time"`},
		{Options{At: &Cut{"cost", 10.1}}, "at: cost=10.1: no run goes so far; the longest ends at 10"},
		{Options{At: &Cut{"time", 1}}, `no amount is called "time"`},
		{Options{Baseline: "Z"}, `baseline: there are no runs of method "Z" (there are: A)`},
		{Options{Limit: 1}, "tau: must be a factor above 1, got 1"},
	} {
		_, err := Of(list, c.opt)
		var option *results.OptionError
		if !errors.As(err, &option) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.opt, err)
		}
	}
	if _, err := Of(nil, Options{}); err == nil {
		t.Error("of nothing")
	}
}
