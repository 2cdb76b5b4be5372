package folder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
)

// PlanFile lists the runs that were asked for in a results folder, by all commands, so that
// whoever looks at the folder knows of those that nobody has begun.
const PlanFile = "plan.json"

// planFormat is that of the plans of this version.
const planFormat = 1

// A Planned run is one that was asked for.
type Planned struct {
	Name        string        `json:"name"` // of the experiment
	Method      string        `json:"method"`
	MethodIndex int           `json:"method_index"`
	Varied      runlog.Varied `json:"varied,omitempty"`
	Seed        uint64        `json:"seed"`
	Dir         string        `json:"dir"` // relative to the results folder, with slashes
	Identity    string        `json:"identity"`
	Steps       int           `json:"steps,omitempty"`             // the most that it has; 0: cost or seconds bound it alone
	Predicted   float64       `json:"predicted_seconds,omitempty"` // see [plan.Facts]
}

type planText struct {
	Format int       `json:"format"`
	Runs   []Planned `json:"runs"`
}

// plannedOf is what a plan file says of a task.
func plannedOf(t plan.Task) Planned {
	return Planned{t.Config.Name, t.Method(), t.MethodIndex, t.Varied, t.Seed, filepath.ToSlash(t.Dir), t.Identity, t.Steps, t.Predicted}
}

// Planned returns the runs that were asked for, nil if the folder does not tell, as those of
// early versions. What is wrong with the file is a [runlog.Error].
func (f *Folder) Planned() ([]Planned, error) {
	path := filepath.Join(f.Dir, PlanFile)
	data, err := diskfile.Read(context.Background(), path, diskfile.Limits{Bytes: maxPlan})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, runlog.Errorf("%w", err)
	}
	var p planText
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&p); err != nil {
		return nil, runlog.Errorf("%s: %w; move it away, and the next dgn run or dgn sweep writes it anew", path, err)
	}
	switch {
	case p.Format > planFormat:
		return nil, runlog.Errorf("%s has format %d, of a later version of dgn; this one reads format %d", path, p.Format, planFormat)
	case p.Format != planFormat || d.More():
		return nil, runlog.Errorf("%s is not a plan of dgn; move it away, and the next dgn run or dgn sweep writes it anew", path)
	}
	for _, r := range p.Runs {
		if r.Method == "" || r.Identity == "" || !filepath.IsLocal(filepath.FromSlash(r.Dir)) {
			return nil, runlog.Errorf("%s: the run %.40q of %.40q is not one of this folder; move the file away, and the next dgn run or dgn sweep writes it anew", path, r.Dir, r.Method)
		}
	}
	return append([]Planned{}, p.Runs...), nil
}

// Ask notes what is asked for, of whoever makes it. [Folder.Prepare] does so too.
func (f *Folder) Ask(ctx context.Context, p *plan.Plan) error {
	return f.locked(ctx, func() error { return f.note(p) })
}

// maxPlan bounds the file, which has some hundred bytes for a run.
const maxPlan = 256 << 20

// note adds a plan to those that the folder was asked for. A run stands in the place of
// those of other settings in the same folder, which are no longer asked for. The caller has
// the lock of the index.
func (f *Folder) note(p *plan.Plan) error {
	before, err := f.Planned()
	if err != nil {
		to, moved := f.MoveAside(PlanFile)
		if moved != nil {
			return errors.Join(err, moved)
		}
		f.Log.Warn("the plan of earlier commands cannot be read, and was moved aside: "+err.Error(), "to", to)
	}
	type run struct{ method, identity string }
	asked, taken := map[run]bool{}, map[string]bool{}
	now := planText{Format: planFormat}
	for _, t := range p.All() {
		r := plannedOf(t)
		now.Runs = append(now.Runs, r)
		asked[run{r.Method, r.Identity}], taken[r.Dir] = true, true
	}
	var others []Planned
	for _, r := range before {
		if !asked[run{r.Method, r.Identity}] && !taken[r.Dir] {
			others = append(others, r)
		}
	}
	now.Runs = append(others, now.Runs...)
	text, err := json.MarshalIndent(now, "", " ")
	if err != nil {
		return err
	}
	if err := f.Files.Replace(filepath.Join(f.Dir, PlanFile), append(text, '\n')); err != nil {
		return fmt.Errorf("cannot write to the results folder: %w", err)
	}
	return nil
}
