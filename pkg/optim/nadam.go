package optim

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	base := NAdam{LearningRate: schedules.Const(2e-3), Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, MomentumDecay: 4e-3}
	decayed := base
	decayed.WeightDecay = 0.01
	registry.Add(&Known, registry.Info{Name: "nadam", Doc: "adam with Nesterov's momentum, which grows from half of beta1", Reference: "Dozat 2016; torch.optim.NAdam"},
		base, newNAdam, decayed)
	registry.Add(&Known, registry.Info{Name: "nadamw", Doc: "nadam with weight decay apart from the gradient: the baseline of AlgoPerf", Reference: "Dozat 2016; Dahl et al. 2023, arXiv 2306.07179; torch.optim.NAdam with decoupled_weight_decay"},
		NAdamW(base), newNAdamW, NAdamW(decayed))
}

// NAdam is, with g = -d, t = 1, 2, ... and as in torch.optim.NAdam (Dozat, Incorporating
// Nesterov momentum into Adam, 2016, algorithm 8),
//
//	g   += weight_decay w
//	mu_t = beta1 (1 - 0.96^(t momentum_decay)/2)
//	m    = beta1 m + (1 - beta1) g
//	v    = beta2 v + (1 - beta2) g²
//	u    = -learning_rate (mu_t+1 m/(1 - mu_1 ... mu_t+1) + (1 - mu_t) g/(1 - mu_1 ... mu_t)) / (√(v/(1 - beta2^t)) + epsilon)
type NAdam struct {
	LearningRate  schedules.Number `yaml:"learning_rate" doc:"about the size of each weight's change; a number or a schedule"`
	Beta1         float64          `yaml:"beta1" doc:"memory of the mean of gradients"`
	Beta2         float64          `yaml:"beta2" doc:"memory of the mean of squares"`
	Epsilon       float64          `yaml:"epsilon" doc:"keeps the division safe"`
	MomentumDecay float64          `yaml:"momentum_decay" doc:"how fast the momentum grows to beta1"`
	WeightDecay   float64          `yaml:"weight_decay" doc:"nadam: adds weight_decay w to the gradient; nadamw: adds -learning_rate weight_decay w to the update"`
}

// NAdamW is NAdam, but for the weight decay: u -= learning_rate weight_decay w takes the
// place of g += weight_decay w.
type NAdamW NAdam

var (
	_ Spec = NAdam{}
	_ Spec = NAdamW{}
)

func newNAdam(o NAdam) (Spec, error) { return o, o.check() }

func newNAdamW(o NAdamW) (Spec, error) { return o, NAdam(o).check() }

func (o NAdam) check() error {
	if err := o.adam().check(); err != nil {
		return err
	}
	if !(o.MomentumDecay >= 0) {
		return strict.Field("momentum_decay", "must not be negative, got %g", o.MomentumDecay)
	}
	return nil
}

func (o NAdam) adam() Adam {
	return Adam{LearningRate: o.LearningRate, Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon, WeightDecay: o.WeightDecay}
}

func (o NAdam) Optimizers() Optimizers {
	return OptimizersOf(o, bindNAdam[float32], bindNAdam[float64])
}

func (o NAdamW) Optimizers() Optimizers {
	return OptimizersOf(o, bindNAdamW[float32], bindNAdamW[float64])
}

// StateBytes counts means and squares, and the product of momenta.
func (o NAdam) StateBytes(l tensor.Layout, value int) int {
	return size.Sum(size.Product(2, l.Len, value), 8)
}

// StateBytes is that of NAdam.
func (o NAdamW) StateBytes(l tensor.Layout, value int) int { return NAdam(o).StateBytes(l, value) }

type nadam[T tensor.Float] struct {
	NAdam
	p         int
	pool      *tensor.Pool
	m, v      []T       // running means of d, which is minus the gradient, and of its square
	momenta   []float64 // 1: mu_1 ... mu_t, 0 before the first step
	steps     int64
	coupled   float64 // weight decay, in the gradient
	decoupled float64 // or in the update

	// Operands of the loop that is running.
	u, d, w []T
	scalars kernel.NAdam[T]
	body    func(lo, hi int)
}

var _ InPlace[float32] = (*nadam[float32])(nil)

func bindNAdam[T tensor.Float](s NAdam, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	return newNAdamOf[T](s, s.WeightDecay, 0, l, pool)
}

func bindNAdamW[T tensor.Float](s NAdamW, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	return newNAdamOf[T](NAdam(s), 0, s.WeightDecay, l, pool)
}

func newNAdamOf[T tensor.Float](s NAdam, coupled, decoupled float64, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	p := l.Len
	o := &nadam[T]{NAdam: s, p: p, pool: pool, m: make([]T, p), v: make([]T, p), momenta: make([]float64, 1), coupled: coupled, decoupled: decoupled}
	o.body = func(lo, hi int) {
		o.scalars.Update(part(o.u, lo, hi), o.d[lo:hi], o.w[lo:hi], o.m[lo:hi], o.v[lo:hi])
	}
	return o
}

func (o *nadam[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	o.run(u, d, w, t)
}

func (o *nadam[T]) Step(d, w []T, t schedules.Time) {
	checkLengths(o.p, d, w)
	o.run(nil, d, w, t)
}

func (o *nadam[T]) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }

// momentum is mu_t.
func (o *nadam[T]) momentum(t float64) float64 {
	return o.Beta1 * (1 - math.Pow(0.96, t*o.MomentumDecay)/2)
}

func (o *nadam[T]) run(u, d, w []T, t schedules.Time) {
	if o.steps == 0 {
		o.momenta[0] = 1
	}
	o.steps++
	rate, n := o.LearningRate.At(t), float64(o.steps)
	mu, next := o.momentum(n), o.momentum(n+1)
	o.momenta[0] *= mu
	o.u, o.d, o.w = u, d, w
	o.scalars = kernel.NAdam[T]{
		Adam: kernel.Adam[T]{
			Decay: T(o.coupled), Beta1: T(o.Beta1), Rest1: T(1 - o.Beta1), Beta2: T(o.Beta2), Rest2: T(1 - o.Beta2),
			Rate: T(rate * next / (1 - o.momenta[0]*next)), Root: T(1 / math.Sqrt(1-math.Pow(o.Beta2, n))),
			Epsilon: T(o.Epsilon), Shrink: T(rate * o.decoupled),
		},
		Ahead: T(rate * (1 - mu) / (1 - o.momenta[0])),
	}
	o.pool.For(o.p, grain, o.body)
	o.u, o.d, o.w = nil, nil, nil
}

func (o *nadam[T]) State() State {
	s := stateOf(map[string][]T{"mean": o.m, "square": o.v})
	s.keep("momenta", o.momenta)
	s.Steps = []*int64{&o.steps}
	return s
}
