package oracles

import (
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestBlocksAllocateNothing: the blocks of many outputs are factored in work space too.
func TestBlocksAllocateNothing(t *testing.T) {
	const m, k = 4, 20
	dense := nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: k, Bias: true, Initializer: "lecun_normal"}}
	n, err := nn.NewNet(tensor.Shape{C: 6, H: 1, W: 1}, dense)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pool := tensor.NewPool(2)
	defer pool.Close()
	w, x, y := n.Init(rng), tensor.New[float64](m, 6), tensor.New[float64](m, k)
	for i := range x.Flat() {
		x.Flat()[i] = rng.NormFloat64()
	}
	for i := range m {
		y.Set(i, i, 1)
	}
	lin := nn.NewLinearization[float64](n, m, pool)
	lin.Linearize(w, x)
	l := losses.Logistic{}
	for _, form := range Forms {
		spec, err := parse("{kind: gauss_newton, solver: pcg, inner_iterations: 3, gram: " + string(form) + "}")
		if err != nil {
			t.Fatal(err)
		}
		o, d, p := New[float64](spec, Site{Loss: l, Dims: n.Dims(m), Pool: pool}), make([]float64, len(w)), problemOf(l, lin, y)
		o.Direction(d, p)
		if n := testing.AllocsPerRun(5, func() { o.Direction(d, p) }); n != 0 {
			t.Errorf("%s: %g allocations", form, n)
		}
	}
}
