package optim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	all := defaultMuon()
	all.Nesterov, all.Matrices, all.AdjustRate, all.WeightDecay = false, "all", "match_rms_adamw", 0
	all.Rest = choiceOf("sgd", SGD{LearningRate: schedules.Const(0.1), Momentum: 0.9}, newSGD)
	registry.Add(&Known, registry.Info{Name: muon, Doc: "momentum of matrices made about orthogonal by Newton-Schulz steps; another optimizer for the rest", Reference: "Jordan et al. 2024, kellerjordan.github.io/posts/muon; torch.optim.Muon"},
		defaultMuon(), newMuon, all)
}

// defaultMuon has the defaults of torch.optim.Muon.
func defaultMuon() Muon {
	return Muon{
		LearningRate: schedules.Const(1e-3), WeightDecay: 0.1, Momentum: 0.95, Nesterov: true,
		Coefficients: []float64{3.4445, -4.7750, 2.0315}, Epsilon: 1e-7, Steps: 5, AdjustRate: "original", Matrices: "hidden",
		Rest: choiceOf("adamw", AdamW{LearningRate: schedules.Const(1e-3), Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01}, newAdamW),
	}
}

const muon = "muon"

// Muon is, for a matrix with g = -d and as in torch.optim.Muon, but in the precision of the run
// where that has bfloat16,
//
//	m = momentum m + (1 - momentum) g
//	X = m, or (1 - momentum) g + momentum m with nesterov, over max(|X|, epsilon)
//	X = a X + (b X Xᵀ + c (X Xᵀ)²) X, ns_steps times: singular values go to about 1
//	u = -learning_rate (s X + weight_decay w)
//
// where s for a matrix of m x n is √max(1, m/n) (adjust_lr_fn original, Jordan), 0.2 √max(m, n)
// (match_rms_adamw, Moonshot: Liu et al. 2025, arXiv 2502.16982), or √(m/n)
// (spectral_unclamped, Bernstein). All blocks that are not taken are left to the optimizer rest.
type Muon struct {
	LearningRate schedules.Number `yaml:"learning_rate" doc:"multiplies the orthogonal update; a number or a schedule"`
	WeightDecay  float64          `yaml:"weight_decay" doc:"adds -learning_rate weight_decay w to the update"`
	Momentum     float64          `yaml:"momentum" doc:"memory of the mean of gradients"`
	Nesterov     bool             `yaml:"nesterov" doc:"look ahead along the momentum"`
	Coefficients []float64        `yaml:"ns_coefficients,flow" doc:"a, b and c of a Newton-Schulz step"`
	Epsilon      float64          `yaml:"epsilon" doc:"keeps the division safe"`
	Steps        int              `yaml:"ns_steps" doc:"Newton-Schulz steps"`
	AdjustRate   string           `yaml:"adjust_lr_fn" doc:"how the rate follows the shape: original, match_rms_adamw or spectral_unclamped"`
	Matrices     string           `yaml:"matrices" doc:"which are taken: hidden, all but the first and the last, or all"`
	Rest         Choice           `yaml:"rest" doc:"the optimizer of all else"`
}

var (
	_ Spec       = Muon{}
	_ Nesting    = Muon{}
	_ Unscalable = Muon{}
	_ Fitting    = Muon{}
)

// maxNewtonSchulz is the limit of torch.optim.Muon.
const maxNewtonSchulz = 99

