package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// A State says what a results folder holds of a run that is wanted.
type State string

const (
	New        State = "new"
	Kept       State = "complete"
	Unfinished State = "to be resumed"     // interrupted or killed, with a checkpoint
	Begun      State = "to be begun again" // killed before its first checkpoint
	Broken     State = "failed before"     // to be resumed, if it has a checkpoint
	Again      State = "to be made again"  // asked for afresh, or in the place of other settings
	Damaged    State = "damaged"           // to be moved aside and made again
	Busy       State = "being made"        // by another process
	Held       State = "held"              // of another program, or out of reach: will fail, and stay as it is
)

// States are all of them, in the order in which they are listed.
var States = []State{New, Kept, Unfinished, Begun, Broken, Damaged, Busy, Held, Again}

// A Policy says what becomes of runs that the folder holds.
type Policy int

const (
	Reuse   Policy = iota // keep or continue those of the same settings; refuse others in their place
	Replace               // the same, and move others aside
	Fresh                 // make all runs again
)

// A Status is what the folder holds of a task.
type Status struct {
	plan.Task // whose Dir is where the run was found, if anywhere
	State     State
	Outcome   runlog.Outcome   // of the complete run that is kept
	Resumed   *runlog.Manifest // of the interrupted run that is to be continued, nil: there is none
	Fault     error            // why it is Damaged or Held

	began time.Time              // what the folder holds, if that is known
	from  *checkpoint.Checkpoint // where it can continue
}

// Survey compares the tasks with what the folder holds: complete runs of the same
// settings are kept if their files are what they left, incomplete ones continued from
// their checkpoints, or made again if they have none, and those of other settings are a
// *[config.Error], as the policy says. It writes nothing.
func (f *Folder) Survey(tasks []plan.Task, policy Policy) ([]Status, error) {
	if info, err := os.Stat(f.Dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("cannot make the results folder: %s is a file; choose another with --out", f.Dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var conflicts []string
	tasks, err := f.Located(tasks)
	if err != nil {
		return nil, err
	}
	out := make([]Status, len(tasks))
	for i, t := range tasks {
		if f.holder(t) != "" { // and may change at any time
			out[i] = Status{Task: t, State: Busy}
			continue
		}
		var conflict string
		if out[i], conflict = f.inspect(t, policy); conflict != "" {
			conflicts = append(conflicts, conflict)
		}
		out[i].from = nil // arrays of all runs at once may not fit
	}
	if n := len(conflicts) - strict.MaxComplaints; n > 0 {
		conflicts = append(conflicts[:strict.MaxComplaints], fmt.Sprintf("... and %d more", n))
	}
	if len(conflicts) > 0 {
		return nil, conflicting(conflicts...)
	}
	return out, nil
}

// conflicting is the error of runs of other settings.
func conflicting(conflicts ...string) error {
	return config.Errorf("%s\nChoose another folder with --out or name, or move these runs away; --fresh makes every run again, and moves those that the folder holds to old/.",
		strings.Join(conflicts, "\n"))
}

// inspect finds out what the folder holds of one task, at its place. A run of other
// settings is a conflict.
func (f *Folder) inspect(t plan.Task, policy Policy) (s Status, conflict string) {
	s.Task = t
	old, err := f.manifest(t.Dir)
	var fault error
	if old != nil {
		s.began, fault = old.Start, edited(old, t.Settings)
	}
	switch {
	case err == nil && old == nil && !f.exists(t.Dir):
		s.State = New
	case policy == Fresh:
		s.State = Again
	case err != nil:
		s.fail(err)
	case old == nil:
		s.State = Begun
	case fault != nil:
		s.fail(fault)
	case old.Identity != t.Identity && policy == Replace:
		s.State = Again
	case old.Identity != t.Identity:
		return s, fmt.Sprintf("%s was made with other settings:\n    %s",
			filepath.Join(f.Dir, t.Dir), strings.Join(old.Settings.Differences(t.Settings), "\n    "))
	case old.Outcome.Complete():
		s.State, s.Outcome = Kept, old.Outcome
		if err := verify(old, filepath.Join(f.Dir, t.Dir)); err != nil {
			s.fail(err)
		}
	default:
		f.findCheckpoint(&s, old)
	}
	return s, ""
}

// fail notes that what the folder holds of the run is of no use here. What cannot
// be read, or another program made, may be good all the same, and is held.
func (s *Status) fail(err error) {
	var held *runlog.HeldError
	var unread *fs.PathError
	var kind *diskfile.KindError
	var large *diskfile.LimitError
	s.State, s.Fault = Damaged, err
	if errors.As(err, &held) || errors.As(err, &unread) && !errors.As(err, &kind) && !errors.As(err, &large) {
		s.State = Held
	}
}

// findCheckpoint notes whether a run that did not come to its end can continue.
func (f *Folder) findCheckpoint(s *Status, old *runlog.Manifest) {
	found, warning, err := checkpoint.Last(filepath.Join(f.Dir, s.Dir), f.Origin(s.Task), f.AcrossISA)
	if err != nil {
		s.fail(err)
		return
	}
	if warning != "" {
		s.Logger(f.Log).Warn(warning)
	}
	s.State = Begun
	if found != nil {
		s.State, s.Resumed, s.from = Unfinished, old, found
	}
	if old.Outcome == runlog.Failed {
		s.State = Broken
	}
}
