package optim

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/strict"
)

// A curve is phi with its slope at 0; the gradient's is used when asked for.
type curve struct {
	phi      func(float64) float64
	slope    float64
	gradient *curve
	tried    []float64
	still    bool // u is 0
}

func (c *curve) Value() float64 { return c.phi(0) }
func (c *curve) At(eta float64) float64 {
	c.tried = append(c.tried, eta)
	return c.phi(eta)
}
func (c *curve) Slope() float64 { return c.slope }
func (c *curve) Largest() float64 {
	if c.still {
		return 0
	}
	return 1
}

func (c *curve) UseGradient() { *c = *c.gradient }

// SlopeAt has the slope by a central difference, which is exact for parabolas but for rounding.
func (c *curve) SlopeAt(eta float64) (value, slope float64) {
	const h = 1e-4
	return c.At(eta), (c.phi(eta+h) - c.phi(eta-h)) / (2 * h)
}

// parabola has its least value at eta = least.
func parabola(least float64) *curve {
	return &curve{phi: func(x float64) float64 { return (x - least) * (x - least) }, slope: -2 * least}
}

func newRule(t *testing.T, text string) LineSearch {
	t.Helper()
	doc, err := strict.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := LineSearches.Decode(doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	return c.Must()
}

func TestArmijo(t *testing.T) {
	r := newRule(t, "{kind: armijo, initial: 1, grow: 2, shrink: 0.5, max: 3, sufficient_decrease: 0.25}")
	// A parabola accepts eta <= 2 (1 - 0.25) least.
	for i, s := range []struct {
		least, want float64
		tried       []float64
	}{
		{1, 1, []float64{1}},
		{1.5, 2, []float64{2}},      // the last step, grown
		{1, 1.5, []float64{3, 1.5}}, // at most max
		{0.1, 0.09375, []float64{3, 1.5, 0.75, 0.375, 0.1875, 0.09375}},
		{1, 0.1875, []float64{0.1875}},
	} {
		c := parabola(s.least)
		if eta := r.Search(c); eta != s.want || !slices.Equal(c.tried, s.tried) {
			t.Errorf("step %d: %g after trying %v, want %g after %v", i, eta, c.tried, s.want, s.tried)
		}
	}
}

func TestArmijoFallsBack(t *testing.T) {
	r := newRule(t, "armijo")
	up := parabola(1)
	up.slope, up.gradient = 2, parabola(1)
	if eta := r.Search(up); eta != 1 || up.slope != -2 {
		t.Errorf("an ascending update: %g, slope %g", eta, up.slope)
	}
	flat := &curve{phi: func(float64) float64 { return 0 }, gradient: &curve{phi: func(float64) float64 { return 0 }}}
	if eta := r.Search(flat); eta != 1 || len(flat.tried) != 0 {
		t.Errorf("a zero gradient: %g, %v", eta, flat.tried)
	}
	still := parabola(1)
	still.slope, still.still, still.gradient = 0, true, parabola(1)
	if eta := r.Search(still); eta != 0 || still.slope != 0 {
		t.Errorf("an update of nothing: %g, and the gradient's slope of %g", eta, still.slope)
	}
}

// TestArmijoRemembersBoth: a search along the gradient step begins where the last
// one along a gradient step left off, whatever the updates between, and the other
// way round.
func TestArmijoRemembersBoth(t *testing.T) {
	r := newRule(t, "{kind: armijo, initial: 1, grow: 2, shrink: 0.5, max: 10, sufficient_decrease: 0.25}")
	ascending := func(least float64) *curve {
		c := parabola(1)
		c.slope, c.gradient = 2, parabola(least)
		return c
	}
	for i, s := range []struct {
		curve *curve
		tried []float64
	}{
		{parabola(0.1), []float64{1, 0.5, 0.25, 0.125}},
		{ascending(2), []float64{1}},     // not 0.25
		{parabola(0.2), []float64{0.25}}, // not 2
		{ascending(2), []float64{2}},
		{ascending(0.01), []float64{4, 2, 1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125}},
		{parabola(1), []float64{0.5}},
		{ascending(1), []float64{0.015625}},
	} {
		if r.Search(s.curve); !slices.Equal(s.curve.tried, s.tried) {
			t.Errorf("search %d tries %v, want %v", i, s.curve.tried, s.tried)
		}
	}
	// A failed search along one leaves the memory of the other.
	wrong := &curve{phi: func(x float64) float64 { return x }, slope: -1}
	r.Search(wrong)
	if state := r.State(); *state[0] != 1 || *state[1] != 0.03125 {
		t.Errorf("after a failed search along an update: %g and %g", *state[0], *state[1])
	}
}

// TestArmijoGivesUp: where no step is accepted none is made, and the next search
// starts afresh. A NaN, of weights gone too far, is never accepted.
func TestArmijoGivesUp(t *testing.T) {
	r := newRule(t, "{kind: armijo, initial: 2, max_backtracks: 3}")
	wrong := &curve{phi: func(x float64) float64 { return x }, slope: -1}
	if eta := r.Search(wrong); eta != 0 || len(wrong.tried) != 4 || *r.State()[0] != 2 {
		t.Errorf("%g after %v, next %g", eta, wrong.tried, *r.State()[0])
	}
	cliff := &curve{phi: func(x float64) float64 {
		if x > 0.6 {
			return math.NaN()
		}
		return -x
	}, slope: -1}
	if eta := r.Search(cliff); eta != 0.5 {
		t.Errorf("%g before a cliff at 0.6", eta)
	}
}

func TestArmijoOptions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"{kind: armijo, shrink: 1}", "shrink: must be between 0 and 1, got 1"},
		{"{kind: armijo, grow: 0.5}", "grow: must be at least 1, got 0.5"},
		{"{kind: armijo, initial: 0}", "initial: must be positive, got 0"},
		{"{kind: armijo, initial: 20}", "max: must be at least initial, 20, got 10"},
		{"{kind: armijo, sufficient_decrease: 2}", "sufficient_decrease: must be between 0 and 1, got 2"},
		{"{kind: armijo, max_backtracks: -1}", "max_backtracks: must not be negative, got -1"},
		{"{kind: amijo}", `unknown line search "amijo"; did you mean "armijo"?`},
	} {
		doc, err := strict.Parse("c.yaml", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := LineSearches.Decode(doc.Root()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.text, err, c.want)
		}
	}
}
