package experiment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/placement"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/timing"
)

// three has three methods, so that orders of them differ.
const three = toy + `  - {name: C, optimizer: {kind: sgd, learning_rate: 0.2}}
`

// table reads the times in a results folder.
func table(t *testing.T, dir string) *timing.Table {
	t.Helper()
	path := filepath.Join(dir, timing.File)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := timing.Parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestMeasure: each run is made once for its results, and repeated with methods taking
// turns; what was measured is not measured again.
func TestMeasure(t *testing.T) {
	plain, timed := options(t.TempDir()), options(t.TempDir())
	run(t, parse(t, three), plain)
	timed.Repeats = 3
	c := parse(t, three)
	r := run(t, c, timed)
	if r.Made != 6 || len(r.Failed) > 0 {
		t.Fatalf("%+v", r)
	}
	got := table(t, timed.Out)
	var order []string
	for _, row := range got.Rows {
		order = append(order, fmt.Sprintf("%d.%d%.1s", row.Repeat, row.Seed, row.Method))
		if !(row.WallSeconds > 0) || row.Steps != 12 || row.Threads != 1 || row.Void != "" {
			t.Errorf("%+v", row)
		}
	}
	if s := strings.Join(order, " "); s != "1.0S 1.0A 1.0C 1.1A 1.1C 1.1S 2.0A 2.0C 2.0S 2.1C 2.1S 2.1A 3.0C 3.0S 3.0A 3.1S 3.1A 3.1C" {
		t.Error(s)
	}
	if s := r.Timing; s.Repeats != 3 || s.Seeds != 2 || len(s.Lines) != 3 || s.Lines[0].Method != "SGD" || s.Lines[2].Ratio.N != 6 {
		t.Errorf("%+v", s)
	}
	_, unbound := placement.Choose(1)
	for _, path := range append(slices.Clone(toyRuns), "runs/c/0") {
		if numbersOf(t, filepath.Join(plain.Out, path)) != numbersOf(t, filepath.Join(timed.Out, path)) {
			t.Errorf("%s has other numbers where times are measured", path)
		}
		if m := manifestAt(t, filepath.Join(plain.Out, path)); m.Placement != nil || m.ThreadChoice != nil {
			t.Errorf("a manifest of a run whose time is not measured: %+v", m)
		}
		m := manifestAt(t, filepath.Join(timed.Out, path))
		if m.Placement == nil || unbound == nil && (len(m.Placement.CPUs) != 1 || m.Placement.LoadAverage == nil || m.Placement.Note != "") {
			t.Errorf("%+v", m.Placement)
		}
	}
	for _, dir := range []string{plain.Out, timed.Out} {
		files, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
		if want := map[string]int{plain.Out: 3, timed.Out: 4}[dir]; err != nil || len(files) != want {
			t.Errorf("the results folder holds %v", files)
		}
	}

	before := got.Bytes()
	if r := run(t, c, timed); r.Made != 0 || r.Timing.Repeats != 3 || !bytes.Equal(before, table(t, timed.Out).Bytes()) {
		t.Errorf("measured again: %+v", r)
	}
	timed.Repeats = 5
	if r := run(t, c, timed); r.Timing.Repeats != 5 || len(r.Timing.Rows) != 30 || !bytes.HasPrefix(table(t, timed.Out).Bytes(), before) {
		t.Errorf("more repeats: %+v", r.Timing)
	}

	// A method that is there no more is in no table, and one that is new is measured beside
	// the others.
	c.Methods = c.Methods[:2]
	if r := run(t, c, timed); len(r.Timing.Lines) != 2 || len(r.Timing.Rows) != 20 || r.Timing.Void != 0 {
		t.Errorf("fewer methods: %+v", r.Timing)
	}
	timed.Repeats = 3
	if r := run(t, parse(t, three+"  - {name: D, optimizer: {kind: sgd, learning_rate: 0.3}}\n"), timed); len(r.Timing.Lines) != 4 || r.Timing.Void != 18 || len(r.Timing.Rows) != 24+12 {
		t.Errorf("more methods: %d lines, %d rows, %d void", len(r.Timing.Lines), len(r.Timing.Rows), r.Timing.Void)
	}
}

// stopAfter interrupts a measurement when its file has been written so often.
type stopAfter struct {
	diskfile.OS
	left *int
	stop func()
}

func (s stopAfter) Replace(path string, data []byte) error {
	if filepath.Base(path) == timing.File {
		if *s.left--; *s.left == 0 {
			s.stop()
		}
	}
	return s.OS.Replace(path, data)
}

// TestMeasureInterrupted: a measurement that is interrupted goes on where it was, but for
// the block that it was in, whose runs are to stand side by side.
func TestMeasureInterrupted(t *testing.T) {
	opt := options(t.TempDir())
	opt.Repeats = 3
	c := parse(t, three, "seeds=[0]")
	for _, after := range []int{4, 3} {
		ctx, cancel := context.WithCancel(context.Background())
		opt.Files = stopAfter{left: &after, stop: cancel}
		r, err := Run(ctx, c, opt)
		if !errors.Is(err, context.Canceled) || r == nil || r.Timing == nil || len(r.Timing.Rows) == 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		cancel()
	}
	opt.Files = nil
	r := run(t, c, opt)
	var rows []string
	for _, row := range table(t, opt.Out).Rows {
		rows = append(rows, fmt.Sprintf("%d%.1s%.3s", row.Repeat, row.Method, row.Void))
	}
	// 4 rows, of which the last is alone in its block; then 3, a block; then the rest.
	if s := strings.Join(rows, " "); s != "1S 1A 1C 2Athe 2A 2C 2S 3C 3S 3A" {
		t.Error(s)
	}
	if r.Timing.Void != 1 || len(r.Timing.Rows) != 9 {
		t.Errorf("%+v", r.Timing)
	}
}

// measurerOf is one of an experiment whose runs are complete.
func measurerOf(t *testing.T, c *config.Config, repeats int) (*measurer, *Result) {
	t.Helper()
	opt := options(t.TempDir())
	r := run(t, c, opt)
	opt.Complete(context.Background(), c)
	f := opt.folder()
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	return newMeasurer(&Local{Folder: f, Problems: opt.Problems, Threads: 1, Log: opt.Log}, repeats), r
}

// TestMeasureStopped: a repeat in which the process was stopped is void, and made again.
func TestMeasureStopped(t *testing.T) {
	m, r := measurerOf(t, parse(t, three, "seeds=[0]"), 3)
	stops := 2
	m.again = func(_ context.Context, task plan.Task) (*timing.Row, error) {
		row := &timing.Row{Key: keyOf(task), Conditions: m.conditions(), WallSeconds: 1, Steps: 1}
		if stops--; stops >= 0 {
			row.Void = wasStopped
		}
		return row, nil
	}
	if sum, err := m.measure(context.Background(), r.Runs, false); err != nil || sum.Void != 2 || len(sum.Rows) != 9 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if rows := table(t, r.Dir).Rows; rows[0].Void != wasStopped || rows[1].Void != wasStopped || rows[2].Void != "" || rows[2].Key != rows[0].Key || rows[2].Place != 1 {
		t.Errorf("%+v", rows[:3])
	}
	stops, m.repeats = mostStops, 5
	if _, err := m.measure(context.Background(), r.Runs, false); err == nil || !strings.Contains(err.Error(), "the process was stopped in each of 5 measurements") {
		t.Error(err)
	}
}

// TestMeasureOtherBits: repeats whose numbers are not those of the results are an error
// that says which.
func TestMeasureOtherBits(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(dir string) error
	}{
		{"a loss", "train_loss of step 6 is 0.5 in ", func(dir string) error {
			path := filepath.Join(dir, runlog.Metrics.File)
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			lines := strings.Split(string(text), "\n")
			cells := strings.Split(lines[2], ",")
			cells[slices.Index(runlog.Metrics.Header(), "train_loss")] = "0.5"
			lines[2] = strings.Join(cells, ",")
			return os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644)
		}},
		{"a row", "has 2 rows, and the repeat 3", func(dir string) error {
			path := filepath.Join(dir, runlog.Metrics.File)
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.Join(strings.SplitAfter(string(text), "\n")[:3], "")), 0o644)
		}},
		{"weights", "other final weights", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, runlog.ParamsFile), []byte("others"), 0o644)
		}},
	} {
		m, r := measurerOf(t, parse(t, three, "seeds=[0]"), 3)
		if err := c.change(filepath.Join(r.Dir, "runs/adam/0")); err != nil {
			t.Fatal(err)
		}
		_, err := m.measure(context.Background(), r.Runs, false)
		var failed *RunError
		if !errors.As(err, &failed) || failed.Run != "Adam!, seed 0" || !strings.Contains(err.Error(), "a repeat has other numbers than the results") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if rows := table(t, r.Dir).Rows; len(rows) != 1 || rows[0].Method != "SGD" {
			t.Errorf("%s: %d rows of times are kept", c.name, len(rows))
		}
	}
}

