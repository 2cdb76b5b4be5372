package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/render"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

// drawn makes figures, and returns them by name.
func drawn(t testing.TB, res *results.Results, opt FigureOptions) map[string]figure.Figure {
	t.Helper()
	figures, err := Figures(res, opt)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]figure.Figure{}
	for _, f := range figures {
		out[f.Name] = f
		if !ownFigure.MatchString(f.Name) {
			t.Errorf("the figure %s would not be moved aside", f.Name)
		}
	}
	return out
}

// says checks that a figure has texts; those that begin with ! it must not have.
func says(t testing.TB, name string, f figure.Figure, want ...string) {
	t.Helper()
	list := f.Texts()
	for _, p := range f.Panels {
		for _, a := range []figure.Axis{p.X, p.Y} {
			for _, m := range a.Marks() {
				list = append(list, m.Label)
			}
		}
		for _, r := range p.Rows {
			list = append(list, fmt.Sprintf("%s %d/%d", r.Label, r.Reached(), len(r.At)))
		}
	}
	text := strings.Join(list, "\n")
	for _, w := range want {
		w, without := strings.CutPrefix(w, "!")
		if strings.Contains(text, w) == without {
			t.Errorf("%s: %q is there: %t\n%s", name, w, !without, text)
		}
	}
}

// means counts the curves of a style that have a mean.
func means(f figure.Figure, style int) (n int) {
	for _, p := range f.Panels {
		for _, c := range p.Curves {
			if c.Style == style && len(c.Mean) > 0 {
				n++
			}
		}
	}
	return n
}

