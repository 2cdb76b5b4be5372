package report

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

func TestGoal(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 4, 2, 1), fake("A", 0, 1, "finished", 4, 3, 2), fake("B", 1, 0, "diverged", 4, 5), fake("B", 1, 1, "finished", 4, 3.1, 2.9))
	d := &drawing{res: res, series: res.Series()}
	// The worst seed of B's complete runs ends at 2.9, of A's at 2.
	if got := d.defaultGoal(); got.Metric != "train_loss" || got.Value != 2.9 {
		t.Errorf("default %v", got)
	}
	step := axis(t, xs, "step")
	for i, want := range []float64{10, 20, math.Inf(1), 20} {
		if got := reached(&res.Runs[i], runlog.Goal{Metric: "train_loss", Value: 2.9}, step); got != want {
			t.Errorf("run %d: reached at %g, want %g", i, got, want)
		}
	}
	// The accuracy is 1 - loss/3 on test data.
	if got := reached(&res.Runs[0], runlog.Goal{Metric: "test_accuracy", Value: 0.3}, step); got != 10 {
		t.Errorf("accuracy reached at %g", got)
	}
	files := drawn(t, res, FigureOptions{Figures: []string{"target"}, Goals: []runlog.Goal{{Metric: "test_accuracy", Value: 0.6}}})
	says(t, "target", files["target_test_accuracy"], "A 1/2", "B 0/2", "first evaluation with test accuracy ≥ 60 %", "never reached (3 runs)", "median over all seeds, never reached counted as infinite")
}

// TestSensitivity: a line for each other value, means over the seeds that ended
// well, crosses for those that diverged.
func TestSensitivity(t *testing.T) {
	runs := swept(2, []int{1, 10}, []float64{1, 10})
	files := drawn(t, load(t, runs...), FigureOptions{Figures: []string{"sensitivity"}})
	says(t, "iterations", files["sensitivity_oracle_inner_iterations"], "inner_iterations", "final train loss", "final test accuracy [%]",
		"GN, formulation=dual, gamma=1", "GN, formulation=primal, gamma=10 (3 of 4 diverged)", "!other settings", "×: diverged", "n ≤ 2")
	files = drawn(t, load(t, runs...), FigureOptions{Figures: []string{"sensitivity"}, Swept: "oracle.formulation", Line: "oracle.gamma", Best: true, Y: []string{"train_loss"}})
	if len(files) != 1 {
		t.Errorf("%d figures", len(files))
	}
	says(t, "best", files["sensitivity_oracle_formulation"], "dual", "primal", "best train loss", "GN, gamma=10", "!inner_iterations", "each point is of the other settings' best, by final train loss")

	c := curve{}
	c.addResult(results.Series{Runs: load(t, fake("A", 0, 0, "finished", 4, 1, 2), fake("A", 0, 1, "finished", 4, 3), fake("A", 0, 2, "diverged", 4, 9)).Runs}, 7, axis(t, ys, "train_loss"), false)
	if c.Mean[0] != (figure.Point{X: 7, Y: 2.5}) || c.Lo[0] != 2 || c.Hi[0] != 3 || len(c.Crosses) != 1 || !math.IsInf(c.Crosses[0].Y, 1) {
		t.Errorf("%+v", c)
	}
	c.addResult(results.Series{Runs: load(t, fake("A", 0, 0, "finished", 4, 1, 2)).Runs}, 8, axis(t, ys, "train_loss"), true)
	if c.Mean[1].Y != 1 {
		t.Errorf("best %v", c.Mean[1])
	}
}

// TestSeveralSweeps: runs of two sweeps, which name a setting each, have a place on the
// axes of both.
func TestSeveralSweeps(t *testing.T) {
	const rate, batch = "optimizer.learning_rate", "train.batch_size"
	a := with(fake("SGD", 0, 0, "finished", 2, 1), rate, "0.2", batch, "64")
	b := with(fake("SGD", 0, 0, "finished", 2, 1), rate, "0.1", batch, "32")
	a.Varied, b.Varied = []runlog.Setting{{Key: rate, Value: "0.2"}}, []runlog.Setting{{Key: batch, Value: "32"}}
	files := drawn(t, load(t, a, b), FigureOptions{Figures: []string{"sensitivity"}, Swept: rate, Line: batch})
	says(t, "two sweeps", files["sensitivity_optimizer_learning_rate"], "SGD, batch_size=64", "SGD, batch_size=32", "0.1", "0.2")
}

// TestScale: numbers over decades lie on a log axis; zero among them, or words,
// make places at equal distances.
func TestScale(t *testing.T) {
	for _, c := range []struct {
		values string
		log    bool
		places []float64
	}{
		{"1 2 5", false, []float64{1, 2, 5}},
		{"0.001 1e-1 1", true, []float64{0.001, 0.1, 1}},
		{"0 1 100", false, []float64{0, 1, 2}},
		{"0 1 2", false, []float64{0, 1, 2}},
		{"primal dual", false, []float64{1, 0}},
		{"-1 1", false, []float64{-1, 1}},
		{"10 9 8", false, []float64{10, 9, 8}},
	} {
		values := strings.Fields(c.values)
		s := newScale(slices.Clone(values), nil)
		var places []float64
		for _, v := range values {
			places = append(places, s.at[v])
		}
		if s.log != c.log || !slices.Equal(places, c.places) {
			t.Errorf("%s: log %t, places %v", c.values, s.log, places)
		}
	}
}

