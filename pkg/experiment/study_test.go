package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/runlog"
)

// twoMethods is an experiment to sweep over.
const twoMethods = configtest.TwoMethods

func study(t *testing.T, text string, flags config.SweepFlags, sets ...string) *config.Study {
	t.Helper()
	return configtest.Read(t, func(path string, text []byte, sets []string) (*config.Study, error) {
		return config.ParseSweep(path, text, sets, flags)
	}, text, sets...)
}

// swept is a sweep of 4 settings of SGD and 8 of GN: 24 runs.
const swept = twoMethods + `
sweep:
  grid:
    - {key: train.batch_size, values: [40, 50]}
    - {key: methods.SGD.optimizer.learning_rate, values: [0.1, 0.2]}
    - {key: methods.GN v1.5.oracle.formulation, values: [primal, dual]}
    - {key: methods.GN v1.5.oracle.gamma, values: [0.5, 1]}
`

func runStudy(t *testing.T, s *config.Study, opt Options) *Result {
	t.Helper()
	r, err := Sweep(context.Background(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// states lists what a study would do, by number.
func states(t *testing.T, s *config.Study, opt Options) map[folder.State]int {
	t.Helper()
	l, err := List(s, opt)
	if err != nil {
		t.Fatal(err)
	}
	n := map[folder.State]int{}
	for _, r := range l.Runs {
		n[r.State]++
	}
	return n
}

func expectStates(t *testing.T, s *config.Study, opt Options, want map[folder.State]int) {
	t.Helper()
	got := states(t, s, opt)
	for _, st := range folder.States {
		if got[st] != want[st] {
			t.Errorf("states %v, want %v", got, want)
			return
		}
	}
}

func runFolders(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "runs"), func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.Name() == "manifest.json" {
			rel, _ := filepath.Rel(dir, filepath.Dir(path))
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSweepFolders: where runs go, what their manifests say, and that a point
// gives the bits of a plain run with its settings.
func TestSweepFolders(t *testing.T) {
	s := study(t, swept, config.SweepFlags{})
	opt := options(t.TempDir())
	if r := runStudy(t, s, opt); r.Made != 24 || r.Reused != 0 || len(r.Failed) > 0 {
		t.Fatalf("%+v", r)
	}
	folders := runFolders(t, opt.Out)
	if len(folders) != 24 {
		t.Fatalf("%d runs:\n%s", len(folders), strings.Join(folders, "\n"))
	}
	dir := filepath.Join(opt.Out, "runs/gn-v1-5/train.batch_size=40,oracle.formulation=primal,oracle.gamma=0.5/1")
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatalf("%v; there are\n%s", err, strings.Join(folders, "\n"))
	}
	var m struct {
		Method      string
		MethodIndex int `json:"method_index"`
		Varied      json.RawMessage
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	var varied bytes.Buffer
	if err := json.Compact(&varied, m.Varied); err != nil {
		t.Fatal(err)
	}
	want := `[{"key":"train.batch_size","value":40},{"key":"oracle.formulation","value":"primal"},{"key":"oracle.gamma","value":0.5}]`
	if m.Method != "GN v1.5" || m.MethodIndex != 1 || varied.String() != want {
		t.Errorf("%+v\n%s\nwant %s", m, varied.String(), want)
	}

	plain := options(t.TempDir())
	run(t, parse(t, twoMethods, "train.batch_size=40", "methods.*.oracle={kind: gauss_newton, formulation: primal, gamma: 0.5, inner_iterations: 1}"), plain)
	if numbersOf(t, dir) != numbersOf(t, filepath.Join(plain.Out, "runs/gn-v1-5/1")) {
		t.Error("a point of the sweep has other results than a plain run with its settings")
	}

	resolved, err := os.ReadFile(filepath.Join(opt.Out, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if r := runStudy(t, study(t, string(resolved), config.SweepFlags{}), opt); r.Made != 0 || r.Reused != 24 {
		t.Errorf("the resolved config: %+v", r)
	}
	summary, figures, err := runStudy(t, s, opt).Publish(AllFigures)
	if err != nil || len(summary.Lines) != 12 || len(figures) != 54 {
		t.Errorf("%d lines, %d figures: %s, %v", len(summary.Lines), len(figures), figures, err)
	}
	columns, n := rows(t, filepath.Join(opt.Out, "summary.csv"))
	if n != 12 || columns["oracle.gamma"][11] != "1" || columns["train.batch_size"][0] != "40" || columns["optimizer.learning_rate"][11] != "" || columns["runs"][3] != "2" {
		t.Errorf("summary.csv: %v", columns)
	}
}

// TestSweepReuse: only runs that are missing are made, wherever the folder has
// the others from.
func TestSweepReuse(t *testing.T) {
	opt := options(t.TempDir())
	grid := func(texts ...string) *config.Study {
		return study(t, twoMethods, config.SweepFlags{Grid: texts}, "seeds=[0]")
	}
	expect := func(what string, s *config.Study, made, reused int) {
		t.Helper()
		expectStates(t, s, opt, map[folder.State]int{folder.New: made, folder.Kept: reused})
		if r := runStudy(t, s, opt); r.Made != made || r.Reused != reused || len(r.Failed) > 0 {
			t.Errorf("%s: made %d, reused %d, want %d, %d", what, r.Made, r.Reused, made, reused)
		}
	}
	run(t, parse(t, twoMethods, "seeds=[0]"), opt)
	expect("after a plain run", grid("train.batch_size=25,50"), 2, 2)
	expect("one more value", grid("train.batch_size=25,40,50"), 2, 4)
	expect("values written otherwise, and twice", grid("train.batch_size=0x19,50,25,5_0"), 0, 4)
	expect("another key", grid("train.batch_size=25,50", "methods.SGD.optimizer.learning_rate=0.1,0.2"), 2, 4)
	expect("more seeds", study(t, twoMethods, config.SweepFlags{Grid: []string{"train.batch_size=25,50"}}, "seeds=[0, 1]"), 4, 4)

	// The runs at batch size 50 stay where the plain run put them, and belong to
	// the sweep.
	m := manifestAt(t, filepath.Join(opt.Out, "runs/sgd/0"))
	if m.Varied.String() != "train.batch_size=50" {
		t.Errorf("the plain run belongs to %v", m.Varied)
	}
	if r := run(t, parse(t, twoMethods, "seeds=[0]"), opt); r.Made != 0 || r.Reused != 2 {
		t.Errorf("the plain run again: %+v", r)
	}
	if r := run(t, parse(t, twoMethods, "seeds=[0, 1]", "train.batch_size=25"), options(t.TempDir())); r.Made != 4 {
		t.Errorf("elsewhere: %+v", r)
	}
	r := run(t, parse(t, twoMethods, "train.batch_size=50"), opt)
	if r.Made != 0 || r.Reused != 4 {
		t.Errorf("a point as a plain run: %+v", r)
	}
	summary, _, err := r.Publish(DefaultFigures)
	if err != nil || len(summary.Lines) != 2 || summary.Lines[0].Runs != 2 || summary.Lines[0].Settings != nil {
		t.Errorf("the summary of a plain run shows other runs, or their sweep: %+v, %v", summary.Lines, err)
	}
	if _, err := Run(context.Background(), parse(t, swept), opt); err == nil || !strings.Contains(err.Error(), "use dgn sweep") {
		t.Errorf("a plain run of a sweep: %v", err)
	}
}

// TestSweepAmongDamage: what is damaged in a results folder, and not of the sweep,
// does not keep its results from being shown.
func TestSweepAmongDamage(t *testing.T) {
	opt := options(t.TempDir())
	runStudy(t, study(t, twoMethods, config.SweepFlags{Grid: []string{"train.batch_size=40"}}, "seeds=[0]"), opt)
	for _, name := range []string{"runs/sgd/train.batch_size=40/0/manifest.json", "runs/gn-v1-5/train.batch_size=40/0/metrics.csv"} {
		if err := os.WriteFile(filepath.Join(opt.Out, name), []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := runStudy(t, study(t, twoMethods, config.SweepFlags{Grid: []string{"train.batch_size=50"}}, "seeds=[0]"), opt)
	summary, figures, err := r.Publish(AllFigures)
	if err != nil || len(figures) == 0 || len(summary.Lines) != 2 || len(summary.Warnings) != 0 {
		t.Errorf("%+v, %v", summary, err)
	}
}

// TestSweepConflict: runs of other settings in a place that the sweep needs are
// an error that lists the differences; with Fresh they are moved aside.
func TestSweepConflict(t *testing.T) {
	opt := options(t.TempDir())
	flags := config.SweepFlags{Grid: []string{"train.batch_size=40,50"}}
	runStudy(t, study(t, twoMethods, flags, "seeds=[0]"), opt)
	changed := study(t, twoMethods, flags, "seeds=[0]", "methods.SGD.optimizer.momentum=0.9")
	var wrong *config.Error
	for name, err := range map[string]error{
		"list": func() error { _, err := List(changed, opt); return err }(),
		"run":  func() error { _, err := Sweep(context.Background(), changed, opt); return err }(),
	} {
		want := filepath.Join(opt.Out, "runs/sgd/train.batch_size=40/0") + " was made with other settings:\n    optimizer.momentum: 0 -> 0.9"
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s says %v\nwant %s", name, err, want)
		}
	}
	// Many conflicts are not all told, and how many there are is.
	flags.Grid[0] += ",20,25,30,35,41,42,43,44,45"
	many := options(t.TempDir())
	runStudy(t, study(t, twoMethods, flags, "seeds=[0]", "train.steps=1"), many)
	_, err := List(study(t, twoMethods, flags, "seeds=[0]", "train.steps=2"), many)
	if n := strings.Count(fmt.Sprint(err), "was made with other settings"); n != 20 || !strings.Contains(err.Error(), "\n... and 2 more\n") {
		t.Errorf("%d conflicts in\n%v", n, err)
	}
	if want := "--fresh makes every run again, and moves those that the folder holds to old/"; !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("says\n%v\nwithout %s", err, want)
	}
	opt.Runs = folder.Fresh
	expectStates(t, changed, opt, map[folder.State]int{folder.Again: 4})
	if r := runStudy(t, changed, opt); r.Made != 4 {
		t.Errorf("fresh: %+v", r)
	}
	if old, err := filepath.Glob(filepath.Join(opt.Out, "old/*/runs/sgd/train.batch_size=40/0/metrics.csv")); err != nil || len(old) != 1 {
		t.Errorf("old runs: %v, %v", old, err)
	}
}

// TestSweepInterrupted: a sweep of 24 runs that is interrupted twice, and killed
// once, is completed by the same call, and makes each run once.
func TestSweepInterrupted(t *testing.T) {
	s := study(t, swept, config.SweepFlags{})
	opt := options(t.TempDir())
	expectStates(t, s, opt, map[folder.State]int{folder.New: 24})
	if _, err := os.Stat(filepath.Join(opt.Out, "runs")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a listing has made folders")
	}
	stopAt := func(n int) *Result {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		begun := 0
		opt := opt
		opt.Monitor = watcher{step: func(_ string, _ uint64, step int) {
			if step == 1 {
				if begun++; begun == n {
					cancel()
				}
			}
		}}
		r, err := Sweep(ctx, s, opt)
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		return r
	}
	if r := stopAt(6); r.Made != 6 || r.Left != 18 {
		t.Errorf("made %d, left %d", r.Made, r.Left)
	}
	expectStates(t, s, opt, map[folder.State]int{folder.Kept: 5, folder.Unfinished: 1, folder.New: 18})
	// The run that goes on from its checkpoint has no step 1 again.
	if r := stopAt(10); r.Made != 11 || r.Resumed != 1 || r.Reused != 5 || r.Left != 8 {
		t.Errorf("made %d, resumed %d, reused %d, left %d", r.Made, r.Resumed, r.Reused, r.Left)
	}
	// As a process leaves it that is killed before it has a checkpoint.
	dir := filepath.Join(opt.Out, "runs/sgd/train.batch_size=40,optimizer.learning_rate=0.1/0")
	m := manifestAt(t, dir)
	m.Outcome = runlog.Running
	if err := m.Write(dir, diskfile.Replace); err != nil {
		t.Fatal(err)
	}
	expectStates(t, s, opt, map[folder.State]int{folder.Kept: 14, folder.Unfinished: 1, folder.Begun: 1, folder.New: 8})
	if r := runStudy(t, s, opt); r.Made != 10 || r.Resumed != 1 || r.Reused != 14 {
		t.Errorf("made %d, resumed %d, reused %d", r.Made, r.Resumed, r.Reused)
	}
	expectStates(t, s, opt, map[folder.State]int{folder.Kept: 24})
	once := options(t.TempDir())
	runStudy(t, s, once)
	folders := runFolders(t, opt.Out)
	if len(folders) != 24 || !slices.Equal(folders, runFolders(t, once.Out)) {
		t.Errorf("%v", folders)
	}
	for _, f := range folders {
		if numbersOf(t, filepath.Join(opt.Out, f)) != numbersOf(t, filepath.Join(once.Out, f)) {
			t.Errorf("%s has other results than without interruptions", f)
		}
	}
}

// TestSweepFailure: a run that fails is recorded, and the others are made; a
// second call makes it again. With FailFast no run begins after it.
func TestSweepFailure(t *testing.T) {
	text := strings.Replace(twoMethods, "seeds: [0, 1]", "seeds: [0]", 1)
	flags := config.SweepFlags{Grid: []string{"methods.*.optimizer.learning_rate=0.1,0.2,1e30"}}
	broken := study(t, text, flags)
	for i := range broken.Points {
		if p := &broken.Points[i]; p.Varied.String() == "optimizer.learning_rate=0.2" && p.Method == 0 {
			// The settings stay: only the making of the optimizer has a fault.
			o := p.Config.Methods[0].Optimizer.Options.(optim.SGD)
			p.Config.Methods[0].Optimizer = config.Optimizer{Choice: registry.ChoiceOf(&optim.Known, "sgd", o, func(optim.SGD) (optim.Spec, error) { return panicking{}, nil })}
		}
	}
	opt := options(t.TempDir())
	opt.FailFast = true
	if r := runStudy(t, broken, opt); r.Made != 2 || len(r.Failed) != 1 || r.Left != 4 {
		t.Errorf("fail fast: %+v", r)
	}
	opt.FailFast = false
	expectStates(t, broken, opt, map[folder.State]int{folder.Kept: 1, folder.Broken: 1, folder.New: 4})
	r := runStudy(t, broken, opt)
	if r.Made != 5 || r.Reused != 1 || len(r.Failed) != 1 || !strings.Contains(r.Failed[0].Error(), "SGD, optimizer.learning_rate=0.2, seed 0: internal error: a fault in a method") {
		t.Errorf("%+v", r)
	}
	m := manifestAt(t, filepath.Join(opt.Out, "runs/sgd/optimizer.learning_rate=0.2/0"))
	if m.Outcome != runlog.Failed || !strings.Contains(m.Error, "a fault in a method") {
		t.Errorf("%+v", m)
	}
	summary, _, err := r.Publish(DefaultFigures)
	if err != nil || summary.Lines[1].Outcomes["failed"] != 1 || summary.Lines[2].Outcomes["diverged"] != 1 {
		t.Errorf("%+v, %v", summary, err)
	}

	mended := study(t, text, flags)
	expectStates(t, mended, opt, map[folder.State]int{folder.Kept: 5, folder.Broken: 1})
	if r := runStudy(t, mended, opt); r.Made != 1 || r.Reused != 5 || len(r.Failed) != 0 {
		t.Errorf("mended: %+v", r)
	}
}

// TestSweepData: points with other data, models and losses have their own
// problems; data are read once for all points that share them, and once more
// when runs begin.
func TestSweepData(t *testing.T) {
	s := study(t, twoMethods, config.SweepFlags{Grid: []string{"data.train_limit=100,200", "model.hidden=[],[4]", "train.batch_size=20,25"}}, "seeds=[0]")
	s2 := study(t, twoMethods, config.SweepFlags{Zip: []string{"loss={kind: logistic},{kind: hinge}", "data.binary=[1],[2]", "methods.*.oracle={kind: gauss_newton},{kind: gradient}"}}, "seeds=[0]")
	for _, s := range []*config.Study{s, s2} {
		opt := options(t.TempDir())
		opt.Jobs = 2
		r := runStudy(t, s, opt)
		if len(r.Failed) > 0 {
			t.Fatalf("%+v", r)
		}
		group := 0
		for _, p := range r.Runs {
			group = max(group, p.Group)
			m := manifestAt(t, filepath.Join(opt.Out, p.Dir))
			if m.Jobs != 2 || m.Outcome != runlog.Finished {
				t.Errorf("%s: %+v", p, m)
			}
		}
		if group != 1 {
			t.Errorf("groups up to %d", group)
		}
	}
	// Each point has its own data: an epoch of 100 or 200 examples.
	opt := options(t.TempDir())
	for _, p := range runStudy(t, s, opt).Runs {
		_, n := rows(t, filepath.Join(opt.Out, p.Dir, "steps.csv"))
		if want := p.Config.Data.Common.TrainLimit / p.Config.Train.BatchSize; n != want || !strings.Contains(p.Dir, fmt.Sprintf("data.train_limit=%d", p.Config.Data.Common.TrainLimit)) {
			t.Errorf("%s: %d steps, want %d", p, n, want)
		}
	}

	// What only data can tell is found before anything runs.
	_, err := Sweep(context.Background(), study(t, twoMethods, config.SweepFlags{Grid: []string{"data.train_limit=40,200", "train.batch_size=25,300"}}), options(t.TempDir()))
	want := "train.batch_size: 300 is larger than the 40 training examples of digits\ntrain.batch_size: 300 is larger than the 200 training examples of digits"
	var wrong *config.Error
	if !errors.As(err, &wrong) || err.Error() != want {
		t.Errorf("says %v\nwant %s", err, want)
	}
	_, err = List(study(t, twoMethods, config.SweepFlags{Grid: []string{"data={name: mnist, dir: /nosuch},{name: digits}"}}), options(t.TempDir()))
	if err == nil || errors.As(err, &wrong) || !strings.Contains(err.Error(), "files are missing in /nosuch/mnist") {
		t.Errorf("says %v", err)
	}
}

// TestSweepDataSets: a sweep over data sets has a summary; figures of several
// data sets would compare what does not, and it is said that there are none.
func TestSweepDataSets(t *testing.T) {
	s := study(t, twoMethods, config.SweepFlags{Grid: []string{"data={name: digits, binary: [1]},{name: breast_cancer}"}},
		"seeds=[0]", "loss={kind: binary_logistic}", "train={batch_size: 50, steps: 2}")
	summary, figures, err := runStudy(t, s, options(t.TempDir())).Publish(AllFigures)
	if err != nil || len(figures) != 0 || len(summary.Lines) != 4 {
		t.Errorf("%+v, %v, %v", summary, figures, err)
	}
	if want := "no figures: the runs are of different data sets, breast_cancer and digits; dgn export --csv writes a table of all"; !slices.Contains(summary.Warnings, want) {
		t.Errorf("says %q", summary.Warnings)
	}
}

// TestSweepDuplicates: points that come to the same settings are made once, and
// that is said.
func TestSweepDuplicates(t *testing.T) {
	opt := options(t.TempDir())
	var log bytes.Buffer
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	s := study(t, twoMethods, config.SweepFlags{Random: []string{"train.batch_size=20,25"}, Samples: 9}, "seeds=[0]")
	expectStates(t, s, opt, map[folder.State]int{folder.New: 4})
	if !strings.Contains(log.String(), "14 of the sweep's runs repeat the settings of others, and are made once") {
		t.Errorf("says %s", log.String())
	}
}

// TestChangedData: data that change while a sweep runs fail the runs, and not
// its honesty.
func TestChangedData(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "x.csv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("1,2\n2,4.1\n3,5\n4,8\n5,9\n")
	s := study(t, twoMethods, config.SweepFlags{Grid: []string{"data.split_seed=1,2"}},
		"data={name: csv, dir: "+dir+", path: x.csv, target: [-1]}", "loss=squared", "train.batch_size=2", "seeds=[0]")
	opt := options(t.TempDir())
	opt.Monitor = watcher{step: func(string, uint64, int) { write("1,2\n2,4.1\n3,5\n4,8\n5,7\n") }}
	r := runStudy(t, s, opt)
	if len(r.Failed) != 2 || !strings.Contains(r.Failed[0].Error(), "the data set csv is not what it was when the runs were planned") {
		t.Errorf("%+v", r)
	}
	write("1,2\n2,4.1\n3,5\n4,8\n5,9\n")
	opt = options(t.TempDir())
	opt.Monitor = watcher{step: func(string, uint64, int) {
		if err := os.RemoveAll(filepath.Join(dir, "x.csv")); err != nil {
			t.Error(err)
		}
	}}
	r = runStudy(t, s, opt)
	var run *RunError
	if len(r.Failed) != 2 || !errors.As(r.Failed[0], &run) || run.Run != "SGD, data.split_seed=2, seed 0" {
		t.Errorf("%+v", r)
	}
	m := manifestAt(t, filepath.Join(opt.Out, "runs/sgd/data.split_seed=2/0"))
	if m.Outcome != runlog.Failed || !strings.Contains(m.Error, "files are missing") || m.Varied.String() != "data.split_seed=2" || m.Dataset != "csv" || len(m.Checksums) != 1 {
		t.Errorf("%+v", m)
	}
	write("1,2\n2,4.1\n3,5\n4,8\n5,9\n")
	opt.Monitor = nil
	expectStates(t, s, opt, map[folder.State]int{folder.Kept: 2, folder.Broken: 2})
	if r := runStudy(t, s, opt); r.Made != 2 || len(r.Failed) != 0 {
		t.Errorf("%+v", r)
	}
}

// TestSweepUnusableRuns: runs of a sweep whose results, manifest or checkpoints are
// of no use are told in its list, and leave the others alone when it is made.
func TestSweepUnusableRuns(t *testing.T) {
	opt := options(t.TempDir())
	s := study(t, twoMethods, config.SweepFlags{Grid: []string{"train.batch_size=20,25,30,40,50"}}, "seeds=[0]", "checkpoint.every=1")
	runStudy(t, s, opt)
	at := func(size int, name string) string {
		return filepath.Join(opt.Out, "runs/sgd", fmt.Sprintf("train.batch_size=%d", size), "0", name)
	}
	interrupted := func(size int) {
		m := manifestAt(t, filepath.Dir(at(size, "x")))
		m.Outcome, m.Files = runlog.Interrupted, nil
		if err := m.Write(filepath.Dir(at(size, "x")), diskfile.Replace); err != nil {
			t.Fatal(err)
		}
	}
	interrupted(20)
	interrupted(25)
	foreign := &checkpoint.Checkpoint{Position: checkpoint.Position{Number: 3, Origin: checkpoint.Origin{Version: "v1", Commit: "c", Executable: "e", ISA: "avx2/amd64"}}}
	foreign.Identity = manifestAt(t, filepath.Dir(at(25, "x"))).Identity
	for path, text := range map[string]string{
		at(20, "checkpoint.0"):                              "no checkpoint",
		at(25, "checkpoint.1"):                              string(encoded(t, foreign)),
		at(30, "manifest.json"):                             "{",
		at(40, "manifest.json"):                             `{"format": 7}`,
		at(50, "metrics.csv"):                               "method,seed\n",
		filepath.Join(opt.Out, "runs", "a stranger"):        "x",
		filepath.Join(opt.Out, "runs", "sgd", "a stranger"): "x",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expectStates(t, s, opt, map[folder.State]int{folder.Kept: 5, folder.Damaged: 3, folder.Held: 2})
	r, err := Sweep(context.Background(), s, opt)
	if err != nil || r.Made != 3 || r.Reused != 5 || len(r.Failed) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	expectStates(t, s, opt, map[folder.State]int{folder.Kept: 8, folder.Held: 2})
	if _, _, err := r.Publish(DefaultFigures); err != nil {
		t.Error(err)
	}
	if old, err := filepath.Glob(filepath.Join(opt.Out, "old/*/runs/sgd/*/0/steps.csv")); err != nil || len(old) != 3 {
		t.Errorf("moved aside: %v, %v", old, err)
	}
	opt.Runs = folder.Fresh
	if r := runStudy(t, s, opt); r.Made != 10 {
		t.Errorf("fresh: %+v", r)
	}
}
