package oracles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"go.yaml.in/yaml/v3"
)

// TestCounts compares the counters of an MLP 6-8-5-k with their closed forms
// (docs/math.md sections 3 to 5).
func TestCounts(t *testing.T) {
	const m = 7
	served, _ := combos()
	for _, c := range served {
		if c.draws() {
			continue
		}
		n, p := newProblem[float64](c.loss, m, nil)
		k := int64(p.Gradient.Outputs().Cols)
		// The first layer has no input half.
		layers, first := 6*8+8*5+5*k, int64(6*8)
		forward, product := layers, 2*layers-first
		if a := n.MultiplyAdds(); a.Forward != forward || a.JVP != product || a.VJP != product {
			t.Fatalf("the network counts %+v", a)
		}
		mk := m * k
		signals := mk * (8*5 + 5*k) // back-propagations of k outputs, two layers deep
		pairs := k * (k + 1) / 2
		inputs, through := int64(m*(m+1)/2*(6+8+5)), m*m*(8+5+k)+2*m*(8*5+5*k) // once, and for each chained product
		full, blocks := signals+inputs+mk*(mk+1)/2*(8+5+k), signals+m*(6+8+5+pairs*(8+5+k))
		combined := m*layers + mk*(8+5+k) // Jᵀ alpha from kept signals
		for t0 := range 6 {
			p.Trace = &Trace{}
			r := c.bind(n, m, fmt.Sprintf("inner_iterations: %d", t0), "gamma: 0.5").Direction(make([]float64, n.NumParams()), p)
			var want Counters
			it := int64(r.InnerIterations)
			solves := int64(len(p.Trace.Iterates)) - 1 // of a Newton method, which notes where each begins, and the end
			switch {
			case c.oracle == "kfac": // symmetric factors, inverses of n³/2 each, and two products
				want = Counters{VJPs: 1 + int(k), MultiplyAdds: signals - m*product*k}
				for _, l := range [][2]int64{{7, 8}, {9, 5}, {6, k}} {
					in, out := l[0], l[1]
					want.MultiplyAdds += m*in*(in+1)/2 + mk*out*(out+1)/2 + in*in*in/2 + out*out*out/2 + in*out*(in+out)
				}
			case t0 == 0 || c.closed():
				want = Counters{VJPs: 1}
			case c.solver == "sdca":
				want = Counters{VJPs: int(k) + 1, GramProducts: int(it), MultiplyAdds: full + it*mk*mk}
			case c.solver == "projected_gradient":
				want = Counters{VJPs: int(it) + 2, JVPs: int(it)}
			case c.solver == "cholesky" && c.formulation == "primal": // J, A, its factor and a product for each solve
				p0 := int64(n.NumParams())
				rows := p.Gradient.Jacobian.(*nn.Linearization[float64]).Rows(tensor.New[float64](int(mk), int(p0)))
				want = Counters{VJPs: 1 + int(it), JVPs: int(it), MultiplyAdds: it * (rows + mk*p0*(p0+1)/2 + p0*p0*p0/6)}
				if c.oracle == "prox_linear" { // and the gradient after it
					want.VJPs += int(it)
				}
				want.MultiplyAdds += m * product * int64(want.VJPs+want.JVPs)
				want.VJPs += int(it * k)
			case c.solver == "cholesky" && c.oracle == "gauss_newton":
				want = Counters{VJPs: 1 + int(k), GramProducts: 2, MultiplyAdds: full + mk*mk*mk/6 + 2*mk*mk}
			case c.solver == "cholesky":
				want = Counters{VJPs: 1 + int(k), GramProducts: 2 * int(it), MultiplyAdds: full + it*(mk*mk*mk/6+2*mk*mk)}
			case c.solver == "pcg" && c.oracle == "gauss_newton":
				want = Counters{VJPs: int(it) + 2 + int(k), JVPs: int(it) + 1, MultiplyAdds: blocks + m*k*k*k/6}
			case c.solver == "pcg":
				want = Counters{VJPs: int(it+solves+1) + int(k), JVPs: int(it + solves), MultiplyAdds: blocks + solves*(m*k*k*k/6)}
			case c.oracle == "gauss_newton" && c.formulation == "dual":
				want = Counters{VJPs: int(it) + 2, JVPs: int(it) + 1}
			case c.oracle == "gauss_newton" || c.oracle == "hessian_free":
				want = Counters{VJPs: int(it) + 1, JVPs: int(it)}
			case c.formulation == "dual": // a right-hand side for each solve, and the direction
				want = Counters{VJPs: int(it+solves) + 1, JVPs: int(it + solves)}
			default: // a gradient for each solve, but after the last budget
				want = Counters{VJPs: int(it + solves), JVPs: int(it)}
				if r.StopReason != StoppedBudget {
					want.VJPs++
				}
			}
			if int(it) > t0 || t0 > 0 && c.oracle == "prox_linear" && c.formulation == "dual" && solves < 1 && Solvers.Default(c.solver).Must().Abilities().Newton && c.solver != "cholesky" {
				t.Errorf("%v, budget %d: %d iterations in %d solves", c, t0, it, solves)
			}
			if c.solver == "cholesky" && c.formulation == "primal" && t0 > 0 {
				if r.Counters != want {
					t.Errorf("%v, budget %d, %d iterations, %s: %+v, want %+v", c, t0, it, r.StopReason, r.Counters, want)
				}
				continue
			}
			backprops := 0
			if needsGram := c.solver == "sdca" || c.solver == "cholesky"; t0 > 0 && (needsGram || c.solver == "pcg") {
				backprops = int(k)
				if needsGram {
					want.MultiplyAdds += combined - m*product
				}
			}
			want.MultiplyAdds += m * product * int64(want.VJPs-backprops+want.JVPs)
			if !c.throughTangents() && t0 > 0 {
				// All but the last VJP, and the JVPs, are of products with K.
				products := int64(want.VJPs - backprops - 1)
				want.MultiplyAdds -= m * product * int64(want.VJPs-backprops-1+want.JVPs)
				want = Counters{VJPs: backprops + 1, GramProducts: int(products), MultiplyAdds: want.MultiplyAdds}
				switch c.gram {
				case Chained:
					want.MultiplyAdds += inputs + products*through
				case Formed:
					want.VJPs = int(k) + 1 // blocks are those of K
					want.MultiplyAdds = full + products*mk*mk + combined
					if c.solver == "pcg" {
						factored := int64(1)
						if c.oracle == "prox_linear" {
							factored = solves
						}
						want.MultiplyAdds += factored * (m * k * k * k / 6)
					}
				case Explicit: // what is kept depends on constants; see the tests of nn
					if walked, _ := p.Gradient.Jacobian.(*nn.Linearization[float64]).Keep(tensor.Matrix[float64]{}); walked && c.solver != "pcg" {
						want.VJPs += int(k) // blocks are made in the same walk
					}
					want.MultiplyAdds = r.Counters.MultiplyAdds
				}
			}
			if r.Counters != want {
				t.Errorf("%v, budget %d, %d iterations, %s: %+v, want %+v", c, t0, it, r.StopReason, r.Counters, want)
			}
		}
	}
}

