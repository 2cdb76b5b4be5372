// Package optim turns directions into updates of the weights.
package optim

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// An Optimizer turns the oracle's direction d, or a run of them, into an
// update. It takes -d for a gradient: the gradient oracle with gamma = 1 gives
// d = -grad h, and SGD with learning rate 1 makes exactly the step d.
type Optimizer[T tensor.Float] interface {
	// Update overwrites u with the proposed change of the weights w; a step
	// rule then scales it. All have the length p.
	Update(u, d, w []T, t schedules.Time)

	// Step adds the update to w at once, in one pass over memory: what is left
	// to do where no step rule scales it.
	Step(d, w []T, t schedules.Time)

	// Multiple returns c if Update makes u = c d, whatever came before.
	Multiple(t schedules.Time) (c float64, ok bool)

	// State returns what a checkpoint must keep. Writing to it restores the
	// optimizer.
	State() State[T]
}

// State is the memory of an optimizer.
type State[T tensor.Float] struct {
	Vectors map[string][]T // of length p
	Steps   *int64         // updates made; nil if it does not matter
}

// A Spec is an optimizer with its options, for a vector of any length.
type Spec interface {
	New32(p int, pool *tensor.Pool) Optimizer[float32]
	New64(p int, pool *tensor.Pool) Optimizer[float64]
}

// New returns a fresh optimizer for p weights.
func New[T tensor.Float](s Spec, p int, pool *tensor.Pool) Optimizer[T] {
	var o any
	switch any(T(0)).(type) {
	case float32:
		o = s.New32(p, pool)
	default:
		o = s.New64(p, pool)
	}
	return o.(Optimizer[T])
}

// Known is the table of optimizers.
var Known = registry.Table[Spec]{Kind: "optimizer"}

// grain is the number of weights that one thread updates at a time.
const grain = 1 << 14

// part is v[lo:hi], nil if there is no v.
func part[T tensor.Float](v []T, lo, hi int) []T {
	if v == nil {
		return nil
	}
	return v[lo:hi]
}

func checkFraction(key string, v float64) error {
	if !(v >= 0 && v < 1) {
		return strict.Field(key, "must be at least 0 and less than 1, got %g", v)
	}
	return nil
}

func checkDecay(v float64) error {
	if !(v >= 0) {
		return strict.Field("weight_decay", "must not be negative, got %g", v)
	}
	return nil
}

func checkLengths[T tensor.Float](p int, vs ...[]T) {
	for _, v := range vs {
		if len(v) != p {
			panic(fmt.Sprintf("optim: a vector of length %d where %d weights were announced", len(v), p))
		}
	}
}
