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

// TestHeld compares what each oracle says it will hold with what it holds after a
// direction and its diagnosis, for every combination and the options that take
// memory. It knows no oracle by name.
func TestHeld(t *testing.T) {
	const m = 100
	served, _ := combos()
	for _, c := range served {
		for _, options := range []string{"", "inner_iterations: 40", "warm_start: true", "weight_decay: 0.1, inner_iterations: 2", "gamma: {levenberg_marquardt: {}}", "gamma: {search: [0.1, 1]}",
			"momentum: 0.9", "acceleration: geodesic", "acceleration: geodesic, gamma: {levenberg_marquardt: {}}", "unknowns: example", "unknowns: example, momentum: 0.5", "unknowns: example, curvature: {blocks: layers}",
			"curvature: {kind: sampled, examples: 20}", "curvature: {kind: sampled, examples: 20, samples: 4, blocks: layers}", "curvature: {kind: empirical}, momentum: 0.9"} {
			if options != "" && (c.formulation == "" || !c.throughTangents()) {
				continue
			}
			if less := strings.Contains(options, "curvature") || strings.Contains(options, "unknowns"); less && c.lossName != "logistic" && c.lossName != "squared_hinge" {
				continue // sizes depend on the number of outputs: of three, or one
			}
			var with []string
			if options != "" {
				with = []string{options}
			}
			spec, err := c.spec(with...)
			if err == nil {
				err = spec.Check(c.loss)
			}
			if err != nil {
				continue // this one does not serve here
			}
			features := 400
			if c.formulation == "primal" && c.solver == "cholesky" {
				features = 40 // whose A is formed
			}
			n, p0 := sizedProblem(c.loss, m, features)
			mem := n.Memory(m, 8)
			held := HeldBy(spec, c.loss, sizesOf(n, m))
			counted := float64(held.Bytes)
			mk := m * p0.Gradient.Outputs().Cols
			g, _ := spec.(GaussNewton)
			switch {
			case strings.Contains(options, "unknowns: example"):
				mk = m
			case g.Curvature.reduces():
				rows, s := g.Curvature.rows(n.Dims(m))
				mk = rows * s
			}
			if c.formulation == "dual" && (c.gram == Formed || c.solver == "cholesky" || c.solver == "sdca" || g.Curvature.reduces()) {
				counted -= float64(8 * min(256, mk) * mk) // rows of K on their way to it are the pool's
			}
			if held.OutputsAt {
				counted += float64(mem.Kept + mem.Work + 8*n.NumParams())
			}
			// What the rest of the process allocates meanwhile counts too, and passes; a
			// wrong count is wrong each time.
			got, right := 0.0, false
			for try := 0; try < 3 && !right; try++ {
				d := make([]float64, n.NumParams())
				_, p := sizedProblem(c.loss, m, features) // whose linearization holds nothing yet
				before := heapInUse()
				o := New[float64](spec, Site{Loss: c.loss, Dims: n.Dims(m)})
				o.Direction(d, p)
				o.Complete(true)
				got = heapInUse() - before
				runtime.KeepAlive([]any{o, d, p, n})
				right = counted >= 0.8*got-4000 && counted <= 1.25*got+4000
			}
			if !right {
				t.Errorf("%v {%s}: %.0f bytes are counted, %.0f held: a ratio of %.3f", c, options, counted, got, counted/got)
			}
		}
	}
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
