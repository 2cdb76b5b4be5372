package oracles

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// walk makes steps of an oracle on one batch, each eta times the direction, and returns the reports
// and the last direction.
func walk(t *testing.T, l losses.Loss, config string, etas ...float64) (reports []Report, d []float64, last *Subproblem[float64], o Oracle[float64]) {
	t.Helper()
	spec, err := parse(config)
	if err != nil {
		t.Fatal(err)
	}
	n, p, x := drawBatch[float64](l, 7, 5, nil)
	w := slices.Clone(p.Gradient.Weights())
	d = make([]float64, len(w))
	lin := p.Gradient.Jacobian.(*nn.Linearization[float64])
	o = New[float64](spec, Site{Loss: l, Dims: n.Dims(7)})
	for _, eta := range append(etas, 0) { // and a direction after the last step
		lin.Linearize(w, x)
		reports = append(reports, o.Direction(d, p))
		axpy(eta, d, w)
	}
	return reports, d, p, o
}

// TestLBFGSSecant: H y = s for the last pair (the secant equation), of the steps really made,
// whatever multiple of the direction they were.
func TestLBFGSSecant(t *testing.T) {
	for _, mu := range []float64{0, 0.1} {
		_, _, _, o := walk(t, losses.Squared{}, fmt.Sprintf("{kind: lbfgs, history: 4, weight_decay: %g}", mu), 0.3, 0.7, 0.2, 1.1, 0.5, 0.4)
		l := o.(*lbfgs[float64])
		last := l.at(l.count - 1)
		if l.count != 4 {
			t.Fatalf("%d pairs of 6 steps are remembered, want 4", l.count)
		}
		l.d, l.g = make([]float64, len(l.g)), slices.Clone(last.y)
		l.recursion() // d = -H y
		for i, v := range l.d {
			if math.Abs(v+last.s[i]) > 1e-12 {
				t.Fatalf("mu %g: (H y)[%d] = %g, and s is %g", mu, i, -v, last.s[i])
			}
		}
	}
}

// TestLBFGSModel: the first gamma is 1, or makes a step of length 1; and the change that the model
// predicts of F is <grad F, d>/2.
func TestLBFGSModel(t *testing.T) {
	for _, mu := range []float64{0, 0.1} {
		r, d, p, o := walk(t, losses.Squared{}, fmt.Sprintf("{kind: lbfgs, weight_decay: %g}", mu), 0.5, 0.5, 0.5)
		_, start := newProblem[float64](losses.Squared{}, 7, nil)
		if want := min(1, 1/sumAbs(gradientOf(start, mu))); math.Abs(r[0].Gamma-want) > 1e-14 {
			t.Errorf("mu %g: gamma: auto is %g, want %g", mu, r[0].Gamma, want)
		}
		full := o.Complete(true)
		slope := dot(gradientOf(p, mu), d)
		want := slope/2 - mu*dot(p.Gradient.Weights(), d) - mu/2*dot(d, d)
		if math.Abs(full.Slope-slope) > 1e-12 || math.Abs(full.ModelChange-want) > 1e-12 || !math.IsNaN(full.Gap) {
			t.Errorf("mu %g: slope %g and change %g, want %g and %g", mu, full.Slope, full.ModelChange, slope, want)
		}
	}
}

