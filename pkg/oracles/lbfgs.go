package oracles

import (
	"math"
	"time"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Known, registry.Info{
		Name:      "lbfgs",
		Doc:       "d = -H grad F, H an inverse Hessian made of the last steps and the changes of the gradient along them; for full batches",
		Reference: "Nocedal 1980; Liu and Nocedal 1989; as torch.optim.LBFGS",
	}, LBFGS{History: 10}, newLBFGS, LBFGS{History: 1, Gamma: FirstGammaOf(schedules.Const(0.3))}, LBFGS{History: 3, WeightDecay: 0.1})
}

// LBFGS is the limited-memory BFGS method: the two-loop recursion (Nocedal and Wright 2006,
// algorithm 7.4) on the last pairs of a step s = w - w_before and the change
// y = grad F(w) - grad F(w_before) of the gradient of F = h + (mu/2) |w|² along it. Pairs are
// those of successive calls, whatever optimizer and line search made of d. A pair with
// s·y <= 1e-10 is left out, so that H is positive definite and every d descends.
type LBFGS struct {
	History     int        `yaml:"history" doc:"pairs that are remembered, two vectors of the length of the weights each"`
	Gamma       FirstGamma `yaml:"gamma" doc:"of the gradient step -gamma grad F before there is a pair: auto (1, or 1/|grad F|_1 where that is less), a number or a schedule; then it is s.y/y.y of the last pair"`
	WeightDecay float64    `yaml:"weight_decay" doc:"mu of the term mu |w|^2/2 of F"`
}

var (
	_ Spec     = LBFGS{}
	_ Sized    = LBFGS{}
	_ Closed   = LBFGS{}
	_ Pairwise = LBFGS{}
	_ Limited  = LBFGS{}
)

func newLBFGS(o LBFGS) (Spec, error) {
	if o.History < 1 {
		return nil, strict.Field("history", "must be at least 1 pair, got %d; without any the oracle is gradient", o.History)
	}
	if o.Gamma.given {
		if err := o.Gamma.Positive("gamma"); err != nil {
			return nil, err
		}
	}
	if !(o.WeightDecay >= 0) || math.IsInf(o.WeightDecay, 0) {
		return nil, strict.Field("weight_decay", "must not be negative, got %g", o.WeightDecay)
	}
	return o, nil
}

// Check accepts every loss.
func (o LBFGS) Check(losses.Loss) error { return nil }

// Fits needs nothing.
func (o LBFGS) Fits(losses.Loss, Dims) error { return nil }

func (o LBFGS) Oracles() Oracles {
	return OraclesOf(o, newLBFGSOracle[float32], newLBFGSOracle[float64])
}

// Closed: there is no inner solve.
func (LBFGS) Closed() {}

// Pairwise: y is of one function only where both gradients are of the same examples.
func (LBFGS) Pairwise() string {
	return "lbfgs takes the change of the gradient from step to step for curvature, which on other examples is mostly noise"
}

// Held is the pairs; weights and gradient of the call before, and the gradient of this one.
func (o LBFGS) Held(_ losses.Loss, s Sizes) Held {
	kept := size.Sum(size.Product(2, o.History), 2)
	return Held{
		Bytes: size.Sum(s.matrices(1), s.vectors(size.Sum(kept, 1))),
		State: size.Product(8, kept, s.Dims.Weights),
	}
}

// Limit names the option that the memory follows.
func (LBFGS) Limit() string { return "history" }

// How a direction of lbfgs came about, where it is not that of the pairs of all calls before.
const (
	StoppedSkippedPair = "skipped_pair" // s·y is not positive: the last step is not remembered
	StoppedRestart     = "restart"      // the last step moved nothing: the history is forgotten, and d is the gradient step
)

// minCurvature is the least s·y of a pair, as in torch.optim.LBFGS.
const minCurvature = 1e-10

