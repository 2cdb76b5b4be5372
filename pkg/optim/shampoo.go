package optim

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	base := Shampoo{LearningRate: schedules.Const(0.1), Epsilon: 1e-4, Beta: 1, UpdateEvery: 1, MaxDimension: 1200, Grafting: "none"}
	mean := base
	mean.Beta, mean.UpdateEvery, mean.MaxDimension, mean.Grafting, mean.Momentum, mean.WeightDecay = 0.9, 2, 50, "adam", 0.9, 0.01
	sgd := base
	sgd.Grafting, sgd.LearningRate = "sgd", schedules.Const(0.01)
	registry.Add(&Known, registry.Info{Name: "shampoo", Doc: "steps scaled by inverse roots of sums of G Gᵀ and Gᵀ G", Reference: "Gupta, Koren and Singer 2018, arXiv 1802.09568; Anil et al. 2020, arXiv 2002.09018"},
		base, newShampoo, mean, sgd)
}

// Shampoo is, for a matrix with G = -d (Gupta et al. 2018, algorithm 1),
//
//	G += weight_decay W
//	L  = L + G Gᵀ,  R = R + Gᵀ G          (beta below 1: L = beta L + (1 - beta) G Gᵀ)
//	P  = (L + epsilon I)^(-1/4) G (R + epsilon I)^(-1/4)
//	V  = momentum V + P
//	U  = -learning_rate V
//
// A vector is a tensor of order 1, and has P = (L + epsilon I)^(-1/2) G. A side that is longer than
// max_dimension has the diagonal of its matrix alone (section 5). Roots are made of the first
// step and of every update_every-th after it. With grafting (Anil et al. 2020, section 3.3), P is
// given the norm of another update of its block: G itself (sgd), or that of Adam with torch's
// betas and epsilon.
type Shampoo struct {
	LearningRate schedules.Number `yaml:"learning_rate" doc:"multiplies the update; a number or a schedule"`
	Momentum     float64          `yaml:"momentum" doc:"share of the last update that is kept"`
	WeightDecay  float64          `yaml:"weight_decay" doc:"adds weight_decay w to the gradient"`
	Epsilon      float64          `yaml:"epsilon" doc:"is added to the diagonals of L and R"`
	Beta         float64          `yaml:"beta" doc:"1: sums of G Gᵀ, as in the paper; below 1 the memory of their running mean"`
	UpdateEvery  int              `yaml:"update_every" doc:"steps from one inverse root to the next"`
	MaxDimension int              `yaml:"max_dimension" doc:"sides that are longer have diagonal factors"`
	Grafting     string           `yaml:"grafting" doc:"whose length the update of a block has: none (its own), sgd or adam"`
}

var _ Spec = Shampoo{}

// maxFactor is the longest side whose matrices are held.
const maxFactor = 1 << 15

func newShampoo(o Shampoo) (Spec, error) {
	if err := o.LearningRate.Positive("learning_rate"); err != nil {
		return nil, err
	}
	if err := checkFraction("momentum", o.Momentum); err != nil {
		return nil, err
	}
	if err := checkEpsilon(o.Epsilon); err != nil {
		return nil, err
	}
	switch {
	case !(o.Beta > 0 && o.Beta <= 1):
		return nil, strict.Field("beta", "must be above 0 and at most 1, got %g", o.Beta)
	case o.UpdateEvery < 1:
		return nil, strict.Field("update_every", "must be at least 1, got %d", o.UpdateEvery)
	case o.Grafting != "none" && o.Grafting != "sgd" && o.Grafting != "adam":
		return nil, strict.Field("grafting", "must be none, sgd or adam, got %q", o.Grafting)
	}
	if err := checkDimension(o.MaxDimension); err != nil {
		return nil, err
	}
	return o, checkDecay(o.WeightDecay)
}

func checkDimension(n int) error {
	if n < 1 || n > maxFactor {
		return strict.Field("max_dimension", "must be from 1 to %d, got %d: a side has a matrix of its length squared", maxFactor, n)
	}
	return nil
}

func (o Shampoo) Optimizers() Optimizers {
	return OptimizersOf(o, bindShampoo[float32], bindShampoo[float64])
}

