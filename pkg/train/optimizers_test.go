package train

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestOptimizerRuns is the conformance suite of optimizers in runs, which knows none by name: a
// checkpoint continues with the same bits, three threads give those of one, and a step allocates
// nothing.
func TestOptimizerRuns(t *testing.T) {
	pool := tensor.NewPool(3)
	defer pool.Close()
	for _, name := range optim.Known.Names() {
		for i, trial := range optim.Known.Entry(name).Trials {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				c := parse(t, toy, "model.hidden=[20, 12]", "train.batch_size=16")
				c.Methods[0].Optimizer = config.Optimizer{Choice: registry.ChoiceOf(&optim.Known, name, struct{}{}, func(struct{}) (optim.Spec, error) { return trial() })}
				p := opened(t, c)
				fresh := func(pool *tensor.Pool) *trainer[float32] { return unlogged(p, c, pool) }
				whole, first, second, threads := fresh(nil), fresh(nil), fresh(nil), fresh(pool)
				start := slices.Clone(whole.w)
				if !slices.Equal(whole.answer(), start) {
					t.Error("before the first step other weights are evaluated than the initial ones")
				}
				runSteps(whole, 13)
				runSteps(first, 6)
				runSteps(threads, 13)
				if !slices.Equal(whole.w, threads.w) || !slices.Equal(whole.answer(), threads.answer()) {
					t.Error("three threads give other bits than one")
				}
				if slices.Equal(whole.w, start) {
					t.Error("nothing was trained")
				}
				handOver(t, first, second)
				runSteps(second, 7)
				if !slices.Equal(whole.w, second.w) || !slices.Equal(whole.answer(), second.answer()) || whole.counters != second.counters {
					t.Error("a checkpoint continues with other bits, or counts")
				}
				if n := testing.AllocsPerRun(12, func() { runSteps(threads, 1) }); n != 0 {
					t.Errorf("%g allocations a step", n)
				}

				// What forgets its steps begins anew.
				threads.resetOptimizer()
				copy(threads.w, start)
				threads.step = 0
				runSteps(threads, 13)
				if !slices.Equal(whole.w, threads.w) {
					t.Error("after it has forgotten its steps it makes others")
				}
			})
		}
	}
}

// TestMatricesCost: the multiply-adds of an optimizer are in the cost of a run.
func TestMatricesCost(t *testing.T) {
	adds := func(optimizer string) int64 {
		c := parse(t, toy, "model.hidden=[20, 12]", "methods.SGD.optimizer="+optimizer)
		tr := newTrainer[float32](Training{Problem: opened(t, c), Method: &c.Methods[0]}, nil)
		tr.advance()
		return tr.counters.MultiplyAdds
	}
	plain := adds("{kind: sgd}")
	// One hidden matrix, 12 x 20: five times X Xᵀ and its square, halved with the diagonal, and a product.
	if got, want := adds("muon")-plain, int64(5*(12*13/2*(20+12)+12*12*20)); got != want {
		t.Errorf("muon: %d multiply-adds more, want %d", got, want)
	}
	for _, o := range []string{"shampoo", "soap"} {
		if adds(o) <= plain {
			t.Errorf("%s costs what sgd does", o)
		}
	}
}

// TestProductsOfMatrices: what products of an update count, by hand, of matrices 20x64, 12x20 and 10x12
// and three biases.
func TestProductsOfMatrices(t *testing.T) {
	var factors, vectors, both int64 // half of G Gᵀ and of Gᵀ G; of g gᵀ; a product on either side
	for _, side := range [][2]int64{{20, 64}, {12, 20}, {10, 12}} {
		r, c := side[0], side[1]
		factors += r*(r+1)/2*c + c*(c+1)/2*r
		both += r*r*c + r*c*c
	}
	for _, n := range []int64{20, 12, 10} {
		vectors += n * (n + 1) / 2
	}
	for _, c := range []struct {
		optimizer string
		want      [2]int64 // of two steps
	}{
		{"shampoo", [2]int64{factors + vectors + both + 20*20 + 12*12 + 10*10, factors + vectors + both + 20*20 + 12*12 + 10*10}},
		{"soap", [2]int64{factors, factors + 2*both}}, // the first step makes no update; then there and back
	} {
		conf := parse(t, toy, "model.hidden=[20, 12]", "methods.SGD.optimizer="+c.optimizer)
		tr := newTrainer[float32](Training{Problem: opened(t, conf), Method: &conf.Methods[0]}, nil)
		for step, want := range c.want {
			tr.advance()
			tr.step++
			if got := tr.updated.Products.MultiplyAdds; got != want {
				t.Errorf("%s, step %d: products of %d multiply-adds, by hand %d", c.optimizer, step+1, got, want)
			}
			if c.optimizer == "shampoo" && tr.updated.Factorisations.MultiplyAdds == 0 {
				t.Error("shampoo's roots cost nothing")
			}
		}
	}
}

// TestLimitIsNamed: where an optimizer takes memory by an option, the footprint of a run names it, also
// of one within another.
func TestLimitIsNamed(t *testing.T) {
	for optimizer, want := range map[string]string{
		"{kind: shampoo}":                     "optimizer (a smaller max_dimension lowers it)",
		"{kind: lookahead, inner: soap}":      "optimizer (a smaller max_dimension lowers it)",
		"{kind: muon, rest: {kind: shampoo}}": "optimizer (a smaller max_dimension lowers it)",
		"{kind: lookahead, inner: adam}":      "optimizer",
	} {
		conf := parse(t, toy, "model.hidden=[20, 12]", "methods.SGD.optimizer="+optimizer)
		found := false
		for _, part := range opened(t, conf).Footprint(&conf.Methods[0], 1) {
			found = found || part.Name == want && part.Bytes > 0
		}
		if !found {
			t.Errorf("%s: no part %q", optimizer, want)
		}
	}
}