func newMuon(o Muon) (Spec, error) {
	if err := o.LearningRate.Positive("learning_rate"); err != nil {
		return nil, err
	}
	if err := checkFraction("momentum", o.Momentum); err != nil {
		return nil, err
	}
	switch {
	case len(o.Coefficients) != 3 || !allFinite(o.Coefficients):
		return nil, strict.Field("ns_coefficients", "must be three finite numbers, as in [3.4445, -4.7750, 2.0315], got %v", o.Coefficients)
	case !(o.Epsilon > 0):
		return nil, strict.Field("epsilon", "must be positive, got %g", o.Epsilon)
	case o.Steps < 1 || o.Steps > maxNewtonSchulz:
		return nil, strict.Field("ns_steps", "must be from 1 to %d, got %d", maxNewtonSchulz, o.Steps)
	case o.AdjustRate != "original" && o.AdjustRate != "match_rms_adamw" && o.AdjustRate != "spectral_unclamped":
		return nil, strict.Field("adjust_lr_fn", "must be original, match_rms_adamw or spectral_unclamped, got %q", o.AdjustRate)
	case o.Matrices != "hidden" && o.Matrices != "all":
		return nil, strict.Field("matrices", "must be hidden or all, got %q", o.Matrices)
	}
	if err := checkDecay(o.WeightDecay); err != nil {
		return nil, err
	}
	return o, o.Rest.check("rest", muon)
}

func allFinite(v []float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}

func (o Muon) Optimizers() Optimizers { return OptimizersOf(o, bindMuon[float32], bindMuon[float64]) }

// Within is the optimizer of the rest.
func (o Muon) Within() []Choice { return []Choice{o.Rest} }

// Unscalable is what the optimizer of the rest says.
func (o Muon) Unscalable() string {
	if why := WhyUnscalable(o.Rest.Must()); why != "" {
		return fmt.Sprintf("of its rest, %s, %s", o.Rest.Name, why)
	}
	return ""
}

// Period is that of the optimizer of the rest.
func (o Muon) Period() int { return Period(o.Rest.Must()) }

// taken reports for each block whether it is a matrix that is taken.
func (o Muon) taken(l tensor.Layout) []bool {
	taken := make([]bool, len(l.Blocks))
	var matrices []int
	for i, b := range l.Blocks {
		if b.IsMatrix() && b.Len() > 0 {
			matrices = append(matrices, i)
		}
	}
	if o.Matrices == "hidden" {
		if len(matrices) < 3 {
			return taken
		}
		matrices = matrices[1 : len(matrices)-1]
	}
	for _, i := range matrices {
		taken[i] = true
	}
	return taken
}

// Fits refuses weights of which no matrix would be taken.
func (o Muon) Fits(l tensor.Layout) error {
	taken := o.taken(l)
	if !slices.Contains(taken, true) {
		n := 0
		for _, b := range l.Blocks {
			if b.IsMatrix() {
				n++
			}
		}
		return strict.Field("matrices", "of the %d matrices of this model none is %s, since the first and the last do not count: every weight would be left to rest; take matrices: all, a deeper model or another optimizer", n, o.Matrices)
	}
	parts, _ := runs(l, func(i int) bool { return taken[i] })
	for _, p := range parts {
		if err := o.Rest.fits("rest", p); err != nil {
			return err
		}
	}
	return nil
}