// TestDecayCounts: weight decay costs a JVP, of w where products are with K and of d0
// for prox-linear in the dual, and nothing elsewhere.
func TestDecayCounts(t *testing.T) {
	const m = 7
	served, _ := combos()
	for _, c := range served {
		n, p := newProblem[float64](c.loss, m, nil)
		run := func(mu string) Report {
			return c.bind(n, m, "inner_iterations: 2", "gamma: 0.5", "weight_decay: "+mu).Direction(make([]float64, n.NumParams()), p)
		}
		plain, decayed := run("0"), run("0.1")
		if plain.InnerIterations != decayed.InnerIterations || c.oracle == "prox_linear" && plain.Counters.VJPs != decayed.Counters.VJPs {
			continue // another number of solves
		}
		want := plain.Counters
		if c.formulation == "dual" && (c.oracle == "prox_linear" || c.solver == "cholesky" || c.solver == "sdd" || !c.throughTangents()) {
			want.JVPs++
			want.MultiplyAdds += m * n.MultiplyAdds().JVP
		}
		if decayed.Counters != want {
			t.Errorf("%v: %+v, want %+v", c, decayed.Counters, want)
		}
	}
}

// TestGapTolerance: the solve ends with the gap that was asked for, before a
// tighter one does.
func TestGapTolerance(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		if c.formulation == "" || c.solver == "cholesky" {
			continue
		}
		n, p := newProblem[float64](c.loss, 7, nil)
		last := 0
		for _, tol := range []float64{1e-1, 1e-3, 1e-6} {
			d := make([]float64, n.NumParams())
			o := c.bind(n, 7, "inner_iterations: 5000", "gamma: 20", fmt.Sprintf("gap_tolerance: %g", tol))
			r := o.Direction(d, p)
			if r.StopReason != StoppedGap && r.StopReason != StoppedExact && r.StopReason != StoppedNoDecrease {
				t.Errorf("%v: stopped by %s", c, r.StopReason)
			}
			r = o.Complete(true)
			if p0 := losses.Mean(c.loss, p.Gradient.Outputs(), p.Gradient.Targets); r.Gap > tol*p0*(1+1e-9) && r.StopReason == StoppedGap {
				t.Errorf("%v: the gap is %g, wanted %g of %g", c, r.Gap, tol, p0)
			}
			if r.InnerIterations < last {
				t.Errorf("%v: a tighter tolerance takes %d iterations, less than %d", c, r.InnerIterations, last)
			}
			last = r.InnerIterations
		}
		if last < 2 && c.solver != "nystrom" { // whose rank is that of the system
			t.Errorf("%v: the test is too easy, it takes %d iterations", c, last)
		}
	}
}

// TestSearchDescends: a search takes no gamma whose direction rounding, here that
// of float32 at a huge gamma, has made one that does not descend.
func TestSearchDescends(t *testing.T) {
	l := ofLabels{losses.BinaryLogistic{}}
	c := combo{"gauss_newton", "dual", "lanczos", "", l, "binary_logistic of labels"}
	fell := false // back to the gradient step, where not one gamma will do
	for seed := range uint64(300) {
		n, p := drawProblem[float32](l, 3, seed, nil)
		for _, list := range []string{"[1e9, 1e-3]", "[1e9]"} {
			o, d := New[float32](c.must("inner_iterations: 9", "gamma: {search: "+list+"}"), Site{Loss: l, Dims: n.Dims(3)}), make([]float32, n.NumParams())
			r := o.Direction(d, p)
			if r = o.Complete(true); !(r.Slope < 0) || math.IsNaN(r.ModelChange) || math.IsNaN(r.Gap) {
				t.Errorf("seed %d: %+v", seed, r)
			}
			fell = fell || r.StopReason == StoppedSlope
		}
	}
	if !fell {
		t.Error("the test is too easy")
	}
}

// TestSearchGap: the gap tolerance and the trace of a search are those of the
// system with the largest gamma, whose right-hand side is c times that of the
// basis.
func TestSearchGap(t *testing.T) {
	l := losses.Logistic{}
	c := combo{"gauss_newton", "dual", "lanczos", "", l, "logistic"}
	for _, gamma := range []float64{0.01, 100} {
		for _, tol := range []float64{1e-1, 1e-3, 1e-6} {
			n, p := newProblem[float64](l, 7, nil)
			p.Trace = &Trace{}
			d := make([]float64, n.NumParams())
			options := []string{"inner_iterations: 50", fmt.Sprintf("gap_tolerance: %g", tol)}
			single := c.bind(n, 7, append(options, fmt.Sprintf("gamma: %g", gamma))...).Direction(d, p)
			r := c.bind(n, 7, append(options, fmt.Sprintf("gamma: {search: [%g]}", gamma))...).Direction(d, p)
			if r.StopReason != single.StopReason || r.InnerIterations != single.InnerIterations {
				t.Errorf("gamma %g, gap tolerance %g: a search ends by %s after %d, one gamma by %s after %d", gamma, tol, r.StopReason, r.InnerIterations, single.StopReason, single.InnerIterations)
			}
			if last := p.Trace.Iterates[len(p.Trace.Iterates)-1]; math.Abs(last.Gap-r.Gap) > 1e-9*r.Gap {
				t.Errorf("gamma %g, gap tolerance %g: the trace ends at a gap of %g, the report at %g", gamma, tol, last.Gap, r.Gap)
			}
		}
	}
}

