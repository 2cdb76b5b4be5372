package oracles

import (
	"math"
	"testing"
)

// TestTrace: the trace starts at no iterations and ends where the report does,
// its residuals and gaps are those of solves with less budget, and asking for
// it changes nothing.
func TestTrace(t *testing.T) {
	same := func(a, b, scale float64) bool {
		return math.IsNaN(a) || math.IsNaN(b) || math.Abs(a-b) <= 1e-7*(math.Abs(a)+scale)
	}
	served, _ := combos()
	for _, c := range served {
		if c.formulation == "" {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			const m, budget = 7, 6
			n, p := newProblem[float64](c.loss, m, nil)
			d, e := make([]float64, n.NumParams()), make([]float64, n.NumParams())
			options := []string{"gamma: 3", "weight_decay: 0.01"}
			c.bind(n, m, append(options, "inner_iterations: 6")...).Direction(d, p)
			p.Trace = &Trace{Iterates: []Iterate{{Iteration: 99}}}
			r := c.bind(n, m, append(options, "inner_iterations: 6")...).Direction(e, p)
			if distance(e, d) != 0 {
				t.Error("the trace changes the direction")
			}
			list := p.Trace.Iterates
			if len(list) < 2 || list[0].Iteration != 0 {
				t.Fatalf("the trace is %v", list)
			}
			last := list[len(list)-1]
			if last.Iteration != r.InnerIterations || !same(last.RelativeResidual, r.RelativeResidual, 0) {
				t.Errorf("the trace ends at %v, the report at %d, %g", last, r.InnerIterations, r.RelativeResidual)
			}
			if _, ok := c.must().(GaussNewton); ok && !same(last.Gap, r.Gap, 1e-9) {
				t.Errorf("the gap ends at %g, the report at %g", last.Gap, r.Gap)
			}
			for i := 1; i < len(list); i++ {
				if list[i].Iteration < list[i-1].Iteration || !(list[i].RelativeResidual >= 0) || list[i].Gap < -1e-12 {
					t.Errorf("iterate %v comes after %v", list[i], list[i-1])
				}
			}
			p.Trace = nil
			short := list[1]
			s := c.bind(n, m, append(options, "inner_iterations: 1")...).Direction(e, p)
			if s.InnerIterations == short.Iteration && !same(short.RelativeResidual, s.RelativeResidual, 0) {
				t.Errorf("the first iterate is %v, a budget of one ends at %g", short, s.RelativeResidual)
			}
		})
	}
}
