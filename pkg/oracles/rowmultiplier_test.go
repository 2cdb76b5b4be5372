package oracles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestRowMultiplier: products of many vectors at the same time are those of one after the other,
// in both precisions, and count as many.
func TestRowMultiplier(t *testing.T) {
	checkRows[float32](t, 1e-5)
	checkRows[float64](t, 1e-13)
}

func checkRows[T tensor.Float](t *testing.T, tolerance float64) {
	const m, vectors = 40, 37
	pool := tensor.NewPool(2)
	defer pool.Close()
	n, p := newProblem[T](losses.Logistic{}, m, pool)
	mk := m * n.Outputs()
	rng := rand.New(rand.NewPCG(1, 2))
	v, u := tensor.New[float64](vectors, mk), tensor.New[float64](vectors, mk)
	for i := range v.Data {
		v.Data[i] = rng.NormFloat64()
	}
	one := tensor.New[float64](m, n.Outputs())
	for _, form := range append([]Form{"exact"}, Forms...) {
		t.Run(fmt.Sprintf("%T/%s", T(0), form), func(t *testing.T) {
			exact := form == "exact"
			if exact {
				form = Formed
			}
			g := newGram[T](form, exact, false, pool)
			g.Reset(p.Gradient.Jacobian)
			first := tensor.View(m, n.Outputs(), v.Row(0))
			g.Mul(one, first) // makes what is made once
			cost := g.Mul(one, first)
			many, ok := g.(rowMultiplier)
			if ok {
				var counters Counters
				counters, ok = many.mulRows(u, v)
				if want := (Counters{GramProducts: vectors * cost.GramProducts, MultiplyAdds: vectors * cost.MultiplyAdds}); ok && counters != want {
					t.Errorf("cost %+v, want %+v", counters, want)
				}
			}
			if ok != (form != MatrixFree) {
				t.Fatalf("many at the same time: %t", ok)
			}
			if !ok {
				return
			}
			for i := range vectors {
				g.Mul(one, tensor.View(m, n.Outputs(), v.Row(i)))
				size := math.Sqrt(dot(one.Flat(), one.Flat()))
				for j, x := range one.Flat() {
					if !(math.Abs(u.Row(i)[j]-x) <= tolerance*size) {
						t.Fatalf("vector %d: %g at %d, want %g", i, u.Row(i)[j], j, x)
					}
				}
			}
		})
	}
}
