package oracles

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// TestGapIsPMinusD: of every truncated solve in the dual, rescaled or not, with
// weight decay or without, the gap that is reported is P(d) - D(alpha) from the
// definitions, with
//
//	D(alpha) = -(1/m) Σ phi*(alpha_i) + min_d [alpha·J d/m + |d|²/(2 gamma) + (mu/2) |w + d|²].
func TestGapIsPMinusD(t *testing.T) {
	const m = 7
	served, _ := combos()
	for _, c := range served {
		if c.formulation != "dual" {
			continue
		}
		for _, gamma := range []float64{0.1, 10, 1e3} {
			for _, mu := range []float64{0, 0.1} {
				for _, budget := range []int{0, 1, 3, 9} {
					for _, rescale := range []bool{false, true} {
						n, p := newProblem[float64](c.loss, m, nil)
						if budget == 9 {
							weigh(p, 0)
						}
						d := make([]float64, n.NumParams())
						o := c.bind(n, m, fmt.Sprintf("gamma: %g", gamma), fmt.Sprintf("weight_decay: %g", mu), fmt.Sprintf("inner_iterations: %d", budget), fmt.Sprintf("rescale: %v", rescale))
						r := o.Direction(d, p)
						r = o.Complete(true)
						alpha := o.(DualOracle).DualVariables()
						s := tensor.New[float64](m, p.Gradient.Outputs().Cols) // alpha = g + L s, 0 for the gradient step
						if gn, ok := o.(*dualGN[float64]); ok && r.StopReason != StoppedGradient {
							copy(s.Flat(), gn.s)
						}
						dual := dualOf(c, p, alpha, s, 0)
						ja, w, e := make([]float64, len(d)), p.Gradient.Weights(), make([]float64, len(d))
						p.Gradient.VJP(ja, alpha)
						for i := range e {
							e[i] = -(ja[i]/m + mu*w[i]) / (1/gamma + mu)
						}
						shifted := slices.Clone(w)
						axpy(1, e, shifted)
						dual += dot(ja, e)/m + dot(e, e)/(2*gamma) + mu/2*dot(shifted, shifted)
						want := primalOf(c, p, d, gamma, mu) - dual
						if scale := meanOf(p, p.Gradient.Outputs()); math.Abs(r.Gap-want) > 1e-7*want+1e-9*scale {
							t.Errorf("%v, gamma %g, mu %g, %d iterations, rescale %v: the gap is %g, reported as %g (%s)", c, gamma, mu, budget, rescale, want, r.Gap, r.StopReason)
						}
					}
				}
			}
		}
	}
}
