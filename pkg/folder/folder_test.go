package folder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
)

// planned is a plan of two methods from three seeds.
func planned(t *testing.T) *plan.Plan {
	t.Helper()
	c := configtest.Read(t, config.Parse, `
name: toy
seeds: [0, 1, 2]
data: {name: digits}
model: {kind: mlp}
loss: {kind: logistic}
train: {batch_size: 50, epochs: 2}
methods:
  - {name: SGD, optimizer: sgd}
  - {name: Adam, optimizer: adam}
`)
	p, err := plan.New(c.Plain(), func(*config.Config) (plan.Facts, error) { return plan.Facts{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// open is a folder as another process would have it.
func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f := &Folder{Dir: dir, Files: diskfile.OS{}, Log: slog.New(slog.DiscardHandler)}
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	return f
}

// leave writes what a run of some outcome leaves.
func leave(t *testing.T, dir string, task plan.Task, o runlog.Outcome) {
	t.Helper()
	path := filepath.Join(dir, task.Dir)
	m := runlog.Manifest{Format: runlog.Format, Method: task.Method(), MethodIndex: task.MethodIndex, Seed: task.Seed, Outcome: o, Identity: task.Identity, Settings: task.Settings}
	err := errors.Join(os.MkdirAll(path, 0o755), m.Write(path, diskfile.Replace))
	for _, name := range m.Required() {
		err = errors.Join(err, os.WriteFile(filepath.Join(path, name), nil, 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func statesOf(runs []Status) (out []State) {
	for _, r := range runs {
		out = append(out, r.State)
	}
	return out
}

// TestClaimsAreShared: of several processes with the same plan each run is made by
// one, and all of them know in the end that it is complete.
func TestClaimsAreShared(t *testing.T) {
	dir, p := t.TempDir(), planned(t)
	var mu sync.Mutex
	made := map[string]int{}
	var all sync.WaitGroup
	for range 4 {
		f := open(t, dir)
		all.Go(func() {
			runs, err := f.Prepare(context.Background(), p, Reuse)
			if err != nil {
				t.Error(err)
				return
			}
			for _, r := range runs {
				c, err := f.Claim(context.Background(), r.Task, true)
				if err != nil {
					t.Error(err)
					return
				}
				switch c.State {
				case New:
					mu.Lock()
					made[r.Dir]++
					mu.Unlock()
					time.Sleep(time.Millisecond)
					leave(t, dir, r.Task, runlog.Finished)
				case Kept:
				default:
					t.Errorf("%s is %s: %v", r.Dir, c.State, c.Fault)
				}
				if err := c.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, task := range p.Tasks {
		if made[task.Dir] != 1 {
			t.Errorf("%s was made %d times", task.Dir, made[task.Dir])
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, ".*/*"))
	if err != nil || len(names) > 0 {
		t.Errorf("left over: %v, %v", names, err)
	}
}

// TestBusyRunsStay: what another process is at work on is told, and not moved aside,
// whatever it looks like; when that process is gone without an end, it is.
func TestBusyRunsStay(t *testing.T) {
	for _, policy := range []Policy{Reuse, Replace, Fresh} {
		dir, p := t.TempDir(), planned(t)
		mine, other := open(t, dir), open(t, dir)
		c, err := other.Claim(context.Background(), p.Tasks[0], false)
		if err != nil {
			t.Fatal(err)
		}
		leave(t, dir, p.Tasks[0], runlog.Running) // without a checkpoint: to be begun again
		leave(t, dir, p.Tasks[1], runlog.Running)
		runs, err := mine.Survey(p.Tasks, policy)
		second := Begun
		if policy == Fresh {
			second = Again
		}
		if want := []State{Busy, second, New, New, New, New}; err != nil || !slices.Equal(statesOf(runs), want) {
			t.Errorf("%v, %v", statesOf(runs), err)
		}
		if _, err := mine.Prepare(context.Background(), p, policy); err != nil {
			t.Fatal(err)
		}
		old, err := filepath.Glob(filepath.Join(dir, "old/*/runs/*/*"))
		if err != nil || len(old) != 1 || filepath.Base(old[0]) != "1" {
			t.Errorf("moved aside: %v, %v", old, err)
		}
		_, err = mine.Claim(context.Background(), p.Tasks[0], false)
		var locked *diskfile.LockedError
		if !errors.As(err, &locked) {
			t.Errorf("claimed twice: %v", err)
		}
		if err := c.Release(); err != nil {
			t.Fatal(err)
		}
		if c, err = mine.Claim(context.Background(), p.Tasks[0], false); err != nil || c.State != Begun || mine.exists(p.Tasks[0].Dir) {
			t.Errorf("%+v, %v", c, err)
		}
		if err := c.Release(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMovedAsideTwice: what has to make room twice in a session does.
func TestMovedAsideTwice(t *testing.T) {
	dir, p := t.TempDir(), planned(t)
	f := open(t, dir)
	leave(t, dir, p.Tasks[0], runlog.Running)
	if _, err := f.Prepare(context.Background(), p, Reuse); err != nil {
		t.Fatal(err)
	}
	leave(t, dir, p.Tasks[0], runlog.Running) // of another process, killed before its first checkpoint
	c, err := f.Claim(context.Background(), p.Tasks[0], true)
	if err != nil || c.State != Begun || f.exists(p.Tasks[0].Dir) {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := c.Release(); err != nil {
		t.Fatal(err)
	}
	if old, err := filepath.Glob(filepath.Join(dir, "old/*/runs/*/0/manifest.json")); err != nil || len(old) != 2 {
		t.Errorf("moved aside: %v, %v", old, err)
	}
}

// TestFreshClaims: afresh, a run from before the session is made again whenever it can be
// had, and one that another process has made since is kept.
func TestFreshClaims(t *testing.T) {
	for _, late := range []bool{false, true} {
		dir, p := t.TempDir(), planned(t)
		f, other := open(t, dir), open(t, dir)
		task := p.Tasks[0]
		if !late {
			leave(t, dir, task, runlog.Finished)
		}
		held, err := other.Claim(context.Background(), task, false)
		if err != nil {
			t.Fatal(err)
		}
		if runs, err := f.Prepare(context.Background(), p, Fresh); err != nil || runs[0].State != Busy {
			t.Fatalf("%v, %v", statesOf(runs), err)
		}
		if late {
			leave(t, dir, task, runlog.Finished)
			path := filepath.Join(dir, task.Dir, runlog.ManifestFile)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now().UTC().Add(time.Second).Format(time.RFC3339Nano)
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), `"start": "0001-01-01T00:00:00Z"`, `"start": "`+now+`"`, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := held.Release(); err != nil {
			t.Fatal(err)
		}
		c, err := f.Claim(context.Background(), task, true)
		want := Again
		if late {
			want = Kept
		}
		if err != nil || c.State != want || f.exists(task.Dir) != late {
			t.Errorf("late %t: %s, %v", late, c.State, err)
		}
		if err := c.Release(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestIndexLock: a program that keeps the whole folder for itself, as early versions
// do, is not disturbed; who waits for it in vain says so.
func TestIndexLock(t *testing.T) {
	before := patience
	t.Cleanup(func() { patience = before })
	patience = 50 * time.Millisecond
	dir, p := t.TempDir(), planned(t)
	lock, err := diskfile.TryLock(filepath.Join(dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, dir)
	_, err = f.Prepare(context.Background(), p, Reuse)
	var locked *LockedError
	if !errors.As(err, &locked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", os.Getpid())) || !strings.Contains(err.Error(), "--out") {
		t.Errorf("says %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "config.yaml")); err == nil {
		t.Error("the folder was written to")
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Prepare(context.Background(), p, Reuse); err != nil {
		t.Error(err)
	}
}

// TestManifests: what is not a manifest of this program is told apart: a later format is
// held, everything else damaged.
func TestManifests(t *testing.T) {
	p := planned(t)
	for text, want := range map[string]State{`{"format": 9}`: Held, `{}`: Damaged, `{`: Damaged, `{"format": -1}`: Damaged, strings.Repeat(" ", runlog.MaxManifest+1): Damaged} {
		dir := t.TempDir()
		path := filepath.Join(dir, p.Tasks[0].Dir)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.WriteFile(filepath.Join(path, runlog.ManifestFile), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		runs, err := open(t, dir).Survey(p.Tasks[:1], Reuse)
		if err != nil || runs[0].State != want {
			t.Errorf("%.20s: %s (%v), %v, want %s", text, runs[0].State, runs[0].Fault, err, want)
		}
	}
}

// TestReplace: runs of other settings are refused, or moved aside where that is asked for,
// and those of the same are kept.
func TestReplace(t *testing.T) {
	dir, p := t.TempDir(), planned(t)
	leave(t, dir, p.Tasks[0], runlog.Finished)
	other := p.Tasks[1]
	other.Settings = runlog.Settings{"seed": "1"}
	other.Identity = other.Settings.Identity()
	leave(t, dir, other, runlog.Finished)
	f := open(t, dir)
	var wrong *config.Error
	if _, err := f.Prepare(context.Background(), p, Reuse); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "was made with other settings") {
		t.Error(err)
	}
	runs, err := f.Prepare(context.Background(), p, Replace)
	if err != nil || runs[0].State != Kept || runs[1].State != Again || f.exists(p.Tasks[1].Dir) {
		t.Errorf("%v, %v", statesOf(runs), err)
	}
	if old, err := filepath.Glob(filepath.Join(dir, "old/*", other.Dir, "manifest.json")); err != nil || len(old) != 1 {
		t.Errorf("moved aside: %v, %v", old, err)
	}
}

// TestPublishingTakesLong: who sums up the runs of a folder may read for long, and those that have
// made theirs meanwhile wait, and do not fail.
func TestPublishingTakesLong(t *testing.T) {
	before := patience
	t.Cleanup(func() { patience = before })
	patience = 20 * time.Millisecond
	f := &Folder{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	var all sync.WaitGroup
	inside := make(chan struct{})
	all.Go(func() {
		if err := f.Publishing(func() error {
			close(inside)
			time.Sleep(10 * patience)
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-inside
	if err := f.Publishing(func() error { return nil }); err != nil {
		t.Error(err)
	}
	all.Wait()
}
