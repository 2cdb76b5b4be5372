package results

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSets: runs are apart by data set alone, but for exports that cannot be told apart.
func TestSets(t *testing.T) {
	a, b, c := fake("A", 0, 0, "finished", 2, 1), fake("B", 1, 0, "finished", 2, 1), fake("A", 0, 0, "finished", 2, 1)
	b.Name, c.Dataset = "second", "mnist"
	logs, err := Open(folder(t, a, b, c))
	if err != nil {
		t.Fatal(err)
	}
	sets, err := logs.Sets()
	if err != nil || len(sets) != 2 || sets[0].Name != "toy, second" || len(sets[0].Runs) != 2 || sets[1].Dataset != "mnist" || len(sets[1].Runs) != 1 {
		t.Fatalf("%+v, %v", sets, err)
	}
	var files []string
	for _, name := range []string{"toy", "second"} {
		r := with(fake("A", 0, 0, "finished", 2, 1), "optimizer.learning_rate", "0.1")
		r.Name = name
		var text bytes.Buffer
		if err := Export(&text, load(t, r)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "runs.csv")
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	if logs, err = Open(files...); err != nil {
		t.Fatal(err)
	}
	if sets, err = logs.Sets(); err != nil || len(sets) != 2 || len(sets[0].Warnings) != 1 || !strings.Contains(sets[0].Warnings[0], "are apart") {
		t.Errorf("%+v, %v", sets, err)
	}
}

// TestFoldersIn: a folder stands for the results folders in it, and empty ones are told.
func TestFoldersIn(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"b/runs", "a/runs", "c"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	if paths, empty := Folders([]string{dir}); !slices.Equal(paths, []string{a, b}) || empty != nil {
		t.Errorf("%q, %q", paths, empty)
	}
	if paths, empty := Folders([]string{a, c, "no such"}); !slices.Equal(paths, []string{a, "no such"}) || len(empty) != 1 || empty[0] != c+": there are no runs here" {
		t.Errorf("%q, %q", paths, empty)
	}
	if paths, empty := Folders([]string{c}); !slices.Equal(paths, []string{c}) || empty != nil {
		t.Errorf("%q, %q", paths, empty)
	}
}

// TestOpenChanging: what is not there yet, or cannot be understood, is left out, and half of a
// row is no news.
func TestOpenChanging(t *testing.T) {
	half, bad := fake("A", 0, 0, "running", 2, 1), fake("B", 1, 0, "running", 2, 1)
	half.Text = half.Metrics() + "A,0,20,2"
	bad.Text = header + "B,0,x,0,0,0,0,1,,,,,,\n"
	dir := folder(t, half, bad, fake("C", 2, 0, "finished", 2, 1))
	logs := OpenChanging(dir, filepath.Join(dir, "later"))
	res, err := logs.Merge()
	if err != nil || len(res.Runs) != 2 || len(res.Runs[0].Rows) != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	if text := strings.Join(res.Warnings, "\n"); len(res.Warnings) != 2 || !strings.Contains(text, `"x" is not a number; the run is left out`) || !strings.Contains(text, "later: no runs here") {
		t.Errorf("%s", text)
	}
	if _, err := Open(dir); err == nil {
		t.Error("Open takes what cannot be understood")
	}
}

// TestStepLog: columns that other versions lack are not needed, and what cannot be understood
// is told with its line.
func TestStepLog(t *testing.T) {
	run := fake("A", 0, 0, "interrupted", 2, 1)
	run.Steps = "step,gamma,other,stop_reason\n1,0.5,x,budget\n2,,y,\n3,1"
	res := load(t, run)
	log, err := res.StepLog(&res.Runs[0])
	if err != nil || len(log.Values["step"]) != 2 || log.Values["gamma"][0] != 0.5 || log.Values["cost"] != nil || !slices.Equal(log.Stops, []string{"budget", ""}) {
		t.Errorf("%+v, %v", log, err)
	}
	if len(res.Warnings) != 1 || !strings.HasSuffix(res.Warnings[0], "the last row is cut short: left out") {
		t.Errorf("%q", res.Warnings)
	}
	for text, want := range map[string]string{"gamma\n1\n": "missing columns: step", "step\n-1\n": `"-1" is not the number of a step`, "step\nx\n": `"x" is not a number`, "step,gamma\n1,y\n": "steps.csv:2: column gamma"} {
		run.Steps = text
		res := load(t, run)
		if _, err := res.StepLog(&res.Runs[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	run.Steps = ""
	if log, err := load(t, run).StepLog(&load(t, run).Runs[0]); log != nil || err != nil {
		t.Errorf("%v, %v", log, err)
	}
}

// FuzzSteps: no text of steps.csv does harm, and what is read has all its rows.
func FuzzSteps(f *testing.F) {
	f.Add("step,gamma,stop_reason\n1,0.5,budget\n2,,\n")
	f.Add("step\n1\n2")
	f.Add("step,step\n1,2\n")
	f.Fuzz(func(t *testing.T, text string) {
		logs, _, err := readSteps("steps.csv", []byte(text))
		if err != nil {
			return
		}
		for column, v := range logs[0].Values {
			if len(v) != len(logs[0].Values["step"]) || logs[0].Stops != nil && len(logs[0].Stops) != len(v) {
				t.Errorf("%s has %d values", column, len(v))
			}
		}
	})
}
