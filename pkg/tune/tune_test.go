package tune

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/train"
)

const toy = `
name: toy
seeds: [0, 1, 2, 3, 4]
data: {name: digits, train_limit: 200, test_limit: 50, validation: 0.2}
model: {kind: mlp, hidden: [6]}
loss: {kind: logistic}
train: {batch_size: 40, cost: 24}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: {schedule: cosine}}}
  - {name: GN, oracle: {kind: gauss_newton, inner_iterations: 2}, optimizer: {kind: sgd, learning_rate: 1}}
  - {name: Adam, optimizer: adam}
tune:
  trials: 4
  ranges:
    - {key: methods.SGD.optimizer.learning_rate.initial, range: 1e-3..1:log}
    - {key: methods.GN.oracle.gamma, range: 0.1..10:log}
    - {key: methods.SGD.train.batch_size, values: [20, 40, 80]}
`

func searched(t *testing.T, sets ...string) *config.Search {
	t.Helper()
	return configtest.Read(t, config.ParseSearch, toy, sets...)
}

func options(dir string) experiment.Options {
	return experiment.Options{Out: dir, Data: datasets.Env{Offline: true}, Build: experiment.ThisBuild("test"), Log: slog.New(slog.DiscardHandler)}
}

// A counter counts steps of all runs, and does something at some.
type counter struct {
	steps *int
	at    func(steps int)
}

func (c counter) Start(experiment.RunInfo) experiment.RunMonitor { return c }
func (c counter) Step(train.Progress) {
	*c.steps++
	c.at(*c.steps)
}
func (c counter) Evaluated(*runlog.Evaluation) {}
func (c counter) End(runlog.Outcome, string)   {}

