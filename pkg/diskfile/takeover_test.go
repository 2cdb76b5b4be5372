package diskfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestMain is also the other processes of the tests: with a path in the environment it
// takes the lock of that path, says so, and keeps it, or, for a race, takes it, notes its
// turn and releases it, again and again.
func TestMain(m *testing.M) {
	path, turns := os.Getenv("LOCK_PATH"), os.Getenv("LOCK_TURNS")
	if path == "" {
		os.Exit(m.Run())
	}
	hurried()
	if turns != "" {
		os.Exit(takeTurns(path, turns))
	}
	l, err := WaitLock(context.Background(), path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	var word string
	for {
		if _, err := fmt.Scan(&word); err != nil {
			os.Exit(0)
		}
		fmt.Println(l.Check() == nil)
	}
}

// takeTurns has the lock often, and leaves a line for each time in a file that nobody else
// may be writing meanwhile.
func takeTurns(path, log string) int {
	for range 10 {
		l, err := WaitLock(context.Background(), path)
		if err == nil {
			err = os.Mkdir(log+".inside", 0o755) // fails if another is there
		}
		if err != nil {
			fmt.Println(err)
			return 1
		}
		f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			_, err = fmt.Fprintln(f, os.Getpid())
		}
		if err := errors.Join(err, f.Close(), os.Remove(log+".inside"), l.Release()); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	return 0
}

// hurried is what a machine can keep up with that is at work on other tests.
func hurried() func() { return Hurry(20*time.Millisecond, 800*time.Millisecond) }

// hurry makes silence short.
func hurry(t *testing.T) {
	t.Helper()
	t.Cleanup(hurried())
}

// other is another process that holds a lock.
type other struct {
	*exec.Cmd
	t   *testing.T
	in  interface{ Write([]byte) (int, error) }
	out interface{ Read([]byte) (int, error) }
}

func (o *other) line() string {
	var word string
	if _, err := fmt.Fscanln(o.out, &word); err != nil {
		o.t.Fatal(err)
	}
	return word
}

// checks asks the process whether it still has the lock.
func (o *other) checks() string {
	if _, err := o.in.Write([]byte("check\n")); err != nil {
		o.t.Fatal(err)
	}
	return o.line()
}

func holdElsewhere(t *testing.T, path string) *other {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "LOCK_PATH="+path)
	in, err1 := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	o := &other{c, t, in, out}
	if got := o.line(); got != "held" {
		t.Fatal(got)
	}
	return o
}

// TestKilledHolder: the lock of a process of this machine that was killed is free at once,
// and who takes it says from whom.
func TestKilledHolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "locks", "a")
	o := holdElsewhere(t, path)
	var locked *LockedError
	if _, err := TryLock(path); !errors.As(err, &locked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on %s", o.Process.Pid, Host())) {
		t.Fatalf("says %v", err)
	}
	if !Elsewhere(filepath.Dir(path)) {
		t.Error("no other process is seen at work")
	}
	if h, err := Held(path); err != nil || h.PID != o.Process.Pid || h.Host != Host() || h.Ended || h.Foreign || since(h.Beat) > time.Minute {
		t.Errorf("%+v, %v", h, err)
	}
	if err := o.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = o.Wait()
	if h, err := Held(path); err != nil || !h.Ended || HolderOf(path) != "" || Elsewhere(filepath.Dir(path)) {
		t.Errorf("%+v, %v", h, err)
	}
	l, err := TryLock(path)
	if err != nil || l.Over == nil || l.Over.Silence != 0 || !strings.Contains(l.Over.String(), fmt.Sprintf("process %d on", o.Process.Pid)) {
		t.Fatalf("%+v, %v", l, err)
	}
	if err := errors.Join(l.Check(), l.Release()); err != nil {
		t.Error(err)
	}
	only(t, filepath.Dir(path))
}

