package report

import (
	"bytes"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

func TestSummary(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 4, 1), fake("A", 0, 1, "finished", 4, 2), fake("A", 0, 2, "diverged", 99), fake("B", 1, 0, "failed", 9))
	s := Summarize(res)
	if l := s.Lines[0].Final["train_loss"]; l.N != 2 || l.Mean != 1.5 || math.Abs(l.SD-math.Sqrt(0.5)) > 1e-15 {
		t.Errorf("%+v", l)
	}
	var table, csv bytes.Buffer
	if err := s.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"A       3 (1 of 3 diverged)  1.5 ± 0.71 [2/3]", "B       1 (1 of 1 failed)    -", "50.00 ± 23.57 % [2/3]", "[k/n]: of the k of n runs that ended well alone"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%s\nwithout %q", table.String(), want)
		}
	}
	if err := s.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(csv.String(), "\n")
	if !strings.HasPrefix(lines[0], "method,runs,finished,target,diverged,interrupted,failed,running,damaged,incomplete,mean_runs,train_loss_mean,train_loss_sd,train_loss_low,train_loss_high,") ||
		!strings.HasPrefix(lines[1], "A,3,2,0,1,0,0,0,0,0,2,1.5,0.7071067811865476,1,2,") || !strings.HasPrefix(lines[2], "B,1,0,0,0,0,1,0,0,0,0,,,") || !strings.HasSuffix(lines[1], ",1 of 3 diverged; means are of the other 2 alone") || !strings.HasSuffix(lines[2], ",1 of 1 failed") {
		t.Errorf("%s", csv.String())
	}
	// Settings that a sweep varies are columns.
	var sweep []fakeRun
	for seed := range uint64(2) {
		r := fake("GN", 0, seed, "finished", 2, 1)
		r.Varied = []runlog.Setting{{Key: "oracle.inner_iterations", Value: "5"}}
		sweep = append(sweep, r)
	}
	s = Summarize(load(t, append(sweep, fake("SGD", 1, 0, "finished", 2, 1))...))
	if s.Lines[0].Label != "GN, inner_iterations=5" || s.Lines[0].Runs != 2 {
		t.Errorf("%+v", s.Lines[0])
	}
	csv.Reset()
	if err := s.WriteCSV(&csv); err != nil || !strings.HasPrefix(csv.String(), "method,oracle.inner_iterations,runs,") || !strings.Contains(csv.String(), "\nGN,5,2,2,") || !strings.Contains(csv.String(), "\nSGD,,1,1,") {
		t.Errorf("%v\n%s", err, csv.String())
	}
	if s := stats.Of([]float64{3}); s.Mean != 3 || !math.IsNaN(s.SD) {
		t.Errorf("%+v", s)
	}
}

// TestDamaged: runs with damaged logs are in no mean; tables and figures say so.
func TestDamaged(t *testing.T) {
	res := load(t, fake("A", 0, 1, "finished", 4, 1), fake("A", 0, 2, "running", 4, 3))
	res.Runs[0].Damage = "metrics.csv has no rows"
	s := Summarize(res)
	if l := s.Lines[0]; l.Complete != 0 || !maps.Equal(l.Outcomes, map[string]int{results.Damaged: 1, "running": 1}) || l.Final["train_loss"].N != 0 {
		t.Errorf("%+v", l)
	}
	var table bytes.Buffer
	if err := s.WriteTable(&table); err != nil || !strings.Contains(table.String(), "1 of 2 damaged") {
		t.Errorf("%s, %v", table.String(), err)
	}
	got := drawn(t, res, FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}})["train_loss_vs_step"]
	says(t, "damaged", got, "A (1 of 2 running, 1 of 2 damaged)", "1 run with damaged logs is left out")
}

// TestIncomplete: a run that lacks files is in the means, but is not counted among
// those that are whole.
func TestIncomplete(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 4, 0.25))
	res.Runs[0].Missing = []string{"params.npz"}
	if l := Summarize(res).Lines[0]; l.Complete != 1 || l.Outcomes["finished"] != 0 || l.Outcomes[results.Incomplete] != 1 || l.Final["train_loss"].Mean != 0.25 {
		t.Errorf("%+v", l)
	}
}
