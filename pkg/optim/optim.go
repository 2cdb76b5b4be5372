package optim

import (
	"fmt"
	"math"

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
	Steps   []*int64 // counters of the updates made, one of each optimizer that has one: all are alike
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

// An Averaging optimizer takes gradients at other weights than those that are its answer.
type Averaging[T tensor.Float] interface {
	Optimizer[T]

	// Average sets x to the weights that are evaluated and kept, where training, its
	// linearizations and checkpoints are at w.
	Average(x, w []T)
}

// keep adds a vector of float64.
func (s *State) keep(name string, v []float64) {
	if s.Float64 == nil {
		s.Float64 = map[string][]float64{}
	}
	s.Float64[name] = v
}

// add adds the state of an optimizer within, whose names get a prefix.
func (s *State) add(prefix string, inner State) {
	for name, v := range inner.Float32 {
		if s.Float32 == nil {
			s.Float32 = map[string][]float32{}
		}
		s.Float32[prefix+name] = v
	}
	for name, v := range inner.Float64 {
		s.keep(prefix+name, v)
	}
	s.Steps = append(s.Steps, inner.Steps...)
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

// A Working spec says what its optimizer takes for work space, in bytes, beside its state.
// One that is not Working is taken to need none worth counting.
type Working interface {
	WorkBytes(l tensor.Layout, value int) int
}

// WorkBytes returns the work space of the optimizer of a spec, see [Working].
func WorkBytes(s Spec, l tensor.Layout, value int) int {
	if w, ok := s.(Working); ok {
		return w.WorkBytes(l, value)
	}
	return 0
}

// A Limited spec has an option that limits what it keeps.
type Limited interface {
	Limit() (key string)
}

// LimitOf returns the option of a [Limited] spec, or of one within it, and "" where there is none.
func LimitOf(s Spec) string {
	if l, ok := s.(Limited); ok {
		return l.Limit()
	}
	if n, ok := s.(Nesting); ok {
		for _, c := range n.Within() {
			if key := LimitOf(c.Must()); key != "" {
				return key
			}
		}
	}
	return ""
}

// A Periodic spec does some of its work every so many steps alone.
type Periodic interface {
	Period() int
}

// Period returns the number of steps after which the work of a [Periodic] spec repeats, else 1.
func Period(s Spec) int {
	if p, ok := s.(Periodic); ok {
		return p.Period()
	}
	return 1
}

// A Fitting spec is not for every layout.
type Fitting interface {
	// Fits returns an error about a key if the weights are none for the optimizer.
	Fits(l tensor.Layout) error
}

// Fits returns the error of a [Fitting] spec.
func Fits(s Spec, l tensor.Layout) error {
	if f, ok := s.(Fitting); ok {
		return f.Fits(l)
	}
	return nil
}

// An Unscalable spec makes updates that mean nothing when they are scaled, so that no line
// search is for them.
type Unscalable interface {
	// Unscalable says why not; "" if its updates may be scaled after all.
	Unscalable() string
}

// WhyUnscalable says why a line search cannot follow a spec, see [Unscalable].
func WhyUnscalable(s Spec) string {
	if u, ok := s.(Unscalable); ok {
		return u.Unscalable()
	}
	return ""
}

// A Scaling spec may make updates that are multiples of the direction, whatever the weights and
// the directions before.
type Scaling interface {
	// Scales reports whether they are.
	Scales() bool
}

// Scales reports whether the updates of a spec are multiples of the direction, see [Scaling].
func Scales(s Spec) bool {
	scaling, ok := s.(Scaling)
	return ok && scaling.Scales()
}

// A Remarkable spec has something to say about what it makes of a layout.
type Remarkable interface {
	// Remarks returns a sentence for each choice made, for people.
	Remarks(l tensor.Layout) []string
}

// Remarks returns those of a [Remarkable] spec.
func Remarks(s Spec, l tensor.Layout) []string {
	if r, ok := s.(Remarkable); ok {
		return r.Remarks(l)
	}
	return nil
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

// checkEpsilon refuses an epsilon that is 0 in float32, where a weight whose gradients have all been 0
// would be moved by 0/0.
func checkEpsilon(v float64) error {
	const smallest = 0x1p-126 // the least normal number of float32
	if !(v >= smallest) || math.IsInf(v, 0) {
		return strict.Field("epsilon", "must be at least %.2g, the smallest normal number of float32, got %g", smallest, v)
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
