package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
	"pgregory.net/rapid"
)

// drawnRuns draws runs of one method, evaluated at the same steps or not, each at
// times of its own.
func drawnRuns(t *rapid.T, value *rapid.Generator[float64]) results.Series {
	s := results.Series{Method: "A", Label: "A"}
	common := rapid.Bool().Draw(t, "common steps")
	for seed := range rapid.IntRange(1, 5).Draw(t, "seeds") {
		r := results.Run{Manifest: runlog.Manifest{Method: "A", Seed: uint64(seed), Outcome: "finished"}}
		step, time := 0.0, 0.0
		for range rapid.IntRange(1, 6).Draw(t, "evaluations") {
			r.Rows = append(r.Rows, runlog.Row{"step": step, "wall_seconds": time, "train_loss": value.Draw(t, "value")})
			time += rapid.Float64Range(0.01, 3).Draw(t, "seconds")
			step += 10
			if !common {
				step += float64(rapid.IntRange(0, 2).Draw(t, "steps"))
			}
		}
		s.Runs = append(s.Runs, r)
	}
	return s
}

// TestMeasured: every mean and both ends of its band lie between the least and the
// largest of values that the runs have there: at one evaluation, or each its last.
func TestMeasured(t *testing.T) {
	value := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1e-3, 100))
	rapid.Check(t, func(t *rapid.T) {
		s := drawnRuns(t, value)
		for _, x := range []quantity{xs[0], xs[3]} { // wall, step
			c := newCurve(s, x, ys[0], 0)
			if len(c.Mean) == 0 || len(c.Mean) != len(c.Lo) {
				t.Fatalf("%d means, %d bands", len(c.Mean), len(c.Lo))
			}
			for i, m := range c.Mean {
				var same, held figure.Range
				for _, r := range s.Runs {
					if i < len(r.Rows) {
						same.Add(r.Rows[i]["train_loss"])
					}
					for _, row := range r.Rows {
						if row[x.column] > m.X {
							break
						}
						if v := row["train_loss"]; row[x.column] <= m.X {
							last := v
							held.Add(last)
						}
					}
				}
				between := func(r figure.Range) bool {
					return r.Some && r.Lo <= m.Y && m.Y <= r.Hi && r.Lo <= c.Lo[i] && c.Hi[i] <= r.Hi
				}
				var final figure.Range // where all runs end at about the same x
				if c.ended && i == len(c.Mean)-1 {
					for _, r := range s.Runs {
						final.Add(r.Rows[len(r.Rows)-1]["train_loss"])
					}
				}
				if !between(same) && !between(held) && !between(final) {
					t.Fatalf("%s %d: mean %v, band %g to %g, of runs with %v or %v", x.name, i, m, c.Lo[i], c.Hi[i], same, held)
				}
				if i > 0 && m.X <= c.Mean[i-1].X {
					t.Fatalf("x goes from %g to %g", c.Mean[i-1].X, m.X)
				}
			}
			for _, tail := range c.Tails {
				for _, p := range tail {
					if !slices.ContainsFunc(s.Runs, func(r results.Run) bool {
						return slices.ContainsFunc(r.Rows, func(row runlog.Row) bool { return row[x.column] == p.X && row["train_loss"] == p.Y })
					}) {
						t.Fatalf("%v was not measured", p)
					}
				}
			}
		}
	})
}

// TestEnds: runs with the same budget of cost end where the step that reaches it does, and
// their curve at the mean of their final values; runs that end far apart have no such end.
func TestEnds(t *testing.T) {
	run := func(seed uint64, costs ...float64) results.Run {
		r := results.Run{Manifest: runlog.Manifest{Method: "A", Seed: seed, Outcome: runlog.Finished}}
		for i, cost := range costs {
			r.Rows = append(r.Rows, runlog.Row{"step": cost, "cost": cost, "train_loss": 8 / float64(i+1+int(seed))})
		}
		return r
	}
	s := results.Series{Runs: []results.Run{run(0, 0, 10, 100), run(1, 0, 12, 104)}}
	c := newCurve(s, xs[1], ys[0], 0)
	if last := c.Mean[len(c.Mean)-1]; !c.ended || last.X != 102 || math.Abs(last.Y-7./3) > 1e-12 || len(c.Tails) != 0 || c.Mean[len(c.Mean)-2].X != 12 {
		t.Errorf("%+v", c)
	}
	s.Runs[1] = run(1, 0, 12, 140)
	c = newCurve(s, xs[1], ys[0], 0)
	if last := c.Mean[len(c.Mean)-1]; c.ended || last.X != 100 || len(c.Tails) != 1 {
		t.Errorf("%+v", c)
	}
}

