package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/runlog"
)

// resumable is the config of experiments that are interrupted here.
var resumable = func() string {
	text, err := os.ReadFile("../../testdata/resumable.yaml")
	if err != nil {
		panic(err)
	}
	return string(text)
}()

var resumableRuns = []string{"runs/momentum/0", "runs/adam/0", "runs/gn/0", "runs/primal/0", "runs/prox/0"}

// whole makes the experiment without an interruption, and returns its results
// and manifests by run.
func whole(t *testing.T, sets ...string) (map[string]string, map[string]*runlog.Manifest) {
	t.Helper()
	opt := options(t.TempDir())
	run(t, parse(t, resumable, sets...), opt)
	want, manifests := map[string]string{}, map[string]*runlog.Manifest{}
	for _, path := range resumableRuns {
		want[path] = numbersOf(t, filepath.Join(opt.Out, path))
		manifests[path] = manifestAt(t, filepath.Join(opt.Out, path))
	}
	if m := manifests["runs/gn/0"]; m.GradientSteps == 0 {
		t.Error("the line search replaces no step: the test is too easy")
	}
	return want, manifests
}

// only returns the experiment with one of its methods, and its run.
func only(t *testing.T, method int) (*config.Config, string) {
	c := parse(t, resumable)
	c.Methods = c.Methods[method : method+1]
	return c, resumableRuns[method]
}

// complete checks that the runs in a folder, all if none are named, are those of
// whole, and that nothing else is left there.
func complete(t *testing.T, what, dir string, want map[string]string, manifests map[string]*runlog.Manifest, paths ...string) {
	t.Helper()
	if paths == nil {
		paths = resumableRuns
	}
	for _, path := range paths {
		at := filepath.Join(dir, path)
		m := manifestAt(t, at)
		if m.Outcome != runlog.Finished || m.GradientSteps != manifests[path].GradientSteps {
			t.Errorf("%s: %s is %s, with %d gradient steps", what, path, m.Outcome, m.GradientSteps)
			continue
		}
		if numbersOf(t, at) != want[path] {
			t.Errorf("%s: %s has other results than without an interruption", what, path)
		}
		files, err := filepath.Glob(filepath.Join(at, "*"))
		want := map[string]int{"gn": 7, "prox": 6, "primal": 5}[m.Method] // with inner.csv, probes.csv of gn, and duals.npz of a dual method
		if err != nil || len(files) != max(want, 4) {
			t.Errorf("%s: %s holds %v", what, path, files)
		}
		metrics, n := rows(t, filepath.Join(at, "metrics.csv"))
		if last := number(t, metrics["wall_seconds"][n-1]); m.WallSeconds != last || !(last > 0) {
			t.Errorf("%s: wall_seconds is %g in the manifest, %g in the log", what, m.WallSeconds, last)
		}
		for _, file := range []string{"metrics.csv", "steps.csv"} {
			columns, _ := rows(t, filepath.Join(at, file))
			if !slices.IsSortedFunc(columns["wall_seconds"], func(a, b string) int { return int(1e9 * (number(t, a) - number(t, b))) }) {
				t.Errorf("%s: the clock of %s runs backwards", what, path)
			}
		}
	}
}

// TestInterruptions: runs interrupted after every step, and during evaluations,
// end with the bits of those that were not, in both precisions.
func TestInterruptions(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		c := parse(t, resumable, "precision="+precision)
		want, manifests := whole(t, "precision="+precision)
		opt := options(t.TempDir())
		resumed := 0
		for i := 0; ; i++ {
			if i > 100 { // there are 5 runs of 10 steps
				t.Fatal("runs that are interrupted again and again get nowhere")
			}
			ctx, cancel := context.WithCancel(context.Background())
			opt.Threads = 1 + i%3
			made := 0
			opt.Monitor = watcher{step: func(string, uint64, int) {
				if made++; made > 1 || i%2 == 0 {
					cancel()
				}
			}}
			r, err := Run(ctx, c, opt)
			cancel()
			if len(r.Failed) > 0 || err != nil && !errors.Is(err, context.Canceled) {
				t.Fatalf("%v, %v", r.Failed, err)
			}
			resumed += r.Resumed
			if err == nil {
				break
			}
		}
		complete(t, "interrupted", opt.Out, want, manifests)
		var steps []int
		m := manifestAt(t, filepath.Join(opt.Out, "runs/adam/0"))
		for _, r := range m.Resumed {
			steps = append(steps, r.Step)
			if r.Time.Before(m.Start) || r.Time.After(m.End) {
				t.Errorf("resumed at %v, of a run from %v to %v", r.Time, m.Start, m.End)
			}
		}
		if len(steps) < 5 || !slices.IsSorted(steps) || resumed < 20 || !slices.Equal(m.Mixed, []string{"threads"}) {
			t.Errorf("%d resumed, one of them at steps %v with other %v", resumed, steps, m.Mixed)
		}
	}
}

