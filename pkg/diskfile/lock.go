package diskfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// A Lock is held by one process at a time, on any machine that shares the disk. It
// ends with the process, however that ends. Its file says who holds it, and is gone
// when nobody does, unless the process was killed.
type Lock struct {
	path string
	key  string // in own
	lock *flock.Flock
}

// A LockedError says that another process holds a lock.
type LockedError struct{ Path, Holder string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is held by %s", e.Path, e.Holder)
}

// lockPoll is how often a lock that another process holds is tried again.
const lockPoll = 20 * time.Millisecond

// own counts by path the locks that this process holds, or is about to: what a lock's file
// says of its holder is not there at the first moment and at the last.
var own = struct {
	sync.Mutex
	count map[string]int
}{count: map[string]int{}}

// owned adds to the count of a path, and returns it.
func owned(key string, n int) int {
	own.Lock()
	defer own.Unlock()
	if own.count[key] += n; own.count[key] == 0 {
		delete(own.count, key)
		return 0
	}
	return own.count[key]
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// TryLock takes the lock of a path, whose folder it makes, or returns a *[LockedError].
func TryLock(path string) (l *Lock, err error) {
	key := absolute(path)
	owned(key, 1)
	defer func() {
		if err != nil {
			owned(key, -1)
		}
	}()
	for {
		lock := flock.New(path, flock.SetPermissions(0o644))
		ok, err := lock.TryLock()
		if errors.Is(err, fs.ErrNotExist) {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			holder := holderOf(path)
			return nil, errors.Join(&LockedError{path, holder}, lock.Close())
		}
		// The holder before may have removed the file after it was opened here.
		if locked, err := lock.Stat(); err == nil {
			if now, err := os.Stat(path); err != nil || !os.SameFile(locked, now) {
				if err := lock.Close(); err != nil {
					return nil, err
				}
				continue
			}
		}
		if err := os.WriteFile(path, []byte(self()), 0o644); err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		return &Lock{path, key, lock}, nil
	}
}

// WaitLock is [TryLock] that waits for other processes as long as ctx lasts. Its error
// at the end is the *[LockedError] of the last try, with that of ctx.
func WaitLock(ctx context.Context, path string) (*Lock, error) {
	for {
		l, err := TryLock(path)
		var locked *LockedError
		if !errors.As(err, &locked) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// Release ends the lock.
func (l *Lock) Release() error {
	// The file goes first: who opened it before that sees that it is not the one of
	// that name, and tries again. Where an open file cannot be removed it stays. Another
	// file of that name, as when the folder was renamed meanwhile, is not this lock's.
	if own, err := l.lock.Stat(); err == nil {
		if now, err := os.Stat(l.path); err == nil && os.SameFile(own, now) {
			_ = os.Remove(l.path)
		}
	}
	err := l.lock.Close()
	owned(l.key, -1)
	return err
}

// Holder says who holds the lock of a path, "" if nobody does. It writes nothing.
func Holder(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	ok, err := lock.TryRLock()
	if err != nil {
		return ""
	}
	defer lock.Close() // nothing was written
	if ok {
		return ""
	}
	return holderOf(path)
}

// Elsewhere reports whether another process holds one of the locks in a folder.
func Elsewhere(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !ours(path) && Holder(path) != "" && !ours(path) {
			return true
		}
	}
	return false
}

// ours reports whether this process holds a lock, or is about to.
func ours(path string) bool { return owned(absolute(path), 0) > 0 }

// holderOf is the text in the file of a lock.
func holderOf(path string) string {
	if text, err := os.ReadFile(path); err == nil && len(text) > 0 {
		return strings.TrimSpace(string(text))
	}
	return "another process"
}

// self describes this process.
func self() string {
	return fmt.Sprintf("%s since %s (%s)\n", process(), time.Now().Format(time.DateTime), strings.Join(os.Args, " "))
}

// process names this process.
func process() string {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	return fmt.Sprintf("process %d on %s", os.Getpid(), host)
}
