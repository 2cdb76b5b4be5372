package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
	"pgregory.net/rapid"

	"github.com/dualgn/dgn/pkg/stats"
)

// drawnRuns draws runs of one method, evaluated at the same steps or not, each at
// times of its own.
func drawnRuns(t *rapid.T, value *rapid.Generator[float64]) series {
	s := series{method: "A", label: "A"}
	common := rapid.Bool().Draw(t, "common steps")
	for seed := range rapid.IntRange(1, 5).Draw(t, "seeds") {
		r := Run{Manifest: Manifest{Method: "A", Seed: uint64(seed), Outcome: "finished"}}
		step, time := 0.0, 0.0
		for range rapid.IntRange(1, 6).Draw(t, "evaluations") {
			r.Rows = append(r.Rows, Row{"step": step, "wall_seconds": time, "train_loss": value.Draw(t, "value")})
			time += rapid.Float64Range(0.01, 3).Draw(t, "seconds")
			step += 10
			if !common {
				step += float64(rapid.IntRange(0, 2).Draw(t, "steps"))
			}
		}
		s.runs = append(s.runs, r)
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
			if len(c.mean) == 0 || len(c.mean) != len(c.lo) {
				t.Fatalf("%d means, %d bands", len(c.mean), len(c.lo))
			}
			for i, m := range c.mean {
				var same, held interval
				for _, r := range s.runs {
					if i < len(r.Rows) {
						same.add(r.Rows[i]["train_loss"])
					}
					for _, row := range r.Rows {
						if row[x.column] > m.X {
							break
						}
						if v := row["train_loss"]; row[x.column] <= m.X {
							last := v
							held.add(last)
						}
					}
				}
				between := func(r interval) bool {
					return r.some && r.lo <= m.Y && m.Y <= r.hi && r.lo <= c.lo[i] && c.hi[i] <= r.hi
				}
				if !between(same) && !between(held) {
					t.Fatalf("%s %d: mean %v, band %g to %g, of runs with %v or %v", x.name, i, m, c.lo[i], c.hi[i], same, held)
				}
				if i > 0 && m.X <= c.mean[i-1].X {
					t.Fatalf("x goes from %g to %g", c.mean[i-1].X, m.X)
				}
			}
			for _, tail := range c.tails {
				for _, p := range tail {
					if !slices.ContainsFunc(s.runs, func(r Run) bool {
						return slices.ContainsFunc(r.Rows, func(row Row) bool { return row[x.column] == p.X && row["train_loss"] == p.Y })
					}) {
						t.Fatalf("%v was not measured", p)
					}
				}
			}
		}
	})
}

// TestConstant: of runs that all have one value, the curve has exactly that value.
func TestConstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(1e-6, 1).Draw(t, "the value")
		for _, x := range xs[:1] {
			s := drawnRuns(t, rapid.Just(v))
			c := newCurve(s, x, ys[0], 0)
			for i, m := range c.mean {
				if m.Y != v || c.lo[i] != v || c.hi[i] != v {
					t.Fatalf("%v, band %v to %v, want %v", m, c.lo[i], c.hi[i], v)
				}
			}
		}
	})
	// From unlike starts: what all reach at the first evaluation is drawn there.
	var runs []fakeRun
	for seed := range uint64(3) {
		r := fake("A", 0, seed, "finished")
		r.text = header + fmt.Sprintf("A,%d,0,0,0,0,0,1,%g,,,,,\nA,%d,469,1,%g,469,0,1,0.96,,,,,\n", seed, 0.1*float64(seed), seed, 1+0.1*float64(seed))
		runs = append(runs, r)
	}
	c := newCurve(load(t, runs...).series()[0], axis(t, xs, "wall"), axis(t, ys, "train_accuracy"), 0)
	if len(c.mean) != 2 || c.mean[1].Y != 96 || math.Abs(c.mean[1].X-1.1) > 1e-15 {
		t.Errorf("mean %v", c.mean)
	}
}

