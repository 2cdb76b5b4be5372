package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Solvers, registry.Info{
		Name: "cholesky", Doc: "exact: factors the formed Gram matrix; one factorisation is one iteration", Reference: "Golub and Van Loan, Matrix Computations, section 4.2",
	}, Cholesky{}, func(s Cholesky) (Solver, error) { return s, nil })
}

// Cholesky solves exactly: it forms A = I + (gamma'/m) Lᵀ K L, m k x m k, and factors it
// in (m k)³/6 multiply-adds.
type Cholesky struct{}

func (Cholesky) Abilities() Abilities {
	return Abilities{
		System: func(n, k, _ int, pool *tensor.Pool) Linear {
			return &factorised{pool: pool, a: make([]float64, n*n), r: make([]float64, n), l: make([]float64, n*k)}
		},
		Newton:    true,
		NeedsGram: true,
		SystemSpace: func(n, k, _ int) (int, bool) { // A, beside K, and the blocks of L
			return size.Sum(size.Product(n, n), n, size.Product(n, k), tensor.SystemSpace(n, k)), false
		},
	}
}

type factorised struct {
	pool *tensor.Pool
	a, r, l []float64
}

// Solve forms and factors A, and makes one product with it for the residual.
func (s *factorised) Solve(sys *System, x, b []float64, stop Stop) Solution {
	n := len(b)
	a, r := tensor.View(n, n, s.a[:n*n]), s.r[:n]
	norm := math.Sqrt(dot(b, b))
	out := Solution{Vector: r}
	clear(sys.kx.Flat())
	clear(x)
	copy(r, b)
	switch {
	case math.IsNaN(norm) || math.IsInf(norm, 0):
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
	sys.matrix(s.pool, a, s.l)
	sys.Counters.MultiplyAdds += int64(n) * int64(n) * int64(n) / 6
	if !tensor.Cholesky(s.pool, a) {
		out.Reason, out.Residual, out.RelativeResidual = StoppedIndefinite, norm, 1
		return out
	}
	copy(x, b)
	tensor.CholeskySolve(s.pool, a, x)
	sys.Mul(r, x)
	sys.advance(1)
	for i := range r { // b - x - (gamma'/m) Lᵀ K L x
		r[i] = b[i] - x[i] - sys.GammaOverM*r[i]
	}
	out.Iterations, out.Reason, out.Residual = 1, StoppedExact, math.Sqrt(dot(r, r))
	out.RelativeResidual = out.Residual / norm
	stop.Trace.residual(&out)
	if !sys.descent.accepts(dot(b, x)) {
		clear(x)
		clear(sys.kx.Flat())
		copy(r, b)
		out.Reason = StoppedSlope
	}
	return out
}
