package train

import (
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/tensor"
)

// BenchmarkExactStep times steps of configs/quickstart.yaml, whose dual systems have one
// unknown for each example and are solved by Cholesky.
func BenchmarkExactStep(b *testing.B) {
	c, err := config.Load("../../configs/quickstart.yaml", nil)
	if err != nil {
		b.Fatal(err)
	}
	p := opened(b, c)
	pool := tensor.NewPool(1)
	defer pool.Close()
	for i := range c.Methods {
		b.Run(c.Methods[i].Name, func(b *testing.B) {
			t := newTrainer[float32](Training{Problem: p, Method: &c.Methods[i]}, pool)
			t.advance()
			b.ReportAllocs()
			for b.Loop() {
				t.step++
				t.step %= 100
				t.advance()
			}
		})
	}
}
