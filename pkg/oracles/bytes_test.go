package oracles

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// sizedProblem is a problem in which neither outputs nor weights are few.
func sizedProblem(l losses.Loss, m, features int) (*nn.Net, *Subproblem[float64]) {
	rng := rand.New(rand.NewPCG(3, 4))
	_, first := l.Sample(rng, 5)
	k := len(first)
	dense := func(n int) nn.LayerConfig {
		return nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: n, Bias: true, Initializer: "lecun_normal"}}
	}
	n, err := nn.NewNet(tensor.Shape{C: features, H: 1, W: 1}, dense(20), nn.LayerConfig{Kind: "tanh", Layer: nn.Tanh{}}, dense(k))
	if err != nil {
		panic(err)
	}
	w, x, y := n.Init(rng), tensor.New[float64](m, features), tensor.New[float64](m, k)
	for i := range x.Flat() {
		x.Flat()[i] = rng.NormFloat64()
	}
	for i := range m {
		_, yi := l.Sample(rng, k)
		copy(y.Row(i), yi)
	}
	lin := nn.NewLinearization[float64](n, m, nil)
	lin.Linearize(w, x)
	return n, problemOf(l, lin, y)
}

func sizesOf(n *nn.Net, m int) Sizes {
	return Sizes{Dims: n.Dims(m), Value: 8, Seen: m}
}

func heapInUse() float64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}

// TestFitsCountsBases: a basis of a vector for each iteration is no smaller than a
// Gram matrix because it grows during the solve.
func TestFitsCountsBases(t *testing.T) {
	n, _ := sizedProblem(losses.Known.Default("logistic").Must(), 2, 400)
	l := losses.Known.Default("logistic").Must()
	for _, c := range []struct {
		config string
		m      int
		want   string
	}{
		{"{kind: gauss_newton, inner_iterations: 100000}", 100, ""},
		{"{kind: gauss_newton, inner_iterations: 1000000}", 20000, "inner_iterations: cg keeps a vector of 100000 numbers (20000 examples x 5 outputs) for each of 1000000 iterations: 74.5 GiB, more than the 2.0 GiB allowed"},
		{"{kind: gauss_newton, solver: lanczos, inner_iterations: 9223372036854775807}", 20000, "lanczos keeps a vector of"},
		{"{kind: prox_linear, solver: pcg, inner_iterations: 9223372036854775807}", 20000, "pcg keeps a vector of"},
		{"{kind: gauss_newton, solver: cholesky}", 1 << 62, "cholesky holds the Gram matrix"},
		{"{kind: gauss_newton, formulation: primal, inner_iterations: 1000000}", 20000, ""},
	} {
		spec, err := parse(c.config)
		if err != nil {
			t.Fatal(err)
		}
		if err = spec.Fits(l, n.Dims(c.m)); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s, m = %d: says %v", c.config, c.m, err)
		}
	}
}
