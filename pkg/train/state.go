package train

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Names of a checkpoint's arrays. Optimizer and oracle add their own to theirs.
const (
	arrayWeights    = "weights"
	arrayLineSearch = "step_rule" // as in files of every version
	arrayOptimizer  = "optimizer."
	arrayOracle     = "oracle."
)

// checkpoint returns where the run stands. Its arrays are views, valid until the
// next step.
func (t *trainer[T]) checkpoint() *checkpoint.Checkpoint {
	p := checkpoint.Position{
		Step: t.step, Evaluated: t.evaluated, Clock: t.clock.Total, Before: t.previous, Stops: t.stops(),
		Counters: t.counters, GradientSteps: t.gradientSteps, Fallbacks: t.fallbacks, Logs: t.out.Log.Sizes(), LogSums: t.out.Log.Sums(),
	}
	for _, n := range t.optimizer.State().Steps {
		p.OptimizerSteps = *n
	}
	list := t.vectors()
	if o, ok := t.oracle.(oracles.Stateful); ok {
		list = append(list, stateArrays(arrayOracle, o.State())...)
	}
	if t.inner != nil {
		list = append(list, t.inner.duals...)
	}
	return &checkpoint.Checkpoint{Position: p, Arrays: list}
}

// vectors returns the arrays whose lengths do not change during a run: all but
// the oracle's.
func (t *trainer[T]) vectors() []arrays.Array {
	list := []arrays.Array{stateArray(arrayWeights, t.w)}
	state := t.optimizer.State()
	list = append(append(list, stateArrays(arrayOptimizer, state.Float32)...), stateArrays(arrayOptimizer, state.Float64)...)
	if rule := t.lineSearch.State(); len(rule) > 0 {
		values := make([]float64, len(rule))
		for i, v := range rule {
			values[i] = *v
		}
		list = append(list, stateArray(arrayLineSearch, values))
	}
	return list
}

// stateArrays returns vectors in the order of their names.
func stateArrays[T tensor.Float](prefix string, vectors map[string][]T) (list []arrays.Array) {
	for _, name := range slices.Sorted(maps.Keys(vectors)) {
		list = append(list, stateArray(prefix+name, vectors[name]))
	}
	return list
}

func stateArray[T tensor.Float](name string, v []T) arrays.Array {
	return arrays.Floats(name, []int{len(v)}, v)
}

// restore puts a trainer where a checkpoint was made. An error says what does
// not fit.
func (t *trainer[T]) restore(c *checkpoint.Checkpoint) error {
	given, memory := map[string][]float64{}, map[string][]float64{}
	for _, a := range t.restoreDuals(c) {
		if name, ok := strings.CutPrefix(a.Name, arrayOracle); ok {
			memory[name] = a.Float64s()
		} else {
			given[a.Name] = a.Float64s()
		}
	}
	want := t.vectors()
	for _, a := range want {
		n := len(given[a.Name])
		if a.Name == arrayLineSearch && n > 0 && n < a.Len() {
			continue // see optim.LineSearch
		}
		if n != a.Len() {
			return fmt.Errorf("the checkpoint does not fit: %q has %d numbers, not %d", a.Name, n, a.Len())
		}
	}
	if len(given) != len(want) {
		return fmt.Errorf("the checkpoint does not fit: of the arrays %s only %d belong to anything", slices.Sorted(maps.Keys(given)), len(want))
	}
	var err error
	if o, ok := t.oracle.(oracles.Stateful); ok {
		err = o.Restore(memory)
	} else if len(memory) > 0 {
		err = errors.New("the oracle remembers nothing")
	}
	if err != nil {
		return fmt.Errorf("the checkpoint does not fit: %w", err)
	}

	// Conversions are exact: the numbers were of the precision that they come back to.
	tensor.Convert(t.w, given[arrayWeights])
	state := t.optimizer.State()
	for name, v := range state.Float32 {
		tensor.Convert(v, given[arrayOptimizer+name])
	}
	for name, v := range state.Float64 {
		tensor.Convert(v, given[arrayOptimizer+name])
	}
	for _, n := range state.Steps {
		*n = c.OptimizerSteps
	}
	rule := t.lineSearch.State()
	for i, v := range given[arrayLineSearch] {
		*rule[i] = v
	}
	t.step, t.evaluated, t.saved = c.Step, c.Evaluated, c.Step
	t.previous, t.clock.Total, t.before, t.counters, t.gradientSteps, t.fallbacks = c.Before, c.Clock, c.Stops, c.Counters, c.GradientSteps, c.Fallbacks
	return nil
}
