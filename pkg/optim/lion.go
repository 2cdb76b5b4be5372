package optim

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	base := Lion{LearningRate: schedules.Const(1e-4), Beta1: 0.9, Beta2: 0.99}
	decayed := base
	decayed.WeightDecay = 1
	registry.Add(&Known, registry.Info{Name: "lion", Doc: "steps along the sign of a mean of gradients", Reference: "Chen et al. 2023, arXiv 2302.06675"},
		base, newLion, decayed)
}

// Lion is, with g = -d (Chen et al. 2023, program 1),
//
//	u = -learning_rate (sign(beta1 m + (1 - beta1) g) + weight_decay w)
//	m = beta2 m + (1 - beta2) g
type Lion struct {
	LearningRate schedules.Number `yaml:"learning_rate" doc:"the size of each weight's change; a number or a schedule"`
	Beta1        float64          `yaml:"beta1" doc:"share of the memory in the mean whose sign is taken"`
	Beta2        float64          `yaml:"beta2" doc:"memory of the mean of gradients"`
	WeightDecay  float64          `yaml:"weight_decay" doc:"adds -learning_rate weight_decay w to the update"`
}

var _ Spec = Lion{}

func newLion(o Lion) (Spec, error) {
	if err := o.LearningRate.Positive("learning_rate"); err != nil {
		return nil, err
	}
	if err := checkFraction("beta1", o.Beta1); err != nil {
		return nil, err
	}
	if err := checkFraction("beta2", o.Beta2); err != nil {
		return nil, err
	}
	return o, checkDecay(o.WeightDecay)
}

func (o Lion) Optimizers() Optimizers { return OptimizersOf(o, bindLion[float32], bindLion[float64]) }

// StateBytes counts the mean.
func (o Lion) StateBytes(l tensor.Layout, value int) int { return size.Product(l.Len, value) }

type lion[T tensor.Float] struct {
	Lion
	p    int
	pool *tensor.Pool
	m    []T // mean of d, which is minus the gradient

	// Operands of the loop that is running.
	u, d, w []T
	scalars kernel.Lion[T]
	body    func(lo, hi int)
}

var _ InPlace[float32] = (*lion[float32])(nil)

func bindLion[T tensor.Float](s Lion, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	o := &lion[T]{Lion: s, p: l.Len, pool: pool, m: make([]T, l.Len)}
	o.body = func(lo, hi int) {
		o.scalars.Update(part(o.u, lo, hi), o.d[lo:hi], o.w[lo:hi], o.m[lo:hi])
	}
	return o
}

func (o *lion[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	o.run(u, d, w, t)
}

func (o *lion[T]) Step(d, w []T, t schedules.Time) {
	checkLengths(o.p, d, w)
	o.run(nil, d, w, t)
}

func (o *lion[T]) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }

func (o *lion[T]) run(u, d, w []T, t schedules.Time) {
	rate := o.LearningRate.At(t)
	o.u, o.d, o.w = u, d, w
	o.scalars = kernel.Lion[T]{
		Beta1: T(o.Beta1), Rest1: T(1 - o.Beta1), Beta2: T(o.Beta2), Rest2: T(1 - o.Beta2),
		Rate: T(rate), Shrink: T(rate * o.WeightDecay),
	}
	o.pool.For(o.p, grain, o.body)
	o.u, o.d, o.w = nil, nil, nil
}

func (o *lion[T]) State() State { return stateOf(map[string][]T{"mean": o.m}) }