// Limit is the longest side with a whole matrix.
func (Shampoo) Limit() string { return "max_dimension" }

// Period is that of inverse roots.
func (o Shampoo) Period() int { return o.UpdateEvery }

// full reports whether a side has a whole matrix.
func (o Shampoo) full(n int) bool { return n <= o.MaxDimension }

// StateBytes counts two matrices, or diagonals, of each side, momentum, and what Adam remembers.
func (o Shampoo) StateBytes(l tensor.Layout, value int) int {
	numbers := 0
	for _, b := range l.Blocks {
		for _, n := range factorSides(b) {
			if o.full(n) {
				n = size.Product(n, n)
			}
			numbers = size.Sum(numbers, n, n)
		}
	}
	if o.Momentum > 0 {
		numbers = size.Sum(numbers, l.Len)
	}
	if o.Grafting == "adam" {
		numbers = size.Sum(numbers, l.Len, l.Len)
	}
	return size.Product(numbers, value)
}

// WorkBytes counts four copies of the largest block, and what inverse roots take, in float64.
func (o Shampoo) WorkBytes(l tensor.Layout, value int) int {
	longest, side := 0, 0
	for _, b := range l.Blocks {
		longest = max(longest, b.Len())
		for _, n := range factorSides(b) {
			if o.full(n) {
				side = max(side, n)
			}
		}
	}
	return size.Sum(size.Product(4, longest, value), size.Product(8, 5, side, side))
}

// factorSides are the sides of a block that have factors: one of a vector.
func factorSides(b tensor.Block) []int {
	rows, cols := sides(b)
	switch {
	case b.Len() == 0:
		return nil
	case !b.IsMatrix():
		return []int{rows}
	}
	return []int{rows, cols}
}

type shampooBlock[T tensor.Float] struct {
	tensor.Block
	rows, cols int
	root       int // of each factor: 2 or 4
	factors    []factor[T]
}

// unbegun reports whether the block has had no direction yet: its sums are 0.
func (b *shampooBlock[T]) unbegun() bool {
	for _, f := range b.factors {
		if !allZero(f.sum) {
			return false
		}
	}
	return true
}

type shampoo[T tensor.Float] struct {
	Shampoo
	p          int
	pool       *tensor.Pool
	blocks     []shampooBlock[T]
	sum, root  []T // of all factors
	v, m, s    []T // momentum, and Adam's means; empty where there are none
	steps      int64
	g, gt      []T // work space of a block: the gradient, its transpose,
	p1, p2     []T // and products
	newton     *tensor.InverseRoot
	a          []float64 // a factor in float64
	report     Report
	rate, mu   T
	scalars    kernel.Adam[T]
	u, d, w, h []T // operands of the loop that is running
	decay      func(lo, hi int)
	finish     func(lo, hi int)
	adam       func(lo, hi int)
	at         int // of the block in m and s
}

func bindShampoo[T tensor.Float](s Shampoo, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	o := &shampoo[T]{Shampoo: s, p: l.Len, pool: pool}
	longest, side, numbers := 0, 0, 0
	for _, b := range l.Blocks {
		rows, cols := sides(b)
		block := shampooBlock[T]{Block: b, rows: rows, cols: cols, root: 2}
		if b.IsMatrix() {
			block.root = 4
		}
		for _, n := range factorSides(b) {
			f := factor[T]{n: n, full: s.full(n)}
			numbers += n
			if f.full {
				numbers += n*n - n
				side = max(side, n)
			}
			block.factors = append(block.factors, f)
		}
		longest = max(longest, b.Len())
		o.blocks = append(o.blocks, block)
	}
	o.sum, o.root = make([]T, numbers), make([]T, numbers)
	at := 0
	for _, b := range o.blocks {
		for i := range b.factors {
			f := &b.factors[i]
			n := f.n
			if f.full {
				n *= f.n
			}
			f.sum, f.root = o.sum[at:at+n], o.root[at:at+n]
			at += n
			f.identity()
		}
	}
	if s.Momentum > 0 {
		o.v = make([]T, l.Len)
	}
	if s.Grafting == "adam" {
		o.m, o.s = make([]T, l.Len), make([]T, l.Len)
	}
	o.g, o.gt, o.p1, o.p2 = make([]T, longest), make([]T, longest), make([]T, longest), make([]T, longest)
	o.newton, o.a = tensor.NewInverseRoot(side), make([]float64, side*side)
	o.decay = func(lo, hi int) { kernel.Axpy(T(-s.WeightDecay), o.w[lo:hi], o.g[lo:hi]) }
	o.finish = func(lo, hi int) {
		p := o.p2[lo:hi]
		if v := o.h; v != nil {
			kernel.Scale(T(s.Momentum), v[lo:hi])
			kernel.Axpy(o.mu, p, v[lo:hi])
			copy(o.u[lo:hi], v[lo:hi])
			kernel.Scale(o.rate, o.u[lo:hi])
			return
		}
		copy(o.u[lo:hi], p)
		kernel.Scale(T(o.rate*o.mu), o.u[lo:hi])
	}
	o.adam = func(lo, hi int) {
		g := o.g[lo:hi]
		o.scalars.Update(o.p1[lo:hi], g, g, o.m[o.at+lo:o.at+hi], o.s[o.at+lo:o.at+hi])
	}
	return o
}

