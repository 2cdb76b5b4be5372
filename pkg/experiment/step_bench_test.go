package experiment

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/tensor"
)

// mnistLike is a problem of the size of MNIST's: 28 x 28 bytes, 10 classes.
func mnistLike(tb testing.TB, c *Config, examples int) *Problem {
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
	data, err := datasets.Prepare(raw, datasets.Defaults(), datasets.OneHot)
	if err != nil {
		tb.Fatal(err)
	}
	p := &Problem{Problem: data, Config: c}
	if p.Net, err = c.buildNet(data.Shape, data.Outputs); err != nil {
		tb.Fatal(err)
	}
	return p
}

// mnistTrainer is a trainer of the MLP 784-256-256-10 with batches of 128.
func mnistTrainer(tb testing.TB, optimizer string, pool *tensor.Pool) *trainer[float32] {
	tb.Helper()
	c, err := Parse("bench.yaml", fmt.Appendf(nil, `
name: bench
data: {name: mnist}
model: {kind: mlp, hidden: [256, 256]}
loss: {kind: logistic}
train: {batch_size: 128, epochs: 1000}
methods: [{name: a, optimizer: %s}]
`, optimizer), nil)
	if err != nil {
		tb.Fatal(err)
	}
	p := mnistLike(tb, c, 12800)
	return newTrainer[float32](c, &c.Methods[0], 0, p.Problem, p.Net, pool)
}

var benchOptimizers = []string{"{kind: sgd, learning_rate: 0.1}", "{kind: sgd, learning_rate: 0.1, momentum: 0.9}", "{kind: adam}"}

// TestStepAllocatesNothing: after the first steps, training makes no garbage.
func TestStepAllocatesNothing(t *testing.T) {
	for _, o := range benchOptimizers {
		for _, threads := range []int{1, 2} {
			pool := tensor.NewPool(threads)
			defer pool.Close()
			tr := mnistTrainer(t, o, pool)
			step := func() {
				tr.advance()
				tr.step++
			}
			step()
			if n := testing.AllocsPerRun(5, step); n != 0 {
				t.Errorf("%s, %d threads: %g allocations a step", o, threads, n)
			}
		}
	}
}

// BenchmarkStep makes whole training steps: batch, linearization, oracle,
// update.
func BenchmarkStep(b *testing.B) {
	for _, o := range benchOptimizers {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", o, threads), func(b *testing.B) {
				pool := tensor.NewPool(threads)
				defer pool.Close()
				tr := mnistTrainer(b, o, pool)
				b.ReportAllocs()
				for b.Loop() {
					tr.advance()
					tr.step++
				}
				b.ReportMetric(2*tr.unit*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
