package oracles

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// widened is a problem of float32 in float64: the same weights, inputs and targets.
func widened(n *nn.Net, p *Subproblem[float32], x tensor.Matrix[float32]) *Subproblem[float64] {
	w, wide := make([]float64, n.NumParams()), tensor.New[float64](x.Rows, x.Cols)
	tensor.Convert(w, p.Gradient.Weights())
	tensor.Convert(wide.Flat(), x.Flat())
	lin := nn.NewLinearization[float64](n, x.Rows, nil)
	lin.Linearize(w, wide)
	q := problemOf(p.Loss, lin, p.Gradient.Targets)
	q.Gradient.Omega = p.Gradient.Omega
	return q
}

// TestRounding: in float32, whatever gamma makes of rounding, the slope, P and the gap
// that are reported are those of the direction returned, by float64 arithmetic; where
// rounding and not the budget spoils P, it does not rise; and D stays below P.
func TestRounding(t *testing.T) {
	served, _ := combos()
	for turn, c := range some(served) {
		if c.formulation == "" {
			continue
		}
		for i, option := range []string{"weight_decay: 0", "weight_decay: 1e-3", "rescale: true", "gamma: {search: [1, 1e5, 1e8]}"} {
			for _, seed := range seeds(9, turn+i) {
				for _, gamma := range []float64{1, 1e4, 1e6, 1e7, 1e8, 1e10} {
					options := []string{"inner_iterations: 20", fmt.Sprintf("gamma: %g", gamma), option}
					if strings.HasPrefix(option, "gamma") {
						options = []string{"inner_iterations: 20", option}
					}
					if _, err := c.spec(options...); err != nil {
						continue
					}
					m := 2 + int(seed)%7
					n, p, x := drawBatch[float32](c.loss, m, seed, nil)
					if seed%3 == 0 {
						weigh(p, seed)
					}
					q := widened(n, p, x)
					d, wide := make([]float32, n.NumParams()), make([]float64, n.NumParams())
					o := New[float32](c.must(options...), Site{Loss: c.loss, Dims: n.Dims(m)})
					r := o.Direction(d, p)
					first := r
					r = o.Complete(true)
					tensor.Convert(wide, d)
					g := gradientOf(q, r.WeightDecay)
					if tensor.Norm2(nil, g) < 1e-6 || c.lossName == "huber" && r.Gamma > 1e8 {
						continue // the quadratic model of huber is nearly unbounded
					}
					slope := dot(g, wide)
					primal, start := primalOf(c, q, wide, r.Gamma, r.WeightDecay), primalOf(c, q, make([]float64, len(wide)), r.Gamma, r.WeightDecay)
					scale := start + math.Abs(primal) + math.Abs(slope)
					say := fmt.Sprintf("%v, %s, seed %d, gamma %g (%s after %d)", c, option, seed, r.Gamma, r.StopReason, r.InnerIterations)
					for _, v := range []struct {
						what           string
						got, want, tol float64
					}{
						{"the slope", r.Slope, slope, 2e-2},
						{"P", r.Primal, primal, 1e-3},
						{"the change of the model before Complete", first.ModelChange, r.ModelChange, 2e-2},
					} {
						if math.Abs(v.got-v.want) > v.tol*scale { // NaN: not said
							t.Errorf("%s: %s is %.9g, want %.9g", say, v.what, v.got, v.want)
						}
					}
					if !(slope < 1e-6*scale) {
						t.Errorf("%s: the slope is %g", say, slope)
					}
					truncated := r.StopReason == StoppedBudget || r.StopReason == StoppedNoDecrease && Solvers.Default(c.solver).Must().Abilities().Box != nil
					if primal > start*(1+1e-5) && !(truncated && c.solver != "cholesky") {
						t.Errorf("%s: P rises from %g to %g", say, start, primal)
					}
					if !(r.Gap >= 0) {
						t.Errorf("%s: the gap is %g", say, r.Gap)
					}
					if c.formulation == "dual" && r.WeightDecay == 0 {
						s := tensor.New[float64](m, q.Gradient.Outputs().Cols)
						if gn, ok := o.(*dualGN[float32]); ok {
							copy(s.Flat(), gn.s)
						}
						if want := primal - dualOf(c, q, o.(DualOracle).DualVariables(), s, r.Gamma); !(math.Abs(r.Gap-want) <= 1e-3*(scale+want)) {
							t.Errorf("%s: the gap is %g, want %g", say, r.Gap, want)
						}
					}
				}
			}
		}
	}
}

