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
	adam := ScheduleFree{Base: "adamw", LearningRate: schedules.Auto(), Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightPower: 2}
	warm := adam
	warm.WarmupSteps, warm.WeightDecay, warm.Power = 3, 0.01, 1
	sgd := adam
	sgd.Base, sgd.WeightDecay = "sgd", 0.01
	registry.Add(&Known, registry.Info{Name: scheduleFree, Doc: "a mean of all weights in place of a schedule: gradients are taken between that mean, which is evaluated, and the weights that move", Reference: "Defazio et al. 2024, arXiv 2405.15682"},
		adam, newScheduleFree, warm, sgd)
}

const scheduleFree = "schedule_free"

// ScheduleFree is (Defazio et al. 2024, algorithm 1), for t = 1, 2, ..., with the gradient g
// at y, which training calls the weights,
//
//	rate_t = learning_rate min(1, t/warmup_steps)
//	c_t    = t^power max(rate_1 ... rate_t)^weight_power over the sum of these up to t
//	z      = z - rate_t G
//	x      = (1 - c_t) x + c_t z
//	y      = (1 - beta1) z + beta1 x
//
// where G = g + weight_decay y with base sgd, and with base adamw
//
//	v = beta2 v + (1 - beta2) g²,  G = g/(√(v/(1 - beta2^t)) + epsilon) + weight_decay y
//
// as in SGDScheduleFree and AdamWScheduleFree of the package schedulefree. Evaluations and
// params.npz have x, which is made of y and z when it is asked for.
type ScheduleFree struct {
	Base         string           `yaml:"base" doc:"what steps: sgd or adamw"`
	LearningRate schedules.Number `yaml:"learning_rate" doc:"of the steps of z; a number or a schedule, which it is meant to do without; auto: 0.0025 with base adamw, 1 with sgd"`
	Beta1        float64          `yaml:"beta1" doc:"how near gradients are taken to the mean; the momentum of base sgd"`
	Beta2        float64          `yaml:"beta2" doc:"memory of the mean of squares, of base adamw"`
	Epsilon      float64          `yaml:"epsilon" doc:"keeps the division safe, of base adamw"`
	WeightDecay  float64          `yaml:"weight_decay" doc:"adds weight_decay y to what is stepped along"`
	WarmupSteps  int              `yaml:"warmup_steps" doc:"steps over which the rate grows to learning_rate"`
	Power        float64          `yaml:"r" doc:"weights of later steps in the mean grow as this power of their number"`
	WeightPower  float64          `yaml:"weight_lr_power" doc:"and as this power of the largest rate so far"`
}

var (
	_ Spec       = ScheduleFree{}
	_ Unscalable = ScheduleFree{}
)

func newScheduleFree(o ScheduleFree) (Spec, error) {
	if o.Base != "sgd" && o.Base != "adamw" {
		return nil, strict.Field("base", "must be sgd or adamw, got %q", o.Base)
	}
	if o.LearningRate.IsAuto() {
		o.LearningRate = schedules.Const(map[string]float64{"adamw": 0.0025, "sgd": 1}[o.Base])
	}
	adam := Adam{LearningRate: o.LearningRate, Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon, WeightDecay: o.WeightDecay}
	if err := adam.check(); err != nil {
		return nil, err
	}
	if o.Base == "sgd" {
		for _, of := range []struct {
			key           string
			value, absent float64
		}{{"beta2", o.Beta2, 0.999}, {"epsilon", o.Epsilon, 1e-8}} {
			if of.value != of.absent {
				return nil, strict.Field(of.key, "is of base adamw; base sgd has none: leave it out, or take base: adamw")
			}
		}
	}
	switch {
	case o.Beta1 == 0:
		return nil, strict.Field("beta1", "must be above 0: gradients would be taken at z, and the mean could not be made of y and z")
	case o.WarmupSteps < 0:
		return nil, strict.Field("warmup_steps", "must not be negative, got %d", o.WarmupSteps)
	case !(o.Power >= 0 && o.Power <= maxPower):
		return nil, strict.Field("r", "must be between 0 and %d, got %g", maxPower, o.Power)
	case !(o.WeightPower >= 0 && o.WeightPower <= maxPower):
		return nil, strict.Field("weight_lr_power", "must be between 0 and %d, got %g", maxPower, o.WeightPower)
	}
	return o, nil
}