func (o *shampoo[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	o.report = Report{}
	roots := o.steps%int64(o.UpdateEvery) == 0
	o.steps++
	o.rate = T(o.LearningRate.At(t))
	for i := range o.blocks {
		b := &o.blocks[i]
		if b.Len() == 0 {
			continue
		}
		o.u, o.d, o.w, o.at = tensor.Of(b.Block, u), tensor.Of(b.Block, d), tensor.Of(b.Block, w), b.Offset
		if !o.update(b, roots) {
			o.report.fall(FallbackSkipped)
			clear(o.u)
		}
	}
	o.u, o.d, o.w, o.h = nil, nil, nil, nil
}

func (o *shampoo[T]) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }

func (o *shampoo[T]) Report() Report { return o.report }

// update makes the update of a block, and reports whether it is finite.
func (o *shampoo[T]) update(b *shampooBlock[T], roots bool) bool {
	n := b.Len()
	g := o.g[:n]
	copy(g, o.d)
	if o.WeightDecay > 0 {
		o.pool.For(n, grain, o.decay)
	}
	norm := tensor.Dot(o.pool, g, g)
	if !finite[T](norm) {
		return false
	}
	if norm > 0 && b.unbegun() { // its first direction, of any step: until then there are no roots
		roots = true
	}
	o.addSquares(b)
	if roots {
		for i := range b.factors {
			o.invert(&b.factors[i], b.root)
		}
	}
	o.precondition(b)
	own := tensor.Dot(o.pool, o.p2[:n], o.p2[:n])
	o.mu = 1
	switch o.Grafting {
	case "sgd":
		o.mu = graft[T](norm, own)
	case "adam":
		const beta1, beta2 = 0.9, 0.999
		steps := float64(o.steps)
		o.scalars = kernel.Adam[T]{
			Beta1: beta1, Rest1: T(1 - beta1), Beta2: beta2, Rest2: T(1 - beta2),
			Rate: T(1 / (1 - math.Pow(beta1, steps))), Root: T(1 / math.Sqrt(1-math.Pow(beta2, steps))), Epsilon: 1e-8,
		}
		o.pool.For(n, grain, o.adam)
		o.mu = graft[T](tensor.Dot(o.pool, o.p1[:n], o.p1[:n]), own)
	}
	if !finite[T](own) || !finite[T](float64(o.mu)) {
		return false
	}
	o.h = nil
	if o.v != nil {
		o.h = tensor.Of(b.Block, o.v)
	}
	o.pool.For(n, grain, o.finish)
	return true
}

// graft is the factor that gives a vector the norm of another, from the squares of both; 0 for
// none.
func graft[T tensor.Float](want, have float64) T {
	if have == 0 {
		return 0
	}
	return T(math.Sqrt(want / have))
}

func (o *shampoo[T]) State() State {
	vectors := map[string][]T{"factors": o.sum, "roots": o.root}
	if o.v != nil {
		vectors["momentum"] = o.v
	}
	if o.m != nil {
		vectors["mean"], vectors["square"] = o.m, o.s
	}
	s := stateOf(vectors)
	s.Steps = []*int64{&o.steps}
	return s
}
