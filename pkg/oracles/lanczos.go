package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Solvers, registry.Info{
		Name: "lanczos", Doc: "one basis for all gammas, so that gamma can be searched; the iterates are those of cg", Reference: "Lanczos 1950; Frommer and Maass 1999",
	}, Lanczos{}, func(s Lanczos) (Solver, error) { return s, nil })
}

// Lanczos tridiagonalises M = Lᵀ K L, which does not depend on gamma. In its
// basis Q from b, with T = Qᵀ M Q, the system (I + c M) x = b becomes
// (I + c T) y = |b| e_1, x = Q y, for any c. Here c is gamma'/m throughout.
type Lanczos struct{}

func (Lanczos) Abilities() Abilities {
	return Abilities{
		System: func(n, _, budget int, _ *tensor.Pool) Linear { return newLanczosPath(n, budget) },
		Path:   func(n, budget int) Path { return newLanczosPath(n, budget) },
		SystemSpace: func(n, _, budget int) (int, bool) { // a basis with one vector more, two vectors, and T with its work space
			t := min(n, budget)
			return size.Sum(size.Product(n, size.Sum(t, 3)), size.Product(4, t)), false
		},
	}
}

// A Path solves (I + c M) x = scale b with M = Lᵀ K L, of m k unknowns, for many
// c = gamma'/m from one basis.
type Path interface {
	// Build makes the basis from b, of at most stop.Iterations vectors. It stops
	// earlier where the system with sys.GammaOverM, which should be the largest c to
	// come, meets the tolerance.
	Build(sys *System, b []float64, stop Stop) Solution
	// At overwrites x with the solution for c and a right-hand side scale b, and
	// returns the residual scale b - (I + c M) x, valid until the next call.
	At(x []float64, c, scale float64) (residual []float64)
}

type lanczosPath struct {
	q           []float64 // the basis, vector after vector
	diag, off   []float64 // T: T_ii and T_{i,i+1}; off has one more than diag, the next
	y, work     []float64 // of solve, which sets both; until then y is work space of Build
	norm        float64   // |b|
	next, resid []float64
}

func newLanczosPath(n, budget int) *lanczosPath {
	t := min(n, budget)
	return &lanczosPath{
		q: make([]float64, 0, (t+1)*n), diag: make([]float64, 0, t), off: make([]float64, 0, t),
		y: make([]float64, t), work: make([]float64, t), next: make([]float64, n), resid: make([]float64, n),
	}
}

func (s *lanczosPath) Build(sys *System, b []float64, stop Stop) Solution {
	n := len(b)
	s.q, s.diag, s.off = s.q[:0], s.diag[:0], s.off[:0]
	s.norm = math.Sqrt(dot(b, b))
	out := Solution{Residual: s.norm, RelativeResidual: 1}
	switch {
	case math.IsNaN(s.norm) || math.IsInf(s.norm, 0):
		out.Reason = StoppedNonFinite
		return out
	case s.norm == 0:
		out.Reason, out.RelativeResidual = StoppedExact, 0
		return out
	}
	s.append(b, 1/s.norm)
	next := s.next[:n]
	for t := 0; ; t++ {
		stop.Trace.residual(&out)
		switch {
		case t > 0 && (out.RelativeResidual <= epsilon || t == n):
			out.Reason = StoppedExact
		case t > 0 && out.RelativeResidual <= stop.Tolerance:
			out.Reason = StoppedTolerance
		case t > 0 && out.Residual <= stop.Gap:
			out.Reason = StoppedGap
		case t == stop.Iterations:
			out.Reason = StoppedBudget
		}
		if out.Reason != "" {
			return out
		}
		q := s.q[t*n : (t+1)*n]
		sys.Mul(next, q)
		d := dot(q, next)
		if math.IsNaN(d) || math.IsInf(d, 0) {
			out.Reason = StoppedNonFinite
			return out
		}
		s.diag = append(s.diag, d)
		basis := tensor.View(t+1, n, s.q) // all of it, so that it stays orthogonal
		project(next, basis, basis, s.y[:t+1])
		beta := math.Sqrt(dot(next, next))
		s.off = append(s.off, beta)
		if !s.solve(sys.GammaOverM, 1) {
			s.diag, s.off = s.diag[:t], s.off[:t]
			out.Reason = StoppedIndefinite
			return out
		}
		out.Iterations = t + 1
		out.Residual = math.Abs(sys.GammaOverM * beta * s.y[t])
		out.RelativeResidual = out.Residual / s.norm
		if beta <= epsilon*(math.Abs(d)+1) { // the basis spans all that matters
			out.Residual, out.RelativeResidual = 0, 0
			s.off[t] = 0
			continue
		}
		s.append(next, 1/beta)
	}
}

func (s *lanczosPath) append(v []float64, scale float64) {
	for _, x := range v {
		s.q = append(s.q, scale*x)
	}
}

// solve sets y = (I + c T)⁻¹ scale |b| e_1, by the LDLᵀ factorisation of a
// tridiagonal matrix. It reports whether that is positive definite.
func (s *lanczosPath) solve(c, scale float64) bool {
	t := len(s.diag)
	y, d := s.y[:t], s.work[:t]
	for i := range t {
		d[i] = 1 + c*s.diag[i]
		y[i] = 0
		if i == 0 {
			y[0] = scale * s.norm
		} else {
			l := c * s.off[i-1] / d[i-1]
			d[i] -= l * c * s.off[i-1]
			y[i] = -l * y[i-1]
		}
		if !(d[i] > 0) {
			return false
		}
	}
	for i := t - 1; i >= 0; i-- {
		y[i] /= d[i]
		if i+1 < t {
			y[i] -= c * s.off[i] / d[i] * y[i+1]
		}
	}
	return true
}

func (s *lanczosPath) At(x []float64, c, scale float64) []float64 {
	n, t := len(x), len(s.diag)
	r := s.resid[:n]
	clear(x)
	clear(r)
	if s.norm == 0 {
		return r
	}
	if t == 0 {
		axpy(scale*s.norm, s.q[:n], r)
		return r
	}
	s.solve(c, scale)
	for i, v := range s.y[:t] {
		axpy(v, s.q[i*n:(i+1)*n], x)
	}
	if s.off[t-1] > 0 { // r = -c off_t y_t q_{t+1}
		axpy(-c*s.off[t-1]*s.y[t-1], s.q[t*n:(t+1)*n], r)
	}
	return r
}

// Solve is the path at one gamma.
func (s *lanczosPath) Solve(sys *System, x, b []float64, stop Stop) Solution {
	out := s.Build(sys, b, stop)
	out.Vector = s.At(x, sys.GammaOverM, 1)
	if len(s.diag) > 0 && !sys.descent.accepts(dot(b, x)) {
		clear(x)
		copy(s.resid, b)
		out.Vector, out.Reason = s.resid[:len(b)], StoppedSlope
	}
	return out
}
