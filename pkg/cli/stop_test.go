//go:build unix

package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// TestStopped stops the program as ctrl-Z does and lets it go on: the pause is in
// no time of the logs, does not use up train.seconds, and is told.
func TestStopped(t *testing.T) {
	work := t.TempDir()
	const pause = 2 * time.Second
	cmd, log := startRun(t, work, nil, "--out", "out", "--threads", "1",
		"--set", "methods=[{name: momentum, optimizer: {kind: sgd, learning_rate: 0.001}}]", "--set", "train={batch_size: 30, seconds: 1.2}",
		"--set", "evaluate.every=50", "--set", "checkpoint.every=50", "--set", "model.hidden=[200]")
	dir := filepath.Join(work, "out/runs/momentum/0")
	log.awaitIn(t, dir, "checkpoint.*")
	for _, s := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGSTOP, pause}, {syscall.SIGCONT, 0}} {
		if err := cmd.Process.Signal(s.signal); err != nil {
			t.Error(err)
		}
		time.Sleep(s.wait)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}

	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Outcome     string  `json:"outcome"`
		Wall        float64 `json:"wall_seconds"`
		Suspensions int     `json:"suspensions"`
		Suspended   float64 `json:"suspended_seconds"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if d := m.Suspended - pause.Seconds(); m.Outcome != "finished" || m.Suspensions != 1 || d < -0.1 || d > 0.3 || m.Wall < 1.2 || m.Wall > 1.2+pause.Seconds()/2 {
		t.Errorf("%+v", m)
	}
	if !strings.Contains(log.String(), "the process was stopped once while this run was made, for 2.") || !strings.Contains(log.String(), "s that wall_seconds leaves out") {
		t.Errorf("the log says\n%s", log)
	}
	for _, name := range []string{"metrics.csv", "steps.csv"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		at, last := slices.Index(records[0], "wall_seconds"), 0.0
		for i, r := range records[1:] {
			s, err := strconv.ParseFloat(r[at], 64)
			if err != nil || s < last || s-last > pause.Seconds()/2 {
				t.Errorf("%s: wall_seconds goes from %g to %s in row %d (%v)", name, last, r[at], i, err)
			}
			last = s
		}
	}
}

// TestTakenOver stops the program for longer than a lock waits for a sign of life: another
// command makes the run to its end, with the same bits as if nobody had been stopped, and
// the one that was stopped fails, says why, and writes nothing more.
func TestTakenOver(t *testing.T) {
	t.Setenv(hurried, "yes")
	work := t.TempDir()
	start := func(out string) (*exec.Cmd, *printed) {
		return startRun(t, work, nil, "--out", out, "--threads", "1", "--figures", "none",
			"--set", "methods=[{name: momentum, optimizer: {kind: sgd, learning_rate: 0.001}}]", "--set", "train={batch_size: 30, steps: 2000}",
			"--set", "evaluate.every=50", "--set", "checkpoint.every=20", "--set", "model.hidden=[100]")
	}
	whole, log := start("whole")
	if err := whole.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	first, firstLog := start("out")
	firstLog.awaitIn(t, work, "out/runs/momentum/0/checkpoint.[01]")
	if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer first.Process.Kill() // which has ended, unless the test fails
	second, secondLog := start("out")
	if err := second.Wait(); err != nil || !strings.Contains(secondLog.String(), "taken over from process "+strconv.Itoa(first.Process.Pid)) || !strings.Contains(secondLog.String(), "no sign of life for") {
		t.Fatalf("%v\n%s", err, secondLog)
	}
	want, _ := outcome(t, filepath.Join(work, "whole"))
	got, resumed := outcome(t, filepath.Join(work, "out"))
	if resumed != 1 || !maps.Equal(got, want) {
		t.Errorf("%d continued; %v, want %v", resumed, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	manifest, err := os.ReadFile(filepath.Join(work, "out/runs/momentum/0/manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	err = first.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(firstLog.String(), "was taken over") || !strings.Contains(firstLog.String(), "while this process was stopped") {
		t.Errorf("%v\n%s", err, firstLog)
	}
	after, _ := outcome(t, filepath.Join(work, "out"))
	if again, err := os.ReadFile(filepath.Join(work, "out/runs/momentum/0/manifest.json")); err != nil || string(again) != string(manifest) || !maps.Equal(after, want) {
		for name := range after {
			if after[name] != want[name] {
				t.Errorf("%s:\n%.600s\nwant\n%.600s", name, after[name], want[name])
			}
		}
		t.Errorf("the stopped process wrote to the run (%v): %v, %v", err, slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(want)))
	}
}

// TestEndedBySignal: a run goes down in order whether it is interrupted, terminated,
// told to go on later or its terminal closes, and outlives the terminal under nohup.
func TestEndedBySignal(t *testing.T) {
	// A signal that this process handles, its children begin with as if nobody had ever
	// ignored it: the tests may run under nohup.
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, syscall.SIGHUP)
	defer signal.Stop(handled)
	for _, c := range []struct {
		signal  syscall.Signal
		ignored bool
		seconds string
		code    int
		outcome string
	}{
		{syscall.SIGINT, false, "60", exitInterrupted, "interrupted"}, {syscall.SIGTERM, false, "60", exitInterrupted, "interrupted"},
		{syscall.SIGUSR1, false, "60", exitYielded, "interrupted"},
		{syscall.SIGHUP, false, "60", exitInterrupted, "interrupted"}, {syscall.SIGHUP, true, "0.5", exitDone, "finished"},
	} {
		work := t.TempDir()
		var wrapper []string
		if c.ignored {
			wrapper = []string{"/bin/sh", "-c", `trap "" HUP; exec "$@"`, "sh"}
		}
		cmd, log := startRun(t, work, wrapper, "--out", "out", "--quiet", "--figures", "none",
			"--set", "methods=[{name: momentum, optimizer: {kind: sgd, learning_rate: 0.001}}]", "--set", "train={batch_size: 30, seconds: "+c.seconds+"}", "--set", "checkpoint.every=20")
		dir := filepath.Join(work, "out/runs/momentum/0")
		log.awaitIn(t, dir, "checkpoint.*") // a step to go on from
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // the code tells
		data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
		if code := cmd.ProcessState.ExitCode(); err != nil || code != c.code || !strings.Contains(string(data), `"outcome": "`+c.outcome+`"`) {
			t.Errorf("%v, ignored %t: exit code %d, want %d; the outcome is not %s: %v", c.signal, c.ignored, code, c.code, c.outcome, err)
		}
	}
}

// TestToldTooEarly: who is told to go on later before there is anything to go on from does not ask
// to be begun again, which would happen for ever.
func TestToldTooEarly(t *testing.T) {
	work := t.TempDir()
	lock, err := diskfile.TryLock(filepath.Join(work, "out/.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	cmd, log := startRun(t, work, nil, "--out", "out", "--figures", "none")
	log.awaitText(t, "waiting for the results folder")
	if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the code tells
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(log.String(), "this command gets nowhere; give it more time") {
		t.Errorf("exit code %d\n%s", code, log)
	}
}
