package plan

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
)

// toy is an experiment of two methods, one of which starts from a file that need not
// be there.
const toy = `
name: toy
seeds: [0, 18446744073709551615]
data: {name: csv, path: x.csv, dir: /nowhere}
model: {kind: mlp, hidden: [12], init: {file: w.npz}}
loss: {kind: squared}
train: {batch_size: 50, epochs: 2, target: {metric: train_loss, value: 0.1}}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: {schedule: cosine, initial: 0.1}}}
  - {name: "GN \"dual\", α", oracle: {kind: gauss_newton}, optimizer: {kind: sgd, learning_rate: 1}}
`

func study(t *testing.T, grid ...string) *config.Study {
	t.Helper()
	s, err := config.ParseSweep("toy.yaml", []byte(toy), nil, config.SweepFlags{Grid: grid})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// facts are those of data that nobody has read.
func facts(c *config.Config) (Facts, error) {
	return Facts{Checksums: map[string]string{"x.csv": "c0ffee" + c.Data.Name}, Reading: map[string]string{"white": "16"}, Start: "abcd"}, nil
}

// TestPlan: without a disk, every point is laid out from every seed, in order; facts
// are asked for once a point, those of the same data one after the other, and are in
// the settings.
func TestPlan(t *testing.T) {
	var asked []string
	p, err := New(study(t, "data.split_seed=1,2", "train.batch_size=10,20"), func(c *config.Config) (Facts, error) {
		asked = append(asked, strings.Repeat("I", int(c.Data.Common.SplitSeed.Value))+" "+c.Methods[0].Name)
		return facts(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"I SGD", "I SGD", `I GN "dual", α`, `I GN "dual", α`, "II SGD", "II SGD", `II GN "dual", α`, `II GN "dual", α`}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q", asked)
	}
	if len(p.Tasks) != 16 || p.Repeated != 0 || len(p.Config.Methods) != 2 {
		t.Fatalf("%d tasks, %d repeated", len(p.Tasks), p.Repeated)
	}
	first, last := p.Tasks[0], p.Tasks[15]
	if first.Dir != "runs/sgd/data.split_seed=1,train.batch_size=10/0" || last.Dir != "runs/gn-dual-α/data.split_seed=2,train.batch_size=20/18446744073709551615" {
		t.Errorf("folders %s, %s", first.Dir, last.Dir)
	}
	if first.MethodIndex != 0 || last.MethodIndex != 1 || last.Group != 1 || last.String() != `GN "dual", α, data.split_seed=2, train.batch_size=20, seed 18446744073709551615` {
		t.Errorf("%v, %v", first, last)
	}
	for key, want := range map[string]string{"checksums.x.csv": "c0ffeecsv", "data.reading.white": "16", "model.init.sha256": "abcd", "train.batch_size": "20", "seed": "18446744073709551615",
		"data.dir": "", "model.init.file": "", "name": "", "optimizer.learning_rate": "1", "train.target.value": "0.1"} {
		if got := last.Settings[key]; got != want {
			t.Errorf("the setting %s is %q, want %q", key, got, want)
		}
	}
	if got := first.Settings["optimizer.learning_rate.final_value"]; got != "after the last step" {
		t.Errorf("the schedule that follows the length of the run: %q", got)
	}
	seen := map[string]bool{}
	for _, task := range p.Tasks {
		if seen[task.Identity] || task.Identity != task.Settings.Identity() {
			t.Errorf("%s: identity %s", task, task.Identity)
		}
		seen[task.Identity] = true
	}
}

// TestSplitsOfSeeds: where splits follow the seeds, each run has data of its own, and is
// the run of a config that says so with a number.
func TestSplitsOfSeeds(t *testing.T) {
	parse := func(split string, seeds string) *Plan {
		c, err := config.Parse("toy.yaml", []byte(toy), []string{"data.split_seed=" + split, "seeds=" + seeds})
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(c.Plain(), facts)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := parse("seed", "[3, 5]")
	for _, number := range []string{"3", "5"} {
		for _, want := range parse(number, "["+number+"]").Tasks {
			i := slices.IndexFunc(p.Tasks, func(t Task) bool { return t.Identity == want.Identity })
			if i < 0 || p.Tasks[i].Dir != want.Dir || p.Tasks[i].Settings["data.split_seed"] != number {
				t.Errorf("the run %s is not planned", want.Dir)
			}
		}
	}
	if len(p.Tasks) != 4 || p.Tasks[0].Group == p.Tasks[1].Group {
		t.Errorf("%+v", p.Tasks)
	}
	if text, err := p.Config.YAML(); err != nil || !strings.Contains(string(text), "split_seed: seed") {
		t.Errorf("%s, %v", text, err)
	}
}

// TestRepeated: the same run of a method is planned once.
func TestRepeated(t *testing.T) {
	p, err := New(study(t, "train.batch_size=10,20,10"), facts)
	if err != nil || len(p.Tasks) != 8 || p.Repeated != 4 {
		t.Errorf("%d tasks, %d repeated, %v", len(p.Tasks), p.Repeated, err)
	}
}

// TestTaskJSON: a task that was written and read is the same, and one that does not
// agree with itself is refused.
func TestTaskJSON(t *testing.T) {
	p, err := New(study(t, "train.batch_size=10,20", "model.hidden=[],[3, 4]"), facts)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range p.Tasks {
		b, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		var again Task
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatalf("%s: %v", task, err)
		}
		a, err1 := task.Config.YAML()
		c, err2 := again.Config.YAML()
		if err1 != nil || err2 != nil || string(a) != string(c) {
			t.Errorf("%v, %v: the config\n%s\nbecomes\n%s", err1, err2, a, c)
		}
		if again.Config = task.Config; !reflect.DeepEqual(again, task) {
			t.Errorf("%+v\nbecomes\n%+v", task, again)
		}
	}
	b, err := json.Marshal(p.Tasks[0])
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[[2]string]string{
		{`"method":"SGD"`, `"method":"Adam"`}:                            "a task has one method",
		{`"train.batch_size":"10"`, `"train.batch_size":"11"`}:           "is not that of its settings",
		{`"dir":"runs/`, `"dir":"../`}:                                   "is not in the results folder",
		{`batch_size: 10`, `batch_size: ten`}:                            "task:",
		{`"seed":0`, `"seed":-1`}:                                        "cannot unmarshal",
		{`"config":"name: toy`, `"config":"nam: toy`}:                    "unknown key",
		{`"model.init.sha256":"abcd"`, `"model.init.sha256":"abce"`}:     "is not that of its settings",
		{`"config":"`, `"config":"- `}:                                   "task:",
		{`"method_index":0`, `"method_index":"0"`}:                       "cannot unmarshal",
		{`"checksums.x.csv":"c0ffeecsv"`, `"checksums.x.csv":"c0ffee."`}: "is not that of its settings",
	} {
		bad := strings.Replace(string(b), change[0], change[1], 1)
		if bad == string(b) {
			t.Fatalf("%s is not in\n%s", change[0], b)
		}
		var task Task
		if err := json.Unmarshal([]byte(bad), &task); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", change[1], err, want)
		}
	}
}

// TestSameData: facts that changed since the runs were planned are told, each for what
// it is.
func TestSameData(t *testing.T) {
	p, err := New(study(t, "train.batch_size=10"), facts)
	if err != nil {
		t.Fatal(err)
	}
	task := p.Tasks[0]
	f, _ := facts(task.Config)
	if err := task.SameData(f); err != nil {
		t.Error(err)
	}
	changed := f
	changed.Checksums = map[string]string{"x.csv": "other"}
	if err := task.SameData(changed); err == nil || !strings.Contains(err.Error(), "the data set csv is not what it was") {
		t.Error(err)
	}
	f.Start = "other"
	if err := task.SameData(f); err == nil || !strings.Contains(err.Error(), "w.npz is not what it was") {
		t.Error(err)
	}
}

// TestPlanErrors: what is wrong with configs is told of all points, and what is wrong
// with files at once.
func TestPlanErrors(t *testing.T) {
	s := study(t, "train.batch_size=10,20,30")
	_, err := New(s, func(c *config.Config) (Facts, error) {
		return Facts{}, config.Errorf("train.batch_size: %d does not fit", c.Train.BatchSize)
	})
	var wrong *config.Error
	if !errors.As(err, &wrong) || strings.Count(err.Error(), "does not fit") != 3 {
		t.Errorf("%v", err)
	}
	missing := errors.New("files are missing")
	asked := 0
	if _, err := New(s, func(*config.Config) (Facts, error) { asked++; return Facts{}, missing }); !errors.Is(err, missing) || asked != 1 {
		t.Errorf("%v after %d", err, asked)
	}
}
