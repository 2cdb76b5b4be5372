package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const header = "method,seed,step,epoch,wall_seconds,cost,oracle_calls,train_loss,train_accuracy,valid_loss,valid_accuracy,test_loss,test_accuracy,test_rmse\n"

// A fakeRun is what a test puts in a results folder.
type fakeRun struct {
	Manifest
	losses []float64 // an evaluation each; the accuracy is 1 - loss/4
	text   string    // in place of them
}

func fake(method string, index int, seed uint64, outcome string, losses ...float64) fakeRun {
	return fakeRun{Manifest: Manifest{Name: "toy", Method: method, MethodIndex: index, Seed: seed, Dataset: "digits", Outcome: outcome, CPU: "c", Threads: 2, Jobs: 1}, losses: losses}
}

// metrics writes the rows of a run: the time of a step depends on the seed.
func (r fakeRun) metrics() string {
	if r.text != "" {
		return r.text
	}
	var b strings.Builder
	b.WriteString(header)
	for i, l := range r.losses {
		fmt.Fprintf(&b, "%s,%d,%d,%d,%g,%d,%d,%g,%g,,,%g,%g,\n", r.Method, r.Seed, 10*i, i, float64(i)*(1+float64(r.Seed)/10), 10*i, 10*i, l, 1-l/4, 1.1*l, 1-l/3)
	}
	return b.String()
}