// A pair is a step back, s = w_before - w, the change y of the gradient along it, and 1/(s·y). H has
// s and y twice in every term, so that their signs are as good as those of the step.
type pair[T tensor.Float] struct {
	s, y []T
	rho  float64
}

type lbfgs[T tensor.Float] struct {
	LBFGS
	pool *tensor.Pool
	room tensor.Matrix[float64] // m x k

	// All that lasts from call to call, see State.
	pairs []pair[T] // a ring: the oldest at first, count of them
	first int
	count int
	scale float64 // s·y/y·y of the last pair
	last  pair[T] // weights as s, and gradient as y, of the call before
	seen  bool    // there was one

	along []float64 // rho s·q of each pair, work space
	g     []T       // grad F

	// Of the last call:
	d, w   []T
	square float64 // |grad F|²
	fresh  bool    // d is the gradient step
	report Report
}

var (
	_ Oracle[float32] = (*lbfgs[float32])(nil)
	_ Stateful        = (*lbfgs[float32])(nil)
)

func newLBFGSOracle[T tensor.Float](o LBFGS, at Site) Oracle[T] {
	p := at.Dims.Weights
	two := func() pair[T] { return pair[T]{s: make([]T, p), y: make([]T, p)} }
	l := &lbfgs[T]{
		LBFGS: o, pool: at.Pool, room: tensor.New[float64](at.Dims.Examples, at.Dims.Outputs),
		pairs: make([]pair[T], o.History), along: make([]float64, o.History), last: two(), g: make([]T, p),
	}
	for i := range l.pairs {
		l.pairs[i] = two()
	}
	return l
}

// at is pair i of the history, the oldest first.
func (o *lbfgs[T]) at(i int) *pair[T] { return &o.pairs[(o.first+i)%len(o.pairs)] }

// Direction remembers the step that led here, and makes d = -H grad F.
func (o *lbfgs[T]) Direction(d []T, p *Subproblem[T]) Report {
	batch, mu := p.oneBatch(), o.WeightDecay
	o.d, o.w, o.report = d, batch.Weights(), newReport(mu)
	o.gradient(batch, p.losses())
	o.report.Counters = Counters{VJPs: 1, MultiplyAdds: batch.Dims().VJP}
	began := time.Now()
	o.descend(p)
	o.report.Elementwise = time.Since(began)
	return o.report
}

// descend makes d of the gradient, by passes over vectors alone.
func (o *lbfgs[T]) descend(p *Subproblem[T]) {
	d := o.d
	o.square = tensor.Dot(o.pool, o.g, o.g)
	if !finite(o.square) {
		clear(d)
		o.report.StopReason = StoppedNonFinite
		return
	}
	o.report.StopReason = o.remember()
	copy(o.last.s, o.w)
	copy(o.last.y, o.g)
	o.seen = true
	if o.count > 0 {
		o.recursion()
		if !(o.report.Slope < 0) && o.square > 0 { // by rounding alone
			o.count, o.report.StopReason, o.report.Fallback = 0, StoppedSlope, true
		}
	}
	if o.fresh = o.count == 0; o.fresh {
		o.gradientStep(p)
	}
}

// gradient sets g = (1/m) Jᵀ grad loss + mu w.
func (o *lbfgs[T]) gradient(batch *Batch[T], loss losses.Weighted) {
	z := batch.Outputs()
	alpha := o.room.RowRange(0, z.Rows)
	loss.Grads(alpha, z, batch.Targets)
	tensor.Scale(nil, 1/float64(z.Rows), alpha.Flat())
	batch.VJP(o.g, alpha)
	if o.WeightDecay > 0 {
		tensor.Axpy(o.pool, T(o.WeightDecay), o.w, o.g)
	}
}