// TestRoundingDoubts: what is asked for in float32 and cannot be had is not said to have
// been reached.
func TestRoundingDoubts(t *testing.T) {
	served, _ := combos()
	seen := 0
	for _, c := range served {
		if c.oracle != "gauss_newton" || c.lossName != "logistic" {
			continue
		}
		n, p, x := drawBatch[float32](c.loss, 8, 3, nil)
		q := widened(n, p, x)
		d, wide := make([]float32, n.NumParams()), make([]float64, n.NumParams())
		const gamma, tolerance = 1e8, 1e-6
		o := New[float32](c.must("inner_iterations: 200", fmt.Sprintf("gamma: %g", gamma), fmt.Sprintf("gap_tolerance: %g", tolerance)), Site{Loss: c.loss, Dims: n.Dims(8)})
		r := o.Direction(d, p)
		// t + 1 JVPs, and one for the direction that is in doubt.
		if c.solver == "cg" && c.formulation == "dual" && c.throughTangents() && r.StopReason != StoppedSlope && (r.Counters.JVPs != r.InnerIterations+2 || r.Counters.VJPs != r.InnerIterations+2) {
			t.Errorf("%v: %+v after %d iterations (%s)", c, r.Counters, r.InnerIterations, r.StopReason)
		}
		tensor.Convert(wide, d)
		best := make([]float64, len(wide))
		c.bind(n, 8, converged(gamma, 0)...).Direction(best, q)
		missed := primalOf(c, q, wide, gamma, 0) - primalOf(c, q, best, gamma, 0)
		if missed > 100*tolerance*meanOf(q, q.Gradient.Outputs()) {
			seen++
			if claimed(r.StopReason) {
				t.Errorf("%v: stopped by %s, %g above the minimum", c, r.StopReason, missed)
			}
		}
	}
	if seen == 0 {
		t.Error("no direction is far from the minimum")
	}
}

// TestPrimalFloat32: in float32 conjugate gradients in the primal reach in t iterations
// what they reach in float64: without orthogonal residuals they miss up to 4 % of the
// decrease.
func TestPrimalFloat32(t *testing.T) {
	served, _ := combos()
	for turn, c := range served {
		if c.formulation != "primal" || c.oracle != "gauss_newton" || c.lossName == "huber" {
			continue // huber: the decrease grows with gamma, the curvature with it does not
		}
		for _, gamma := range []float64{1, 1e2, 1e4, 1e6} {
			for _, budget := range []int{3, 6, 10, 20} {
				for _, seed := range seeds(20, turn) {
					n, p, x := drawBatch[float32](c.loss, 8, seed, nil)
					q := widened(n, p, x)
					d, wide, e := make([]float32, n.NumParams()), make([]float64, n.NumParams()), make([]float64, n.NumParams())
					options := []string{fmt.Sprintf("inner_iterations: %d", budget), fmt.Sprintf("gamma: %g", gamma)}
					New[float32](c.must(options...), Site{Loss: c.loss, Dims: n.Dims(8)}).Direction(d, p)
					c.bind(n, 8, options...).Direction(e, q)
					tensor.Convert(wide, d)
					got, want := primalOf(c, q, wide, gamma, 0), primalOf(c, q, e, gamma, 0)
					if missed := (got - want) / math.Abs(want-meanOf(q, q.Gradient.Outputs())); !(missed < 1e-4) {
						t.Errorf("%v, gamma %g, seed %d: after %d iterations float32 misses %.2g of the decrease", c, gamma, seed, budget, missed)
					}
				}
			}
		}
	}
}