// TestCancelledEvaluation: a run interrupted while it is evaluated makes the
// evaluation again, once.
func TestCancelledEvaluation(t *testing.T) {
	want, manifests := whole(t)
	opt := options(t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	// Step 3 is the first after which there is an evaluation: no other look at
	// ctx comes between.
	opt.Monitor = watcher{step: func(_ string, _ uint64, step int) {
		if step == 3 {
			cancel()
		}
	}}
	if _, err := Run(ctx, parse(t, resumable), opt); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, n := rows(t, filepath.Join(opt.Out, "runs/momentum/0/metrics.csv")); n != 1 {
		t.Errorf("%d evaluations before the interruption", n)
	}
	opt.Monitor = nil
	run(t, parse(t, resumable), opt)
	complete(t, "evaluating", opt.Out, want, manifests)
}

// TestKilledBetweenSteps: a copy of the folder at any moment between steps is
// what a kill would leave, and continues to the same end.
func TestKilledBetweenSteps(t *testing.T) {
	want, manifests := whole(t)
	for method := range resumableRuns {
		c, path := only(t, method)
		opt := options(t.TempDir())
		copies := t.TempDir()
		var list []string
		opt.Monitor = watcher{step: func(_ string, _ uint64, step int) {
			to := filepath.Join(copies, fmt.Sprint(step))
			if err := os.CopyFS(to, os.DirFS(opt.Out)); err != nil {
				t.Fatal(err)
			}
			list = append(list, to)
		}}
		run(t, c, opt)
		resumed := 0
		for _, dir := range list {
			resumed += run(t, c, options(dir)).Resumed
			complete(t, filepath.Base(dir), dir, want, manifests, path)
		}
		if len(list) != 10 || resumed != 8 { // all but the first two
			t.Errorf("%d of %d were resumed", resumed, len(list))
		}
	}
}

// A dyingDisk carries out so many operations and no more, like one that loses
// its power: a write that is under way is cut in the middle.
type dyingDisk struct {
	diskfile.OS
	left *int
	ops  *int // counts them
}

var errDead = errors.New("the disk is dead")

func (d dyingDisk) dies() bool {
	*d.ops++
	*d.left--
	return *d.left < 0
}

func (d dyingDisk) open(f diskfile.File, err error) (diskfile.File, error) {
	if err != nil {
		return nil, err
	}
	return dyingFile{f, d}, nil
}

func (d dyingDisk) Create(path string) (diskfile.File, error) {
	if d.dies() {
		return nil, errDead
	}
	return d.open(d.OS.Create(path))
}

func (d dyingDisk) Continue(path string, size int64) (diskfile.File, error) {
	if d.dies() {
		return nil, errDead
	}
	return d.open(d.OS.Continue(path, size))
}

func (d dyingDisk) Replace(path string, data []byte) error {
	if d.dies() {
		if *d.left == -1 {
			return errors.Join(errDead, os.WriteFile(path+".tmp", data[:len(data)/2], 0o644))
		}
		return errDead
	}
	return d.OS.Replace(path, data)
}

func (d dyingDisk) Put(path string, data []byte) error {
	if d.dies() {
		return errDead
	}
	return d.OS.Put(path, data)
}

type dyingFile struct {
	diskfile.File
	disk dyingDisk
}

func (f dyingFile) Write(b []byte) (int, error) {
	if f.disk.dies() {
		if *f.disk.left == -1 {
			n, _ := f.File.Write(b[:len(b)/2])
			return n, errDead
		}
		return 0, errDead
	}
	return f.File.Write(b)
}

// TestKilledAtEveryWrite: wherever the writing of files ends, the next run goes
// on to the same end.
func TestKilledAtEveryWrite(t *testing.T) {
	want, manifests := whole(t)
	c, path := only(t, 2)
	ops, step := 0, 0
	for n := 0; ; n++ {
		opt := options(t.TempDir())
		left := n
		ops = 0
		opt.Files = dyingDisk{left: &left, ops: &ops}
		_, err := Run(context.Background(), c, opt)
		if err == nil && left >= 0 {
			break
		}
		opt.Files = nil
		if r := run(t, c, opt); len(r.Failed) > 0 {
			t.Fatalf("after %d operations: %v", n, r.Failed)
		}
		complete(t, fmt.Sprintf("after %d operations", n), opt.Out, want, manifests, path)
		if m := manifestAt(t, filepath.Join(opt.Out, path)); m.Resumed != nil {
			step = m.Resumed[0].Step
		} else if step > 0 {
			t.Errorf("after %d operations: not resumed", n)
		}
	}
	if step != 8 {
		t.Errorf("killed at its last operation, the run was resumed from step %d, not 8", step)
	}
	if ops < 20 {
		t.Errorf("only %d operations", ops)
	}
}

// stopped makes runs that are interrupted after step 5 of the first, and returns
// its folder.
func stopped(t *testing.T, opt Options) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	opt.Monitor = watcher{step: func(_ string, _ uint64, step int) {
		if step == 5 {
			cancel()
		}
	}}
	if _, err := Run(ctx, parse(t, resumable), opt); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return filepath.Join(opt.Out, resumableRuns[0])
}