// TestMeasureRefuses: what cannot be measured is refused before anything is made.
func TestMeasureRefuses(t *testing.T) {
	for _, c := range []struct {
		want    string
		repeats int
		jobs    int
		threads int
		sets    []string
	}{
		{"must be odd, so that the median of a run is one of its times, and from 3 to 999; got 4", 4, 1, 1, nil},
		{"got 1", 1, 1, 1, nil},
		{"got -3", -3, 1, 1, nil},
		{"got 1001", 1001, 1, 1, nil},
		{"2 at the same time (--jobs) do not compare", 3, 2, 1, nil},
		{"follow the clock (train.seconds)", 3, 1, 1, []string{"train.seconds=60"}},
		{"follow the clock (evaluate.every.seconds)", 3, 1, 1, []string{"evaluate.every={seconds: 1}"}},
		{"5000 threads need 5000 CPUs of their own", 3, 1, 5000, nil},
	} {
		if c.threads > 1 {
			if _, err := placement.Choose(1); err != nil {
				continue
			}
		}
		opt := options(filepath.Join(t.TempDir(), "none"))
		opt.Repeats, opt.Jobs, opt.Threads = c.repeats, c.jobs, c.threads
		_, err := Run(context.Background(), parse(t, toy, c.sets...), opt)
		var wrong *config.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("says %v, want %q", err, c.want)
		}
		if files, err := filepath.Glob(filepath.Join(opt.Out, "runs")); err != nil || files != nil {
			t.Errorf("%s: %v was made", c.want, files)
		}
	}
}

