package train

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/runlog"
)

// withProbe is a config whose one method has a probe of these oracles, in YAML.
func withProbe(t testing.TB, oracle, probed string, sets ...string) *config.Config {
	t.Helper()
	method := "methods=[{name: M, optimizer: {kind: sgd, learning_rate: 1}, oracle: {" + oracle + "}"
	if probed != "" {
		method += ", probe: {every: epoch, calls: 2, oracles: [" + probed + "]}"
	}
	return parse(t, toy, append([]string{method + "}]"}, sets...)...)
}

// logged trains the one method of a config with all logs, and returns the folder.
func logged(t testing.TB, c *config.Config) string {
	t.Helper()
	dir := t.TempDir()
	m := &c.Methods[0]
	logs, err := runlog.NewWriter(diskfile.OS{}, dir, runlog.Requests{Inner: c.Log.Inner, Probes: m.Probe != nil}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := output(t)
	out.Log, out.Checkpoints = logs, &checkpoint.Keeper{Files: diskfile.OS{}, Dir: dir, Log: out.Checkpoints.Log}
	end, err := Training{Problem: opened(t, c), Method: m, Threads: 1}.Run(context.Background(), out)
	if err != nil || end.Outcome != runlog.Finished {
		t.Fatal(end, err)
	}
	if err := logs.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rowsOf reads a table, a map by column for each row.
func rowsOf(t testing.TB, path string) (rows []map[string]string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all[1:] {
		row := map[string]string{}
		for i, cell := range r {
			row[all[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// TestProbe: a probe leaves the training as it is, to the bit; of the method's own oracle
// it has the numbers of steps.csv and inner.csv; the exact direction is found by cholesky;
// and all but the times is the same again.
func TestProbe(t *testing.T) {
	const own = "kind: gauss_newton, inner_iterations: 5, gamma: 0.3, weight_decay: 0.01"
	const probed = "{name: own}, {name: exact, solver: cholesky}, {name: primal, formulation: primal}, {name: one, inner_iterations: 1}"
	for _, gamma := range []string{"0.3", "{schedule: cosine, initial: 0.3}", "{levenberg_marquardt: {initial: 0.3}}"} {
		oracle := strings.Replace(own, "0.3", gamma, 1)
		sets := []string{"precision=float64", "log={inner: true, gap: true}", "methods.M.line_search=armijo"}
		plain := logged(t, withProbe(t, oracle, "", sets...))
		with := logged(t, withProbe(t, oracle, probed, sets...))
		again := logged(t, withProbe(t, oracle, probed, sets...))
		for _, file := range []string{runlog.Metrics.File, runlog.Steps.File, runlog.Inner.File} {
			a, b := rowsOf(t, filepath.Join(plain, file)), rowsOf(t, filepath.Join(with, file))
			for i := range a {
				for column, cell := range a[i] {
					if column != "wall_seconds" && b[i][column] != cell {
						t.Fatalf("%s: %s of row %d is %s without a probe, and %s with one", file, column, i, cell, b[i][column])
					}
				}
			}
		}
		params := func(dir string) string {
			b, err := os.ReadFile(filepath.Join(dir, runlog.ParamsFile))
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		if params(plain) != params(with) {
			t.Error("the probe changes the weights")
		}
		rows, same := rowsOf(t, filepath.Join(with, runlog.Probes.File)), rowsOf(t, filepath.Join(again, runlog.Probes.File))
		last := map[string]map[string]string{} // by oracle and step
		for i, r := range rows {
			last[r["oracle"]+r["step"]] = r
			if !(number(t, r["seconds"]) > 0) {
				t.Errorf("row %d took %s s", i, r["seconds"])
			}
			for column, cell := range same[i] {
				if column != "seconds" && r[column] != cell {
					t.Errorf("%s of row %d is %s, and %s another time", column, i, r[column], cell)
				}
			}
		}
		steps := rowsOf(t, filepath.Join(with, runlog.Steps.File))
		inner := rowsOf(t, filepath.Join(with, runlog.Inner.File))
		for _, step := range []string{"1", "6", "12"} {
			at := steps[slices.IndexFunc(steps, func(r map[string]string) bool { return r["step"] == step })]
			own := last["own"+step]
			for _, column := range []string{"stop_reason", "relative_residual", "duality_gap"} {
				if own[column] != at[column] {
					t.Errorf("gamma %s, step %s: %s is %s, steps.csv has %s", gamma, step, column, own[column], at[column])
				}
			}
			for _, r := range rows { // the course is that of the solve, in which the last residual may be rounding
				if r["step"] != step || r["oracle"] != "own" {
					continue
				}
				i := slices.IndexFunc(inner, func(w map[string]string) bool { return w["step"] == step && w["iteration"] == r["iterations"] })
				for _, column := range []string{"relative_residual", "duality_gap"} {
					if got, want := number(t, r[column]), number(t, inner[i][column]); math.Abs(got-want) > 1e-6*want+1e-13 {
						t.Errorf("gamma %s, step %s, %s iterations: %s is %g, inner.csv has %g", gamma, step, r["iterations"], column, got, want)
					}
				}
			}
			if v := last["exact"+step]; number(t, v["distance"]) > 1e-12 || math.Abs(number(t, v["model_gap"])) > 1e-20 {
				t.Errorf("step %s: cholesky is at a distance of %s, with P %s above the least", step, v["distance"], v["model_gap"])
			}
			if number(t, last["own"+step]["distance"]) > number(t, last["one"+step]["distance"]) {
				t.Errorf("step %s: %v, with one iteration %v", step, last["own"+step], last["one"+step])
			}
		}
		if len(last) != 12 {
			t.Errorf("%d solves at 3 steps by 4 oracles", len(last))
		}
		// The cost of the first step but for the line search: a forward pass and the call.
		c := withProbe(t, oracle, "", "precision=float64")
		if cost := number(t, rowsOf(t, filepath.Join(logged(t, c), runlog.Steps.File))[0]["cost"]); !strings.Contains(gamma, "lev") && cost != number(t, last["own1"]["cost"]) {
			t.Errorf("step 1 costs %g, the probe says %s", cost, last["own1"]["cost"])
		}
	}
}

// TestProbeOfEverySolver: every registered solver can be compared, in either formulation,
// on every loss that it serves with an oracle; its directions come nearer to the exact one.
func TestProbeOfEverySolver(t *testing.T) {
	for _, kind := range []string{"gauss_newton", "prox_linear"} {
		for _, formulation := range []string{"dual", "primal"} {
			for _, solver := range oracles.Solvers.Names() {
				for _, loss := range []string{"logistic", "squared_hinge"} {
					text := fmt.Sprintf("{name: it, formulation: %s, solver: %s}", formulation, solver)
					sets := []string{"loss=" + loss, "train={batch_size: 20, steps: 1}", "model.hidden=[6]", "precision=float64"}
					base := "kind: " + kind + ", inner_iterations: 200, gamma: 0.3"
					if loss == "squared_hinge" {
						sets = append(sets, "data.binary=[1, 3, 5, 7, 9]")
						if kind == "prox_linear" {
							base += ", solver: sdca"
						}
					}
					sets = append(sets, "methods=[{name: M, optimizer: {kind: sgd, learning_rate: 1}, oracle: {"+base+"}, probe: {calls: 1, oracles: ["+text+"]}}]")
					c, err := config.Parse("toy.yaml", []byte(toy), sets)
					_, refused := config.ParseMethods("m.yaml", fmt.Appendf(nil, "{model: mlp, loss: %s, methods: [{name: m, optimizer: sgd, oracle: {kind: %s, formulation: %s, solver: %s}}]}", loss, kind, formulation, solver), nil)
					if (err == nil) != (refused == nil) {
						t.Errorf("%s, %s, %s, %s: as a probe %v, as a method %v", kind, formulation, solver, loss, err, refused)
					}
					if err != nil {
						continue
					}
					rows := rowsOf(t, filepath.Join(logged(t, c), runlog.Probes.File))
					first, last := number(t, rows[0]["distance"]), number(t, rows[len(rows)-1]["distance"])
					if !(last < 1e-4) || last > first || !(number(t, rows[len(rows)-1]["duality_gap"]) < 1e-8) {
						t.Errorf("%s, %s, %s, %s: distance %g after one iteration, and %g in the end: %v", kind, formulation, solver, loss, first, last, rows[len(rows)-1])
					}
				}
			}
		}
	}
}

// TestProbeOfTheGradientStep: it is what an oracle without iterations makes, for the cost
// of a gradient.
func TestProbeOfTheGradientStep(t *testing.T) {
	rows := rowsOf(t, filepath.Join(logged(t, withProbe(t, "kind: gauss_newton", "{name: step, inner_iterations: 0}")), runlog.Probes.File))
	for _, r := range rows {
		if r["iterations"] != "0" || r["cost"] != "1" || r["relative_residual"] != "" || !(number(t, r["distance"]) > 0) {
			t.Errorf("%v", r)
		}
	}
	if len(rows) != 3 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestBudgets: from 1 to the largest, each once.
func TestBudgets(t *testing.T) {
	for largest, want := range map[int]string{0: "[0]", 1: "[1]", 2: "[1 2]", 3: "[1 2 3]", 10: "[1 2 3 4 6 8 10]", 30: "[1 2 3 4 6 8 12 16 24 30]"} {
		if got := fmt.Sprint(budgets(largest)); got != want {
			t.Errorf("%d: %s, want %s", largest, got, want)
		}
	}
	for _, c := range []struct {
		reason             string
		iterations, budget int
		want               bool
	}{
		{oracles.StoppedBudget, 4, 4, false}, {oracles.StoppedExact, 1, 1, true}, {oracles.StoppedTolerance, 4, 4, true}, {oracles.StoppedGradient, 0, 0, true},
		{oracles.StoppedNoDecrease, 4, 4, false}, {oracles.StoppedNoDecrease, 3, 4, true}, {oracles.StoppedSlope, 2, 3, true},
		{oracles.StoppedBudget + oracles.Jitter, 4, 4, false}, {oracles.StoppedExact + oracles.Jitter, 1, 1, true},
		{oracles.StoppedNoDecrease + oracles.Jitter, 4, 4, false}, {oracles.StoppedNoDecrease + oracles.Jitter, 3, 4, true},
	} {
		if got := ended([]runlog.Probe{{StopReason: c.reason, Iterations: c.iterations, Budget: c.budget}}); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
	if ended(nil) {
		t.Error("what has not begun has ended")
	}
}
