package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/oracles"
)

// tuned is an experiment whose settings are searched.
const tuned = `
name: toy
seeds: [0, 1, 2, 3, 4]
data: {name: digits, validation: 0.2}
model: {kind: mlp, hidden: [8]}
loss: {kind: logistic}
train: {batch_size: 50, cost: 40}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.1}}
  - {name: GN v1.5, oracle: {kind: gauss_newton, inner_iterations: 1, gamma: 1}, optimizer: {kind: sgd, learning_rate: 1}}
  - {name: fixed, optimizer: adam}
tune:
  trials: 6
  ranges:
    - {key: methods.SGD.optimizer.learning_rate, range: 1e-3..1:log}
    - {key: methods.GN v1.5.oracle.inner_iterations, values: [1, 2, 4, 8]}
    - {key: methods.GN v1.5.oracle.formulation, values: [primal, dual]}
`

func search(t *testing.T, sets ...string) *Search {
	t.Helper()
	return configtest.Read(t, ParseSearch, tuned, sets...)
}

// TestTrials: every method has the same number of trials, from the seeds of the search;
// of lists alone none is made twice; more trials keep the earlier ones of ranges.
func TestTrials(t *testing.T) {
	for _, sampler := range []string{"random", "halton"} {
		few, many := search(t, "tune.sampler="+sampler), search(t, "tune.sampler="+sampler, "tune.trials=8")
		count := map[int]int{}
		seen := map[string]bool{}
		for _, p := range few.Trials.Points {
			count[p.Method]++
			name := fmt.Sprint(p.Method, p.Varied)
			if seen[name] {
				t.Errorf("%s: %s twice", sampler, name)
			}
			seen[name] = true
			if !slices.Equal(p.Config.Seeds, []uint64{1001, 1002}) || p.Config.Tune != nil || len(p.Config.Methods) != 1 {
				t.Errorf("%+v", p.Config)
			}
			if p.Method == 0 {
				x, err := strconv.ParseFloat(p.Varied[0].Value, 64)
				if err != nil || x < 1e-3 || x > 1 {
					t.Errorf("%s: %s", sampler, p.Varied)
				}
			}
		}
		if count[0] != 6 || count[1] != 6 || count[2] != 0 {
			t.Errorf("%s: trials by method: %v", sampler, count)
		}
		for i := range 6 {
			if a, b := few.Settings(i), many.Settings(i); !slices.Equal(a, b) {
				t.Errorf("%s: trial %d is %s, and %s of more", sampler, i, a, b)
			}
		}
		if len(few.Notes) != 1 || !strings.Contains(few.Notes[0], "fixed has nothing to tune") {
			t.Errorf("notes %q", few.Notes)
		}
	}
	// Halton's points leave no gap as large as twice what even spacing would.
	s := search(t, "tune.sampler=halton", "tune.trials=8")
	var logs []float64
	for _, p := range s.Trials.Points[:8] {
		x, _ := strconv.ParseFloat(p.Varied[0].Value, 64)
		logs = append(logs, math.Log10(x))
	}
	slices.Sort(logs)
	for i := 1; i < len(logs); i++ {
		if gap := logs[i] - logs[i-1]; gap > 2*3./8 {
			t.Errorf("a gap of %g of 3 between %v", gap, logs)
		}
	}
}

