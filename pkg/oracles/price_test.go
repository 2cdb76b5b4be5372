package oracles

import (
	"testing"
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
