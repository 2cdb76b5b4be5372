package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
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

var _ Spec = Gradient{}

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
func (o Gradient) Fits(losses.Loss, *nn.Net, int) error { return nil }

func (o Gradient) Oracles() Oracles {
	return OraclesOf(o, newGradientOracle[float32], newGradientOracle[float64])
}

type gradient[T tensor.Float] struct {
	Gradient
	alpha  tensor.Matrix[float64] // m x k
	pool   *tensor.Pool
	damped float64 // gamma' of the last call
}

func newGradientOracle[T tensor.Float](o Gradient, at Site) Oracle[T] {
	return &gradient[T]{Gradient: o, alpha: tensor.New[float64](at.Dims.Examples, at.Dims.Outputs), pool: at.Pool}
}

// Direction makes d = Jᵀ alpha with alpha_i = -(gamma'/m) g_i: scaling the m x k
// numbers g spares a pass over the p numbers of d.
func (o *gradient[T]) Direction(d []T, p *Problem[T]) Report {
	m := p.Z.Rows
	gamma, mu := o.Gamma.At(p.Time), o.WeightDecay
	o.damped = gamma / (1 + gamma*mu)
	alpha := o.alpha.RowRange(0, m)
	c, loss := -o.damped/float64(m), p.losses()
	for i := range m {
		row := alpha.Row(i)
		loss.GradOf(i, row, p.Z.Row(i), p.Y.Row(i))
		for j := range row {
			row[j] *= c
		}
	}
	p.Lin.VJP(d, alpha)
	if mu > 0 {
		tensor.Axpy(o.pool, T(-o.damped*mu), p.Lin.Weights(), d)
	}
	return Report{
		Gamma: gamma, WeightDecay: mu, RelativeResidual: math.NaN(), GradNorm: math.NaN(), Slope: math.NaN(), ModelChange: math.NaN(), Gap: math.NaN(), Primal: math.NaN(),
		Counters: Counters{VJPs: 1, MultiplyAdds: p.Lin.Dims().VJP},
	}
}

// Diagnose uses d = -gamma' grad F, so that |grad F| = |d|/gamma' and
// <grad F, d> = -|d|²/gamma'. A schedule may end at gamma = 0, where d says
// nothing of the gradient.
func (o *gradient[T]) Diagnose(r *Report, d []T, p *Problem[T], _ bool) {
	if o.damped == 0 {
		r.Slope, r.ModelChange = 0, 0
		return
	}
	norm2 := tensor.Dot(o.pool, d, d)
	r.Slope = -norm2 / o.damped
	r.ModelChange = r.Slope
	r.GradNorm = math.Sqrt(norm2) / o.damped
	if mu := r.WeightDecay; mu > 0 { // grad h = -d/gamma' - mu w
		w := p.Lin.Weights()
		wd, ww := tensor.Dot(o.pool, w, d), tensor.Dot(o.pool, w, w)
		r.ModelChange -= mu * wd
		r.GradNorm = math.Sqrt(max(0, norm2/(o.damped*o.damped)+2*mu*wd/o.damped+mu*mu*ww))
	}
}