// TestZeros: what a log axis has no place for is in the mean all the same; a mean
// of 0 stands at the edge, and no line crosses its place.
func TestZeros(t *testing.T) {
	// Means 1, 0.1, 0.05, 0, 0.1, of five evaluations.
	res := load(t, fake("A", 0, 0, "finished", 1, 0.1, 0, 0, 0.1), fake("A", 0, 1, "finished", 1, 0.1, 0.1, 0, 0.1))
	x, y := axis(t, xs, "step"), axis(t, ys, "train_loss")
	c := newCurve(res.series()[0], x, y, 0)
	if want := (plotter.XYs{{X: 0, Y: 1}, {X: 10, Y: 0.1}, {X: 20, Y: 0.05}, {X: 30, Y: 0}, {X: 40, Y: 0.1}}); !slices.Equal(c.mean, want) {
		t.Errorf("mean %v, want %v", c.mean, want)
	}
	if c.edges() != (edge{n: 1}) || c.tails != nil {
		t.Errorf("%+v at the edge, tails %v", c.edges(), c.tails)
	}
	// The line ends where the 0 begins, and goes on after it.
	p := curvePanel([]curve{c}, x, y).plot()
	to := draw.NewCanvas(new(recorder.Canvas), 200, 200)
	f := newFrame(to, p)
	if got := f.pieces(c.mean); !slices.Equal(got, [][2]int{{0, 3}, {4, 5}}) {
		t.Errorf("pieces %v", got)
	}
	mean := func(i int) float64 { return c.mean[i].Y }
	path := c.plotter().path(f, c.mean, mean, 0, 3)
	if last := path[len(path)-1]; last.X != f.tx(30) || last.Y != f.ty(0.05) {
		t.Errorf("the line ends at %v, want at step 30 and 0.05", last)
	}
	if at := f.at(30, 0); at.Y != to.Min.Y {
		t.Errorf("0 is at %v", at)
	}
	svg := drawn(t, res, FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}, Formats: []string{"svg"}})["train_loss_vs_step.svg"]
	says(t, "zeros", svg, "triangles at the lower edge: exactly 0, for which a log axis has no place", "mean of n = 2 seeds", "!after the shortest", "!thin")
	if len(res.Warnings) != 0 {
		t.Errorf("warnings %q", res.Warnings)
	}
	// Runs that end at 0 are as long as the others.
	res = load(t, fake("A", 0, 0, "finished", 1, 0, 0), fake("A", 0, 1, "finished", 1, 0.5, 0))
	c = newCurve(res.series()[0], x, y, 0)
	if !slices.Equal(c.mean, plotter.XYs{{X: 0, Y: 1}, {X: 10, Y: 0.25}, {X: 20, Y: 0}}) || c.tails != nil || c.thin != nil {
		t.Errorf("%+v", c)
	}
	// In every kind of figure.
	var runs []fakeRun
	for _, form := range []string{"primal", "dual"} {
		for _, n := range []string{"1", "2"} {
			r := with(fake("GN", 0, 0, "finished", 1, 0.5, 0), "oracle.formulation", form, "oracle.inner_iterations", n)
			r.Varied = []Setting{{"oracle.formulation", form}, {"oracle.inner_iterations", n}}
			r.inner = "step,iteration,relative_residual,duality_gap\n0,0,1,1\n0,1,0.5,0\n0,2,0,0\n"
			runs = append(runs, r)
		}
	}
	files := drawn(t, load(t, runs...), FigureOptions{Figures: []string{"overview", "sensitivity", "formulations", "inner"}, Formats: []string{"svg"}})
	for name, svg := range files {
		says(t, name, svg, "triangles at the lower edge: exactly 0")
	}
	if len(files) != 4 {
		t.Errorf("%d figures", len(files))
	}
}

// TestSteps: lines of curves run along the axes: a value holds until the next.
func TestSteps(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 4, 2, 1, 3))
	x, y := axis(t, xs, "cost"), axis(t, ys, "train_loss")
	c := newCurve(res.series()[0], x, y, 0)
	to := draw.NewCanvas(new(recorder.Canvas), 200, 200)
	f := newFrame(to, curvePanel([]curve{c}, x, y).plot())
	path := c.plotter().path(f, c.mean, func(i int) float64 { return c.mean[i].Y }, 0, len(c.mean))
	if len(path) != 7 {
		t.Fatalf("%v", path)
	}
	for i := 1; i < len(path); i++ {
		if path[i].X != path[i-1].X && path[i].Y != path[i-1].Y {
			t.Errorf("from %v to %v", path[i-1], path[i])
		}
	}
}