// TestRescale: the rescaled direction is the best multiple of the plain one.
func TestRescale(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		if c.formulation != "dual" {
			continue
		}
		for _, mu := range []float64{0, 0.05} {
			n, p := newProblem[float64](c.loss, 7, nil)
			options := []string{"inner_iterations: 2", "gamma: 300", fmt.Sprintf("weight_decay: %g", mu)}
			d, e := make([]float64, n.NumParams()), make([]float64, n.NumParams())
			c.bind(n, 7, options...).Direction(d, p)
			r := c.bind(n, 7, append(options, "rescale: true")...).Direction(e, p)
			if r.StopReason == StoppedNoDecrease {
				continue
			}
			tau := dot(e, d) / dot(d, d)
			along := slices.Clone(d)
			tensor.Scale(nil, tau, along)
			if dist := distance(e, along); dist > 1e-10 {
				t.Fatalf("%v: not a multiple", c)
			}
			best := primalOf(c, p, e, 300, mu)
			for _, s := range []float64{0.5, 0.99, 1.01, 2, 1 / tau} {
				other := slices.Clone(e)
				tensor.Scale(nil, s, other)
				if v := primalOf(c, p, other, 300, mu); v < best-1e-9 {
					t.Errorf("%v: P = %g at %g times, below %g", c, v, s, best)
				}
			}
		}
	}
}

// TestWarmStart: on the same mini-batch a second solve goes on where the first
// ended; after any other duals the direction still descends.
func TestWarmStart(t *testing.T) {
	served, _ := combos()
	tested := 0
	for _, c := range served {
		if _, err := c.spec("warm_start: true"); err != nil {
			continue
		}
		if c.formulation == "" {
			continue
		}
		tested++
		n, p := newProblem[float64](c.loss, 7, nil)
		options := []string{"inner_iterations: 3", "gamma: 20"}
		cold, warm := make([]float64, n.NumParams()), make([]float64, n.NumParams())
		c.bind(n, 7, options...).Direction(cold, p)
		o := c.bind(n, 7, append(options, "warm_start: true")...)
		var first, last float64
		for i := range 6 {
			r := o.Direction(warm, p)
			v := primalOf(c, p, warm, 20, 0)
			if i == 0 {
				first = v
			}
			last = v
			if r.InnerIterations == 0 && r.StopReason == StoppedBudget {
				t.Errorf("%v: did nothing", c)
			}
		}
		if last > first+1e-9 {
			t.Errorf("%v: P is %g after six warm solves, %g after one", c, last, first)
		}
		if v := primalOf(c, p, cold, 20, 0); last > v+1e-9 {
			t.Errorf("%v: P is %g warm, %g cold", c, last, v)
		}
		for seed := range uint64(30) {
			_, q := drawProblem[float64](c.loss, 7, seed+100, nil)
			q.Gradient.Examples = rand.New(rand.NewPCG(seed, 0)).Perm(9)[:7]
			d := make([]float64, n.NumParams())
			r := o.Direction(d, q)
			if slope := dot(gradientOf(q, 0), d); !(slope < 0) && tensor.Norm2(nil, gradientOf(q, 0)) > 1e-12 {
				t.Errorf("%v: slope %g after duals of other problems (%s)", c, slope, r.StopReason)
			}
			if c.loss.Curvature() == losses.Smooth && r.StopReason == StoppedNoDecrease {
				t.Errorf("%v: duals of other problems are worse than none", c)
			}
		}
	}
	if tested < 5 {
		t.Errorf("only %d combinations start warm", tested)
	}
}

