package cli

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/train"
	"golang.org/x/sys/unix"
)

// A terminal is a pseudo-terminal that keeps what was written to it.
type terminal struct {
	*os.File // the program's end
	master   *os.File
	mu       sync.Mutex
	text     strings.Builder
	read     chan struct{}
}

func newTerminal(t *testing.T, width int) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	control(t, master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := &terminal{File: slave, master: master, read: make(chan struct{})}
	c.resize(t, width)
	go func() {
		defer close(c.read)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			c.mu.Lock()
			c.text.Write(b[:n])
			c.mu.Unlock()
			if err != nil { // the program's end is closed
				return
			}
		}
	}()
	t.Cleanup(func() { slave.Close(); master.Close() })
	return c
}

func control(t *testing.T, f *os.File, do func(fd int) error) {
	t.Helper()
	c, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Control(func(fd uintptr) { err = do(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (c *terminal) resize(t *testing.T, width int) {
	t.Helper()
	control(t, c.master, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: uint16(width)})
	})
}

func (c *terminal) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// await waits until the terminal shows a text after the first from bytes.
func (c *terminal) await(t *testing.T, from int, text string) {
	t.Helper()
	for began := time.Now(); !strings.Contains(c.String()[from:], text); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%q is not shown:\n%q", text, c)
		}
	}
}

// end closes the program's end and returns all that was shown.
func (c *terminal) end() string {
	c.Close()
	<-c.read
	return c.String()
}

var (
	escape = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	colour = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// widest is the length of the longest line, without what moves the cursor.
func widest(text string) (n int) {
	for line := range strings.SplitSeq(escape.ReplaceAllString(text, ""), "\n") {
		n = max(n, utf8.RuneCountInString(strings.TrimRight(line, "\r")))
	}
	return n
}

// on returns an app that writes to a terminal of a width.
func on(t *testing.T, width int) (*app, *terminal) {
	c := newTerminal(t, width)
	return &app{stderr: c.File, settings: settings{LogFormat: "text"}}, c
}

var evaluated = &runlog.Evaluation{Step: 5, TrainLoss: 1, TrainAccuracy: math.NaN(), ValidLoss: math.NaN(), ValidAccuracy: math.NaN(), TestLoss: 1, TestAccuracy: 0.875, TestRMSE: math.NaN()}

// task is one of a method, which is all that screens show of its config.
func task(method string, seed uint64) plan.Task {
	return plan.Task{Config: &config.Config{Methods: []config.Method{{Name: method}}}, Seed: seed}
}

// TestBars: a run is a bar that says what it is, how far it is, and how it ended.
func TestBars(t *testing.T) {
	for outcome, want := range map[runlog.Outcome]string{
		runlog.Finished: "done", runlog.AtGoal: "done", runlog.Diverged: "stopped", runlog.Interrupted: "stopped", runlog.Failed: "stopped",
	} {
		a, c := on(t, 120)
		s := a.newScreen(context.Background())
		run := s.monitor(a.logger(s)).Start(experiment.RunInfo{Task: task("SGD", 7)})
		run.Step(train.Progress{Step: 5, Used: 0.5, BatchLoss: 0.25})
		run.Evaluated(evaluated)
		c.await(t, 0, "50 %")
		a.logger(s).Info("a line above the bars")
		run.End(outcome, "")
		s.close()
		text := c.end()
		for _, part := range []string{"SGD, seed 7", "batch loss 0.25", "test accuracy 87.50%", "a line above the bars", want} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is not shown:\n%q", outcome, part, text)
			}
		}
	}
}

// TestBarWidth: lines are never wider than the terminal, which may change.
func TestBarWidth(t *testing.T) {
	for _, name := range []string{"SGD", strings.Repeat("a long name ", 30), "Größe × " + strings.Repeat("é", 90)} {
		a, c := on(t, 60)
		s := a.newScreen(context.Background())
		run := s.monitor(a.logger(s)).Start(experiment.RunInfo{Task: task(name, 1)})
		run.Step(train.Progress{Step: 1, Used: 0.1, BatchLoss: 0.5})
		c.await(t, 0, name[:3])
		c.await(t, 0, "\n")
		if n := widest(c.String()); n > 60 {
			t.Errorf("%.20q: a line of %d on a terminal of 60", name, n)
		}
		c.resize(t, 30)
		time.Sleep(400 * time.Millisecond) // two times the bars are drawn
		from := len(c.String())
		run.Step(train.Progress{Step: 2, Used: 0.5, BatchLoss: 0.5})
		c.await(t, from, "\n")
		run.End(runlog.Finished, "")
		s.close()
		if n := widest(c.end()[from:]); n > 30 {
			t.Errorf("%.20q: a line of %d on a terminal of 30", name, n)
		}
	}
}

// TestClosedTerminal: runs go on when their terminal is closed.
func TestClosedTerminal(t *testing.T) {
	a, c := on(t, 60)
	s := a.newScreen(context.Background())
	run := s.monitor(a.logger(s)).Start(experiment.RunInfo{Task: task("SGD", 0)})
	c.await(t, 0, "SGD")
	c.master.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range 5 {
			run.Step(train.Progress{Step: i, Used: float64(i) / 10, BatchLoss: 1})
			time.Sleep(refresh / 2)
		}
		a.logger(s).Info("a line that no one sees")
		run.End(runlog.Finished, "")
		s.close()
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the run hangs")
	}
}

