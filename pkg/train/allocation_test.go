package train

import (
	"fmt"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestEquationsAllocateNothing is [TestStepAllocatesNothing] for residuals of equations, at points
// that are drawn anew in each step.
func TestEquationsAllocateNothing(t *testing.T) {
	pool := tensor.NewPool(2)
	defer pool.Close()
	for _, data := range []string{"poisson, dimension: 3", "heat", "burgers"} {
		for _, method := range []string{"optimizer: adam", "oracle: {kind: gauss_newton, solver: cholesky, inner_iterations: 1}, optimizer: sgd, line_search: grid", "oracle: gauss_newton, optimizer: sgd",
			"oracle: {kind: gauss_newton, solver: cholesky, inner_iterations: 1, acceleration: geodesic}, optimizer: sgd, line_search: grid", "oracle: {kind: gauss_newton, formulation: primal, solver: cholesky, inner_iterations: 1}, optimizer: sgd"} {
			conf, err := config.Parse("alloc.yaml", fmt.Appendf(nil, "name: alloc\ndata: {name: %s, interior: 20, boundary: 6, resample: 1, test_points: 9, valid_points: 9}\nmodel: {kind: mlp, hidden: [8, 8], activation: tanh}\nloss: squared\ntrain: {epochs: 1000}\nmethods: [{name: a, %s}]\n", data, method), nil)
			if err != nil {
				t.Fatal(err)
			}
			tr := newTrainer[float64](Training{Problem: opened(t, conf), Method: &conf.Methods[0], Seed: 0}, pool)
			step := func() {
				tr.advance()
				tr.step++
			}
			step()
			if n := testing.AllocsPerRun(3, step); n != 0 {
				t.Errorf("%s, %s: %g allocations a step", data, method, n)
			}
		}
	}
}

// TestOraclesAllocateNothing is [TestStepAllocatesNothing] for every solver and option of
// the oracles, with and without a line search.
func TestOraclesAllocateNothing(t *testing.T) {
	pool := tensor.NewPool(2)
	defer pool.Close()
	const mlp = "mlp, hidden: [20, 20]"
	for _, c := range []struct{ loss, model, oracle string }{
		{"logistic", mlp, "gauss_newton, warm_start: true"},
		{"logistic", mlp, "gauss_newton, rescale: true, weight_decay: 0.1"},
		{"logistic", mlp, "gauss_newton, gamma: {levenberg_marquardt: {}}"},
		{"logistic", mlp, "gauss_newton, solver: pcg"},
		{"logistic", mlp, "gauss_newton, solver: lanczos"},
		{"logistic", mlp, "gauss_newton, solver: lanczos, gamma: {search: [0.1, 1]}"},
		{"logistic", mlp, "gauss_newton, solver: cholesky"},
		{"logistic", mlp, "gauss_newton, solver: {kind: sdd, batch: 5}"},
		{"logistic", mlp, "gauss_newton, solver: {kind: nystrom, rank: 5}"},
		{"logistic", mlp, "prox_linear, solver: nystrom"},
		{"logistic", "convnet, filters: [3], hidden: [9]", "gauss_newton, solver: cholesky"},
		{"logistic", "resnet, depth: 8, width: 2, norm: layer_norm", "gauss_newton, solver: cholesky"},
		{"logistic", mlp, "gauss_newton, formulation: primal"},
		{"logistic", mlp, "prox_linear"},
		{"logistic", mlp, "prox_linear, weight_decay: 0.1, gap_tolerance: 1e-3, rescale: true"},
		{"logistic", mlp, "prox_linear, solver: cholesky"},
		{"logistic", mlp, "prox_linear, solver: pcg"},
		{"logistic", mlp, "prox_linear, formulation: primal"},
		{"huber", mlp, "prox_linear, solver: sdca"},
		{"huber", mlp, "prox_linear, solver: projected_gradient"},
	} {
		for _, search := range []string{"none", "armijo"} {
			method := fmt.Sprintf("oracle: {kind: %s}, optimizer: {kind: sgd, learning_rate: 1}, line_search: %s", c.oracle, search)
			conf, err := config.Parse("alloc.yaml", fmt.Appendf(nil, "name: alloc\ndata: {name: mnist}\nmodel: {kind: %s}\nloss: {kind: %s}\ntrain: {batch_size: 4, epochs: 1000}\nmethods: [{name: a, %s}]\n", c.model, c.loss, method), nil)
			if err != nil {
				t.Fatal(err)
			}
			p := mnistLike(t, conf, 400)
			tr := newTrainer[float32](Training{Problem: p, Method: &conf.Methods[0], Seed: 0}, pool)
			step := func() {
				tr.advance()
				tr.step++
			}
			for range p.Train.Len() / 4 { // an epoch: a warm start remembers every example
				step()
			}
			if n := testing.AllocsPerRun(3, step); n != 0 {
				t.Errorf("%s, %s, %s: %g allocations a step", c.model, c.oracle, search, n)
			}
		}
	}
}
