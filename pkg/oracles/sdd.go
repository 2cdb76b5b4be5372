package oracles

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Solvers, registry.Info{
		Name: "sdd", Doc: "stochastic dual descent on the formed Gram matrix: random coordinates, momentum, averages of iterates; an iteration takes batch rows of A", Reference: "Lin et al. 2023, arXiv 2310.20581",
	}, SDD{Batch: 128, LearningRate: 1, Momentum: 0.9, Averaging: 100}, newSDD, SDD{Batch: 3, LearningRate: 0.5, Momentum: 0.5, Averaging: 2})
}

// SDD is stochastic dual descent (Lin et al. 2023, algorithm 1) for A x = b. With the momentum rho,
// in iteration t of T coordinates I are drawn, and
//
//	g_I = (A (x + rho v) - b)_I,   v <- rho v - step g_I,   x <- x + v,   y <- r x + (1 - r) y
//
// with r = averaging/T, at most 1. The iterate is the best multiple of the average, theta y with
// theta = b·y/(y·A y), from which b·x <= b·A⁻¹b follows, and so descent.
type SDD struct {
	Batch        int     `yaml:"batch" doc:"coordinates of an iteration, drawn without replacement"`
	LearningRate float64 `yaml:"learning_rate" doc:"step size, over a bound of the eigenvalues that coordinates drawn together meet: 1 should do"`
	Momentum     float64 `yaml:"momentum" doc:"Nesterov momentum"`
	Averaging    float64 `yaml:"averaging" doc:"weight r of a new iterate in the geometric average, times inner_iterations; 0: no average"`
}

func newSDD(s SDD) (Solver, error) {
	switch {
	case s.Batch < 1:
		return nil, strict.Field("batch", "must be a positive number of coordinates, got %d", s.Batch)
	case !(s.LearningRate > 0) || math.IsInf(s.LearningRate, 0):
		return nil, strict.Field("learning_rate", "must be positive, got %g", s.LearningRate)
	case !(s.Momentum >= 0 && s.Momentum < 1):
		return nil, strict.Field("momentum", "must be 0 (none) or a number below 1, as 0.9; got %g", s.Momentum)
	case !(s.Averaging >= 0) || math.IsInf(s.Averaging, 0):
		return nil, strict.Field("averaging", "must be 0 (no average) or a positive number, as 100; got %g", s.Averaging)
	}
	return s, nil
}

func (s SDD) Abilities() Abilities {
	return Abilities{
		System:    func(n, k, _ int, pool *tensor.Pool) Linear { return newDualDescent(s, n, k, pool) },
		Newton:    true,
		NeedsGram: true,
		Extra:     func(n, budget int) int { return size.Product(budget, min(s.Batch, n), n) },
		ByRows:    true,
		SystemSpace: func(n, k, _ int) (int, bool) { // A, the blocks of L, eight vectors and the order of coordinates
			return size.Sum(size.Product(n, n), size.Product(n, k), tensor.SystemSpace(n, k, 1), size.Product(9, n)), false
		},
	}
}

type dualDescent struct {
	SDD
	pool  *tensor.Pool
	a     []float64 // A, n x n
	l     []float64 // n k, for the blocks of L
	order []int     // n: a permutation, whose first are the coordinates of the iteration

	x, v, y    []float64 // iterate, velocity, average
	ax, av, ay []float64 // A x, A v, A y
	g, r       []float64 // gradient of the coordinates; residual

	chance rand.PCG
	rng    *rand.Rand // of chance

	// What threads share in a loop: the matrix, the numbers of the iteration, and the bodies.
	of            tensor.Matrix[float64]
	drawn         []int
	rate, average float64
	sums, columns func(lo, hi int)
}

// shared is how many numbers of A a chunk of a loop should take at least, for threads to gain by it.
const shared = 1 << 14

func newDualDescent(s SDD, n, k int, pool *tensor.Pool) *dualDescent {
	d := &dualDescent{SDD: s, pool: pool, a: make([]float64, n*n), l: make([]float64, n*k), order: make([]int, n)}
	for _, v := range []*[]float64{&d.x, &d.v, &d.y, &d.ax, &d.av, &d.ay, &d.g, &d.r} {
		*v = make([]float64, n)
	}
	d.rng = rand.New(&d.chance)
	d.sums, d.columns = d.sumRows, d.moveColumns
	return d
}

