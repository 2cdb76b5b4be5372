package oracles

import (
	"strings"
	"testing"
)

// TestCountsOfOptions: what options add to the counters is what they do: s0 = J d0
// of weight decay in the dual of prox-linear, J w where K is formed, the product of a warm start, a
// forward for Levenberg-Marquardt, a VJP and a forward for each gamma of a
// search. Rescaling adds nothing.
func TestCountsOfOptions(t *testing.T) {
	const m = 7
	served, _ := combos()
	tested := map[string]int{}
	for _, c := range served {
		for _, option := range []string{"rescale: true", "weight_decay: 0.1", "warm_start: true", "gamma: {levenberg_marquardt: {}}", "gamma: {search: [0.1, 1, 10]}"} {
			name, _, _ := strings.Cut(option, ": ")
			if _, err := c.spec(option); err != nil || c.formulation == "" || !c.throughTangents() || c.draws() {
				continue
			}
			n, p := newProblem[float64](c.loss, m, nil)
			p.Trace = &Trace{}
			r := c.bind(n, m, "inner_iterations: 3", option).Direction(make([]float64, n.NumParams()), p)
			if r.StopReason == StoppedNoDecrease {
				continue
			}
			tested[option]++
			it, k := r.InnerIterations, p.Gradient.Outputs().Cols
			solves := len(p.Trace.Iterates) - 1
			var want Counters
			formed := c.solver == "sdca" || c.solver == "cholesky"
			switch {
			case c.oracle == "gauss_newton" && c.formulation == "dual":
				want = Counters{VJPs: it + 2, JVPs: it + 1}
				if formed {
					want = Counters{VJPs: k + 1, GramProducts: 2}
				}
			case formed && c.formulation == "primal": // J, and a product for the residual of each solve
				want = Counters{VJPs: 1 + it*(k+1), JVPs: it}
				if c.oracle == "prox_linear" { // and the gradient after it
					want.VJPs += it
				}
			case c.oracle == "gauss_newton":
				want = Counters{VJPs: it + 1, JVPs: it}
			case c.solver == "sdca":
				want = Counters{VJPs: k + 1, GramProducts: it}
			case c.solver == "projected_gradient":
				want = Counters{VJPs: it + 2, JVPs: it}
			case formed:
				want = Counters{VJPs: k + 1, GramProducts: 2 * it}
			case c.formulation == "dual":
				want = Counters{VJPs: it + solves + 1, JVPs: it + solves}
			default:
				want = Counters{VJPs: it + solves, JVPs: it}
				if r.StopReason != StoppedBudget {
					want.VJPs++
				}
			}
			if c.solver == "pcg" {
				want.VJPs += k
			}
			switch {
			case name == "weight_decay" && c.formulation == "dual" && (c.oracle == "prox_linear" || formed):
				want.JVPs++ // J d0, or J w
			case name == "warm_start" && formed:
				want.GramProducts++
			case name == "warm_start":
				want.VJPs++
				want.JVPs++
			case strings.Contains(option, "levenberg"):
				want.Forwards++
			case strings.Contains(option, "search"):
				want.Forwards += 3
				want.VJPs += 2
			}
			got := r.Counters
			got.MultiplyAdds = 0
			if got != want {
				t.Errorf("%v, %s, %s after %d: %+v, want %+v", c, option, r.StopReason, it, got, want)
			}
			// Where nothing is formed, they are those of forwards, VJPs and JVPs.
			if a := n.MultiplyAdds(); !formed && c.solver != "pcg" {
				if adds := m * (a.JVP*int64(got.JVPs) + a.VJP*int64(got.VJPs) + a.Forward*int64(got.Forwards)); r.Counters.MultiplyAdds != adds {
					t.Errorf("%v, %s: %d multiply-adds, want %d", c, option, r.Counters.MultiplyAdds, adds)
				}
			}
		}
	}
	if len(tested) != 5 {
		t.Errorf("tested: %v", tested)
	}
}
