package optim

import (
	"fmt"
	"slices"
	"testing"
)

// TestLineSearches is the conformance suite: one whose state is restored goes on
// as if nothing had happened. It knows none by name.
func TestLineSearches(t *testing.T) {
	matters := 0
	for _, name := range LineSearches.Names() {
		for i, trial := range LineSearches.Entry(name).Trials {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				bind := func() LineSearch {
					r, err := trial()
					if err != nil {
						t.Fatal(err)
					}
					return r
				}
				// sizes are the steps along parabolas whose best step shrinks and grows.
				sizes := func(r LineSearch) (out []float64) {
					for _, least := range []float64{1, 0.2, 0.05, 0.3, 2} {
						out = append(out, r.Search(parabola(least)))
					}
					return out
				}
				first, second, forgetful := bind(), bind(), bind()
				for _, least := range []float64{0.01, 0.02, 0.03} {
					first.Search(parabola(least))
				}
				from, to := first.State(), second.State()
				if len(from) != len(to) {
					t.Fatal("two of a kind have different states")
				}
				for j := range from {
					*to[j] = *from[j]
				}
				want := sizes(first)
				if got := sizes(second); !slices.Equal(got, want) {
					t.Errorf("sizes %v, restored %v", want, got)
				}
				if !slices.Equal(sizes(forgetful), want) {
					matters++
				}
			})
		}
	}
	if matters == 0 {
		t.Error("no line search has a state that matters")
	}
}