func TestFormulations(t *testing.T) {
	res := load(t, swept(1, []int{1, 10}, []float64{1})...)
	files := drawn(t, res, FigureOptions{Figures: []string{"formulations"}})
	says(t, "formulations", files["formulations"], "GN, inner_iterations=1, gamma=1", "GN, inner_iterations=10, gamma=1", "primal", "dual", "cost [gradients of one mini-batch]", "as far as both went in cost")
	// The panel ends at the first evaluation after the cheaper of the two has ended.
	d := &drawing{res: res, series: res.Series()}
	pair := []results.Series{d.series[0], d.series[2]}
	pair[1].Runs[0].Rows = pair[1].Runs[0].Rows[:10]
	p, curves := d.formulationPanel(pair, axis(t, xs, "cost"), axis(t, ys, "train_loss"), []string{"dual", "primal"}, formulation)
	last := curves[0].Mean[len(curves[0].Mean)-1].X
	if end := curves[1].Mean[9].X; p.X.Range.Hi != last || last < end || curves[0].Mean[len(curves[0].Mean)-2].X > end {
		t.Errorf("the axis ends at %g, the primal at %g, the dual at %g", p.X.Range.Hi, end, last)
	}
}

func TestConvergence(t *testing.T) {
	text := "step,iteration,relative_residual,duality_gap\n" +
		"0,0,1,\n0,1,0.5,\n0,2,0.25,\n10,0,1,\n10,1,0.1,\n20,0,1,\n20,1,0.2,\n20,2,0,\n"
	solves, _, err := results.ReadSolves("inner.csv", []byte(text))
	if err != nil || len(solves) != 3 || len(solves[1].Iterations) != 2 {
		t.Fatalf("%v, %v", solves, err)
	}
	c := residualCurve(solves, quantity{column: "relative_residual", log: true})
	// At iteration 2 one solve has ended, and counts with its last number; the 0 of
	// another counts though a log axis has no place for it.
	if !slices.Equal(c.Mean, []figure.Point{{X: 0, Y: 1}, {X: 1, Y: 0.2}, {X: 2, Y: 0.1}}) || math.Abs(c.Hi[2]-0.175) > 1e-15 || math.Abs(c.Lo[1]-0.15) > 1e-15 || c.Lo[2] != 0.05 {
		t.Errorf("%+v", c)
	}
	if c := residualCurve(solves, quantity{column: "duality_gap", log: true}); c.Mean != nil {
		t.Errorf("%+v", c)
	}
	run := fake("A", 0, 0, "finished", 1)
	run.Inner = text
	got := drawn(t, load(t, run), FigureOptions{Figures: []string{"inner"}})["inner"]
	says(t, "inner", got, "inner iteration", "relative residual", "!duality gap", "A [3 solves]", "n = 1 seeds", "!triangles")

	// A crash cuts the last row short.
	run.Inner = text + "30,0,1"
	res := load(t, run)
	drawn(t, res, FigureOptions{Figures: []string{"inner"}})
	if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "inner.csv: the last row is cut short") {
		t.Errorf("warnings %q", res.Warnings)
	}
}

// TestFormulationVariants: where a problem is solved in several ways in one
// formulation, the legend tells which curve is which.
func TestFormulationVariants(t *testing.T) {
	var runs []fakeRun
	for _, form := range []string{"primal", "dual"} {
		for _, warm := range []string{"false", "true"} {
			for _, gamma := range []string{"1", "2"} {
				if form == "primal" && warm == "true" && gamma == "2" {
					continue
				}
				r := with(fake("GN", 0, 0, "finished", 2, 1), "oracle.formulation", form, "oracle.warm_start", warm, "oracle.gamma", gamma)
				r.Varied = []runlog.Setting{{Key: "oracle.formulation", Value: form}, {Key: "oracle.warm_start", Value: warm}, {Key: "oracle.gamma", Value: gamma}}
				runs = append(runs, r)
			}
		}
	}
	opt := FigureOptions{Figures: []string{"formulations"}}
	got := drawn(t, load(t, runs...), opt)["formulations"]
	says(t, "variants", got, "dual, warm_start=false", "dual, warm_start=true", "primal, warm_start=false", "primal, warm_start=true", "gamma=1", "gamma=2")
	for index := range 4 {
		if means(got, index) == 0 {
			t.Errorf("no curve has colour %d", index)
		}
	}
	// Another solver is another way to solve the same problem.
	runs[0].Settings["oracle.solver.kind"], runs[3].Settings["oracle.solver.kind"], runs[3].Settings["oracle.solver.blocks"] = "cg", "pcg", "4"
	// What does not differ is not told.
	got = drawn(t, load(t, runs[0], runs[3]), opt)["formulations"]
	says(t, "one each", got, "dual", "primal", "!warm_start", "!blocks")
	// Manifests may not say more than what varies.
	runs[0].Settings, runs[3].Settings = nil, nil
	drawn(t, load(t, runs[0], runs[3]), FigureOptions{})
}