// TestMemory keeps duals by example, whatever the order they come in.
func TestMemory(t *testing.T) {
	w := newMemory(2)
	w.store([]float64{1, 2, 3, 4}, []int{5, 0})
	got := make([]float64, 6)
	w.load(got, []int{0, 7, 5})
	if want := []float64{3, 4, 0, 0, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	w.store([]float64{9, 9}, nil)
	if w.load(got[:2], nil); !slices.Equal(got[:2], []float64{9, 9}) {
		t.Errorf("got %v", got[:2])
	}
}

// TestSearch: of the gammas listed, the one whose direction gives the least loss
// on the mini-batch is taken, with the direction that it has by itself.
func TestSearch(t *testing.T) {
	list := []float64{1e-3, 0.1, 1, 10, 1e3}
	for _, name := range []string{"logistic", "squared", "huber", "squared_hinge", "binary_logistic"} {
		l := losses.Known.Default(name).Must()
		c := combo{"gauss_newton", "dual", "lanczos", MatrixFree, l, name}
		for _, mu := range []float64{0, 0.1} {
			n, p := newProblem[float64](l, 7, nil)
			decay := fmt.Sprintf("weight_decay: %g", mu)
			d, e := make([]float64, n.NumParams()), make([]float64, n.NumParams())
			o := c.bind(n, 7, "inner_iterations: 5", "gamma: {search: [0.001, 0.1, 1, 10, 1000]}", decay)
			r := o.Direction(d, p)
			if r.Counters.Forwards != len(list) || r.Counters.VJPs != 1+5+len(list) || r.Counters.JVPs != 1+5 {
				t.Errorf("%s: %+v", name, r.Counters)
			}
			best, chosen := math.Inf(1), 0.0
			for _, gamma := range list {
				c.bind(n, 7, "inner_iterations: 5", fmt.Sprintf("gamma: %g", gamma), decay).Direction(e, p)
				w := slices.Clone(p.Gradient.Weights())
				axpy(1, e, w)
				if f := losses.Mean(l, p.Gradient.OutputsAt(1, e), p.Gradient.Targets) + mu/2*dot(w, w); f < best {
					best, chosen = f, gamma
				}
			}
			single := c.bind(n, 7, "inner_iterations: 5", fmt.Sprintf("gamma: %g", chosen), decay)
			want := single.Direction(e, p)
			if r.Gamma != chosen || distance(d, e) > 1e-9 || math.Abs(r.Slope-want.Slope) > 1e-9*math.Abs(want.Slope) || math.Abs(r.ModelChange-want.ModelChange) > 1e-9*math.Abs(want.ModelChange) {
				t.Errorf("%s: took gamma %g, the best is %g (distance %.2g)", name, r.Gamma, chosen, distance(d, e))
			}
			if dist := distance(o.(DualOracle).DualVariables().Flat(), single.(DualOracle).DualVariables().Flat()); dist > 1e-9 {
				t.Errorf("%s: alpha is %.2g away from that of the gamma taken", name, dist)
			}
		}
	}
}

// TestLevenbergMarquardt: gamma grows where the model predicts the change of
// F = h + (mu/2) |w|² well and shrinks where it does not, in whole factors and
// within bounds, at a forward a step.
func TestLevenbergMarquardt(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		if c.formulation == "" {
			continue
		}
		for _, mu := range []float64{0, 2} {
			n, p := newProblem[float64](c.loss, 7, nil)
			d := make([]float64, n.NumParams())
			o := c.bind(n, 7, "inner_iterations: 5", "gamma: {levenberg_marquardt: {initial: 4, grow: 2, shrink: 0.25, max: 5}}", fmt.Sprintf("weight_decay: %g", mu))
			before := losses.Mean(c.loss, p.Gradient.Outputs(), p.Gradient.Targets)
			gamma := 4.0
			for range 4 {
				r := o.Direction(d, p)
				if math.Abs(r.Gamma-gamma) > 1e-12 || r.Counters.Forwards != 1 && r.StopReason != StoppedGradient && r.StopReason != StoppedNoDecrease {
					t.Errorf("%v: gamma %g, want %g; %+v", c, r.Gamma, gamma, r.Counters)
				}
				if r.StopReason == StoppedNoDecrease {
					gamma /= 4
					continue
				}
				r = o.Complete(false)
				w := p.Gradient.Weights()
				decay := mu * (dot(w, d) + dot(d, d)/2)
				ratio := (losses.Mean(c.loss, p.Gradient.OutputsAt(1, d), p.Gradient.Targets) - before + decay) / (r.ModelChange + decay)
				switch {
				case r.Counters.Forwards == 0:
				case ratio > 0.75:
					gamma = min(gamma*2, 5)
				case !(ratio >= 0.25):
					gamma /= 4
				}
			}
		}
	}
	p := newProximity(Gamma{lm: &LevenbergMarquardt{Initial: 1, Grow: 2, Shrink: 0.5, Trust: 0.75, Distrust: 0.25, Min: 0.4, Max: 3}})
	for _, s := range []struct{ ratio, want float64 }{{1, 2}, {1, 3}, {0.5, 3}, {math.NaN(), 1.5}, {-1, 0.75}, {-1, 0.4}} {
		if p.adapt(s.ratio); p.at(schedules.Time{}) != s.want {
			t.Errorf("after a ratio of %g gamma is %g, want %g", s.ratio, p.at(schedules.Time{}), s.want)
		}
	}
}

// TestBadProblems: NaN gradients end the solve, a zero gradient gives no step; a
// batch of one, equal labels and probabilities that underflow are ordinary.
func TestBadProblems(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		const m = 7
		n, p := newProblem[float64](c.loss, m, nil)
		d := make([]float64, n.NumParams())
		for _, bad := range []float64{math.NaN(), math.Inf(1)} {
			z := p.Gradient.Outputs().At(2, 0)
			p.Gradient.Outputs().Set(2, 0, bad)
			r := c.bind(n, m, "inner_iterations: 50").Direction(d, p)
			// Losses may take an infinite output for what it is: right or wrong.
			if c.formulation != "" && r.StopReason != StoppedNonFinite && math.IsNaN(bad) {
				t.Errorf("%v, an output %g: %d iterations, %s", c, bad, r.InnerIterations, r.StopReason)
			}
			if r.InnerIterations > 50 {
				t.Errorf("%v: %d iterations", c, r.InnerIterations)
			}
			p.Gradient.Outputs().Set(2, 0, z)
		}

		// Outputs at which every example is fitted exactly.
		z := slices.Clone(p.Gradient.Outputs().Flat())
		for i := range m {
			for j := range p.Gradient.Outputs().Cols {
				y := p.Gradient.Targets.At(i, j)
				switch {
				case c.loss.Target() == losses.ClassTarget:
					y = 2000*y - 1000 // probabilities of 0 and 1 to the last bit
				case strings.HasSuffix(c.lossName, "hinge"):
					y *= 3
				case c.loss.Target() == losses.ProbabilityTarget:
					y = math.Copysign(2000, y-0.5)
					if p.Gradient.Targets.Cols > 1 { // else it is a label
						p.Gradient.Targets.Set(i, j, max(0, math.Copysign(1, y)))
					}
				}
				p.Gradient.Outputs().Set(i, j, y)
			}
		}
		r := c.bind(n, m, "inner_iterations: 10").Direction(d, p)
		if size := tensor.Norm2(nil, d); size != 0 || c.formulation != "" && r.StopReason != StoppedGradient {
			t.Errorf("%v, zero gradient: |d| = %g, %s", c, size, r.StopReason)
		}
		copy(p.Gradient.Outputs().Flat(), z)

		// Far out on the wrong side: probabilities that underflow.
		if c.loss.Target() != losses.ValueTarget {
			for i := range m {
				for j := range p.Gradient.Outputs().Cols {
					p.Gradient.Outputs().Set(i, j, -800*p.Gradient.Targets.At(i, j)+float64(j))
				}
			}
			o := c.bind(n, m, "inner_iterations: 10", "gamma: 2")
			r := o.Direction(d, p)
			r = o.Complete(true)
			if slope := dot(gradientOf(p, 0), d); !(slope < 0) || math.IsNaN(r.Primal) && c.formulation != "" || math.IsNaN(r.Slope) {
				t.Errorf("%v, underflow: slope %g, %+v", c, slope, r)
			}
			copy(p.Gradient.Outputs().Flat(), z)
		}

		// All labels equal, and one example.
		for i := range m {
			copy(p.Gradient.Targets.Row(i), p.Gradient.Targets.Row(0))
		}
		for _, rows := range []int{m, 1} {
			x := tensor.New[float64](rows, 6)
			for i := range x.Flat() {
				x.Flat()[i] = math.Sin(float64(i))
			}
			lin := nn.NewLinearization[float64](n, rows, nil)
			lin.Linearize(p.Gradient.Weights(), x)
			q := problemOf(c.loss, lin, p.Gradient.Targets.RowRange(0, rows))
			g := gradientOf(q, 0)
			if tensor.Norm2(nil, g) == 0 {
				continue
			}
			r := c.bind(n, rows, "inner_iterations: 10").Direction(d, q)
			if slope := dot(g, d); !(slope < 0) {
				t.Errorf("%v, %d equal labels: slope %g (%s)", c, rows, slope, r.StopReason)
			}
		}
	}
}

