package oracles

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/tensor"
)

// Names in the state of lbfgs.
const (
	stateSteps    = "steps"    // p numbers for each pair, the oldest first: s = w_before - w
	stateChanges  = "changes"  // as many: y, of the gradient along s
	stateWeights  = "weights"  // p numbers, of the call before; none if there was none
	stateGradient = "gradient" // p numbers, grad F there
)

func (o *lbfgs[T]) State() map[string][]float64 {
	p := len(o.g)
	steps, changes := make([]float64, o.count*p), make([]float64, o.count*p)
	for i := range o.count {
		tensor.Convert(steps[i*p:(i+1)*p], o.at(i).s)
		tensor.Convert(changes[i*p:(i+1)*p], o.at(i).y)
	}
	var weights, gradient []float64
	if o.seen {
		weights, gradient = make([]float64, p), make([]float64, p)
		tensor.Convert(weights, o.last.s)
		tensor.Convert(gradient, o.last.y)
	}
	return map[string][]float64{stateSteps: steps, stateChanges: changes, stateWeights: weights, stateGradient: gradient}
}

func (o *lbfgs[T]) Restore(state map[string][]float64) error {
	want := []string{stateChanges, stateGradient, stateSteps, stateWeights}
	if have := slices.Sorted(maps.Keys(state)); !slices.Equal(have, want) {
		return fmt.Errorf("the oracle remembers [%s], the state holds [%s]", strings.Join(want, ", "), strings.Join(have, ", "))
	}
	if err := finiteState(state); err != nil {
		return err
	}
	p := len(o.g)
	steps, changes, weights, gradient := state[stateSteps], state[stateChanges], state[stateWeights], state[stateGradient]
	switch n := len(steps); {
	case n != len(changes) || n%p != 0 || n/p > len(o.pairs):
		return fmt.Errorf("there are %d numbers of steps and %d of changes, expected as many of each, for at most %d pairs of the %d weights", n, len(changes), len(o.pairs), p)
	case len(weights) != len(gradient) || len(weights) != p && (len(weights) != 0 || n != 0):
		return fmt.Errorf("the weights before have %d numbers and the gradient %d, the model %d weights", len(weights), len(gradient), p)
	}
	for at := 0; at < len(steps); at += p {
		if ys := dot(steps[at:at+p], changes[at:at+p]); !(ys > 0) {
			return fmt.Errorf("pair %d has s·y = %g, which must be positive", at/p, ys)
		}
	}
	o.first, o.count, o.seen = 0, len(steps)/p, len(weights) > 0
	for i := range o.count {
		to := o.at(i)
		tensor.Convert(to.s, steps[i*p:(i+1)*p])
		tensor.Convert(to.y, changes[i*p:(i+1)*p])
		ys := tensor.Dot(o.pool, to.y, to.s) // as remember has it
		to.rho = 1 / ys
		o.scale = ys / tensor.Dot(o.pool, to.y, to.y)
	}
	if o.seen {
		tensor.Convert(o.last.s, weights)
		tensor.Convert(o.last.y, gradient)
	}
	return nil
}
