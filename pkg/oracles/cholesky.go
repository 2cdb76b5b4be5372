package oracles

import (
	"math"
	"time"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Solvers, registry.Info{
		Name: "cholesky", Doc: "exact: factors the formed Gram matrix, in the primal the formed p x p matrix; one factorisation is one iteration", Reference: "Golub and Van Loan, Matrix Computations, section 4.2",
	}, Cholesky{}, func(s Cholesky) (Solver, error) { return s, nil })
}

// Cholesky solves exactly: it forms A = I + (gamma'/m) Lᵀ K L, m k x m k, and factors it
// in (m k)³/6 multiply-adds.
type Cholesky struct{}

func (Cholesky) Abilities() Abilities {
	return Abilities{
		System: func(n, k, _ int, pool *tensor.Pool) Linear {
			return &factorised{pool: pool, a: make([]float64, n*tensor.FactorStride(n)), r: make([]float64, n), l: make([]float64, n*k)}
		},
		Newton:    true,
		NeedsGram: true,
		Extra:     func(n, _ int) int { return size.Product(n, n, n) / 6 },
		Primal:    PrimalSolvers{Float32: newPrimalCholesky[float32], Float64: newPrimalCholesky[float64]},
		NeedsRows: true,
		// A, beside K, the blocks of L, and the work space of one thread: whether a config fits
		// does not depend on how many there are. Each that there is more takes n k, one m-th of A.
		SystemSpace: func(n, k, _ int) (int, bool) {
			return size.Sum(tensor.FactorSpace(n), n, size.Product(n, k), tensor.SystemSpace(n, k, 1)), false
		},
	}
}

// Jitter. A is no less than the identity, but K has the rounding errors of the precision that it
// is made in, and where gamma'/m multiplies them to more than 1, A may be indefinite. Then
// A + delta I is factored, with the first delta that makes it positive definite. They grow from
// jitterLeast to 2^-22 times the sum of |A_ii|: from the rounding error of float64 to several
// times that of float32 (docs/math.md section 3).
const (
	jitterLeast = 0x1p-52
	jitterGrows = 0x1p6
	jitterTries = 6
)

type factorised struct {
	pool *tensor.Pool
	a    []float64 // A, in rows of tensor.FactorStride numbers
	r    []float64 // n
	l    []float64 // n k, for the blocks of L

	u     tensor.Matrix[float64] // the factor of the last system
	trace float64                // of A
	delta float64                // what was added to A, see Jitter
}

var _ corrector = (*factorised)(nil)

func (s *factorised) bound() float64 { return s.trace }

func (s *factorised) added() float64 { return s.delta }

func (s *factorised) correct(x, b []float64) {
	copy(x, b)
	tensor.CholeskySolve(s.pool, s.u, x)
}

// Solve forms and factors A, and makes one product with it for the residual, which is that of A
// itself where A + delta I was factored.
func (s *factorised) Solve(sys *System, x, b []float64, stop Stop) Solution {
	s.u, s.trace, s.delta = tensor.Matrix[float64]{}, 0, 0 // of no system yet
	r := s.r[:len(b)]
	norm := math.Sqrt(dot(b, b))
	out := Solution{Vector: r}
	clear(sys.kx.Flat())
	clear(x)
	copy(r, b)
	switch {
	case !finite(norm):
		out.Reason = StoppedNonFinite
		return out
	case norm == 0:
		out.Reason = StoppedExact
		return out
	case stop.Iterations == 0:
		out.Reason, out.Residual, out.RelativeResidual = StoppedBudget, norm, 1
		return out
	}
	stop.Trace.residual(&Solution{Residual: norm, RelativeResidual: 1})
	u, reason, ok := s.factor(sys)
	out.Reason, out.Residual, out.RelativeResidual = reason, norm, 1
	if !ok {
		return out
	}
	copy(x, b)
	tensor.CholeskySolve(s.pool, u, x)
	sys.Mul(r, x)
	sys.advance(1)
	for i := range r { // b - x - (gamma'/m) Lᵀ K L x
		r[i] = b[i] - x[i] - sys.GammaOverM*r[i]
	}
	residual := math.Sqrt(dot(r, r))
	switch {
	case !finite(residual):
		out.Reason = StoppedNonFinite
	case !(sys.refined && rough(s)) && !sys.descent.accepts(dot(b, x)):
		out.Iterations, out.Residual, out.RelativeResidual = 1, residual, residual/norm
		stop.Trace.residual(&out)
		out.Reason = StoppedSlope
	default:
		out.Iterations, out.Residual, out.RelativeResidual = 1, residual, residual/norm
		stop.Trace.residual(&out)
		return out
	}
	clear(x)
	clear(sys.kx.Flat())
	copy(r, b)
	return out
}

// factor returns the triangle that Cholesky makes of A, or of A + delta I, which the system then
// says, and whether there is one; the reason tells why there is none.
func (s *factorised) factor(sys *System) (u tensor.Matrix[float64], reason string, ok bool) {
	n := len(sys.u.Flat())
	stride := tensor.FactorStride(n)
	u = tensor.Matrix[float64]{Rows: n, Cols: n, Stride: stride, Data: s.a[:n*stride]}
	delta := 0.0
	for try := range 1 + jitterTries {
		sys.matrix(s.pool, u, s.l)
		switch try {
		case 0:
			s.u, s.trace = u, 0
			for i := range n {
				s.trace += math.Abs(u.Row(i)[i])
			}
		case 1:
			var all, diagonal float64
			for i := range n {
				for _, v := range u.Row(i)[i:] {
					all += math.Abs(v)
				}
				diagonal += math.Abs(u.Row(i)[i])
			}
			if !finite(all) {
				return u, StoppedNonFinite, false
			}
			delta = jitterLeast * diagonal
		default:
			delta *= jitterGrows
		}
		for i := range n {
			u.Row(i)[i] += delta
		}
		adds := int64(n) * int64(n) * int64(n) / 6
		sys.Counters.MultiplyAdds += adds
		if try > 0 {
			sys.singular = Singular{Unknowns: n, Trace: s.trace, Delta: delta}
		}
		began := time.Now()
		ok = tensor.Cholesky(s.pool, u)
		if sys.factored.Since(began, adds); ok {
			s.delta, sys.jittered = delta, sys.jittered || try > 0
			return u, StoppedExact, true
		}
	}
	return u, StoppedIndefinite, false
}