// TestDamagedCheckpoints: a damaged checkpoint is told, and the one before it
// used; if both are, or the logs are not what they were, that run is moved aside
// and made again, and the others are made.
func TestDamagedCheckpoints(t *testing.T) {
	want, manifests := whole(t)
	damage := func(path string) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 4
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for newest := range 2 {
		opt := options(t.TempDir())
		dir := stopped(t, opt) // checkpoints 1 and 2 after steps 2 and 4, 3 after 5
		var log strings.Builder
		opt.Log = slog.New(slog.NewTextHandler(&log, nil))
		damage(checkpoint.Slot(dir, 3-newest))
		run(t, parse(t, resumable), opt)
		complete(t, "one damaged", opt.Out, want, manifests)
		step := 4 + newest
		if m := manifestAt(t, dir); len(m.Resumed) != 1 || m.Resumed[0].Step != step {
			t.Errorf("resumed %v, want one at step %d", m.Resumed, step)
		}
		if !strings.Contains(log.String(), fmt.Sprintf("continuing from the one after step %d: %s: its checksum is wrong", step, checkpoint.Slot(dir, 3-newest))) {
			t.Errorf("the log says\n%s", log.String())
		}
	}

	cut := func(name string, n int64) func(dir string) {
		return func(dir string) {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(filepath.Join(dir, name), info.Size()-n); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		damage func(dir string)
		want   []string
	}{
		"both checkpoints": {func(dir string) { damage(checkpoint.Slot(dir, 0)); damage(checkpoint.Slot(dir, 1)) }, []string{"none of its checkpoints can be used", "checkpoint.0: its checksum is wrong", "checkpoint.1: its checksum is wrong"}},
		"a short log":      {cut("steps.csv", 1), []string{"its logs are not what they were: steps.csv has ", "bytes, fewer than the ", "it had at step 5"}},
		"no log":           {func(dir string) { os.Remove(filepath.Join(dir, "metrics.csv")) }, []string{"metrics.csv is missing"}},
		"another log":      {func(dir string) { damage(filepath.Join(dir, "steps.csv")) }, []string{"bytes of steps.csv were changed since step 5"}},
		"rows twice": {func(dir string) {
			text, err := os.ReadFile(filepath.Join(dir, "metrics.csv"))
			if err == nil {
				header, rest, _ := strings.Cut(string(text), "\n")
				err = os.WriteFile(filepath.Join(dir, "metrics.csv"), []byte(header+"\n"+strings.Repeat(rest[:strings.Index(rest, "\n")+1], 2)+rest), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, []string{"bytes of metrics.csv were changed since step 5"}},
	} {
		opt := options(t.TempDir())
		dir := stopped(t, opt)
		c.damage(dir)
		var log strings.Builder
		opt.Log = slog.New(slog.NewTextHandler(&log, nil))
		if r := run(t, parse(t, resumable), opt); r.Made != 5 || r.Resumed != 0 || len(r.Failed) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
		complete(t, name, opt.Out, want, manifests)
		for _, want := range append(c.want, "level=WARN", "damaged, and so moved aside and made again: it was interrupted, and ", "run="+dir) {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s: the log says\n%s\nwithout %s", name, log.String(), want)
			}
		}
		if old, err := filepath.Glob(filepath.Join(opt.Out, "old/*", resumableRuns[0], "checkpoint.*")); err != nil || len(old) != 2 {
			t.Errorf("%s: moved aside: %v %v", name, old, err)
		}
	}
}

// refused checks that the first run fails for the reasons given and is not
// touched, and that the others are made.
func encoded(t *testing.T, c *checkpoint.Checkpoint) []byte {
	t.Helper()
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func refused(t *testing.T, opt Options, dir string, reasons ...string) {
	t.Helper()
	before, _ := filepath.Glob(filepath.Join(dir, "*"))
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), parse(t, resumable), opt)
	if err != nil || len(r.Failed) != 1 || r.Made+r.Reused != 4 {
		t.Fatalf("not refused: %+v, %v", r, err)
	}
	for _, want := range append(reasons, "momentum, seed 0: "+dir+" was interrupted, and ", "--fresh") {
		if !strings.Contains(r.Failed[0].Error(), want) {
			t.Errorf("says\n%v\nwithout %s", r.Failed[0], want)
		}
	}
	after, _ := filepath.Glob(filepath.Join(dir, "*"))
	if now, err := os.ReadFile(filepath.Join(dir, "manifest.json")); err != nil || !slices.Equal(before, after) || string(now) != string(manifest) {
		t.Errorf("%v became %v, or its manifest another (%v)", before, after, err)
	}
	s, _, err := r.Publish(AllFigures)
	if err != nil || len(s.Lines) != 4 || !slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.HasPrefix(w, dir+": left out: ") }) {
		t.Errorf("published %+v, %v", s, err)
	}
}