// inJSON returns figures as JSON, which holds all of them.
func inJSON(t testing.TB, f any) string {
	t.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFigures: the default figures say what they show.
func TestFigures(t *testing.T) {
	res := load(t, fake("SGD", 0, 0, "finished", 2, 1, 0.5), fake("SGD", 0, 1, "finished", 2.2, 0.9, 0.4), fake("Adam", 1, 0, "finished", 2, 0.5, 0.1), fake("Bad", 2, 0, "diverged", 2, 3))
	files := drawn(t, res, FigureOptions{})
	for _, y := range []string{"train_loss", "test_loss", "test_accuracy"} {
		for _, x := range []string{"wall", "cost", "epoch", "step"} {
			name := y + "_vs_" + x
			says(t, name, files[name], "SGD", "Adam [n = 1]", "Bad (1 of 1 diverged) [n = 0]", "digits: mean of n = 2 seeds or as in brackets, band: least to largest", "thin: runs that did not end")
		}
	}
	got := files["train_loss_vs_wall"]
	says(t, "train_loss_vs_wall", got, "training time, wall clock [s]", "train loss", "a value holds until the next evaluation", "at the mean of their x", "×: diverged")
	says(t, "train_loss_vs_step", files["train_loss_vs_step"], "!mean of their x", "a value holds until the next evaluation")
	says(t, "target_train_loss", files["target_train_loss"], "SGD 2/2", "Adam 1/1", "Bad 0/1", "first evaluation with train loss ≤ 0.5")
	if len(files) != 3*4+2 { // curves, overview, target
		t.Errorf("%d figures", len(files))
	}
	// Means of the two that ended.
	for style, want := range []int{1, 1, 0} {
		if n := means(got, style); n != want {
			t.Errorf("method %d: %d means, want %d", style, n, want)
		}
	}
}

// TestSameFigures: the same logs, and an export of them, give the same figures, of every
// kind.
func TestSameFigures(t *testing.T) {
	dir := folder(t, swept(2, []int{1, 5}, []float64{1, 10})...)
	res, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	opt := FigureOptions{Figures: []string{"curves", "overview", "target", "sensitivity", "formulations", "inner", "solvers", "duals"}, X: []string{"wall"}, Y: []string{"train_loss"}}
	first := drawn(t, res, opt)
	for _, name := range []string{"train_loss_vs_wall", "overview", "target_train_loss", "sensitivity_oracle_gamma", "sensitivity_oracle_inner_iterations", "formulations", "inner", "solvers_vs_wall", "duals"} {
		if first[name].Panels == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if res, err = results.Load(dir); err != nil {
		t.Fatal(err)
	}
	again := drawn(t, res, opt)
	for name, f := range first {
		if inJSON(t, f) != inJSON(t, again[name]) {
			t.Errorf("%s is another the second time", name)
		}
	}
	table := filepath.Join(t.TempDir(), "all.csv")
	var b bytes.Buffer
	if err := results.Export(&b, res); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(table, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	exported, err := results.Load(table)
	if err != nil {
		t.Fatal(err)
	}
	opt.Figures = []string{"curves", "overview", "target", "sensitivity", "formulations"} // the others are not in an export
	for name, f := range drawn(t, exported, opt) {
		if inJSON(t, f) != inJSON(t, first[name]) {
			t.Errorf("%s is another when made of an export", name)
		}
	}
}

// TestJSON: figures of every kind are JSON, whatever their numbers.
func TestJSON(t *testing.T) {
	runs := swept(2, []int{1, 5}, []float64{1, 10})
	for i, loss := range []float64{0, 5e-324, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN()} {
		r := fake("Extreme", 1, uint64(i), []string{"finished", "diverged"}[i%2], 1, loss, 2, loss)
		r.Inner = fmt.Sprintf("step,iteration,relative_residual,duality_gap\n0,0,1,%g\n0,1,%g,0\n", loss, loss)
		r.Probes = fmt.Sprintf("step,oracle,budget,iterations,stop_reason,relative_residual,duality_gap,cost,seconds,distance,model_gap\n0,a,1,1,,%[1]g,%[1]g,%[1]g,1,%[1]g,%[1]g\n0,a,2,1,,0,0,3,%[1]g,0,-1\n", loss)
		r.Duals = []arrays.Array{arrays.Float64("alpha_0", []int{3, 1}, []float64{loss, 1, 2})}
		runs = append(runs, r)
	}
	for _, log := range []bool{false, true} {
		kinds := map[string]bool{}
		for name, f := range drawn(t, load(t, runs...), FigureOptions{LogX: &log, LogY: &log}) {
			var read struct {
				Name    string
				Panels  []map[string]any
				Caption []figure.Remark
			}
			if err := json.Unmarshal([]byte(inJSON(t, f)), &read); err != nil {
				t.Fatal(err)
			}
			if read.Name != name || len(read.Panels) != len(f.Panels) || !slices.Equal(read.Caption, f.Caption) {
				t.Errorf("%s: %+v", name, read)
			}
			kind, _, _ := strings.Cut(name, "_")
			kinds[kind] = true
		}
		if want := []string{"duals", "formulations", "inner", "overview", "sensitivity", "solvers", "target", "test", "train"}; !slices.Equal(slices.Sorted(maps.Keys(kinds)), want) {
			t.Errorf("kinds %v, want %v", kinds, want)
		}
	}
}

// TestManyCurves: ten curves are all drawn and named; of more settings, the best
// of each method, and the figure says so.
func TestManyCurves(t *testing.T) {
	opt := FigureOptions{X: []string{"cost"}, Y: []string{"train_loss"}}
	got := drawn(t, load(t, synthetic(10, 4)...), opt)["train_loss_vs_cost"]
	says(t, "ten", got, "method 1", "method 10", "mean of n = 4 seeds, band: 95 % percentile bootstrap interval of the mean (all 256 resamples)")
	for style := range 10 {
		if n := means(got, style); n != 1 {
			t.Errorf("%d curves of style %d", n, style)
		}
	}
	sweep := swept(1, []int{1, 2, 3, 4, 5, 6}, []float64{1})
	got = drawn(t, load(t, sweep...), opt)["train_loss_vs_cost"]
	says(t, "best", got, "GN, formulation=primal, inner_iterations=6, gamma=1", "!inner_iterations=5", "of 12 settings, the one of each method with the least final train loss")
	opt.All = true
	says(t, "all", drawn(t, load(t, sweep...), opt)["train_loss_vs_cost"], "inner_iterations=5", "inner_iterations=6", "!least final")
}

// TestDivergence: runs that diverge do not squeeze the others, are marked where
// they leave, and enter no mean.
func TestDivergence(t *testing.T) {
	runs := synthetic(1, 4)
	runs[1] = diverging(runs[1], 6)
	res := load(t, runs...)
	x, y := axis(t, xs, "step"), axis(t, ys, "train_loss")
	c := newCurve(res.Series()[0], x, y, 0)
	if c.n != 3 || len(c.Thin) != 1 || c.Crosses[0].Y != 1e12 {
		t.Fatalf("n = %d, %d thin, crosses %v", c.n, len(c.Thin), c.Crosses)
	}
	if _, yr := ranges([]curve{c}, x, y); yr.Hi > 50 {
		t.Errorf("the axis goes to %g", yr.Hi)
	}
	got := drawn(t, res, FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}})["train_loss_vs_step"]
	says(t, "divergence", got, "method 1 (1 of 4 diverged, mean of the other 3)", "mean of n = 3 seeds", "×: diverged", "thin: runs that did not end, in no mean")
}

// TestSmooth: the figure says that it is smoothed, and over how much.
func TestSmooth(t *testing.T) {
	res := load(t, synthetic(1, 1)...)
	says(t, "smooth", drawn(t, res, FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}, Smooth: 5})["train_loss_vs_step"],
		"smoothed: running mean of 5 evaluations", "one run each (n = 1, seed 0)")
}

