package train

import (
	"fmt"
	"slices"
	"time"

	"github.com/dualgn/dgn/pkg/oracles"
)

// warmUp makes one step whose result and time do not count, so that the first
// step that counts finds its memory mapped and its code in the cache. Oracle and
// optimizer keep their work space, and forget the step.
func (t *trainer[T]) warmUp() error {
	w, rewind := slices.Clone(t.w), t.rewinder()
	forget := func() error {
		copy(t.w, w)
		return rewind()
	}
	began := time.Now()
	t.advance()
	if limits := t.config.Train; limits.Seconds > 0 && limits.Budget(t.order.perEpoch()) {
		t.warmed = time.Since(began).Seconds() / limits.Seconds
	}
	if t.auto {
		if err := t.chooseThreads(forget); err != nil {
			return err
		}
	}
	if err := forget(); err != nil {
		return err
	}
	t.resetOptimizer()
	return nil
}

// rewinder returns a function that makes counters, line search and oracle forget the
// steps that are made from now on.
func (t *trainer[T]) rewinder() func() error {
	oracle, remembers := t.oracle.(oracles.Stateful)
	state := map[string][]float64{}
	if remembers {
		for name, v := range oracle.State() {
			state[name] = slices.Clone(v)
		}
	}
	return func() error {
		t.counters, t.gradientSteps, t.fallbacks = oracles.Counters{}, 0, 0
		t.lineSearch = t.method.LineSearch.Must()
		if remembers {
			if err := oracle.Restore(state); err != nil {
				return fmt.Errorf("the oracle does not take back the state that it began with: %w", err)
			}
		}
		return nil
	}
}

// resetOptimizer makes the optimizer forget its steps and keep its memory. Of a large
// run, where two optimizers may not fit, it makes another in its place.
func (t *trainer[T]) resetOptimizer() {
	if t.large {
		t.optimizer, t.inPlace, t.averaging, t.reporter = nil, nil, nil, nil
		t.tidy()
		t.setOptimizer(t.newOptimizer())
		return
	}
	have, want := t.optimizer.State(), t.newOptimizer().State()
	for name, v := range want.Float32 {
		copy(have.Float32[name], v)
	}
	for name, v := range want.Float64 {
		copy(have.Float64[name], v)
	}
	for i, n := range want.Steps {
		*have.Steps[i] = *n
	}
}