// TestMeasureAside: times that do not compare, or are damaged, are moved aside, and one
// process measures at a time.
func TestMeasureAside(t *testing.T) {
	m, r := measurerOf(t, parse(t, three, "seeds=[0]"), 3)
	made := 0
	m.again = func(_ context.Context, task plan.Task) (*timing.Row, error) {
		made++
		return &timing.Row{Key: keyOf(task), Conditions: m.conditions(), WallSeconds: 1, Steps: 1}, nil
	}
	measure := func(afresh bool, want, olds int) {
		t.Helper()
		made = 0
		if _, err := m.measure(context.Background(), r.Runs, afresh); err != nil || made != want {
			t.Errorf("%d of %d repeats, %v", made, want, err)
		}
		if old, err := filepath.Glob(filepath.Join(r.Dir, "old", "*", timing.File)); err != nil || len(old) != olds {
			t.Errorf("%v are aside, want %d", old, olds)
		}
	}
	measure(false, 9, 0)
	measure(false, 0, 0)
	measure(true, 9, 1)
	m.local.Threads = 2
	measure(false, 9, 2)
	if err := os.WriteFile(m.path(), []byte("method\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	measure(false, 9, 3)

	lock, err := diskfile.TryLock(m.path() + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	var held *folder.LockedError
	if _, err := m.measure(context.Background(), r.Runs, false); !errors.As(err, &held) {
		t.Error(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}

	// Runs that are not complete are left out, and told.
	var said bytes.Buffer
	m.local.Log = slog.New(slog.NewTextHandler(&said, nil))
	if err := os.Remove(filepath.Join(r.Dir, "runs/adam/0/manifest.json")); err != nil {
		t.Fatal(err)
	}
	if sum, err := m.measure(context.Background(), r.Runs, false); err != nil || len(sum.Lines) != 2 || !strings.Contains(said.String(), "its time is not measured: ") {
		t.Errorf("%+v, %v, %s", sum, err, said.String())
	}
}

// TestAutoThreads: runs that choose their threads have the same bits, whenever they are
// interrupted, and go on with their choice.
func TestAutoThreads(t *testing.T) {
	want, manifests := whole(t)
	opt := options(t.TempDir())
	opt.Threads, opt.AutoThreads = 2, true
	c := parse(t, resumable)
	for i := 0; ; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		made := 0
		opt.Monitor = watcher{step: func(string, uint64, int) {
			if made++; made == 13 {
				cancel()
			}
		}}
		_, err := Run(ctx, c, opt)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) || i > 20 {
			t.Fatal(err)
		}
	}
	complete(t, "with a choice of threads", opt.Out, want, manifests)
	resumed := 0
	for _, path := range resumableRuns {
		m := manifestAt(t, filepath.Join(opt.Out, path))
		if m.ThreadChoice == nil || m.Threads != m.ThreadChoice.Threads || m.Mixed != nil {
			t.Errorf("%s: %d threads, %+v, mixed %v", path, m.Threads, m.ThreadChoice, m.Mixed)
		}
		resumed += len(m.Resumed)
	}
	if resumed == 0 {
		t.Error("no run was interrupted")
	}
}
