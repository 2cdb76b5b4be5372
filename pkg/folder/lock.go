package folder

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/plan"
)

// A LockedError says that another process has a results folder for itself.
type LockedError struct{ Dir, Holder string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by %s; wait for it to end, or choose another folder with --out", e.Dir, e.Holder)
}

// patience is how long to wait for a process of this machine that looks at the folder's index.
// Those of other machines may have ended unseen, and those that sum up thousands of runs read
// for long: they have longer.
var patience = 10 * time.Second

// locked does something while no other process changes what the folder holds.
func (f *Folder) locked(ctx context.Context, do func() error) error {
	path := filepath.Join(f.Dir, ".lock")
	tell := time.AfterFunc(time.Second, func() {
		f.Log.Info("waiting for the results folder, which is in use by " + diskfile.HolderOf(path))
	})
	defer tell.Stop()
	lock, err := await(ctx, path, patience)
	tell.Stop()
	var held *diskfile.LockedError
	switch {
	case ctx.Err() != nil && err != nil:
		return context.Cause(ctx)
	case errors.As(err, &held):
		return &LockedError{f.Dir, held.Holder}
	case err != nil:
		return fmt.Errorf("cannot lock the results folder: %w; choose another with --out", err)
	}
	return errors.Join(do(), lock.Release())
}

// Publishing does something while no other process writes what sums up the runs of the
// folder. It waits for those that do.
func (f *Folder) Publishing(do func() error) error {
	lock, err := await(context.Background(), filepath.Join(f.Dir, ".summary.lock"), diskfile.Silence)
	var held *diskfile.LockedError
	switch {
	case errors.As(err, &held):
		return fmt.Errorf("the summary of %s is being written by %s; the runs are there, and the same command writes it", f.Dir, held.Holder)
	case err != nil:
		return fmt.Errorf("cannot lock the summary of the results folder: %w", err)
	}
	return errors.Join(do(), lock.Release())
}

// await takes a lock that nobody has for long. Many may want it, and each has its turn: it
// gives up when one of them has it for longer than that, or than silence where that is on another
// machine.
func await(ctx context.Context, path string, long time.Duration) (*diskfile.Lock, error) {
	before, waited := diskfile.HolderOf(path), time.Duration(0)
	for {
		within, cancel := context.WithTimeout(ctx, patience)
		lock, err := diskfile.WaitLock(within, path)
		cancel()
		var held *diskfile.LockedError
		if err == nil || ctx.Err() != nil || !errors.As(err, &held) {
			return lock, err
		}
		if held.Holder != before {
			before, waited = held.Holder, 0
			continue
		}
		if waited += patience; !held.Foreign && waited >= long || waited > diskfile.Silence+patience {
			return nil, err
		}
	}
}

// locks is the folder of the locks of runs. They are not in the folders of the runs,
// which are renamed when they are moved aside.
const locks = ".locks"

// lockPath is the file of the lock of a run, wherever in the folder it is to be.
func (f *Folder) lockPath(t plan.Task) string {
	return filepath.Join(f.Dir, locks, t.Identity[:min(len(t.Identity), 16)])
}

// holder says who makes a run now, "" if nobody does.
func (f *Folder) holder(t plan.Task) string { return diskfile.HolderOf(f.lockPath(t)) }

// Shared reports whether another process makes runs in the folder now.
func (f *Folder) Shared() bool { return diskfile.Elsewhere(filepath.Join(f.Dir, locks)) }
