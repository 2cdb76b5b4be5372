package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Solvers, registry.Info{
		Name: "cg", Doc: "conjugate gradients; in the dual with residuals kept orthogonal", Reference: "Hestenes and Stiefel 1952",
	}, CG{}, newCG)
}

// CG is the method of conjugate gradients.
type CG struct{}

var _ Solver = CG{}

func newCG(s CG) (Solver, error) { return s, nil }

func (CG) Dual(n, budget int) DualSolver {
	// There are at most n orthogonal residuals.
	return &dualCG{r: make([]float64, n), p: make([]float64, n), ap: make([]float64, n), basis: make([]float64, 0, n*min(n, budget))}
}

func (CG) Primal32(p int, pool *tensor.Pool) PrimalSolver[float32] {
	return newPrimalCG[float32](p, pool)
}
func (CG) Primal64(p int, pool *tensor.Pool) PrimalSolver[float64] {
	return newPrimalCG[float64](p, pool)
}

// epsilon is the relative rounding error of float64.
const epsilon = 0x1p-52

// dualCG orthogonalises each residual against the earlier ones, twice: plain CG
// loses orthogonality for systems of large condition, and with it the bound
// b·x <= b·A⁻¹b on which descent rests.
type dualCG struct {
	r, p, ap []float64
	basis    []float64 // residuals of length 1, one after the other
}

func (s *dualCG) Solve(x, b []float64, apply func(dst, v []float64), stop Stop, accept func(bx float64) bool) Solution {
	n := len(b)
	r, p, ap := s.r[:n], s.p[:n], s.ap[:n]
	s.basis = s.basis[:0]
	clear(x)
	copy(r, b)
	copy(p, b)
	rr := dot(r, r)
	norm := math.Sqrt(rr)
	for t := 0; ; t++ {
		out := Solution{Iterations: t, RelativeResidual: math.Sqrt(rr) / norm}
		switch {
		case math.IsNaN(rr) || math.IsInf(rr, 0):
			out.Reason = StoppedNonFinite
		case norm == 0 || out.RelativeResidual <= epsilon || t == n:
			out.Reason = StoppedExact
			if norm == 0 {
				out.RelativeResidual = 0
			}
		case out.RelativeResidual <= stop.Tolerance:
			out.Reason = StoppedTolerance
		case t == stop.Iterations:
			out.Reason = StoppedBudget
		}
		if out.Reason != "" {
			return out
		}
		apply(ap, p)
		curvature := dot(p, ap)
		if !(curvature > 0) {
			out.Reason = StoppedIndefinite
			if math.IsNaN(curvature) {
				out.Reason = StoppedNonFinite
			}
			return out
		}
		alpha := rr / curvature
		axpy(alpha, p, x)
		if !accept(dot(b, x)) {
			axpy(-alpha, p, x)
			out.Reason = StoppedSlope
			return out
		}
		s.keep(r, rr)
		axpy(-alpha, ap, r)
		s.orthogonalise(r)
		rr, alpha = dot(r, r), rr
		beta := rr / alpha
		for i := range p {
			p[i] = r[i] + beta*p[i]
		}
	}
}

// keep adds the residual r, of squared norm rr, to the basis.
func (s *dualCG) keep(r []float64, rr float64) {
	scale := 1 / math.Sqrt(rr)
	for _, v := range r {
		s.basis = append(s.basis, scale*v)
	}
}

func (s *dualCG) orthogonalise(r []float64) {
	n := len(r)
	for range 2 {
		for at := 0; at < len(s.basis); at += n {
			q := s.basis[at : at+n]
			axpy(-dot(q, r), q, r)
		}
	}
}

func dot(x, y []float64) float64 { return tensor.Dot(nil, x, y) }

func axpy(alpha float64, x, y []float64) { tensor.Axpy(nil, alpha, x, y) }

// primalCG works on vectors of length p; scalars are float64.
type primalCG[T tensor.Float] struct {
	pool     *tensor.Pool
	r, p, ap []T
}

func newPrimalCG[T tensor.Float](p int, pool *tensor.Pool) *primalCG[T] {
	return &primalCG[T]{pool, make([]T, p), make([]T, p), make([]T, p)}
}

func (s *primalCG[T]) Solve(x, b []T, apply func(dst, v []T), stop Stop) (out Solution, bx float64) {
	clear(x)
	copy(s.r, b)
	copy(s.p, b)
	rr := tensor.Dot(s.pool, s.r, s.r)
	norm := math.Sqrt(rr)
	for t := 0; ; t++ {
		out = Solution{Iterations: t, RelativeResidual: math.Sqrt(rr) / norm}
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
		case t == stop.Iterations:
			out.Reason = StoppedBudget
		}
		if out.Reason != "" {
			return out, tensor.Dot(s.pool, b, x)
		}
		apply(s.ap, s.p)
		curvature := tensor.Dot(s.pool, s.p, s.ap)
		if !(curvature > 0) {
			out.Reason = StoppedIndefinite
			if math.IsNaN(curvature) {
				out.Reason = StoppedNonFinite
			}
			return out, tensor.Dot(s.pool, b, x)
		}
		alpha := rr / curvature
		tensor.Axpy(s.pool, T(alpha), s.p, x)
		tensor.Axpy(s.pool, T(-alpha), s.ap, s.r)
		old := rr
		rr = tensor.Dot(s.pool, s.r, s.r)
		tensor.Scale(s.pool, T(rr/old), s.p)
		tensor.Axpy(s.pool, 1, s.r, s.p)
	}
}