// TestForeignCheckpoint: what another program or another machine made does not
// continue here, and says why; what made it can.
func TestForeignCheckpoint(t *testing.T) {
	want, manifests := whole(t)
	opt := options(t.TempDir())
	dir := stopped(t, opt)
	other := opt
	other.Build.Version = "v9"
	refused(t, other, dir, "cannot continue with the same bits; go back to what made it, or to make this run anew, move its folder away (--fresh makes all runs anew)", "dgn version: test -> v9")
	other = opt
	other.Build.Commit = "abc"
	refused(t, other, dir, "commit: "+cmp.Or(opt.Build.Commit, "(unknown)")+" -> abc")
	other.Build.Modified = true
	refused(t, other, dir, "executable: (unknown) -> ")

	// Another instruction set: a checkpoint is written that says so.
	c, _, err := checkpoint.Last(dir, checkpoint.NewOrigin(manifestAt(t, dir).Identity, opt.Build, ThisMachine()), false)
	if err != nil {
		t.Fatal(err)
	}
	mine := c.ISA
	c.ISA = "sve9/arm64"
	if err := (diskfile.OS{}).Replace(checkpoint.Slot(dir, c.Number), encoded(t, c)); err != nil {
		t.Fatal(err)
	}
	refused(t, opt, dir, "instruction set: sve9/arm64 -> "+mine, "--resume-across-isa continues it here all the same")
	c.ISA, c.Identity = mine, "other"
	if err := (diskfile.OS{}).Replace(checkpoint.Slot(dir, c.Number), encoded(t, c)); err != nil {
		t.Fatal(err)
	}
	refused(t, opt, dir, "settings: other -> ")

	c.Identity = manifestAt(t, dir).Identity
	if err := (diskfile.OS{}).Replace(checkpoint.Slot(dir, c.Number), encoded(t, c)); err != nil {
		t.Fatal(err)
	}
	run(t, parse(t, resumable), opt)
	complete(t, "with what made it", opt.Out, want, manifests)
}

