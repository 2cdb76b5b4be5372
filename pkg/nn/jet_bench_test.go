package nn

import (
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// BenchmarkJets times the parts of a step on the residuals of Poisson's equation in five
// dimensions, 3500 points, in float64.
func BenchmarkJets(b *testing.B) {
	const m, d = 3500, 5
	n := build(b, "{kind: mlp, hidden: [64, 64, 48, 48], activation: tanh}", tensor.Shape{C: d, H: 1, W: 1}, 1)
	net, err := n.Differentiate(Jet{Dimension: d, Second: []int{0, 1, 2, 3, 4}}, func(to, _, jet []float64) float64 {
		to[len(to)-1] = -1
		return -jet[len(jet)-1]
	})
	if err != nil {
		b.Fatal(err)
	}
	pool := tensor.NewPool(2)
	defer pool.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	w, x := net.Init(rng), jetPoints(rng, m, d)
	l := NewLinearization[float64](net, m, pool)
	u, g, k := tensor.New[float64](m, 1), make([]float64, len(w)), tensor.New[float64](m, m)
	l.Linearize(w, x)
	for name, f := range map[string]func(){
		"forward": func() { l.Linearize(w, x) }, "JVP": func() { l.JVP(u, g) }, "VJP": func() { l.VJP(g, u) },
		"gram": func() { l.Gram(k) }, "combine": func() { l.Combine(g, u) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
		})
	}
}