// TestExtremes: runs in float64 come near its limits before they diverge, and their
// figures are drawn.
func TestExtremes(t *testing.T) {
	logY := false
	for _, log := range []*bool{nil, &logY} {
		res := load(t, fake("A", 0, 0, "diverged", 2, 1e300, 1.7e308), fake("A", 0, 1, "finished", 2, 1e308), fake("B", 1, 0, "finished", 1, 5e-324))
		for _, f := range drawn(t, res, FigureOptions{LogY: log}) {
			rendered(t, f)
		}
	}
}

func TestDuals(t *testing.T) {
	run := fake("A", 0, 0, "finished", 1)
	run.Duals = []arrays.Array{arrays.Float64("alpha_0", []int{2, 2}, []float64{3, 4, 0, 0}), arrays.Float64("alpha_10", []int{4, 1}, []float64{1, -1, 1, 1})}
	res := load(t, run)
	w, err := res.Runs[0].DualWeights()
	if err != nil {
		t.Fatal(err)
	}
	if e := effective(w[0]); e != 0.5 {
		t.Errorf("effective share %g", e)
	}
	if e := effective(w[10]); e != 1 {
		t.Errorf("effective share %g", e)
	}
	got := drawn(t, res, FigureOptions{Figures: []string{"duals"}})["duals"]
	says(t, "duals", got, "A, n = 1", "dual weight of an example", "share of examples [%]", "step 0 [50 %]", "step 10 [100 %]", "!log axis")
	yes := true
	got = drawn(t, res, FigureOptions{Figures: []string{"duals"}, LogX: &yes})["duals"]
	says(t, "duals", got, "the bar apart, at the left: weights that are 0 or too small for the axis", "A: 1 weights are exactly 0")

	// What is no number is counted once.
	run.Duals = []arrays.Array{arrays.Float64("alpha_1", []int{6, 1}, []float64{math.NaN(), math.Inf(1), 0, 1, 1, 1})}
	got = drawn(t, load(t, run), FigureOptions{Figures: []string{"duals"}, LogX: &yes})["duals"]
	says(t, "duals", got, "A: 1 weights are exactly 0; 2 weights are NaN or infinite")

	b := bins{x: figure.Range{Lo: 0, Hi: 3, Some: true}}
	share, below := b.count([]float64{0, 0.05, 3, 4})
	if share[0] != 50 || share[binCount-1] != 25 || below != 0 {
		t.Errorf("%v, %g below", share, below)
	}
	b = bins{x: figure.Range{Lo: 1, Hi: 3, Some: true}, log: true}
	if share, below = b.count([]float64{0, 0.5, 1, 3, math.NaN()}); share[0] != 20 || share[binCount-1] != 20 || below != 40 {
		t.Errorf("log: %v, %g below", share, below)
	}
	if lo, hi := b.apart(); !(0 < lo && lo < hi && hi < 1) {
		t.Errorf("the bar of zeros from %g to %g", lo, hi)
	}
	// What is no such file is an error of the figure.
	run.Duals = []arrays.Array{arrays.Float64("beta", []int{1, 1}, []float64{1})}
	if _, err := Figures(load(t, run), FigureOptions{Figures: []string{"duals"}}); err == nil || !strings.Contains(err.Error(), `duals.npz: array "beta": expected alpha_STEP`) {
		t.Error(err)
	}
}

func FuzzInner(f *testing.F) {
	f.Add([]byte(innerLog(3, 1)))
	f.Add([]byte("step,iteration,relative_residual,duality_gap\n0,0,NaN,inf\n0,1,-1,0\n1e300,1,1e-320,\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		solves, _, err := results.ReadSolves("inner.csv", text)
		if err != nil {
			return
		}
		for _, q := range []quantity{{column: "relative_residual", log: true}, {column: "duality_gap"}} {
			rendered(t, figure.Figure{Panels: []figure.Panel{curvePanel([]curve{residualCurve(solves, q)}, quantity{}, q)}})
		}
	})
}

func FuzzDuals(f *testing.F) {
	// Small, as the engine shortens what it finds byte by byte.
	for _, alpha := range [][]float64{{3, 4, 0, 1e-300}, {math.NaN(), math.Inf(1), 1e308, -1}} {
		var b bytes.Buffer
		if err := arrays.WriteNPZ(&b, []arrays.Array{arrays.Float64("alpha_0", []int{2, 2}, alpha)}); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		byStep, err := results.ReadDualWeights("duals.npz", data)
		if err != nil || len(byStep) == 0 {
			return
		}
		p, _, _ := (&drawing{}).weightPanel(byStep)
		if rendered(t, figure.Figure{Panels: []figure.Panel{p}}); len(p.Histograms) == 0 {
			t.Fatal(fmt.Sprint("nothing is drawn of ", len(byStep), " steps"))
		}
	})
}
