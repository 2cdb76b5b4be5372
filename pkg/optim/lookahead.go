package optim

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	inner := choiceOf("adam", Adam{LearningRate: schedules.Const(1e-3), Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}, newAdam)
	short := choiceOf("sgd", SGD{LearningRate: schedules.Const(0.1), Momentum: 0.9}, newSGD)
	registry.Add(&Known, registry.Info{Name: lookahead, Doc: "every few steps of another optimizer, goes back to a point on the way from where it was before them", Reference: "Zhang et al. 2019, arXiv 1907.08610"},
		Lookahead{Inner: inner, Steps: 5, Rate: 0.5}, newLookahead,
		Lookahead{Inner: short, Steps: 2, Rate: 0.8},
		Lookahead{Inner: choiceOf(muon, defaultMuon(), newMuon), Steps: 2, Rate: 0.5})
}

const lookahead = "lookahead"

// Lookahead is (Zhang et al. 2019, algorithm 1), with slow weights s that begin as w,
//
//	w = w + u of the inner optimizer, and after every so many steps
//	s = s + rate (w - s),  w = s
type Lookahead struct {
	Inner Choice  `yaml:"inner" doc:"the optimizer whose steps are made"`
	Steps int     `yaml:"steps" doc:"steps between two updates of the slow weights"`
	Rate  float64 `yaml:"rate" doc:"how far the slow weights go towards the others, 1: all the way"`
}

var (
	_ Spec       = Lookahead{}
	_ Nesting    = Lookahead{}
	_ Unscalable = Lookahead{}
	_ Fitting    = Lookahead{}
)

func newLookahead(o Lookahead) (Spec, error) {
	if o.Steps < 1 {
		return nil, strict.Field("steps", "must be at least 1, got %d", o.Steps)
	}
	if !(o.Rate > 0 && o.Rate <= 1) {
		return nil, strict.Field("rate", "must be above 0 and at most 1, got %g", o.Rate)
	}
	return o, o.Inner.check("inner", lookahead)
}

func (o Lookahead) Optimizers() Optimizers {
	return OptimizersOf(o, bindLookahead[float32], bindLookahead[float64])
}

// Within is the inner optimizer.
func (o Lookahead) Within() []Choice { return []Choice{o.Inner} }

// Unscalable tells of the slow weights.
func (o Lookahead) Unscalable() string {
	return fmt.Sprintf("every %d steps it goes back to a point between older and newer weights, which is no step along a direction", o.Steps)
}

// Fits is that of the inner optimizer.
func (o Lookahead) Fits(l tensor.Layout) error {
	return o.Inner.fits("inner", l)
}

// Period is that of slow weights, or what the inner optimizer has if that is longer.
func (o Lookahead) Period() int { return max(o.Steps, Period(o.Inner.Must())) }

// Remarks are those of the inner optimizer.
func (o Lookahead) Remarks(l tensor.Layout) []string { return Remarks(o.Inner.Must(), l) }

// StateBytes counts the slow weights and the inner optimizer.
func (o Lookahead) StateBytes(l tensor.Layout, value int) int {
	return size.Sum(size.Product(l.Len, value), StateBytes(o.Inner.Must(), l, value))
}

// WorkBytes is that of the inner optimizer.
func (o Lookahead) WorkBytes(l tensor.Layout, value int) int {
	return WorkBytes(o.Inner.Must(), l, value)
}

type lookaheadOf[T tensor.Float] struct {
	Lookahead
	p     int
	pool  *tensor.Pool
	inner Optimizer[T]
	slow  []T // the weights of the last synchronisation; those of the start, once there is a step
	steps int64

	u, w []T // operands of the loop that is running
	body func(lo, hi int)
}

func bindLookahead[T tensor.Float](s Lookahead, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	o := &lookaheadOf[T]{Lookahead: s, p: l.Len, pool: pool, inner: New[T](s.Inner.Must(), l, pool), slow: make([]T, l.Len)}
	// s += rate (w + u - s), and then u = s - w.
	o.body = func(lo, hi int) {
		slow, w, u := o.slow[lo:hi], o.w[lo:hi], o.u[lo:hi]
		kernel.Scale(T(1-o.Rate), slow)
		kernel.Axpy(T(o.Rate), w, slow)
		kernel.Axpy(T(o.Rate), u, slow)
		copy(u, slow)
		kernel.Axpy(-1, w, u)
	}
	return o
}

func (o *lookaheadOf[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	if o.steps == 0 {
		copy(o.slow, w)
	}
	o.steps++
	o.inner.Update(u, d, w, t)
	if o.steps%int64(o.Lookahead.Steps) == 0 {
		o.u, o.w = u, w
		o.pool.For(o.p, grain, o.body)
		o.u, o.w = nil, nil
	}
}

func (o *lookaheadOf[T]) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }

// Report is that of the inner optimizer.
func (o *lookaheadOf[T]) Report() (r Report) {
	r.add(o.inner)
	return r
}

func (o *lookaheadOf[T]) State() State {
	s := stateOf(map[string][]T{"slow": o.slow})
	s.Steps = []*int64{&o.steps}
	s.add("inner.", o.inner.State())
	return s
}
