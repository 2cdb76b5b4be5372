package folder

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
)

// foreignLock writes the lock of a process on another node, of some time ago.
func foreignLock(t *testing.T, f *Folder, task plan.Task, ago time.Duration) {
	t.Helper()
	held, err := f.Claim(context.Background(), task, false) // a lock to copy
	if err != nil {
		t.Fatal(err)
	}
	path := f.lockPath(task)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, line, _ := strings.Cut(string(text), "\n")
	var h diskfile.Holder
	if err := errors.Join(json.Unmarshal([]byte(line), &h), held.Release()); err != nil {
		t.Fatal(err)
	}
	h.Host, h.PID, h.Boot = "node7", 4242, "another boot"
	changed, err := json.Marshal(h)
	at := time.Now().Add(-ago)
	if err := errors.Join(err, os.WriteFile(path, []byte(first+"\n"+string(changed)+"\n"), 0o644), os.Chtimes(path, at, at)); err != nil {
		t.Fatal(err)
	}
}

// TestReport: from the folder alone, of every planned run how it stands.
func TestReport(t *testing.T) {
	dir, p := t.TempDir(), planned(t)
	f := open(t, dir)
	if _, err := f.Prepare(context.Background(), p, Reuse); err != nil {
		t.Fatal(err)
	}
	leave(t, dir, p.Tasks[0], runlog.Finished)
	leave(t, dir, p.Tasks[1], runlog.Diverged)
	leave(t, dir, p.Tasks[2], runlog.Failed)
	leave(t, dir, p.Tasks[3], runlog.Running) // killed
	foreignLock(t, f, p.Tasks[4], diskfile.Silence/2)
	foreignLock(t, f, p.Tasks[5], 2*diskfile.Silence)
	states := func(f *Folder) (out []Condition) {
		runs, asked, err := f.Report()
		if err != nil || !asked {
			t.Fatal(asked, err)
		}
		for _, r := range runs {
			out = append(out, r.State)
		}
		return out
	}
	want := []Condition{RunComplete, RunDiverged, RunFailed, RunInterrupted, RunRunning, RunSilent}
	if got := states(f); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	runs, _, err := f.Report()
	if r := runs[4]; err != nil || r.Host != "node7" || r.PID != 4242 || r.Since.IsZero() || !r.Asked {
		t.Errorf("%+v, %v", r, err)
	}

	// A process of this machine that holds the lock is at work, and one that has ended not.
	held, err := f.Claim(context.Background(), p.Tasks[3], false)
	if err != nil {
		t.Fatal(err)
	}
	want[3] = RunRunning
	if got := states(f); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if err := held.Release(); err != nil { // which moved the killed run aside
		t.Fatal(err)
	}
	want[3] = RunQueued
	if got := states(f); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}

	// What cannot be read is told, and so is a run that no plan asks for.
	if err := os.WriteFile(filepath.Join(dir, p.Tasks[0].Dir, runlog.ManifestFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	other := p.Tasks[1]
	other.Dir, other.Settings = "runs/sgd/a=1/0", runlog.Settings{"seed": "0"}
	other.Identity = other.Settings.Identity()
	leave(t, dir, other, runlog.Finished)
	want[0] = RunDamaged
	if got := states(f); !slices.Equal(got, append(want, RunComplete)) {
		t.Errorf("%v", got)
	}
	if runs, _, _ := f.Report(); runs[0].Error == "" || runs[6].Asked || runs[6].Dir != other.Dir {
		t.Errorf("%+v", runs)
	}
}

// TestShardsReport: a shard notes the whole plan, and makes room for its own runs alone.
func TestShardsReport(t *testing.T) {
	dir, p := t.TempDir(), planned(t)
	f := open(t, dir)
	part, rest := p.Shard(plan.Shard{Index: 0, Count: 3}), p.Shard(plan.Shard{Index: 1, Count: 3})
	leave(t, dir, rest.Tasks[0], runlog.Running) // by another shard, which may begin it again
	runs, err := f.Prepare(context.Background(), part, Fresh)
	if err != nil || len(runs) != 2 || !f.exists(rest.Tasks[0].Dir) {
		t.Errorf("%v, %v", statesOf(runs), err)
	}
	if reports, asked, err := f.Report(); err != nil || !asked || len(reports) != 6 {
		t.Errorf("%d runs, %v", len(reports), err)
	}
}

// TestPlans: plans of several commands stand beside each other, and a run takes the place
// of one of other settings in the same folder.
func TestPlans(t *testing.T) {
	dir, p := t.TempDir(), planned(t)
	f := open(t, dir)
	if list, err := f.Planned(); list != nil || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	prepare := func(p *plan.Plan) {
		t.Helper()
		if _, err := f.Prepare(context.Background(), p, Reuse); err != nil {
			t.Fatal(err)
		}
	}
	dirs := func() (out []string) {
		list, err := f.Planned()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			out = append(out, r.Dir+" "+r.Identity[:4])
		}
		return out
	}
	prepare(p)
	first := dirs()
	prepare(p)
	if got := dirs(); len(first) != 6 || !slices.Equal(got, first) {
		t.Errorf("%v, want %v", got, first)
	}
	edited := *p
	edited.Tasks = slices.Clone(p.Tasks)
	edited.Tasks[0].Settings = runlog.Settings{"seed": "0", "x": "y"}
	edited.Tasks[0].Identity = edited.Tasks[0].Settings.Identity()
	edited.Tasks = append(edited.Tasks[:1:1], edited.Tasks[1])
	edited.Tasks[1].Dir = "runs/sgd/a=2/1" // the same run, elsewhere
	prepare(&edited)
	got := dirs()
	want := append(slices.Clone(first[2:]), "runs/sgd/0 "+edited.Tasks[0].Identity[:4], "runs/sgd/a=2/1 "+p.Tasks[1].Identity[:4])
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}

	// A plan that cannot be read is told, and is in no command's way.
	for text, why := range map[string]string{`{`: "move it away", `{"format": 9}`: "later version", `{"format": 1, "runs": [{"method": "a", "identity": "b", "dir": "../c"}]}`: "is not one of this folder", `[]`: "cannot unmarshal", `{}`: "is not a plan"} {
		if err := os.WriteFile(filepath.Join(dir, PlanFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var wrong *runlog.Error
		if _, _, err := f.Report(); !errors.As(err, &wrong) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %s", text, err, why)
		}
	}
	prepare(p)
	if got := dirs(); !slices.Equal(got, first) {
		t.Errorf("%v, want %v", got, first)
	}
	if old, err := filepath.Glob(filepath.Join(dir, "old/*", PlanFile)); err != nil || len(old) != 1 {
		t.Errorf("moved aside: %v, %v", old, err)
	}
}

// FuzzPlan: whatever stands in plan.json, reading it is an error or a plan.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(`{"format": 1, "runs": [{"name": "a", "method": "b", "seed": 3, "dir": "runs/b/3", "identity": "cd"}]}`))
	f.Add([]byte(`{"format": 2}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, PlanFile), data, 0o644); err != nil {
			t.Fatal(err)
		}
		folder := &Folder{Dir: dir}
		if list, err := folder.Planned(); (list == nil) == (err == nil) {
			t.Errorf("%v, %v", list, err)
		}
	})
}
