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
		Name: "cg", Doc: "conjugate gradients, with residuals kept orthogonal", Reference: "Hestenes and Stiefel 1952",
	}, CG{}, func(s CG) (Solver, error) { return s, nil })
}

// CG is the method of conjugate gradients, for systems of m k unknowns in the dual and
// of p in the primal.
type CG struct{}

func (CG) Abilities() Abilities {
	return Abilities{
		System: func(n, _, budget int, _ *tensor.Pool) Linear { return newDualCG(n, budget, nil) },
		Newton: true,
		Warm:   true,
		Primal: PrimalSolvers{Float32: newPrimalCG[float32], Float64: newPrimalCG[float64]},
		SystemSpace: func(n, _, budget int) (int, bool) { // a basis of residuals, a number for each, and three vectors
			return size.Sum(size.Product(3, n), size.Product(size.Sum(n, 1), min(n, budget))), false
		},
		PrimalSpace: func(p, budget int) int { // a basis of residuals, and three vectors
			return size.Sum(size.Product(3, p), size.Product(p, basisSize(p, budget)))
		},
	}
}

// epsilon is the relative rounding error of float64.
const epsilon = 0x1p-52

// A preconditioner is an approximation of A that is easy to invert.
type preconditioner interface {
	// prepare makes the preconditioner P for a system. It returns the reason to stop,
	// one of the Stopped constants, or "".
	prepare(sys *System) (stop string)

	// solve sets z = P⁻¹ r.
	solve(z, r []float64)
}

// dualCG is CG for a [System], preconditioned or not. It orthogonalises each residual against
// the earlier ones, twice: plain CG loses orthogonality for systems of large
// condition, and with it the bound b·x <= b·A⁻¹b on which descent rests.
type dualCG struct {
	pre         preconditioner // nil: none
	r, z, p, ap []float64
	rs, zs      []float64 // earlier r/√(r·z) and z/√(r·z), one after the other
	along       []float64 // work space: products of a residual with the zs
}

func newDualCG(n, budget int, pre preconditioner) *dualCG {
	s := &dualCG{pre: pre, r: make([]float64, n), p: make([]float64, n), ap: make([]float64, n), along: make([]float64, min(n, budget))}
	room := n * min(n, budget) // there are at most n orthogonal residuals
	s.rs, s.z = make([]float64, 0, room), s.r
	if pre != nil {
		s.z, s.zs = make([]float64, n), make([]float64, 0, room)
	}
	return s
}

// Solve makes at most stop.Iterations products with A, and one more for a warm start. It
// drops an iterate whose direction would not descend.
func (s *dualCG) Solve(sys *System, x, b []float64, stop Stop) Solution {
	began, booked := time.Now(), sys.booked()
	n := len(b)
	r, z, p, ap := s.r[:n], s.z[:n], s.p[:n], s.ap[:n]
	s.rs, s.zs = s.rs[:0], s.zs[:0]
	norm := math.Sqrt(dot(b, b))
	copy(r, b)
	clear(sys.kx.Flat())
	if stop.Warm {
		s.start(sys, x, b, r)
	} else {
		clear(x)
	}
	unusable := "" // why the preconditioner cannot be used
	if s.pre != nil {
		if unusable = s.pre.prepare(sys); unusable == "" {
			s.pre.solve(z, r)
		}
	}
	copy(p, z)
	rz := dot(r, z)
	out := Solution{Vector: r}
	for t := 0; ; t++ {
		rr := dot(r, r)
		out.Iterations, out.Residual, out.RelativeResidual = t, math.Sqrt(rr), math.Sqrt(rr)/norm
		stop.Trace.residual(&out)
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
		case out.Residual <= stop.Gap:
			out.Reason = StoppedGap
		case t == stop.Iterations:
			out.Reason = StoppedBudget
		default:
			out.Reason = unusable
		}
		if out.Reason != "" {
			break
		}
		sys.Mul(ap, p) // A p = p + (gamma'/m) Lᵀ K L p
		for i := range ap {
			ap[i] = p[i] + sys.GammaOverM*ap[i]
		}
		curvature := dot(p, ap)
		if !(curvature > 0) {
			out.Reason = StoppedIndefinite
			if math.IsNaN(curvature) {
				out.Reason = StoppedNonFinite
			}
			break
		}
		alpha := rz / curvature
		axpy(alpha, p, x)
		if !stop.Warm && !sys.descent.accepts(dot(b, x)) {
			axpy(-alpha, p, x)
			out.Reason = StoppedSlope
			break
		}
		sys.advance(alpha)
		s.keep(r, z, rz)
		axpy(-alpha, ap, r)
		s.orthogonalise(r)
		if s.pre != nil {
			s.pre.solve(z, r)
		}
		old := rz
		rz = dot(r, z)
		beta := rz / old
		for i := range p {
			p[i] = z[i] + beta*p[i]
		}
	}
	if stop.Warm {
		if !s.finish(sys, x, b, r) && out.Reason != StoppedNonFinite && out.Reason != StoppedIndefinite {
			out.Reason = StoppedSlope
		}
		out.Residual = math.Sqrt(dot(r, r))
		out.RelativeResidual = out.Residual / norm
	}
	sys.pass(began, booked)
	return out
}

