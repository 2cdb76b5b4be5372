package oracles

import "github.com/dualgn/dgn/pkg/tensor"

// A System is A x = b with A = I + (gamma'/m) Lᵀ K L, positive definite, for m k
// unknowns (docs/math.md section 3). H = L Lᵀ is the Hessian of the losses, example
// by example.
type System struct {
	K          GramOperator
	GammaOverM float64 // gamma'/m

	factor ggnFactor
	v, u   tensor.Matrix[float64] // L x and K L x of the last Mul
	kx     tensor.Matrix[float64] // K L x of the iterate

	descent descent

	// Counters are what the products have cost so far.
	Counters Counters
}

// A descent is the slope of the objective along the direction that an iterate x stands
// for, an affine function of x: atZero + b·x/divisor. It must stay negative.
type descent struct{ atZero, divisor float64 }

// at returns the slope for b·x = bx.
func (d descent) at(bx float64) float64 { return d.atZero + bx/d.divisor }

// accepts reports whether x, with b·x = bx, stands for a descent direction.
func (d descent) accepts(bx float64) bool { return d.at(bx) < 0 }

// Mul sets dst = Lᵀ K L x, both of m k numbers; A x is x + (gamma'/m) dst. It leaves
// K L x in u.
func (s *System) Mul(dst, x []float64) {
	s.factor.mul(s.v.Flat(), x)
	s.Counters.Add(s.K.Mul(s.u, s.v))
	s.factor.mulT(dst, s.u.Flat())
}

// advance keeps kx up to date when a solver adds a x to its iterate, for the x of the
// last Mul: kx += a K L x.
func (s *System) advance(a float64) { tensor.Axpy(nil, a, s.u.Flat(), s.kx.Flat()) }

// matrix sets dst = A, m k x m k.
func (s *System) matrix(dst tensor.Matrix[float64]) {
	gram, counters := s.K.Form()
	s.Counters.Add(counters)
	m, k := s.u.Rows, s.u.Cols
	if k == 1 {
		s.scaled(dst, gram)
		return
	}
	for row := range dst.Rows { // K L, a row of which is Lᵀ applied to a row of K
		s.factor.mulT(dst.Row(row), gram.Row(row))
	}
	column, out := s.v.Flat()[:k], s.u.Flat()[:k]
	for i := range m { // Lᵀ (K L), k rows at a time
		for j := range dst.Cols {
			for a := range k {
				column[a] = dst.Data[(i*k+a)*dst.Stride+j]
			}
			s.factor.mulTOf(i, out, column)
			for a := range k {
				dst.Data[(i*k+a)*dst.Stride+j] = s.GammaOverM * out[a]
			}
		}
	}
	for i := range dst.Rows {
		dst.Data[i*dst.Stride+i]++
	}
}

// scaled is matrix for one output, where L is a number l_i for each example:
// A_ij = (gamma'/m) l_i K_ij l_j, plus 1 on the diagonal.
func (s *System) scaled(dst, gram tensor.Matrix[float64]) {
	l, one := s.v.Flat(), s.u.Flat()
	for i := range one {
		one[i] = 1
	}
	s.factor.mulT(l, one)
	for i, li := range l {
		from, to := gram.Row(i), dst.Row(i)
		for j, lj := range l {
			to[j] = s.GammaOverM * (li * (lj * from[j]))
		}
		to[i]++
	}
}

// A PrimalSystem is A d = b with A = (1/m) Jᵀ H J + I/gamma', positive definite, for
// the p numbers of a direction.
type PrimalSystem[T tensor.Float] struct {
	jac        Jacobian[T]
	factor     ggnFactor
	gammaPrime float64
	pool       *tensor.Pool

	v    tensor.Matrix[float64] // m x k, work space
	work []float64              // k
	u    tensor.Matrix[float64] // J v of the last Mul
	jx   tensor.Matrix[float64] // J x of the iterate

	// Counters are what the products have cost so far.
	Counters Counters
}

// Mul sets dst = A v, and leaves J v in u.
func (s *PrimalSystem[T]) Mul(dst, v []T) {
	s.jac.JVP(s.u, v)
	s.factor.hessian(s.v, s.u, s.work)
	tensor.Scale(nil, 1/float64(s.u.Rows), s.v.Flat())
	s.jac.VJP(dst, s.v)
	tensor.Axpy(s.pool, T(1/s.gammaPrime), v, dst)
	dims := s.jac.Dims()
	s.Counters.Add(Counters{JVPs: 1, VJPs: 1, MultiplyAdds: dims.JVP + dims.VJP})
}

// advance keeps jx up to date when a solver adds a v to its iterate, for the v of the
// last Mul: jx += a J v.
func (s *PrimalSystem[T]) advance(a float64) { tensor.Axpy(nil, a, s.u.Flat(), s.jx.Flat()) }
