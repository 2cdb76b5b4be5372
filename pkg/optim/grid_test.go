package optim

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/strict"
)

// TestGrid: the step of the least value among powers of the base, and none where none is lower.
func TestGrid(t *testing.T) {
	nan := func(x float64) float64 {
		if x > 0.3 {
			return math.NaN()
		}
		return -x
	}
	for name, c := range map[string]struct {
		phi  *curve
		want float64
	}{
		"the update":     {parabola(3), 1},
		"a shorter step": {parabola(0.26), 0.25},
		"the shortest":   {parabola(0.1), 0.125},
		"too long":       {parabola(0.01), 0},
		"uphill":         {&curve{phi: func(x float64) float64 { return x }}, 0},
		"level":          {&curve{phi: func(x float64) float64 { return 1 }}, 0},
		"not a number":   {&curve{phi: nan}, 0.25},
		"all infinite":   {&curve{phi: func(x float64) float64 { return math.Inf(1) }}, 0},
	} {
		r := newRule(t, "{kind: grid, base: 2, steps: 4}")
		if got := r.Search(c.phi); got != c.want || !slices.Equal(c.phi.tried, []float64{1, 0.5, 0.25, 0.125}) {
			t.Errorf("%s: %g after trying %v, want %g", name, got, c.phi.tried, c.want)
		}
	}
}

func TestGridErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{kind: grid, base: 1}":          "base: must be a finite number above 1, got 1",
		"{kind: grid, base: .inf}":       "base: expected a finite number",
		"{kind: grid, base: .nan}":       "base: expected a finite number",
		"{kind: grid, steps: 0}":         "steps: must be a number of steps to try from 1 to 1000, got 0",
		"{kind: grid, steps: 100000000}": "from 1 to 1000",
		"{kind: grid, grow: 2}":          "unknown key",
	} {
		doc, err := strict.Parse("c.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := LineSearches.Decode(doc.Root()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s says %v, want %s", text, err, want)
		}
	}
}
