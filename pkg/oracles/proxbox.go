package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Box is the dual of prox-linear for a loss whose conjugate has a box for its
// domain: maximise -Σ_j [loss*(a_j) - a_j base_j] - (c/2) a·K a over the m k
// numbers a. A solver keeps u = -c K a beside a.
type Box struct {
	*gram
	loss    losses.Boxed
	omega   []float64 // weights of the m examples; nil: all 1
	c       float64
	base, y []float64 // m k
	ratio   float64   // g·K g/|g|², no more than the largest eigenvalue of K

	scale        float64 // F at d = 0, to which gaps are relative
	primal, dual float64 // the least P and the largest D of the iterates
	bestA, bestU []float64
	certain, z   []float64 // the a of largest D; work space
	stop         Stop
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
	// Solve changes a, which it starts from, and u = -c K a with it. It calls
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
		copy(b.certain, a)
	}
	// Both of one iterate: the best of each, from different iterates, would end
	// the solve before either is as accurate as the gap.
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

// boxProx solves for losses whose dual has a box. Its iterates rise in D and not
// always fall in P, so the one of least P is taken.
type boxProx[T tensor.Float] struct {
	linearized[T]
	box          Box
	solver       BoxAscent
	forms        bool
	bestA, bestU []float64 // m k
	work         []float64
	solution     Solution // of the running call
}

func newBoxProx[T tensor.Float](spec ProxLinear, l losses.Boxed, at Site) Oracle[T] {
	mk := at.Dims.Examples * at.Dims.Outputs
	abilities := spec.solver(l).abilities()
	o := &boxProx[T]{
		solver: abilities.Box(mk), forms: abilities.NeedsGram,
		bestA: make([]float64, mk), bestU: make([]float64, mk), work: make([]float64, mk),
	}
	o.bindLinearized(spec.Inner, at)
	o.box.loss = l
	return o
}

func (o *boxProx[T]) Direction(d []T, p *Problem[T]) Report {
	defer func() { o.scratch = nil }()
	if !o.begin(d, p) {
		return o.report
	}
	n := p.Z.Rows * p.Z.Cols
	alpha, u, g := o.rows(o.alpha).Flat(), o.rows(o.moved).Flat(), o.rows(o.g).Flat()
	b := &o.box
	b.gram, b.c, b.base, b.y = &o.k, o.c, o.rows(o.base).Flat(), p.Y.Flat()[:n]
	b.bestA, b.bestU, b.certain, b.z = o.bestA[:n], o.bestU[:n], o.rows(o.certain).Flat(), o.work[:n]
	b.omega = p.Omega
	b.stop = Stop{Iterations: o.spec.InnerIterations, Tolerance: o.spec.Tolerance, Gap: o.spec.GapTolerance, Trace: p.Trace}
	b.primal, b.dual, b.scale = math.Inf(1), math.Inf(-1), o.atStart
	if o.forms {
		o.form()
	} else {
		o.vjp(d, o.rows(o.g))
		b.ratio = tensor.Dot(o.pool, d, d) / dot(g, g)
	}
	clear(alpha) // which is in every box, with u = 0
	clear(u)
	if o.memory != nil {
		o.memory.load(alpha, p.Examples)
		o.product(o.rows(o.moved), o.rows(o.alpha))
		tensor.Scale(nil, -o.c, u)
	}
	o.solution = Solution{}
	if !b.Observe(alpha, u, &o.solution) {
		o.solver.Solve(b, alpha, u, &o.solution)
	}
	if o.forms { // an iteration goes once over K
		o.report.Counters.GramProducts += o.solution.Iterations
	}
	if o.memory != nil {
		o.memory.store(alpha, p.Examples)
	}
	copy(alpha, b.bestA)
	copy(u, b.bestU)
	o.step(d, b.primal, o.solution)
	if !math.IsNaN(o.report.ModelChange) && !o.spec.Rescale {
		o.report.Gap = o.solution.Residual
	}
	return o.end(d)
}
