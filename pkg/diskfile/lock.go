package diskfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// A Lock is held by one process at a time, on any machine that shares the disk. Its file
// says who holds it, and is gone when nobody does, unless the process was killed.
//
// On one machine the system tells when a process has ended, by flock, and its locks are
// free at once. Between machines flock cannot be relied on: there the file decides, which
// is made by a link, of which a disk allows one, and whose time of modification the holder
// moves on while it lives. A lock whose file has not changed for [Silence], as the clock
// of who looks measures it, is taken over, whatever became of the holder. A holder that was
// only stopped learns of that from Check, and is to write nothing more.
type Lock struct {
	Over *Takeover // from whom it was taken; nil: it was free

	path string
	key  string // in own
	file *flock.Flock
	done chan struct{}

	mu   sync.Mutex // of what follows
	beat time.Time  // the last sign of life
	lost error      // a *[LostError]
	free bool       // it was released
}

// A Takeover tells whose lock was taken, and for how long that process was silent: 0 if it
// has ended on this machine.
type Takeover struct {
	Holder  string
	Silence time.Duration
}

func (o *Takeover) String() string {
	if o.Silence == 0 {
		return o.Holder + ", which has ended without releasing it"
	}
	return fmt.Sprintf("%s, which has given no sign of life for %s", o.Holder, o.Silence.Round(time.Second))
}

// A LockedError says that another process holds a lock.
type LockedError struct {
	Path, Holder string
	Foreign      bool // on another machine
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is held by %s", e.Path, e.Holder)
}

// A LostError says that a lock is no longer that of this process.
type LostError struct {
	Path   string
	Holder string        // who has it now, "" if nobody does
	Silent time.Duration // since this process was last seen to be alive
}

func (e *LostError) Error() string {
	what := "was taken over and released again, or removed"
	if e.Holder != "" {
		what = "was taken over by " + e.Holder
	}
	return fmt.Sprintf("the lock %s %s, while this process was stopped or cut off (its last sign of life was %s ago)", e.Path, what, e.Silent.Round(time.Second))
}

// lockPoll is how often a lock that another process holds is tried again at first, and
// slowPoll after a while.
const (
	lockPoll = 20 * time.Millisecond
	slowPoll = time.Second
)

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

// errRaced says that a lock has changed since it was looked at.
var errRaced = errors.New("another process was faster")

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
		seen, err := look(path)
		if err != nil {
			return nil, err
		}
		if seen == nil {
			l, err = place(path)
		} else if over := seen.over(key); over != nil {
			l, err = takeOver(path, seen, over)
		} else {
			return nil, &LockedError{path, seen.holder(), seen.foreign()}
		}
		if err == nil {
			l.key = key
			forget(key)
			go l.live(pace.every)
			return l, nil
		}
		if !errors.Is(err, errRaced) {
			return nil, err
		}
	}
}

// WaitLock is [TryLock] that waits for other processes as long as ctx lasts. Its error
// at the end is the *[LockedError] of the last try, with that of ctx.
func WaitLock(ctx context.Context, path string) (*Lock, error) {
	for wait := lockPoll; ; wait = min(wait+wait/16, slowPoll, max(lockPoll, pace.every)) {
		l, err := TryLock(path)
		var locked *LockedError
		if !errors.As(err, &locked) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, context.Cause(ctx))
		case <-time.After(wait):
		}
	}
}

// link is replaced in tests, by that of a disk without links.
var link = os.Link

// place makes the file of a lock that nobody holds.
func place(path string) (*Lock, error) {
	l, temporary, err := prepare(path)
	if err != nil {
		return nil, err
	}
	defer os.Remove(temporary)
	err = link(temporary, path)
	if err != nil && l.verify() == nil { // an answer from a server that was lost, and asked for again
		return l, nil
	}
	if err == nil {
		return l, nil
	}
	if closed := l.file.Close(); closed != nil {
		return nil, errors.Join(err, closed)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, errRaced
	}
	return placeWithoutLink(path)
}

// placeWithoutLink is place for disks that know no hard links. For a moment the file is
// there and empty.
func placeWithoutLink(path string) (*Lock, error) {
	made, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, errRaced
	}
	if err != nil {
		return nil, err
	}
	defer made.Close()
	// One who asks may hold its flock for a moment. Each try opens the file anew, so it is made before.
	l := newLock(path, path, os.O_RDWR)
	for ok := false; !ok && err == nil; {
		if ok, err = l.file.TryLock(); err == nil && !ok {
			time.Sleep(lockPoll)
		}
		own, statErr := made.Stat()
		now, nowErr := os.Stat(path)
		if statErr != nil || nowErr != nil || !os.SameFile(own, now) {
			return nil, errors.Join(errRaced, l.file.Close()) // this process stood still for so long that its lock was taken over
		}
	}
	if err == nil {
		_, err = made.Write(newRecord().encode())
		err = errors.Join(err, made.Close())
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(path), l.file.Close())
	}
	return l, nil
}

func newLock(path, file string, flags int) *Lock {
	return &Lock{path: path, file: flock.New(file, flock.SetFlag(flags), flock.SetPermissions(0o644)), done: make(chan struct{}), beat: time.Now()}
}

// takeOver puts the file of a lock in the place of another. Those who would do so take
// turns, and see what the one before has left.
func takeOver(path string, seen *sighting, over *Takeover) (l *Lock, err error) {
	turn, err := TryLock(path + ".over")
	if err != nil {
		var locked *LockedError
		if errors.As(err, &locked) {
			locked.Path = path
		}
		return nil, err
	}
	defer func() { err = errors.Join(err, turn.Release()) }()
	now, err := look(path)
	if err != nil {
		return nil, err
	}
	if !now.same(seen) {
		return nil, errRaced
	}
	l, temporary, err := prepare(path)
	if err != nil {
		return nil, err
	}
	l.Over = over
	if err := os.Rename(temporary, path); err != nil {
		return nil, errors.Join(err, os.Remove(temporary), l.file.Close())
	}
	return l, nil
}

// prepare writes the file of a lock under another name, and holds it.
func prepare(path string) (l *Lock, temporary string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+preparedMark+"*")
	if err != nil {
		return nil, "", err
	}
	temporary = f.Name()
	_, err = f.Write(newRecord().encode())
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	l = newLock(path, temporary, os.O_RDWR)
	if err == nil {
		var ok bool
		if ok, err = l.file.TryLock(); err == nil && !ok {
			err = fmt.Errorf("another process has locked %s, which nobody else knows", temporary)
		}
	}
	if err != nil {
		return nil, "", errors.Join(err, l.file.Close(), os.Remove(temporary))
	}
	return l, temporary, nil
}

// preparedMark is in the names of files that are about to be those of locks.
const preparedMark = ".new-"

// Release ends the lock.
func (l *Lock) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free {
		return nil
	}
	l.free = true
	close(l.done)
	// The file goes first: who looks sees a holder, or nobody. Where an open file cannot be
	// removed it stays. Another file of that name, as when the folder was renamed
	// meanwhile, is not this lock's.
	if l.lost == nil && l.verify() == nil {
		_ = os.Remove(l.path)
	}
	err := l.file.Close()
	owned(l.key, -1)
	return err
}
