package train

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/tensor"
)

// probe is a line search that looks at the objective from all sides.
type probe struct {
	t    *testing.T
	t64  *trainer[float64]
	name string
}

func (p probe) State() []*float64 { return nil }

func (p probe) Search(phi optim.Objective) float64 {
	const h = 1e-5
	before := p.t64.counters
	slope := phi.Slope()
	jvps := p.t64.counters.JVPs - before.JVPs
	_, free := p.t64.optimizer.ScalesDirection(p.t64.now)
	if free && jvps != 0 || !free && jvps != 1 {
		p.t.Errorf("%s: the slope took %d JVPs", p.name, jvps)
	}
	check := func(what string, slope float64) {
		if fd := (phi.At(h) - phi.At(-h)) / (2 * h); math.Abs(fd-slope) > 1e-5*math.Abs(fd)+1e-9 {
			p.t.Errorf("%s: the slope %s is %g, a difference says %g", p.name, what, slope, fd)
		}
	}
	checkAt := func(what string, eta float64) {
		made := p.t64.counters
		value, slope := phi.SlopeAt(eta)
		if now := p.t64.counters; now.Forwards != made.Forwards+1 || now.JVPs != made.JVPs+1 || now.VJPs != made.VJPs || now.MultiplyAdds-made.MultiplyAdds != p.t64.forwardAdds()+p.t64.lin.Dims().JVP {
			p.t.Errorf("%s: a slope elsewhere took %+v, and before %+v", p.name, now, made)
		}
		if v := phi.At(eta); v != value {
			p.t.Errorf("%s: phi(%g) is %g, and %g with its slope", p.name, eta, v, value)
		}
		if fd := (phi.At(eta+h) - phi.At(eta-h)) / (2 * h); math.Abs(fd-slope) > 1e-5*math.Abs(fd)+1e-9 {
			p.t.Errorf("%s: the slope %s at %g is %g, a difference says %g", p.name, what, eta, slope, fd)
		}
	}
	check("along the update", slope)
	if v := phi.At(0); math.Abs(v-phi.Value()) > 1e-14 {
		p.t.Errorf("%s: phi(0) = %g and %g", p.name, v, phi.Value())
	}
	if forwards := p.t64.counters.Forwards - before.Forwards; forwards != 3 {
		p.t.Errorf("%s: %d forwards counted", p.name, forwards)
	}
	if p.t64.accelerated != nil && !p.t64.way.bent(0.31) {
		p.t.Errorf("%s: nothing is seen of the curve", p.name)
	}
	for _, eta := range []float64{0, 0.3, 2} {
		checkAt("along the update", eta)
	}
	if _, s := phi.SlopeAt(0); math.Abs(s-slope) > 1e-12*math.Abs(s) {
		p.t.Errorf("%s: phi'(0) = %g and %g", p.name, slope, s)
	}
	if most := max(-slices.Min(p.t64.u), slices.Max(p.t64.u)); phi.Largest() != most {
		p.t.Errorf("%s: the largest change is %g, want %g", p.name, phi.Largest(), most)
	}
	before = p.t64.counters
	phi.UseGradient()
	if slope = phi.Slope(); !(slope < 0) {
		p.t.Errorf("%s: the gradient step has slope %g", p.name, slope)
	}
	if p.t64.counters.VJPs != before.VJPs+1 || p.t64.counters.JVPs != before.JVPs {
		p.t.Errorf("%s: the gradient step took %+v", p.name, p.t64.counters)
	}
	check("along the gradient", slope)
	checkAt("along the gradient", 0.5)
	return 0.01
}

// TestObjective compares what line searches are told with differences of the
// objective itself, for updates that are multiples of d and for others, with
// weight decay in the model and without.
func TestObjective(t *testing.T) {
	for _, oracle := range []string{"{kind: gradient}", "{kind: gradient, weight_decay: 0.1}", "{kind: gauss_newton, weight_decay: 0.05}", "{kind: gauss_newton, gamma: 0.3, solver: cholesky, weight_decay: 0.05, acceleration: geodesic}", "{kind: lbfgs, weight_decay: 0.1}", "{kind: prox_linear, gamma: 3, weight_decay: 0.2}"} {
		for _, optimizer := range []string{"{kind: sgd, learning_rate: 0.3}", "{kind: sgd, learning_rate: 0.1, momentum: 0.9}", "{kind: adam}"} {
			if strings.Contains(oracle, "geodesic") && optimizer != "{kind: sgd, learning_rate: 0.3}" {
				continue // refused
			}
			c := parse(t, toy, "precision=float64", "model.activation=tanh", "methods.SGD.oracle="+oracle, "methods.SGD.optimizer="+optimizer, "methods.SGD.line_search=armijo")
			p := opened(t, c)
			tr := newTrainer[float64](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, nil)
			tr.lineSearch = probe{t, tr, oracle + optimizer}
			for range 3 {
				tr.advance()
				tr.step++
			}
			if tr.gradientSteps != 3 {
				t.Errorf("%d gradient steps recorded", tr.gradientSteps)
			}
		}
	}
}

// refuser is a line search that never accepts the update.
type refuser struct{}

func (refuser) State() []*float64 { return nil }
func (refuser) Search(phi optim.Objective) float64 {
	phi.UseGradient()
	return 1
}

