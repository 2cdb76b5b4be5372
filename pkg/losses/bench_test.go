package losses

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkOutputs times what a step takes of a loss of many outputs.
func BenchmarkOutputs(b *testing.B) {
	var l BinaryLogistic
	z, y := l.Sample(rand.New(rand.NewPCG(1, 2)), 784)
	g := make([]float64, len(z))
	for name, f := range map[string]func(){
		"value":  func() { l.Value(z, y) },
		"grad":   func() { l.Grad(g, z, y) },
		"factor": func() { l.GGNFactor(g, z, y) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
		})
	}
}