// negativeGram is K = -3 I, which no Jacobian has.
type negativeGram struct{}

func (negativeGram) Mul(u, v tensor.Matrix[float64]) Counters {
	for i, x := range v.Flat() {
		u.Flat()[i] = -3 * x
	}
	return Counters{}
}

func (negativeGram) Form() (tensor.Matrix[float64], Counters) {
	return tensor.View(2, 2, []float64{-3, 0, 0, -3}), Counters{}
}

func (negativeGram) Blocks() (tensor.Matrix[float64], Counters) {
	return tensor.View(2, 1, []float64{-3, -3}), Counters{}
}

// constant is the model whose outputs do not depend on its weights: J = 0.
type constant struct{ Jacobian[float64] }

func (constant) Dims() nn.Dims                             { return nn.Dims{} }
func (constant) JVP(u tensor.Matrix[float64], _ []float64) { clear(u.Flat()) }
func (constant) VJP(d []float64, _ tensor.Matrix[float64]) { clear(d) }

// TestIndefinite: an operator that is not positive definite is reported, and
// ends the solve.
func TestIndefinite(t *testing.T) {
	mat := func() tensor.Matrix[float64] { return tensor.New[float64](2, 1) }
	ones := mat()
	ones.Flat()[0], ones.Flat()[1] = 1, 1
	factor := ggnFactor{losses.Weighted{Loss: losses.Squared{}}, ones}
	for _, name := range able(jobSystem.can) {
		sys := System{K: negativeGram{}, GammaOverM: 1, factor: factor, v: mat(), u: mat(), kx: mat(), descent: descent{math.Inf(-1), 1}}
		x := make([]float64, 2)
		s := Solvers.Default(name).Must().Abilities().System(2, 1, 9, nil).Solve(&sys, x, []float64{1, 2}, Stop{Iterations: 9})
		if s.Reason != StoppedIndefinite {
			t.Errorf("%s: %v", name, s)
		}
	}
	primal := PrimalSystem[float64]{jac: constant{}, factor: factor, gammaPrime: -1, work: make([]float64, 1), u: mat(), v: mat(), jx: mat()}
	for _, name := range able(jobPrimal.can) {
		s, _ := Solvers.Default(name).Must().Abilities().Primal.Float64(2, 9, nil).Solve(&primal, make([]float64, 2), []float64{1, 2}, Stop{Iterations: 9})
		if s.Reason != StoppedIndefinite {
			t.Errorf("%s, primal: %v", name, s)
		}
	}
}

