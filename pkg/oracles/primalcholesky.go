package oracles

import (
	"math"
	"time"

	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

// primalCholesky solves a [PrimalSystem] exactly: it forms A = (1/m) Jᵀ H J + I/gamma', p x p, of
// the rows of J, in m k p²/2 multiply-adds, and factors it in p³/6. In float64 the solution is
// refined by products with J, as that of the dual is: with a large gamma, the rounding errors of A
// are not small beside 1/gamma'.
type primalCholesky[T tensor.Float] struct {
	pool *tensor.Pool
	a    []float64 // A, in rows of tensor.FactorStride numbers
	jac  []T       // J, room for m k x p
	part []float64 // columns of Jᵀ L, p x primalRows

	r, along, product []T       // p
	z                 []float64 // p

	delta float64 // what was added to the last A
}

// primalRows is the number of rows of Lᵀ J that are added to A at a time.
const primalRows = 512

// wholeRows is primalRows, in whole examples of k rows.
func wholeRows(k int) int { return max(primalRows/k, 1) * k }

// primalCholeskySpace is the bytes that it keeps, for m k rows of J and values of so many
// bytes.
func primalCholeskySpace(m, k, p, value int) int {
	n := size.Product(m, k)
	doubles := size.Sum(tensor.FactorSpace(p), size.Product(p, min(n, wholeRows(k))), p)
	return size.Sum(size.Product(8, doubles), size.Product(value, size.Sum(size.Product(n, p), size.Product(3, p))))
}

func newPrimalCholesky[T tensor.Float](p, _ int, pool *tensor.Pool) PrimalLinear[T] {
	return &primalCholesky[T]{
		pool: pool, a: make([]float64, p*tensor.FactorStride(p)),
		r: make([]T, p), along: make([]T, p), product: make([]T, p), z: make([]float64, p),
	}
}

// rows makes J.
func (s *primalCholesky[T]) rows(sys *PrimalSystem[T]) tensor.Matrix[T] {
	n, p := len(sys.u.Flat()), len(s.r)
	if len(s.jac) < n*p {
		s.jac = make([]T, n*p)
	}
	jac := tensor.View(n, p, s.jac[:n*p])
	dims := sys.jac.Dims()
	if able, ok := sys.jac.(RowJacobian[T]); ok {
		sys.Counters.Add(Counters{VJPs: dims.Outputs, MultiplyAdds: able.Rows(jac)})
		return jac
	}
	clear(sys.v.Flat())
	for r := range n {
		sys.v.Flat()[r] = 1
		sys.jac.VJP(jac.Row(r), sys.v)
		sys.v.Flat()[r] = 0
		sys.Counters.Add(Counters{VJPs: 1, MultiplyAdds: dims.VJP})
	}
	return jac
}

// form sets A, and returns its trace.
func (s *primalCholesky[T]) form(sys *PrimalSystem[T], a tensor.Matrix[float64], jac tensor.Matrix[T]) (trace float64) {
	n, p, k := jac.Rows, jac.Cols, sys.u.Cols
	step := wholeRows(k)
	if room := p * min(n, step); len(s.part) < room {
		s.part = make([]float64, room)
	}
	for c := range p {
		clear(a.Row(c))
	}
	for lo := 0; lo < n; lo += step {
		hi := min(lo+step, n)
		b := tensor.View(p, hi-lo, s.part[:p*(hi-lo)]) // Jᵀ L/√m
		s.times(sys, b, jac, lo)
		tensor.AddSymmetric(s.pool, b, a)
	}
	tensor.Mirror(s.pool, a)
	for c := range p {
		a.Row(c)[c] += 1 / sys.gammaPrime
		trace += math.Abs(a.Row(c)[c])
	}
	sys.Counters.MultiplyAdds += int64(n) * int64(p) * int64(p+1) / 2
	return trace
}

// times sets b, p columns of some residuals, to Jᵀ L/√m for the rows of J from lo on.
func (s *primalCholesky[T]) times(sys *PrimalSystem[T], b tensor.Matrix[float64], jac tensor.Matrix[T], lo int) {
	m, k := float64(sys.u.Rows), sys.u.Cols
	scale := 1 / math.Sqrt(m)
	if sys.factor.diagonal() {
		l, ones := sys.v.Flat(), sys.u.Flat()
		for i := range ones {
			ones[i] = 1
		}
		sys.factor.mulT(l, ones)
		for r := range b.Cols {
			w := scale * l[lo+r]
			for c, v := range jac.Row(lo + r) {
				b.Data[c*b.Stride+r] = w * float64(v)
			}
		}
		return
	}
	row, to := sys.v.Flat()[:k], sys.u.Flat()[:k]
	for i := range b.Cols / k { // an example at a time
		for c := range jac.Cols {
			for o := range k {
				row[o] = float64(jac.Row(lo + i*k + o)[c])
			}
			sys.factor.mulTOf(lo/k+i, to, row)
			for o, v := range to {
				b.Data[c*b.Stride+i*k+o] = scale * v
			}
		}
	}
}

// Solve forms and factors A, and makes a product for the residual, and one more for each round of
// refinement.
func (s *primalCholesky[T]) Solve(sys *PrimalSystem[T], x, b []T, stop Stop) (out Solution, bx float64) {
	clear(x)
	clear(sys.jx.Flat())
	norm := tensor.Norm2(s.pool, b)
	out = Solution{Residual: norm, RelativeResidual: 1}
	switch {
	case !finite(norm):
		out.Reason = StoppedNonFinite
		return out, 0
	case norm == 0:
		out.Reason, out.RelativeResidual = StoppedExact, 0
		return out, 0
	case stop.Iterations == 0:
		out.Reason = StoppedBudget
		return out, 0
	}
	stop.Trace.residual(&out)
	u, reason := s.factor(sys)
	if out.Reason = reason; reason != StoppedExact {
		return out, 0
	}
	s.correct(u, x, b)
	s.refine(sys, u, x, b)
	residual := tensor.Norm2(s.pool, s.r)
	if bx = tensor.Dot(s.pool, b, x); !finite(residual) || !finite(bx) {
		clear(x)
		clear(sys.jx.Flat())
		out.Reason = StoppedNonFinite
		return out, 0
	}
	out.Iterations, out.Residual, out.RelativeResidual = 1, residual, residual/norm
	stop.Trace.residual(&out)
	return out, bx
}

// factor returns the triangle that Cholesky makes of A, or of A + delta I, as in the dual, see
// [Jitter]; the reason tells why there is none.
func (s *primalCholesky[T]) factor(sys *PrimalSystem[T]) (u tensor.Matrix[float64], reason string) {
	p := len(s.r)
	u = tensor.Matrix[float64]{Rows: p, Cols: p, Stride: tensor.FactorStride(p), Data: s.a}
	jac := s.rows(sys)
	delta := 0.0
	for try := range 1 + jitterTries {
		trace := s.form(sys, u, jac)
		switch {
		case !finite(trace):
			return u, StoppedNonFinite
		case try == 1:
			delta = jitterLeast * trace
		case try > 1:
			delta *= jitterGrows
		}
		for c := range p {
			u.Row(c)[c] += delta
		}
		adds := int64(p) * int64(p) * int64(p) / 6
		sys.Counters.MultiplyAdds += adds
		if try > 0 {
			sys.singular = Singular{Unknowns: p, Trace: trace, Delta: delta}
		}
		began := time.Now()
		ok := tensor.Cholesky(s.pool, u)
		if sys.factored.Since(began, adds); ok {
			s.delta, sys.jittered = delta, try > 0
			return u, StoppedExact
		}
	}
	return u, StoppedIndefinite
}

// correct sets x to the solution for b by the factor u.
func (s *primalCholesky[T]) correct(u tensor.Matrix[float64], x, b []T) {
	tensor.Convert(s.z, b)
	tensor.CholeskySolve(s.pool, u, s.z)
	tensor.Convert(x, s.z)
}

// refine leaves b - A x in r and J x in jx, and in float64 makes x more accurate by conjugate
// gradients for A, with the factor as preconditioner: see refine.go.
func (s *primalCholesky[T]) refine(sys *PrimalSystem[T], u tensor.Matrix[float64], x, b []T) {
	z := s.product
	least, before := math.Inf(1), 0.0
	for round := 0; ; round++ {
		sys.Residual(s.r, b, x)
		if unit[T]() > 0x1p-50 {
			return
		}
		s.correct(u, z, s.r)
		energy := tensor.Dot(s.pool, s.r, z)
		if refined(energy, sys.gammaPrime, s.delta, 1/sys.gammaPrime, tensor.Norm2(s.pool, x)) {
			sys.jittered = false
			return
		}
		if round == refineRounds || !(energy > 0) || !finite(energy) || round > 2 && energy > least/4 && energy > before/2 {
			return
		}
		least = min(least, energy)
		if round == 0 {
			copy(s.along, z)
		} else {
			tensor.Scale(s.pool, T(energy/before), s.along)
			tensor.Axpy(s.pool, 1, z, s.along)
		}
		before = energy
		sys.Mul(s.product, s.along)
		tensor.Axpy(s.pool, T(energy/tensor.Dot(s.pool, s.along, s.product)), s.along, x)
	}
}