// Remarks says which blocks are taken.
func (o Muon) Remarks(l tensor.Layout) []string {
	var own, rest []string
	for i, taken := range o.taken(l) {
		if taken {
			own = append(own, l.Blocks[i].Name)
		} else {
			rest = append(rest, l.Blocks[i].Name)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("muon takes %s; %s takes %s", named(own), o.Rest.Name, named(rest))}
}

// StateBytes counts the momentum of matrices, and the optimizers of the rest.
func (o Muon) StateBytes(l tensor.Layout, value int) int {
	taken, bytes := o.taken(l), 0
	for i, b := range l.Blocks {
		if taken[i] {
			bytes = size.Sum(bytes, size.Product(b.Len(), value))
		}
	}
	parts, _ := runs(l, func(i int) bool { return taken[i] })
	for _, p := range parts {
		bytes = size.Sum(bytes, StateBytes(o.Rest.Must(), p, value))
	}
	return bytes
}

// WorkBytes counts two matrices of the largest size, and two of their smaller side.
func (o Muon) WorkBytes(l tensor.Layout, value int) int {
	taken := o.taken(l)
	longest, side := o.largest(l, taken)
	bytes := size.Sum(size.Product(2, longest, value), size.Product(2, side, side, value))
	parts, _ := runs(l, func(i int) bool { return taken[i] })
	for _, p := range parts {
		bytes = size.Sum(bytes, WorkBytes(o.Rest.Must(), p, value))
	}
	return bytes
}

// largest returns the numbers of the largest matrix, and the largest of the smaller sides.
func (Muon) largest(l tensor.Layout, taken []bool) (longest, side int) {
	for i, b := range l.Blocks {
		if taken[i] {
			rows, cols := sides(b)
			longest, side = max(longest, b.Len()), max(side, min(rows, cols))
		}
	}
	return longest, side
}

type muonOf[T tensor.Float] struct {
	Muon
	p        int
	pool     *tensor.Pool
	matrices []tensor.Block
	m        []T // means of d, which is minus the gradient, of the matrices one behind the other
	x, y     []T // work space of a matrix
	s, q     []T // and of its smaller side squared
	rest     []Optimizer[T]
	inPlace  []InPlace[T] // the rest, if all of it can
	begin    []int        // where each begins in the vector
	lengths  []int
	report   Report

	// Operands of the loop that is running.
	d, w, u, memory, direction []T
	rate, shrink               T
	mean, finish               func(lo, hi int)
}

func bindMuon[T tensor.Float](s Muon, l tensor.Layout, pool *tensor.Pool) Optimizer[T] {
	taken := s.taken(l)
	o := &muonOf[T]{Muon: s, p: l.Len, pool: pool}
	total := 0
	for i, b := range l.Blocks {
		if taken[i] {
			o.matrices = append(o.matrices, b)
			total += b.Len()
		}
	}
	longest, side := s.largest(l, taken)
	o.m, o.x, o.y = make([]T, total), make([]T, longest), make([]T, longest)
	o.s, o.q = make([]T, side*side), make([]T, side*side)
	parts, begin := runs(l, func(i int) bool { return taken[i] })
	o.begin = begin
	able := true
	for _, p := range parts {
		r := New[T](s.Rest.Must(), p, pool)
		o.rest, o.lengths = append(o.rest, r), append(o.lengths, p.Len)
		in, ok := r.(InPlace[T])
		o.inPlace, able = append(o.inPlace, in), able && ok
	}
	mu := s.Momentum
	o.mean = func(lo, hi int) {
		d, m, x := o.d[lo:hi], o.memory[lo:hi], o.direction[lo:hi]
		kernel.Scale(T(mu), m)
		kernel.Axpy(T(1-mu), d, m)
		copy(x, m)
		if s.Nesterov {
			kernel.Scale(T(mu), x)
			kernel.Axpy(T(1-mu), d, x)
		}
	}
	o.finish = func(lo, hi int) {
		x, w := o.direction[lo:hi], o.w[lo:hi]
		kernel.Scale(o.rate, x)
		if o.shrink != 0 {
			kernel.Axpy(-o.shrink, w, x)
		}
		if o.u == nil {
			kernel.Axpy(1, x, w)
		} else {
			copy(o.u[lo:hi], x)
		}
	}
	if able {
		return &muonInPlace[T]{o}
	}
	return o
}

func (o *muonOf[T]) Update(u, d, w []T, t schedules.Time) {
	checkLengths(o.p, u, d, w)
	o.report = Report{}
	for i, r := range o.rest {
		lo, hi := o.begin[i], o.begin[i]+o.lengths[i]
		r.Update(u[lo:hi], d[lo:hi], w[lo:hi], t)
		o.report.add(r)
	}
	o.run(u, d, w, t)
}

// muonInPlace is Muon whose rest can step in place.
type muonInPlace[T tensor.Float] struct{ *muonOf[T] }

var _ InPlace[float32] = (*muonInPlace[float32])(nil)

func (o *muonInPlace[T]) Step(d, w []T, t schedules.Time) {
	checkLengths(o.p, d, w)
	o.report = Report{}
	for i, r := range o.inPlace {
		lo, hi := o.begin[i], o.begin[i]+o.lengths[i]
		r.Step(d[lo:hi], w[lo:hi], t)
		o.report.add(r)
	}
	o.run(nil, d, w, t)
}

func (o *muonOf[T]) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }

func (o *muonOf[T]) Report() Report { return o.report }

