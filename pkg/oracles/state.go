package oracles

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/tensor"
)

// A Stateful oracle is one whose directions depend on earlier calls. A fresh one that is
// given the state goes on with the same bits.
type Stateful interface {
	// State returns what a checkpoint must keep, by name, valid until the next
	// call. What it holds, and how much, may change during a run.
	State() map[string][]float64

	// Restore takes over a state that an oracle of the same options, problem
	// and batch size returned. An error says what does not fit, and leaves the
	// oracle as it was.
	Restore(state map[string][]float64) error
}

var _ Stateful = (*core[float32])(nil)

// Names in the state of an oracle with an inner problem.
const (
	stateGamma    = "gamma"    // one number, of levenberg_marquardt
	statePrevious = "previous" // p numbers, the direction before, of momentum
	stateDuals    = "duals"    // k numbers for each example up to the last one seen, of warm_start
)

func (o *core[T]) State() map[string][]float64 {
	s := map[string][]float64{}
	if o.gamma.adapts() {
		s[stateGamma] = []float64{o.gamma.current}
	}
	if o.memory != nil {
		s[stateDuals] = o.memory.values
	}
	if o.previous != nil {
		d := o.previous.current()
		wide := make([]float64, len(d))
		tensor.Convert(wide, d)
		s[statePrevious] = wide
	}
	return s
}

func (o *core[T]) Restore(state map[string][]float64) error {
	if have, want := slices.Sorted(maps.Keys(state)), slices.Sorted(maps.Keys(o.State())); !slices.Equal(have, want) {
		return fmt.Errorf("the oracle remembers [%s], the state holds [%s]", strings.Join(want, ", "), strings.Join(have, ", "))
	}
	gamma, duals, before := state[stateGamma], state[stateDuals], state[statePrevious]
	if o.gamma.adapts() {
		if lm := o.gamma.lm; len(gamma) != 1 || !(gamma[0] >= lm.Min && gamma[0] <= lm.Max) {
			return fmt.Errorf("gamma is %v, expected one number from %g to %g", gamma, lm.Min, lm.Max)
		}
	}
	if o.memory != nil && len(duals)%o.memory.k != 0 {
		return fmt.Errorf("there are %d dual variables, which is not a multiple of the %d of an example", len(duals), o.memory.k)
	}
	if o.previous != nil && len(before) != len(o.previous.last) {
		return fmt.Errorf("the previous direction has %d numbers, the model %d weights", len(before), len(o.previous.last))
	}
	if o.gamma.adapts() {
		o.gamma.current = gamma[0]
	}
	if o.previous != nil {
		tensor.Convert(o.previous.last, before)
		o.previous.pending = true
	}
	if o.memory != nil {
		o.memory.values = slices.Clone(duals)
	}
	return nil
}

// finiteState refuses a state with a NaN or an infinity in it.
func finiteState(state map[string][]float64) error {
	for _, name := range slices.Sorted(maps.Keys(state)) {
		if slices.ContainsFunc(state[name], func(v float64) bool { return !finite(v) }) {
			return fmt.Errorf("%s has a number that is not finite", name)
		}
	}
	return nil
}
