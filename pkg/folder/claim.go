package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/plan"
)

// Prepare surveys the folder for a plan, writes the plan and its config beside the runs, and
// makes room for the runs to be made, whose tasks are those that are not Kept or Held.
// A run is Held too if what the folder holds stands in its way; the others go on
// without it. It waits for other processes that make room, as long as ctx lasts.
func (f *Folder) Prepare(ctx context.Context, p *plan.Plan, policy Policy) (runs []Status, err error) {
	f.policy = policy
	resolved, err := p.Config.YAML()
	if err != nil {
		return nil, err
	}
	// Files are compared with what runs left before the lock is asked for: that takes
	// long, and changes nothing. What is changed is looked at again.
	if runs, err = f.Survey(p.Tasks, policy); err != nil {
		return nil, err
	}
	return runs, f.locked(ctx, func() error {
		kept := 0
		for i := range runs {
			s := &runs[i]
			if s.State != Kept {
				if err := f.clear(s); err != nil {
					return err
				}
				continue
			}
			if kept++; kept <= maxKeptLines {
				s.Logger(f.Log).Info("kept: complete with these settings", "outcome", s.Outcome)
			}
			f.keep(s)
		}
		if kept > maxKeptLines {
			f.Log.Info("kept in the same way", "runs", kept-maxKeptLines)
		}
		if err := f.Files.Replace(filepath.Join(f.Dir, "config.yaml"), resolved); err != nil {
			return fmt.Errorf("cannot write to the results folder: %w", err)
		}
		return f.note(p)
	})
}

// keep takes over a complete run.
func (f *Folder) keep(s *Status) {
	checkpoint.Remove(filepath.Join(f.Dir, s.Dir), f.Log) // of a run killed at its very end
	if err := f.relabel(s.Task); err != nil {
		s.State, s.Fault = Held, fmt.Errorf("cannot take over an earlier run: %w", err)
	}
}

// maxKeptLines bounds what is said of runs that are reused.
const maxKeptLines = 10

// clear makes room for a run unless another process is at work on it, in which case it
// is Busy.
func (f *Folder) clear(s *Status) error {
	if !s.inTheWay() {
		return nil
	}
	lock, err := diskfile.TryLock(f.lockPath(s.Task))
	var busy *diskfile.LockedError
	if errors.As(err, &busy) {
		s.State = Busy
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot lock a run: %w", err)
	}
	var conflict string
	if *s, conflict = f.inspect(s.Task, f.policy); conflict != "" { // another process may just have ended
		return errors.Join(conflicting(conflict), lock.Release())
	}
	s.from = nil
	f.makeRoom(s)
	return lock.Release()
}

// inTheWay reports whether what the folder holds of the run has to be moved aside.
func (s *Status) inTheWay() bool {
	switch s.State {
	case Begun, Again, Damaged:
		return true
	case Broken:
		return s.Resumed == nil
	}
	return false
}

// makeRoom moves aside what the folder holds of a run that is to begin anew. The
// caller has the lock of the run.
func (f *Folder) makeRoom(s *Status) {
	if !s.inTheWay() {
		return
	}
	to, err := f.MoveAside(s.Dir)
	if err != nil {
		if s.Fault != nil {
			err = fmt.Errorf("%w (%w)", err, s.Fault)
		}
		s.State, s.Fault = Held, fmt.Errorf("cannot move an earlier run aside: %w", err)
		return
	}
	from := filepath.Join(f.Dir, s.Dir)
	if s.State == Damaged {
		s.Logger(f.Log).Warn("damaged, and so moved aside and made again: "+s.Fault.Error(), "run", from, "to", to)
	} else {
		f.Log.Info("moved an earlier run aside", "run", from, "to", to)
	}
}

// MoveAside renames the run or the file at path into old/<time>/, and returns where it is
// now. Results are never deleted.
func (f *Folder) MoveAside(path string) (string, error) {
	to := filepath.Join(f.Dir, "old", f.stamp, path)
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		}
		to = filepath.Join(f.Dir, "old", fmt.Sprintf("%s-%d", f.stamp, n), path)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	return to, os.Rename(filepath.Join(f.Dir, path), to)
}

// A Claim is a run that this process makes, and no other.
type Claim struct {
	Status
	Path string                 // of its folder
	From *checkpoint.Checkpoint // where it continues, nil at its beginning

	folder *Folder
	lock   *diskfile.Lock
}

// Claim takes a run to make, after another look at what the folder holds of it: other
// processes may have made it, so that it is Kept, or Held. A run that another process
// is making is waited for as long as ctx lasts, or is a *[diskfile.LockedError] at once.
func (f *Folder) Claim(ctx context.Context, t plan.Task, wait bool) (*Claim, error) {
	take := diskfile.TryLock
	if wait {
		take = func(path string) (*diskfile.Lock, error) { return diskfile.WaitLock(ctx, path) }
	}
	lock, err := take(f.lockPath(t))
	if err != nil {
		return nil, err
	}
	c := &Claim{folder: f, lock: lock}
	err = c.inspect(t, wait)
	if over := lock.Over; over != nil && err == nil && c.State != Kept {
		say := c.Logger(f.Log).Info
		if over.Silence > 0 {
			say = c.Logger(f.Log).Warn
		}
		say("taken over from " + over.String())
		if over.Silence > 0 {
			err = c.removeTemporary()
		}
		if over.Silence > 0 && c.From != nil && err == nil {
			err = c.detach()
		}
	}
	if err != nil {
		return nil, errors.Join(err, c.Release())
	}
	return c, nil
}

// inspect looks at what the folder holds of the run. Who was waited for may have made it
// in another place.
func (c *Claim) inspect(t plan.Task, waited bool) error {
	f := c.folder
	if waited {
		known, err := f.identities(t.Method())
		if err != nil {
			return err
		}
		if at, ok := known[t.Identity]; ok {
			t.Dir = at
		}
	}
	policy := f.policy
	if policy == Fresh { // what this session or another makes now is fresh
		policy = Reuse
	}
	var conflict string
	if c.Status, conflict = f.inspect(t, policy); conflict != "" {
		return conflicting(conflict)
	}
	if f.policy == Fresh && (c.State == Kept || c.Resumed != nil) && c.began.Before(f.opened) {
		c.State, c.Resumed, c.from = Again, nil, nil
	}
	c.Path, c.From = filepath.Join(f.Dir, c.Dir), c.from
	if c.State == Kept {
		f.keep(&c.Status)
	}
	f.makeRoom(&c.Status)
	return nil
}

// Release lets others have the run.
func (c *Claim) Release() error { return c.lock.Release() }