// contents are the files below a folder, but for times and what follows from them.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	times := regexp.MustCompile(`"(start|end|time|sha256|step)": [^\n]*|"(wall_seconds|bytes)": [^\n]*|(?s)"resumed": \[.*?\],`)
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		switch {
		case strings.Contains(name, "figures"), strings.HasSuffix(name, "summary.csv"):
			text = nil // of times, among others
		case filepath.Ext(name) == ".json":
			text = times.ReplaceAll(text, nil)
			text = regexp.MustCompile(`\n\s*\n`).ReplaceAll(text, []byte("\n"))
		case filepath.Ext(name) == ".csv":
			lines := strings.Split(string(text), "\n")
			column := -1
			for i, h := range strings.Split(lines[0], ",") {
				if h == "wall_seconds" {
					column = i
				}
			}
			for i, l := range lines {
				if cells := strings.Split(l, ","); column >= 0 && len(cells) > column {
					cells[column] = ""
					lines[i] = strings.Join(cells, ",")
				}
			}
			text = []byte(strings.Join(lines, "\n"))
		}
		out[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestInterruptedSearch: a search that is interrupted twice, among the trials and among
// the final runs, ends with the same files as one that is not, to the last bit.
func TestInterruptedSearch(t *testing.T) {
	whole := options(t.TempDir())
	steps := 0
	whole.Monitor = counter{&steps, func(int) {}}
	out, err := Run(context.Background(), searched(t), whole)
	if err != nil || len(out.Final.Failed) > 0 || out.Final.Made != 15 {
		t.Fatalf("%+v, %v", out, err)
	}
	total := steps
	opt := options(t.TempDir())
	for _, share := range []float64{0.3, 0.85} {
		ctx, cancel := context.WithCancel(context.Background())
		count := 0
		opt.Monitor = counter{&count, func(n int) {
			if n == int(share*float64(total)) || share > 0.5 && n == int(0.55*float64(total)) {
				cancel()
			}
		}}
		if _, err := Run(ctx, searched(t), opt); !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted at %g: %v", share, err)
		}
		cancel()
	}
	opt.Monitor = nil
	if out, err = Run(context.Background(), searched(t), opt); err != nil || out.Final.Reused == 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	want, got := contents(t, whole.Out), contents(t, opt.Out)
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s differs:\n%s\nwant\n%s", name, got[name], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	again, err := Run(context.Background(), searched(t), opt)
	if err != nil || again.Final.Made != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// TestShare: trials have a share of the limits, of which rungs have theirs, and final runs have all.
func TestShare(t *testing.T) {
	opt := options(t.TempDir())
	s := searched(t, "train.cost=48", "tune.share=0.5", "tune.halving={keep: 0.5, rungs: 2}")
	out, err := Run(context.Background(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	const whole = 48
	if got := s.Trials.Points[0].Config.Train.Cost; got != whole/2 {
		t.Errorf("a trial has a cost of %g, the runs %d", got, whole)
	}
	for path, want := range map[string]float64{"tune/rung-1": whole / 4, "tune": whole / 2, "": whole} {
		made, err := results.Load(filepath.Join(opt.Out, path))
		if err != nil || len(made.Runs) == 0 {
			t.Fatalf("%s: %v", path, err)
		}
		for _, r := range made.Runs {
			if cost := r.Rows[len(r.Rows)-1][runlog.Columns.Cost]; !(cost >= want && cost < 1.5*want) {
				t.Errorf("%s: a run of %s has a cost of %g, want %g", path, r.Method, cost, want)
			}
		}
	}
	if text, err := os.ReadFile(filepath.Join(opt.Out, "tuned.yaml")); err != nil || !bytes.Contains(text, []byte("trials have 0.5 of the limits that runs have")) {
		t.Errorf("%s, %v", text, err)
	}
	if out.Config.Train.Cost != whole {
		t.Errorf("chosen: %+v", out.Config.Train)
	}
}

// TestTuned: tuned.yaml is the chosen config, whose runs are those that were made, and
// says how it was chosen; another search has others in their place.
func TestTuned(t *testing.T) {
	opt := options(t.TempDir())
	out, err := Run(context.Background(), searched(t, "tune.halving={keep: 0.5, rungs: 2}"), opt)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(opt.Out, "tuned.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Settings chosen by dgn tune. Protocol:", "4 trials of each method, random search (seed 0), each from the seeds [1001 1002]", "successive halving: 2 budgets",
		"chosen by the mean of valid_loss at the end of the runs", "methods.GN.oracle.gamma: 0.1..10:log", "Adam has nothing to tune", out.Choices[0].Settings.String()} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("without %q:\n%s", want, text)
		}
	}
	c, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := experiment.Run(context.Background(), c, opt); err != nil || r.Made != 0 || r.Reused != 15 {
		t.Errorf("%+v, %v", r, err)
	}
	// The first rung has half of the budget and all trials, the second the best half.
	for path, n := range map[string]int{"tune/rung-1": 16, "tune": 8} {
		runs, err := filepath.Glob(filepath.Join(opt.Out, path, "runs/*/*/*/manifest.json"))
		if err != nil || len(runs) != n {
			t.Errorf("%s: %d runs, want %d, %v", path, len(runs), n, err)
		}
	}
	if len(out.Figures) == 0 {
		t.Error("no figures of the trials")
	}
	other, err := Run(context.Background(), searched(t, "tune.seed=5"), opt)
	if err != nil || len(other.Final.Failed) > 0 || slices.Equal(other.Choices[0].Settings, out.Choices[0].Settings) {
		t.Fatalf("%+v, %v", other, err)
	}
	if old, err := filepath.Glob(filepath.Join(opt.Out, "old/*/runs/sgd/*/manifest.json")); err != nil || len(old) != 5 {
		t.Errorf("moved aside: %v, %v", old, err)
	}
}

// TestAllDiverge: a method of which every trial diverges is told, and nothing is run.
func TestAllDiverge(t *testing.T) {
	opt := options(t.TempDir())
	var wrong *config.Error
	out, err := Run(context.Background(), searched(t, "tune.ranges=[{key: methods.SGD.optimizer.learning_rate.initial, range: 1e20..1e30:log}]"), opt)
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "SGD: every trial diverged") || out.Final != nil {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestLoss: a trial is scored where all are, by what was measured, and a run that
// diverged comes last whatever it had before.
func TestLoss(t *testing.T) {
	nan := math.NaN()
	run := func(o runlog.Outcome, loss ...float64) *results.Run {
		r := &results.Run{Manifest: runlog.Manifest{Outcome: o}}
		for i, l := range loss {
			r.Rows = append(r.Rows, runlog.Row{"cost": float64(10 * i), "wall_seconds": float64(i), "valid_loss": l, "valid_accuracy": 1 - l})
		}
		return r
	}
	for i, c := range []struct {
		run    *results.Run
		metric string
		at     *config.Amount
		want   float64 // NaN: an error
	}{
		{run(runlog.Finished, 3, 2, 1), "valid_loss", nil, 1},
		{run(runlog.Finished, 3, 2, 1), "valid_loss", &config.Amount{Cost: 10}, 2},
		{run(runlog.Finished, 3, 2, 1), "valid_loss", &config.Amount{Cost: 19.9}, 2},
		{run(runlog.Finished, 3, 2, 1), "valid_loss", &config.Amount{Seconds: 1.5}, 2},
		{run(runlog.Finished, 3, 2, 1), "valid_loss", &config.Amount{Seconds: 0.5}, nan},
		{run(runlog.Finished, 3, 2, 1), "valid_loss", &config.Amount{Cost: 10 * (1 - 1e-15)}, 2},
		{run(runlog.AtGoal, 0.9, 0.25), "valid_accuracy", nil, -0.75},
		{run(runlog.Diverged, 3, 2, 0.1), "valid_loss", nil, math.Inf(1)},
		{run(runlog.Diverged, 3, 2, 0.1), "valid_loss", &config.Amount{Cost: 10}, math.Inf(1)},
		{run(runlog.Diverged, 0, 0), "valid_accuracy", nil, math.Inf(1)},
		{run(runlog.Finished, 3, nan), "valid_loss", nil, nan},
		{run(runlog.Finished), "valid_loss", nil, nan},
	} {
		scored := &trials{metric: c.metric, least: 1}
		if got, err := scored.loss(c.run, c.at); (err != nil) != math.IsNaN(c.want) || err == nil && got != c.want {
			t.Errorf("case %d: %g, %v", i, got, err)
		}
	}
}

// TestNothingToChooseBy: what would make a choice by nothing is refused before a trial is
// made, or where a trial shows it.
func TestNothingToChooseBy(t *testing.T) {
	for _, c := range []struct {
		sets []string
		jobs int
		want string
	}{
		{[]string{"tune.at={seconds: 1}"}, 2, "compared after a time, and 2 runs at the same time (--jobs) take time from each other"},
		{[]string{"train={batch_size: 40, seconds: 1}"}, 2, "compared after a time"},
		{[]string{"data={name: diabetes, validation: 0.2}", "loss=squared", "tune.metric=valid_accuracy"}, 1, "tune.metric: valid_accuracy does not apply to regression"},
		{[]string{"evaluate.every=1000", "tune.at={cost: 20}"}, 1, "to be compared at cost 20, it was last evaluated at 0 before; evaluate more often"},
	} {
		opt := options(t.TempDir())
		opt.Jobs = c.jobs
		out, err := Run(context.Background(), searched(t, c.sets...), opt)
		var wrong *config.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) || out != nil && out.Final != nil {
			t.Errorf("%v: %v\nwant %s", c.sets, err, c.want)
		}
	}
}