// TestBadOptions: every option that cannot be served is an error that says what
// would be.
func TestBadOptions(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"{kind: gradient, gamma: 0}", "gamma: must be positive, got 0"},
		{"{kind: gauss_newton, gram: stored}", `gram: must be auto or one of matrix_free, chained, explicit, formed, got "stored"`},
		{"{kind: gauss_newton, gram_memory: 0}", "gram_memory: must be a positive number of MiB, got 0"},
		{"{kind: gauss_newton, gram: ''}", `gram: must be auto or one of matrix_free`},
		{"{kind: gauss_newton, formulation: primal, gram_memory: 5}", "gram_memory: is for formulation: dual"},
		{"{kind: prox_linear, formulation: primal, gram: formed}", "gram: is for formulation: dual"},
		{"{kind: gauss_newton, solver: cholesky, gram: chained}", "gram: solver cholesky works on K = J Jᵀ itself, and takes formed or auto, not chained; or use one of the solvers cg, lanczos, nystrom, pcg, projected_gradient"},
		{"{kind: prox_linear, solver: sdca, gram: matrix_free}", "gram: solver sdca works on K"},
		{"{kind: gradient, weight_decay: -1}", "weight_decay: must not be negative, got -1"},
		{"{kind: kfac, gamma: -1}", "gamma: must be positive, got -1"},
		{"{kind: kfac, gamma: {search: [1]}}", "gamma.search: is for gauss_newton with solver: lanczos"},
		{"{kind: kfac, gamma: {levenberg_marquardt: {shrink: 2}}}", "gamma.levenberg_marquardt.shrink: must be above 0 and at most 1, got 2"},
		{"{kind: kfac, weight_decay: -1}", "weight_decay: must not be negative, got -1"},
		{"{kind: kfac, update_every: 0}", "update_every: must be a positive number of steps, 1 for every step; got 0"},
		{"{kind: kfac, ema: 1}", "ema: must be 0 (factors of the mini-batch alone) or a number below 1, as 0.95; got 1"},
		{"{kind: kfac, ema: -0.1}", "ema: must be 0"},
		{"{kind: kfac, ema: .nan}", "ema: expected a finite number, got .nan"},
		{"{kind: kfac, fisher: type1}", `fisher: must be one of type2, mc, empirical; got "type1"; did you mean "type2"?`},
		{"{kind: kfac, shared: reduced}", `shared: must be one of expand, reduce; got "reduced"; did you mean "reduce"?`},
		{"{kind: kfac, damping: 1}", "damping"},
		{"{kind: lbfgs, history: 0}", "history: must be at least 1 pair, got 0; without any the oracle is gradient"},
		{"{kind: lbfgs, history: -3}", "history: must be at least 1 pair, got -3"},
		{"{kind: lbfgs, gamma: 0}", "gamma: must be positive, got 0"},
		{"{kind: lbfgs, gamma: -1}", "gamma: must be positive, got -1"},
		{"{kind: lbfgs, gamma: fast}", "gamma: expected a number or a schedule"},
		{"{kind: lbfgs, weight_decay: -1}", "weight_decay: must not be negative, got -1"},
		{"{kind: hessian_free, gamma: -1}", "gamma: must be positive, got -1"},
		{"{kind: hessian_free, gamma: {levenberg_marquardt: {initial: 0}}}", "gamma.levenberg_marquardt.initial: must be from min"},
		{"{kind: hessian_free, gamma: {search: [1]}}", "gamma.search: is for gauss_newton"},
		{"{kind: hessian_free, inner_iterations: -1}", "inner_iterations: must be 0 (the gradient step) or a number of iterations up to 1048576, got -1"},
		{"{kind: hessian_free, inner_iterations: 0}", "inner_iterations: 0 is the gradient step"},
		{"{kind: hessian_free, tolerance: 0.1}", "tolerance: must be 0 (never) or below 0.1"},
		{"{kind: hessian_free, tolerance: .nan}", "tolerance: expected a finite number"},
		{"{kind: hessian_free, decay: 1.5}", "decay: must be from 0 (no warm start) to 1, got 1.5"},
		{"{kind: hessian_free, weight_decay: -0.1}", "weight_decay: must not be negative, got -0.1"},
		{"{kind: gradientt}", `unknown oracle "gradientt"; did you mean "gradient"?`},
		{"{kind: gradient, gama: 1}", `did you mean "gamma"?`},
		{"{kind: gauss_newton, formulation: duel}", `formulation: must be dual, primal or auto, got "duel"`},
		{"{kind: gauss_newton, inner_iterations: -1}", "inner_iterations: must be 0 (the gradient step)"},
		{"{kind: gauss_newton, tolerance: 1}", "tolerance: must be 0 (never) or a relative residual below 1, got 1"},
		{"{kind: gauss_newton, gap_tolerance: -1}", "gap_tolerance: must be 0 (never) or a fraction of P(0) below 1, got -1"},
		{"{kind: gauss_newton, gamma: -1}", "gamma: must be positive, got -1"},
		{"{kind: gauss_newton, gamma: {schedule: cosine, initial: -1}}", "gamma: must be positive, but the schedule goes from -1 to 0"},
		{"{kind: gauss_newton, gamma: {search: []}, solver: lanczos}", "gamma.search: the list is empty"},
		{"{kind: gauss_newton, gamma: {search: [1, 0]}, solver: lanczos}", "gamma.search: every value must be positive and finite, got 0"},
		{"{kind: gauss_newton, gamma: {search: [1]}}", "gamma.search: needs solver: lanczos, whose basis serves every gamma; got cg"},
		{"{kind: gauss_newton, gamma: {search: [1], levenberg_marquardt: {}}}", "gamma.search: unknown key"},
		{"{kind: gauss_newton, formulation: primal, gamma: {search: [1]}}", "gamma.search: needs formulation: dual"},
		{"{kind: prox_linear, gamma: {search: [1]}}", "gamma.search: is for gauss_newton"},
		{"{kind: gauss_newton, gamma: {levenberg_marquardt: {shrink: 2}}}", "gamma.levenberg_marquardt.shrink: must be above 0 and at most 1, got 2"},
		{"{kind: gauss_newton, gamma: {levenberg_marquardt: {initial: 1e9}}}", "gamma.levenberg_marquardt.initial: must be from min, 1e-06, to max, 1e+06, got 1e+09"},
		{"{kind: gauss_newton, gamma: {levenberg_marquardt: {trust: 0.1}}}", "gamma.levenberg_marquardt.trust: must be above distrust"},
		{"{kind: gauss_newton, gamma: {levenberg_marquard: {}}}", "gamma"},
		{"{kind: gauss_newton, inner_iterations: 0, gamma: {levenberg_marquardt: {}}}", "inner_iterations: 0 is the gradient step, whose gamma has no model to be adapted by; give at least 1, or gamma as a number or a schedule"},
		{"{kind: prox_linear, inner_iterations: 0, gamma: {levenberg_marquardt: {}}}", "inner_iterations: 0 is the gradient step"},
		{"{kind: gauss_newton, solver: lanczos, inner_iterations: 0, gamma: {search: [1, 2]}}", "inner_iterations: 0 is the gradient step"},
		{"{kind: gauss_newton, solver: gc}", `unknown solver "gc"`},
		{"{kind: gauss_newton, solver: {kind: sdd, batch: 0}}", "solver.batch: must be a positive number of coordinates, got 0"},
		{"{kind: gauss_newton, solver: {kind: sdd, learning_rate: 0}}", "solver.learning_rate: must be positive, got 0"},
		{"{kind: gauss_newton, solver: {kind: sdd, momentum: 1}}", "solver.momentum: must be 0 (none) or a number below 1, as 0.9; got 1"},
		{"{kind: gauss_newton, solver: {kind: sdd, averaging: -1}}", "solver.averaging: must be 0 (no average) or a positive number, as 100; got -1"},
		{"{kind: gauss_newton, solver: {kind: nystrom, rank: 0}}", "solver.rank: must be a positive number of columns, as 32, got 0"},
		{"{kind: gauss_newton, solver: sdd, gram: chained}", "gram: solver sdd works on K = J Jᵀ itself"},
		{"{kind: gauss_newton, formulation: primal, solver: nystrom}", "for gauss_newton in the primal (every loss but hinge) take one of cg, cholesky"},
		{"{kind: gauss_newton, solver: auto}", "solver: auto is for prox_linear"},
		{"{kind: gauss_newton, solver: sdca}", "solver: sdca serves prox_linear in the dual with losses whose dual has a box (hinge, huber, squared_hinge); for gauss_newton in the dual (every loss but hinge) take one of cg, cholesky, lanczos, nystrom, pcg, sdd"},
		{"{kind: gauss_newton, formulation: primal, solver: lanczos}", "for gauss_newton in the primal (every loss but hinge) take one of cg, cholesky"},
		{"{kind: gauss_newton, formulation: auto, solver: lanczos}", "for gauss_newton in the primal (every loss but hinge) take one of cg, cholesky"},
		{"{kind: gauss_newton, formulation: auto, rescale: true}", "rescale: is for formulation: dual"},
		{"{kind: gauss_newton, formulation: auto, warm_start: true}", "warm_start: keeps dual variables"},
		{"{kind: gauss_newton, formulation: auto, gram: formed}", "gram: is for formulation: dual"},
		{"{kind: prox_linear, formulation: auto}", "formulation: must be dual or primal, got \"auto\"; auto is for gauss_newton"},
		{"{kind: gauss_newton, formulation: primal, rescale: true}", "rescale: is for formulation: dual"},
		{"{kind: gauss_newton, formulation: primal, warm_start: true}", "warm_start: keeps dual variables, and needs formulation: dual"},
		{"{kind: gauss_newton, solver: cholesky, warm_start: true}", "warm_start: is not for solver cholesky, which has no use for a start; take one of cg, nystrom, pcg"},
	} {
		if _, err := parse(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.config, err, c.want)
		}
	}
	for _, c := range []struct{ config, loss, want string }{
		{"{kind: gauss_newton}", "hinge", "its Hessian is 0, and there is no curvature to sample; use the oracle gradient or prox_linear, or another loss: gauss_newton takes every loss but hinge"},
		{"{kind: kfac}", "hinge", "kfac with fisher: type2 needs a loss with curvature, and this one is piecewise linear: its Hessian is 0; take fisher: empirical, the oracle gradient, or another loss: type2 takes every loss but hinge"},
		{"{kind: kfac, fisher: mc}", "huber", "kfac with fisher: mc draws targets from the model, and this loss is the likelihood of none; take fisher: type2 or empirical, or another loss: mc takes binary_logistic, logistic, squared"},
		{"{kind: hessian_free}", "hinge", "hessian_free takes every loss but hinge"},
		{"{kind: prox_linear, formulation: primal}", "huber", "formulation: the primal of prox_linear is for smooth losses"},
		{"{kind: prox_linear, solver: sdca}", "logistic", "for prox_linear in the dual with smooth losses (binary_logistic, logistic, squared) take one of cg, cholesky, nystrom, pcg, sdd"},
		{"{kind: prox_linear, solver: cg}", "squared_hinge", "for prox_linear in the dual with losses whose dual has a box (hinge, huber, squared_hinge) take one of projected_gradient, sdca"},
	} {
		spec, err := parse(c.config)
		if err == nil {
			err = spec.Check(losses.Known.Default(c.loss).Must())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %s\n  says %v\n  want %s", c.config, c.loss, err, c.want)
		}
	}
}