// TestLogOptions: axes are as asked, and what they have no place for is marked at
// their edge.
func TestLogOptions(t *testing.T) {
	yes, no := true, false
	runs := []fakeRun{fake("A", 0, 0, "finished", 1, 0, -1, 0.5)}
	opt := FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}}
	says(t, "default", drawn(t, load(t, runs...), opt)["train_loss_vs_step"], "triangles at the lower edge: 0 or less")
	opt.LogY = &no
	says(t, "linear", drawn(t, load(t, runs...), opt)["train_loss_vs_step"], "!triangles", "-1.0")
	opt.LogX = &yes // step 0
	says(t, "log x", drawn(t, load(t, runs...), opt)["train_loss_vs_step"], "what is at 0 starts at the left edge")
}

// TestTimesFlagged: figures against wall clock say why times do not compare,
// others do not.
func TestTimesFlagged(t *testing.T) {
	runs := synthetic(2, 1)
	runs[1].Threads = 64
	files := drawn(t, load(t, runs...), FigureOptions{Figures: []string{"curves", "target"}, X: []string{"wall", "step"}, Y: []string{"train_loss"}})
	const flag = "times do not compare: runs were made with different threads"
	says(t, "wall", files["train_loss_vs_wall"], flag)
	says(t, "target", files["target_train_loss"], flag)
	says(t, "step", files["train_loss_vs_step"], "!"+flag)
}

// TestColours: a method keeps its colour when others are left out.
func TestColours(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 1), fake("B", 1, 0, "finished", 1), fake("C", 2, 0, "finished", 1))
	res.Keep([]string{"C"})
	if c := newCurve(res.Series()[0], xs[0], ys[0], 0); c.Style != 2 {
		t.Errorf("C has the colour of method %d", c.Style)
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
		{FigureOptions{Figures: []string{"pie"}}, `no figure is called "pie" (known: curves, overview, target, profile, sensitivity, formulations, inner, solvers, duals)`},
		{FigureOptions{Figures: []string{"inner"}}, "figure inner: no run has inner.csv with numbers; train with log: {inner: true}"},
		{FigureOptions{Figures: []string{"duals"}}, "figure duals: no run has duals.npz"},
		{FigureOptions{Figures: []string{"sensitivity"}}, "figure sensitivity: no run varies a number"},
		{FigureOptions{Figures: []string{"sensitivity"}, Swept: "gamma"}, `no run varies "gamma" (varied: )`},
		{FigureOptions{Figures: []string{"formulations"}}, "figure formulations: no runs have the same settings"},
		{FigureOptions{Figures: []string{"target"}, Goals: []runlog.Goal{{Metric: "valid_loss", Value: 1}}}, "no run has values of valid_loss"},
		{FigureOptions{Smooth: -1}, "smooth: must be a number of evaluations, got -1"},
	} {
		if _, err := Figures(res, c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v\n  says %v\n  want %s", c.opt, err, c.want)
		}
	}
	// The figures of the kinds before are there.
	if list, err := Figures(res, FigureOptions{Figures: []string{"overview", "inner"}}); err == nil || len(list) != 1 || list[0].Name != "overview" {
		t.Errorf("%d figures, %v", len(list), err)
	}
	if _, err := Figures(&results.Results{}, FigureOptions{}); err == nil {
		t.Error("no runs are drawn")
	}
	other := fake("A", 0, 1, "finished", 1)
	other.Dataset = "mnist"
	res = load(t, fake("A", 0, 0, "finished", 1), other)
	if _, err := Figures(res, FigureOptions{}); err == nil || !strings.Contains(err.Error(), "different data sets, digits") {
		t.Errorf("two data sets: %v", err)
	}
}

// TestOneEvaluation: figures of a single point, and of runs that were killed at
// once, are drawn.
func TestOneEvaluation(t *testing.T) {
	for _, res := range []*results.Results{load(t, fake("A", 0, 0, "finished", 1)), load(t, fake("A", 0, 0, "running"))} {
		for _, f := range drawn(t, res, FigureOptions{}) {
			rendered(t, f)
		}
	}
}

// TestNoEvaluations: of a sweep whose runs have no evaluations yet, there is nothing to
// compare.
func TestNoEvaluations(t *testing.T) {
	var runs []fakeRun
	for _, gamma := range []string{"1", "10"} {
		r := with(fake("GN", 0, 0, "running"), "oracle.gamma", gamma)
		r.Varied = []runlog.Setting{{Key: "oracle.gamma", Value: gamma}}
		runs = append(runs, r)
	}
	for name, f := range drawn(t, load(t, runs...), FigureOptions{}) {
		if strings.HasPrefix(name, "sensitivity") {
			t.Errorf("there is %s", name)
		}
		rendered(t, f)
	}
	if _, err := Figures(load(t, runs...), FigureOptions{Figures: []string{"sensitivity"}}); err == nil || err.Error() != "figure sensitivity: no run has values" {
		t.Error(err)
	}
}

// rendered writes a figure, as a file of each format, to nowhere.
func rendered(t testing.TB, f figure.Figure) {
	t.Helper()
	for _, r := range render.All(72) {
		if err := r.Render(io.Discard, f); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}
