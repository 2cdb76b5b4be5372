package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Known, registry.Info{
		Name:      "gradient",
		Doc:       "d = -gamma grad h, the minimiser of the linear model of h plus |d|^2/(2 gamma)",
		Reference: "Cauchy 1847; Robbins and Monro 1951",
	}, Gradient{Gamma: schedules.Const(1)}, newGradient, Gradient{Gamma: schedules.Const(0.3)})
}

// Gradient is the stochastic gradient: d = -gamma grad h.
type Gradient struct {
	Gamma schedules.Number `yaml:"gamma" doc:"multiplies the gradient; a number or a schedule"`
}

var _ Spec = Gradient{}

func newGradient(o Gradient) (Spec, error) {
	if err := o.Gamma.Positive("gamma"); err != nil {
		return nil, err
	}
	return o, nil
}

// Check accepts every loss.
func (o Gradient) Check(losses.Loss) error { return nil }

func (o Gradient) Bind32(n *nn.Net, m int, pool *tensor.Pool) Oracle[float32] {
	return bindGradient[float32](o, n, m, pool)
}

func (o Gradient) Bind64(n *nn.Net, m int, pool *tensor.Pool) Oracle[float64] {
	return bindGradient[float64](o, n, m, pool)
}

type gradient[T tensor.Float] struct {
	gamma schedules.Number
	vjp   int64                  // multiply-adds of a VJP for one example
	alpha tensor.Matrix[float64] // m x k
	pool  *tensor.Pool
}

func bindGradient[T tensor.Float](o Gradient, n *nn.Net, m int, pool *tensor.Pool) Oracle[T] {
	return &gradient[T]{o.Gamma, n.MultiplyAdds().VJP, tensor.New[float64](m, n.Outputs()), pool}
}

// Direction makes d = Jᵀ alpha with alpha_i = -(gamma/m) g_i: scaling the m x k
// numbers g spares a pass over the p numbers of d.
func (o *gradient[T]) Direction(d []T, p *Problem[T]) Report {
	m := p.Z.Rows
	gamma := o.gamma.At(p.Time)
	alpha := o.alpha.RowRange(0, m)
	c := -gamma / float64(m)
	for i := range m {
		row := alpha.Row(i)
		p.Loss.Grad(row, p.Z.Row(i), p.Y.Row(i))
		for j := range row {
			row[j] *= c
		}
	}
	p.Lin.VJP(d, alpha)
	return Report{Gamma: gamma, Counters: Counters{VJPs: 1, MultiplyAdds: int64(m) * o.vjp}}
}

// Diagnose uses d = -gamma grad h: |grad h| = |d|/gamma, <grad h, d> = -|d|²/gamma.
// A schedule may end at gamma = 0, where d says nothing of grad h.
func (o *gradient[T]) Diagnose(r *Report, d []T, _ *Problem[T]) {
	if r.Gamma == 0 {
		r.GradNorm, r.Slope = math.NaN(), 0
		return
	}
	norm2 := tensor.Dot(o.pool, d, d)
	r.GradNorm = math.Sqrt(norm2) / r.Gamma
	r.Slope = -norm2 / r.Gamma
}
