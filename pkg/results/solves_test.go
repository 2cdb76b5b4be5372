package results

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
)

// TestSolves: the rows of inner.csv are those of solves, each of one step and from its
// first iteration on.
func TestSolves(t *testing.T) {
	text := "step,iteration,relative_residual,duality_gap\n" +
		"0,0,1,\n0,1,0.5,\n0,2,0.25,\n10,0,1,\n10,1,0.1,2\n10,0,1,\n"
	solves, _, err := ReadSolves("inner.csv", []byte(text))
	if err != nil || len(solves) != 3 || solves[1].Step != 10 || !slices.Equal(solves[0].Iterations, []float64{0, 1, 2}) || !slices.Equal(solves[1].Values["relative_residual"], []float64{1, 0.1}) {
		t.Fatalf("%v, %v", solves, err)
	}
	if gap := solves[1].Values["duality_gap"]; !math.IsNaN(gap[0]) || gap[1] != 2 {
		t.Errorf("gaps %v", gap)
	}
	for text, want := range map[string]string{
		"":                        "inner.csv: there is no header",
		"step,iteration\n":        "missing columns: relative_residual, duality_gap",
		text + "x,0,1,1\n":        `inner.csv:8: column step: "x" is not a number`,
		text + "30,-1,1,1\n":      "must be whole numbers",
		text + "30,0\n":           "wrong number of fields",
		"step,iteration,step,a\n": `two columns are called "step"`,
	} {
		if _, _, err := ReadSolves("inner.csv", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q\n  says %v\n  want %s", text, err, want)
		}
	}
	// A crash cuts the last row short.
	run := fake("A", 0, 0, "finished", 1)
	run.Inner = text + "30,0,1"
	res := load(t, run)
	if solves, err = res.Solves(&res.Runs[0]); err != nil || len(solves) != 3 {
		t.Errorf("%v, %v", solves, err)
	}
	if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "inner.csv: the last row is cut short") {
		t.Errorf("warnings %q", res.Warnings)
	}
	// A run without the file has no solves.
	res = load(t, fake("A", 0, 0, "finished", 1))
	if solves, err = res.Solves(&res.Runs[0]); err != nil || solves != nil {
		t.Errorf("%v, %v", solves, err)
	}
}

// TestProbes: the rows of probes.csv are those of courses, each of one oracle at one step,
// with growing budgets.
func TestProbes(t *testing.T) {
	const head = "step,oracle,budget,iterations,stop_reason,relative_residual,duality_gap,cost,seconds,distance,model_gap\n"
	text := head + "1,a,1,1,budget,0.5,,2,0.1,0.5,1\n1,a,2,2,budget,0.25,1e-3,3,0.2,,\n1,\"b, c\",1,1,exact,0,0,9,1,0,-0\n4,a,1,1,budget,1,1,2,1,1,1\n4,a,1,1,budget,1,1,2,1,1,1\n"
	courses, _, err := ReadProbes("probes.csv", []byte(text))
	if err != nil || len(courses) != 4 || courses[1].Oracle != "b, c" || courses[2].Step != 4 || !slices.Equal(courses[0].Values["budget"], []float64{1, 2}) || !slices.Equal(courses[0].Values["cost"], []float64{2, 3}) {
		t.Fatalf("%v, %v", courses, err)
	}
	if gap := courses[0].Values["duality_gap"]; !math.IsNaN(gap[0]) || gap[1] != 1e-3 {
		t.Errorf("gaps %v", gap)
	}
	for text, want := range map[string]string{
		"":                                 "probes.csv: there is no header",
		"step,oracle,budget\n":             "missing columns: iterations, stop_reason, relative_residual",
		head + "x,a,1,1,,1,1,1,1,1,1\n":    `probes.csv:2: column step: "x" is not a number`,
		head + "1,a,-1,1,,1,1,1,1,1,1\n":   `probes.csv:2: column budget: step "1", budget "-1": must be whole numbers`,
		head + "1,a,,1,,1,1,1,1,1,1\n":     "must be whole numbers",
		head + "1,,1,1,,1,1,1,1,1,1\n":     "probes.csv:2: column oracle: is empty",
		head + "1,a,1\n":                   "wrong number of fields",
		head + "1,a,1,1,,1,fast,1,1,1,1\n": `column duality_gap: "fast" is not a number`,
	} {
		if _, _, err := ReadProbes("probes.csv", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q\n  says %v\n  want %s", text, err, want)
		}
	}
	run := fake("A", 0, 0, "finished", 1)
	run.Probes = text + "5,a,1"
	res := load(t, run, fake("B", 1, 0, "finished", 1))
	if courses, err = res.Probes(&res.Runs[0]); err != nil || len(courses) != 4 || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "probes.csv: the last row is cut short") {
		t.Errorf("%v, %v, %q", courses, err, res.Warnings)
	}
	if courses, err = res.Probes(&res.Runs[1]); err != nil || courses != nil {
		t.Errorf("%v, %v", courses, err)
	}
}

// TestDualWeights: the weight of an example is the norm of its dual variables.
func TestDualWeights(t *testing.T) {
	run := fake("A", 0, 0, "finished", 1)
	res := load(t, run)
	if w, err := res.Runs[0].DualWeights(); err != nil || w != nil {
		t.Errorf("without duals.npz: %v, %v", w, err)
	}
	run.Duals = []arrays.Array{arrays.Float64("alpha_0", []int{2, 2}, []float64{3, 4, 0, 0}), arrays.Float64("alpha_10", []int{4, 1}, []float64{1, -1, 1, 1})}
	w, err := load(t, run).Runs[0].DualWeights()
	if err != nil || !slices.Equal(w[0], []float64{5, 0}) || !slices.Equal(w[10], []float64{1, 1, 1, 1}) {
		t.Errorf("%v, %v", w, err)
	}
	for name, a := range map[string]arrays.Array{
		`array "beta": expected alpha_STEP`:         arrays.Float64("beta", []int{1, 1}, []float64{1}),
		`array "alpha_-1": expected alpha_STEP`:     arrays.Float64("alpha_-1", []int{1, 1}, []float64{1}),
		`"alpha_1" has shape [1], expected m x k`:   arrays.Float64("alpha_1", []int{1}, []float64{1}),
		`"alpha_1" has shape [0 2], expected m x k`: arrays.Float64("alpha_1", []int{0, 2}, nil),
	} {
		run.Duals = []arrays.Array{a}
		res := load(t, run)
		if _, err := res.Runs[0].DualWeights(); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "duals.npz") {
			t.Errorf("%v\n  want %s", err, name)
		}
	}
	if _, err := ReadDualWeights("duals.npz", []byte("PK")); err == nil {
		t.Error("no archive is read")
	}
}
