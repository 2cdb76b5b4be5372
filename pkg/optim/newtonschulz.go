package optim

import (
	"fmt"
	"math"
	"time"

	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

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
	o.report.Products.Since(began, adds)
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
