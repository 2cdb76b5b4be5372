package train

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/placement"
	"github.com/dualgn/dgn/pkg/runlog"
)

// madeBy makes the run of a training, and returns what it leaves but for times.
func madeBy(t *testing.T, of Training) (logs map[string][]string, params string, choices []runlog.ThreadChoice) {
	t.Helper()
	out, dir := output(t)
	out.Chosen = func(c runlog.ThreadChoice) { choices = append(choices, c) }
	end, err := of.Run(context.Background(), out)
	if err != nil || end.Outcome != runlog.Finished {
		t.Fatal(end, err)
	}
	if err := out.Log.Close(); err != nil {
		t.Fatal(err)
	}
	logs, _ = steps(t, dir)
	delete(logs, "wall_seconds")
	weights, err := os.ReadFile(filepath.Join(dir, runlog.ParamsFile))
	if err != nil {
		t.Fatal(err)
	}
	return logs, string(weights), choices
}

// TestThreadsAndBits: neither the steps that try numbers of threads nor CPUs that threads
// are bound to change a bit, whatever a method remembers.
func TestThreadsAndBits(t *testing.T) {
	text, err := os.ReadFile("../../testdata/resumable.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := parse(t, string(text), "log.inner=false") // whose file the output here has not
	p := opened(t, c)
	cpus, unbound := placement.Choose(2)
	for i := range c.Methods {
		of := Training{Problem: p, Method: &c.Methods[i], Threads: 2}
		logs, params, choices := madeBy(t, of)
		if choices != nil {
			t.Errorf("%s: a choice of threads that nobody asked for: %v", c.Methods[i].Name, choices)
		}
		check := func(what string, of Training) (choices []runlog.ThreadChoice) {
			t.Helper()
			l, w, choices := madeBy(t, of)
			if !maps.EqualFunc(logs, l, func(a, b []string) bool { return reflect.DeepEqual(a, b) }) || w != params {
				t.Errorf("%s: other bits %s", c.Methods[i].Name, what)
			}
			return choices
		}
		of.Auto = true
		if got := check("with a choice of threads", of); len(got) != 1 {
			t.Errorf("%d choices of threads", len(got))
		} else if got := got[0]; len(got.Measured) == 2 {
			best := 0
			if got.Measured[1].MedianSeconds < got.Measured[0].MedianSeconds {
				best = 1
			}
			if got.Threads != got.Measured[best].Threads || got.Measured[0].Threads != 1 || got.Measured[1].Threads != 2 || got.Measured[0].Steps < turnSteps*leastTurns || got.Reason != "the smaller median" {
				t.Errorf("a wrong choice: %+v", got)
			}
		} else if len(got.Measured) > 0 || got.Threads != 2 || !strings.HasPrefix(got.Reason, "a step takes ") { // on a busy machine
			t.Errorf("a wrong choice: %+v", got)
		}
		of.Threads = 1
		if got := check("with one thread", of); len(got) != 1 || got[0].Threads != 1 || got[0].Measured != nil || got[0].Reason != "there is one thread" {
			t.Errorf("a wrong choice: %+v", got)
		}
		if unbound == nil {
			of.Threads, of.Auto, of.CPUs = 2, false, cpus
			check("with threads bound to CPUs", of)
		}
	}
}

// TestTooFewCPUs: threads that cannot have a CPU each are an error.
func TestTooFewCPUs(t *testing.T) {
	c := parse(t, toy)
	out, _ := output(t)
	of := Training{Problem: opened(t, c), Method: &c.Methods[0], Threads: 2, CPUs: []int{0}}
	if end, err := of.Run(context.Background(), out); err == nil || !strings.Contains(err.Error(), "2 threads cannot be bound to 1 CPUs") || end.Outcome != runlog.Failed {
		t.Error(end, err)
	}
	of.CPUs = []int{0, 1000}
	if _, err := of.Run(context.Background(), out); err == nil || !errors.Is(err, placement.ErrUnsupported) && !strings.Contains(err.Error(), "cannot bind a thread to CPU 1000") {
		t.Error(err)
	}
	if err := out.Log.Close(); err != nil {
		t.Error(err)
	}
}
