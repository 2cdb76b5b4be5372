package optim

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	base := Adam{LearningRate: schedules.Const(1e-3), Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}
	decayed := base
	decayed.WeightDecay = 0.01
	registry.Add(&Known, registry.Info{Name: "adam", Doc: "steps scaled by running means of the gradient and its square", Reference: "Kingma and Ba 2015, arXiv 1412.6980"},
		base, newAdam, decayed)
	registry.Add(&Known, registry.Info{Name: "adamw", Doc: "adam with weight decay apart from the gradient", Reference: "Loshchilov and Hutter 2019, arXiv 1711.05101"},
		AdamW(decayed), newAdamW)
}

// Adam is, with g = -d, t = 1, 2, ... and as in torch.optim.Adam,
//
//	g += weight_decay w
//	m  = beta1 m + (1 - beta1) g
//	v  = beta2 v + (1 - beta2) g²
//	u  = -learning_rate (m/(1 - beta1^t)) / (√(v/(1 - beta2^t)) + epsilon)
type Adam struct {
	LearningRate schedules.Number `yaml:"learning_rate" doc:"about the size of each weight's change; a number or a schedule"`
	Beta1        float64          `yaml:"beta1" doc:"memory of the mean of gradients"`
	Beta2        float64          `yaml:"beta2" doc:"memory of the mean of squares"`
	Epsilon      float64          `yaml:"epsilon" doc:"keeps the division safe"`
	WeightDecay  float64          `yaml:"weight_decay" doc:"adam: adds weight_decay w to the gradient; adamw: adds -learning_rate weight_decay w to the update"`
}

// AdamW is Adam, but for the weight decay: u -= learning_rate weight_decay w
// takes the place of g += weight_decay w (torch.optim.AdamW).
type AdamW Adam

var (
	_ Spec = Adam{}
	_ Spec = AdamW{}
)

func newAdam(o Adam) (Spec, error) { return o, o.check() }

func newAdamW(o AdamW) (Spec, error) { return o, Adam(o).check() }

func (o Adam) check() error {
	if err := o.LearningRate.Positive("learning_rate"); err != nil {
		return err
	}
	if err := checkFraction("beta1", o.Beta1); err != nil {
		return err
	}
	if err := checkFraction("beta2", o.Beta2); err != nil {
		return err
	}
	if err := checkEpsilon(o.Epsilon); err != nil {
		return err
	}
	return checkDecay(o.WeightDecay)
}

func (o Adam) Optimizers() Optimizers { return OptimizersOf(o, bindAdam[float32], bindAdam[float64]) }

func (o AdamW) Optimizers() Optimizers {
	return OptimizersOf(o, bindAdamW[float32], bindAdamW[float64])
}

// StateBytes counts means and squares.
func (o Adam) StateBytes(l tensor.Layout, value int) int { return size.Product(2, l.Len, value) }

// StateBytes is that of Adam.
func (o AdamW) StateBytes(l tensor.Layout, value int) int { return Adam(o).StateBytes(l, value) }

type adam[T tensor.Float] struct {
	Adam
	p         int
	pool      *tensor.Pool
	m, v      []T // running means of d, which is minus the gradient, and of its square
	steps     int64
	coupled   float64 // weight decay, in the gradient
	decoupled float64 // or in the update

	// Operands of the loop that is running.
	u, d, w []T
	scalars kernel.Adam[T]
	body    func(lo, hi int)
}

var _ InPlace[float32] = (*adam[float32])(nil)

func bindAdam[T tensor.Float](s Adam, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	return newAdamOf[T](s, s.WeightDecay, 0, l, pool)
}

func bindAdamW[T tensor.Float](s AdamW, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	return newAdamOf[T](Adam(s), 0, s.WeightDecay, l, pool)
}

func newAdamOf[T tensor.Float](s Adam, coupled, decoupled float64, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	p := l.Len
	o := &adam[T]{Adam: s, p: p, pool: pool, m: make([]T, p), v: make([]T, p), coupled: coupled, decoupled: decoupled}
	o.body = func(lo, hi int) {
		o.scalars.Update(part(o.u, lo, hi), o.d[lo:hi], o.w[lo:hi], o.m[lo:hi], o.v[lo:hi])
	}
	return o
}

func (o *adam[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	o.run(u, d, w, t)
}

func (o *adam[T]) Step(d, w []T, t schedules.Time) {
	checkLengths(o.p, d, w)
	o.run(nil, d, w, t)
}

func (o *adam[T]) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }

func (o *adam[T]) run(u, d, w []T, t schedules.Time) {
	o.steps++
	rate, n := o.LearningRate.At(t), float64(o.steps)
	o.u, o.d, o.w = u, d, w
	o.scalars = kernel.Adam[T]{
		Decay: T(o.coupled), Beta1: T(o.Beta1), Rest1: T(1 - o.Beta1), Beta2: T(o.Beta2), Rest2: T(1 - o.Beta2),
		Rate: T(rate / (1 - math.Pow(o.Beta1, n))), Root: T(1 / math.Sqrt(1-math.Pow(o.Beta2, n))),
		Epsilon: T(o.Epsilon), Shrink: T(rate * o.decoupled),
	}
	o.pool.For(o.p, grain, o.body)
	o.u, o.d, o.w = nil, nil, nil
}

func (o *adam[T]) State() State {
	s := stateOf(map[string][]T{"mean": o.m, "square": o.v})
	s.Steps = []*int64{&o.steps}
	return s
}
