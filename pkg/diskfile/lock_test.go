package diskfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestLocks: a lock has one holder, who is named, and leaves nothing behind.
func TestLocks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "locks", "a")
	if got := HolderOf(path); got != "" {
		t.Errorf("held by %q before there is a lock", got)
	}
	first, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	me := fmt.Sprintf("process %d on ", os.Getpid())
	if got := HolderOf(path); !strings.Contains(got, me) {
		t.Errorf("held by %q", got)
	}
	_, err = TryLock(path)
	var locked *LockedError
	if !errors.As(err, &locked) || !strings.Contains(err.Error(), me) {
		t.Errorf("a second holder: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := WaitLock(ctx, path); !errors.As(err, &locked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("in vain: %v", err)
	}
	time.AfterFunc(20*time.Millisecond, func() {
		if err := first.Release(); err != nil {
			t.Error(err)
		}
	})
	second, err := WaitLock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Release(); err != nil {
		t.Error(err)
	}
	only(t, filepath.Join(dir, "locks"))
	// A killed process leaves its file, which is no lock.
	if err := os.WriteFile(path, []byte("process 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := HolderOf(path); got != "" {
		t.Errorf("held by the dead %q", got)
	}
	third, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Release(); err != nil {
		t.Error(err)
	}
}

// TestRenamedLocks: who holds a lock in a folder that was renamed does not remove the
// lock that another has in its place.
func TestRenamedLocks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "locks", "a")
	first, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "locks"), filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	second, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := TryLock(path); !errors.As(err, &locked) {
		t.Errorf("two holders: %v", err)
	}
	if err := second.Release(); err != nil {
		t.Fatal(err)
	}
}

// TestLocksExclude: of many who take a lock, remove its file, and take it again, never
// two have it at the same time.
func TestLocksExclude(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	path := filepath.Join(dir, "a")
	var inside atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				l, err := WaitLock(context.Background(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d have the lock", n)
				}
				inside.Add(-1)
				if err := l.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// TestElsewhere: locks that this process takes and releases are never those of another,
// at no moment.
func TestElsewhere(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				lock, err := TryLock(filepath.Join(dir, fmt.Sprint(i)))
				var locked *LockedError // for the moment in which Holder looks
				if errors.As(err, &locked) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if err := lock.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3000 {
		if Elsewhere(dir) {
			t.Error("a lock of this process counts as that of another")
			break
		}
	}
	cancel()
	all.Wait()
}
