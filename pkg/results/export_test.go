package results

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
)

func exported(t testing.TB, res *Results) (header []string, rows [][]string, text string) {
	t.Helper()
	var b bytes.Buffer
	if err := Export(&b, res); err != nil {
		t.Fatal(err)
	}
	text = b.String()
	all, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1:], text
}

// TestExport: a row for each evaluation, with the settings that differ as
// columns, and what to be careful about.
func TestExport(t *testing.T) {
	a, b, c := fake("GN, dual", 0, 0, "finished", 2, 1), fake("SGD", 1, 0, "diverged", 2), fake("SGD", 1, 1, "running")
	a.Settings = map[string]string{"oracle.gamma": "0.1", "train.batch_size": "64", "seed": "0"}
	a.Varied = []runlog.Setting{{Key: "oracle.gamma", Value: "0.1"}}
	b.Settings = map[string]string{"optimizer.kind": "sgd", "train.batch_size": "64", "seed": "0"}
	c.Settings = map[string]string{"optimizer.kind": "sgd", "train.batch_size": "64", "seed": "1"}
	c.Jobs = 2
	header, rows, _ := exported(t, load(t, a, b, c))
	want := slices.Concat(described, []string{"optimizer.kind", "oracle.gamma"}, runlog.Metrics.Needed(measured)) // of no equation
	if !slices.Equal(header, want) {
		t.Errorf("header %v\n  want %v", header, want)
	}
	at := func(row int, column string) string { return rows[row][slices.Index(header, column)] }
	if len(rows) != 2+1+1 {
		t.Fatalf("%d rows", len(rows))
	}
	const jobs = "times do not compare: runs were made with different jobs"
	for _, c := range []struct {
		row          int
		column, want string
	}{
		{0, "method", "GN, dual"}, {0, "oracle.gamma", "0.1"}, {0, "optimizer.kind", ""}, {0, "train_loss", "2"}, {0, "flags", jobs}, {0, "varied", "oracle.gamma"},
		{1, "train_loss", "1"}, {1, "step", "10"}, {1, "valid_loss", ""}, {1, "experiment", "toy"}, {1, "dataset", "digits"},
		{2, "method", "SGD"}, {2, "optimizer.kind", "sgd"}, {2, "outcome", "diverged"}, {2, "flags", "diverged; " + jobs},
		{3, "seed", "1"}, {3, "outcome", "running"}, {3, "train_loss", ""}, {3, "jobs", "2"},
	} {
		if got := at(c.row, c.column); got != c.want {
			t.Errorf("row %d, %s: %q, want %q", c.row, c.column, got, c.want)
		}
	}
	// Settings that no label tells come back too.
	_, _, text := exported(t, load(t, a, b, c))
	runs, _, err := readExport("file", []byte(text))
	if err != nil || len(runs) != 3 || runs[1].Settings["optimizer.kind"] != "sgd" || runs[0].Settings["oracle.gamma"] != "0.1" {
		t.Errorf("%+v, %v", runs, err)
	}
	if err := Export(&bytes.Buffer{}, &Results{}); err == nil {
		t.Error("no runs are exported")
	}
}

// TestExportRoundTrip: what is read back is what was written, in any order of
// the rows; cut and damaged files are noticed.
func TestExportRoundTrip(t *testing.T) {
	_, rows, text := exported(t, load(t, swept(2, []int{1, 5}, []float64{1, 10})...))
	path := filepath.Join(t.TempDir(), "all.csv")
	read := func(text string) (*Results, error) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return Load(path)
	}
	res, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, again := exported(t, res); again != text {
		t.Errorf("an export of an export is another\n%s\n%s", again[:600], text[:600])
	}
	// Rows of different runs in turns, each run's in order.
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	half := 1 + len(rows)/2
	half -= half % 31 // a whole number of runs of 31 rows, but for those that diverged
	mixed := lines[0]
	first, second := lines[1:half], lines[half:]
	for i := range max(len(first), len(second)) {
		for _, part := range [][]string{first, second} {
			if i < len(part) {
				mixed += strings.TrimSuffix(part[i], "\n") + "\n"
			}
		}
	}
	other, err := read(mixed)
	if err != nil || len(other.Runs) != len(res.Runs) || other.Series()[3].Label != res.Series()[3].Label {
		t.Errorf("mixed: %d runs, want %d, %v", len(other.Runs), len(res.Runs), err)
	}
	if res, err = read(text[:len(text)-20]); err != nil || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "cut short") {
		t.Errorf("cut: %v", err)
	}
	for name, c := range map[string][2]string{
		"a number":  {strings.Replace(text, ",finished,", ",finished,", 1) + "x\n", "wrong number of fields"},
		"no rows":   {lines[0], "there are no rows"},
		"no header": {"a,b\n1,2\n", "missing columns: experiment, dataset"},
		"seed":      {strings.Replace(text, ",GN,0,0,", ",GN,0,x,", 1), `all.csv:2: column seed: "x" is not a seed`},
		"index":     {strings.Replace(text, ",GN,0,0,", ",GN,-1,0,", 1), `column method_index: "-1" is not a whole number`},
		"method":    {strings.Replace(text, ",GN,0,0,", ",,0,0,", 1), "column method: is empty"},
		"varied":    {strings.Replace(text, "oracle.gamma,", "gamma,", 1), `there is no column "oracle.gamma"`},
	} {
		if _, err := read(c[0]); err == nil || !strings.Contains(err.Error(), c[1]) || !strings.Contains(err.Error(), "all.csv") {
			t.Errorf("%s: %v\n  want %s", name, err, c[1])
		}
	}
}

