package optim

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
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
	if !(o.Epsilon > 0) {
		return strict.Field("epsilon", "must be positive, got %g", o.Epsilon)
	}
	return checkDecay(o.WeightDecay)
}

func (o Adam) New32(p int, pool *tensor.Pool) Optimizer[float32] {
	return bindAdam[float32](o, o.WeightDecay, 0, p, pool)
}

func (o Adam) New64(p int, pool *tensor.Pool) Optimizer[float64] {
	return bindAdam[float64](o, o.WeightDecay, 0, p, pool)
}

func (o AdamW) New32(p int, pool *tensor.Pool) Optimizer[float32] {
	return bindAdam[float32](Adam(o), 0, o.WeightDecay, p, pool)
}

func (o AdamW) New64(p int, pool *tensor.Pool) Optimizer[float64] {
	return bindAdam[float64](Adam(o), 0, o.WeightDecay, p, pool)
}

type adam[T tensor.Float] struct {
	Adam
	p     int
	pool  *tensor.Pool
	m, v  []T
	steps int64

	// Operands of the loop that is running: scale is rate/(1 - beta1^t), root
	// is √(1 - beta2^t), shrink is rate weight_decay.
	u, d, w             []T
	scale, root, shrink T
	decoupled           float64
	body                func(lo, hi int)
}

func bindAdam[T tensor.Float](s Adam, coupled, decoupled float64, p int, pool *tensor.Pool) Optimizer[T] {
	o := &adam[T]{Adam: s, p: p, pool: pool, m: make([]T, p), v: make([]T, p), decoupled: decoupled}
	decay, eps := T(coupled), T(s.Epsilon)
	b1, b2, c1, c2 := T(s.Beta1), T(s.Beta2), T(1-s.Beta1), T(1-s.Beta2)
	o.body = func(lo, hi int) {
		u, d, w, m, v := o.u[lo:hi], o.d[lo:hi], o.w[lo:hi], o.m[lo:hi], o.v[lo:hi]
		for i := range d {
			g := decay*w[i] - d[i]
			m[i] = b1*m[i] + c1*g
			v[i] = b2*v[i] + c2*g*g
			u[i] = -o.scale*m[i]/(T(math.Sqrt(float64(v[i])))/o.root+eps) - o.shrink*w[i]
		}
	}
	return o
}

func (o *adam[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	o.steps++
	rate, n := o.LearningRate.At(t), float64(o.steps)
	o.u, o.d, o.w = u, d, w
	o.scale = T(rate / (1 - math.Pow(o.Beta1, n)))
	o.root = T(math.Sqrt(1 - math.Pow(o.Beta2, n)))
	o.shrink = T(rate * o.decoupled)
	o.pool.For(o.p, grain, o.body)
	o.u, o.d, o.w = nil, nil, nil
}

func (o *adam[T]) State() State[T] {
	return State[T]{Vectors: map[string][]T{"mean": o.m, "square": o.v}, Steps: &o.steps}
}