// maxPower bounds the powers in the weights of the mean: sums of n^10 rate^10 are finite, and above 0, for rates
// from 1e-30 to 1e20 and any number of steps there may be.
const maxPower = 10

func (o ScheduleFree) Optimizers() Optimizers {
	return OptimizersOf(o, bindScheduleFree[float32], bindScheduleFree[float64])
}

// Unscalable tells of the mean.
func (ScheduleFree) Unscalable() string {
	return "its update moves the point at which gradients are taken, between a mean and the weights that step, and a longer or shorter one would be off that line"
}

// StateBytes counts z, squares, and the two numbers that c_t takes.
func (o ScheduleFree) StateBytes(l tensor.Layout, value int) int {
	vectors := 1
	if o.Base == "adamw" {
		vectors = 2
	}
	return size.Sum(size.Product(vectors, l.Len, value), 16)
}

type free[T tensor.Float] struct {
	ScheduleFree
	p     int
	pool  *tensor.Pool
	z, v  []T       // v is empty without adamw
	mean  []float64 // 2: the sum of the weights in the mean, and the largest rate
	steps int64

	// Operands of the loop that is running.
	u, d, w       []T
	scalars       kernel.Free[T]
	body, average func(lo, hi int)
}

var (
	_ InPlace[float32]   = (*free[float32])(nil)
	_ Averaging[float32] = (*free[float32])(nil)
)

func bindScheduleFree[T tensor.Float](s ScheduleFree, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	p := l.Len
	o := &free[T]{ScheduleFree: s, p: p, pool: pool, z: make([]T, p), mean: make([]float64, 2)}
	if s.Base == "adamw" {
		o.v = make([]T, p)
	}
	o.body = func(lo, hi int) {
		o.scalars.Update(part(o.u, lo, hi), o.d[lo:hi], o.w[lo:hi], o.z[lo:hi], part(o.v, lo, hi))
	}
	// x = y/beta1 + (1 - 1/beta1) z
	o.average = func(lo, hi int) {
		x := o.u[lo:hi]
		copy(x, o.w[lo:hi])
		kernel.Scale(T(1/s.Beta1), x)
		kernel.Axpy(T(1-1/s.Beta1), o.z[lo:hi], x)
	}
	return o
}

func (o *free[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	o.run(u, d, w, t)
}

func (o *free[T]) Step(d, w []T, t schedules.Time) {
	checkLengths(o.p, d, w)
	o.run(nil, d, w, t)
}

func (o *free[T]) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }

func (o *free[T]) run(u, d, w []T, t schedules.Time) {
	if o.steps == 0 {
		copy(o.z, w)
		o.mean[0], o.mean[1] = 0, 0
	}
	o.steps++
	rate, n := o.LearningRate.At(t), float64(o.steps)
	if o.WarmupSteps > 0 {
		rate *= min(1, n/float64(o.WarmupSteps))
	}
	o.mean[1] = max(o.mean[1], rate)
	weight := math.Pow(n, o.Power) * math.Pow(o.mean[1], o.WeightPower)
	o.mean[0] += weight
	share := 0.0
	if o.mean[0] > 0 {
		share = weight / o.mean[0]
	}
	o.u, o.d, o.w = u, d, w
	// y changes by c (z - y), and by what z steps on times 1 - beta1 (1 - c).
	o.scalars = kernel.Free[T]{
		Decay: T(o.WeightDecay), Share: T(share), Ahead: T(rate * (1 - o.Beta1*(1-share))), Rate: T(rate),
		Adaptive: o.v != nil, Beta2: T(o.Beta2), Rest2: T(1 - o.Beta2), Root: T(1 / math.Sqrt(1-math.Pow(o.Beta2, n))), Epsilon: T(o.Epsilon),
	}
	o.pool.For(o.p, grain, o.body)
	o.u, o.d, o.w = nil, nil, nil
}

func (o *free[T]) Average(x, w []T) {
	checkLengths(o.p, x, w)
	if o.steps == 0 {
		copy(x, w)
		return
	}
	o.u, o.w = x, w
	o.pool.For(o.p, grain, o.average)
	o.u, o.w = nil, nil
}

func (o *free[T]) State() State {
	vectors := map[string][]T{"z": o.z}
	if o.v != nil {
		vectors["square"] = o.v
	}
	s := stateOf(vectors)
	s.keep("mean", o.mean)
	s.Steps = []*int64{&o.steps}
	return s
}