// TestChosen: the chosen settings are those of the methods, batch sizes too; what is at
// the edge of the search is told.
func TestChosen(t *testing.T) {
	all := map[string]bool{}
	s := search(t, "tune.ranges=[{key: methods.SGD.optimizer.learning_rate, values: [0.1, 0.2, 0.3]}, {key: methods.SGD.train.batch_size, values: [10, 20]}]", "tune.trials=6")
	for i := range 6 {
		c, err := s.Chosen([]int{i})
		if err != nil {
			t.Fatal(err)
		}
		of := c.Of(0)
		all[fmt.Sprint(of.Methods[0].Optimizer.Options, of.Train.BatchSize)] = true
		if of.Train.CostUnit != 50 || of.Train.Cost != 40 || c.Of(1).Train.BatchSize != 50 || c.Tune != nil || len(c.Seeds) != 5 {
			t.Errorf("%+v", of.Train)
		}
		roundTrip(t, c)
		edges := strings.Join(s.Edges(i), "; ")
		for _, want := range []string{"learning_rate=0.1 is the least", "learning_rate=0.3 is the largest", "batch_size=10 is the least", "batch_size=20 is the largest"} {
			key, _, _ := strings.Cut(want, " ")
			if has := strings.Contains(s.Settings(i).String(), key); has != strings.Contains(edges, want) {
				t.Errorf("%s: %s", s.Settings(i), edges)
			}
		}
	}
	if len(all) != 6 {
		t.Errorf("%v", all)
	}
}

// TestTuneErrors: what is no search is refused, with file, line and key where there is one.
func TestTuneErrors(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"data.validation=0", "tune.metric: valid_loss needs a validation set, and to choose by test data would be to train on them; set data.validation"},
		{"tune.metric=test_loss", `tune.metric: "test_loss" is not a metric to choose by (known: train_loss`},
		{"tune.trials=0", "tune.trials: must be a number of trials of each method, from 1 to 10000, got 0"},
		{"tune.trials=9", "tune.trials: 9 trials, but the values of GN v1.5 make only 8 settings; give ranges, more values, or fewer trials"},
		{"tune.seeds=[3, 1001]", "tune.seeds: seed 3 is one of those that results are reported of"},
		{"tune.seeds=[]", "tune.seeds: the list is empty"},
		{"tune.seeds=[7, 7]", "tune.seeds: duplicate seed 7"},
		{"tune.sampler=grid", `tune.sampler: must be random or halton, got "grid"`},
		{"tune.at={cost: 5, seconds: 3}", "tune.at: must be {cost: C} or {seconds: S}"},
		{"tune.at={}", "tune.at: must be {cost: C} or {seconds: S}"},
		{"tune.halving={keep: 1}", "tune.halving.keep: must be a share of the trials"},
		{"tune.share=1.5", "tune.share: must be the share of the limits of section train that a trial has, above 0 and at most 1, as 0.1; got 1.5"},
		{"tune.share=-1", "tune.share: must be the share"},
		{"tune.halving={rungs: 1}", "tune.halving.rungs: must be a number of budgets from 2 to 10, got 1"},
		{"tune.halving={keep: 1e-200}", "tune.halving: leaves the trials of SGD a first budget of cost 0"},
		{"tune.halving={rungs: 5}", "the first should be 10 at least"},
		{"tune.at={cost: 1000}", "tune.at: is beyond the budget of SGD"},
		{"train.target={metric: valid_loss, value: 1}", "take train.target out"},
		{"tune.ranges=[]", "tune.ranges: the list is empty"},
		{"tune.ranges=[{key: methods.SGD.optimizer.learning_rate, values: [0.1]}]", "has a single value: set it"},
		{"tune.ranges=[{key: methods.SGD.optimizer.learning_rate, values: [0.1, 0.2, 0.1]}]", "the value 0.1 is there twice"},
		{"tune.ranges=[{key: train.cost, values: [10, 20]}]", "of train, batch_size alone is searched"},
		{"tune.ranges=[{key: methods.*.train.cost_unit, values: [10, 20]}]", "of train, batch_size alone is searched"},
		{"tune.ranges=[{key: methods.GN v1.5.oracle.inner_iterations, range: '1..3:int'}]", "make only 3 settings"},
		{"tune.ranges=[{key: methods.SGD.optimizer.learning_rate, range: 1..0.1}]", "the range 1..0.1 is empty"},
		{"tune.ranges=[{key: methods.SGD.optimizer.learning_rate, range: 1..1}]", "the range 1..1 is a single value"},
		{"tune.ranges=[{key: methods.SGD.optimizer.learning_rate, range: fast}]", "expected a range LO..HI"},
		{"tune.ranges=[{key: methods.SGD.optimizer.learning_rat, range: 1..2}]", `did you mean "learning_rate"?`},
		{"tune.ranges=[{key: model.hidden, values: [[3], [4]]}]", "model.hidden is the same for all methods"},
		{"tune.ranges=[{key: methods.SGD.optimizer.learning_rate, range: 1..2}, {key: methods.*.optimizer.learning_rate, range: 1..2}]", "is searched twice for the method SGD"},
		{"tune.ranges=[{key: seeds, range: 1..2}]", "seeds cannot be swept"},
		{"tune.rangs=[]", `did you mean "ranges"?`},
		{"sweep={grid: [{key: train.batch_size, values: [1, 2]}]}", "the config has a section sweep, which dgn tune would ignore"},
	} {
		_, err := ParseSearch("toy.yaml", []byte(tuned), []string{c.set})
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.set, err, c.want)
		}
	}
	if _, err := ParseSearch("toy.yaml", []byte(toy), nil); err == nil || !strings.Contains(err.Error(), "toy.yaml: the section tune is missing") {
		t.Error(err)
	}
	if _, err := ParseSweep("toy.yaml", []byte(tuned), nil, SweepFlags{Grid: []string{"train.batch_size=1,2"}}); err == nil || !strings.Contains(err.Error(), "use dgn tune") {
		t.Error(err)
	}
	c, err := Parse("toy.yaml", []byte(tuned), []string{"tune.halving={}", "tune.sampler=halton", "train.cost=400"})
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, c)
}

