package scores

import (
	"math"
	"testing"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
)

// Made-up runs, by short names. Of fake, the i-th loss is at step and cost 10 i, the test
// accuracy 1 - loss/3.
type fakeRun = runlogtest.Run

const header = runlogtest.Header

var fake, folder = runlogtest.New, runlogtest.Folder

var inf = math.Inf(1)

func load(t testing.TB, runs ...fakeRun) *results.Results {
	t.Helper()
	return tasks(t, runs)[0].Results
}

// tasks reads lists of runs as one folder each.
func tasks(t testing.TB, lists ...[]fakeRun) []results.Task {
	t.Helper()
	var dirs []string
	for _, runs := range lists {
		dirs = append(dirs, folder(t, runs...))
	}
	logs, err := results.Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := logs.Tasks()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// scored scores one task.
func scored(t testing.TB, opt Options, runs ...fakeRun) *Scores {
	t.Helper()
	s, err := Of(tasks(t, runs), opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// find returns a score of the first task by its name.
func (s *Scores) find(t testing.TB, name string) *Score {
	t.Helper()
	for i := range s.Tasks[0].Scores {
		if s.Tasks[0].Scores[i].Name == name {
			return &s.Tasks[0].Scores[i]
		}
	}
	t.Fatalf("there is no score %q", name)
	return nil
}

// targets parses some.
func targets(t testing.TB, texts ...string) []TaskGoals {
	t.Helper()
	list, err := ParseGoals(texts)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func same(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-12
}

// withRate is a run of a sweep over learning rates.
func withRate(r fakeRun, rate string) fakeRun {
	r.Varied = []runlog.Setting{{Key: "optimizer.learning_rate", Value: rate}}
	return runlogtest.With(r, "optimizer.learning_rate", rate)
}