// TestGramFits: what holds more than gram_memory is refused with its size, or avoided.
func TestGramFits(t *testing.T) {
	n, _ := newProblem[float64](losses.Logistic{}, 1, nil)
	for _, c := range []struct {
		config   string
		examples int
		want     string // in the error
	}{
		{"{kind: gauss_newton, solver: cholesky}", 10000, "solver: cholesky holds the Gram matrix of a mini-batch, 30000 x 30000 numbers (10000 examples x 3 outputs), what it is made of, and its own: 15.7 GiB, more than the 2.0 GiB of gram_memory; use a smaller train.batch_size (of an equation, a smaller data.interior), a larger gram_memory, or one of cg, lanczos, nystrom, pcg"},
		{"{kind: gauss_newton, solver: cholesky, gram_memory: 20000}", 10000, ""},
		{"{kind: gauss_newton, formulation: primal, solver: cholesky}", 1 << 23, "solver: cholesky in the primal holds J, 25165824 x "},
		{"{kind: gauss_newton, formulation: auto, solver: cholesky}", 1 << 23, "solver: cholesky in the primal holds J, 25165824 x "},
		{"{kind: gauss_newton, formulation: primal, solver: cholesky}", 100, ""},
		{"{kind: gauss_newton, formulation: primal}", 1 << 23, ""},
		{"{kind: gauss_newton, gram: formed}", 10000, "gram: formed holds K, 30000 x 30000 numbers, and what it is made of: 9.0 GiB, more than the 2.0 GiB of gram_memory; use a smaller train.batch_size (of an equation, a smaller data.interior), a larger gram_memory, gram: auto, or one of matrix_free, chained"},
		{"{kind: prox_linear, gram: explicit, gram_memory: 1}", 10000, "gram: explicit holds rows of J, for 10000 examples x 3 outputs: "},
		{"{kind: gauss_newton, gram: formed, gram_memory: 1}", 60, ""},
		{"{kind: gauss_newton, gram: formed, gram_memory: 1}", 125, "gram: formed holds K, 375 x 375 numbers, and what it is made of: "},
		{"{kind: gauss_newton, inner_iterations: 100000}", 5000, ""},
		{"{kind: prox_linear, gram: chained}", 1 << 20, ""},
	} {
		spec, err := parse(c.config)
		if err != nil {
			t.Fatal(err)
		}
		dims := n.Dims(c.examples)
		if err := spec.Fits(losses.Logistic{}, dims); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %d examples: says %v\n  want %s", c.config, c.examples, err, c.want)
		}
		if held := HeldBy(spec, losses.Logistic{}, Sizes{Dims: dims, Value: 8}); c.want == "" && held.Bytes <= 0 {
			t.Errorf("%s holds %d bytes", c.config, held.Bytes)
		}
	}
}