// TestUnfitOptimizers: models and line searches that are not for an optimizer are refused.
func TestUnfitOptimizers(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"methods.SGD.optimizer=muon", "methods.SGD.optimizer.matrices: of the 2 matrices of this model none is hidden"},
		{"methods.SGD.optimizer={kind: lookahead, inner: muon}", "methods.SGD.optimizer.inner.matrices: of the 2"},
	} {
		conf := parse(t, toy, "model.hidden=[12]", c.set)
		if _, err := problem.Open(conf, datasets.Env{Offline: true}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.set, err)
		}
	}
	for _, o := range []string{"schedule_free", "lookahead", "{kind: muon, rest: lookahead}"} {
		_, err := config.Parse("toy.yaml", []byte(toy), []string{"methods.SGD.optimizer=" + o, "methods.SGD.line_search=armijo"})
		if err == nil || !strings.Contains(err.Error(), "armijo cannot follow optimizer") {
			t.Errorf("%s: %v", o, err)
		}
	}
}

// TestFallbacksAreLogged: what an optimizer does in place of its update is in steps.csv, whatever
// steps are logged, and counted.
func TestFallbacksAreLogged(t *testing.T) {
	c := parse(t, toy, "train={batch_size: 4, steps: 6}", "log.every=100", "methods.SGD.optimizer={kind: shampoo, epsilon: 1.0e-30}")
	end, dir := trained(t, c, 0)
	columns, n := steps(t, dir)
	if n == 0 || end.Fallbacks != n {
		t.Fatalf("%d rows, and %d fallbacks", n, end.Fallbacks)
	}
	for i, reason := range columns["stop_reason"] {
		if reason != optim.FallbackJitter || columns["grad_norm"][i] != "" {
			t.Errorf("row %d: stop_reason %q, grad_norm %q", i, reason, columns["grad_norm"][i])
		}
	}
	c = parse(t, toy, "train={batch_size: 4, steps: 1}", "methods.SGD={name: SGD, oracle: {kind: gauss_newton, inner_iterations: 1}, optimizer: {kind: shampoo, epsilon: 1.0e-30}}")
	_, dir = trained(t, c, 0)
	if columns, _ := steps(t, dir); columns["stop_reason"][0] != "budget+"+optim.FallbackJitter {
		t.Errorf("behind an inner solve: %q", columns["stop_reason"])
	}
}

// TestSingularSystemsAreLogged: a system that rounding makes indefinite is in steps.csv, whatever steps
// are logged, and the log tells of the first one.
func TestSingularSystemsAreLogged(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		c := parse(t, toy, "train={batch_size: 64, steps: 6}", "log.every=100", "precision="+precision, "model.hidden=[2]",
			"methods.SGD={name: SGD, oracle: {kind: gauss_newton, solver: cholesky, formulation: dual, inner_iterations: 1, gamma: 1.0e+30}, optimizer: {kind: sgd, learning_rate: 1.0e-6}}")
		var log bytes.Buffer
		out, dir := output(t)
		out.Checkpoints.Log = slog.New(slog.NewTextHandler(&log, nil))
		if _, err := (Training{Problem: opened(t, c), Method: &c.Methods[0], Threads: 1}).Run(context.Background(), out); err != nil {
			t.Fatal(err)
		}
		if err := out.Log.Close(); err != nil {
			t.Fatal(err)
		}
		columns, n := steps(t, dir)
		if n == 0 { // of a system without full rank, which rounding makes indefinite or not
			t.Fatalf("%s: no row", precision)
		}
		for i, reason := range columns["stop_reason"] {
			if !strings.HasSuffix(reason, oracles.Jitter) && reason != oracles.StoppedIndefinite {
				t.Errorf("%s: row %d: stop_reason %q", precision, i, reason)
			}
		}
		if told := strings.Count(log.String(), "unknowns"); told != 1 || !strings.Contains(log.String(), "step 1: ") {
			t.Errorf("%s: told %d times: %s", precision, told, &log)
		}
	}
}

// TestAveragedWeights: params.npz and the evaluations have the weights that schedule-free answers, and
// not those of the training.
func TestAveragedWeights(t *testing.T) {
	c := parse(t, toy, "train={batch_size: 16, steps: 8}", "methods.SGD.optimizer=schedule_free", "evaluate.every=8")
	_, dir := trained(t, c, 0)
	list, err := arrays.ReadFile(filepath.Join(dir, runlog.ParamsFile))
	if err != nil {
		t.Fatal(err)
	}
	var saved []float64
	for _, a := range list {
		saved = append(saved, a.Float64s()...)
	}
	p := opened(t, c)
	tr := newTrainer[float32](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, nil)
	for range 8 {
		tr.advance()
		tr.step++
	}
	x := make([]float64, len(tr.w))
	tensor.Convert(x, tr.answer())
	if !slices.Equal(saved, x) {
		t.Error("params.npz has other weights than those that are answered")
	}
	if slices.Equal(tr.answer(), tr.w) {
		t.Error("the mean is where gradients are taken")
	}
	text, err := os.ReadFile(filepath.Join(dir, runlog.Metrics.File))
	if err != nil {
		t.Fatal(err)
	}
	rows, _, err := runlog.Metrics.Read("metrics.csv", text)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := tr.eval.evaluate(t.Context(), tr.answer())
	if err != nil || rows[len(rows)-1]["train_loss"] != scores.train.loss {
		t.Errorf("metrics.csv has the loss %g, the answer %g: %v", rows[len(rows)-1]["train_loss"], scores.train.loss, err)
	}
}
