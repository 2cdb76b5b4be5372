package optim

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

func init() {
	registry.Add(&LineSearches, registry.Info{
		Name: "strong_wolfe", Doc: "a step of the strong Wolfe conditions on the mini-batch, bracketed and then zoomed into by cubic interpolation; a forward pass and a JVP for each step tried",
		Reference: "Wolfe 1969; Nocedal and Wright 2006, algorithms 3.5 and 3.6; as torch.optim.LBFGS",
	}, StrongWolfe{Decrease: 1e-4, Curvature: 0.9, Evaluations: 25, Tolerance: 1e-9}, newStrongWolfe,
		StrongWolfe{Decrease: 0.1, Curvature: 0.2, Evaluations: 6})
}

// StrongWolfe finds an eta with
//
//	phi(eta) <= phi(0) + c1 eta phi'(0)  and  |phi'(eta)| <= c2 |phi'(0)|,
//
// beginning with the update itself, eta = 1. It goes through the same steps as
// torch.optim.LBFGS with line_search_fn='strong_wolfe'. Where the update does not descend, as
// may happen with momentum and Adam, it searches along the gradient step.
type StrongWolfe struct {
	Decrease    float64 `yaml:"sufficient_decrease" doc:"c1, the share of the decrease along the tangent that a step must bring"`
	Curvature   float64 `yaml:"curvature" doc:"c2, the share of the slope that may be left"`
	Evaluations int     `yaml:"max_evaluations" doc:"steps tried beyond the first, before the best so far is taken"`
	Tolerance   float64 `yaml:"tolerance_change" doc:"change of the largest weight within a bracket at which the search ends"`
}

var (
	_ LineSearch = StrongWolfe{}
	_ Trying     = StrongWolfe{}
)

func newStrongWolfe(o StrongWolfe) (LineSearch, error) {
	switch {
	case !(o.Decrease > 0 && o.Decrease < 1):
		return nil, strict.Field("sufficient_decrease", "must be between 0 and 1, got %g", o.Decrease)
	case !(o.Curvature > o.Decrease && o.Curvature < 1):
		return nil, strict.Field("curvature", "must be between sufficient_decrease, %g, and 1, got %g", o.Decrease, o.Curvature)
	case o.Evaluations < 1 || o.Evaluations > maxWolfe:
		return nil, strict.Field("max_evaluations", "must be a number of steps to try from 1 to %d, got %d", maxWolfe, o.Evaluations)
	case !(o.Tolerance >= 0) || math.IsInf(o.Tolerance, 0):
		return nil, strict.Field("tolerance_change", "must be 0 (never) or a positive change of a weight, got %g", o.Tolerance)
	}
	return o, nil
}

// maxWolfe bounds the steps that are tried: a bracket is shorter than 0.9^1000 before.
const maxWolfe = 1000

func (StrongWolfe) State() []*float64 { return nil }

// Trials implements [Trying]: mostly the update itself will do.
func (StrongWolfe) Trials() (forwards, jvps int) { return 1, 1 }

// A trial is a step that was tried: phi and phi' there.
type trial struct{ eta, value, slope float64 }

func (t trial) finite() bool {
	return !math.IsNaN(t.value-t.value) && !math.IsNaN(t.slope-t.slope)
}

// Search first lengthens the step until a bracket is found, then zooms into it. It returns 0
// where no step tried is below phi(0).
func (o StrongWolfe) Search(phi Objective) float64 {
	start := trial{value: phi.Value(), slope: phi.Slope()}
	if !(start.slope < 0) {
		if phi.Largest() == 0 { // an optimizer that leaves the weights as they are says why
			return 0
		}
		phi.UseGradient()
		if start.slope = phi.Slope(); !(start.slope < 0) { // a zero gradient, or a NaN
			return 1
		}
	}
	at := func(eta float64) trial {
		value, slope := phi.SlopeAt(eta)
		return trial{eta, value, slope}
	}
	last, now := start, at(1)
	tries := 0
	for ; tries < o.Evaluations; tries++ {
		if !o.decreases(start, now) || tries > 1 && now.value >= last.value || !now.finite() {
			break
		}
		if o.flat(start, now) {
			return now.eta
		}
		if now.slope >= 0 {
			break
		}
		next := cubic(last, now, now.eta+0.01*(now.eta-last.eta), 10*now.eta)
		last, now = now, at(next)
	}
	if tries == o.Evaluations { // no bracket: the longest step, if it is below the start
		last = start
	}
	return o.zoom(phi, at, start, [2]trial{last, now}, tries)
}

// lower returns the index of the trial of the lesser value, of two that are alike the first. One
// that is not finite is never it: of a bracket one is.
func lower(bracket *[2]trial) int {
	if !bracket[0].finite() || bracket[1].finite() && bracket[1].value < bracket[0].value {
		return 1
	}
	return 0
}

// zoom makes a bracket shorter until a step tried in it meets the conditions.
func (o StrongWolfe) zoom(phi Objective, at func(float64) trial, start trial, bracket [2]trial, tries int) float64 {
	if tries == o.Evaluations {
		return bracket[lower(&bracket)].eta
	}
	largest, slow := phi.Largest(), false
	low := lower(&bracket)
	for ; tries < o.Evaluations; tries++ {
		lo, hi := min(bracket[0].eta, bracket[1].eta), max(bracket[0].eta, bracket[1].eta)
		if (hi-lo)*largest < o.Tolerance {
			break
		}
		eta := cubic(bracket[0], bracket[1], lo, hi)
		// Twice in a row so near an end of the bracket, or at it: a tenth of the bracket away.
		margin := 0.1 * (hi - lo)
		near := min(hi-eta, eta-lo) < margin
		if near && (slow || eta >= hi || eta <= lo) {
			if math.Abs(eta-hi) < math.Abs(eta-lo) {
				eta = hi - margin
			} else {
				eta = lo + margin
			}
			near = false
		}
		slow = near
		now, high := at(eta), 1-low
		if !o.decreases(start, now) || now.value >= bracket[low].value || !now.finite() {
			bracket[high] = now
			low = lower(&bracket)
			continue
		}
		if o.flat(start, now) {
			return now.eta
		}
		if now.slope*(bracket[high].eta-bracket[low].eta) >= 0 {
			bracket[high] = bracket[low]
		}
		bracket[low] = now
	}
	return bracket[low].eta
}

// decreases is the first condition, and flat the second; a NaN meets neither.
func (o StrongWolfe) decreases(start, t trial) bool {
	return t.value <= start.value+o.Decrease*t.eta*start.slope
}

func (o StrongWolfe) flat(start, t trial) bool {
	return math.Abs(t.slope) <= -o.Curvature*start.slope
}

// cubic returns where the cubic through two trials, with their slopes, is least, kept within
// bounds; their middle where it has no least value, or a trial is not finite.
func cubic(a, b trial, lo, hi float64) float64 {
	if a.eta > b.eta {
		a, b = b, a
	}
	d1 := a.slope + b.slope - 3*(a.value-b.value)/(a.eta-b.eta)
	square := d1*d1 - a.slope*b.slope
	if !(square >= 0) || !a.finite() || !b.finite() {
		return (lo + hi) / 2
	}
	d2 := math.Sqrt(square)
	least := b.eta - (b.eta-a.eta)*((b.slope+d2-d1)/(b.slope-a.slope+2*d2))
	if math.IsNaN(least) {
		return (lo + hi) / 2
	}
	return min(max(least, lo), hi)
}
