package problem

import (
	"context"
	"math"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
)

// TestPredict: what a run is predicted to take follows its length and its oracle, whichever
// limit comes first, and a limit of seconds is taken at its word.
func TestPredict(t *testing.T) {
	of := func(sets ...string) float64 {
		t.Helper()
		c := parse(t, toy, append([]string{"methods=[{name: a, optimizer: sgd}]", "evaluate.every={geometric: 2}"}, sets...)...).Of(0)
		p, err := Open(c, datasets.Env{Context: context.Background(), Offline: true})
		if err != nil {
			t.Fatal(err)
		}
		s := p.Predict()
		if !(s > 0) || math.IsInf(s, 0) {
			t.Fatalf("%v: %g seconds", sets, s)
		}
		return s
	}
	const dual = "methods=[{name: a, oracle: {kind: gauss_newton, inner_iterations: 10}, optimizer: sgd}]"
	short, long := of("train={batch_size: 50, steps: 1000}"), of("train={batch_size: 50, steps: 100000}")
	if r := long / short; r < 90 || r > 101 {
		t.Errorf("100 times the steps take %g times as long", r)
	}
	if s := of("train={batch_size: 50, steps: 1000}", dual); s < 5*short {
		t.Errorf("%g for dual directions of 10 iterations, and %g for gradients", s, short)
	}
	if s := of("train={batch_size: 50, steps: 1000}", "precision=float64"); s < 1.9*short || s > 2.1*short {
		t.Errorf("%g in float64, %g in float32", s, short)
	}
	if s := of("train={batch_size: 50, seconds: 30}"); s < 30 || s > 31 {
		t.Errorf("%g for 30 seconds", s)
	}
	if s := of("train={batch_size: 50, seconds: 30, steps: 1000}"); s != short {
		t.Errorf("%g where steps end a run before its seconds, want %g", s, short)
	}
	// What a step takes beside, or in the place of, products with J.
	line := func(method string) float64 {
		return of("train={batch_size: 50, steps: 1000}", "methods=[{name: a, optimizer: sgd, "+method+"}]")
	}
	for _, c := range []struct{ less, more string }{
		{"line_search: none", "line_search: armijo"},
		{"line_search: armijo", "line_search: strong_wolfe"},
		{"line_search: {kind: grid, steps: 4}", "line_search: {kind: grid, steps: 16}"},
		{"oracle: gradient", "oracle: lbfgs"},
		{"oracle: {kind: lbfgs, history: 2}", "oracle: {kind: lbfgs, history: 20}"},
		{"oracle: {kind: hessian_free, inner_iterations: 5}", "oracle: {kind: hessian_free, inner_iterations: 50}"},
		{"oracle: {kind: kfac, update_every: 10}", "oracle: kfac"},
		{"oracle: {kind: kfac, fisher: empirical}", "oracle: {kind: kfac, fisher: type2}"},
	} {
		if less, more := line(c.less), line(c.more); !(more > less) {
			t.Errorf("%g for %s, and %g for %s", less, c.less, more, c.more)
		}
	}

	// At equal cost it does not matter by what it is spent.
	a, b := of("train={batch_size: 50, cost: 50000}"), of("train={batch_size: 50, cost: 50000}", dual)
	if r := a / b; r < 0.9 || r > 1.1 {
		t.Errorf("%g and %g at equal cost", a, b)
	}
}