// run updates the matrices; a nil u is added to w.
func (o *muonOf[T]) run(u, d, w []T, t schedules.Time) {
	rate, at := o.LearningRate.At(t), 0
	for _, b := range o.matrices {
		n := b.Len()
		o.memory, o.d, o.w, o.u = o.m[at:at+n], tensor.Of(b, d), tensor.Of(b, w), nil
		at += n
		if u != nil {
			o.u = tensor.Of(b, u)
		}
		if !o.orthogonal(b) {
			o.report.fall(FallbackSkipped)
			clear(o.u)
			continue
		}
		o.rate, o.shrink = T(rate*o.adjusted(b)), T(rate*o.WeightDecay)
		o.pool.For(n, grain, o.finish)
	}
	o.memory, o.d, o.w, o.u, o.direction = nil, nil, nil, nil, nil
}

// adjusted is the factor of the rate for the shape of a matrix.
func (o *muonOf[T]) adjusted(b tensor.Block) float64 {
	rows, cols := sides(b)
	m, n := float64(rows), float64(cols)
	switch o.AdjustRate {
	case "match_rms_adamw":
		return 0.2 * math.Sqrt(max(m, n))
	case "spectral_unclamped":
		return math.Sqrt(m / n)
	}
	return math.Sqrt(max(1, m/n))
}

// orthogonal brings the momentum up to date, and sets direction to what it is made orthogonal. It
// reports whether that is finite; if not, the momentum is as it was.
func (o *muonOf[T]) orthogonal(b tensor.Block) bool {
	n := b.Len()
	if !finite[T](tensor.Dot(o.pool, o.d, o.d)) {
		return false
	}
	o.direction = o.x[:n]
	o.pool.For(n, grain, o.mean)
	norm := tensor.Norm2(o.pool, o.direction)
	if !finite[T](norm) {
		return false
	}
	tensor.Scale(o.pool, T(1/max(norm, o.Epsilon)), o.direction)
	began := time.Now()
	var adds int64
	o.direction, adds = o.newtonSchulz(b, o.x[:n], o.y[:n])
	o.report.Products.since(began, adds)
	return finite[T](tensor.Dot(o.pool, o.direction, o.direction))
}

// newtonSchulz makes the steps from x, with the work space y, and returns which of the two has the
// result, and the multiply-adds. Of a matrix with more rows than columns it works on the
// transpose: products are with the smaller side.
func (o *muonOf[T]) newtonSchulz(b tensor.Block, x, y []T) (result []T, adds int64) {
	rows, cols := sides(b)
	tall := rows > cols
	if tall {
		kernel.Transpose(y, rows, x, cols, rows, cols)
		x, y = y, x
		rows, cols = cols, rows
	}
	a, bb, c := T(o.Coefficients[0]), T(o.Coefficients[1]), T(o.Coefficients[2])
	s, q := tensor.View(rows, rows, o.s[:rows*rows]), tensor.View(rows, rows, o.q[:rows*rows])
	for range o.Muon.Steps {
		from, to := tensor.View(rows, cols, x), tensor.View(rows, cols, y)
		tensor.LowerProduct(o.pool, 1, from, from, 0, s)
		tensor.Mirror(o.pool, s)
		tensor.LowerProduct(o.pool, c, s, s, 0, q)
		for i := range rows { // q = a I + b S + c S², below the diagonal
			kernel.Axpy(bb, s.Row(i)[:i+1], q.Row(i)[:i+1])
			q.Row(i)[i] += a
		}
		tensor.Mirror(o.pool, q)
		tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, q, from, 0, to)
		x, y = y, x
	}
	r, k := int64(rows), int64(cols)
	adds = int64(o.Muon.Steps) * (r*(r+1)/2*(k+r) + r*r*k)
	if tall {
		kernel.Transpose(y, rows, x, cols, rows, cols)
		x = y
	}
	return x, adds
}

func (o *muonOf[T]) State() State {
	s := stateOf(map[string][]T{"momentum": o.m})
	for i, r := range o.rest {
		s.add(fmt.Sprintf("rest.%d.", i), r.State())
	}
	return s
}
