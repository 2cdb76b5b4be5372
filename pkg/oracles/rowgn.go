package oracles

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// rowGN solves Gauss-Newton with a curvature C = Vᵀ V/c of a few rows of J, in the dual, for
// as many numbers as V has rows (docs/math.md section 9):
//
//	(C + I/gamma') d = -grad h + d0/gamma'
//	(I + (gamma'/c) V Vᵀ) y = (V d0 - gamma' V grad h)/c,  d = d0 - gamma' (grad h + Vᵀ y)
//
// By layers, each has such a system of its own. C is positive semidefinite, so that d descends
// whatever was drawn. With the residual r of a system V d = c (y + r), and neither the slope
// nor the model's change nor the gap takes a product:
//
//	<grad P(0), d> = -|d|²/gamma' - c y·(y + r),  d·C d = c |y + r|²,  P(d) - D = c |r|²/2
type rowGN[T tensor.Float] struct {
	core[T]
	curvature Curvature
	chance    rand.PCG
	rng       *rand.Rand // of chance

	space  rowSpace[T]
	of     Jacobian[T] // the model that space is of
	most   [2]int      // examples, and rows of each, of the largest mini-batch
	solver Linear
	small  smallGram
	sys    System

	roomIndex                      []int                  // the examples of a mini-batch, in part shuffled
	roomZ, roomY, roomAt, roomSent tensor.Matrix[float64] // n x k of the examples of V; n s x k
	omega, scale                   []float64              // n
	eps                            []float64              // k
	gram                           []T                    // V Vᵀ
	wide                           []float64              // the same
	crossT, alongT, yT             []T                    // n s: V grad h, V d0, y
	b, x                           []float64              // n s: right-hand side, and y
	roomV, roomU, roomKX, roomL    []float64              // n s, of the system

	// Of the last call:
	n, s  int
	count float64 // c
	found rowSums
}

// rowSums are sums over the systems of a call.
type rowSums struct {
	expected, seen rowLine // by the recursion; by V d where rounding may have made d another
	doubtful       bool    // it may have somewhere
	size           float64 // |b|²
	products       int     // with V Vᵀ: one with all blocks is one
}

// A rowLine is what the rows say of P along d, as sums over the systems of a call.
type rowLine struct {
	curvature float64 // d·C d = |V d|²/c = c |y + r|²
	product   float64 // y·V d = c y·(y + r)
	misfit    float64 // |V d/c - y|² = |r|²
}

// add adds what a system says by v = V d/c, or by y + r.
func (l *rowLine) add(c float64, y, v float64) {
	l.curvature += c * v * v
	l.product += c * y * v
	l.misfit += (v - y) * (v - y)
}

var _ Oracle[float32] = (*rowGN[float32])(nil)

func newRowGN[T tensor.Float](spec GaussNewton, at Site) Oracle[T] {
	c := spec.resolved()
	n, s := c.rows(at.Dims)
	k, rows := at.Dims.Outputs, n*s
	matrix := func(rows int) tensor.Matrix[float64] { return tensor.New[float64](rows, k) }
	vector := func() []float64 { return make([]float64, rows) }
	o := &rowGN[T]{
		curvature: c, most: [2]int{n, s},
		solver:    spec.Solver.abilities().System(rows, s, spec.InnerIterations, at.Pool),
		roomIndex: make([]int, at.Dims.Examples),
		roomZ:     matrix(n), roomY: matrix(n), roomAt: matrix(n), roomSent: matrix(rows),
		omega: make([]float64, n), scale: make([]float64, n), eps: make([]float64, k),
		gram: make([]T, rows*rows), crossT: make([]T, rows), alongT: make([]T, rows), yT: make([]T, rows),
		b: vector(), x: vector(), roomV: vector(), roomU: vector(), roomKX: vector(), roomL: vector(),
	}
	if _, ok := any(o.gram).([]float64); !ok {
		o.wide = make([]float64, rows*rows)
	}
	o.bind(spec.Inner, at)
	o.rng, o.small.pool = rand.New(&o.chance), at.Pool
	return o
}

