package results

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTasks: runs of several folders are apart by experiment and data set, and what tells
// them apart is not what other tasks vary. A run that two experiments share is in both.
func TestTasks(t *testing.T) {
	sgd := with(fake("SGD", 0, 0, "finished", 2, 1), "optimizer.learning_rate", "0.1", "data.name", "digits")
	same, adam, other := sgd, with(fake("Adam", 1, 0, "finished", 2, 1), "optimizer.learning_rate", "0.1", "data.name", "digits"), with(fake("SGD", 0, 0, "finished", 2, 1), "optimizer.learning_rate", "0.3", "data.name", "mnist")
	same.Name, adam.Name, other.Name = "second", "second", "second"
	other.Dataset = "mnist"
	dirs := []string{folder(t, sgd), folder(t, same, adam, other)}
	logs, err := Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := logs.Tasks()
	if err != nil || len(tasks) != 3 {
		t.Fatalf("%+v, %v", tasks, err)
	}
	for i, want := range []string{"toy digits: SGD", "second digits: SGD, Adam", "second mnist: SGD"} {
		if got := tasks[i].Name + " " + tasks[i].Dataset + ": " + strings.Join(labels(tasks[i].Results), ", "); got != want {
			t.Errorf("task %d is %s, want %s", i, got, want)
		}
	}
	merged, err := logs.Merge()
	if err != nil || len(merged.Runs) != 3 {
		t.Errorf("%d runs together, %v", len(merged.Runs), err)
	}
	// Exports of different experiments, which together could not be told apart.
	var files []string
	for i, dir := range dirs {
		res, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Export(&b, res); err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(t.TempDir(), "runs.csv"))
		if err := os.WriteFile(files[i], b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if logs, err = Open(files...); err != nil {
		t.Fatal(err)
	}
	if tasks, err = logs.Tasks(); err != nil || len(tasks) != 3 {
		t.Errorf("%+v, %v", tasks, err)
	}
	if _, err := logs.Merge(); err == nil || !strings.Contains(err.Error(), "both hold runs of") {
		t.Errorf("%v", err)
	}
	if err := logs.Select([]string{"Adam"}); err != nil {
		t.Fatal(err)
	}
	if tasks, err = logs.Tasks(); err != nil || len(tasks) != 1 || len(tasks[0].Runs) != 1 {
		t.Errorf("%+v, %v", tasks, err)
	}
	if err := logs.Select([]string{"SGD"}); err == nil || !strings.Contains(err.Error(), `no runs of method "SGD" (there are: Adam)`) {
		t.Errorf("%v", err)
	}
}