// TestConstant: of runs that all have one value, the curve has exactly that value.
func TestConstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(1e-6, 1).Draw(t, "the value")
		for _, x := range xs[:1] {
			s := drawnRuns(t, rapid.Just(v))
			c := newCurve(s, x, ys[0], 0)
			for i, m := range c.Mean {
				if m.Y != v || c.Lo[i] != v || c.Hi[i] != v {
					t.Fatalf("%v, band %v to %v, want %v", m, c.Lo[i], c.Hi[i], v)
				}
			}
		}
	})
	// From unlike starts: what all reach at the first evaluation is drawn there.
	var runs []fakeRun
	for seed := range uint64(3) {
		r := fake("A", 0, seed, "finished")
		r.Text = header + fmt.Sprintf("A,%d,0,0,0,0,0,1,%g,,,,,\nA,%d,469,1,%g,469,0,1,0.96,,,,,\n", seed, 0.1*float64(seed), seed, 1+0.1*float64(seed))
		runs = append(runs, r)
	}
	c := newCurve(load(t, runs...).Series()[0], axis(t, xs, "wall"), axis(t, ys, "train_accuracy"), 0)
	if len(c.Mean) != 2 || c.Mean[1].Y != 96 || math.Abs(c.Mean[1].X-1.1) > 1e-15 {
		t.Errorf("mean %v", c.Mean)
	}
}

// TestZeros: what a log axis has no place for is in the mean all the same; a mean
// of 0 stands at the edge, and no line crosses its place.
func TestZeros(t *testing.T) {
	// Means 1, 0.1, 0.05, 0, 0.1, of five evaluations.
	res := load(t, fake("A", 0, 0, "finished", 1, 0.1, 0, 0, 0.1), fake("A", 0, 1, "finished", 1, 0.1, 0.1, 0, 0.1))
	x, y := axis(t, xs, "step"), axis(t, ys, "train_loss")
	c := newCurve(res.Series()[0], x, y, 0)
	if want := ([]figure.Point{{X: 0, Y: 1}, {X: 10, Y: 0.1}, {X: 20, Y: 0.05}, {X: 30, Y: 0}, {X: 40, Y: 0.1}}); !slices.Equal(c.Mean, want) {
		t.Errorf("mean %v, want %v", c.Mean, want)
	}
	if c.edges() != (edge{n: 1}) || c.Tails != nil {
		t.Errorf("%+v at the edge, tails %v", c.edges(), c.Tails)
	}
	got := drawn(t, res, FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}})["train_loss_vs_step"]
	says(t, "zeros", got, "triangles at the lower edge: exactly 0, for which a log axis has no place", "mean of n = 2 seeds", "!after the shortest", "!thin")
	if len(res.Warnings) != 0 {
		t.Errorf("warnings %q", res.Warnings)
	}
	// Runs that end at 0 are as long as the others.
	res = load(t, fake("A", 0, 0, "finished", 1, 0, 0), fake("A", 0, 1, "finished", 1, 0.5, 0))
	c = newCurve(res.Series()[0], x, y, 0)
	if !slices.Equal(c.Mean, []figure.Point{{X: 0, Y: 1}, {X: 10, Y: 0.25}, {X: 20, Y: 0}}) || c.Tails != nil || c.Thin != nil {
		t.Errorf("%+v", c)
	}
	// In every kind of figure.
	var runs []fakeRun
	for _, form := range []string{"primal", "dual"} {
		for _, n := range []string{"1", "2"} {
			r := with(fake("GN", 0, 0, "finished", 1, 0.5, 0), "oracle.formulation", form, "oracle.inner_iterations", n)
			r.Varied = []runlog.Setting{{Key: "oracle.formulation", Value: form}, {Key: "oracle.inner_iterations", Value: n}}
			r.Inner = "step,iteration,relative_residual,duality_gap\n0,0,1,1\n0,1,0.5,0\n0,2,0,0\n"
			runs = append(runs, r)
		}
	}
	files := drawn(t, load(t, runs...), FigureOptions{Figures: []string{"overview", "sensitivity", "formulations", "inner"}})
	for name, got := range files {
		says(t, name, got, "triangles at the lower edge: exactly 0")
	}
	if len(files) != 4 {
		t.Errorf("%d figures", len(files))
	}
}