// Direction draws the rows, and solves the system of all layers or of each.
func (o *rowGN[T]) Direction(d []T, p *Subproblem[T]) Report {
	o.start(d, p)
	size := dot(o.g.Flat(), o.g.Flat())
	if o.shifted() {
		size++
	}
	if o.trivial(size) {
		o.gradientStep(o.outputGradient(d), StoppedGradient)
		if o.unsolved = true; o.gammaPrime == 0 { // d = 0 is the minimum
			o.report.ModelChange, o.report.Gap = 0, 0
		}
		return o.finish()
	}
	o.prepare()
	o.found = rowSums{}
	p.Trace.begin(o.count / 2)
	blocks := o.space.Blocks()
	var all Solution
	if o.curvature.Blocks == byLayer {
		trace := p.Trace
		for b := range blocks {
			all = worse(all, o.solve(b, b+1, trace))
			trace = nil // the course is that of the last layer
		}
	} else {
		all = o.solve(0, blocks, p.Trace)
	}
	all.RelativeResidual = math.Sqrt(o.found.expected.misfit)
	if o.found.size > 0 {
		all.RelativeResidual /= math.Sqrt(o.found.size)
	}
	o.record(all)
	o.report.Counters.GramProducts += o.found.products
	if all.Reason == StoppedNonFinite {
		return o.finish()
	}
	o.addShift(1, o.d)
	o.evaluate()
	if !(o.report.Slope < 0) {
		o.gradientStep(o.outputGradient(d), StoppedSlope)
		o.measure(math.NaN())
	}
	return o.finish()
}

// worse is what two solves of one call come to: the iterations of the longer one, and the
// reason of the one that got less far.
func worse(a, b Solution) Solution {
	rank := func(reason string) int {
		switch reason {
		case "":
			return -1
		case StoppedExact:
			return 0
		case StoppedTolerance, StoppedGap:
			return 1
		case StoppedBudget:
			return 2
		case StoppedIndefinite:
			return 4
		case StoppedNonFinite:
			return 5
		}
		return 3
	}
	b.Iterations = max(a.Iterations, b.Iterations)
	if rank(a.Reason) > rank(b.Reason) {
		b.Reason = a.Reason
	}
	return b
}

// prepare chooses the examples of the curvature, makes their signals, and sends them and
// those of the gradient back through the model.
func (o *rowGN[T]) prepare() {
	batch := &o.p.Gradient
	other := o.p.Curvature
	if (o.curvature.Batch == nextBatch) != (other != nil && other != batch) {
		panic("oracles: curvature: {batch: next} takes a second mini-batch as Subproblem.Curvature, and no other curvature does")
	}
	if o.of != batch.Jacobian {
		o.space, o.of = newRowSpace(batch.Jacobian, len(o.roomIndex), o.most[0], o.most[1]), batch.Jacobian
	}
	o.chance.Seed(o.seed^streamCurvature, uint64(o.p.Time.Step))
	var z, y tensor.Matrix[float64]
	var omega []float64
	var adds int64
	if o.curvature.Batch == nextBatch {
		o.space.take(other.Jacobian)
		z, y, omega = other.Outputs(), other.Targets, other.Omega
	} else {
		index := o.choose(o.f.Rows)
		adds = o.space.Select(index)
		z, y = o.roomZ.RowRange(0, len(index)), o.roomY.RowRange(0, len(index))
		for r, i := range index {
			copy(z.Row(r), o.f.Row(i))
			copy(y.Row(r), o.y.Row(i))
		}
		if batch.Omega != nil {
			omega = o.omega[:len(index)]
			for r, i := range index {
				omega[r] = batch.Omega[i]
			}
		}
	}
	o.n, o.s = z.Rows, 1
	sigma, scale := tensor.Matrix[float64]{}, []float64(nil)
	weighted := losses.Weighted{Loss: o.p.Loss, Omega: omega}
	vjps := 1
	switch {
	case o.curvature.Kind == empirical && o.curvature.Batch == sameBatch:
		scale = o.unweigh(omega)
	case o.curvature.Kind == empirical:
		sigma = o.ownGradients(weighted, z, y)
		vjps++
	case o.curvature.scalar():
		sigma = o.exampleSignals(weighted, z, y)
		vjps++
	default:
		sigma = o.signals(weighted, z, y)
		vjps += o.s
	}
	if o.count = float64(o.n); o.curvature.Kind == sampled {
		o.count *= float64(o.s)
	}
	adds += o.space.Send(o.g, sigma, scale)
	o.report.Counters.Add(Counters{VJPs: vjps, MultiplyAdds: adds})
}

