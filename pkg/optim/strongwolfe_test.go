package optim

import (
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A smooth curve is one with the derivative that it has.
type smooth struct {
	value, derivative func(t float64) float64
	tried             []float64
	largest           float64
	replaced          bool
}

func (c *smooth) Value() float64   { return c.value(0) }
func (c *smooth) Slope() float64   { return c.derivative(0) }
func (c *smooth) Largest() float64 { return c.largest }

func (c *smooth) At(eta float64) float64 {
	panic("a strong Wolfe search asks for slopes too")
}

func (c *smooth) SlopeAt(eta float64) (value, slope float64) {
	c.tried = append(c.tried, eta)
	return c.value(eta), c.derivative(eta)
}

func (c *smooth) UseGradient() {
	c.value, c.derivative, c.replaced = func(t float64) float64 { return -t }, func(float64) float64 { return -1 }, true
}

// curves are those of scripts/oracles/strong_wolfe.py.
func curves(a float64) []*smooth {
	sq := func(x float64) float64 { return x * x }
	list := []*smooth{
		{value: func(t float64) float64 { return sq(t - a) }, derivative: func(t float64) float64 { return 2 * (t - a) }},
		{value: func(t float64) float64 { return -t / (t*t + a) }, derivative: func(t float64) float64 { return (t*t - a) / sq(t*t+a) }},
		{
			value:      func(t float64) float64 { u := t/a + 0.004; return math.Pow(u, 5) - 2*math.Pow(u, 4) },
			derivative: func(t float64) float64 { u := t/a + 0.004; return (5*math.Pow(u, 4) - 8*math.Pow(u, 3)) / a },
		},
		{value: func(t float64) float64 { return math.Cos(3*t/a) - t/(10*a) }, derivative: func(t float64) float64 { return -3/a*math.Sin(3*t/a) - 1/(10*a) }},
		{value: func(t float64) float64 { return math.Exp(-t/a) + t*t/100 }, derivative: func(t float64) float64 { return -math.Exp(-t/a)/a + t/50 }},
		{value: func(t float64) float64 { return sq(t*t-a*t) - t/100 }, derivative: func(t float64) float64 { return 2*(t*t-a*t)*(2*t-a) - 0.01 }},
	}
	for _, c := range list {
		c.largest = 1
	}
	return list
}

// TestStrongWolfeReference: the steps tried and taken along 30 curves are those of torch.optim.
func TestStrongWolfeReference(t *testing.T) {
	text, err := os.ReadFile("testdata/strong_wolfe.tsv")
	if err != nil {
		t.Fatal(err)
	}
	longest, lines := 0, 0
	for line := range strings.Lines(string(text)) {
		var numbers []float64
		for _, s := range strings.Split(strings.TrimSpace(line), "\t") {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, v)
		}
		c, a := curves(numbers[1])[int(numbers[0])], numbers[1]
		eta := newRule(t, "strong_wolfe").Search(c)
		same := func(x, y float64) bool { return math.Abs(x-y) <= 1e-9*math.Abs(y) }
		if !same(eta, numbers[2]) || !slices.EqualFunc(c.tried, numbers[3:], same) {
			t.Errorf("curve %g, a = %g: %g after %v, want %g after %v", numbers[0], a, eta, c.tried, numbers[2], numbers[3:])
		}
		longest, lines = max(longest, len(c.tried)), lines+1
	}
	if lines != 30 || longest < 5 {
		t.Errorf("%d curves, of which the longest took %d steps", lines, longest)
	}
}

// TestStrongWolfe: what is taken meets both conditions, whatever they are, within the number of
// steps that may be tried; or it is the best step tried.
func TestStrongWolfe(t *testing.T) {
	for _, o := range []StrongWolfe{{1e-4, 0.9, 25, 0}, {1e-4, 0.1, 25, 0}, {0.3, 0.4, 25, 0}, {1e-4, 0.01, 3, 0}, {1e-4, 0.9, 1, 0}} {
		for _, a := range []float64{0.02, 0.3, 1, 2.5, 40} {
			for i, c := range curves(a) {
				before, slope := c.Value(), c.Slope()
				eta := o.Search(c)
				if len(c.tried) > o.Evaluations+1 {
					t.Errorf("%+v, curve %d, a = %g: %d steps tried", o, i, a, len(c.tried))
				}
				met := c.value(eta) <= before+o.Decrease*eta*slope && math.Abs(c.derivative(eta)) <= -o.Curvature*slope
				if !met && len(c.tried) <= o.Evaluations {
					t.Errorf("%+v, curve %d, a = %g: the step %g does not meet the conditions after %v", o, i, a, eta, c.tried)
				}
				if !(c.value(eta) <= before) {
					t.Errorf("%+v, curve %d, a = %g: the step %g rises", o, i, a, eta)
				}
			}
		}
	}
}

// TestStrongWolfeBadValues: an update that does not descend is replaced, and values that are no
// numbers are stepped back from.
func TestStrongWolfeBadValues(t *testing.T) {
	rule := newRule(t, "strong_wolfe")
	up := &smooth{value: func(t float64) float64 { return t }, derivative: func(float64) float64 { return 1 }, largest: 1}
	if eta := rule.Search(up); !up.replaced || !(eta > 0) {
		t.Errorf("an ascending update: %g", eta)
	}
	still := &smooth{value: func(float64) float64 { return 1 }, derivative: func(float64) float64 { return 0 }}
	if eta := rule.Search(still); still.replaced || eta != 0 {
		t.Errorf("an update of nothing: %g, replaced by the gradient: %t", eta, still.replaced)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, end := range []float64{1e-3, 0.4, 3} {
			c := &smooth{largest: 1}
			c.value = func(t float64) float64 {
				if t > end {
					return bad
				}
				return (t - 0.9*end) * (t - 0.9*end)
			}
			c.derivative = func(t float64) float64 { return 2 * (t - 0.9*end) }
			if eta := rule.Search(c); !(eta > 0 && eta <= end) || !(c.value(eta) < c.value(0)) {
				t.Errorf("%g from %g on: a step of %g after %v", bad, end, eta, c.tried)
			}
		}
	}
	// Nothing is below the start.
	c := &smooth{largest: 1, value: func(t float64) float64 { return math.Abs(t) }, derivative: func(t float64) float64 { return math.Copysign(1, t-1e-300) }}
	if eta := rule.Search(c); eta != 0 || len(c.tried) > 26 {
		t.Errorf("a kink at the start: %g after %d", eta, len(c.tried))
	}
}

func TestStrongWolfeOptions(t *testing.T) {
	for _, c := range []struct {
		o    StrongWolfe
		want string
	}{
		{StrongWolfe{0, 0.9, 25, 0}, "sufficient_decrease: must be between 0 and 1, got 0"},
		{StrongWolfe{0.5, 0.4, 25, 0}, "curvature: must be between sufficient_decrease, 0.5, and 1, got 0.4"},
		{StrongWolfe{1e-4, 1, 25, 0}, "curvature: must be between sufficient_decrease, 0.0001, and 1, got 1"},
		{StrongWolfe{1e-4, 0.9, 0, 0}, "max_evaluations: must be a number of steps to try from 1 to 1000, got 0"},
		{StrongWolfe{1e-4, 0.9, 25, -1}, "tolerance_change: must be 0 (never) or a positive change of a weight, got -1"},
		{StrongWolfe{math.NaN(), 0.9, 25, 0}, "sufficient_decrease: must be between 0 and 1, got NaN"},
	} {
		if _, err := newStrongWolfe(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.o, err, c.want)
		}
	}
}
