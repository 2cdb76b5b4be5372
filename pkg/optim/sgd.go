package optim

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "sgd", Doc: "gradient steps, with momentum if asked", Reference: "Polyak 1964; Nesterov 1983; Sutskever et al. 2013"},
		SGD{LearningRate: schedules.Const(0.1)}, newSGD,
		SGD{LearningRate: schedules.Const(0.1), Momentum: 0.9, WeightDecay: 0.01},
		SGD{LearningRate: schedules.Const(0.1), Momentum: 0.9, Nesterov: true})
}

// SGD is, with g = -d and as in torch.optim.SGD,
//
//	g += weight_decay w
//	v  = momentum v + g            (v = g in the first step)
//	u  = -learning_rate v          (nesterov: g + momentum v in place of v)
type SGD struct {
	LearningRate schedules.Number `yaml:"learning_rate" doc:"multiplies the direction; a number or a schedule"`
	Momentum     float64          `yaml:"momentum" doc:"share of the last update that is kept"`
	Nesterov     bool             `yaml:"nesterov" doc:"look ahead along the momentum"`
	WeightDecay  float64          `yaml:"weight_decay" doc:"adds weight_decay w to the gradient"`
}

var _ Spec = SGD{}

func newSGD(o SGD) (Spec, error) {
	if err := o.LearningRate.Positive("learning_rate"); err != nil {
		return nil, err
	}
	if err := checkFraction("momentum", o.Momentum); err != nil {
		return nil, err
	}
	if o.Nesterov && o.Momentum == 0 {
		return nil, strict.Field("nesterov", "needs a momentum above 0")
	}
	return o, checkDecay(o.WeightDecay)
}

func (o SGD) Optimizers() Optimizers { return OptimizersOf(o, bindSGD[float32], bindSGD[float64]) }

// StateBytes counts the momentum.
func (o SGD) StateBytes(l tensor.Layout, value int) int {
	if o.Momentum > 0 {
		return size.Product(l.Len, value)
	}
	return 0
}

type sgd[T tensor.Float] struct {
	SGD
	p    int
	pool *tensor.Pool
	v    []T // empty without momentum

	// Operands of the loop that is running.
	u, d, w []T
	scalars kernel.Momentum[T]
	body    func(lo, hi int)
}

var _ InPlace[float32] = (*sgd[float32])(nil)

func bindSGD[T tensor.Float](s SGD, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	o := &sgd[T]{SGD: s, p: l.Len, pool: pool}
	if s.Momentum > 0 {
		// v starts at 0, so that the first step makes it g.
		o.v = make([]T, l.Len)
	}
	o.body = func(lo, hi int) {
		o.scalars.Update(part(o.u, lo, hi), o.d[lo:hi], o.w[lo:hi], part(o.v, lo, hi))
	}
	return o
}

func (o *sgd[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	o.run(u, d, w, t)
}

func (o *sgd[T]) Step(d, w []T, t schedules.Time) {
	checkLengths(o.p, d, w)
	o.run(nil, d, w, t)
}

func (o *sgd[T]) ScalesDirection(t schedules.Time) (float64, bool) {
	return o.LearningRate.At(t), o.Scales()
}

// Scales implements [Scaling].
func (s SGD) Scales() bool { return s.Momentum == 0 && s.WeightDecay == 0 }

func (o *sgd[T]) run(u, d, w []T, t schedules.Time) {
	o.u, o.d, o.w = u, d, w
	o.scalars = kernel.Momentum[T]{Rate: T(o.LearningRate.At(t)), Decay: T(o.WeightDecay), Mu: T(o.Momentum), Nesterov: o.Nesterov}
	o.pool.For(o.p, grain, o.body)
	o.u, o.d, o.w = nil, nil, nil
}

func (o *sgd[T]) State() State {
	if o.v == nil {
		return State{}
	}
	return stateOf(map[string][]T{"momentum": o.v})
}
