// Package runlogtest makes up results folders, for tests of what reads them.
package runlogtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/runlog"
)

// Header is the first line of a metrics.csv.
const Header = "method,seed,step,epoch,wall_seconds,cost,oracle_calls,train_loss,train_accuracy,valid_loss,valid_accuracy,test_loss,test_accuracy,test_rmse\n"

// A Run is what a test puts in a results folder.
type Run struct {
	runlog.Manifest
	Losses []float64 // an evaluation each; the accuracy is 1 - loss/4
	Text   string    // metrics.csv, in place of them
	Steps  string    // steps.csv; "": there is none
	Inner  string    // inner.csv; "": there is none
	Probes string    // probes.csv; "": there is none
	Duals  []arrays.Array
}

// New returns a run of the experiment toy on digits, without settings.
func New(method string, index int, seed uint64, outcome string, losses ...float64) Run {
	return Run{Manifest: runlog.Manifest{Name: "toy", Method: method, MethodIndex: index, Seed: seed, Dataset: "digits", Outcome: runlog.Outcome(outcome), Machine: runlog.Machine{CPU: "c"}, Threads: 2, Jobs: 1}, Losses: losses}
}

// Metrics is the metrics.csv of a run: the time of a step depends on the seed.
func (r Run) Metrics() string {
	if r.Text != "" {
		return r.Text
	}
	var b strings.Builder
	b.WriteString(Header)
	for i, l := range r.Losses {
		fmt.Fprintf(&b, "%q,%d,%d,%d,%g,%d,%d,%g,%g,,,%g,%g,\n", r.Method, r.Seed, 10*i, i, float64(i)*(1+float64(r.Seed)/10), 10*i, 10*i, l, 1-l/4, 1.1*l, 1-l/3)
	}
	return b.String()
}

// With returns a run with other settings, given as key, value, key, value.
func With(r Run, settings ...string) Run {
	r.Settings = map[string]string{}
	for i := 0; i < len(settings); i += 2 {
		r.Settings[settings[i]] = settings[i+1]
	}
	return r
}

// Folder writes runs to a new results folder, the i-th to runs/m<i>/<seed>.
func Folder(t testing.TB, runs ...Run) string {
	t.Helper()
	dir := t.TempDir()
	for i, r := range runs {
		run := filepath.Join(dir, "runs", fmt.Sprint("m", i), fmt.Sprint(r.Seed))
		if err := os.MkdirAll(run, 0o755); err != nil {
			t.Fatal(err)
		}
		m, err := json.Marshal(r.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{"manifest.json": string(m), "metrics.csv": r.Metrics()}
		if r.Steps != "" {
			files["steps.csv"] = r.Steps
		}
		if r.Inner != "" {
			files["inner.csv"] = r.Inner
		}
		if r.Probes != "" {
			files["probes.csv"] = r.Probes
		}
		if r.Duals != nil {
			if err := arrays.WriteFile(filepath.Join(run, "duals.npz"), r.Duals); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(run, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}