// TestStoppedHolder: a process that is stopped for longer than the silence loses its lock,
// and knows when it goes on, before it writes anything.
func TestStoppedHolder(t *testing.T) {
	hurry(t)
	path := filepath.Join(t.TempDir(), "a")
	o := holdElsewhere(t, path)
	if o.checks() != "true" {
		t.Error("lost before it was stopped")
	}
	if err := o.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	l, err := WaitLock(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(began); waited < pace.silence || l.Over == nil || l.Over.Silence < pace.silence || !strings.Contains(l.Over.String(), "no sign of life for") {
		t.Errorf("after %v: %v", waited, l.Over)
	}
	if err := o.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if o.checks() != "false" {
		t.Error("the stopped process does not know that it lost the lock")
	}
	if err := errors.Join(l.Check(), l.Release()); err != nil {
		t.Error(err)
	}
	only(t, filepath.Dir(path))
}

// TestLost: who holds a lock that another has taken says whose it is now, and leaves it
// alone when it is released.
func TestLost(t *testing.T) {
	hurry(t)
	path := filepath.Join(t.TempDir(), "a")
	first, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	first.mu.Lock() // the process is stopped
	second, err := WaitLock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	first.mu.Unlock()
	var lost *LostError
	if err := first.Check(); !errors.As(err, &lost) || !strings.Contains(err.Error(), "was taken over by process") || lost.Silent < pace.silence {
		t.Errorf("says %v", err)
	}
	if err := first.Release(); err != nil || HolderOf(path) == "" {
		t.Errorf("%v, and %q", err, HolderOf(path))
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for second.Check() == nil && time.Now().Before(deadline) {
		time.Sleep(pace.every)
	}
	if err := second.Check(); err == nil || !strings.Contains(err.Error(), "or removed") {
		t.Errorf("says %v", err)
	}
	if err := second.Release(); err != nil {
		t.Error(err)
	}
}

// foreign writes the lock of a process of another machine, whose clock is wrong.
func foreign(t *testing.T, path string) (beat func()) {
	t.Helper()
	h := newRecord()
	h.Host, h.PID, h.Boot = "node7", 4242, "another boot"
	write(t, path, string(h.encode()))
	at := time.Now().Add(-12 * time.Hour)
	return func() {
		at = at.Add(time.Millisecond)
		if err := os.Chtimes(path, time.Time{}, at); err != nil {
			t.Error(err)
		}
	}
}

// TestForeignHolder: what flock says of a lock of another machine counts for nothing. It is
// held as long as its file changes, whatever the clock of that machine says, and is taken
// over when it has not for the silence.
func TestForeignHolder(t *testing.T) {
	hurry(t)
	path := filepath.Join(t.TempDir(), "a")
	beat := foreign(t, path)
	beat()
	ctx, cancel := context.WithTimeout(context.Background(), 2*pace.silence)
	defer cancel()
	stopped := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-stopped:
				return
			case <-time.After(pace.every):
				beat()
			}
		}
	})
	var locked *LockedError
	if _, err := WaitLock(ctx, path); !errors.As(err, &locked) || !locked.Foreign || !strings.Contains(err.Error(), "process 4242 on node7") {
		t.Errorf("while it lives: %v", err)
	}
	if Elsewhere(filepath.Dir(path)) {
		t.Error("a process of another machine counts as one of this")
	}
	close(stopped)
	all.Wait()
	began := time.Now()
	l, err := WaitLock(context.Background(), path)
	if err != nil || l.Over == nil || !strings.Contains(l.Over.Holder, "node7") {
		t.Fatalf("%+v, %v", l, err)
	}
	if waited := time.Since(began); waited < pace.silence/2 {
		t.Errorf("taken over after %v", waited)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	only(t, filepath.Dir(path))
}

