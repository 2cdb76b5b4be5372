package optim

import "github.com/dualgn/dgn/pkg/registry"

// A StepRule picks how far to go along an update u. It sees the mini-batch
// objective h only through what it asks for, so that it works with every
// oracle and optimizer, and nothing is computed that no rule uses.
type StepRule interface {
	// Size returns the multiple eta of u to add to the weights.
	Size(h Objective) (eta float64)
}

// An Objective is h along an update: phi(eta) = h(w + eta u).
type Objective interface {
	Value() float64         // phi(0)
	At(eta float64) float64 // phi(eta); counted as a forward pass
}

// StepRules is the table of step rules.
var StepRules = registry.Table[StepRule]{Kind: "line search"}

func init() {
	registry.Add(&StepRules, registry.Info{Name: "none", Doc: "the update as it is"},
		None{}, func(r None) (StepRule, error) { return r, nil })
}

// None makes the whole update.
type None struct{}

var _ StepRule = None{}

func (None) Size(Objective) float64 { return 1 }