// TestSpread: an axis of time or cost is a log axis where some methods take more
// than five times as much as others, unless asked otherwise.
func TestSpread(t *testing.T) {
	slow := func(times float64) fakeRun {
		r := fake("B", 1, 0, "finished")
		r.Text = header
		for i := range 3 {
			r.Text += fmt.Sprintf("B,0,%d,%d,%g,%g,0,%g,0.5,,,1,0.5,\n", 10*i, i, times*float64(i), 10*times*float64(i), 2-0.5*float64(i))
		}
		return r
	}
	no := false
	for _, c := range []struct {
		times float64
		log   *bool
		want  bool
	}{{4.9, nil, false}, {5.1, nil, true}, {5.1, &no, false}} {
		res := load(t, fake("A", 0, 0, "finished", 2, 1.5, 1), slow(c.times))
		d := &drawing{res: res, series: res.Series(), opt: FigureOptions{LogX: c.log}}
		figures, _, err := overview(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range figures[0].Panels {
			if p.X.Log != c.want {
				t.Errorf("%g times: %s: log axis %t", c.times, p.X.Label, p.X.Log)
			}
		}
		d.opt.Goals = []runlog.Goal{{Metric: "train_loss", Value: 1}}
		if figures, _, err = goals(d); err != nil || figures[0].Panels[0].X.Log != c.want {
			t.Errorf("%g times: target: log axis %t, %v", c.times, figures[0].Panels[0].X.Log, err)
		}
		f := d.curveFigure("steps", d.series, [][2]quantity{{axis(t, xs, "step"), axis(t, ys, "train_loss")}}, nil)
		if f.Panels[0].X.Log {
			t.Error("steps on a log axis")
		}
	}
}

// TestSurvivors: a mean over some of the runs says of how many, in every place.
func TestSurvivors(t *testing.T) {
	var runs []fakeRun
	for _, gamma := range []string{"1", "10"} {
		for seed := range uint64(3) {
			r := with(fake("GN", 0, seed, "finished", 2, 1), "oracle.gamma", gamma)
			if gamma == "10" && seed > 0 {
				r.Outcome = "diverged"
			}
			r.Varied = []runlog.Setting{{Key: "oracle.gamma", Value: gamma}}
			runs = append(runs, r)
		}
	}
	files := drawn(t, load(t, runs...), FigureOptions{Y: []string{"train_loss"}, Figures: []string{"curves", "sensitivity", "overview"}})
	says(t, "sensitivity", files["sensitivity_oracle_gamma"], "1/3", "k/n: mean of the k of n seeds that ended well", "2 of 6 diverged")
	says(t, "overview", files["overview"], "GN, gamma=10 (2 of 3 diverged, mean of the other 1)", "GN, gamma=1")
}

// TestBeyondLogAxis: losses too small for a log axis stand at its edge, and those
// near the largest number inside it.
func TestBeyondLogAxis(t *testing.T) {
	opt := FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}}
	got := drawn(t, load(t, fake("A", 0, 0, "finished", 1e-299, 1e-305, 5e-324, 0)), opt)["train_loss_vs_step"]
	says(t, "small", got, "triangles at the lower edge: less than 1e-300, where a log axis ends")
	c := newCurve(load(t, fake("A", 0, 0, "finished", 1e-299, 1e-305, 5e-324, 0)).Series()[0], axis(t, xs, "step"), axis(t, ys, "train_loss"), 0)
	if c.edges() != (edge{n: 3, tiny: true}) {
		t.Errorf("%+v", c.edges())
	}
	y := axis(t, ys, "train_loss")
	y.log = true
	c = newCurve(load(t, fake("A", 0, 0, "finished", 1e308, 1e290, 1)).Series()[0], axis(t, xs, "step"), y, 0)
	if lo, hi := curvePanel([]curve{c}, axis(t, xs, "step"), y).Y.Ends(); lo > 1 || hi < 1e308 {
		t.Errorf("from %g to %g", lo, hi)
	}
}

// TestNoMean: the number of seeds in a caption is that of curves that are means.
func TestNoMean(t *testing.T) {
	var runs []fakeRun
	for m, ends := range []string{"diverged", "diverged", "diverged", "finished", "finished"} {
		for seed := range uint64(3) {
			outcome := ends
			if m == 4 && seed == 0 {
				outcome = "diverged"
			}
			runs = append(runs, fake(fmt.Sprint("M", m), m, seed, outcome, 2, 1))
		}
	}
	got := drawn(t, load(t, runs...), FigureOptions{Figures: []string{"overview"}})["overview"]
	says(t, "caption", got, "mean of n = 3 seeds or as in brackets")
}

// TestPartialMeans: the text of a mean over some of the runs says so.
func TestPartialMeans(t *testing.T) {
	if !strings.Contains(cell("train_loss", "%.4g", stats.Of([]float64{1, 2}), 3), "[2/3]") {
		t.Error("a mean of two of three does not say so")
	}
}
