package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// primalCG is CG for a [PrimalSystem], on vectors of p numbers; scalars are float64. As in
// the dual, each residual is made orthogonal to the earlier ones.
type primalCG[T tensor.Float] struct {
	pool     *tensor.Pool
	r, p, ap []T
	rs       []T // earlier r/|r|, one after the other
}

// maxBasis is how many numbers the earlier residuals may take: 128 MiB in float32. Where
// not all fit, the first do, along which orthogonality is lost first.
const maxBasis = 1 << 25

// basisSize is how many residuals of p numbers are kept.
func basisSize(p, budget int) int { return min(p, budget, maxBasis/p) }

func newPrimalCG[T tensor.Float](p, budget int, pool *tensor.Pool) PrimalLinear[T] {
	return &primalCG[T]{pool, make([]T, p), make([]T, p), make([]T, p), make([]T, 0, p*basisSize(p, budget))}
}

// keep adds r, of norm size, to the earlier residuals.
func (s *primalCG[T]) keep(r []T, size float64) {
	at := len(s.rs)
	if at+len(r) > cap(s.rs) {
		return
	}
	s.rs = s.rs[:at+len(r)]
	copy(s.rs[at:], r)
	tensor.Scale(s.pool, T(1/size), s.rs[at:])
}

// orthogonalise makes r orthogonal to the earlier residuals, up to rounding. A projection
// takes a pass over p numbers, so it is left out where the inner product is no more than
// rounding makes it, and all are repeated only after one that took much of r away.
func (s *primalCG[T]) orthogonalise(r []T) {
	n, size := len(r), tensor.Norm2(s.pool, r)
	for again := true; again; {
		again = false
		for at := 0; at < len(s.rs); at += n {
			q := s.rs[at : at+n]
			if c := tensor.Dot(s.pool, q, r); math.Abs(c) > 256*unit[T]()*size {
				tensor.Axpy(s.pool, T(-c), q, r)
				again = again || math.Abs(c) > math.Sqrt(unit[T]())*size
			}
		}
	}
}

// Solve makes at most stop.Iterations products with A, each a JVP and a VJP.
func (s *primalCG[T]) Solve(sys *PrimalSystem[T], x, b []T, stop Stop) (out Solution, bx float64) {
	clear(x)
	clear(sys.jx.Flat())
	copy(s.r, b)
	copy(s.p, b)
	s.rs = s.rs[:0]
	rr := tensor.Dot(s.pool, s.r, s.r)
	norm := math.Sqrt(rr)
	pp, largest := rr, 0.0 // |p|², and the largest p·A p/|p|² met
	for t := 0; ; t++ {
		out = Solution{Iterations: t, Residual: math.Sqrt(rr), RelativeResidual: math.Sqrt(rr) / norm}
		stop.Trace.residual(&out)
		switch {
		case math.IsNaN(rr) || math.IsInf(rr, 0):
			out.Reason = StoppedNonFinite
		case norm == 0 || out.RelativeResidual <= epsilon:
			out.Reason = StoppedExact
			if norm == 0 {
				out.RelativeResidual = 0
			}
		case out.RelativeResidual <= stop.Tolerance:
			out.Reason = StoppedTolerance
		case out.Residual <= stop.Gap:
			out.Reason = StoppedGap
		case t == stop.Iterations:
			out.Reason = StoppedBudget
		}
		if out.Reason != "" {
			break
		}
		sys.Mul(s.ap, s.p)
		curvature := tensor.Dot(s.pool, s.p, s.ap)
		if !(curvature > 0) {
			out.Reason = StoppedIndefinite
			if math.IsNaN(curvature) {
				out.Reason = StoppedNonFinite
			}
			break
		}
		largest = max(largest, curvature/pp)
		alpha := rr / curvature
		tensor.Axpy(s.pool, T(alpha), s.p, x)
		sys.advance(alpha)
		last := t+1 == stop.Iterations // whose residual serves the report only
		if !last {
			s.keep(s.r, math.Sqrt(rr))
		}
		tensor.Axpy(s.pool, T(-alpha), s.ap, s.r)
		if !last {
			s.orthogonalise(s.r)
		}
		old := rr
		rr = tensor.Dot(s.pool, s.r, s.r)
		tensor.Scale(s.pool, T(rr/old), s.p)
		tensor.Axpy(s.pool, 1, s.r, s.p)
		pp = rr + rr/old*rr/old*pp // r is orthogonal to p
	}
	// The residual of the recursion may fall below what rounding of A x leaves of b - A x.
	asked := 0.0
	switch out.Reason {
	case StoppedTolerance:
		asked = stop.Tolerance * norm
	case StoppedGap:
		asked = stop.Gap
	}
	if asked > 0 && unit[T]()*largest*tensor.Norm2(s.pool, x) > asked {
		out.Reason = StoppedRounding
	}
	return out, tensor.Dot(s.pool, b, x)
}