// solve makes the part of d - d0 of blocks lo to hi-1, from one system.
func (o *rowGN[T]) solve(lo, hi int, trace *Trace) Solution {
	rows := o.n * o.s
	gram, cross, along := tensor.View(rows, rows, o.gram[:rows*rows]), tensor.View(o.n, o.s, o.crossT[:rows]), tensor.View(o.n, o.s, o.alongT[:rows])
	clear(gram.Data)
	clear(cross.Data)
	clear(along.Data)
	shifted := o.shifted()
	d0 := []T(nil)
	if shifted {
		d0 = o.spare()
		if lo == 0 {
			clear(d0)
			o.addShift(1, d0)
			o.report.Counters.JVPs++
		}
	}
	var adds int64
	for b := lo; b < hi; b++ {
		adds += o.space.Gram(b, gram) + o.space.Cross(b, cross)
		if shifted {
			adds += o.space.Project(b, along, d0)
		}
	}
	tensor.Mirror(o.pool, gram)
	o.small.set(gram, o.wide, o.s)
	if lo == 0 {
		o.report.Counters.GramProducts++ // V grad h
	}
	o.report.Counters.MultiplyAdds += adds

	over := o.gammaPrime / o.count
	// |V Vᵀ| is at most its Frobenius norm: what is doubted in vain takes one product with V.
	doubtful := unit[T]()*over*tensor.Norm2(o.pool, o.small.k.Data) > noiseAt
	b, y := o.b[:rows], o.x[:rows]
	for i := range b { // (V d0 - gamma' V grad h)/c
		b[i] = (float64(along.Data[i]) - o.gammaPrime/o.m*float64(cross.Data[i])) / o.count
	}
	o.found.size += dot(b, b)
	solution := Solution{Reason: StoppedExact}
	if clear(y); dot(b, b) != 0 {
		o.sys = o.system(over)
		o.draws(&o.sys)
		solution = o.solver.Solve(&o.sys, y, b, Stop{Iterations: o.budget, Tolerance: o.spec.Tolerance, Gap: o.gapResidual(), Trace: trace})
		o.found.products = max(o.found.products, o.sys.Counters.GramProducts)
		o.report.Counters.MultiplyAdds += o.sys.Counters.MultiplyAdds
		o.report.Factored.Add(o.sys.factored)
		o.report.Elementwise += o.sys.passes
		if o.jittered = o.jittered || o.sys.jittered; o.sys.singular.Unknowns > 0 {
			o.singular = o.sys.singular
		}
	}
	yT := tensor.View(o.n, o.s, o.yT[:rows])
	for i, v := range y {
		yT.Data[i] = T(v * o.m)
	}
	adds = 0
	for b := lo; b < hi; b++ {
		adds += o.space.Step(b, o.d, T(-o.gammaOverM), yT)
	}
	if doubtful {
		for b := lo; b < hi; b++ { // V d0 is there
			adds += o.space.Project(b, along, o.d)
		}
	}
	for i, r := range solution.Vector {
		v := y[i] + r
		o.found.expected.add(o.count, y[i], v)
		if doubtful {
			v = float64(along.Data[i]) / o.count
		}
		o.found.seen.add(o.count, y[i], v)
	}
	o.found.doubtful = o.found.doubtful || doubtful
	o.report.Counters.MultiplyAdds += adds
	return solution
}

