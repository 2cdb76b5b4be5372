package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Known, registry.Info{
		Name:      "gradient",
		Doc:       "d = -gamma grad h, the minimiser of the linear model of h plus |d|^2/(2 gamma)",
		Reference: "Cauchy 1847; Robbins and Monro 1951",
	}, Gradient{Gamma: schedules.Const(1)}, newGradient, Gradient{Gamma: schedules.Const(0.3)}, Gradient{Gamma: schedules.Const(2), WeightDecay: 0.1})
}

// Gradient is the stochastic gradient of F = h + (mu/2) |w|²: the minimiser
// d = -gamma' grad F, 1/gamma' = 1/gamma + mu, of the linear model of h plus
// |d|²/(2 gamma) + (mu/2) |w + d|².
type Gradient struct {
	Gamma       schedules.Number `yaml:"gamma" doc:"multiplies the gradient; a number or a schedule"`
	WeightDecay float64          `yaml:"weight_decay" doc:"mu of the term mu |w + d|^2/2 inside the model"`
}

var (
	_ Spec   = Gradient{}
	_ Closed = Gradient{}
)

func newGradient(o Gradient) (Spec, error) {
	if err := o.Gamma.Positive("gamma"); err != nil {
		return nil, err
	}
	if !(o.WeightDecay >= 0) {
		return nil, strict.Field("weight_decay", "must not be negative, got %g", o.WeightDecay)
	}
	return o, nil
}

// Check accepts every loss.
func (o Gradient) Check(losses.Loss) error { return nil }

// Fits needs nothing.
func (o Gradient) Fits(losses.Loss, Dims) error { return nil }

// Closed: there is no inner solve.
func (Gradient) Closed() {}

func (o Gradient) Oracles() Oracles {
	return OraclesOf(o, newGradientOracle[float32], newGradientOracle[float64])
}

type gradient[T tensor.Float] struct {
	Gradient
	pool *tensor.Pool
	room tensor.Matrix[float64] // m x k

	// Of the last call:
	d, w       []T
	gammaPrime float64
	report     Report
}

var _ Oracle[float32] = (*gradient[float32])(nil)

func newGradientOracle[T tensor.Float](o Gradient, at Site) Oracle[T] {
	return &gradient[T]{Gradient: o, pool: at.Pool, room: tensor.New[float64](at.Dims.Examples, at.Dims.Outputs)}
}

// Direction makes d = Jᵀ alpha with alpha_i = -(gamma'/m) g_i: scaling the m x k
// numbers g spares a pass over the p numbers of d.
func (o *gradient[T]) Direction(d []T, p *Subproblem[T]) Report {
	batch, gamma, mu := &p.Gradient, o.Gamma.At(p.Time), o.WeightDecay
	if p.Gamma > 0 {
		gamma = p.Gamma
	}
	z := batch.Outputs()
	o.d, o.w, o.gammaPrime = d, batch.Weights(), gamma/(1+gamma*mu)
	alpha := o.room.RowRange(0, z.Rows)
	p.losses().Grads(alpha, z, batch.Targets)
	tensor.Scale(nil, -o.gammaPrime/float64(z.Rows), alpha.Flat())
	batch.VJP(d, alpha)
	if mu > 0 {
		tensor.Axpy(o.pool, T(-o.gammaPrime*mu), o.w, d)
	}
	o.report = newReport(mu)
	o.report.Gamma = gamma
	o.report.Counters = Counters{VJPs: 1, MultiplyAdds: batch.Dims().VJP}
	return o.report
}

// Slope returns <grad F, d> = -|d|²/gamma'.
func (o *gradient[T]) Slope() float64 {
	if o.gammaPrime == 0 {
		return 0
	}
	return -tensor.Dot(o.pool, o.d, o.d) / o.gammaPrime
}

// Complete uses d = -gamma' grad F, so that |grad F| = |d|/gamma' and
// <grad F, d> = -|d|²/gamma'. A schedule may end at gamma = 0, where d says
// nothing of the gradient.
func (o *gradient[T]) Complete(bool) Report {
	r := o.report
	if o.gammaPrime == 0 {
		r.Slope, r.ModelChange = 0, 0
		return r
	}
	norm2 := tensor.Dot(o.pool, o.d, o.d)
	r.Slope = -norm2 / o.gammaPrime // as Slope has it
	r.ModelChange = r.Slope
	r.GradNorm = math.Sqrt(norm2) / o.gammaPrime
	if mu := r.WeightDecay; mu > 0 { // grad h = -d/gamma' - mu w
		wd, ww := tensor.Dot(o.pool, o.w, o.d), tensor.Dot(o.pool, o.w, o.w)
		r.ModelChange -= mu * wd
		r.GradNorm = math.Sqrt(max(0, norm2/(o.gammaPrime*o.gammaPrime)+2*mu*wd/o.gammaPrime+mu*mu*ww))
	}
	return r
}
