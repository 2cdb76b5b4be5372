package train

import (
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/tensor"
)

// objective is that of the mini-batch along the update, as a line search sees it:
// phi(eta) = F(w + eta u), F = h + (mu/2) |w|², or that along a curve that begins as this line
// does. What it asks for is counted.
type objective[T tensor.Float] struct {
	*trainer[T]
	report   oracles.Report
	replaced bool // u is the gradient step
	slope    float64
	g        tensor.Matrix[float64] // m x k, made when first needed
	row      []float64              // k
}

var _ optim.Objective = (*objective[float32])(nil)

func (o *objective[T]) Value() float64 {
	return o.losses.Mean(o.lin.Outputs(), o.y) + o.decay(0, o.u)
}

func (o *objective[T]) At(eta float64) float64 {
	o.count(oracles.Counters{Forwards: 1, MultiplyAdds: o.forwardAdds()})
	factor, v := o.way.at(eta)
	return o.losses.Mean(o.lin.OutputsAt(factor, v), o.y) + o.decay(factor, v)
}

// decay is (mu/2) |w + factor v|².
func (o *objective[T]) decay(factor float64, v []T) float64 {
	mu := o.report.WeightDecay
	if mu == 0 {
		return 0
	}
	ww, wv, vv := tensor.Dot(o.pool, o.w, o.w), tensor.Dot(o.pool, o.w, v), tensor.Dot(o.pool, v, v)
	return mu / 2 * (ww + 2*factor*wv + factor*factor*vv)
}

// Slope is c <grad F, d> where u = c d, and else <grad F, u> = (1/m) g·J u + mu w·u.
func (o *objective[T]) Slope() float64 {
	if o.replaced {
		return o.slope
	}
	if c, ok := o.optimizer.ScalesDirection(o.now); ok {
		if s, ok := o.oracle.(oracles.Sloper); ok {
			return c * s.Slope()
		}
		return c * o.report.Slope
	}
	return o.slopeOf(o.lin, o.u) + o.decaySlope(0)
}

// SlopeAt is At with its derivative, from a JVP where At linearizes the network.
func (o *objective[T]) SlopeAt(eta float64) (value, slope float64) {
	o.count(oracles.Counters{Forwards: 1, MultiplyAdds: o.forwardAdds()})
	factor, v := o.way.at(eta)
	at := o.lin.At(factor, v)
	value = o.losses.Mean(at.Outputs(), o.y) + o.decay(factor, v)
	return value, o.slopeOf(at, o.way.tangent(eta)) + o.decaySlope(eta)
}

// slopeOf is (1/m) g·J v, with g and J of a linearization.
func (o *objective[T]) slopeOf(at *nn.Linearization[T], v []T) (sum float64) {
	o.count(oracles.Counters{JVPs: 1, MultiplyAdds: at.Dims().JVP})
	ju, z, g := o.outputs(), at.Outputs(), o.row
	at.JVP(ju, v)
	for i := range z.Rows {
		o.losses.GradOf(i, g, z.Row(i), o.y.Row(i))
		sum += tensor.Dot(nil, g, ju.Row(i))
	}
	return sum / float64(z.Rows)
}

// decaySlope is mu (w + eta u)·u, and with b = c² a mu (w + eta u + eta² b)·(u + 2 eta b).
func (o *objective[T]) decaySlope(eta float64) float64 {
	mu := o.report.WeightDecay
	if mu == 0 {
		return 0
	}
	slope := tensor.Dot(o.pool, o.w, o.u)
	if eta != 0 {
		slope += eta * tensor.Dot(o.pool, o.u, o.u)
	}
	if a, q := o.way.a, o.way.square; eta != 0 && o.way.bent(eta) {
		slope += 2*eta*q*tensor.Dot(o.pool, o.w, a) + 3*eta*eta*q*tensor.Dot(o.pool, o.u, a) + 2*eta*eta*eta*q*q*tensor.Dot(o.pool, a, a)
	}
	return mu * slope
}

// Largest is max |u_j|; a NaN is no less than any number.
func (o *objective[T]) Largest() float64 {
	var most T
	for _, v := range o.u {
		if v < 0 {
			v = -v
		}
		if !(v <= most) {
			most = v
		}
	}
	return float64(most)
}

// UseGradient sets u = -gamma grad F, whose slope is -|u|²/gamma.
func (o *objective[T]) UseGradient() {
	gamma, mu := o.report.Gamma, o.report.WeightDecay
	o.count(oracles.Counters{VJPs: 1, MultiplyAdds: o.lin.Dims().VJP})
	g, z := o.outputs(), o.lin.Outputs()
	for i := range z.Rows {
		o.losses.GradOf(i, g.Row(i), z.Row(i), o.y.Row(i))
	}
	tensor.Scale(nil, -gamma/float64(z.Rows), g.Flat())
	o.lin.VJP(o.u, g)
	if mu > 0 {
		tensor.Axpy(o.pool, T(-gamma*mu), o.w, o.u)
	}
	o.slope = -tensor.Dot(o.pool, o.u, o.u) / gamma
	o.replaced, o.way.a = true, nil
	o.gradientSteps++
}

// outputs returns work space of the shape of the outputs.
func (o *objective[T]) outputs() tensor.Matrix[float64] {
	if o.g.IsZero() {
		o.g = tensor.New[float64](o.y.Rows, o.y.Cols)
		o.row = make([]float64, o.y.Cols)
	}
	return o.g
}
