package folder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// A LockedError says that another process has a results folder for itself.
type LockedError struct{ Dir, Holder string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by %s; wait for it to end, or choose another folder with --out", e.Dir, e.Holder)
}

// patience is how long to wait for other processes that look at the folder's index.
var patience = 10 * time.Second

// locked does something while no other process looks at the index of the folder.
func (f *Folder) locked(do func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	lock, err := diskfile.WaitLock(ctx, filepath.Join(f.Dir, ".lock"))
	var held *diskfile.LockedError
	if errors.As(err, &held) {
		return &LockedError{f.Dir, held.Holder}
	}
	if err != nil {
		return fmt.Errorf("cannot lock the results folder: %w; choose another with --out", err)
	}
	return errors.Join(do(), lock.Release())
}

// locks is the folder of the locks of runs. They are not in the folders of the runs,
// which are renamed when they are moved aside.
const locks = ".locks"

// lockPath is the file of the lock of the run in a folder.
func (f *Folder) lockPath(dir string) string {
	sum := sha256.Sum256([]byte(filepath.ToSlash(dir)))
	return filepath.Join(f.Dir, locks, hex.EncodeToString(sum[:8]))
}

// holder says who makes the run in a folder now, "" if nobody does.
func (f *Folder) holder(dir string) string { return diskfile.Holder(f.lockPath(dir)) }

// release ends a lock of a run, and removes the folder of locks with the last one.
func (f *Folder) release(l *diskfile.Lock) error {
	err := l.Release()
	_ = os.Remove(filepath.Join(f.Dir, locks)) // fails while there are others
	return err
}