// TestExportAmongOthers: an export holds the settings in which its own runs
// differ, so that nothing tells whether runs of a method elsewhere have the same.
func TestExportAmongOthers(t *testing.T) {
	write := func(runs ...fakeRun) string {
		_, _, text := exported(t, load(t, runs...))
		path := filepath.Join(t.TempDir(), "runs.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	slow := with(fake("SGD", 0, 0, "finished", 2, 1), "optimizer.learning_rate", "0.1", "model.kind", "mlp", "seed", "0")
	fast := with(fake("SGD", 0, 0, "finished", 2, 1), "optimizer.learning_rate", "0.2", "model.kind", "mlp", "seed", "0")
	adam := with(fake("Adam", 1, 0, "finished", 2, 1), "optimizer.beta1", "0.9", "model.kind", "mlp", "seed", "0")
	for _, other := range []string{write(fast), folder(t, fast)} {
		for _, paths := range [][]string{{write(slow), other}, {other, write(slow)}} {
			_, err := Load(paths...)
			if err == nil || !strings.Contains(err.Error(), `both hold runs of "SGD"`) || !strings.Contains(err.Error(), "runs.csv") || !strings.Contains(err.Error(), "export the folders together") {
				t.Errorf("%v: %v", paths, err)
			}
		}
	}
	// Other methods go with it, and what it does not hold is no difference.
	for _, other := range []string{write(adam), folder(t, adam)} {
		res, err := Load(write(slow), other)
		if err != nil {
			t.Fatal(err)
		}
		if got := labels(res); !slices.Equal(got, []string{"SGD", "Adam"}) {
			t.Errorf("%q", got)
		}
		if got := Differing(res.Runs); got != nil {
			t.Errorf("runs differ in %q", got)
		}
	}
}

// TestExportKeeps: what the figures of logs say, those of their export say too.
func TestExportKeeps(t *testing.T) {
	a := with(fake("SGD", 0, 0, "finished", 2, 1), "checksums.my data.csv", "1", "seed", "0")
	b := with(fake("SGD", 0, 0, "finished", 2, 1), "checksums.my data.csv", "2", "seed", "0")
	a.Mixed = []string{"threads", "jobs"}
	want := load(t, a, b)
	_, _, text := exported(t, want)
	path := filepath.Join(t.TempDir(), "runs.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Timing(), "times do not compare: runs were made with different threads, jobs"; got != want || want != load(t, a, b).Timing() {
		t.Errorf("%q, want %q", got, want)
	}
	if !slices.Equal(labels(res), labels(want)) {
		t.Errorf("%q, want %q", labels(res), labels(want))
	}
	// Files of earlier versions do not have the column.
	old := strings.Replace(text, ",mixed,", ",something.else,", 1)
	if runs, _, err := readExport("old", []byte(old)); err != nil || len(runs) != 2 || runs[0].Mixed != nil {
		t.Errorf("%+v, %v", runs, err)
	}
}

func FuzzExport(f *testing.F) {
	_, _, text := exported(f, load(f, swept(1, []int{1}, []float64{1})...))
	f.Add([]byte(text))
	_, _, text = exported(f, load(f, fake("A", 0, 0, "running")))
	f.Add([]byte(text))
	f.Fuzz(func(t *testing.T, data []byte) {
		runs, _, err := readExport("file", data)
		if err != nil {
			return
		}
		res := &Results{Runs: runs}
		res.distinguish()
		if err := Export(&bytes.Buffer{}, res); err != nil {
			t.Fatal(err)
		}
	})
}
