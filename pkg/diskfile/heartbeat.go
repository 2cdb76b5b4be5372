package diskfile

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// Every is how often the holder of a lock gives a sign of life, and Silence how long one
// may be missing until the lock is taken over. They are the same for all processes.
const (
	Every   = 10 * time.Second
	Silence = 2 * time.Minute
)

// pace is what applies.
var pace = struct{ every, silence time.Duration }{Every, Silence}

// Hurry has locks of this process give signs of life more often, and be taken over sooner,
// until the function that it returns is called. It is for tests.
func Hurry(every, silence time.Duration) (restore func()) {
	before := pace
	pace.every, pace.silence = every, silence
	return func() { pace = before }
}

// live gives signs of life until the lock is released or lost.
func (l *Lock) live(every time.Duration) {
	beat := time.NewTicker(every)
	defer beat.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-beat.C:
		}
		l.mu.Lock()
		if !l.free {
			l.pulse()
		}
		lost := l.lost != nil
		l.mu.Unlock()
		if lost {
			return
		}
	}
}

// Check returns a *[LostError] if the lock is no longer that of this process. It is to be
// called before anything is written that the lock is for: a process that was stopped, or a
// machine that slept, does not know of the time that has passed. It looks at the disk only
// if a sign of life is overdue.
func (l *Lock) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost == nil && !l.free && since(l.beat) > pace.silence/2 {
		l.pulse()
	}
	return l.lost
}

// pulse gives a sign of life, or notes that the lock is lost. A disk that does not answer
// is no reason to give up.
func (l *Lock) pulse() {
	err := l.verify()
	if errors.Is(err, fs.ErrNotExist) {
		holder := ""
		if seen, err := look(l.path); err == nil && seen != nil {
			holder = seen.holder()
		}
		l.lost = &LostError{l.path, holder, since(l.beat)}
		return
	}
	now := time.Now()
	if err == nil && os.Chtimes(l.path, time.Time{}, now) == nil {
		l.beat = now
	}
}

// verify returns fs.ErrNotExist if the file of the lock's name is not that of the lock.
func (l *Lock) verify() error {
	own, err := l.file.Stat()
	if err != nil {
		return err
	}
	now, err := os.Stat(l.path)
	if err == nil && !os.SameFile(own, now) {
		return fs.ErrNotExist
	}
	return err
}

// since is how long ago a time was, by whichever clock says more: one stands still while
// the machine sleeps, and the other may be set back.
func since(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}