// streamCoordinates tells the stream of random numbers from those of other uses of a seed.
const streamCoordinates = 0x73_64_64

// Solve keeps A x, A v and A y beside x, v and y, so that the gradient of the coordinates is there,
// and the residual costs no product: an iteration takes the rows of A of its coordinates, once. It
// ends with a product, for K L x. It drops an iterate whose direction would not descend.
func (s *dualDescent) Solve(sys *System, x, b []float64, stop Stop) Solution {
	n := len(b)
	r := s.r[:n]
	clear(x)
	clear(sys.kx.Flat())
	copy(r, b)
	norm := math.Sqrt(dot(b, b))
	out := Solution{Vector: r, Residual: norm, RelativeResidual: 1}
	switch {
	case !finite(norm):
		out.Reason = StoppedNonFinite
		return out
	case norm == 0:
		out.Reason, out.RelativeResidual = StoppedExact, 0
		return out
	}
	stop.Trace.residual(&out)
	if stop.Iterations == 0 {
		out.Reason = StoppedBudget
		return out
	}
	a := s.form(sys)
	batch := min(s.Batch, n)
	began, booked := time.Now(), sys.booked()
	step, ok := s.step(a, batch)
	if !ok {
		out.Reason = StoppedNonFinite
		return out
	}
	s.begin(sys, n)
	average := 1.0
	if s.Averaging > 0 {
		average = min(1, s.Averaging/float64(stop.Iterations))
	}
	for out.Reason == "" {
		s.iterate(a, b, s.draw(batch, n), step, average)
		out.Reason = s.take(sys, x, b, r, norm, stop, &out)
	}
	sys.pass(began, booked)
	coordinates := int64(out.Iterations) * int64(batch)
	sys.Counters.Add(Counters{GramProducts: int((coordinates + int64(n) - 1) / int64(n)), MultiplyAdds: coordinates * int64(n)})
	s.finish(sys, x, b, &out, norm)
	return out
}

// begin starts at 0, and the draws from their beginning.
func (s *dualDescent) begin(sys *System, n int) {
	for i := range n {
		s.order[i] = i
	}
	s.chance.Seed(sys.seed^streamCoordinates, sys.step)
	for _, v := range [...][]float64{s.x, s.v, s.y, s.ax, s.av, s.ay} {
		clear(v[:n])
	}
}

// form makes A, and completes its upper triangle.
func (s *dualDescent) form(sys *System) tensor.Matrix[float64] {
	n := len(sys.u.Flat())
	a := tensor.View(n, n, s.a[:n*n])
	sys.matrix(s.pool, a, s.l)
	began := time.Now()
	tensor.MirrorUpper(s.pool, a)
	sys.passes += time.Since(began)
	return a
}

// step is learning_rate over a bound of the eigenvalues that matter. Coordinates are visited every
// n/batch iterations, and the momentum makes 1/(1 - rho) steps of one; so the gradient of
// w = batch/(1 - rho) coordinates, at most n, goes into a step of one of them. The matrix of batch
// coordinates has eigenvalues of about max A_ii + (batch/n) |A| at most, where |A|, the largest sum
// of |A_ij| in a row, bounds those of A. It reports whether they are finite.
func (s *dualDescent) step(a tensor.Matrix[float64], batch int) (step float64, ok bool) {
	s.of = a
	s.pool.For(a.Rows, max(4, shared/a.Cols), s.sums)
	var all, diagonal float64
	for i, sum := range s.g[:a.Rows] {
		if !finite(sum) {
			return 0, false
		}
		all, diagonal = max(all, sum), max(diagonal, math.Abs(a.Row(i)[i]))
	}
	n, size := float64(a.Rows), float64(batch)
	visits := min(n/size, 1/(1-s.Momentum))
	return s.LearningRate / (visits * min(all, diagonal+size/n*all)), true
}

