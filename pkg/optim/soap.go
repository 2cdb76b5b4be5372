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
	base := SOAP{
		LearningRate: schedules.Const(3e-3), Beta1: 0.95, Beta2: 0.95, ShampooBeta: -1, Epsilon: 1e-8, WeightDecay: 0.01,
		Frequency: 10, MaxDimension: 10000, Sides: "both",
	}
	often, one := base, base
	often.Frequency, often.MaxDimension, often.WeightDecay = 1, 60, 0
	one.Sides, one.Frequency, one.ShampooBeta = "one", 2, 0.8
	registry.Add(&Known, registry.Info{Name: "soap", Doc: "adam in the eigenvectors of shampoo's matrices", Reference: "Vyas et al. 2024, arXiv 2409.11321, and its code, github.com/nikhilvyas/SOAP"},
		base, newSOAP, often, one)
}

// SOAP is, for a matrix with G = -d (Vyas et al. 2024, algorithms 3 and 4),
//
//	G' = Q_Lᵀ G Q_R
//	M  = beta1 M + (1 - beta1) G,  M' = Q_Lᵀ M Q_R
//	V  = beta2 V + (1 - beta2) G'²
//	N  = Q_L (M'/(√V + epsilon)) Q_Rᵀ √(1 - beta2^t)/(1 - beta1^t)
//	W  = (1 - learning_rate weight_decay) (W - learning_rate N)
//	L  = shampoo_beta L + (1 - shampoo_beta) G Gᵀ,  and R with Gᵀ G
//
// and after every precondition_frequency updates Q_L becomes the orthogonal factor of L Q_L, whose
// columns, and V with them, are first put in the order of the estimates Q_Lᵀ L Q_L of eigenvalues;
// Q_R alike. As in the code of the paper's authors, the first step makes no update: it makes L and
// R, and Q_L and Q_R of their eigenvectors, so that no gradient is projected to a basis that it is
// part of. Vectors, sides longer than max_dimension, and with sides: one the longer side of a
// matrix, have Q = I. M is kept as M', which changes with the basis.
type SOAP struct {
	LearningRate schedules.Number `yaml:"learning_rate" doc:"about the size of each weight's change, in the basis; a number or a schedule"`
	Beta1        float64          `yaml:"beta1" doc:"memory of the mean of gradients"`
	Beta2        float64          `yaml:"beta2" doc:"memory of the mean of squares"`
	ShampooBeta  float64          `yaml:"shampoo_beta" doc:"memory of the means of G Gᵀ and Gᵀ G; -1: that of beta2"`
	Epsilon      float64          `yaml:"epsilon" doc:"keeps the division safe"`
	WeightDecay  float64          `yaml:"weight_decay" doc:"shrinks the weights by learning_rate weight_decay"`
	Frequency    int              `yaml:"precondition_frequency" doc:"updates from one basis to the next"`
	MaxDimension int              `yaml:"max_dimension" doc:"sides that are longer keep their basis"`
	Sides        string           `yaml:"sides" doc:"both, or one: the shorter side alone has a basis"`
}

var _ Spec = SOAP{}

func newSOAP(o SOAP) (Spec, error) {
	adam := Adam{LearningRate: o.LearningRate, Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon, WeightDecay: o.WeightDecay}
	if err := adam.check(); err != nil {
		return nil, err
	}
	if o.ShampooBeta == -1 {
		o.ShampooBeta = o.Beta2
	}
	if err := checkFraction("shampoo_beta", o.ShampooBeta); err != nil {
		return nil, err
	}
	switch {
	case o.Frequency < 1:
		return nil, strict.Field("precondition_frequency", "must be at least 1, got %d", o.Frequency)
	case o.Sides != "both" && o.Sides != "one":
		return nil, strict.Field("sides", "must be both or one, got %q", o.Sides)
	}
	return o, checkDimension(o.MaxDimension)
}

func (o SOAP) Optimizers() Optimizers { return OptimizersOf(o, bindSOAP[float32], bindSOAP[float64]) }

// Limit is the longest side with a basis.
func (SOAP) Limit() string { return "max_dimension" }

// Period is that of bases, and the step that makes the first ones.
func (o SOAP) Period() int { return o.Frequency + 1 }

// bases returns for a block the lengths of its sides that have a basis, 0 for one that has none.
func (o SOAP) bases(b tensor.Block) (left, right int) {
	if !b.IsMatrix() || b.Len() == 0 {
		return 0, 0
	}
	rows, cols := sides(b)
	if left = rows; rows > o.MaxDimension || o.Sides == "one" && rows > cols {
		left = 0
	}
	if right = cols; cols > o.MaxDimension || o.Sides == "one" && rows <= cols {
		right = 0
	}
	return left, right
}

// StateBytes counts means and squares, and two matrices of each side that has a basis.
func (o SOAP) StateBytes(l tensor.Layout, value int) int {
	numbers := size.Product(2, l.Len)
	for _, b := range l.Blocks {
		left, right := o.bases(b)
		numbers = size.Sum(numbers, size.Product(2, left, left), size.Product(2, right, right))
	}
	return size.Product(numbers, value)
}

// WorkBytes counts four copies of the largest matrix, and for its longest side that has a basis what
// an orthogonal factor takes, or for a while eigenvectors in float64.
func (o SOAP) WorkBytes(l tensor.Layout, value int) int {
	longest, side := 0, 0
	for _, b := range l.Blocks {
		left, right := o.bases(b)
		side = max(side, left, right)
		if left+right > 0 {
			longest = max(longest, b.Len())
		}
	}
	return size.Sum(size.Product(4, longest, value), size.Product(value, 2*side, side), size.Product(value, tensor.OrthonormalSpace(side)))
}

