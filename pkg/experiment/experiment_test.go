package experiment

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/train"
)

// toy is a small experiment on embedded data.
const toy = configtest.Toy

func parse(t testing.TB, text string, sets ...string) *config.Config {
	t.Helper()
	return configtest.Read(t, config.Parse, text, sets...)
}

func options(dir string) Options {
	return Options{
		Out: dir, Threads: 1, Jobs: 1, Log: slog.New(slog.DiscardHandler), Build: ThisBuild("test"),
		Data: datasets.Env{Context: context.Background(), Offline: true},
	}
}

func run(t *testing.T, c *config.Config, opt Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), c, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rows reads a CSV file, by column.
func rows(t *testing.T, path string) (columns map[string][]string, n int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil || len(all) == 0 {
		t.Fatalf("%s: %v", path, err)
	}
	columns = map[string][]string{}
	for _, r := range all[1:] {
		for i, cell := range r {
			columns[all[0][i]] = append(columns[all[0][i]], cell)
		}
	}
	return columns, len(all) - 1
}

func manifestAt(t *testing.T, dir string) *runlog.Manifest {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := runlog.ParseManifest(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// numbersOf collects every file of a run but for times.
func numbersOf(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, name := range []string{"metrics.csv", "steps.csv"} {
		columns, _ := rows(t, filepath.Join(dir, name))
		delete(columns, "wall_seconds")
		fmt.Fprintln(&b, columns) // maps print in the order of their keys
	}
	if inner, err := os.ReadFile(filepath.Join(dir, "inner.csv")); err == nil {
		b.Write(inner)
	}
	if _, err := os.Stat(filepath.Join(dir, "probes.csv")); err == nil {
		columns, _ := rows(t, filepath.Join(dir, "probes.csv"))
		delete(columns, "seconds")
		fmt.Fprintln(&b, columns)
	}
	for _, name := range []string{"params.npz", "duals.npz"} {
		w, err := arrays.ReadFile(filepath.Join(dir, name))
		if err != nil && (name == "params.npz" || !errors.Is(err, fs.ErrNotExist)) {
			t.Fatal(err)
		}
		for _, a := range w {
			fmt.Fprintln(&b, a.Name, a.Float64s())
		}
	}
	return b.String()
}

var toyRuns = []string{"runs/sgd/0", "runs/sgd/1", "runs/adam/0", "runs/adam/1"}

// TestDeterminism: results are the same bits whatever the threads and jobs, in
// both precisions.
func TestDeterminism(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		c := parse(t, toy, "precision="+precision)
		var first []string
		for i, threads := range []int{1, 2, 3, 4} {
			opt := options(t.TempDir())
			opt.Threads, opt.Jobs = threads, i%2+1
			r := run(t, c, opt)
			if r.Made != 4 || len(r.Failed) > 0 {
				t.Fatalf("%+v", r)
			}
			for j, path := range toyRuns {
				got := numbersOf(t, filepath.Join(opt.Out, path))
				if i == 0 {
					first = append(first, got)
				} else if got != first[j] {
					t.Errorf("%s, %s: %d threads give other bits than one", precision, path, threads)
				}
			}
		}
		if first[0] == first[1] || first[0] == first[2] {
			t.Error("other seeds or methods give the same results")
		}
	}
}

// TestLogs checks what a run leaves against what its config says.
func TestLogs(t *testing.T) {
	c := parse(t, toy, "data.validation=0.1", "log.every=2")
	opt := options(t.TempDir())
	run(t, c, opt)
	dir := filepath.Join(opt.Out, "runs/sgd/1")
	steps, n := rows(t, filepath.Join(dir, "steps.csv")) // 270 examples: 5 steps an epoch
	if want := []string{"2", "4", "6", "8", "10"}; !slices.Equal(steps["step"], want) || n != 5 {
		t.Errorf("logged steps %v", steps["step"])
	}
	metrics, _ := rows(t, filepath.Join(dir, "metrics.csv"))
	if !slices.Equal(metrics["step"], []string{"0", "5", "10"}) || !slices.Equal(metrics["epoch"], []string{"0", "1", "2"}) {
		t.Errorf("evaluated at steps %v, epochs %v", metrics["step"], metrics["epoch"])
	}
	// A forward and a VJP are the unit of cost, and one oracle call.
	if !slices.Equal(metrics["cost"], []string{"0", "5", "10"}) || !slices.Equal(metrics["oracle_calls"], []string{"0", "5", "10"}) {
		t.Errorf("cost %v, calls %v", metrics["cost"], metrics["oracle_calls"])
	}
	if metrics["test_rmse"][0] != "" || metrics["method"][0] != "SGD" || metrics["seed"][0] != "1" {
		t.Errorf("%v", metrics)
	}
	for _, col := range []string{"train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy"} {
		if first, last := number(t, metrics[col][0]), number(t, metrics[col][2]); strings.HasSuffix(col, "loss") && last >= first || strings.HasSuffix(col, "accuracy") && last <= first {
			t.Errorf("%s goes from %g to %g", col, first, last)
		}
	}
	for i := range n {
		norm, gamma, slope := number(t, steps["grad_norm"][i]), number(t, steps["gamma"][i]), number(t, steps["slope"][i])
		if d := number(t, steps["direction_norm"][i]); math.Abs(d-gamma*norm) > 1e-6*d || math.Abs(slope+gamma*norm*norm) > 1e-5*-slope {
			t.Errorf("|d| %g, |g| %g, slope %g", d, norm, slope)
		}
		if steps["stop_reason"][i] != "" || steps["relative_residual"][i] != "" || steps["duality_gap"][i] != "" || steps["inner_iterations"][i] != "0" {
			t.Error("a gradient has an inner solve")
		}
	}
	m := manifestAt(t, dir)
	if m.Outcome != runlog.Finished || m.Method != "SGD" || m.MethodIndex != 0 || m.Seed != 1 || m.Dataset != "digits" || m.Identity != m.Settings.Identity() ||
		len(m.Checksums) != 1 || m.CPU == "" || m.ISA == "" || m.GoVersion == "" || m.End.Before(m.Start) {
		t.Errorf("%+v", m)
	}
	if _, err := os.Stat(filepath.Join(opt.Out, "config.yaml")); err != nil {
		t.Error(err)
	}
}

// TestSameStart: all methods see the same first batch from the same weights,
// and other seeds see others.
func TestSameStart(t *testing.T) {
	opt := options(t.TempDir())
	run(t, parse(t, toy), opt)
	var losses []string
	for _, path := range toyRuns {
		steps, _ := rows(t, filepath.Join(opt.Out, path, "steps.csv"))
		losses = append(losses, steps["batch_loss"][0])
	}
	if losses[0] != losses[2] || losses[1] != losses[3] || losses[0] == losses[1] {
		t.Errorf("first batch losses %v", losses)
	}
}

// TestReuse: complete runs are kept; of new methods and seeds only the new runs
// are made; a changed setting is refused with the difference, and --fresh
// moves the old runs aside.
func TestReuse(t *testing.T) {
	opt := options(t.TempDir())
	run(t, parse(t, toy), opt)
	before := numbersOf(t, filepath.Join(opt.Out, "runs/sgd/0"))

	if r := run(t, parse(t, toy), opt); r.Made != 0 || r.Reused != 4 {
		t.Errorf("again: %+v", r)
	}
	more := strings.Replace(toy, "seeds: [0, 1]", "seeds: [0, 2]", 1) + "  - {name: Momentum, optimizer: {kind: sgd, momentum: 0.9}}\n"
	if r := run(t, parse(t, more), opt); r.Made != 4 || r.Reused != 2 {
		t.Errorf("with more: %+v", r)
	}
	// Neither a comment, nor a default written out, nor the folder of the data
	// makes other settings; nor does a method's name.
	same := strings.Replace(toy, "data: {", "# why\nprecision: float32\ndata: {dir: /elsewhere, ", 1)
	if r := run(t, parse(t, same), opt); r.Made != 0 {
		t.Errorf("the same otherwise written: %+v", r)
	}

	changed := parse(t, toy, "train.epochs=3", "methods.*.optimizer.learning_rate=0.02")
	_, err := Run(context.Background(), changed, opt)
	var config *config.Error
	if !errors.As(err, &config) {
		t.Fatalf("changed settings: %v", err)
	}
	for _, want := range []string{
		filepath.Join(opt.Out, "runs/sgd/0") + " was made with other settings:", "optimizer.learning_rate: 0.1 -> 0.02", "train.epochs: 2 -> 3", "--fresh", "--out",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("says\n%v\nwithout %s", err, want)
		}
	}
	if numbersOf(t, filepath.Join(opt.Out, "runs/sgd/0")) != before {
		t.Error("a refused config changed results")
	}

	opt.Runs = folder.Fresh
	if r := run(t, changed, opt); r.Made != 4 {
		t.Errorf("fresh: %+v", r)
	}
	old, err := filepath.Glob(filepath.Join(opt.Out, "old/*/runs/sgd/0"))
	if err != nil || len(old) != 1 {
		t.Fatal(old, err)
	}
	if numbersOf(t, old[0]) != before {
		t.Error("the run moved aside is not the old one")
	}
}

