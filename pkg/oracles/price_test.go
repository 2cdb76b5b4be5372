package oracles

import (
	"fmt"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
)

// TestPrices: every oracle there is has a price for every problem that it serves: at least a
// gradient's, finite, and not less for more inner iterations or larger mini-batches.
func TestPrices(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		n, _ := newProblem[float64](c.loss, 7, nil)
		price := func(m int, options ...string) float64 {
			s, err := c.spec(options...)
			if err != nil {
				t.Fatal(err)
			}
			return PriceOf(s, c.loss, n.Dims(m))
		}
		few := price(7)
		if c.formulation != "" {
			few = price(7, "inner_iterations: 2")
			if more := price(7, "inner_iterations: 50"); !(more >= few) {
				t.Errorf("%s: %g for 50 iterations, %g for 2", c, more, few)
			}
			if none := price(7, "inner_iterations: 0"); none != seconds(n.Dims(7).VJP) {
				t.Errorf("%s: %g without iterations", c, none)
			}
		}
		if gradient := seconds(n.Dims(7).VJP); !(few >= gradient) || few > 1 {
			t.Errorf("%s: %g, and a gradient %g", c, few, gradient)
		}
		if large := price(70); !(large > price(7)) {
			t.Errorf("%s: %g for 70 examples, %g for 7", c, large, price(7))
		}
	}
}

// TestPricesOfSolvers: solvers on the formed K differ by what they do with it, a sketch costs its
// rank, and a factorisation of the p weights is one of p numbers.
func TestPricesOfSolvers(t *testing.T) {
	l := losses.Squared{}
	n, _ := newProblem[float64](l, 7, nil)
	price := func(m int, config string) float64 {
		t.Helper()
		s, err := parse("{kind: gauss_newton, " + config + "}")
		if err != nil {
			t.Fatal(err)
		}
		return PriceOf(s, l, n.Dims(m))
	}
	const many = 2000
	ascents := price(many, "solver: {kind: sdd, batch: 16}, inner_iterations: 100")
	if more := price(many, "solver: {kind: sdd, batch: 64}, inner_iterations: 100"); !(more > ascents) {
		t.Errorf("sdd: %g for 64 coordinates, %g for 16", more, ascents)
	}
	if exact := price(many, "solver: cholesky, inner_iterations: 1"); !(exact > 5*ascents) {
		t.Errorf("%g by factorisation, and %g for 100 iterations of few coordinates", exact, ascents)
	}
	if less, more := price(many, "solver: {kind: nystrom, rank: 10}"), price(many, "solver: {kind: nystrom, rank: 500}"); !(more > 2*less) {
		t.Errorf("nystrom: %g for rank 500, %g for 10", more, less)
	}
	if r, all := price(many, "solver: {kind: nystrom, rank: 1000000000}"), price(many, fmt.Sprintf("solver: {kind: nystrom, rank: %d}", many*n.Outputs())); r != all {
		t.Errorf("nystrom: %g for more columns than there are unknowns, %g for as many", r, all)
	}
	if primal, dual := price(many, "formulation: primal, solver: cholesky, inner_iterations: 1"), price(many, "solver: cholesky, inner_iterations: 1"); !(primal < dual) {
		t.Errorf("%g for few weights, %g for many residuals", primal, dual)
	}
}