// TestForeignTurn: a machine that died while it took a lock over leaves its turn behind, which is
// taken over too.
func TestForeignTurn(t *testing.T) {
	hurry(t)
	path := filepath.Join(t.TempDir(), "a")
	foreign(t, path)
	foreign(t, path+".over")
	ctx, cancel := context.WithTimeout(context.Background(), 6*pace.silence)
	defer cancel()
	l, err := WaitLock(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	only(t, filepath.Dir(path))
}

// TestWatchBeginsAgain: who did not look for a while, as it was stopped too, takes nothing
// over at its next look.
func TestWatchBeginsAgain(t *testing.T) {
	hurry(t)
	path := filepath.Join(t.TempDir(), "a")
	foreign(t, path)
	for range 2 {
		if _, err := TryLock(path); err == nil {
			t.Fatal("taken over")
		}
		time.Sleep(pace.silence + pace.every)
	}
}

// TestTakeoverRace: of many who would take over one lock, here and in other processes, one
// has it at a time.
func TestTakeoverRace(t *testing.T) {
	hurry(t)
	for _, dead := range []bool{true, false} {
		dir := t.TempDir()
		path, log := filepath.Join(dir, "a"), filepath.Join(dir, "log")
		foreign(t, path)
		if dead {
			h := newRecord()
			write(t, path, string(h.encode()))
		}
		var all sync.WaitGroup
		var inside atomic.Int32
		for range 3 {
			all.Go(func() {
				c := exec.Command(os.Args[0])
				c.Env = append(os.Environ(), "LOCK_PATH="+path, "LOCK_TURNS="+log)
				if out, err := c.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
			all.Go(func() {
				l, err := WaitLock(context.Background(), path)
				if err == nil {
					err = os.Mkdir(log+".inside", 0o755)
				}
				if err != nil || inside.Add(1) != 1 {
					t.Errorf("two have the lock: %v", err)
				}
				inside.Add(-1)
				if err := errors.Join(os.Remove(log+".inside"), l.Release()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := strings.Count(content(t, log), "\n"); n != 30 {
			t.Errorf("%d turns, want 30", n)
		}
		only(t, dir, "log")
	}
}

// TestEarlyVersions: the file of an early version says who holds it in one line, and flock
// alone tells whether it does.
func TestEarlyVersions(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), "process 17 on node3 since 2024-01-01 (dgn run)\n")
	if h, err := Held(path); err != nil || !h.Ended || HolderOf(path) != "" {
		t.Errorf("%+v, %v", h, err)
	}
	l, err := TryLock(path)
	if err != nil || l.Over == nil || !strings.Contains(l.Over.String(), "process 17 on node3") {
		t.Fatalf("%+v, %v", l, err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

// TestWithoutLinks: where a disk knows no hard links, locks exclude all the same.
func TestWithoutLinks(t *testing.T) {
	link = func(string, string) error { return &os.LinkError{Op: "link", Err: syscall.EPERM} }
	t.Cleanup(func() { link = os.Link })
	TestLocks(t)
	TestLocksExclude(t)
}

// TestAskedWithoutLinks: where a disk knows no hard links, those who ask who holds a lock are not in
// the way of one who takes it, whose file they lock for a moment.
func TestAskedWithoutLinks(t *testing.T) {
	link = func(string, string) error { return &os.LinkError{Op: "link", Err: syscall.EPERM} }
	t.Cleanup(func() { link = os.Link })
	path := filepath.Join(t.TempDir(), "a")
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	for range 4 {
		asking.Go(func() {
			for ctx.Err() == nil {
				HolderOf(path)
			}
		})
	}
	for turn := range 300 {
		l, err := TryLock(path)
		if err != nil {
			t.Fatalf("turn %d: %v", turn, err)
		}
		if h, err := Held(path); err != nil || h == nil || h.PID != os.Getpid() || h.Ended {
			t.Fatalf("turn %d: %+v, %v", turn, h, err)
		}
		if err := l.Release(); err != nil {
			t.Fatalf("turn %d: %v", turn, err)
		}
	}
}

// TestEmptyLock: a file that says nothing may be of one who is about to write it, and is
// taken over after the silence.
func TestEmptyLock(t *testing.T) {
	hurry(t)
	path := write(t, filepath.Join(t.TempDir(), "a"), "")
	if _, err := TryLock(path); err == nil {
		t.Error("taken at once")
	}
	l, err := WaitLock(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

// FuzzLock: whatever stands in the file of a lock, looking at it says something.
func FuzzLock(f *testing.F) {
	f.Add(newRecord().encode())
	f.Add([]byte("process 1\n"))
	f.Add([]byte("\n{\"host\": 3}"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		h, err := Held(path)
		if err != nil || h == nil {
			t.Fatalf("%v, %v", h, err)
		}
	})
}
