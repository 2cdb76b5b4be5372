package train

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/tensor"
)

// mnistLike is a problem of the size of MNIST's: 28 x 28 bytes, 10 classes.
func mnistLike(tb testing.TB, c *config.Config, examples int) *problem.Problem {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	e := &datasets.Examples{Shape: tensor.Shape{C: 1, H: 28, W: 28}, Pixels: make([]uint8, examples*784)}
	for i := range e.Pixels {
		e.Pixels[i] = uint8(rng.IntN(256))
	}
	raw := &datasets.Raw{Test: e}
	for i := range 10 {
		raw.Classes = append(raw.Classes, fmt.Sprint(i))
	}
	for range examples {
		e.Labels = append(e.Labels, rng.IntN(10))
	}
	raw.Train = e
	data, err := datasets.Prepare(raw, c.Data.Common, datasets.OneHot)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := problem.New(c, data, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// mnistTrainer is a trainer of the MLP 784-256-256-10 with batches of 128.
func mnistTrainer(tb testing.TB, method string, pool *tensor.Pool) *trainer[float32] {
	tb.Helper()
	return trainerOf(tb, "mnist", "mlp, hidden: [256, 256]", 128, method, pool)
}

// trainerOf is a trainer of a model on images like those of MNIST.
func trainerOf(tb testing.TB, data, model string, batch int, method string, pool *tensor.Pool) *trainer[float32] {
	tb.Helper()
	return trainerOn(tb, 100*batch, data, model, batch, method, pool)
}

// trainerOn has that many images.
func trainerOn(tb testing.TB, examples int, data, model string, batch int, method string, pool *tensor.Pool) *trainer[float32] {
	tb.Helper()
	return newTrainer[float32](trainingOn(tb, examples, data, model, batch, method), pool)
}

// trainingOn is the training of trainerOn, on one thread.
func trainingOn(tb testing.TB, examples int, data, model string, batch int, method string) Training {
	tb.Helper()
	c, err := config.Parse("bench.yaml", fmt.Appendf(nil, `
name: bench
data: {name: %s}
model: {kind: %s}
loss: {kind: logistic}
train: {batch_size: %d, epochs: 1000}
methods: [{name: a, %s}]
`, data, model, batch, method), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return Training{Problem: mnistLike(tb, c, examples), Method: &c.Methods[0], Threads: 1}
}

// benchMethods are methods by name.
var benchMethods = []struct{ name, method string }{
	{"sgd", "optimizer: {kind: sgd, learning_rate: 0.1}"},
	{"momentum", "optimizer: {kind: sgd, learning_rate: 0.1, momentum: 0.9}"},
	{"adam", "optimizer: {kind: adam}"},
	{"gn-dual", "oracle: {kind: gauss_newton, gamma: 0.1}, optimizer: {kind: sgd, learning_rate: 1}"},
	{"gn-dual-armijo", "oracle: {kind: gauss_newton}, optimizer: {kind: sgd, learning_rate: 1}, line_search: armijo"},
	{"gn-primal", "oracle: {kind: gauss_newton, formulation: primal, gamma: 0.1}, optimizer: {kind: sgd, learning_rate: 1}"},
	{"prox", "oracle: {kind: prox_linear, gamma: 0.1}, optimizer: {kind: sgd, learning_rate: 1, momentum: 0.5}, line_search: armijo"},
	{"kfac", "oracle: {kind: kfac, gamma: 10, ema: 0.95}, optimizer: {kind: sgd, learning_rate: 0.1}"},
	{"kfac-empirical", "oracle: {kind: kfac, fisher: empirical, gamma: 10}, optimizer: {kind: sgd, learning_rate: 0.1}"},
}

// TestStepAllocatesNothing: after the first steps, training makes no garbage.
func TestStepAllocatesNothing(t *testing.T) {
	check := func(name string, tr *trainer[float32]) {
		t.Helper()
		step := func() {
			tr.advance()
			tr.step++
		}
		step()
		if n := testing.AllocsPerRun(3, step); n != 0 {
			t.Errorf("%s: %g allocations a step", name, n)
		}
	}
	for _, threads := range []int{1, 2} {
		pool := tensor.NewPool(threads)
		defer pool.Close()
		for _, c := range benchMethods {
			check(fmt.Sprintf("%s, %d threads", c.name, threads), mnistTrainer(t, c.method, pool))
		}
	}
	pool := tensor.NewPool(2)
	defer pool.Close()
	for name, method := range map[string]string{
		"momentum": "optimizer: {kind: sgd, learning_rate: 0.1, momentum: 0.9}",
		"gn-dual":  "oracle: {kind: gauss_newton, inner_iterations: 2}, optimizer: {kind: sgd, learning_rate: 1}, line_search: armijo",
	} {
		check("convnet, "+name, trainerOf(t, "mnist, augment: {crop: 2, flip: true}", "convnet, filters: [3], norm: {kind: group_norm, groups: 3}, hidden: [9]", 4, method, pool))
		check("convnet of many examples, "+name, trainerOf(t, "mnist", "convnet, filters: [4, 16, 16], hidden: [9]", 35, method, pool))
		check("resnet, "+name, trainerOf(t, "mnist", "resnet, depth: 8, width: 2, norm: layer_norm", 2, method, pool))
	}
}

// BenchmarkStep makes whole training steps: batch, linearization, oracle,
// update.
func BenchmarkStep(b *testing.B) {
	for _, c := range benchMethods {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", c.name, threads), func(b *testing.B) {
				pool := tensor.NewPool(threads)
				defer pool.Close()
				tr := mnistTrainer(b, c.method, pool)
				b.ReportAllocs()
				for b.Loop() {
					tr.advance()
					tr.step++
				}
				b.ReportMetric(2*float64(tr.counters.MultiplyAdds)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
