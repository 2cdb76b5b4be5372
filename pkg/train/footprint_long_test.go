//go:build long

package train

import (
	"context"
	"runtime"
	"testing"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/tensor"
)

func heapInUse() float64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}

// heldBy returns what a trainer holds after an evaluation and a step.
func heldBy[T tensor.Float](t *testing.T, p *problem.Problem) float64 {
	pool := tensor.NewPool(1)
	defer pool.Close()
	train := func() *trainer[T] {
		tr := newTrainer[T](Training{Problem: p, Method: &p.Config.Methods[0]}, pool)
		if _, err := tr.eval.evaluate(context.Background(), tr.w); err != nil {
			t.Fatal(err)
		}
		tr.warmUp() // whose oracle must not stay
		tr.direct()
		tr.oracle.Complete(true)
		if p := tr.probe; p != nil {
			p.solve(tr, &tr.mini)
			for j, o := range p.oracles {
				report := o.Direction(p.d, &tr.mini)
				p.row(tr, j, 0, &report)
			}
		}
		tr.update()
		return tr
	}
	train() // work space of products belongs to the pool
	before := heapInUse()
	tr := train()
	after := heapInUse()
	runtime.KeepAlive([]any{tr, p, pool})
	return after - before
}

// TestFootprint compares the estimate of what a run holds with what it does hold, for
// every oracle, optimizer, line search, and model.
func TestFootprint(t *testing.T) {
	var cases []string
	for _, name := range oracles.Known.Names() {
		cases = append(cases, "methods.SGD.oracle={kind: "+name+"}")
	}
	for _, name := range []string{"pcg", "lanczos", "cholesky"} {
		cases = append(cases, "methods.SGD.oracle={kind: gauss_newton, solver: "+name+", inner_iterations: 30}")
	}
	cases = append(cases, "methods=[{name: SGD, optimizer: sgd, oracle: {kind: gauss_newton, solver: cholesky, acceleration: geodesic}}]")
	for _, name := range optim.Known.Names() {
		cases = append(cases, "methods.SGD.optimizer={kind: "+name+"}")
	}
	for _, name := range optim.LineSearches.Names() {
		cases = append(cases, "methods.SGD.line_search={kind: "+name+"}")
	}
	for _, name := range nn.Models.Names() {
		if name != "sequential" {
			cases = append(cases, "model={kind: "+name+"}")
		}
	}
	for _, kind := range []string{"gauss_newton", "prox_linear"} { // the last key of which the probe follows
		cases = append(cases, "methods.SGD={name: SGD, optimizer: {kind: sgd, momentum: 0.9}, oracle: {kind: "+kind+"}, probe: {oracles: [{name: a}, {name: b, formulation: primal, inner_iterations: 30}, {name: c, solver: cholesky}]}}")
	}
	for _, set := range cases {
		for _, precision := range []string{"float32", "float64"} {
			c := parse(t, toy, "methods=[{name: SGD, optimizer: {kind: sgd, momentum: 0.9}}]", "train.batch_size=100", "model.hidden=[300, 20]", set, "precision="+precision)
			p := opened(t, c)
			counted := 0.0
			for _, part := range p.Footprint(&c.Methods[0], 1) {
				if part.Name != "drawing and saving weights" && part.Name != "products" {
					counted += float64(part.Bytes)
				}
			}
			held := heldBy[float32]
			if precision == "float64" {
				held = heldBy[float64]
			}
			if got := held(t, p); counted < 0.8*got || counted > 1.25*got {
				t.Errorf("%s, %s: %.0f bytes are counted, %.0f held: a ratio of %.3f", set, precision, counted, got, counted/got)
			}
		}
	}
}