// TestAcrossISA: a checkpoint of another instruction set continues where that is asked for,
// and the run, its summary and its export say so; one of another program does not.
func TestAcrossISA(t *testing.T) {
	opt := options(t.TempDir())
	dir := stopped(t, opt)
	c, _, err := checkpoint.Last(dir, checkpoint.NewOrigin(manifestAt(t, dir).Identity, opt.Build, ThisMachine()), false)
	if err != nil {
		t.Fatal(err)
	}
	mine, step := c.ISA, c.Step
	c.ISA = "sve9/arm64"
	if err := (diskfile.OS{}).Replace(checkpoint.Slot(dir, c.Number), encoded(t, c)); err != nil {
		t.Fatal(err)
	}
	opt.AcrossISA = true
	other := opt
	other.Build.Commit = "abc"
	refused(t, other, dir, "instruction set: sve9/arm64 -> "+mine)
	var log strings.Builder
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	r := run(t, parse(t, resumable), opt)
	m := manifestAt(t, dir)
	if !slices.Equal(m.MixedISA, []string{"sve9/arm64", mine}) || len(m.Resumed) != 1 || m.Resumed[0].Step != step || m.Resumed[0].Host != diskfile.Host() || m.Host != diskfile.Host() {
		t.Errorf("%+v", m)
	}
	told := "instruction sets sve9/arm64, " + mine + ", one after another"
	if !strings.Contains(log.String(), told) {
		t.Errorf("the log says\n%s", log.String())
	}
	s, _, err := r.Publish(NoFigures)
	if err != nil || !slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.Contains(w, told) }) {
		t.Errorf("%v, %q", err, s.Warnings)
	}
}

// A reluctantDisk has no room for some files.
type reluctantDisk struct {
	diskfile.OS
	full func(path string) bool
}

func (d reluctantDisk) Replace(path string, data []byte) error {
	if d.full(filepath.Base(path)) {
		return &fs.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
	}
	return d.OS.Replace(path, data)
}

// TestUnwritableCheckpoint: a checkpoint that cannot be written costs no results.
// It is told, once for all that follow each other.
func TestUnwritableCheckpoint(t *testing.T) {
	want, manifests := whole(t)
	opt := options(t.TempDir())
	var log strings.Builder
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	opt.Files = reluctantDisk{full: func(name string) bool { return strings.HasPrefix(name, "checkpoint.") }}
	run(t, parse(t, resumable), opt)
	complete(t, "no checkpoints", opt.Out, want, manifests)
	if n := strings.Count(log.String(), "level=WARN"); n != 5 || !strings.Contains(log.String(), "cannot write a checkpoint; training goes on, and if it were interrupted would begin again from the beginning") ||
		!strings.Contains(log.String(), "checkpoint.1: no space left on device") {
		t.Errorf("%d warnings in\n%s", n, log.String())
	}

	// One that cannot be written leaves the last that was.
	opt = options(t.TempDir())
	log.Reset()
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	written := 0
	opt.Files = reluctantDisk{full: func(name string) bool {
		if strings.HasPrefix(name, "checkpoint.") {
			written++
			return written > 1
		}
		return false
	}}
	dir := stopped(t, opt)
	if !strings.Contains(log.String(), "would begin again from step 2") {
		t.Errorf("the log says\n%s", log.String())
	}
	opt.Files = nil
	run(t, parse(t, resumable), opt)
	complete(t, "one checkpoint", opt.Out, want, manifests)
	if m := manifestAt(t, dir); len(m.Resumed) != 1 || m.Resumed[0].Step != 2 {
		t.Errorf("resumed %v", m.Resumed)
	}

	// Weights that cannot be written fail the run, which continues later.
	opt = options(t.TempDir())
	opt.Files = reluctantDisk{full: func(name string) bool { return name == "params.npz" }}
	if r := run(t, parse(t, resumable), opt); len(r.Failed) != 5 || !errors.Is(r.Failed[0], syscall.ENOSPC) {
		t.Errorf("%v", r.Failed)
	}
	opt.Files = nil
	if r := run(t, parse(t, resumable), opt); r.Resumed != 5 {
		t.Errorf("%+v", r)
	}
	complete(t, "no weights", opt.Out, want, manifests)
}

