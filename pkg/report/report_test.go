package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/render"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

// TestCurve: the mean, the band, and what is left out of both.
func TestCurve(t *testing.T) {
	res := load(t,
		fake("A", 0, 0, "finished", 4, 2, 1), fake("A", 0, 1, "target", 2, 1), // shorter: reached its target
		fake("A", 0, 2, "diverged", 100, 200), fake("B", 1, 0, "interrupted", 3, 2))
	step, wall, loss := axis(t, xs, "step"), axis(t, xs, "wall"), axis(t, ys, "train_loss")
	list := res.series()
	if len(list) != 2 || len(list[0].runs) != 3 {
		t.Fatalf("%d series", len(list))
	}
	c := newCurve(list[0], step, loss, 0)
	if !slices.Equal(c.Mean, []figure.Point{{X: 0, Y: 3}, {X: 10, Y: 1.5}}) || c.n != 2 || c.averaged || c.held {
		t.Errorf("mean %v", c.Mean)
	}
	if !slices.Equal(c.Lo, []float64{2, 1}) || !slices.Equal(c.Hi, []float64{4, 2}) {
		t.Errorf("band %v to %v", c.Lo, c.Hi)
	}
	// Thin lines: the diverged run, and the rest of the longer one.
	if len(c.Thin) != 1 || len(c.Crosses) != 1 || c.Crosses[0].Y != 200 {
		t.Errorf("thin %v, crosses %v", c.Thin, c.Crosses)
	}
	if len(c.Tails) != 1 || !slices.Equal(c.Tails[0], []figure.Point{{X: 10, Y: 2}, {X: 20, Y: 1}}) {
		t.Errorf("tails %v", c.Tails)
	}
	if c.Label != "A (1 of 3 diverged, mean of the other 2)" {
		t.Errorf("label %q", c.Label)
	}
	if b := newCurve(list[1], wall, loss, 0); b.Mean != nil || len(b.Thin) != 1 || b.Label != "B (1 of 1 interrupted)" || b.Style != 1 {
		t.Errorf("%+v", b)
	}
	if c := newCurve(list[0], step, loss, 2); !slices.Equal(c.Mean, []figure.Point{{X: 0, Y: 3}, {X: 10, Y: (3 + 1.5) / 2}}) {
		t.Errorf("smoothed: %v", c.Mean)
	}
}

// TestEvaluations: where runs were evaluated at the same steps, but not at the same
// times, means are of the values at one step, at the mean of the times.
func TestEvaluations(t *testing.T) {
	// Evaluations at 0, 1, 2 s and at 0, 1.1, 2.2, 3.3 s.
	res := load(t, fake("A", 0, 0, "finished", 4, 2, 1), fake("A", 0, 1, "finished", 8, 4, 2, 1))
	c := newCurve(res.series()[0], axis(t, xs, "wall"), axis(t, ys, "train_loss"), 0)
	want := []figure.Point{{X: 0, Y: 6}, {X: 1.05, Y: 3}, {X: 2.1, Y: 1.5}}
	if len(c.Mean) != len(want) || !c.averaged || c.held {
		t.Fatalf("%+v", c)
	}
	for i := range want {
		if math.Abs(c.Mean[i].X-want[i].X) > 1e-15 || c.Mean[i].Y != want[i].Y {
			t.Errorf("mean %v, want %v", c.Mean, want)
		}
	}
	if len(c.Tails) != 1 || len(c.Tails[0]) != 2 || math.Abs(c.Tails[0][1].X-3.3) > 1e-15 || c.Tails[0][0].Y != 2 {
		t.Errorf("tails %v", c.Tails)
	}
}

// TestHeld: where runs were evaluated at different steps, each counts with the last
// value that it had.
func TestHeld(t *testing.T) {
	at := func(seed uint64, rows ...[2]float64) fakeRun {
		r := fake("A", 0, seed, "finished")
		r.Text = header
		for i, v := range rows {
			r.Text += fmt.Sprintf("A,%d,%d,0,%g,0,0,%g,,,,,,\n", seed, int(100*v[0])*i, v[0], v[1])
		}
		return r
	}
	res := load(t, at(0, [2]float64{0, 8}, [2]float64{1, 4}, [2]float64{3, 2}), at(1, [2]float64{0, 6}, [2]float64{2, 2}, [2]float64{4, 0}))
	c := newCurve(res.series()[0], axis(t, xs, "wall"), axis(t, ys, "train_loss"), 0)
	if want := ([]figure.Point{{X: 0, Y: 7}, {X: 1, Y: 5}, {X: 2, Y: 3}, {X: 3, Y: 2}}); !slices.Equal(c.Mean, want) || !c.held || c.averaged {
		t.Errorf("mean %v, want %v", c.Mean, want)
	}
	if len(c.Tails) != 1 || !slices.Equal(c.Tails[0], []figure.Point{{X: 2, Y: 2}, {X: 4, Y: 0}}) {
		t.Errorf("tails %v", c.Tails)
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
	b.Threads, b.Mixed = 2, []string{"threads"}
	if s := load(t, a, b).timing(); s != "times do not compare: runs were made with different threads" {
		t.Errorf("other threads for a part of a run: %q", s)
	}
	b.Mixed, b.CPU, b.Version = nil, "other", "9"
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
	for _, want := range []string{"A       3 (1 of 3 diverged)  1.5 ± 0.71 [2/3]", "B       1 (1 of 1 failed)    -", "50.00 ± 23.57 % [2/3]", "[k/n]: of the k of n runs that ended well alone"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%s\nwithout %q", table.String(), want)
		}
	}
	if err := s.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(csv.String(), "\n")
	if !strings.HasPrefix(lines[0], "method,runs,finished,target,diverged,interrupted,failed,running,damaged,incomplete,mean_runs,train_loss_mean,train_loss_sd,train_loss_low,train_loss_high,") ||
		!strings.HasPrefix(lines[1], "A,3,2,0,1,0,0,0,0,0,2,1.5,0.7071067811865476,1,2,") || !strings.HasPrefix(lines[2], "B,1,0,0,0,0,1,0,0,0,0,,,") || !strings.HasSuffix(lines[1], ",1 of 3 diverged; means are of the other 2 alone") || !strings.HasSuffix(lines[2], ",1 of 1 failed") {
		t.Errorf("%s", csv.String())
	}
	if s := stats.Of([]float64{3}); s.Mean != 3 || !math.IsNaN(s.SD) {
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
		if solves, err := res.inner(&res.Runs[0]); solves != nil || err != nil {
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

func FuzzMetrics(f *testing.F) {
	f.Add([]byte(fake("A", 0, 0, "finished", 4, 2, 1).Metrics()))
	f.Add([]byte(header + "A,0,0,0,0,0,0,2,0.5,,,2,0.5,\nA,0,10"))
	f.Add([]byte(header))
	f.Add([]byte(strings.Repeat("NaN,", 13) + "\n"))
	f.Add([]byte(header + "A,0,0,0,0,0,0,NaN,inf,-Inf,1e308,1e-320,0,0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, _, err := runlog.Metrics.Read("file", text)
		if err != nil {
			return
		}
		res := &Results{Runs: []Run{{Manifest: runlog.Manifest{Method: "A", Outcome: "finished"}, Rows: rows}}}
		if err := Summarize(res).WriteTable(&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		for _, y := range ys {
			for _, x := range xs {
				x.log = len(rows)%2 == 0
				f := figure.Figure{Panels: []figure.Panel{curvePanel([]curve{newCurve(res.series()[0], x, y, 2)}, x, y)}}
				if err := (render.SVG{}).Render(io.Discard, f); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