// TestInterruptedBars: an interrupt leaves the bars to the runs, which show it.
func TestInterruptedBars(t *testing.T) {
	a, c := on(t, 120)
	ctx, cancel := context.WithCancel(context.Background())
	s := a.newScreen(ctx)
	run := s.monitor(a.logger(s)).Start(experiment.RunInfo{Task: task("SGD", 0)})
	run.Step(train.Progress{Step: 3, Used: 0.3, BatchLoss: 1})
	cancel()
	run.End(runlog.Interrupted, "")
	a.logger(s).Warn("a last word")
	s.close()
	if text := c.end(); !strings.Contains(text, "stopped") || !strings.Contains(text, "a last word") {
		t.Errorf("shows %q", text)
	}
}

// TestSweepBars: one bar counts all runs, those of runs that ended well go, and
// of others a line stays.
func TestSweepBars(t *testing.T) {
	a, c := on(t, 120)
	s := a.newScreen(context.Background())
	m := s.manyMonitor(a.logger(s))
	for i, o := range []runlog.Outcome{runlog.Finished, runlog.Diverged, runlog.AtGoal} {
		run := m.Start(experiment.RunInfo{Task: task("Adam", uint64(i)), Number: i + 1, Of: 3})
		run.Step(train.Progress{Step: 2, Used: 0.5, BatchLoss: 1})
		run.Evaluated(evaluated)
		run.End(o, "a detail")
	}
	s.close()
	text := escape.ReplaceAllString(c.end(), "")
	for _, part := range []string{"all runs", "3 / 3", "outcome=diverged", `detail="a detail"`} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not shown:\n%q", part, text)
		}
	}
	if n := strings.Count(text, "outcome="); n != 1 {
		t.Errorf("%d lines of runs that ended:\n%q", n, text)
	}
}

// TestDownloadBar: a download is a bar, whether it gets to its end or not.
func TestDownloadBar(t *testing.T) {
	a, c := on(t, 120)
	s := a.newScreen(context.Background())
	for _, n := range []int{2048, 1024} {
		w := s.download(fmt.Sprintf("file%d.gz", n), 2048)
		if got, err := w.Write(make([]byte, n)); got != n || err != nil {
			t.Error(got, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	s.close()
	text := c.end()
	for _, part := range []string{"file2048.gz", "2.0 KiB / 2.0 KiB", "file1024.gz", "1.0 KiB / 2.0 KiB"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not shown:\n%q", part, text)
		}
	}
}

// program runs the whole program, with the logs on w.
func program(t *testing.T, w *os.File, args ...string) {
	t.Helper()
	config, err := filepath.Abs("../../configs/digits.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	args = append([]string{"run", config, "--out", t.TempDir(), "--set", "train.epochs=1", "--set", "seeds=[0]"}, args...)
	var out strings.Builder
	if code := run("", args, &out, w); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// TestScreenKinds: bars and colours are for terminals alone, and can be turned
// off there.
func TestScreenKinds(t *testing.T) {
	for _, c := range []struct {
		name        string
		noColor     string
		args        []string
		bars, lines bool
	}{
		{"terminal", "", nil, true, false},
		{"no colours", "1", nil, true, false},
		{"quiet", "", []string{"--quiet"}, false, false},
		{"json", "", []string{"--log-format", "json"}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", c.noColor)
			term := newTerminal(t, 100)
			program(t, term.File, c.args...)
			text := term.end()
			if got := strings.Contains(text, "SGD, seed 0"); got != c.bars {
				t.Errorf("bars: %v", got)
			}
			if got := strings.Contains(text, `"msg":"evaluated"`); got != c.lines {
				t.Errorf("lines: %v", got)
			}
			if !c.bars && strings.Contains(text, "\x1b") {
				t.Errorf("escape sequences without bars:\n%q", text)
			}
			if n := widest(text); c.bars && n > 100 {
				t.Errorf("a line of %d on a terminal of 100", n)
			}
		})
	}
	t.Run("file", func(t *testing.T) {
		file, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		program(t, file)
		b, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if text := string(b); strings.Contains(text, "\x1b") || !strings.Contains(text, "evaluated method=SGD seed=0") {
			t.Errorf("a file holds\n%q", text)
		}
	})
}

// TestColours: log lines are coloured on terminals, unless NO_COLOR is set.
func TestColours(t *testing.T) {
	for value, want := range map[string]bool{"": true, "1": false} {
		t.Setenv("NO_COLOR", value)
		a, c := on(t, 80)
		a.settings.Quiet = true
		s := a.newScreen(context.Background())
		a.logger(s).Warn("careful")
		s.close()
		if text := c.end(); !strings.Contains(text, "careful") || colour.MatchString(text) != want {
			t.Errorf("NO_COLOR=%q: %q", value, text)
		}
	}
}