// system returns I + over V Vᵀ. Its factor L is the identity. The slope is known only when d
// is: nothing is refused before.
func (o *rowGN[T]) system(over float64) System {
	rows := o.n * o.s
	view := func(v []float64) tensor.Matrix[float64] { return tensor.View(o.n, o.s, v[:rows]) }
	l := view(o.roomL)
	for i := range l.Data {
		l.Data[i] = 1
	}
	return System{
		K: &o.small, GammaOverM: over, factor: ggnFactor{losses.Weighted{Loss: losses.Squared{}}, l},
		v: view(o.roomV), u: view(o.roomU), kx: view(o.roomKX), descent: descent{atZero: math.Inf(-1), divisor: 1},
	}
}

// gapResidual turns the tolerance on the gap, c |r|²/2 of every system, into one on r.
func (o *rowGN[T]) gapResidual() float64 {
	if o.spec.GapTolerance == 0 {
		return 0
	}
	systems := 1.0
	if o.curvature.Blocks == byLayer {
		systems = float64(o.space.Blocks())
	}
	return math.Sqrt(2 * o.spec.GapTolerance * o.value() / (o.count * systems))
}

// evaluate puts into the report what d is, and multiplies it by what is best for the model if
// that is asked for. Rounding is amplified by gamma only within the rows of V, so that what
// V d says of a doubtful d is enough, unless P changes otherwise than the recursion has it, or
// rises.
func (o *rowGN[T]) evaluate() {
	f := &o.found
	square := tensor.Dot(o.pool, o.d, o.d) / o.gammaPrime
	l, expected := f.seen.along(square), f.expected.along(square)
	if f.doubtful && (spoilt(l.change(), expected.change()) || l.change() > 0) {
		o.measure(expected.change())
		return
	}
	tau := 1.0
	if o.spec.Rescale {
		tau = l.best()
	}
	o.report.Gap = o.count*f.seen.misfit/2 + (tau-1)*l.slope + (tau*tau-1)*l.stiff()/2
	o.take(l, tau)
}

// along is the line of d, for square = |d|²/gamma'.
func (l rowLine) along(square float64) line {
	return line{slope: -square - l.product, curvature: l.curvature, square: square}
}

// take makes d its multiple tau, and reports on it.
func (o *rowGN[T]) take(l line, tau float64) {
	if tau != 1 {
		tensor.Scale(o.pool, T(tau), o.d)
	}
	o.report.Slope = tau * l.slope
	o.report.ModelChange = o.report.Slope - o.pull(o.d) + tau*tau*l.curvature/2
}

// measure puts into the report what products with d say, J d of the mini-batch and V d of the
// rows, where rounding may have made d another than the recursion has, by which P changes by
// change (NaN: it says nothing). If P changes otherwise, or rises, d becomes its best multiple. The
// gap to the D of the unknowns is then not known.
func (o *rowGN[T]) measure(change float64) {
	o.jvp(o.u, o.d)
	l, tau := line{square: tensor.Dot(o.pool, o.d, o.d) / o.gammaPrime, curvature: o.curvatureAlong()}, 1.0
	l.slope = dot(o.g.Flat(), o.u.Flat())/o.m + o.pull(o.d)
	if bad := spoilt(l.change(), change); bad || l.change() > 0 || o.spec.Rescale {
		tau = l.best()
		if bad && !o.jittered && claimed(o.report.StopReason) {
			o.report.StopReason = StoppedRounding
		}
	}
	o.report.Gap = math.NaN()
	o.take(l, tau)
}

// curvatureAlong is d·C d, from V d.
func (o *rowGN[T]) curvatureAlong() (sum float64) {
	rows := o.n * o.s
	along := tensor.View(o.n, o.s, o.alongT[:rows])
	clear(along.Data)
	for b := range o.space.Blocks() {
		o.report.Counters.MultiplyAdds += o.space.Project(b, along, o.d)
		if o.curvature.Blocks == byLayer || b == o.space.Blocks()-1 {
			sum += tensor.Dot(nil, along.Data, along.Data) / o.count
			clear(along.Data)
		}
	}
	return sum
}

// Complete takes a VJP for the norm of the gradient. The change of the model by a gradient
// step, which has no rows, is not known.
func (o *rowGN[T]) Complete(bool) Report { return o.complete(o.report) }