// sumRows sets g to the sums of |A_ij| in some rows, of four rows at a time: one sum alone would wait for
// each of its additions.
func (s *dualDescent) sumRows(lo, hi int) {
	for ; lo+4 <= hi; lo += 4 {
		a, b, c, d := s.of.Row(lo), s.of.Row(lo+1), s.of.Row(lo+2), s.of.Row(lo+3)
		var p, q, r, t float64
		for j := range a {
			p, q, r, t = p+math.Abs(a[j]), q+math.Abs(b[j]), r+math.Abs(c[j]), t+math.Abs(d[j])
		}
		s.g[lo], s.g[lo+1], s.g[lo+2], s.g[lo+3] = p, q, r, t
	}
	for ; lo < hi; lo++ {
		var p float64
		for _, v := range s.of.Row(lo) {
			p += math.Abs(v)
		}
		s.g[lo] = p
	}
}

// draw returns so many of n coordinates, by a partial shuffle (Fisher and Yates).
func (s *dualDescent) draw(batch, n int) []int {
	order := s.order[:n]
	if batch == n {
		return order
	}
	for i := range batch {
		j := i + s.rng.IntN(n-i)
		order[i], order[j] = order[j], order[i]
	}
	return order[:batch]
}

// iterate makes an iteration with some coordinates.
func (s *dualDescent) iterate(a tensor.Matrix[float64], b []float64, coordinates []int, step, average float64) {
	n := len(b)
	v, ax, av := s.v[:n], s.ax[:n], s.av[:n]
	for i, c := range coordinates {
		s.g[i] = ax[c] + s.Momentum*av[c] - b[c]
	}
	tensor.Scale(nil, s.Momentum, v)
	for i, c := range coordinates {
		v[c] -= step * s.g[i]
	}
	s.of, s.drawn, s.rate, s.average = a, coordinates, step, average
	s.pool.For(n, max(8, shared/len(coordinates)), s.columns)
}

// moveColumns makes some columns of A v and A x, and what an iteration has of them.
func (s *dualDescent) moveColumns(lo, hi int) {
	x, v, y, ax, av, ay := s.x[lo:hi], s.v[lo:hi], s.y[lo:hi], s.ax[lo:hi], s.av[lo:hi], s.ay[lo:hi]
	tensor.Scale(nil, s.Momentum, av)
	for i, c := range s.drawn {
		axpy(-s.rate*s.g[i], s.of.Row(c)[lo:hi], av)
	}
	for i := range x {
		x[i] += v[i]
		ax[i] += av[i]
		y[i] += s.average * (x[i] - y[i])
		ay[i] += s.average * (ax[i] - ay[i])
	}
}

// take makes x the best multiple of the average, and r its residual, unless it is refused. It
// returns the reason to stop, "" if there is none.
func (s *dualDescent) take(sys *System, x, b, r []float64, norm float64, stop Stop, out *Solution) string {
	y, ay := s.y[:len(b)], s.ay[:len(b)]
	by, energy := dot(b, y), dot(y, ay)
	theta := by / energy
	switch {
	case !finite(energy) || !finite(by): // A and b are finite
		return StoppedDiverged
	case energy < 0 || energy == 0 && by != 0:
		return StoppedIndefinite
	case !(theta > 0) || math.IsInf(theta, 0):
		theta = 0
	case !sys.descent.accepts(theta * by):
		return StoppedSlope
	}
	for i := range x {
		x[i] = theta * y[i]
		r[i] = b[i] - theta*ay[i]
	}
	out.Iterations++
	out.Residual = math.Sqrt(dot(r, r))
	out.RelativeResidual = out.Residual / norm
	stop.Trace.residual(out)
	switch {
	case out.RelativeResidual <= epsilon:
		return StoppedExact
	case out.RelativeResidual <= stop.Tolerance:
		return StoppedTolerance
	case out.Residual <= stop.Gap:
		return StoppedGap
	case out.Iterations == stop.Iterations:
		return StoppedBudget
	}
	return ""
}

// finish makes K L x, and the residual of x by it.
func (s *dualDescent) finish(sys *System, x, b []float64, out *Solution, norm float64) {
	r := out.Vector
	sys.Mul(r, x)
	sys.advance(1)
	for i := range r { // b - x - (gamma'/m) Lᵀ K L x
		r[i] = b[i] - x[i] - sys.GammaOverM*r[i]
	}
	out.Residual = math.Sqrt(dot(r, r))
	out.RelativeResidual = out.Residual / norm
}