// TestReusePlaces: reused runs take the place and the name that their method has
// now, which figures go by.
func TestReusePlaces(t *testing.T) {
	opt := options(t.TempDir())
	run(t, parse(t, toy, "seeds=[0]"), opt)
	for name, text := range map[string]string{
		"another method first": strings.Replace(toy, "methods:\n", "methods:\n  - {name: Momentum, optimizer: {kind: sgd, momentum: 0.9}}\n", 1),
		"another name":         strings.Replace(toy, "name: SGD", "name: sgd", 1),
	} {
		c := parse(t, text, "seeds=[0]")
		if r := run(t, c, opt); r.Reused != 2 {
			t.Fatalf("%s: %+v", name, r)
		}
		for i, m := range c.Methods {
			if got := manifestAt(t, filepath.Join(opt.Out, "runs", config.Slug(m.Name), "0")); got.MethodIndex != i || got.Method != m.Name {
				t.Errorf("%s: %q has place %d, want %q and %d", name, got.Method, got.MethodIndex, m.Name, i)
			}
		}
	}
}

// A watcher is a Monitor that calls a function at each step.
type watcher struct {
	noMonitor
	step      func(method string, seed uint64, step int)
	seconds   func(float64) // at each step
	evaluated func()
}

func (w watcher) Start(i RunInfo) RunMonitor { return watched{w, i} }

