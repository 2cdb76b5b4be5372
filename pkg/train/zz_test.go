package train

import (
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

func BenchmarkZZ(b *testing.B) {
	for name, method := range map[string]string{
		"sdd":     "oracle: {kind: gauss_newton, solver: {kind: sdd, batch: 64}, inner_iterations: 50, gamma: 1}, optimizer: {kind: sgd, learning_rate: 0.1}",
		"nystrom": "oracle: {kind: gauss_newton, solver: {kind: nystrom, rank: 32}, inner_iterations: 3, gamma: 1}, optimizer: {kind: sgd, learning_rate: 0.1}",
	} {
		b.Run(name, func(b *testing.B) {
			pool := tensor.NewPool(2)
			defer pool.Close()
			tr := mnistTrainer(b, method, pool)
			for b.Loop() {
				tr.advance()
				tr.step++
			}
		})
	}
}
