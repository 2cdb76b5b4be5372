package train

import (
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/tensor"
)

// BenchmarkEquationStep times exact steps of configs/pinn/poisson5d.yaml: m = 3500 points, drawn anew
// in every step. docs/kernels.md says how its profile tells what kernels take of it.
func BenchmarkEquationStep(b *testing.B) {
	c, err := config.Load("../../configs/pinn/poisson5d.yaml", []string{"methods.GN dual.line_search=none"})
	if err != nil {
		b.Fatal(err)
	}
	p := opened(b, c)
	for i := range c.Methods {
		if c.Methods[i].Name != "GN dual" {
			continue
		}
		for _, threads := range []int{1, 2} {
			b.Run([]string{"", "one thread", "two threads"}[threads], func(b *testing.B) {
				pool := tensor.NewPool(threads)
				defer pool.Close()
				t := newTrainer[float64](Training{Problem: p, Method: &c.Methods[i]}, pool)
				t.advance()
				for b.Loop() {
					t.step++
					t.advance()
				}
			})
		}
	}
}
