package results

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
)

func TestLoadErrors(t *testing.T) {
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no runs here; expected a results folder with runs/METHOD/SEED/manifest.json") {
		t.Errorf("an empty folder: %v", err)
	}
	bad := fake("A", 0, 0, "finished")
	for text, want := range map[string]string{
		"nothing":                           "there is no header",
		"a,b\n":                             "missing columns: seed, step",
		header + "A,0\n":                    "wrong number of fields",
		header + "A,x,0,0,0,0,0,1,1,,,,,\n": `metrics.csv:2: column seed: "x" is not a number`,
	} {
		bad.Text = text
		if _, err := Load(folder(t, bad)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "metrics.csv") {
			t.Errorf("%q\n  says %v\n  want %s", text, err, want)
		}
	}
	// A crash cuts the last row short.
	bad.Text = header + "A,0,0,0,0,0,0,2,0.5,,,2,0.5,\nA,0,10,1,1.5,1"
	bad.Outcome = "failed"
	res, err := Load(folder(t, bad))
	if err != nil || len(res.Runs[0].Rows) != 1 || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "the last row is cut short") {
		t.Errorf("%+v, %v", res, err)
	}
	// It may cut the header. Only a run that was cut itself can have such logs.
	for _, text := range []string{"", "method,se", strings.TrimSuffix(header, "\n")} {
		cut := fake("A", 0, 0, "failed", 1)
		cut.Inner = "step,iter"
		dir := folder(t, cut, fake("A", 0, 1, "finished", 2, 1))
		if err := os.WriteFile(filepath.Join(dir, "runs/m0/0/metrics.csv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		res, err := Load(dir)
		if err != nil || len(res.Runs) != 2 || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "metrics.csv: no evaluations yet") {
			t.Fatalf("%q: %+v, %v", text, res, err)
		}
		if solves, err := res.Solves(&res.Runs[0]); solves != nil || err != nil {
			t.Errorf("%v, %v", solves, err)
		}
	}
	dir := folder(t, fake("A", 0, 0, "finished", 1))
	manifest := filepath.Join(dir, "runs/m0/0/manifest.json")
	for text, want := range map[string]string{"{": "unexpected end", "{}": "is it a manifest of dgn?"} {
		if err := os.WriteFile(manifest, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), manifest) {
			t.Errorf("%s: %v", text, err)
		}
	}
	dir = folder(t, fake("A", 0, 0, "running", 1))
	if err := os.Remove(filepath.Join(dir, "runs/m0/0/metrics.csv")); err != nil {
		t.Fatal(err)
	}
	if res, err := Load(dir); err != nil || len(res.Runs) != 0 || len(res.Warnings) != 1 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestTiming(t *testing.T) {
	a, b := fake("A", 0, 0, "finished", 1), fake("B", 1, 0, "finished", 1)
	if s := load(t, a, b).Timing(); s != "" {
		t.Errorf("like runs: %q", s)
	}
	b.Threads = 4
	if s := load(t, a, b).Timing(); s != "times do not compare: runs were made with different threads" {
		t.Errorf("other threads: %q", s)
	}
	a.ThreadChoice, b.ThreadChoice = &runlog.ThreadChoice{Threads: 2}, &runlog.ThreadChoice{Threads: 4}
	if s := load(t, a, b).Timing(); s != "" {
		t.Errorf("threads that were chosen: %q", s)
	}
	a.ThreadChoice, b.ThreadChoice = nil, nil
	b.Threads, b.Mixed = 2, []string{"threads"}
	if s := load(t, a, b).Timing(); s != "times do not compare: runs were made with different threads" {
		t.Errorf("other threads for a part of a run: %q", s)
	}
	b.Mixed = []string{"placement"}
	if s := load(t, a, b).Timing(); s != "times do not compare: runs were made with different placement" {
		t.Errorf("other CPUs for a part of a run: %q", s)
	}
	b.Mixed, b.CPU, b.Version = nil, "other", "9"
	if s := load(t, a, b).Timing(); !strings.Contains(s, "versions, processors") {
		t.Errorf("another machine: %q", s)
	}
	a.Jobs = 2
	b = a
	b.Method = "B"
	if s := load(t, a, b).Timing(); s != "times do not compare: 2 runs were made at the same time" {
		t.Errorf("jobs: %q", s)
	}
}

func TestSelect(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 1), fake("B", 1, 0, "finished", 1))
	if err := res.Select([]string{"C"}); err == nil || !strings.Contains(err.Error(), `no runs of method "C" (there are: A, B)`) {
		t.Errorf("%v", err)
	}
	if err := res.Select([]string{"B"}); err != nil || len(res.Runs) != 1 {
		t.Errorf("%d runs, %v", len(res.Runs), err)
	}
}