// TestLBFGSFallbacks: steps that make no pair are told, and leave directions that descend.
func TestLBFGSFallbacks(t *testing.T) {
	// A step of nothing.
	r, d, p, o := walk(t, losses.Squared{}, "{kind: lbfgs}", 0.5, 0.5, 0, 0.5)
	var reasons []string
	for _, r := range r {
		reasons = append(reasons, r.StopReason)
	}
	if want := []string{"", "", "", StoppedRestart, ""}; !slices.Equal(reasons, want) {
		t.Errorf("reasons %q, want %q", reasons, want)
	}
	if slope := dot(gradientOf(p, 0), d); !(slope < 0) {
		t.Errorf("slope %g", slope)
	}

	// A gradient that falls along the step by more than the step tells, as on other examples.
	l := o.(*lbfgs[float64])
	before, w, g := l.count, p.Gradient.Weights(), gradientOf(p, 0)
	for i := range g {
		l.last.s[i], l.last.y[i] = w[i]-1, g[i]+1 // s·y = -p
	}
	if r := o.Direction(d, p); r.StopReason != StoppedSkippedPair || l.count != before || !(r.Slope < 0) {
		t.Errorf("a pair of negative curvature: %q, %d pairs of %d, slope %g", r.StopReason, l.count, before, r.Slope)
	}

	// An H that rounding has spoilt: it is told in the log of steps, whatever log.every is.
	for i := range g {
		l.last.s[i], l.last.y[i] = w[i]-1, g[i]+1
	}
	l.scale *= -1e6
	if r := o.Direction(d, p); r.StopReason != StoppedSlope || !r.Fallback || l.count != 0 || !(r.Slope < 0) {
		t.Errorf("an ascending direction: %q, fallback %t, %d pairs, slope %g", r.StopReason, r.Fallback, l.count, r.Slope)
	}

	// A gradient that is not finite.
	p.Gradient.Outputs().Set(0, 0, math.NaN())
	if r := o.Direction(d, p); r.StopReason != StoppedNonFinite || tensor.Norm2(nil, d) != 0 {
		t.Errorf("a NaN: %q, |d| = %g", r.StopReason, tensor.Norm2(nil, d))
	}
}

// notFinite is a copy of numbers with an infinity among them.
func notFinite(v []float64) []float64 {
	v = slices.Clone(v)
	v[len(v)/2] = math.Inf(1)
	return v
}

// TestLBFGSRestoreRefuses: a state that does not fit is an error, and changes nothing.
func TestLBFGSRestoreRefuses(t *testing.T) {
	_, _, _, o := walk(t, losses.Squared{}, "{kind: lbfgs, history: 3}", 0.5, 0.5)
	l := o.(*lbfgs[float64])
	p := len(l.g)
	good := l.State()
	for _, c := range []struct {
		key   string
		value []float64
		want  string
	}{
		{stateSteps, make([]float64, p), "numbers of steps and"},
		{stateSteps, good[stateSteps][1:], "expected as many of each"},
		{stateWeights, nil, "the weights before have 0 numbers"},
		{stateGradient, make([]float64, p+1), fmt.Sprintf("and the gradient %d", p+1)},
		{stateGradient, notFinite(good[stateGradient]), "gradient has a number that is not finite"},
		{stateWeights, notFinite(good[stateWeights]), "weights has a number that is not finite"},
		{stateSteps, notFinite(good[stateSteps]), "steps has a number that is not finite"},
		{stateChanges, make([]float64, 2*p), "pair 0 has s·y = 0, which must be positive"},
		{"more", nil, "the oracle remembers [changes, gradient, steps, weights], the state holds [changes, gradient, more, steps, weights]"},
	} {
		bad := maps.Clone(good)
		bad[c.key] = c.value
		if err := l.Restore(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %d numbers: %v, want %s", c.key, len(c.value), err, c.want)
		}
	}
	four := maps.Clone(good)
	four[stateSteps], four[stateChanges] = slices.Repeat(good[stateSteps], 2), slices.Repeat(good[stateChanges], 2)
	if err := l.Restore(four); err == nil || !strings.Contains(err.Error(), "for at most 3 pairs") {
		t.Errorf("four pairs: %v", err)
	}
	for name, v := range l.State() {
		if !slices.Equal(v, good[name]) {
			t.Errorf("a refused state changed %s", name)
		}
	}
}

// TestFirstGammaYAML: what a config resolves to reads back as the same, and 0 is not auto.
func TestFirstGammaYAML(t *testing.T) {
	for _, text := range []string{"auto", "0.5", "{schedule: cosine, initial: 2}"} {
		if out := resolved(t, "{kind: lbfgs, gamma: "+text+"}"); (text == "auto") != strings.Contains(out, "gamma: auto") {
			t.Errorf("%s resolves to %s", text, out)
		}
	}
}
