package oracles

import (
	"math"
	"time"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A kfacBlock is a layer with weights lo to hi-1.
type kfacBlock[T tensor.Float] struct {
	lo, hi   int
	shape    *nn.Kronecker
	factors  [2][]T // means of A and G, both triangles; none if there are no means
	inverses [2][]T // of the damped ones
	diagonal []T    // of the curvature, of a layer without factors

	updates int  // that the means are of
	ready   bool // there are inverses, or a diagonal
}

func newKFACBlock[T tensor.Float](b nn.WeightBlock, means bool) kfacBlock[T] {
	k := kfacBlock[T]{lo: b.Lo, hi: b.Hi, shape: b.Factors}
	if k.shape == nil {
		k.diagonal = make([]T, b.Hi-b.Lo)
		return k
	}
	for i, n := range k.sides() {
		if k.inverses[i] = make([]T, n*n); means {
			k.factors[i] = make([]T, n*n)
		}
	}
	return k
}

// sides are those of A and G.
func (b *kfacBlock[T]) sides() [2]int { return [2]int{b.shape.Inputs(), b.shape.Out} }

// Visit brings the layer that signals have reached up to date.
func (o *kfacOracle[T]) Visit(v nn.Visited[T]) {
	b := &o.blocks[0]
	for i := range o.blocks {
		if b = &o.blocks[i]; b.lo == v.Lo {
			break
		}
	}
	if b.shape == nil {
		o.squares(b, v)
		return
	}
	op := v.Op.(nn.KroneckerOp[T])
	sides := b.sides()
	a, g := square(o.fresh[0], sides[0]), square(o.fresh[1], sides[1])
	o.report.Counters.MultiplyAdds += op.InputFactor(a, &o.factoring) + op.SignalFactor(g, v.Signals, 1/o.m, &o.factoring)
	// Every element is in a square on the diagonal: a trace is finite only if all of them are.
	if !finite(trace(a)) || !finite(trace(g)) {
		o.failed(b)
		return
	}
	b.updates++
	for i, f := range [2]tensor.Matrix[T]{a, g} {
		tensor.Mirror(o.pool, f)
		if b.factors[i] != nil {
			o.mean(b, b.factors[i], f.Data)
		}
	}
	if o.options.EMA > 0 {
		a, g = square(b.factors[0], sides[0]), square(b.factors[1], sides[1])
	}
	// pi balances the two: it is the ratio of their mean eigenvalues' roots.
	lambda, pi := math.Sqrt(1/o.gammaPrime), math.Sqrt(trace(a)/float64(sides[0])/(trace(g)/float64(sides[1])))
	if !finite(pi) || pi == 0 {
		pi = 1
	}
	// New inverses are made beside those before, which stay if either cannot be made.
	if !o.invert(a, pi*lambda, o.fresh[0]) || !o.invert(g, lambda/pi, o.fresh[1]) {
		o.failed(b)
		return
	}
	for i, n := range sides {
		copy(b.inverses[i], o.fresh[i][:n*n])
	}
	b.ready = true
}

// squares brings the diagonal of a layer without factors up to date.
func (o *kfacOracle[T]) squares(b *kfacBlock[T], v nn.Visited[T]) {
	to := o.fresh[0]
	if len(to) < b.hi-b.lo {
		to = o.spare()
	}
	to = to[:b.hi-b.lo]
	o.report.Counters.MultiplyAdds += nn.SquaredRows(v, to)
	var sum float64
	for i := range to {
		to[i] /= T(o.m)
		sum += float64(to[i])
	}
	if !finite(sum) {
		o.failed(b)
		return
	}
	b.updates++
	o.mean(b, b.diagonal, to)
	b.ready = true
}

// mean takes what is new into a mean of so many updates, itself among them.
func (o *kfacOracle[T]) mean(b *kfacBlock[T], to, fresh []T) {
	rest := min(1-1/float64(b.updates), o.options.EMA)
	if rest == 0 {
		copy(to, fresh)
		return
	}
	tensor.Scale(o.pool, T(rest), to)
	tensor.Axpy(o.pool, T(1-rest), fresh, to)
}

// failed notes that a layer keeps what it has, or has nothing. An oracle that remembers nothing keeps
// nothing either, so that directions do not depend on earlier calls.
func (o *kfacOracle[T]) failed(b *kfacBlock[T]) {
	if b.ready = b.ready && o.remembers(); b.ready {
		o.fall(FactorStale)
	} else {
		o.fall(FactorNone)
	}
}

// jitters are what is added to the diagonal of a factor that has no inverse, in rounding errors of
// the precision times the trace.
var jitters = [...]float64{0, 4, 256, 16384}

// invert sets to to the inverse of a factor plus damping, in float64, and reports whether there is
// one.
func (o *kfacOracle[T]) invert(f tensor.Matrix[T], damping float64, to []T) bool {
	began := time.Now()
	defer func() { o.report.Factored.Time += time.Since(began) }()
	n := f.Rows
	stride := tensor.FactorStride(n)
	a := tensor.Matrix[float64]{Rows: n, Cols: n, Stride: stride, Data: o.wide[:n*stride]}
	t := trace(f)
	for try, jitter := range jitters {
		for i := range n {
			tensor.Convert(a.Row(i)[i:], f.Row(i)[i:])
			a.Row(i)[i] += damping + jitter*unit[T]()*t
		}
		adds, ok := o.inverse.Invert(o.pool, a)
		o.report.Counters.MultiplyAdds += adds
		o.report.Factored.MultiplyAdds += adds
		if ok {
			if try > 0 {
				o.fall(FactorJitter)
			}
			for i := range n {
				tensor.Convert(to[i*n:(i+1)*n], a.Row(i))
			}
			return true
		}
	}
	return false
}

// step makes the part of d of a layer.
func (o *kfacOracle[T]) step(b *kfacBlock[T]) {
	q, d := o.q[b.lo:b.hi], o.d[b.lo:b.hi]
	switch {
	case !b.ready:
		o.fall(FactorNone)
		copy(d, q)
		tensor.Scale(o.pool, T(-o.gammaOverM), d)
		return
	case b.shape == nil:
		lambda := 1 / o.gammaPrime
		for j, v := range b.diagonal {
			d[j] = T(-o.count * float64(q[j]) / (float64(v) + lambda))
		}
		return
	}
	n, in, out := b.shape.Inputs(), b.shape.In, b.shape.Out
	grad, left, all := tensor.View(out, n, q[:min(len(q), out*n)]), tensor.View(out, n, o.products[1][:out*n]), d
	if b.shape.Bias { // next to each other in memory, rows and bias
		grad, all = tensor.View(out, n, o.products[0][:out*n]), o.products[0][:out*n]
		for c := range out {
			copy(grad.Row(c), q[c*in:(c+1)*in])
			grad.Row(c)[in] = q[out*in+c]
		}
	}
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, square(b.inverses[1], out), grad, 0, left)
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, T(-o.count), left, square(b.inverses[0], n), 0, tensor.View(out, n, all))
	o.report.Counters.MultiplyAdds += int64(out) * int64(n) * int64(out+n)
	if b.shape.Bias {
		for c := range out {
			row := all[c*n : (c+1)*n]
			copy(d[c*in:(c+1)*in], row)
			d[out*in+c] = row[in]
		}
	}
}

// square returns the n x n matrix at the beginning of memory.
func square[T tensor.Float](data []T, n int) tensor.Matrix[T] { return tensor.View(n, n, data[:n*n]) }

// trace returns the sum of the diagonal of a square matrix.
func trace[T tensor.Float](a tensor.Matrix[T]) (sum float64) {
	for i := range a.Rows {
		sum += float64(a.Data[i*a.Stride+i])
	}
	return sum
}
