package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
)

// TestSolvers: a curve for each oracle, medians over the probed steps of all seeds, on
// panels that share their x axis; a figure for each method that was probed.
func TestSolvers(t *testing.T) {
	var runs []fakeRun
	for seed := range uint64(2) {
		r := fake("GN", 0, seed, "finished", 2, 1)
		r.Precision, r.Probes = "float32", probeLog(1, 10, 20)
		runs = append(runs, r)
	}
	other := fake("PL", 1, 0, "finished", 2, 1)
	other.Settings = map[string]string{"oracle.kind": "prox_linear"}
	other.Probes = strings.ReplaceAll(probeLog(1), "slow", "sl\x1bow")
	runs = append(runs, other, fake("SGD", 2, 0, "finished", 2, 1))
	res := load(t, runs...)
	files := drawn(t, res, FigureOptions{Figures: []string{"solvers"}})
	if len(files) != 2 {
		t.Errorf("%d figures", len(files))
	}
	f := files["solvers"]
	says(t, "solvers", f, "slow", "fast", "relative residual", "duality gap", "distance |d - d*| / |d*|", "model gap P(d) - P(d*)", "cost of the direction [gradients of one mini-batch]",
		"digits, along GN: a mark for each budget", "medians over 3 probed steps of n = 2 seeds, band: quartiles", "are made in float32, the exact one d* in float64", "triangles at the lower edge", "!PL", "!time", "!recursion")
	says(t, "solvers_2", files["solvers_2"], `sl\x1bow`, "along PL", "over 1 probed steps of n = 1 seeds", "in the dual that of the recursion")
	for _, p := range f.Panels {
		if p.X.Range != f.Panels[0].X.Range || !p.X.Log || !p.Y.Log || len(p.Curves) != 2 {
			t.Errorf("%+v", p.X)
		}
	}
	slow, fast := f.Panels[0].Curves[0], f.Panels[0].Curves[1]
	if want := []figure.Point{{X: 3, Y: 0.25}, {X: 4, Y: 0.0625}, {X: 6, Y: math.Pow(0.25, 4)}, {X: 10, Y: math.Pow(0.25, 8)}}; !slices.Equal(slow.Mean, want) || slow.Style != 0 || fast.Style != 1 {
		t.Errorf("%+v, want %v", slow, want)
	}
	if want := []figure.Point{{X: 4, Y: 0.01}, {X: 5, Y: 0}}; !slices.Equal(fast.Mean, want) {
		t.Errorf("%+v, want %v", fast, want)
	}
	if gap := f.Panels[1].Curves[1]; len(gap.Mean) != 0 {
		t.Errorf("a gap that is not known is drawn: %+v", gap)
	}
	linear := false
	wall := drawn(t, res, FigureOptions{Figures: []string{"solvers"}, X: []string{"wall", "epoch"}, LogX: &linear, LogY: &linear})
	says(t, "solvers_vs_wall", wall["solvers_vs_wall"], "time of the call [s]", "!cost of", "!triangles")
	if len(wall) != 2 || wall["solvers_vs_wall"].Panels[0].Curves[0].Mean[3].X != 0.008 || wall["solvers_vs_wall"].Panels[0].X.Log {
		t.Errorf("%d figures against time", len(wall))
	}
	if both := drawn(t, res, FigureOptions{Figures: []string{"solvers"}, X: []string{"wall", "cost"}}); len(both) != 4 {
		t.Errorf("%d figures against both", len(both))
	}
	for _, f := range files {
		rendered(t, f)
	}
	if _, err := Figures(load(t, fake("A", 0, 0, "finished", 1)), FigureOptions{Figures: []string{"solvers"}}); err == nil || !strings.Contains(err.Error(), "figure solvers: no run has probes.csv with numbers; compare oracles along a method by its section probe") {
		t.Error(err)
	}
}

// TestCourseCurve: where some courses have ended the medians are of their last values, at
// their last cost.
func TestCourseCurve(t *testing.T) {
	course := func(budget, cost, y []float64) results.Course {
		return results.Course{Values: map[string][]float64{"budget": budget, "cost": cost, "distance": y}}
	}
	c := courseCurve([]results.Course{
		course([]float64{1, 2, 4}, []float64{2, 3, 5}, []float64{0.5, 0.1, 0.01}),
		course([]float64{1, 2}, []float64{2, 3}, []float64{0.3, 0}),
		course([]float64{1, 2, 4}, []float64{2, 4, 7}, []float64{0.4, math.NaN(), 0.02}),
		course([]float64{2}, []float64{math.Inf(1)}, []float64{1}),
	}, quantity{column: "cost"}, quantity{column: "distance", log: true})
	if want := []figure.Point{{X: 2, Y: 0.4}, {X: 3, Y: 0.1}, {X: 5, Y: 0.01}}; !slices.Equal(c.Mean, want) || c.n != 3 || c.Lo[2] != 0.005 {
		t.Errorf("%+v, want %v", c, want)
	}
}

func FuzzProbes(f *testing.F) {
	f.Add([]byte(probeLog(1, 2)))
	f.Add([]byte("step,oracle,budget,iterations,stop_reason,relative_residual,duality_gap,cost,seconds,distance,model_gap\n0,a,0,0,,NaN,inf,1e308,1e-320,-1,\n1e300,\"b\n\",1,,,,,-1,0,5e-324,0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		courses, _, err := results.ReadProbes("probes.csv", text)
		if err != nil {
			return
		}
		for _, x := range spent {
			for _, y := range accuracies {
				rendered(t, figure.Figure{Panels: []figure.Panel{curvePanel([]curve{courseCurve(courses, x, y)}, x, y)}})
			}
		}
	})
}
