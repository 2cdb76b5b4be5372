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
	// Update overwrites u with the proposed change of the weights w, which a line
	// search may scale. The vectors have the layout that the optimizer was made for.
	Update(u, d, w []T, t schedules.Time)

	// ScalesDirection returns c and true if Update at t makes u = c d, whatever the
	// earlier steps were. A line search then needs no product with J for the slope.
	ScalesDirection(t schedules.Time) (c float64, ok bool)

	// State returns what a checkpoint must keep. Writing to it restores the
	// optimizer.
	State() State
}

// An InPlace optimizer can add its update to w in one pass over memory, for runs
// without a line search.
type InPlace[T tensor.Float] interface {
	Optimizer[T]

	// Step sets w += u for the u of Update, with the same bits.
	Step(d, w []T, t schedules.Time)
}

// A State is the memory of an optimizer: vectors of any lengths by name, each in the
// precision that the optimizer keeps it in. No name may occur in both maps.
type State struct {
	Float32 map[string][]float32
	Float64 map[string][]float64
	Steps   *int64 // updates made; nil for an optimizer that does not count them
}

// stateOf returns the state of an optimizer that keeps vectors of precision T.
func stateOf[T tensor.Float](vectors map[string][]T) State {
	switch v := any(vectors).(type) {
	case map[string][]float32:
		return State{Float32: v}
	case map[string][]float64:
		return State{Float64: v}
	}
	panic("optim: no such precision")
}

// A Spec is an optimizer with its options, for weights of any layout.
type Spec interface {
	// Optimizers returns the constructors of the optimizer, see [OptimizersOf].
	Optimizers() Optimizers
}

// Optimizers are the constructors of an optimizer, one for each precision.
type Optimizers = tensor.Instances[
	func(tensor.Layout, *tensor.Pool) Optimizer[float32],
	func(tensor.Layout, *tensor.Pool) Optimizer[float64]]

// OptimizersOf returns the constructors for a spec from the two instances of one
// generic function: OptimizersOf(o, newMine[float32], newMine[float64]).
func OptimizersOf[S Spec](s S, f32 func(S, tensor.Layout, *tensor.Pool) Optimizer[float32], f64 func(S, tensor.Layout, *tensor.Pool) Optimizer[float64]) Optimizers {
	return Optimizers{
		Float32: func(l tensor.Layout, pool *tensor.Pool) Optimizer[float32] { return f32(s, l, pool) },
		Float64: func(l tensor.Layout, pool *tensor.Pool) Optimizer[float64] { return f64(s, l, pool) },
	}
}

// New returns a fresh optimizer for weights of a layout.
func New[T tensor.Float](s Spec, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	return tensor.InstanceOf[func(tensor.Layout, *tensor.Pool) Optimizer[T]](s.Optimizers())(l, pool)
}

// A Sized spec says what its optimizer keeps between steps, in bytes, for weights of a
// layout in a precision of value bytes. One that is not Sized is taken to keep nothing.
type Sized interface {
	StateBytes(l tensor.Layout, value int) int
}

// StateBytes returns what the optimizer of a spec keeps, see [Sized].
func StateBytes(s Spec, l tensor.Layout, value int) int {
	if sized, ok := s.(Sized); ok {
		return sized.StateBytes(l, value)
	}
	return 0
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
