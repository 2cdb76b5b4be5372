package folder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A Condition says how a planned run stands, as the folder alone tells.
type Condition string

const (
	RunComplete    Condition = "complete"
	RunDiverged    Condition = "diverged" // complete too
	RunRunning     Condition = "running"
	RunSilent      Condition = "silent"      // its process, on another machine, gives no sign of life
	RunInterrupted Condition = "interrupted" // stopped in order, or killed
	RunFailed      Condition = "failed"
	RunDamaged     Condition = "damaged" // its manifest cannot be read
	RunQueued      Condition = "queued"  // nobody is on it
)

// Conditions are all of them, in the order in which they are counted.
var Conditions = []Condition{RunComplete, RunDiverged, RunRunning, RunSilent, RunInterrupted, RunFailed, RunDamaged, RunQueued}

// A RunReport is what a folder tells of a run.
type RunReport struct {
	Planned
	Asked bool      `json:"planned"` // plan.json has it
	State Condition `json:"state"`

	Host string `json:"host,omitempty"` // of the process that makes it, or that made it last
	CPU  string `json:"cpu,omitempty"`
	ISA  string `json:"isa,omitempty"`

	// Of a run that is running or silent.
	PID   int       `json:"pid,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Beat  time.Time `json:"last_sign_of_life,omitzero"` // by the clock of its machine

	Checkpoint int      `json:"checkpoint_step,omitempty"` // the step that it can continue from; 0: none
	Error      string   `json:"error,omitempty"`           // of a failed or damaged run
	Detail     string   `json:"detail,omitempty"`
	MixedISA   []string `json:"mixed_isa,omitempty"` // see [runlog.Manifest]

	// Others is what other systems say of the run, by their names, as the queue of a
	// cluster.
	Others map[string]string `json:"others,omitempty"`
}

// Report tells of every planned run how it stands, and then of the runs that the folder
// holds besides. planned says whether the folder tells what was asked for. It writes
// nothing, reads no logs, and sees each run at a moment of its own.
func (f *Folder) Report() (runs []RunReport, planned bool, err error) {
	list, err := f.Planned()
	if err != nil {
		return nil, false, err
	}
	found, broken, err := f.found()
	if err != nil {
		return nil, false, err
	}
	type run struct{ method, identity string }
	at := map[run]int{}
	for i, m := range found {
		key := run{m.manifest.Method, m.manifest.Identity}
		if k, ok := at[key]; !ok || !found[k].manifest.Outcome.Complete() && m.manifest.Outcome.Complete() {
			at[key] = i
		}
	}
	told := map[string]bool{} // by folder
	for _, p := range list {
		r := RunReport{Planned: p, Asked: true, State: RunQueued}
		if i, ok := at[run{p.Method, p.Identity}]; ok {
			r.Dir = filepath.ToSlash(found[i].dir)
			f.describe(&r, found[i].manifest)
		} else if why := broken[filepath.FromSlash(p.Dir)]; why != nil {
			r.State, r.Error = RunDamaged, why.Error()
		}
		told[filepath.FromSlash(r.Dir)] = told[filepath.FromSlash(r.Dir)] || r.State != RunQueued
		f.locate(&r)
		runs = append(runs, r)
	}
	for _, m := range found {
		if told[m.dir] {
			continue
		}
		r := RunReport{Planned: Planned{
			Name: m.manifest.Name, Method: m.manifest.Method, MethodIndex: m.manifest.MethodIndex, Varied: m.manifest.Varied,
			Seed: m.manifest.Seed, Dir: filepath.ToSlash(m.dir), Identity: m.manifest.Identity,
		}}
		f.describe(&r, m.manifest)
		f.locate(&r)
		runs = append(runs, r)
	}
	return runs, list != nil, nil
}

// describe adds what a manifest says.
func (f *Folder) describe(r *RunReport, m *runlog.Manifest) {
	r.Host, r.CPU, r.ISA, r.MixedISA, r.Detail = m.Host, m.CPU, m.ISA, m.MixedISA, m.Detail
	switch {
	case m.Outcome == runlog.Diverged:
		r.State = RunDiverged
		return
	case m.Outcome.Complete():
		r.State = RunComplete
		return
	case m.Outcome == runlog.Failed:
		r.State, r.Error = RunFailed, m.Error
	default:
		r.State = RunInterrupted
		if m.Outcome == runlog.Running {
			r.Detail = "its process has ended without a word"
		}
	}
	if at := checkpoint.Peek(filepath.Join(f.Dir, filepath.FromSlash(r.Dir))); at != nil {
		r.Checkpoint = at.Step
	}
}

// locate adds who is at work on the run.
func (f *Folder) locate(r *RunReport) {
	held, err := diskfile.Held(f.lockPath(plan.Task{Identity: r.Identity}))
	if err != nil || held == nil || held.Ended {
		return
	}
	if r.State == RunComplete || r.State == RunDiverged { // and about to be released
		return
	}
	r.State, r.Detail, r.Error = RunRunning, "", ""
	r.Host, r.PID, r.Since, r.Beat = held.Host, held.PID, held.Since, held.Beat
	if held.Foreign && time.Since(held.Beat) > diskfile.Silence {
		r.State = RunSilent
	}
}

// A foundRun is one whose manifest can be read.
type foundRun struct {
	dir      string
	manifest *runlog.Manifest
}

// found returns the runs that the folder holds, and why some cannot be read, by folder.
func (f *Folder) found() (runs []foundRun, broken map[string]error, err error) {
	if _, err := os.Stat(f.Dir); err != nil {
		return nil, nil, runlog.Errorf("%w", err)
	}
	broken = map[string]error{}
	for _, pattern := range []string{"runs/*/*/manifest.json", "runs/*/*/*/manifest.json"} {
		names, err := fs.Glob(os.DirFS(f.Dir), pattern)
		if err != nil {
			return nil, nil, err
		}
		for _, name := range names {
			dir := filepath.Dir(filepath.FromSlash(name))
			m, err := f.manifest(dir)
			switch {
			case errors.Is(err, fs.ErrNotExist) || err == nil && m == nil: // moved aside meanwhile
			case err != nil:
				broken[dir] = err
			default:
				runs = append(runs, foundRun{dir, m})
			}
		}
	}
	return runs, broken, nil
}
