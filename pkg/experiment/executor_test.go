package experiment

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/problem"
)

// A distant executor makes tasks as another process would: all it has of them is their
// JSON, and it opens folder and data anew for each.
type distant struct {
	opt   Options
	tasks int
}

func (d *distant) Execute(ctx context.Context, tasks []plan.Task, done func(plan.Task, Ending)) error {
	for _, t := range tasks {
		text, err := json.Marshal(t)
		if err != nil {
			return err
		}
		var sent plan.Task
		if err := json.Unmarshal(text, &sent); err != nil {
			return err
		}
		f := d.opt.folder()
		if err := f.Open(); err != nil {
			return err
		}
		there := &Local{Folder: f, Problems: &problem.Cache{Env: d.opt.Data}, Threads: 1, Jobs: 1, Monitor: noMonitor{}, Log: d.opt.Log}
		d.tasks++
		if err := there.Execute(ctx, []plan.Task{sent}, done); err != nil {
			return err
		}
	}
	return nil
}

// TestExecutor: runs that another executor makes from the JSON of their tasks have the
// bits of those that are made here, and count as made.
func TestExecutor(t *testing.T) {
	c := parse(t, toy)
	here, there := options(t.TempDir()), options(t.TempDir())
	run(t, c, here)
	d := &distant{opt: there}
	d.opt.Complete(context.Background(), c)
	there.Executor = d
	if r := run(t, c, there); r.Made != 4 || r.Reused != 0 || d.tasks != 4 {
		t.Errorf("%+v, %d tasks", r, d.tasks)
	}
	for _, path := range toyRuns {
		if numbersOf(t, filepath.Join(here.Out, path)) != numbersOf(t, filepath.Join(there.Out, path)) {
			t.Errorf("%s has other numbers", path)
		}
	}
	if r := run(t, c, there); r.Made != 0 || r.Reused != 4 || d.tasks != 4 {
		t.Errorf("again: %+v, %d tasks", r, d.tasks)
	}
}
