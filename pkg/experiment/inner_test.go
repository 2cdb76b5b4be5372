package experiment

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
)

// TestInner: log: {inner: true} records the solves of step 1 and of the steps
// before evaluations, agrees with steps.csv, and changes no other number.
func TestInner(t *testing.T) {
	const text = `
name: inner
data: {name: digits, train_limit: 120, test_limit: 20}
model: {kind: mlp, hidden: [5]}
loss: {kind: logistic}
train: {batch_size: 30, epochs: 3}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.1}}
  - {name: dual, oracle: {kind: gauss_newton, inner_iterations: 3}, optimizer: {kind: sgd, learning_rate: 1}}
  - {name: primal, oracle: {kind: gauss_newton, formulation: primal, inner_iterations: 4}, optimizer: {kind: sgd, learning_rate: 1}}
  - {name: prox, oracle: {kind: prox_linear, inner_iterations: 5}, optimizer: {kind: sgd, learning_rate: 1}}
`
	plain, opt := options(t.TempDir()), options(t.TempDir())
	run(t, parse(t, text), plain)
	run(t, parse(t, text, "log.inner=true"), opt)
	for _, tt := range []struct {
		slug       string
		iterations int // at most
		inner      bool
		dual       bool
	}{{"sgd", 0, false, false}, {"dual", 3, true, true}, {"primal", 4, true, false}, {"prox", 5, true, true}} {
		dir := filepath.Join(opt.Out, "runs", tt.slug, "0")
		for _, name := range []string{"steps.csv", "metrics.csv"} {
			with, _ := rows(t, filepath.Join(dir, name))
			without, _ := rows(t, filepath.Join(plain.Out, "runs", tt.slug, "0", name))
			for c := range without {
				if c != "wall_seconds" && !slices.Equal(with[c], without[c]) {
					t.Errorf("%s: %s of %s changes", tt.slug, c, name)
				}
			}
		}
		steps, _ := rows(t, filepath.Join(dir, "steps.csv"))
		_, err := os.Stat(filepath.Join(dir, "inner.csv"))
		if (err == nil) != tt.inner {
			t.Errorf("%s: inner.csv: %v", tt.slug, err)
		}
		if !tt.inner {
			continue
		}
		inner, n := rows(t, filepath.Join(dir, "inner.csv"))
		last := map[string]int{} // row of the last iterate, by step
		for i := range n {
			last[inner["step"][i]] = i
			if it := number(t, inner["iteration"][i]); it > float64(tt.iterations) {
				t.Errorf("%s: iteration %g of %d", tt.slug, it, tt.iterations)
			}
		}
		for _, step := range []string{"1", "4", "8", "12"} {
			i, ok := last[step]
			at := slices.Index(steps["step"], step)
			if !ok || at < 0 {
				t.Errorf("%s: no iterates of step %s", tt.slug, step)
				continue
			}
			if inner["iteration"][i] != steps["inner_iterations"][at] || inner["relative_residual"][i] != steps["relative_residual"][at] {
				t.Errorf("%s, step %s: inner.csv ends with iteration %s, residual %s; steps.csv says %s, %s", tt.slug, step,
					inner["iteration"][i], inner["relative_residual"][i], steps["inner_iterations"][at], steps["relative_residual"][at])
			}
		}
		if len(last) != 4 {
			t.Errorf("%s: iterates of steps %v", tt.slug, last)
		}
		duals, err := arrays.ReadFile(filepath.Join(dir, "duals.npz"))
		if (err == nil) != tt.dual {
			t.Errorf("%s: duals.npz: %v", tt.slug, err)
		}
		var names []string
		for _, a := range duals {
			names = append(names, a.Name)
			if !slices.Equal(a.Shape, []int{30, 10}) {
				t.Errorf("%s: %s has shape %v", tt.slug, a.Name, a.Shape)
			}
			alpha := a.Float64s() // of the logistic loss: p - y, with p in the simplex
			for i := 0; i < len(alpha); i += 10 {
				var sum, low float64
				for _, v := range alpha[i : i+10] {
					sum += v
					low = min(low, v)
				}
				if math.Abs(sum) > 1e-12 || low < -1-1e-12 {
					t.Errorf("%s: %s is not p - y: sum %g, least %g", tt.slug, a.Name, sum, low)
				}
			}
		}
		if tt.dual && !slices.Equal(names, []string{"alpha_1", "alpha_4", "alpha_8", "alpha_12"}) {
			t.Errorf("%s: duals.npz holds %v", tt.slug, names)
		}
	}
}
