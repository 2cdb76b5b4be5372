package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// equation is an experiment on points that are drawn anew every three steps.
const equation = `
name: equation
seeds: [3]
precision: float64
data: {name: poisson, interior: 100, boundary: 40, resample: 3, valid_points: 200, test_points: 300}
model: {kind: mlp, hidden: [16, 12], activation: tanh}
loss: squared
train: {steps: 16}
evaluate: {every: 2}
checkpoint: {every: 1}
methods:
  - {name: gn, oracle: {kind: gauss_newton, solver: cholesky, inner_iterations: 1, gamma: 1e4}, optimizer: {kind: sgd, learning_rate: 1}, line_search: grid}
  - {name: adam, optimizer: {kind: adam, learning_rate: 0.01}}
`

// TestEquation: a run on an equation makes its errors smaller, has the same bits with any number
// of threads, and goes on with them after it was killed between any two steps.
func TestEquation(t *testing.T) {
	whole := options(t.TempDir())
	run(t, parse(t, equation), whole)
	for i, path := range []string{"runs/gn/3", "runs/adam/3"} {
		want := numbersOf(t, filepath.Join(whole.Out, path))
		c := parse(t, equation)
		c.Methods = c.Methods[i : i+1]
		opt := options(t.TempDir())
		opt.Threads = 3
		copies := t.TempDir()
		var list []string
		opt.Monitor = watcher{step: func(_ string, _ uint64, step int) {
			to := filepath.Join(copies, fmt.Sprint(step))
			if err := os.CopyFS(to, os.DirFS(opt.Out)); err != nil {
				t.Fatal(err)
			}
			list = append(list, to)
		}}
		run(t, c, opt)
		resumed := 0
		for _, dir := range append(list, opt.Out) {
			resumed += run(t, c, options(dir)).Resumed
			if got := numbersOf(t, filepath.Join(dir, path)); got != want {
				t.Errorf("%s of %s has other numbers", path, filepath.Base(dir))
			}
		}
		if resumed < 13 {
			t.Errorf("%d runs were resumed", resumed)
		}
	}
	columns, n := rows(t, filepath.Join(whole.Out, "runs/gn/3/metrics.csv"))
	for _, name := range []string{"train_loss", "valid_l2", "test_l2", "test_relative_l2"} {
		if first, last := number(t, columns[name][0]), number(t, columns[name][n-1]); !(last < 0.5*first) {
			t.Errorf("%s goes from %g to %g", name, first, last)
		}
	}
	for _, name := range []string{"valid_loss", "test_loss", "test_accuracy", "test_rmse"} {
		if columns[name][n-1] != "" {
			t.Errorf("%s is %s", name, columns[name][n-1])
		}
	}

	// The error of u itself, at points of this test's own.
	c := parse(t, equation)
	plain, err := c.Model.Must().Build(tensor.Shape{C: 2, H: 1, W: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	w, err := nn.Load[float64](filepath.Join(whole.Out, "runs/gn/3/params.npz"), plain)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	x := tensor.New[float64](20000, 2)
	for i := range x.Data {
		x.Data[i] = rng.Float64()
	}
	u := nn.NewLinearization[float64](plain, x.Rows, nil).Linearize(w, x)
	var squares, size float64
	for i := range x.Rows {
		exact := math.Sin(math.Pi*x.Row(i)[0]) * math.Sin(math.Pi*x.Row(i)[1])
		squares += math.Pow(u.Row(i)[0]-exact, 2)
		size += exact * exact
	}
	for name, want := range map[string]float64{"test_l2": math.Sqrt(squares / 20000), "valid_l2": math.Sqrt(squares / 20000), "test_relative_l2": math.Sqrt(squares / size)} {
		if got := number(t, columns[name][n-1]); math.Abs(got/want-1) > 0.2 { // by the chance of 200 points
			t.Errorf("%s is %g, of other points %g", name, got, want)
		}
	}
}