type watched struct {
	watcher
	info RunInfo
}

func (w watched) Step(p train.Progress) {
	if w.seconds != nil {
		w.seconds(p.Seconds)
	}
	if w.step != nil {
		w.step(w.info.Method(), w.info.Seed, p.Step)
	}
}

func (w watched) Evaluated(*runlog.Evaluation) {
	if w.evaluated != nil {
		w.evaluated()
	}
}

// TestInterrupt: an interrupted run ends cleanly with everything logged, and
// continues the next time.
func TestInterrupt(t *testing.T) {
	c := parse(t, toy)
	opt := options(t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	opt.Monitor = watcher{step: func(method string, seed uint64, step int) {
		if method == "SGD" && seed == 1 && step == 8 {
			cancel()
		}
	}}
	r, err := Run(ctx, c, opt)
	if !errors.Is(err, context.Canceled) || len(r.Failed) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	dir := filepath.Join(opt.Out, "runs/sgd/1")
	if m := manifestAt(t, dir); m.Outcome != runlog.Interrupted || m.End.IsZero() {
		t.Errorf("%+v", m)
	}
	if _, n := rows(t, filepath.Join(dir, "steps.csv")); n != 8 {
		t.Errorf("%d steps are logged of 8 made", n)
	}
	if _, err := os.Stat(filepath.Join(opt.Out, "runs/adam/0")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a run was begun after the interruption")
	}
	opt.Monitor = nil
	if r := run(t, c, opt); r.Made != 3 || r.Resumed != 1 || r.Reused != 1 {
		t.Errorf("again: %+v", r)
	}
}

func TestDivergence(t *testing.T) {
	c := parse(t, toy, "methods.SGD.optimizer.learning_rate=1e30")
	opt := options(t.TempDir())
	if r := run(t, c, opt); len(r.Failed) != 0 {
		t.Fatalf("%+v", r)
	}
	dir := filepath.Join(opt.Out, "runs/sgd/0")
	m := manifestAt(t, dir)
	if m.Outcome != runlog.Diverged || !strings.Contains(m.Detail, "loss is ") || !strings.Contains(m.Detail, " step ") {
		t.Errorf("outcome %s, detail %q", m.Outcome, m.Detail)
	}
	if _, err := os.Stat(filepath.Join(dir, "params.npz")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("diverged weights were saved")
	}
	if m := manifestAt(t, filepath.Join(opt.Out, "runs/adam/0")); m.Outcome != runlog.Finished {
		t.Errorf("the other method: %s", m.Outcome)
	}
	if r := run(t, c, opt); r.Made != 0 {
		t.Errorf("a diverged run is made again: %+v", r)
	}
}

// TestInnerDivergence: outputs may be finite where products with J overflow. Such
// a run is not one that stands still.
func TestInnerDivergence(t *testing.T) {
	c := parse(t, toy, "seeds=[0]", "model.hidden=[12, 12, 12]",
		"methods.SGD.oracle={kind: gauss_newton, formulation: primal}", "methods.SGD.optimizer.learning_rate=1e9")
	opt := options(t.TempDir())
	run(t, c, opt)
	m := manifestAt(t, filepath.Join(opt.Out, "runs/sgd/0"))
	if m.Outcome != runlog.Diverged || !strings.Contains(m.Detail, "inner solve met a NaN or an infinity at step 2") {
		t.Errorf("outcome %s, detail %q", m.Outcome, m.Detail)
	}
	steps, n := rows(t, filepath.Join(opt.Out, "runs/sgd/0/steps.csv"))
	if n != 2 || steps["stop_reason"][1] != "non_finite" {
		t.Errorf("%d steps, the last %q", n, steps["stop_reason"][n-1])
	}
}

// TestInnerJitter: steps.csv tells of systems that rounding made indefinite, and the run goes on.
func TestInnerJitter(t *testing.T) {
	c := parse(t, toy, "seeds=[0]",
		"methods.SGD.oracle={kind: gauss_newton, solver: cholesky, gamma: 1e12}", "methods.SGD.optimizer.learning_rate=1e-3")
	opt := options(t.TempDir())
	run(t, c, opt)
	if m := manifestAt(t, filepath.Join(opt.Out, "runs/sgd/0")); m.Outcome != runlog.Finished {
		t.Errorf("outcome %s, detail %q", m.Outcome, m.Detail)
	}
	steps, _ := rows(t, filepath.Join(opt.Out, "runs/sgd/0/steps.csv"))
	if !slices.Contains(steps["stop_reason"], "exact+jitter") {
		t.Errorf("the solves ended by %v", steps["stop_reason"])
	}
}

func TestStops(t *testing.T) {
	for _, c := range []struct {
		set     string
		outcome runlog.Outcome
		steps   func(n int) bool
	}{
		{"train={batch_size: 50, epochs: 9, steps: 7}", runlog.Finished, func(n int) bool { return n == 7 }},
		{"train={batch_size: 50, epochs: 1, steps: 70}", runlog.Finished, func(n int) bool { return n == 6 }},
		{"train={batch_size: 50, seconds: 0.02}", runlog.Finished, func(n int) bool { return n > 0 }},
		{"train={batch_size: 50, epochs: 50, target: {metric: train_loss, value: 1}}", runlog.AtGoal, func(n int) bool { return n < 300 && n%6 == 0 }},
		{"train={batch_size: 50, epochs: 50, target: {metric: train_accuracy, value: 0.8}}", runlog.AtGoal, func(n int) bool { return n < 300 && n%6 == 0 }},
	} {
		opt := options(t.TempDir())
		run(t, parse(t, toy, c.set, "seeds=[0]"), opt)
		dir := filepath.Join(opt.Out, "runs/adam/0")
		_, n := rows(t, filepath.Join(dir, "steps.csv"))
		if m := manifestAt(t, dir); m.Outcome != c.outcome || !c.steps(n) {
			t.Errorf("%s: %s after %d steps", c.set, m.Outcome, n)
		}
		metrics, k := rows(t, filepath.Join(dir, "metrics.csv"))
		if metrics["step"][k-1] != strconv.Itoa(n) {
			t.Errorf("%s: the last evaluation is after step %s of %d", c.set, metrics["step"][k-1], n)
		}
	}
}

// TestClock: evaluation and monitors are outside the clock.
func TestClock(t *testing.T) {
	opt := options(t.TempDir())
	const pause = 100 * time.Millisecond
	opt.Monitor = watcher{evaluated: func() { time.Sleep(pause) }, step: func(string, uint64, int) { time.Sleep(pause / 10) }}
	run(t, parse(t, toy, "seeds=[0]"), opt)
	metrics, n := rows(t, filepath.Join(opt.Out, "runs/sgd/0/metrics.csv"))
	if s := number(t, metrics["wall_seconds"][n-1]); s <= 0 || s > pause.Seconds() {
		t.Errorf("%d evaluations with pauses of %v: wall_seconds is %g", n, pause, s)
	}
}

// A smallDisk has room for so many bytes of logs.
type smallDisk struct {
	diskfile.OS
	room *int
}

func (d smallDisk) Create(path string) (diskfile.File, error) {
	f, err := d.OS.Create(path)
	return smallFile{f, d.room}, err
}

type smallFile struct {
	diskfile.File
	room *int
}

func (f smallFile) Write(b []byte) (int, error) {
	if len(b) > *f.room {
		n, _ := f.File.Write(b[:*f.room])
		*f.room = 0
		return n, syscall.ENOSPC
	}
	*f.room -= len(b)
	return f.File.Write(b)
}

// TestFullDisk: a disk that fills up fails the run, with what was written left
// in place and the outcome in the manifest; earlier runs are untouched.
func TestFullDisk(t *testing.T) {
	c := parse(t, toy)
	opt := options(t.TempDir())
	run(t, parse(t, toy, "seeds=[0]"), opt)
	before := numbersOf(t, filepath.Join(opt.Out, "runs/sgd/0"))

	room := 1200
	opt.Files = smallDisk{room: &room}
	r := run(t, c, opt)
	if len(r.Failed) != 2 || !errors.Is(r.Failed[0], syscall.ENOSPC) || !strings.Contains(r.Failed[0].Error(), "SGD, seed 1: cannot write "+filepath.Join(opt.Out, "runs/sgd/1")) {
		t.Fatalf("%v", r.Failed)
	}
	for _, file := range []string{"metrics.csv", "steps.csv"} {
		if n := strings.Count(r.Failed[0].Error(), file+": no space left"); n > 1 {
			t.Errorf("%s: told %d times: %v", file, n, r.Failed[0])
		}
	}
	dir := filepath.Join(opt.Out, "runs/sgd/1")
	if m := manifestAt(t, dir); m.Outcome != runlog.Failed || !strings.Contains(m.Error, "no space left on device") {
		t.Errorf("%+v", m)
	}
	var size int64
	for _, name := range []string{"metrics.csv", "steps.csv"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size < 500 {
		t.Errorf("only %d bytes are left of what was written", size)
	}
	if numbersOf(t, filepath.Join(opt.Out, "runs/sgd/0")) != before {
		t.Error("an earlier run was changed")
	}
	opt.Files = nil
	if r := run(t, c, opt); r.Made != 2 || len(r.Failed) != 0 {
		t.Errorf("with room again: %+v", r)
	}
	if old, err := filepath.Glob(filepath.Join(opt.Out, "old/*/runs/sgd/1/steps.csv")); err != nil || len(old) != 1 {
		t.Errorf("the failed run was not kept: %v %v", old, err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "sub"), "/proc/nosuch"} {
		_, err := Run(context.Background(), parse(t, toy), options(dir))
		if err == nil || !strings.Contains(err.Error(), "cannot make the results folder: mkdir "+dir) && !strings.Contains(err.Error(), "cannot make the results folder: mkdir "+file) || !strings.Contains(err.Error(), "--out") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestDamagedManifest: a run whose manifest is no manifest is moved aside and made
// again; one that a later version made, or that cannot be read, fails and stays as
// it is. The other runs are not concerned.
func TestDamagedManifest(t *testing.T) {
	opt := options(t.TempDir())
	c := parse(t, toy)
	run(t, c, opt)
	dir := filepath.Join(opt.Out, "runs/sgd/0")
	want := numbersOf(t, dir)
	path := filepath.Join(dir, "manifest.json")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string) func() {
		return func() {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, damage := range []func(){put("{"), put(""), put("null"), put("[]"), put(`{"format": 0}`), put(`{"format": "x"}`), put(string(whole[:len(whole)/2])),
		func() {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
				t.Fatal(err)
			}
		}} {
		damage()
		var log strings.Builder
		opt.Log = slog.New(slog.NewTextHandler(&log, nil))
		if r := run(t, c, opt); r.Made != 1 || r.Reused != 3 || len(r.Failed) > 0 {
			t.Errorf("manifest %d: %+v", i, r)
		}
		if numbersOf(t, dir) != want || !strings.Contains(log.String(), "damaged, and so moved aside and made again: ") || !strings.Contains(log.String(), path) {
			t.Errorf("manifest %d: made again with other results, or the log says\n%s", i, log.String())
		}
		if old, err := filepath.Glob(filepath.Join(opt.Out, "old/*/runs/sgd/0/metrics.csv")); err != nil || len(old) != i+1 {
			t.Errorf("manifest %d: moved aside: %v %v", i, old, err)
		}
	}

	put(`{"format": 99}`)()
	r := run(t, c, opt)
	if len(r.Failed) != 1 || r.Reused != 3 || r.Made != 0 || !strings.Contains(r.Failed[0].Error(), path+": has format 99, of a later version of dgn; this one reads format 1") {
		t.Errorf("format 99: %+v", r)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != `{"format": 99}` {
		t.Errorf("format 99: became %s, %v", text, err)
	}

	// A file in the place of a method's folder.
	if err := errors.Join(os.Rename(filepath.Join(opt.Out, "runs/sgd"), filepath.Join(opt.Out, "elsewhere")), os.WriteFile(filepath.Join(opt.Out, "runs/sgd"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if r := run(t, c, opt); len(r.Failed) != 2 || r.Reused != 2 || !strings.Contains(r.Failed[0].Error(), "not a directory") {
		t.Errorf("a file for a folder: %+v", r)
	}
	if err := os.Remove(filepath.Join(opt.Out, "runs/sgd")); err != nil {
		t.Fatal(err)
	}
	// One in the place of a run's folder makes room.
	if err := errors.Join(os.Mkdir(filepath.Join(opt.Out, "runs/sgd"), 0o755), os.WriteFile(filepath.Join(opt.Out, "runs/sgd/1"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if r := run(t, c, opt); r.Reused != 2 || r.Made+len(r.Failed) != 2 {
		t.Errorf("a file for a run: %+v", r)
	}

	opt.Runs = folder.Fresh
	if r := run(t, c, opt); r.Made+len(r.Failed) != 4 {
		t.Errorf("fresh: %+v", r)
	}
}

// panicking is an optimizer with a fault.
type panicking struct{ optim.Spec }

func (panicking) Optimizers() optim.Optimizers {
	return optim.Optimizers{Float32: func(tensor.Layout, *tensor.Pool) optim.Optimizer[float32] { return panicOnUpdate{} }}
}

type panicOnUpdate struct{}

func (panicOnUpdate) Update(_, _, _ []float32, t schedules.Time)     { panic("a fault in a method") }
func (panicOnUpdate) State() optim.State                             { return optim.State{} }
func (panicOnUpdate) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }

// TestPanic: a fault in one method leaves the others alone.
func TestPanic(t *testing.T) {
	c := parse(t, toy)
	c.Methods[0].Optimizer = config.Optimizer{Choice: registry.ChoiceOf(&optim.Known, "panicking", struct{}{}, func(struct{}) (optim.Spec, error) { return panicking{}, nil })}
	opt := options(t.TempDir())
	var log bytes.Buffer
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	r := run(t, c, opt)
	if len(r.Failed) != 2 || !strings.Contains(r.Failed[0].Error(), "SGD, seed 0: internal error: a fault in a method") {
		t.Errorf("%v", r.Failed)
	}
	if !strings.Contains(log.String(), "panicOnUpdate") {
		t.Error("the log has no stack")
	}
	if m := manifestAt(t, filepath.Join(opt.Out, "runs/adam/1")); m.Outcome != runlog.Finished {
		t.Errorf("the other method: %s", m.Outcome)
	}
}

// TestRegression: a table of numbers gives an RMSE in the target's own unit.
func TestRegression(t *testing.T) {
	opt := options(t.TempDir())
	run(t, parse(t, toy, "data={name: diabetes}", "loss=squared", "seeds=[0]"), opt)
	metrics, n := rows(t, filepath.Join(opt.Out, "runs/adam/0/metrics.csv"))
	if metrics["test_accuracy"][0] != "" {
		t.Error("regression has an accuracy")
	}
	if e := number(t, metrics["test_rmse"][n-1]); e < 30 || e > 120 {
		t.Errorf("test RMSE %g; the targets' deviation is 77", e)
	}
	train := number(t, metrics["train_loss"][0])
	if math.Abs(train-0.5) > 0.5 {
		t.Errorf("the first loss of standardised targets is %g", train)
	}
}

// TestPublish: the summary and the figures are made of the logs.
func TestPublish(t *testing.T) {
	opt := options(t.TempDir())
	r := run(t, parse(t, toy), opt)
	s, figures, err := r.Publish(AllFigures)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Lines) != 2 || s.Lines[0].Method != "SGD" || s.Lines[1].Runs != 2 || len(figures) != 42 {
		t.Errorf("%+v, %d figures", s.Lines, len(figures))
	}
	text, err := os.ReadFile(filepath.Join(opt.Out, "summary.csv"))
	if err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("%s %v", text, err)
	}
}

// TestUnreachedTarget: a target that no run reached is told of.
func TestUnreachedTarget(t *testing.T) {
	for _, c := range []struct {
		value string
		told  bool
	}{{"1", false}, {"0.0001", true}} {
		opt := options(t.TempDir())
		r := run(t, parse(t, toy, "seeds=[0]", "train={batch_size: 50, epochs: 20, target: {metric: train_loss, value: "+c.value+"}}"), opt)
		s, _, err := r.Publish(NoFigures)
		if err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(strings.Join(s.Warnings, "\n"), "no run reached train.target, train_loss "+c.value); told != c.told {
			t.Errorf("target %s: the warnings are %q", c.value, s.Warnings)
		}
	}
}

// TestCheckpointIsNoSetting: when checkpoints are written does not make another
// run.
func TestCheckpointIsNoSetting(t *testing.T) {
	c := parse(t, toy, "checkpoint.every=3")
	if c.Checkpoint.Every.Steps != 3 || parse(t, toy).Checkpoint.Every.Steps != 0 {
		t.Errorf("%+v", c.Checkpoint)
	}
	opt := options(t.TempDir())
	run(t, parse(t, toy, "seeds=[0]"), opt)
	if r, err := Run(context.Background(), parse(t, toy, "seeds=[0]", "checkpoint.every=3"), opt); err != nil || r.Made != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestAutomaticSolver: what solver: auto became is in the manifest.
func TestAutomaticSolver(t *testing.T) {
	opt := options(t.TempDir())
	run(t, parse(t, toy, "seeds=[0]", "data.binary=[5, 6, 7, 8, 9]", "loss=squared_hinge", "methods.SGD.oracle=prox_linear"), opt)
	m := manifestAt(t, filepath.Join(opt.Out, "runs/sgd/0"))
	if want := "SGD: solver: auto is sdca, since the dual of the loss has a box"; !slices.Contains(m.Choices, want) {
		t.Errorf("the choices are %q", m.Choices)
	}
}
