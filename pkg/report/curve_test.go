package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/render"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

// TestCurve: the mean, the band, and what is left out of both.
func TestCurve(t *testing.T) {
	res := load(t,
		fake("A", 0, 0, "finished", 4, 2, 1), fake("A", 0, 1, "target", 2, 1), // shorter: reached its target
		fake("A", 0, 2, "diverged", 100, 200), fake("B", 1, 0, "interrupted", 3, 2))
	step, wall, loss := axis(t, xs, "step"), axis(t, xs, "wall"), axis(t, ys, "train_loss")
	list := res.Series()
	if len(list) != 2 || len(list[0].Runs) != 3 {
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
	c := newCurve(res.Series()[0], axis(t, xs, "wall"), axis(t, ys, "train_loss"), 0)
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
	c := newCurve(res.Series()[0], axis(t, xs, "wall"), axis(t, ys, "train_loss"), 0)
	if want := ([]figure.Point{{X: 0, Y: 7}, {X: 1, Y: 5}, {X: 2, Y: 3}, {X: 3, Y: 2}}); !slices.Equal(c.Mean, want) || !c.held || c.averaged {
		t.Errorf("mean %v, want %v", c.Mean, want)
	}
	if len(c.Tails) != 1 || !slices.Equal(c.Tails[0], []figure.Point{{X: 2, Y: 2}, {X: 4, Y: 0}}) {
		t.Errorf("tails %v", c.Tails)
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
		res := &results.Results{Runs: []results.Run{{Manifest: runlog.Manifest{Method: "A", Outcome: "finished"}, Rows: rows}}}
		if err := Summarize(res).WriteTable(&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		for _, y := range ys {
			for _, x := range xs {
				x.log = len(rows)%2 == 0
				f := figure.Figure{Panels: []figure.Panel{curvePanel([]curve{newCurve(res.Series()[0], x, y, 2)}, x, y)}}
				if err := (render.SVG{}).Render(io.Discard, f); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
