package oracles

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
)

// TestBudgetOfACall: a call with fewer iterations, and with gamma given, has the bits of an
// oracle made for that, and leaves the oracle's own gamma as it is.
func TestBudgetOfACall(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		const m = 7
		n, p := newProblem[float64](c.loss, m, nil)
		d, e := make([]float64, n.NumParams()), make([]float64, n.NumParams())
		for _, iterations := range []int{1, 3, 9} {
			want := c.bind(n, m, "gamma: 3", fmt.Sprintf("inner_iterations: %d", iterations)).Direction(d, p)
			options := []string{"gamma: 0.5", "inner_iterations: 9"}
			if c.formulation != "" {
				options[0] = "gamma: {levenberg_marquardt: {initial: 0.5}}"
			}
			o := c.bind(n, m, options...)
			q := *p
			q.Gamma, q.Iterations = 3, iterations
			got := o.Direction(e, &q)
			if distance(e, d) != 0 || got.Gamma != 3 || got.InnerIterations != want.InnerIterations || got.Counters != want.Counters || got.StopReason != want.StopReason {
				t.Errorf("%v, %d iterations: %+v, an oracle made for them has %+v", c, iterations, got, want)
			}
			if q.Gamma, q.Iterations = 0, 20; o.Direction(e, &q).Gamma != 0.5 {
				t.Errorf("%v: gamma changed", c)
			}
		}
	}
}

// TestReference: with enough iterations every solver comes to the reference, and the
// excess is the difference of P on the way there.
func TestReference(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		if c.formulation == "" {
			continue
		}
		for _, mu := range []float64{0, 0.03} {
			const m, gamma = 7, 0.7
			n, p := newProblem[float64](c.loss, m, nil)
			weigh(p, 3)
			options := []string{fmt.Sprintf("gamma: %g", gamma), fmt.Sprintf("weight_decay: %g", mu), "inner_iterations: 3000"}
			r := NewReference(c.must(options...), Site{Loss: c.loss, Dims: n.Dims(m)})
			if !r.Solve(p) {
				t.Errorf("%v, mu %g: the reference ends with %v", c, mu, r.report)
				continue
			}
			least := primalOf(c, p, r.d, gamma, mu)
			d := make([]float64, n.NumParams())
			o := c.bind(n, m, options...)
			var last float64
			for i, iterations := range []int{1, 3000} {
				q := *p
				q.Iterations = iterations
				o.Direction(d, &q)
				away, excess := r.Measure(d)
				if want := primalOf(c, p, d, gamma, mu) - least; math.Abs(want-excess) > 1e-9*(1+math.Abs(want)) {
					t.Errorf("%v, mu %g, %d iterations: the excess is %g, P differs by %g", c, mu, iterations, excess, want)
				}
				if i == 1 && away > 1e-4*(last+1e-3) {
					t.Errorf("%v, mu %g: the solver ends at a distance of %g, after %g", c, mu, away, last)
				}
				last = away
			}
		}
	}
}

// TestReferenceWithout: where there is no exact direction nothing is measured.
func TestReferenceWithout(t *testing.T) {
	l := losses.Logistic{}
	n, p := newProblem[float64](l, 4, nil)
	p.Gradient.Omega = make([]float64, 4) // h = 0
	s, err := parse("{kind: prox_linear}")
	if err != nil {
		t.Fatal(err)
	}
	r := NewReference(s, Site{Loss: l, Dims: n.Dims(4)})
	if r.Solve(p) {
		t.Error("there is an exact direction of the objective 0")
	}
	if away, excess := r.Measure(make([]float64, n.NumParams())); !math.IsNaN(away) || !math.IsNaN(excess) {
		t.Errorf("distance %g, excess %g", away, excess)
	}
}

// TestComparable: oracles may differ in how they solve, and in nothing else.
func TestComparable(t *testing.T) {
	const method = "{kind: gauss_newton, gamma: {schedule: cosine, initial: 2}, weight_decay: 0.1}"
	for other, want := range map[string]string{
		method: "",
		"{kind: gauss_newton, gamma: {schedule: cosine, initial: 2}, weight_decay: 0.1, formulation: primal, tolerance: 0.1, inner_iterations: 3}": "",
		"{kind: gauss_newton, gamma: {schedule: cosine, initial: 3}, weight_decay: 0.1}":                                                           "gamma: is not that of the method's oracle",
		"{kind: gauss_newton, gamma: 2, weight_decay: 0.1}":                                                                                        "gamma: is not that",
		"{kind: gauss_newton, gamma: {schedule: cosine, initial: 2}}":                                                                              "weight_decay: is 0, and 0.1 in",
		"{kind: prox_linear, gamma: {schedule: cosine, initial: 2}, weight_decay: 0.1}":                                                            "kind: prox_linear minimises another model than gauss_newton",
		"gradient": "kind: this oracle has no inner problem",
		"{kind: gauss_newton, solver: lanczos, gamma: {search: [1, 2]}}": "gamma: a search chooses",
	} {
		a, err1 := parse(method)
		b, err2 := parse(other)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if err := Comparable(a, b); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", other, err, want)
		}
	}
	for text, want := range map[string]string{"{kind: prox_linear, warm_start: true}": "warm_start: must be false", "prox_linear": "<nil>", "gradient": "<nil>"} {
		s, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := Cold(s); !strings.HasPrefix(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	gradient, err := parse("gradient")
	if err != nil {
		t.Fatal(err)
	}
	if err := Comparable(gradient, gradient); err == nil || !strings.Contains(err.Error(), "the method's oracle has no inner problem") {
		t.Error(err)
	}
}
