package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// Refinement. K is formed with rounding errors of the size of unit |K|. Where gamma'/m multiplies
// them to something that matters beside the 1 of A = I + (gamma'/m) Lᵀ K L, as it does at a gamma
// of 1e10, the solution of the formed system is wrong in the small eigenvalues, and alpha = g + L s,
// a small difference of large numbers there, in the large ones. Both are mended by conjugate
// gradients for A itself, by products with J and Jᵀ and with the factor of the formed A as
// preconditioner, whose residual is taken from alpha as it is:
//
//	d = d0 - (gamma'/m) Jᵀ alpha,   r = Lᵀ J d - s,   s += delta,   alpha += L delta
//
// This is the refinement of least-squares problems by their augmented system (Björck 1967). It
// takes a VJP and a JVP for each round, which are little beside forming K.

const (
	// roughAt is the rounding error of A, relative to its smallest eigenvalue, from which a solution
	// is refined.
	roughAt = 1e-10
	// refinedAt is the error of d, relative to d, at which it is accurate.
	refinedAt = 1e-11
	// refineRounds bounds the rounds. As a rule there are two; more where the factor is that of
	// A + delta I.
	refineRounds = 24
)

// A corrector is a [Linear] that can solve its last system again.
type corrector interface {
	// bound returns a number that the largest eigenvalue of the last A is not above.
	bound() float64

	// added returns the delta of the A + delta I that was factored.
	added() float64

	// correct sets x to the solution for another right-hand side, which may be x, by the factor.
	correct(x, b []float64)
}

// rough reports whether the rounding errors of the last A, which are of the size of those of its
// largest eigenvalue, matter beside its smallest, which is at least 1.
func rough(s corrector) bool { return unit[float64]()*s.bound() > roughAt }

// refined reports whether an error whose energy is r·M⁻¹ r is small enough beside d. M = A + delta I
// is no more than 1 + delta/least times an A whose eigenvalues are at least so large, so that the error
// of d has a square of at most gamma' (1 + delta/least) r·M⁻¹ r, in the dual with gamma'/m for gamma'. By rounding the energy
// may be negative, which proves nothing.
func refined(energy, gamma, delta, least, size float64) bool {
	return energy >= 0 && math.Sqrt(gamma*(1+delta/least)*energy) <= refinedAt*size
}

// refinement is the work space of refine: m k numbers each.
type refinement struct{ residual, step, along, product []float64 }

// newRefinement returns one for n unknowns.
func newRefinement(n int) refinement {
	return refinement{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
}

// refine refines s and alpha where that is needed, makes d of them, and reports on it. If it is not
// needed, refine leaves all to evaluate.
func (o *dualGN[T]) refine(s *Solution) bool {
	solver, ok := o.solver.(corrector)
	if !ok || unit[T]() > 0x1p-50 || s.Reason != StoppedExact || !rough(solver) {
		return false
	}
	n := len(o.s)
	r, z, p, ap := o.spareRoom.residual[:n], o.spareRoom.step[:n], o.spareRoom.along[:n], o.spareRoom.product[:n]
	o.setAlpha()
	least := math.Inf(1) // of the energy of the error
	var before float64
	for round := 0; ; round++ {
		size := o.residualAt(r)
		copy(z, r)
		solver.correct(z, z)
		energy := dot(r, z)
		if refined(energy, o.gammaOverM, solver.added(), 1, size) {
			o.jittered = false // what was solved is A
			break
		}
		if round == refineRounds || !(energy > 0) || !finite(energy) || round > 2 && energy > least/4 && energy > before/2 {
			break
		}
		least = min(least, energy)
		if round == 0 {
			copy(p, z)
		} else { // beta = r·z / the one before
			tensor.Scale(nil, energy/before, p)
			axpy(1, z, p)
		}
		before = energy
		// A p = p + (gamma'/m) Lᵀ J Jᵀ L p
		t := o.spare()
		o.factor.mul(o.v.Flat(), p)
		o.vjp(t, o.v)
		o.jvp(o.u, t)
		o.factor.mulT(ap, o.u.Flat())
		curvature := dot(p, p) + o.gammaOverM*dot(p, ap)
		step := energy / curvature
		axpy(step, p, o.s)
		o.factor.mul(o.v.Flat(), p)
		axpy(step, o.v.Flat(), o.cut(o.alpha).Flat())
	}
	// Where gamma'/m multiplies rounding errors of Jᵀ alpha to more than the network's outputs bear, no
	// alpha is good enough: P, which should change by half the slope, then tells.
	l := o.along(o.u)
	o.tau = 1
	if bad := spoilt(l.change(), l.slope/2); bad || o.spec.Rescale {
		o.tau = l.best()
		tensor.Scale(o.pool, T(o.tau), o.d)
		if bad && !o.jittered {
			o.report.StopReason = StoppedRounding
		}
	}
	o.report.Slope = o.tau * l.slope
	o.report.ModelChange = o.report.Slope - o.pull(o.d) + o.tau*o.tau*l.curvature/2
	o.report.Gap = o.gapAt(l, o.u, o.tau, o.s)
	o.report.RelativeResidual = math.Sqrt(o.misfit(o.u, 1, o.s)) / o.norm
	return true
}

// residualAt makes d = d0 - (gamma'/m) Jᵀ alpha and u = J d, sets r = Lᵀ u - s, and returns |d|.
func (o *dualGN[T]) residualAt(r []float64) float64 {
	o.link()
	o.jvp(o.u, o.d)
	o.factor.mulT(r, o.u.Flat())
	axpy(-1, o.s, r)
	return tensor.Norm2(o.pool, o.d)
}