// TestWholeTrials: every trial of a range of whole numbers is another, whatever the
// sampler, and an edge within the range calls for trials, not for another range.
func TestWholeTrials(t *testing.T) {
	key := "{key: methods.GN v1.5.oracle.inner_iterations, range: '%s'}"
	for _, sampler := range Samplers {
		for _, rng := range []string{"1..4:int", "1..40:log:int"} {
			s := search(t, "tune.trials=4", "tune.sampler="+sampler, "tune.ranges=["+fmt.Sprintf(key, rng)+"]")
			seen := map[string]bool{}
			largest, at := 0, 0
			for i, p := range s.Trials.Points {
				seen[p.Varied.String()] = true
				if n := p.Config.Methods[0].Oracle.Must().(oracles.GaussNewton).InnerIterations; n > largest {
					largest, at = n, i
				}
			}
			if len(seen) != 4 {
				t.Errorf("%s, %s: %v", sampler, rng, seen)
			}
			want := "widen it"
			if largest < 40 && rng != "1..4:int" {
				want = "more trials"
			}
			if e := s.Edges(at); len(e) != 1 || !strings.Contains(e[0], want) {
				t.Errorf("%s, %s: %v", sampler, rng, e)
			}
		}
	}
}

// TestUnequalTrials: trials that are compared at other costs are told of.
func TestUnequalTrials(t *testing.T) {
	for _, c := range []struct {
		sets []string
		want string
	}{
		{nil, ""},
		{[]string{"methods.SGD.train={batch_size: 20}"}, ""},
		{[]string{"train={batch_size: 50, seconds: 2}"}, ""},
		{[]string{"train={batch_size: 50, epochs: 2}"}, "SGD has epochs 2, GN v1.5 has epochs 2, fixed has epochs 2"},
		{[]string{"train={batch_size: 50, epochs: 2, seconds: 2}"}, "SGD has epochs 2, seconds 2"},
		{[]string{"methods.SGD.train={cost: 20}"}, "SGD has cost 20, GN v1.5 has cost 40"},
		{[]string{"methods.SGD.train={cost_unit: 25}"}, "not at the same cost"},
		{[]string{"methods.SGD.train={cost: 20}", "tune.at={cost: 20}"}, ""},
	} {
		notes := strings.Join(search(t, c.sets...).Notes, "; ")
		if told := strings.Contains(notes, "not at the same cost"); told != (c.want != "") || !strings.Contains(notes, c.want) {
			t.Errorf("%v: %s", c.sets, notes)
		}
	}
}
