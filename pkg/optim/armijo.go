package optim

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

func init() {
	registry.Add(&LineSearches, registry.Info{
		Name: "armijo", Doc: "backtracking on the mini-batch loss along the update; the next search starts from the step found, grown",
		Reference: "Armijo 1966; Vaswani et al. 2019",
	}, Armijo{Decrease: 1e-4, Shrink: 0.5, Grow: 2, Initial: 1, Max: 10, Backtracks: 20}, newArmijo,
		Armijo{Decrease: 0.3, Shrink: 0.8, Grow: 1, Initial: 0.5, Max: 1, Backtracks: 5})
}

// Armijo tries eta, shrink eta, shrink² eta, ... and accepts the first with
// phi(eta) <= phi(0) + decrease eta phi'(0) (Armijo 1966). Where the update does not
// descend, as may happen with momentum and Adam, it searches along the gradient step.
type Armijo struct {
	Decrease   float64 `yaml:"sufficient_decrease" doc:"share of the decrease along the tangent that a step must bring"`
	Shrink     float64 `yaml:"shrink" doc:"factor of a step that does not"`
	Grow       float64 `yaml:"grow" doc:"factor of the last step that the next search starts with"`
	Initial    float64 `yaml:"initial" doc:"the first step tried, as a multiple of the update"`
	Max        float64 `yaml:"max" doc:"the longest step, as a multiple of the update"`
	Backtracks int     `yaml:"max_backtracks" doc:"steps refused before the search gives up and makes none"`
}

var _ LineSearch = (*armijo)(nil)

func newArmijo(o Armijo) (LineSearch, error) {
	switch {
	case !(o.Decrease > 0 && o.Decrease < 1):
		return nil, strict.Field("sufficient_decrease", "must be between 0 and 1, got %g", o.Decrease)
	case !(o.Shrink > 0 && o.Shrink < 1):
		return nil, strict.Field("shrink", "must be between 0 and 1, got %g", o.Shrink)
	case !(o.Grow >= 1):
		return nil, strict.Field("grow", "must be at least 1, got %g", o.Grow)
	case !(o.Initial > 0):
		return nil, strict.Field("initial", "must be positive, got %g", o.Initial)
	case !(o.Max >= o.Initial):
		return nil, strict.Field("max", "must be at least initial, %g, got %g", o.Initial, o.Max)
	case o.Backtracks < 0:
		return nil, strict.Field("max_backtracks", "must not be negative, got %d", o.Backtracks)
	}
	return &armijo{Armijo: o, update: o.Initial, gradient: o.Initial}, nil
}

// armijo remembers the length of the last step along an update, and of the last along a
// gradient step, since one says nothing about the other.
type armijo struct {
	Armijo
	update   float64 // what the next search along an update tries first
	gradient float64 // and the next along a gradient step
}

func (r *armijo) State() []*float64 { return []*float64{&r.update, &r.gradient} }

func (r *armijo) Search(phi Objective) float64 {
	next := &r.update
	slope := phi.Slope()
	if !(slope < 0) {
		if phi.Largest() == 0 { // an optimizer that leaves the weights as they are says why
			return 0
		}
		phi.UseGradient()
		next = &r.gradient
		if slope = phi.Slope(); !(slope < 0) { // a zero gradient, or a NaN
			return 1
		}
	}
	before := phi.Value()
	eta := *next
	for range r.Backtracks + 1 {
		if phi.At(eta) <= before+r.Decrease*eta*slope { // not so for a NaN
			*next = min(eta*r.Grow, r.Max)
			return eta
		}
		eta *= r.Shrink
	}
	*next = r.Initial
	return 0
}