// TestClockContinues: the limit of train.seconds is of the training of all
// sessions together.
func TestClockContinues(t *testing.T) {
	c := parse(t, resumable, "train={batch_size: 30, seconds: 0.05}", "evaluate.every=100000", "checkpoint.every=100000", "methods=[{name: momentum, optimizer: {kind: sgd, learning_rate: 0.001}}]")
	opt := options(t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	opt.Monitor = watcher{step: func(string, uint64, int) { time.Sleep(10 * time.Microsecond) }, seconds: func(s float64) {
		if s > 0.03 {
			cancel()
		}
	}}
	if _, err := Run(ctx, c, opt); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	dir := filepath.Join(opt.Out, resumableRuns[0])
	before := manifestAt(t, dir)
	first := -1.0
	opt.Monitor = watcher{seconds: func(s float64) {
		if first < 0 {
			first = s
		}
	}}
	run(t, c, opt)
	m := manifestAt(t, dir)
	if before.WallSeconds < 0.03 || first < before.WallSeconds || m.Outcome != runlog.Finished || m.WallSeconds < 0.05 {
		t.Errorf("interrupted at %g seconds, continued at %g, %s at %g", before.WallSeconds, first, m.Outcome, m.WallSeconds)
	}
}

// TestKilledAtTheEnd: a program killed after its run was complete leaves
// checkpoints; the next removes them and nothing else.
func TestKilledAtTheEnd(t *testing.T) {
	want, manifests := whole(t)
	opt := options(t.TempDir())
	run(t, parse(t, resumable), opt)
	for _, name := range []string{"checkpoint.0", "checkpoint.1", "checkpoint.1.tmp"} {
		if err := os.WriteFile(filepath.Join(opt.Out, resumableRuns[1], name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if r := run(t, parse(t, resumable), opt); r.Reused != 5 {
		t.Errorf("%+v", r)
	}
	complete(t, "reused", opt.Out, want, manifests)
}

// TestResumedBudget: a run with a budget of cost, whose schedule and evaluations follow
// it, continues with the same bits, wherever it was interrupted.
func TestResumedBudget(t *testing.T) {
	sets := []string{"seeds=[0]", "train={batch_size: 50, cost: 60}", "evaluate.every={geometric: 6}",
		"methods=[{name: GN, oracle: {kind: gauss_newton, inner_iterations: 3}, optimizer: {kind: sgd, learning_rate: {schedule: cosine, initial: 1, warmup: 0.1}}}]"}
	once := options(t.TempDir())
	run(t, parse(t, toy, sets...), once)
	want := numbersOf(t, filepath.Join(once.Out, "runs/gn/0"))
	for _, at := range []int{1, 4, 7} {
		opt := options(t.TempDir())
		ctx, cancel := context.WithCancel(context.Background())
		opt.Monitor = watcher{step: func(_ string, _ uint64, step int) {
			if step == at {
				cancel()
			}
		}}
		if _, err := Run(ctx, parse(t, toy, sets...), opt); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		opt.Monitor = nil
		if r := run(t, parse(t, toy, sets...), opt); r.Resumed != 1 {
			t.Fatalf("after step %d: %+v", at, r)
		}
		if got := numbersOf(t, filepath.Join(opt.Out, "runs/gn/0")); got != want {
			t.Errorf("after step %d:\n%s\nwant\n%s", at, got, want)
		}
	}
	if m := manifestAt(t, filepath.Join(once.Out, "runs/gn/0")); m.Clocked != nil {
		t.Errorf("clocked: %v", m.Clocked)
	}
	clock := options(t.TempDir())
	run(t, parse(t, toy, "seeds=[0]", "train={batch_size: 50, seconds: 0.02}", "evaluate.every={seconds: 0.01}"), clock)
	if m := manifestAt(t, filepath.Join(clock.Out, "runs/sgd/0")); !slices.Equal(m.Clocked, []string{"train.seconds", "evaluate.every.seconds"}) {
		t.Errorf("clocked: %v", m.Clocked)
	}
}

// TestMethods: the runs of some methods are made, with the places that they have among
// all; those that follow keep them.
func TestMethods(t *testing.T) {
	opt := options(t.TempDir())
	opt.Methods = []string{"Adam!"}
	if r := run(t, parse(t, toy), opt); r.Made != 2 {
		t.Errorf("%+v", r)
	}
	if m := manifestAt(t, filepath.Join(opt.Out, "runs/adam/0")); m.MethodIndex != 1 {
		t.Errorf("place %d", m.MethodIndex)
	}
	opt.Methods = nil
	if r := run(t, parse(t, toy), opt); r.Made != 2 || r.Reused != 2 {
		t.Errorf("%+v", r)
	}
	opt.Methods = []string{"Adm"}
	var wrong *config.Error
	if _, err := Run(context.Background(), parse(t, toy), opt); !errors.As(err, &wrong) {
		t.Error(err)
	}
}
