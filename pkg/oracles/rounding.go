package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// Rounding. Products with J, and d = d0 - (gamma'/m) Jᵀ alpha, are made in the precision
// of the network, where gamma'/m multiplies their rounding errors. For a large gamma,
// u = J d and P(d) are then not what the recursions of an inner solve say. The test,
// doubts, costs no product. A direction that fails it is measured, which takes a JVP, and
// replaced by its best multiple where P is not what it should be (docs/math.md section 3).

const (
	// doubtAt is how far, relative to the change of P, two values of one number may lie
	// apart before a direction is measured.
	doubtAt = 1e-3
	// spoiltAt is the same for the change of P itself, before the direction is rescaled.
	spoiltAt = 0.1
	// noiseAt is the rounding error of (gamma'/m) K v, relative to v, from which a direction is
	// measured in any case.
	noiseAt = 0.03
)

// unit is the relative rounding error of T.
func unit[T tensor.Float]() float64 {
	if _, ok := any(T(0)).(float32); ok {
		return 0x1p-24
	}
	return 0x1p-53
}

// doubts reports whether a direction must be measured. In exact arithmetic mismatch is 0;
// change is the change of P that the recursion has, and condition a lower bound of (gamma'/m) |K|.
func (o *core[T]) doubts(mismatch, change, condition float64) bool {
	return math.Abs(mismatch) > doubtAt*math.Abs(change) || unit[T]()*condition > noiseAt
}

// spoilt reports whether the measured change of P is not the one that the recursion has.
func spoilt(measured, change float64) bool {
	return !(math.Abs(measured-change) <= spoiltAt*math.Abs(change))
}

// claimed reports whether a stop reason says that the solve is accurate.
func claimed(reason string) bool {
	return reason == StoppedTolerance || reason == StoppedGap || reason == StoppedExact
}

// A line is P, with the quadratic model, weight decay and momentum, along a direction d:
// P(tau d) - P(0) = tau slope + tau² stiff/2, with stiff = curvature + square.
type line struct{ slope, curvature, square float64 }

// stiff is <d, A d>: (1/m) Σ u·H u + |d|²/gamma'.
func (l line) stiff() float64 { return l.curvature + l.square }

// change is P(d) - P(0).
func (l line) change() float64 { return l.slope + l.stiff()/2 }

// best returns the multiple of d with the least P, 1 where d does not descend.
func (l line) best() float64 {
	if tau := -l.slope / l.stiff(); tau > 0 && !math.IsInf(tau, 0) {
		return tau
	}
	return 1
}

// along is the line of d with u = J d, and the factor at f.
func (o *core[T]) along(u tensor.Matrix[float64]) (l line) {
	l.slope = o.pull(o.d)
	for i := range u.Rows {
		o.factor.mulTOf(i, o.row, u.Row(i))
		l.slope += dot(o.g.Row(i), u.Row(i)) / o.m
		l.curvature += dot(o.row, o.row) / o.m
	}
	if o.gammaPrime > 0 { // at 0, d = 0
		l.square = tensor.Dot(o.pool, o.d, o.d) / o.gammaPrime
	}
	return l
}

// remeasure puts into the report what a JVP u = J d says of d itself, where the recursion
// has P change by change (NaN: it says nothing). If P changes otherwise, or rises, d
// becomes its best multiple tau. A slope in the report that is not negative stays there,
// so that Direction sees that d need not descend, and gives up.
func (o *core[T]) remeasure(u tensor.Matrix[float64], change float64) (l line, tau float64) {
	o.jvp(u, o.d)
	l, tau = o.along(u), 1
	if bad := spoilt(l.change(), change); bad || l.change() > 0 || o.spec.Rescale {
		tau = l.best()
		if bad && !o.jittered && claimed(o.report.StopReason) {
			o.report.StopReason = StoppedRounding
		}
	}
	tensor.Scale(o.pool, T(tau), o.d)
	if o.report.Slope < 0 {
		o.report.Slope = tau * l.slope
	}
	o.report.ModelChange = tau*l.slope - o.pull(o.d) + tau*tau*l.curvature/2
	return l, tau
}

// misfit is |tau Lᵀ u - s|². With u = J d for the d of s and tau = 1 it is the squared
// residual of the dual system at s.
func (o *core[T]) misfit(u tensor.Matrix[float64], tau float64, s []float64) (sum float64) {
	k := u.Cols
	for i := range u.Rows {
		o.factor.mulTOf(i, o.row, u.Row(i))
		for j, v := range o.row {
			e := tau*v - s[i*k+j]
			sum += e * e
		}
	}
	return sum
}

// gapAt is P(tau d) - D(g + L s) where d is d(alpha) of the link, with u = J d, in
// the form of Fenchel and Young, whose terms do not cancel:
//
//	|tau Lᵀ u - s|²/(2m) + (tau - 1)² |d|²/(2 gamma').
func (o *core[T]) gapAt(l line, u tensor.Matrix[float64], tau float64, s []float64) float64 {
	return o.misfit(u, tau, s)/float64(2*u.Rows) + (tau-1)*(tau-1)*l.square/2
}
