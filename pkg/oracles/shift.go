package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// The shift d0 of a model. Weight decay mu, and projected momentum beta with the direction
// d_prev of the previous call, are terms of degree two (docs/math.md sections 6 and 10):
//
//	|d - beta d_prev|²/(2 gamma) + (mu/2) |w + d|² = |d - d0|²/(2 gamma') + const,
//	1/gamma' = 1/gamma + mu,  d0 = gamma' ((beta/gamma) d_prev - mu w)
//
// Inside a call slopes are those of P, the model with these terms:
// <grad P(0), d> = <grad h, d> + pull(d), with pull(d) = -d0·d/gamma'. The report has that of
// F = h + (mu/2) |w|², without the term of the momentum, which may be positive.

// A previous is what projected momentum remembers, two vectors of p numbers: the direction of
// the call before, and that of the last one, which becomes the former when a call begins.
type previous[T tensor.Float] struct {
	beta    float64
	d, last []T
	moving  bool // d is not 0
	pending bool // last is of a call that has ended
}

func newPrevious[T tensor.Float](beta float64, weights int) *previous[T] {
	if beta == 0 {
		return nil
	}
	return &previous[T]{beta: beta, d: make([]T, weights), last: make([]T, weights)}
}

// begin makes the last direction the previous one.
func (p *previous[T]) begin() {
	if p == nil || !p.pending {
		return
	}
	p.d, p.last, p.pending = p.last, p.d, false
	p.moving = false
	for _, v := range p.d {
		if v != 0 {
			p.moving = true
			break
		}
	}
}

// end remembers a direction.
func (p *previous[T]) end(d []T) {
	copy(p.last, d)
	p.pending = true
}

// current is the direction that the next call has for its previous one.
func (p *previous[T]) current() []T {
	if p.pending {
		return p.last
	}
	return p.d
}

// moves reports whether the proximity is about another direction than 0. With the gamma = 0
// that a schedule may end with, d = 0.
func (o *core[T]) moves() bool {
	return o.previous != nil && o.previous.moving && o.report.Gamma > 0
}

// shifted reports whether d0 is not 0.
func (o *core[T]) shifted() bool { return o.spec.WeightDecay > 0 || o.moves() }

// addShift adds c d0 to v.
func (o *core[T]) addShift(c float64, v []T) { o.addPull(-c*o.gammaPrime, v) }

// addPull adds c (mu w - (beta/gamma) d_prev) = -(c/gamma') d0 to v.
func (o *core[T]) addPull(c float64, v []T) {
	if mu := o.spec.WeightDecay; mu > 0 {
		tensor.Axpy(o.pool, T(c*mu), o.p.Gradient.Weights(), v)
	}
	if o.moves() {
		tensor.Axpy(o.pool, T(-c*o.previous.beta/o.report.Gamma), o.previous.d, v)
	}
}

// pull is -d0·v/gamma' = mu w·v - (beta/gamma) d_prev·v.
func (o *core[T]) pull(v []T) float64 { return o.decaySlope(v) - o.momentumSlope(v) }

// momentumSlope is (beta/gamma) d_prev·v.
func (o *core[T]) momentumSlope(v []T) float64 {
	if !o.moves() {
		return 0
	}
	return o.previous.beta / o.report.Gamma * tensor.Dot(o.pool, o.previous.d, v)
}

// proximity is |d - beta d_prev|²/(2 gamma).
func (o *core[T]) proximity(gamma float64) float64 {
	dd := tensor.Dot(o.pool, o.d, o.d)
	if !o.moves() {
		if dd == 0 {
			return 0
		}
		return dd / (2 * gamma)
	}
	beta, prev := o.previous.beta, o.previous.d
	square := dd - 2*beta*tensor.Dot(o.pool, prev, o.d) + beta*beta*tensor.Dot(o.pool, prev, prev)
	return max(0, square) / (2 * gamma)
}

// decaySlope is mu w·v, the slope of (mu/2) |w|² along v.
func (o *core[T]) decaySlope(v []T) float64 {
	if o.spec.WeightDecay == 0 {
		return 0
	}
	return o.spec.WeightDecay * tensor.Dot(o.pool, o.p.Gradient.Weights(), v)
}

// decayValue is (mu/2) |w|².
func (o *core[T]) decayValue() float64 {
	if o.spec.WeightDecay == 0 {
		return 0
	}
	w := o.p.Gradient.Weights()
	return o.spec.WeightDecay / 2 * tensor.Dot(o.pool, w, w)
}

// outputGradient sets q = m grad P(0) = Jᵀ g - (m/gamma') d0, p numbers, and returns |q|².
func (o *core[T]) outputGradient(q []T) float64 {
	o.vjp(q, o.g)
	if o.shifted() {
		o.addPull(o.m, q)
		return tensor.Dot(o.pool, q, q)
	}
	// |Jᵀ g| comes for nothing where it is q.
	qq := tensor.Dot(o.pool, q, q)
	o.report.GradNorm = math.Sqrt(qq) / o.m
	return qq
}
