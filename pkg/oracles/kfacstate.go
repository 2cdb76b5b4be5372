package oracles

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/tensor"
)

// Names in the state of kfac, beside those of the core.
const (
	stateFactors  = "factors"  // means of A and G, of each layer; of one without, the diagonal
	stateInverses = "inverses" // between updates
	stateUpdates  = "updates"  // gamma of the last one, and for each layer how many there were, and whether it has inverses
)

// remembers reports whether directions depend on earlier calls.
func (o *kfacOracle[T]) remembers() bool { return o.options.EMA > 0 || o.options.UpdateEvery > 1 }

// lasting calls f with the parts of the state that are matrices.
func (o *kfacOracle[T]) lasting(f func(name string, part []T)) {
	for i := range o.blocks {
		b := &o.blocks[i]
		f(stateFactors, b.diagonal)
		for side := range b.factors {
			f(stateFactors, b.factors[side])
			f(stateInverses, b.inverses[side])
		}
	}
}

// State has inverses even where every step makes new ones: those before stay if new ones fail.
func (o *kfacOracle[T]) State() map[string][]float64 {
	s := o.core.State()
	if !o.remembers() {
		return s
	}
	updates := []float64{0}
	if o.made {
		updates[0] = o.held
	}
	for i := range o.blocks {
		ready := 0.0
		if o.blocks[i].ready {
			ready = 1
		}
		updates = append(updates, float64(o.blocks[i].updates), ready)
	}
	s[stateUpdates], s[stateFactors], s[stateInverses] = updates, []float64{}, []float64{}
	o.lasting(func(name string, part []T) {
		for _, v := range part {
			s[name] = append(s[name], float64(v))
		}
	})
	return s
}

func (o *kfacOracle[T]) Restore(state map[string][]float64) error {
	if !o.remembers() {
		return o.core.Restore(state)
	}
	own := []string{stateFactors, stateInverses, stateUpdates}
	rest := maps.Clone(state)
	lengths := map[string]int{stateUpdates: 1 + 2*len(o.blocks)}
	o.lasting(func(name string, part []T) { lengths[name] += len(part) })
	for _, name := range own {
		values, ok := state[name]
		if !ok {
			return fmt.Errorf("kfac remembers [%s], the state holds [%s]", strings.Join(own, ", "), strings.Join(slices.Sorted(maps.Keys(state)), ", "))
		}
		if len(values) != lengths[name] {
			return fmt.Errorf("%s has %d numbers, those of this model %d", name, len(values), lengths[name])
		}
		if err := finiteState(map[string][]float64{name: values}); err != nil {
			return err
		}
		delete(rest, name)
	}
	updates := state[stateUpdates]
	for i, v := range updates[1:] {
		if v < 0 || v != math.Trunc(v) || i%2 == 1 && v > 1 {
			return fmt.Errorf("%s says %g updates or inverses", stateUpdates, v)
		}
	}
	if updates[0] < 0 {
		return fmt.Errorf("%s says a gamma of %g, which is negative", stateUpdates, updates[0])
	}
	if err := o.core.Restore(rest); err != nil {
		return err
	}
	o.made, o.held = updates[0] > 0, updates[0]
	for i := range o.blocks {
		o.blocks[i].updates, o.blocks[i].ready = int(updates[1+2*i]), updates[2+2*i] == 1
	}
	from := maps.Clone(state)
	o.lasting(func(name string, part []T) {
		tensor.Convert(part, from[name][:len(part)])
		from[name] = from[name][len(part):]
	})
	return nil
}