// TestGramChoice: auto takes the form of the least estimated time, within the memory, and
// says so; solvers that need K have it formed.
func TestGramChoice(t *testing.T) {
	n, _ := newProblem[float64](losses.Logistic{}, 1, nil)
	for _, c := range []struct {
		config   string
		examples int
		want     Form
		says     string
	}{
		{"{kind: gauss_newton, solver: cholesky}", 7, Formed, "gram: auto is formed, since solver cholesky works on K = J Jᵀ itself"},
		{"{kind: gauss_newton, inner_iterations: 100000}", 100, Formed, "with 100000 inner iterations and mini-batches of 100 the products of a step are estimated to take"},
		{"{kind: gauss_newton, inner_iterations: 100000}", 10000, "", "GiB, beyond gram_memory"},
		{"{kind: gauss_newton, gram: chained}", 100, Chained, ""},
		{"{kind: gauss_newton, inner_iterations: 0}", 100, "", ""},
		{"{kind: gauss_newton, formulation: primal}", 100, "", ""},
		{"{kind: prox_linear, inner_iterations: 100000}", 100, Formed, "gram: auto is formed"},
	} {
		spec, err := parse(c.config)
		if err != nil {
			t.Fatal(err)
		}
		_, inner := spec.(modelled).model()
		dims := n.Dims(c.examples)
		solver := inner.Solver
		if p, ok := spec.(ProxLinear); ok {
			solver = p.solver(losses.Logistic{})
		}
		choice := inner.gramChoice(solver, dims)
		if c.want != "" && choice.Form != c.want {
			t.Errorf("%s, %d examples: %s", c.config, c.examples, choice.Form)
		}
		if again := inner.gramChoice(solver, dims); again.Why != choice.Why || again.Form != choice.Form {
			t.Errorf("%s: chosen otherwise the second time", c.config)
		}
		said := strings.Join(spec.(Automatic).Choices(losses.Logistic{}, dims), "; ")
		if c.says == "" && strings.Contains(said, "gram") || !strings.Contains(said, c.says) {
			t.Errorf("%s, %d examples: says %q", c.config, c.examples, said)
		}
		for _, f := range choice.Costs {
			if f.Fits && choice.Form != f.Form && c.want != Chained && !solver.abilities().NeedsGram && inner.Formulation == "dual" && f.Seconds < secondsOf(choice) {
				t.Errorf("%s: %s is estimated to be faster than %s", c.config, f.Form, choice.Form)
			}
		}
	}
}

func secondsOf(c formChoice) float64 {
	for _, f := range c.Costs {
		if f.Form == c.Form {
			return f.Seconds
		}
	}
	return math.Inf(1)
}

// TestGammaDoc: what is said of gamma, as in dgn list, is what the oracle takes.
func TestGammaDoc(t *testing.T) {
	said := map[bool]int{}
	for _, kind := range Known.Names() {
		for _, o := range registry.Options(Known.Entry(kind).Defaults) {
			if o.Key != "gamma" {
				continue
			}
			for form, text := range map[string]string{"search:": "{kind: %s, solver: lanczos, gamma: {search: [1]}}", "levenberg_marquardt:": "{kind: %s, gamma: {levenberg_marquardt: {}}}"} {
				_, err := parse(fmt.Sprintf(text, kind))
				if says := strings.Contains(o.Doc, form); says != (err == nil) {
					t.Errorf("%s says of gamma %q, and takes %s: %v", kind, o.Doc, form, err)
				} else {
					said[says]++
				}
			}
		}
	}
	if said[true] == 0 || said[false] == 0 {
		t.Errorf("no oracle of each kind: %v", said)
	}
}

// TestGammaYAML: what a config resolves to reads back as the same.
func TestGammaYAML(t *testing.T) {
	for _, text := range []string{"0.5", "{schedule: cosine, initial: 2}", "{search: [0.1, 1]}", "{levenberg_marquardt: {initial: 3}}"} {
		resolved(t, "{kind: gauss_newton, solver: lanczos, gamma: "+text+"}")
	}
}

// resolved returns what an oracle resolves to, which reads back as the same.
func resolved(t *testing.T, text string) string {
	t.Helper()
	var out [2]string
	for i := range out {
		doc, err := strict.Parse("c.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		choice, err := Known.Decode(doc.Root())
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		made, err := yaml.Marshal(choice)
		if err != nil {
			t.Fatal(err)
		}
		text, out[i] = string(made), string(made)
	}
	if out[0] != out[1] {
		t.Errorf("resolves to %s, then to %s", out[0], out[1])
	}
	return out[0]
}

// TestChosen: an oracle chosen by a program, with nested choices, marshals as one that a
// config chose.
func TestChosen(t *testing.T) {
	chosen, err := registry.Choose(&Known, "gauss_newton", func(o *GaussNewton) {
		o.Solver = SolverChoice{Solvers.Default("pcg")}
		o.Gamma, o.InnerIterations = ConstGamma(0.1), 5
	})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := strict.Parse("c.yaml", []byte("{kind: gauss_newton, solver: pcg, gamma: 0.1, inner_iterations: 5}"))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := Known.Decode(doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	a, err := yaml.Marshal(chosen)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := yaml.Marshal(decoded); err != nil || string(a) != string(b) {
		t.Errorf("chosen: %s, decoded: %s, %v", a, b, err)
	}
	if _, err := registry.Choose(&Known, "gauss_newton", func(o *GaussNewton) { o.Formulation = "both" }); err == nil || err.Error() != `oracle gauss_newton: formulation: must be dual, primal or auto, got "both"` {
		t.Error(err)
	}
}
