package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Geodesic acceleration (Transtrum, Machta and Sethna 2011, arXiv 1010.1449; Transtrum and Sethna
// 2012, arXiv 1201.5885). Along a straight line from w the outputs leave their tangent:
// f(w + eta d) = f + eta J d + eta² c + ..., with c = f''(d, d)/2. The curve w + eta d + eta² a has
// J a + c in the place of c, and a is the least-squares solution of J a + c = 0 in the metric and
// with the damping of the step:
//
//	a = argmin (1/m) Σ_i (J a + c)_i·H_i (J a + c)_i/2 + |a|²/(2 gamma')
//	  = -(gamma'/m) Jᵀ L s,   (I + (gamma'/m) Lᵀ K L) s = Lᵀ c
//
// The system is that of d, whose factor is at hand. With the differences for c, a takes two
// forward passes, a solve and a VJP (docs/math.md section 15).

// A bend says whether directions come with an acceleration.
const (
	straight = "none"
	geodesic = "geodesic"
)

// BendLimit bounds the second term of the curve by that part of the first. Beyond it the expansion
// that the curve is made of says nothing, and steps follow the line. In the second reference the
// second term is at most 0.75/2 of the first.
const BendLimit = 0.375

// bendStep is h of c = (f(w + h d) - 2 f(w) + f(w - h d))/(2 h²): that of the second reference.
const bendStep = 0.1

// overRounding is how many times its rounding error c is at least, or there is no curve.
const overRounding = 8

// An Accelerating spec may make oracles that are [Accelerated].
type Accelerating interface {
	// Accelerates reports whether it does.
	Accelerates() bool
}

// Accelerates reports whether the oracles of a spec are [Accelerated].
func Accelerates(s Spec) bool {
	a, ok := s.(Accelerating)
	return ok && a.Accelerates()
}

// An Accelerated oracle has, beside each direction d, the acceleration a of the curve
// w + eta d + eta² a.
type Accelerated[T any] interface {
	// Acceleration returns the p numbers a that belong to the last direction, valid until the
	// next call, and nil where there is none: the system was not solved, or c is not finite or no
	// more than rounding errors.
	Acceleration() []T
}

var _ Accelerated[float32] = (*dualGN[float32])(nil)

// Accelerates implements [Accelerating].
func (o GaussNewton) Accelerates() bool { return o.Acceleration == geodesic }

// validAcceleration reports an acceleration that does not go with other options.
func (o GaussNewton) validAcceleration() error {
	const key = "acceleration"
	switch o.Acceleration {
	case straight:
		return nil
	case geodesic:
	default:
		return strict.Field(key, "must be none or geodesic, got %q%s", o.Acceleration, strict.Suggest(o.Acceleration, []string{straight, geodesic}))
	}
	switch _, exact := o.Solver.Must().(Cholesky); {
	case o.Formulation != "dual":
		return strict.Field(key, "geodesic is for formulation: dual, whose factor it uses again; got %s (acceleration: none goes with all)", o.Formulation)
	case !exact:
		return strict.Field(key, "geodesic needs solver: cholesky, whose factor it uses again; got %s (acceleration: none goes with all)", o.Solver.Name)
	case o.Unknowns != everything || o.Curvature.reduces():
		return strict.Field(key, "geodesic is for unknowns: all and the full curvature: it mends what the outputs do along d, and others are models of less; leave it out")
	}
	return nil
}

// acceleration is what a dualGN holds for it, nil if there is none.
type acceleration[T tensor.Float] struct {
	a    []T                    // p
	c    tensor.Matrix[float64] // m x k
	s    []float64              // m k
	bent bool                   // a is that of the last direction
}

func newAcceleration[T tensor.Float](d Dims) *acceleration[T] {
	return &acceleration[T]{
		a: make([]T, d.Weights),
		c: tensor.New[float64](d.Examples, d.Outputs),
		s: make([]float64, d.Examples*d.Outputs),
	}
}

// heldAcceleration is what it takes, with the end of the curve where gamma adapts.
func (o GaussNewton) heldAcceleration(s Sizes) int {
	switch {
	case !o.Accelerates():
		return 0
	case o.Gamma.lm != nil:
		return size.Sum(s.matrices(2), s.vectors(2))
	}
	return size.Sum(s.matrices(2), s.vectors(1))
}

// accelerate makes a for the direction that was just solved for.
func (o *dualGN[T]) accelerate() {
	with, batch := o.bend, &o.p.Gradient
	c, f, s := o.cut(with.c).Flat(), o.f.Flat(), with.s[:len(o.s)]
	copy(c, batch.OutputsAt(bendStep, o.d).Flat())
	for i, z := range batch.OutputsAt(-bendStep, o.d).Flat() {
		c[i] = ((c[i] - f[i]) + (z - f[i])) / (2 * bendStep * bendStep)
	}
	o.report.Counters.Add(Counters{Forwards: 2, MultiplyAdds: 2 * batch.Dims().Forward})
	if rounding := unit[T]() * math.Sqrt(dot(f, f)) / (bendStep * bendStep); !(dot(c, c) > overRounding*overRounding*rounding*rounding) {
		return // c is rounding errors of outputs
	}
	o.factor.mulT(s, c)
	o.solver.(corrector).correct(s, s)
	o.factor.mul(o.v.Flat(), s)
	tensor.Scale(nil, -o.gammaOverM, o.v.Flat())
	o.vjp(with.a, o.v)
	norm := tensor.Norm2(o.pool, with.a)
	with.bent = finite(norm)
	if o.gamma.adapts() && norm <= BendLimit*tensor.Norm2(o.pool, o.d) {
		o.end = o.spare()
		copy(o.end, o.d)
		tensor.Axpy(o.pool, 1, with.a, o.end)
	}
}

// Acceleration implements [Accelerated].
func (o *dualGN[T]) Acceleration() []T {
	if o.bend == nil || !o.bend.bent {
		return nil
	}
	return o.bend.a
}
