package oracles

import (
	"time"

	"github.com/dualgn/dgn/pkg/clock"
	"github.com/dualgn/dgn/pkg/tensor"
)

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

	// refined says that a solution whose rounding errors matter is mended afterwards, see
	// [corrector], so that the solver need not look at its slope.
	refined bool

	// jittered says that rounding made A indefinite, of this system or of an earlier one in the
	// same call, and that A + delta I was factored in its place; singular is what there is to tell.
	jittered bool
	singular Singular

	// What a solver draws follows from the seed of the run and the step.
	seed, step uint64

	// unit is the relative rounding error of products with K.
	unit float64

	// Counters are what the products have cost so far.
	Counters Counters

	// The time so far: of products with K; of factorisations, whose multiply-adds are in Counters
	// too; and of passes over vectors and over the numbers of A.
	products time.Duration
	factored clock.Work
	passes   time.Duration
}

// booked is the time so far of all that is told apart.
func (s *System) booked() time.Duration { return s.products + s.factored.Time + s.passes }

// pass books what is left of the time since began as passes, where so much was booked before.
func (s *System) pass(began time.Time, booked time.Duration) {
	s.passes += time.Since(began) - (s.booked() - booked)
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
	began := time.Now()
	s.Counters.Add(s.K.Mul(s.u, s.v))
	s.products += time.Since(began)
	s.factor.mulT(dst, s.u.Flat())
}

// advance keeps kx up to date when a solver adds a x to its iterate, for the x of the
// last Mul: kx += a K L x.
func (s *System) advance(a float64) { tensor.Axpy(nil, a, s.u.Flat(), s.kx.Flat()) }

// matrix sets the upper triangle of dst to A, m k x m k; what it leaves below is worthless. work
// has room for m k k numbers.
func (s *System) matrix(pool *tensor.Pool, dst tensor.Matrix[float64], work []float64) {
	began := time.Now()
	gram, counters := s.K.Form()
	s.Counters.Add(counters)
	s.products += time.Since(began)
	began, booked := time.Now(), s.booked()
	defer func() { s.pass(began, booked) }()
	m, k := s.u.Rows, s.u.Cols
	if !s.factor.diagonal() {
		l := tensor.View(m*k, k, work[:m*k*k])
		s.factor.transposed(l, s.v.Flat(), s.u.Flat())
		tensor.BlockSystem(pool, s.GammaOverM, l, gram, dst)
		return
	}
	l, ones := s.v.Flat(), s.u.Flat()
	for i := range ones {
		ones[i] = 1
	}
	s.factor.mulT(l, ones)
	tensor.ScaledSystem(pool, s.GammaOverM, l, gram, dst)
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

	// Where b = -(1/m) Jᵀ g - mu w, g, m x k, and mu and w; a zero matrix: b is another.
	g  tensor.Matrix[float64]
	mu float64

	// jittered says that rounding made A indefinite, and that A + delta I was factored in its place;
	// singular is what there is to tell.
	jittered bool
	singular Singular

	// Counters are what the products have cost so far; factored is the part of factorisations.
	Counters Counters
	factored clock.Work
}

// Residual sets r = b - A x, and jx = J x. Where b is known as -(1/m) Jᵀ g - mu w, it is
// -(1/m) Jᵀ (g + H J x) - x/gamma' - mu w, in which large numbers that cancel do so before they
// are multiplied by Jᵀ.
func (s *PrimalSystem[T]) Residual(r, b, x []T) {
	if s.g.IsZero() {
		s.Mul(r, x)
		tensor.Scale(s.pool, -1, r)
		tensor.Axpy(s.pool, 1, b, r)
		copy(s.jx.Flat(), s.u.Flat())
		return
	}
	s.jac.JVP(s.jx, x)
	s.factor.hessian(s.v, s.jx, s.work)
	axpy(1, s.g.Flat(), s.v.Flat())
	tensor.Scale(nil, -1/float64(s.u.Rows), s.v.Flat())
	s.jac.VJP(r, s.v)
	tensor.Axpy(s.pool, T(-1/s.gammaPrime), x, r)
	if s.mu > 0 {
		tensor.Axpy(s.pool, T(-s.mu), s.jac.Weights(), r)
	}
	dims := s.jac.Dims()
	s.Counters.Add(Counters{JVPs: 1, VJPs: 1, MultiplyAdds: dims.JVP + dims.VJP})
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