// TestSpread: an axis of time or cost is a log axis where some methods take more
// than five times as much as others, unless asked otherwise.
func TestSpread(t *testing.T) {
	slow := func(times float64) fakeRun {
		r := fake("B", 1, 0, "finished")
		r.text = header
		for i := range 3 {
			r.text += fmt.Sprintf("B,0,%d,%d,%g,%g,0,%g,0.5,,,1,0.5,\n", 10*i, i, times*float64(i), 10*times*float64(i), 2-0.5*float64(i))
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
		d := &drawing{res: res, series: res.series(), opt: FigureOptions{LogX: c.log}}
		figures, _, err := overview(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range figures[0].panels {
			if p.xlog != c.want {
				t.Errorf("%g times: %s: log axis %t", c.times, p.xlabel, p.xlog)
			}
		}
		d.opt.Target = &Target{"train_loss", 1}
		if figures, _, err = targets(d); err != nil || figures[0].panels[0].xlog != c.want {
			t.Errorf("%g times: target: log axis %t, %v", c.times, figures[0].panels[0].xlog, err)
		}
		f := d.curveFigure("steps", d.series, [][2]quantity{{axis(t, xs, "step"), axis(t, ys, "train_loss")}}, nil)
		if f.panels[0].xlog {
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
			r.Varied = []Setting{{"oracle.gamma", gamma}}
			runs = append(runs, r)
		}
	}
	files := drawn(t, load(t, runs...), FigureOptions{Formats: []string{"svg"}, Y: []string{"train_loss"}, Figures: []string{"curves", "sensitivity", "overview"}})
	says(t, "sensitivity", files["sensitivity_oracle_gamma.svg"], "1/3", "k/n: mean of the k of n seeds that ended well", "2 of 6 diverged")
	says(t, "overview", files["overview.svg"], "GN, gamma=10 (2 of 3 diverged, mean of the other 1)", "GN, gamma=1")
}

// TestCrosses: the mark of a run that diverged stands inside the axes, whole.
func TestCrosses(t *testing.T) {
	r := diverging(decaying("A", 0, 0, 1, 0), 6)
	res := load(t, r, decaying("A", 0, 1, 1, 0))
	x, y := axis(t, xs, "step"), axis(t, ys, "train_loss")
	c := newCurve(res.series()[0], x, y, 0)
	var canvas recorder.Canvas
	to := draw.NewCanvas(&canvas, 300, 200)
	p := curvePanel([]curve{c}, x, y).plot()
	c.mean, c.lo, c.hi, c.thin = nil, nil, nil, nil
	c.plotter().Plot(to, p)
	points := 0
	for _, a := range canvas.Actions {
		if s, ok := a.(*recorder.Stroke); ok {
			for _, k := range s.Path {
				points++
				if k.Pos.X < 0 || k.Pos.X > 300*vg.Length(1) || k.Pos.Y < 0 || k.Pos.Y > 200 {
					t.Errorf("the mark goes to %v", k.Pos)
				}
			}
		}
	}
	if points == 0 {
		t.Error("no mark is drawn")
	}
}

// TestBeyondLogAxis: losses too small for a log axis stand at its edge, and those
// near the largest number inside it.
func TestBeyondLogAxis(t *testing.T) {
	opt := FigureOptions{Formats: []string{"svg"}, X: []string{"step"}, Y: []string{"train_loss"}}
	svg := drawn(t, load(t, fake("A", 0, 0, "finished", 1e-299, 1e-305, 5e-324, 0)), opt)["train_loss_vs_step.svg"]
	says(t, "small", svg, "triangles at the lower edge: less than 1e-300, where a log axis ends")
	c := newCurve(load(t, fake("A", 0, 0, "finished", 1e-299, 1e-305, 5e-324, 0)).series()[0], axis(t, xs, "step"), axis(t, ys, "train_loss"), 0)
	if c.edges() != (edge{n: 3, tiny: true}) {
		t.Errorf("%+v", c.edges())
	}
	y := axis(t, ys, "train_loss")
	y.log = true
	c = newCurve(load(t, fake("A", 0, 0, "finished", 1e308, 1e290, 1)).series()[0], axis(t, xs, "step"), y, 0)
	if p := curvePanel([]curve{c}, axis(t, xs, "step"), y).plot(); p.Y.Min > 1 || p.Y.Max < 1e308 {
		t.Errorf("from %g to %g", p.Y.Min, p.Y.Max)
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
	svg := drawn(t, load(t, runs...), FigureOptions{Formats: []string{"svg"}, Figures: []string{"overview"}})["overview.svg"]
	says(t, "caption", svg, "mean of n = 3 seeds or as in brackets")
}

// TestPartialMeans: the text of a mean over some of the runs says so.
func TestPartialMeans(t *testing.T) {
	if !strings.Contains(cell("train_loss", "%.4g", stats.Of([]float64{1, 2}), 3), "[2/3]") {
		t.Error("a mean of two of three does not say so")
	}
}