type soapBlock[T tensor.Float] struct {
	tensor.Block
	rows, cols  int
	left, right basis[T]
}

// unbegun reports whether a block that has bases has had no direction yet: its means are 0.
func (b *soapBlock[T]) unbegun() bool {
	return b.left.n+b.right.n > 0 && allZero(b.left.mean) && allZero(b.right.mean)
}

type soap[T tensor.Float] struct {
	SOAP
	p          int
	pool       *tensor.Pool
	blocks     []soapBlock[T]
	m, v       []T // M' and V
	mean, q    []T // of all bases
	steps      int64
	x, y, z, g []T // work space of a matrix
	a, b       []T // and of a side squared
	factor     *tensor.Orthonormal[T]
	eigen      *eigenvectors
	report     Report

	// Operands of the loop that is running.
	u, d, w []T
	at      int // of the block in m and v
	from    []T // what takes the place of G' and of N
	to      []T
	scalars kernel.Adam[T]
	keep    T // of the weights
	adam    func(lo, hi int)
	finish  func(lo, hi int)
}

func bindSOAP[T tensor.Float](s SOAP, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	o := &soap[T]{SOAP: s, p: l.Len, pool: pool, m: make([]T, l.Len), v: make([]T, l.Len)}
	longest, side, numbers := 0, 0, 0
	for _, b := range l.Blocks {
		rows, cols := sides(b)
		left, right := s.bases(b)
		o.blocks = append(o.blocks, soapBlock[T]{Block: b, rows: rows, cols: cols, left: basis[T]{n: left}, right: basis[T]{n: right}})
		side = max(side, left, right)
		if left+right > 0 {
			longest = max(longest, b.Len())
		}
		numbers += left*left + right*right
	}
	o.mean, o.q = make([]T, numbers), make([]T, numbers)
	at := 0
	for i := range o.blocks {
		for _, e := range []*basis[T]{&o.blocks[i].left, &o.blocks[i].right} {
			n := e.n * e.n
			e.mean, e.q = o.mean[at:at+n], o.q[at:at+n]
			at += n
			for j := range e.n {
				e.q[j*e.n+j] = 1
			}
		}
	}
	o.x, o.y, o.z, o.g = make([]T, longest), make([]T, longest), make([]T, longest), make([]T, longest)
	o.a, o.b = make([]T, side*side), make([]T, side*side)
	o.factor, o.eigen = tensor.NewOrthonormal[T](side), newEigenvectors(side)
	o.adam = func(lo, hi int) {
		g := o.from[lo:hi]
		o.scalars.Update(o.to[lo:hi], g, g, o.m[o.at+lo:o.at+hi], o.v[o.at+lo:o.at+hi])
	}
	o.finish = func(lo, hi int) { // u = keep N - (1 - keep) w
		u := o.u[lo:hi]
		copy(u, o.to[lo:hi])
		kernel.Scale(o.keep, u)
		kernel.Axpy(o.keep-1, o.w[lo:hi], u)
	}
	return o
}

func (o *soap[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	o.report = Report{}
	rate, n := o.LearningRate.At(t), float64(o.steps) // the first step is none
	o.steps++
	o.scalars = kernel.Adam[T]{
		Beta1: T(o.Beta1), Rest1: T(1 - o.Beta1), Beta2: T(o.Beta2), Rest2: T(1 - o.Beta2), Root: 1, Epsilon: T(o.Epsilon),
		Rate: T(rate * math.Sqrt(1-math.Pow(o.Beta2, n)) / (1 - math.Pow(o.Beta1, n))),
	}
	o.keep = T(1 - rate*o.WeightDecay)
	for i := range o.blocks {
		b := &o.blocks[i]
		o.u, o.d, o.w, o.at = tensor.Of(b.Block, u), tensor.Of(b.Block, d), tensor.Of(b.Block, w), b.Offset
		norm := tensor.Dot(o.pool, o.d, o.d)
		switch {
		case !finite[T](norm):
			o.report.fall(FallbackSkipped)
			clear(o.u)
		case n == 0, norm > 0 && b.unbegun():
			clear(o.u)
			o.begin(b)
		default:
			o.update(b)
		}
	}
	o.u, o.d, o.w, o.from, o.to = nil, nil, nil, nil, nil
}

func (o *soap[T]) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }

func (o *soap[T]) Report() Report { return o.report }

// update makes the update of a block, and then brings its means, and perhaps its bases, up to date.
func (o *soap[T]) update(b *soapBlock[T]) {
	n := b.Len()
	if b.left.n+b.right.n == 0 {
		o.from, o.to = o.d, o.u
		o.pool.For(n, grain, o.adam)
		o.pool.For(n, grain, o.finish)
		return
	}
	o.from, o.to = o.project(b, o.d, false), o.g[:n]
	o.pool.For(n, grain, o.adam)
	o.to = o.project(b, o.g[:n], true)
	if finite[T](tensor.Dot(o.pool, o.to, o.to)) {
		o.pool.For(n, grain, o.finish)
	} else {
		o.report.fall(FallbackSkipped)
		clear(o.u)
	}
	o.addSquares(b)
	if updates := o.steps - 1; updates%int64(o.Frequency) == 0 {
		o.turn(b)
	}
}

func (o *soap[T]) State() State {
	s := stateOf(map[string][]T{"mean": o.m, "square": o.v, "factors": o.mean, "bases": o.q})
	s.Steps = []*int64{&o.steps}
	return s
}