// TestGradientStep: the step taken in place of an update is -gamma grad F.
func TestGradientStep(t *testing.T) {
	c := parse(t, toy, "precision=float64", "methods.SGD.oracle={kind: gradient, gamma: 0.25, weight_decay: 0.5}", "methods.SGD.line_search=armijo")
	p := opened(t, c)
	tr := newTrainer[float64](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, nil)
	tr.lineSearch = refuser{}
	w := slices.Clone(tr.w)
	tr.advance()
	alpha, g := tensor.New[float64](50, 10), make([]float64, len(w))
	copy(tr.w, w)
	tr.lin.Linearize(w, tr.x)
	for i := range 50 {
		tr.loss.Grad(alpha.Row(i), tr.lin.Outputs().Row(i), tr.y.Row(i))
	}
	tensor.Scale(nil, 1.0/50, alpha.Flat())
	tr.lin.VJP(g, alpha)
	for i := range g {
		if want := -0.25 * (g[i] + 0.5*w[i]); math.Abs(tr.u[i]-want) > 1e-14 {
			t.Fatalf("u[%d] = %g, want %g", i, tr.u[i], want)
		}
	}
}

// TestArmijoRuns: with a line search the loss on the mini-batch falls in every
// step, whatever the optimizer; what replaces updates is in log and manifest; and
// what the search costs is in the counters.
func TestArmijoRuns(t *testing.T) {
	c := parse(t, toy, "seeds=[0]", "train.epochs=4",
		"methods.SGD.oracle={kind: gauss_newton, gamma: 1, inner_iterations: 4, gram: matrix_free}", "methods.SGD.optimizer.learning_rate=1", "methods.SGD.line_search=armijo",
		"methods.Adam!.optimizer={kind: sgd, learning_rate: 1.5, momentum: 0.98}", "methods.Adam!.line_search=armijo")
	_, dir := trained(t, c, 0)
	logged, n := steps(t, dir)
	p := opened(t, c)
	adds := p.Net.MultiplyAdds()
	for i := range n {
		forward, products := number(t, logged["forwards"][i])*float64(adds.Forward), number(t, logged["vjps"][i])*float64(adds.VJP)+number(t, logged["jvps"][i])*float64(adds.JVP)
		if want := 50 * (forward + products); number(t, logged["multiply_adds"][i]) != want {
			t.Errorf("step %d: %s multiply-adds, want %g", i, logged["multiply_adds"][i], want)
		}
		if want := number(t, logged["multiply_adds"][i]) / float64(50*(adds.Forward+adds.VJP)); number(t, logged["cost"][i]) != want {
			t.Errorf("step %d: the cost is %s, want %g", i, logged["cost"][i], want)
		}
		if slope := number(t, logged["slope"][i]); !(slope < 0) || logged["stop_reason"][i] != "budget" || logged["inner_iterations"][i] != "4" {
			t.Errorf("step %d: slope %g, %s after %s", i, slope, logged["stop_reason"][i], logged["inner_iterations"][i])
		}
		if gap := number(t, logged["duality_gap"][i]); !(gap > 0) {
			t.Errorf("step %d: gap %g", i, gap)
		}
		forwards, vjps, jvps := number(t, logged["forwards"][i]), number(t, logged["vjps"][i]), number(t, logged["jvps"][i])
		// A forward for the linearization and at least one for the search.
		if forwards < float64(2*(i+1)) || vjps != float64(6*(i+1)) || jvps != float64(5*(i+1)) {
			t.Errorf("step %d: %g forwards, %g VJPs, %g JVPs", i, forwards, vjps, jvps)
		}
	}
	end, dir := trained(t, c, 1)
	logged, n = steps(t, dir)
	replaced := 0
	for i := range n {
		if strings.HasSuffix(logged["stop_reason"][i], runlog.GradientStep) {
			replaced++
		}
	}
	if replaced == 0 || end.GradientSteps != replaced {
		t.Errorf("%d steps replaced in the log, %d at the end", replaced, end.GradientSteps)
	}
}

// TestEveryOracleTrains runs every registered oracle, with every trial setting,
// for some steps of a real problem: no run may fail, and the loss must fall. Mini-batches
// differ, and settings that hardly train are at the mercy of rounding, so that the last
// loss counts for products through tangents, and the mean for those that gram: auto takes.
func TestEveryOracleTrains(t *testing.T) {
	const steps = 12
	trained := func(spec oracles.Spec) (first, mean, last float64) {
		c := parse(t, toy, "methods.SGD.line_search=armijo")
		p := opened(t, c)
		tr := newTrainer[float32](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, nil)
		tr.setOracle(spec)
		for tr.step = range steps {
			tr.advance()
			last = losses.Mean(tr.loss, tr.lin.Outputs(), tr.y)
			if tr.step == 0 {
				first = last
				continue
			}
			mean += last / (steps - 1)
		}
		return first, mean, last
	}
	for _, kind := range oracles.Known.Names() {
		for i := range oracles.Known.Entry(kind).Trials {
			spec, err := oracles.Known.Entry(kind).Trials[i]()
			if err != nil {
				t.Fatal(err)
			}
			if first, _, last := trained(throughTangents(spec)); !(last < first) {
				t.Errorf("%s, trial %d: the loss goes from %g to %g", kind, i, first, last)
			}
			if first, mean, _ := trained(spec); !(mean < first) {
				t.Errorf("%s, trial %d: the loss is %g after a step, and %g in the mean of those that follow", kind, i, first, mean)
			}
		}
	}
}

// throughTangents is an oracle whose products with K are VJPs and JVPs.
func throughTangents(spec oracles.Spec) oracles.Spec {
	switch o := spec.(type) {
	case oracles.GaussNewton:
		if o.Formulation == "dual" {
			o.Gram = oracles.MatrixFree
		}
		return o
	case oracles.ProxLinear:
		if o.Formulation == "dual" {
			o.Gram = oracles.MatrixFree
		}
		return o
	}
	return spec
}