// remember makes a pair of the call before and this one, and adds it to the history in the
// place of the oldest. It says if there is none.
func (o *lbfgs[T]) remember() (stop string) {
	if !o.seen {
		return ""
	}
	s, y := o.last.s, o.last.y
	tensor.Axpy(o.pool, -1, o.w, s)
	ys := tensor.AxpyDot(o.pool, -1, o.g, y, s)
	if !(ys > minCurvature) {
		if tensor.Dot(o.pool, s, s) == 0 {
			o.count = 0
			return StoppedRestart
		}
		return StoppedSkippedPair
	}
	if o.count == len(o.pairs) {
		o.first = (o.first + 1) % len(o.pairs)
		o.count--
	}
	to := o.at(o.count)
	*to, o.last = pair[T]{s, y, 1 / ys}, *to
	o.count++
	o.scale = ys / tensor.Dot(o.pool, y, y)
	return ""
}

// recursion sets d = -H grad F by two passes over the pairs, and the slope.
func (o *lbfgs[T]) recursion() {
	d := o.d
	copy(d, o.g)
	last := o.count - 1
	sq := tensor.Dot(o.pool, o.at(last).s, d)
	for i := last; i > 0; i-- {
		p := o.at(i)
		o.along[i] = p.rho * sq
		sq = tensor.AxpyDot(o.pool, T(-o.along[i]), p.y, d, o.at(i-1).s)
	}
	oldest := o.at(0)
	o.along[0] = oldest.rho * sq
	tensor.Axpy(o.pool, T(-o.along[0]), oldest.y, d)
	tensor.Scale(o.pool, T(-o.scale), d)
	yd := tensor.Dot(o.pool, oldest.y, d)
	for i := range o.count {
		p, next := o.at(i), o.g
		if i < last {
			next = o.at(i + 1).y
		}
		yd = tensor.AxpyDot(o.pool, T(-o.along[i]-p.rho*yd), p.s, d, next)
	}
	o.report.Gamma, o.report.Slope = o.scale, yd // grad F·d, behind the last pair
}

// gradientStep sets d = -gamma' grad F, with 1/gamma' = 1/gamma + mu as the oracle gradient has
// it, or with the gamma' of auto.
func (o *lbfgs[T]) gradientStep(p *Subproblem[T]) {
	gamma, prime := 0.0, 0.0
	switch {
	case p.Gamma > 0:
		gamma = p.Gamma
		prime = gamma / (1 + gamma*o.WeightDecay)
	case !o.Gamma.given:
		gamma = 1
		if sum := sumAbs(o.g); sum > 1 {
			gamma = 1 / sum
		}
		prime = gamma
	default:
		gamma = o.Gamma.At(p.Time)
		prime = gamma / (1 + gamma*o.WeightDecay)
	}
	copy(o.d, o.g)
	tensor.Scale(o.pool, T(-prime), o.d)
	o.report.Gamma, o.report.Slope = gamma, -prime*o.square
}

// sumAbs is |v|_1.
func sumAbs[T tensor.Float](v []T) (sum float64) {
	for _, x := range v {
		sum += math.Abs(float64(x))
	}
	return sum
}

// Complete adds |grad h|, and the change of h that the model of d predicts: the linear one of
// the gradient step, or the quadratic one, whose Hessian takes d to -grad F.
func (o *lbfgs[T]) Complete(bool) Report {
	r, mu := o.report, o.WeightDecay
	r.GradNorm, r.ModelChange = math.Sqrt(o.square), r.Slope
	if !o.fresh {
		r.ModelChange /= 2
	}
	if mu > 0 { // grad h = grad F - mu w
		w := o.w
		ww, wg, wd := tensor.Dot(o.pool, w, w), tensor.Dot(o.pool, w, o.g), tensor.Dot(o.pool, w, o.d)
		r.GradNorm = math.Sqrt(max(0, o.square-2*mu*wg+mu*mu*ww))
		if r.ModelChange -= mu * wd; !o.fresh {
			r.ModelChange -= mu / 2 * tensor.Dot(o.pool, o.d, o.d)
		}
	}
	return r
}
