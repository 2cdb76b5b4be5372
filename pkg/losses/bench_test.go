package losses

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// BenchmarkOutputs times what a step takes of losses for each example: of many outputs, and of the
// ten of a classifier.
func BenchmarkOutputs(b *testing.B) {
	for _, c := range []struct {
		name string
		loss Loss
		k    int
	}{{"binary_logistic", BinaryLogistic{}, 784}, {"logistic", Logistic{}, 10}} {
		z, y := c.loss.Sample(rand.New(rand.NewPCG(1, 2)), c.k)
		g := make([]float64, len(z))
		for name, f := range map[string]func(){
			"value":  func() { c.loss.Value(z, y) },
			"grad":   func() { c.loss.Grad(g, z, y) },
			"factor": func() { c.loss.GGNFactor(g, z, y) },
		} {
			b.Run(fmt.Sprintf("%s/k=%d/%s", c.name, c.k, name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
			})
		}
	}
}

// BenchmarkBatch times the loss of a mini-batch of a classifier, 128 x 10, as training makes it.
func BenchmarkBatch(b *testing.B) {
	const m, k = 128, 10
	z, y, g := tensor.New[float64](m, k), tensor.New[float64](m, k), tensor.New[float64](m, k)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range m {
		at, target := Logistic{}.Sample(rng, k)
		copy(z.Row(i), at)
		copy(y.Row(i), target)
	}
	l := Weighted{Loss: Logistic{}}
	c, s := tensor.New[float64](m, k), normal(rng, m*k)
	for i := range m {
		l.GGNFactor(c.Row(i), z.Row(i), y.Row(i))
	}
	b.Run("factors", func(b *testing.B) {
		for b.Loop() {
			l.MulFactors(g.Flat(), s, c)
		}
	})
	b.Run("factors, transposed", func(b *testing.B) {
		for b.Loop() {
			l.MulFactorsT(g.Flat(), s, c)
		}
	})
	b.Run("mean", func(b *testing.B) {
		for b.Loop() {
			l.Mean(z, y)
		}
	})
	b.Run("gradients", func(b *testing.B) {
		for b.Loop() {
			l.Grads(g, z, y)
		}
	})
}
