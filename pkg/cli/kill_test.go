package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	kills    = flag.Int("kills", 5, "how often TestKill kills the program")
	killSeed = flag.Uint64("kill-seed", 0, "chance of the moments and threads of TestKill; 0: another every time")
)

// TestKill kills the program at random moments, starts it again each time, with
// other numbers of threads, until its runs are complete, and compares every
// column but times, and the weights, with those of runs that were never killed.
func TestKill(t *testing.T) {
	seed := *killSeed
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-kill-seed %d", seed) // shown where the test fails
	chance := rand.New(rand.NewPCG(seed, 0))
	work := t.TempDir()
	start := func(dir string) (*exec.Cmd, *printed) {
		return startRun(t, work, nil, "--quiet", "--out", dir, "--threads", strconv.Itoa(1+chance.IntN(3)),
			"--set", "train.steps=150", "--set", "evaluate.every=7", "--set", "checkpoint.every=3", "--set", "model.hidden=[40]")
	}
	began := time.Now()
	cmd, log := start("whole")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	want, _ := outcome(t, filepath.Join(work, "whole"))
	// Half of the training, so that it takes more than one kill to get through,
	// and the moments come to lie anywhere.
	info, err := os.Stat(filepath.Join(work, "whole/runs/prox/0/manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	span := info.ModTime().Sub(began) / 2

	left, writing, resumed, rounds := *kills, 0, 0, 0
	for ; left > 0; rounds++ {
		dir := fmt.Sprintf("killed%d", rounds)
		for done := false; !done; {
			cmd, log := start(dir)
			exited := make(chan error, 1)
			go func() { exited <- cmd.Wait() }()
			var moment <-chan time.Time // never, when all kills have been used
			if left > 0 {
				moment = time.After(time.Duration(chance.Int64N(int64(span))))
			}
			select {
			case err := <-exited:
				if err != nil || strings.Contains(log.String(), "checkpoint") { // which would be a warning
					t.Fatalf("%v\n%s", err, log)
				}
				done = true
			case <-moment:
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-exited
				left--
				if cut, _ := filepath.Glob(filepath.Join(work, dir, "runs/*/*/checkpoint.*.tmp")); len(cut) > 0 {
					writing++
				}
				// What follows the training takes as long, and needs no more kills.
				done = left > 0 && finished(t, filepath.Join(work, dir)) == 5
			}
		}
		got, n := outcome(t, filepath.Join(work, dir))
		resumed += n
		for name, text := range want {
			if got[name] != text {
				t.Errorf("%s: %s differs from that of a run never killed", dir, name)
			}
		}
		for name := range got {
			// A kill between the last manifest and what follows leaves checkpoints.
			if _, ok := want[name]; !ok && (left == 0 || !strings.HasPrefix(filepath.Base(name), "checkpoint.")) {
				t.Errorf("%s holds %s", dir, name)
			}
		}
	}
	t.Logf("%d kills within %v, %d of them while a checkpoint was written; %d continued runs in %d experiments", *kills, span.Round(time.Millisecond), writing, resumed, rounds)
	if resumed < *kills/10 { // of fewer than ten none need be: all may come before the first checkpoint
		t.Errorf("only %d runs were continued after %d kills: the test proves too little", resumed, *kills)
	}
}

// startRun starts `dgn run testdata/resumable.yaml` with the arguments in a folder,
// by the words of wrapper if there are any, and returns it with what it writes to
// standard error.
func startRun(t *testing.T, work string, wrapper []string, args ...string) (*exec.Cmd, *printed) {
	t.Helper()
	config, err := filepath.Abs("../../testdata/resumable.yaml")
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("dgn") // this test's binary under another name
	if err != nil {
		t.Fatal(err)
	}
	words := slices.Concat(wrapper, []string{program, "run", config}, args)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "HOME="+work, "XDG_CONFIG_HOME="+work)
	var log printed
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &log
}

// printed is what a program has printed so far.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// awaitIn waits until a file of the folder, as [filepath.Glob] finds it, is there.
func (p *printed) awaitIn(t *testing.T, dir, pattern string) {
	t.Helper()
	p.await(t, pattern, func() bool {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		return found != nil
	})
}

// awaitText waits until the program has printed a text.
func (p *printed) awaitText(t *testing.T, text string) {
	t.Helper()
	p.await(t, text, func() bool { return strings.Contains(p.String(), text) })
}

// await waits for as long as a busy machine may take.
func (p *printed) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 12000 {
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("no %q within a minute, but\n%s", what, p)
}

// finished counts the complete runs in a folder.
func finished(t *testing.T, dir string) (n int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "runs/*/*/manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(string(text), `"outcome": "finished"`)
	}
	return n
}

// outcome returns what the runs in a folder left, by file, without times, and how
// often they were continued.
func outcome(t *testing.T, dir string) (files map[string]string, resumed int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "runs/*/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		switch filepath.Ext(path) {
		case ".csv":
			records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			at := slices.IndexFunc(records[0], func(column string) bool { return strings.HasSuffix(column, "seconds") })
			for i, r := range records {
				if at >= 0 { // not in inner.csv
					records[i] = slices.Delete(r, at, at+1)
				}
			}
			text = fmt.Sprint(records)
		case ".json":
			var m struct {
				Outcome string `json:"outcome"`
				Resumed []any  `json:"resumed"`
			}
			if err := json.Unmarshal(data, &m); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			text = m.Outcome
			resumed += len(m.Resumed)
		}
		files[strings.TrimPrefix(path, dir)] = text
	}
	return files, resumed
}