// folder writes runs to a results folder.
func folder(t testing.TB, runs ...fakeRun) string {
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
		for name, text := range map[string]string{"manifest.json": string(m), "metrics.csv": r.metrics()} {
			if err := os.WriteFile(filepath.Join(run, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func load(t testing.TB, runs ...fakeRun) *Results {
	t.Helper()
	res, err := Load(folder(t, runs...))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func axis(t testing.TB, list []quantity, name string) quantity {
	t.Helper()
	q, err := find(list, name)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestCurve: the mean, the band, and what is left out of both.
func TestCurve(t *testing.T) {
	res := load(t,
		fake("A", 0, 0, "finished", 4, 2, 1), fake("A", 0, 1, "target", 2, 1), // shorter: reached its target
		fake("A", 0, 2, "diverged", 100, 200), fake("B", 1, 0, "interrupted", 3, 2))
	wall, loss := axis(t, xs, "wall"), axis(t, ys, "train_loss")
	byMethod := res.groups()
	if len(byMethod) != 2 || len(byMethod[0]) != 3 {
		t.Fatalf("%d methods", len(byMethod))
	}
	c := newCurve(byMethod[0], wall, loss)
	if len(c.mean) != 2 || c.mean[0].Y != 3 || c.mean[1].Y != 1.5 || math.Abs(c.mean[1].X-1.05) > 1e-15 {
		t.Errorf("mean %v", c.mean)
	}
	if !slices.Equal(c.lo, []float64{2, 1}) || !slices.Equal(c.hi, []float64{4, 2}) {
		t.Errorf("band %v to %v", c.lo, c.hi)
	}
	// Thin lines: the diverged run, and the rest of the longer one.
	if len(c.thin) != 2 || len(c.crosses) != 1 || c.crosses[0].Y != 200 || len(c.thin[1]) != 2 || c.thin[1][1].Y != 1 {
		t.Errorf("thin %v, crosses %v", c.thin, c.crosses)
	}
	if c.label != "A (1 of 3 diverged)" {
		t.Errorf("label %q", c.label)
	}
	if b := newCurve(byMethod[1], wall, loss); b.mean != nil || len(b.thin) != 1 || b.label != "B (1 of 1 interrupted)" || b.index != 1 {
		t.Errorf("%+v", b)
	}
}

// TestLogAxis: what a log axis cannot show is counted.
func TestLogAxis(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 1, 0, 0.5))
	if c := newCurve(res.Runs, axis(t, xs, "step"), axis(t, ys, "train_loss")); c.left != 1 || len(c.mean) != 2 {
		t.Errorf("left %d, mean %v", c.left, c.mean)
	}
	if _, err := Figures(res, FigureOptions{Dir: t.TempDir(), Formats: []string{"svg"}}); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(res.Warnings, func(w string) bool {
		return strings.Contains(w, "train_loss: 1 values are not positive")
	}) {
		t.Errorf("warnings %q", res.Warnings)
	}
}

// TestFigures: every default figure in every format, the same bytes each time.
func TestFigures(t *testing.T) {
	runs := []fakeRun{fake("SGD", 0, 0, "finished", 2, 1, 0.5), fake("SGD", 0, 1, "finished", 2.2, 0.9, 0.4), fake("Adam", 1, 0, "finished", 2, 0.5, 0.1), fake("Bad", 2, 0, "diverged", 2, 3)}
	var first map[string][]byte
	for range 2 {
		dir := t.TempDir()
		files, err := Figures(load(t, runs...), FigureOptions{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]byte{}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got[filepath.Base(f)] = b
		}
		if first == nil {
			first = got
			continue
		}
		for name, b := range got {
			if !bytes.Equal(b, first[name]) {
				t.Errorf("%s has other bytes the second time", name)
			}
		}
	}
	for _, y := range []string{"train_loss", "test_loss", "test_accuracy"} {
		for _, x := range []string{"wall", "cost", "epoch", "step"} {
			for format, magic := range map[string]string{"png": "\x89PNG", "svg": "<?xml", "pdf": "%PDF"} {
				name := y + "_vs_" + x + "." + format
				if !strings.HasPrefix(string(first[name]), magic) {
					t.Errorf("%s is missing or not a %s", name, format)
				}
			}
		}
	}
	img, err := png.Decode(bytes.NewReader(first["overview.png"]))
	if err != nil {
		t.Fatal(err)
	}
	if w := img.Bounds().Dx(); w < 1900 {
		t.Errorf("the overview is %d pixels wide, 17 cm at 300 dpi are 2007", w)
	}
	svg := string(first["train_loss_vs_wall.svg"])
	for _, text := range []string{"training time, wall clock [s]", "train loss", "SGD", "Adam", "Bad (1 of 1 diverged)"} {
		if !strings.Contains(svg, text) {
			t.Errorf("the figure does not say %q", text)
		}
	}
}

// TestColours: a method keeps its colour when others are left out.
func TestColours(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 1), fake("B", 1, 0, "finished", 1), fake("C", 2, 0, "finished", 1))
	res.Runs = res.Runs[2:]
	if c := newCurve(res.Runs, xs[0], ys[0]); c.index != 2 {
		t.Errorf("C has the colour of method %d", c.index)
	}
}

func TestFigureErrors(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 1, 0.5))
	for _, c := range []struct {
		opt  FigureOptions
		want string
	}{
		{FigureOptions{X: []string{"time"}}, `no axis is called "time" (known: wall, cost, epoch, step, oracle_calls)`},
		{FigureOptions{Y: []string{"loss"}}, `no axis is called "loss" (known: train_loss,`},
		{FigureOptions{Y: []string{"test_rmse"}}, "no run has values of test_rmse"},
		{FigureOptions{Formats: []string{"gif"}}, `no figure format is called "gif" (known: png, svg, pdf)`},
	} {
		c.opt.Dir = t.TempDir()
		if _, err := Figures(res, c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v\n  says %v\n  want %s", c.opt, err, c.want)
		}
	}
	if _, err := Figures(&Results{}, FigureOptions{}); err == nil {
		t.Error("no runs are drawn")
	}
	other := fake("A", 0, 1, "finished", 1)
	other.Dataset = "mnist"
	res = load(t, fake("A", 0, 0, "finished", 1), other)
	if _, err := Figures(res, FigureOptions{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "different data sets, digits") {
		t.Errorf("two data sets: %v", err)
	}
}

// TestOneEvaluation: figures of a single point, and of runs that were killed at
// once, are drawn.
func TestOneEvaluation(t *testing.T) {
	for _, res := range []*Results{load(t, fake("A", 0, 0, "finished", 1)), load(t, fake("A", 0, 0, "running"))} {
		if _, err := Figures(res, FigureOptions{Dir: t.TempDir(), Formats: []string{"svg"}}); err != nil {
			t.Error(err)
		}
	}
}

func TestTiming(t *testing.T) {
	a, b := fake("A", 0, 0, "finished", 1), fake("B", 1, 0, "finished", 1)
	if s := load(t, a, b).timing(); s != "" {
		t.Errorf("like runs: %q", s)
	}
	b.Threads = 4
	if s := load(t, a, b).timing(); s != "times do not compare: runs were made with different threads" {
		t.Errorf("other threads: %q", s)
	}
	b.Threads, b.CPU, b.Version = 2, "other", "9"
	if s := load(t, a, b).timing(); !strings.Contains(s, "versions, processors") {
		t.Errorf("another machine: %q", s)
	}
	a.Jobs = 2
	b = a
	b.Method = "B"
	if s := load(t, a, b).timing(); s != "times do not compare: 2 runs were made at the same time" {
		t.Errorf("jobs: %q", s)
	}
}

func TestSummary(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 4, 1), fake("A", 0, 1, "finished", 4, 2), fake("A", 0, 2, "diverged", 99), fake("B", 1, 0, "failed", 9))
	s := Summarize(res)
	if l := s.Lines[0].Final["train_loss"]; l.N != 2 || l.Mean != 1.5 || math.Abs(l.SD-math.Sqrt(0.5)) > 1e-15 {
		t.Errorf("%+v", l)
	}
	var table, csv bytes.Buffer
	if err := s.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"A       3 (1 of 3 diverged)  1.5 ± 0.71", "B       1 (1 of 1 failed)    -", "50.00 ± 23.57 %"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%s\nwithout %q", table.String(), want)
		}
	}
	if err := s.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(csv.String(), "\n")
	if !strings.HasPrefix(lines[0], "method,runs,finished,target,diverged,interrupted,failed,running,train_loss_mean,train_loss_sd,") ||
		!strings.HasPrefix(lines[1], "A,3,2,0,1,0,0,0,1.5,0.707") || !strings.HasPrefix(lines[2], "B,1,0,0,0,0,1,0,,,") {
		t.Errorf("%s", csv.String())
	}
	if s := stat([]float64{3}); s.Mean != 3 || !math.IsNaN(s.SD) {
		t.Errorf("%+v", s)
	}
}

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
		bad.text = text
		if _, err := Load(folder(t, bad)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "metrics.csv") {
			t.Errorf("%q\n  says %v\n  want %s", text, err, want)
		}
	}
	// A crash cuts the last row short.
	bad.text = header + "A,0,0,0,0,0,0,2,0.5,,,2,0.5,\nA,0,10,1,1.5,1"
	res, err := Load(folder(t, bad))
	if err != nil || len(res.Runs[0].Rows) != 1 || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "the last row is cut short") {
		t.Errorf("%+v, %v", res, err)
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

func FuzzMetrics(f *testing.F) {
	f.Add([]byte(fake("A", 0, 0, "finished", 4, 2, 1).metrics()))
	f.Add([]byte(header + "A,0,0,0,0,0,0,2,0.5,,,2,0.5,\nA,0,10"))
	f.Add([]byte(header))
	f.Add([]byte(strings.Repeat("NaN,", 13) + "\n"))
	f.Add([]byte(header + "A,0,0,0,0,0,0,NaN,inf,-Inf,1e308,1e-320,0,0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, _, err := readMetrics("file", text)
		if err != nil {
			return
		}
		res := &Results{Runs: []Run{{Manifest: Manifest{Method: "A", Outcome: "finished"}, Rows: rows}}}
		if err := Summarize(res).WriteTable(&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		for _, y := range ys {
			for _, x := range xs {
				newPanel(res, x, y).plot()
			}
		}
	})
}
