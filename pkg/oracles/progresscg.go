package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor"
)

// progressCG is CG for a [PrimalSystem] as Martens 2010 has it: from any start, on what the model
// q(x) = x·A x/2 - b·x gains, with iterates kept to go back to. Residuals are not made
// orthogonal to earlier ones, which would take a vector for each.
type progressCG[T tensor.Float] struct {
	pool        *tensor.Pool
	x, r, p, ap []T // p each; x is the start, and then the last iterate

	q    []float64 // q(x_i) after i iterations
	at   []int     // iterations whose iterates are kept
	kept [][]T     // of p numbers
	n    int       // how many of the last solve are
}

func newProgressCG[T tensor.Float](p, budget int, keeps bool, pool *tensor.Pool) *progressCG[T] {
	vector := func() []T { return make([]T, p) }
	s := &progressCG[T]{pool: pool, x: vector(), r: vector(), p: vector(), ap: vector(), q: make([]float64, budget+1)}
	if keeps {
		s.at = geometric(budget)
		for range s.at {
			s.kept = append(s.kept, vector())
		}
	}
	return s
}

// geometric returns the different ⌈1.3^j⌉ below a budget (Martens and Sutskever 2012).
func geometric(budget int) (list []int) {
	for power := 1.0; int(math.Ceil(power)) < budget; power *= 1.3 {
		if i := int(math.Ceil(power)); len(list) == 0 || i > list[len(list)-1] {
			list = append(list, i)
		}
	}
	return list
}

// iterate returns a kept iterate and q there; number n is the last one of the solve.
func (s *progressCG[T]) iterate(i int) ([]T, float64) {
	if i == s.n {
		return s.x, s.q[len(s.q)-1]
	}
	return s.kept[i], s.q[s.at[i]]
}

// progressed reports whether the last iterations gained enough: q falls, and is 0 at x = 0.
func (s *progressCG[T]) progressed(i int, tolerance float64) bool {
	k := max(10, (i+9)/10)
	return tolerance == 0 || i <= k || !(s.q[i] < 0) || (s.q[i]-s.q[i-k])/s.q[i] >= float64(k)*tolerance
}

// solve makes at most stop.Iterations products with A, and one more for a start that is not 0.
func (s *progressCG[T]) solve(sys *PrimalSystem[T], b []T, stop Stop) (out Solution) {
	s.n = 0
	q := 0.0
	copy(s.r, b)
	if tensor.Dot(s.pool, s.x, s.x) != 0 {
		sys.Mul(s.ap, s.x)
		tensor.Axpy(s.pool, -1, s.ap, s.r)
		q = -(tensor.Dot(s.pool, s.x, s.r) + tensor.Dot(s.pool, s.x, b)) / 2
	}
	copy(s.p, s.r)
	rr := tensor.Dot(s.pool, s.r, s.r)
	norm := tensor.Norm2(s.pool, b)
	for i := 0; ; i++ {
		s.q[i] = q
		out = Solution{Iterations: i, Residual: math.Sqrt(rr), RelativeResidual: math.Sqrt(rr) / norm}
		stop.Trace.residual(&out)
		switch {
		case !finite(rr) || !finite(q):
			out.Reason = StoppedNonFinite
		case out.RelativeResidual <= epsilon:
			out.Reason = StoppedExact
		case !s.progressed(i, stop.Tolerance):
			out.Reason = StoppedTolerance
		case i == stop.Iterations:
			out.Reason = StoppedBudget
		}
		if out.Reason != "" {
			break
		}
		if s.n < len(s.at) && s.at[s.n] == i {
			copy(s.kept[s.n], s.x)
			s.n++
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
		alpha := rr / curvature
		tensor.Axpy(s.pool, T(alpha), s.p, s.x)
		tensor.Axpy(s.pool, T(-alpha), s.ap, s.r)
		q -= alpha * rr / 2 // since p·r = r·r
		old := rr
		rr = tensor.Dot(s.pool, s.r, s.r)
		tensor.Scale(s.pool, T(rr/old), s.p)
		tensor.Axpy(s.pool, 1, s.r, s.p)
	}
	s.q[len(s.q)-1] = q
	return out
}