// start replaces the x that a solve is to start from by its best multiple, theta x
// with theta = b·x/(x·A x), or by 0 if theta is not positive. It sets r = b - A x for
// the new x.
func (s *dualCG) start(sys *System, x, b, r []float64) {
	ax := s.ap[:len(x)]
	sys.Mul(ax, x)
	for i := range ax {
		ax[i] = x[i] + sys.GammaOverM*ax[i]
	}
	theta := dot(b, x) / dot(x, ax)
	if !(theta > 0) || math.IsInf(theta, 0) {
		clear(x)
		return
	}
	tensor.Scale(nil, theta, x)
	sys.advance(theta)
	axpy(-theta, ax, r)
}

// finish replaces x by its best multiple, so that b·x = x·A x. From that follows
// b·x <= b·A⁻¹b, the bound that makes the direction descend; iterates from a start at 0
// have it without rescaling. Where rounding spoils the slope all the same, x becomes 0
// and finish returns false, unless b = 0.
func (s *dualCG) finish(sys *System, x, b, r []float64) bool {
	bx := dot(b, x)
	theta := bx / (bx - dot(x, r)) // A x = b - r
	if !(theta > 0) || math.IsInf(theta, 0) || !sys.descent.accepts(theta*bx) {
		clear(x)
		clear(sys.kx.Flat())
		copy(r, b)
		return dot(b, b) == 0
	}
	tensor.Scale(nil, theta, x)
	tensor.Scale(nil, theta, sys.kx.Flat())
	for i := range r { // b - theta (b - r)
		r[i] = (1-theta)*b[i] + theta*r[i]
	}
	return true
}

// keep adds a residual to the basis.
func (s *dualCG) keep(r, z []float64, rz float64) {
	scale := 1 / math.Sqrt(rz)
	for _, v := range r {
		s.rs = append(s.rs, scale*v)
	}
	if s.pre != nil {
		for _, v := range z {
			s.zs = append(s.zs, scale*v)
		}
	}
}

// orthogonalise makes r orthogonal to the earlier z.
func (s *dualCG) orthogonalise(r []float64) {
	n := len(r)
	rs := tensor.View(len(s.rs)/n, n, s.rs)
	zs := rs
	if s.pre != nil {
		zs = tensor.View(rs.Rows, n, s.zs)
	}
	project(r, zs, rs, s.along[:rs.Rows])
}

// project makes r, n numbers, orthogonal to the rows of zs = Z, for zs and rs of t x n with Z Rᵀ = I: it
// is r - Rᵀ (Z r), twice, of which the second takes what rounding has left (Gram and Schmidt's method in its
// classical form; twice is enough: Giraud, Langou, Rozloznik and van den Eshof 2005). c is work space, t numbers.
func project(r []float64, zs, rs tensor.Matrix[float64], c []float64) {
	for range 2 {
		tensor.Gemv(nil, zs, r, c)
		tensor.Scale(nil, -1, c)
		tensor.AddCombination(nil, rs, c, r)
	}
}

func dot(x, y []float64) float64 { return tensor.Dot(nil, x, y) }

func axpy(alpha float64, x, y []float64) { tensor.Axpy(nil, alpha, x, y) }
