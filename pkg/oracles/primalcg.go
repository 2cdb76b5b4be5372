package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// primalCG is CG on vectors of length p; scalars are float64.
type primalCG[T tensor.Float] struct {
	pool     *tensor.Pool
	r, p, ap []T
}

func newPrimalCG[T tensor.Float](p, _ int, pool *tensor.Pool) PrimalLinear[T] {
	return &primalCG[T]{pool, make([]T, p), make([]T, p), make([]T, p)}
}

func (s *primalCG[T]) Solve(sys *PrimalSystem[T], x, b []T, stop Stop) (out Solution, bx float64) {
	clear(x)
	clear(sys.jx.Flat())
	copy(s.r, b)
	copy(s.p, b)
	rr := tensor.Dot(s.pool, s.r, s.r)
	norm := math.Sqrt(rr)
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
		sys.mul(s.ap, s.p)
		curvature := tensor.Dot(s.pool, s.p, s.ap)
		if !(curvature > 0) {
			out.Reason = StoppedIndefinite
			if math.IsNaN(curvature) {
				out.Reason = StoppedNonFinite
			}
			break
		}
		alpha := rr / curvature
		tensor.Axpy(s.pool, T(alpha), s.p, x)
		sys.advance(alpha)
		tensor.Axpy(s.pool, T(-alpha), s.ap, s.r)
		old := rr
		rr = tensor.Dot(s.pool, s.r, s.r)
		tensor.Scale(s.pool, T(rr/old), s.p)
		tensor.Axpy(s.pool, 1, s.r, s.p)
	}
	return out, tensor.Dot(s.pool, b, x)
}
