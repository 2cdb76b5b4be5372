package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// factorLength bounds the values of patches, or of signals, of which a factor of a convolution is
// made at a time, unless one example has more.
const factorLength = 1 << 19

// The rows of a matrix of patches or signals are those of all examples that it has, next to each
// other: taps, or filters, x (examples positions).

// factorColumns is the number of values of these matrices at most.
func factorColumns(s tensor.ConvShape, m, signals int) int {
	p := s.Positions()
	values := func(rows, examples int) int {
		return size.Product(rows, p, min(examples, max(1, factorLength/max(1, size.Product(rows, p)))))
	}
	return max(values(size.Sum(s.Taps(), 1), m), values(s.Out.C, size.Product(m, signals)))
}

func (l Conv) Kronecker(in tensor.Shape) Kronecker {
	s := l.shape(in)
	return Kronecker{s.Taps(), l.Filters, l.Bias, s.Positions()}
}

// InputFactor makes A of patches of some examples after others.
func (o *conv[T]) InputFactor(a tensor.Matrix[T], f *Factoring[T]) int64 {
	m, p, q := o.x.Rows, o.op.Positions(), o.op.Taps()
	rows := q
	if o.bias {
		rows++
	}
	step := min(m, max(1, factorLength/(rows*p)))
	var means tensor.Matrix[T]
	var ones []T
	if f.Reduce {
		means, ones = tensor.View(m, q, grow(&f.rows, m*q)), grow(&f.ones, m)
	} else {
		for i := range a.Rows {
			clear(a.Row(i))
		}
	}
	for lo := 0; lo < m; lo += step {
		hi := min(lo+step, m)
		all := tensor.View(rows, (hi-lo)*p, grow(&f.patches, rows*(hi-lo)*p))
		o.op.Patches(o.x.RowRange(lo, hi), all.RowRange(0, q))
		if f.Reduce {
			for i := lo; i < hi; i++ {
				w := float64(f.root(i)) / float64(p)
				for j := range q {
					means.Row(i)[j] = T(w * kernel.Sum(all.Row(j)[(i-lo)*p:(i-lo+1)*p]))
				}
				ones[i] = f.root(i)
			}
			continue
		}
		if o.bias {
			fill(all.Row(q), 1)
		}
		if f.Omega != nil {
			for i := lo; i < hi; i++ {
				for j := range rows {
					kernel.Scale(f.root(i), all.Row(j)[(i-lo)*p:(i-lo+1)*p])
				}
			}
		}
		tensor.AddSymmetric(o.pool, all, a)
	}
	if f.Reduce {
		return inputs(o.pool, a, T(over(f.total(m))), means, ones)
	}
	scaleRows(a, T(over(f.total(m)*float64(p))))
	return triangle(rows) * int64(m) * int64(p)
}

// SignalFactor makes G of some signals after others.
func (o *conv[T]) SignalFactor(g, dy tensor.Matrix[T], scale float64, f *Factoring[T]) int64 {
	p, out := o.op.Positions(), o.op.Out.C
	if f.Reduce {
		sums := tensor.View(dy.Rows, out, grow(&f.rows, dy.Rows*out))
		for r := range dy.Rows {
			for c := range out {
				sums.Row(r)[c] = T(kernel.Sum(dy.Row(r)[c*p : (c+1)*p]))
			}
		}
		tensor.LowerGram(o.pool, T(scale), sums, 0, g)
		return triangle(out) * int64(dy.Rows)
	}
	for i := range g.Rows {
		clear(g.Row(i))
	}
	step := min(dy.Rows, max(1, factorLength/(out*p)))
	for lo := 0; lo < dy.Rows; lo += step {
		hi := min(lo+step, dy.Rows)
		all := tensor.View(out, (hi-lo)*p, grow(&f.patches, out*(hi-lo)*p))
		for r := lo; r < hi; r++ {
			for c := range out {
				copy(all.Row(c)[(r-lo)*p:], dy.Row(r)[c*p:(c+1)*p])
			}
		}
		tensor.AddSymmetric(o.pool, all, g)
	}
	scaleRows(g, T(scale))
	return triangle(out) * int64(dy.Rows) * int64(p)
}

// scaleRows multiplies the lower triangle of a matrix.
func scaleRows[T tensor.Float](a tensor.Matrix[T], by T) {
	for i := range a.Rows {
		kernel.Scale(by, a.Row(i)[:i+1])
	}
}
