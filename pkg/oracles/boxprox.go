package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Box is the dual of prox-linear for a loss whose conjugate has a box for its
// domain: maximise -Σ_j [loss*(a_j) - a_j base_j] - (gamma'/(2m)) a·K a over the
// m k numbers a (docs/math.md section 4). A solver keeps u = -(gamma'/m) K a beside a.
type Box struct {
	K          GramOperator
	GammaOverM float64 // gamma'/m
	m, k       int

	loss    losses.BoxDual
	omega   []float64 // weights of the m examples; nil: all 1
	base, y []float64 // m k
	ratio   float64   // g·K g/|g|², no more than the largest eigenvalue of K

	scale        float64 // F at d = 0, to which gaps are relative
	primal, dual float64 // the least P and the largest D of the iterates
	bestA, bestU []float64
	admissible   []float64 // the a of largest D
	z            []float64 // work space
	stop         Stop

	// Counters are what the iterations have cost so far.
	Counters Counters
}

// ProxConj returns the value of coordinate j that minimises its part of the
// conjugate, plus kappa a²/2 - w a.
func (b *Box) ProxConj(j int, kappa, w float64) float64 {
	if b.omega == nil {
		return b.loss.ProxConj(kappa, w, b.y[j])
	}
	return losses.WeightedProxConj(b.loss, b.omega[j/b.k], kappa, w, b.y[j])
}

// A BoxAscent solves a [Box].
type BoxAscent interface {
	// Solve changes a, which it starts from, and u = -(gamma'/m) K a with it. It calls
	// [Box.Observe] after each iteration, and ends when that says so.
	Solve(b *Box, a, u []float64, out *Solution)
}

// Observe evaluates an iterate,
//
//	P = (1/m) Σ loss(base + u) - a·u/(2m),  D = -(1/m) Σ [loss*(a) - a base] + a·u/(2m),
//
// keeps it if its P or its D is the best so far, and reports whether the solve is
// over, with the reason in out.
func (b *Box) Observe(a, u []float64, out *Solution) bool {
	var loss, conj float64
	all := losses.Weighted{Loss: b.loss, Omega: b.omega}
	for i := range b.m {
		lo, hi := i*b.k, (i+1)*b.k
		z, y := b.z[lo:hi], b.y[lo:hi]
		for j := range z {
			z[j] = b.base[lo+j] + u[lo+j]
		}
		loss += all.ValueOf(i, z, y)
		conj += all.ConjOf(i, a[lo:hi], y, z) - dot(a[lo:hi], b.base[lo:hi])
	}
	m := float64(b.m)
	quadratic := -dot(a, u) / (2 * m)
	primal, dual := loss/m+quadratic, -conj/m-quadratic
	if primal < b.primal {
		b.primal = primal
		copy(b.bestA, a)
		copy(b.bestU, u)
	}
	if dual > b.dual {
		b.dual = dual
		copy(b.admissible, a)
	}
	// The gap is that of one iterate. The best P and the best D, which may be those of
	// two, are closer, and would end the solve too early for either.
	gap := max(primal-dual, 0)
	out.Residual, out.RelativeResidual = b.primal-b.dual, gap/b.scale
	b.stop.Trace.note(out.Iterations, out.RelativeResidual, primal-dual)
	switch {
	case math.IsNaN(primal) || math.IsInf(primal, 0) || math.IsNaN(dual):
		out.Reason = StoppedNonFinite
	case out.RelativeResidual <= epsilon:
		out.Reason = StoppedExact
	case out.RelativeResidual <= b.stop.Tolerance:
		out.Reason = StoppedTolerance
	case out.RelativeResidual <= b.stop.Gap:
		out.Reason = StoppedGap
	case out.Iterations >= b.stop.Iterations:
		out.Reason = StoppedBudget
	}
	return out.Reason != ""
}

// boxProx solves the dual of prox-linear for losses whose dual has a box. D rises from
// iterate to iterate while P may not fall, so the iterate of least P is taken.
type boxProx[T tensor.Float] struct {
	dualProx[T]
	solver  BoxAscent
	box     Box
	boxLoss losses.BoxDual

	bestA, bestU, work []float64 // m k
	solution           Solution  // of the last call
}

var _ Oracle[float32] = (*boxProx[float32])(nil)

func newBoxProx[T tensor.Float](spec ProxLinear, l losses.BoxDual, at Site) Oracle[T] {
	n := at.Dims.Examples * at.Dims.Outputs
	abilities := spec.solver(l).abilities()
	o := &boxProx[T]{
		solver: abilities.Box(n), boxLoss: l,
		bestA: make([]float64, n), bestU: make([]float64, n), work: make([]float64, n),
	}
	o.bindDual(spec.Inner, spec.solver(l), at)
	return o
}

// Direction starts from alpha = u = 0, or from remembered dual variables, has the solver
// raise D, and makes d = d0 - (gamma'/m) Jᵀ alpha from the iterate of least P.
func (o *boxProx[T]) Direction(d []T, p *Subproblem[T]) Report {
	if !o.beginDual(d, p) {
		return o.finish()
	}
	batch, alpha, u := &p.Gradient, o.alpha.Flat(), o.shift.Flat()
	n := len(alpha)
	o.box = Box{
		K: o.gram, GammaOverM: o.gammaOverM, m: o.z.Rows, k: o.z.Cols,
		loss: o.boxLoss, omega: batch.Omega, base: o.base.Flat(), y: o.y.Flat()[:n],
		scale: o.objective, primal: math.Inf(1), dual: math.Inf(-1),
		bestA: o.bestA[:n], bestU: o.bestU[:n], admissible: o.admissible.Flat(), z: o.work[:n],
		stop: Stop{Iterations: o.budget, Tolerance: o.spec.Tolerance, Gap: o.spec.GapTolerance, Trace: p.Trace},
	}
	if o.formed {
		k := o.form()
		for i := range n {
			o.condition = max(o.condition, o.gammaOverM*k.At(i, i))
		}
	} else {
		o.box.ratio = o.squaredGradient() / dot(o.g.Flat(), o.g.Flat())
		o.condition = o.gammaOverM * o.box.ratio
	}
	clear(alpha) // which is in every box, with u = 0
	clear(u)
	if o.memory != nil {
		o.memory.load(alpha, batch.Examples)
		o.product(o.shift, o.alpha)
		tensor.Scale(nil, -o.gammaOverM, u)
	}
	o.solution = Solution{}
	if !o.box.Observe(alpha, u, &o.solution) {
		o.solver.Solve(&o.box, alpha, u, &o.solution)
	}
	o.report.Counters.Add(o.box.Counters)
	if o.memory != nil {
		o.memory.store(alpha, batch.Examples)
	}
	copy(alpha, o.box.bestA)
	copy(u, o.box.bestU)
	o.report.Gap = o.solution.Residual
	if o.step(o.box.primal, o.solution); o.spec.Rescale || o.measured {
		o.report.Gap = math.NaN()
	}
	return o.finish()
}

// squaredGradient is |Jᵀ g|².
func (o *boxProx[T]) squaredGradient() float64 {
	if o.direct {
		o.product(o.u, o.g)
		return dot(o.g.Flat(), o.u.Flat())
	}
	jg := o.spare()
	o.vjp(jg, o.g)
	return tensor.Dot(o.pool, jg, jg)
}
