package nn

import "github.com/dualgn/dgn/pkg/tensor"

var _ GramOp[float32] = (*conv[float32])(nil)

// jacobianLength bounds the values of the Jacobian that Gram holds at a time,
// unless one filter needs more.
const jacobianLength = 1 << 22

// With the patches a_i (P x q) of example i and its signal delta_ic (o x P) for
// output c, the gradient of the output is J_ic = delta_ic a_i (o x q), and for
// the bias the row sums of delta_ic. Gram makes it for some filters at a time,
// for all examples and outputs, and adds the products (docs/math.md section 5).

// gradient sets row to J_ic of filters lo to hi-1: weights, then biases.
func (o *conv[T]) gradient(row []T, i int, signal []T, lo, hi int) {
	n := (hi - lo) * o.op.Taps()
	var bias []T
	if o.bias {
		bias = row[n:]
	}
	p := o.op.Positions()
	some := tensor.View(1, (hi-lo)*p, signal[lo*p:hi*p])
	o.op.Weight(o.x.RowRange(i, i+1), some, row[:n], bias)
}

// columns is the number of weights of some filters.
func (o *conv[T]) columns(filters int) int {
	n := filters * o.op.Taps()
	if o.bias {
		n += filters
	}
	return n
}

// chunk returns how many filters' columns to hold for so many rows of J.
func (o *conv[T]) chunk(rows int) int {
	return min(o.op.Out.C, max(1, jacobianLength/(rows*o.columns(1))))
}

// hold returns a matrix for the Jacobian of some filters.
func (o *conv[T]) hold(rows, filters int) tensor.Matrix[T] {
	n := rows * o.columns(filters)
	if len(o.jacobian) < n {
		o.jacobian = make([]T, n)
	}
	return tensor.View(rows, o.columns(filters), o.jacobian[:n])
}

func (o *conv[T]) Gram(a tensor.Matrix[float64], dy tensor.Matrix[T]) int64 {
	m := o.x.Rows
	k := dy.Rows / m
	if o.pairs.Rows < m {
		o.pairs = tensor.New[T](m, m)
	}
	pairs := o.pairs.RowRange(0, m)
	pairs.Cols = m
	step := o.chunk(m * k)
	for lo := 0; lo < o.op.Out.C; lo += step {
		hi := min(lo+step, o.op.Out.C)
		jac := o.hold(m*k, hi-lo) // row c m + i
		for r := range m * k {
			o.gradient(jac.Row(r), r%m, dy.Row(r), lo, hi)
		}
		for c := range k {
			for d := c; d < k; d++ {
				tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, jac.RowRange(c*m, (c+1)*m), jac.RowRange(d*m, (d+1)*m), 0, pairs)
				for i := range m {
					for j, v := range pairs.Row(i) {
						a.Row(i*k + c)[j*k+d] += float64(v)
						if c != d {
							a.Row(j*k + d)[i*k+c] += float64(v)
						}
					}
				}
			}
		}
	}
	return int64(m*k)*o.op.MultiplyAdds() + int64(m*m*k*(k+1)/2)*int64(o.columns(o.op.Out.C))
}

func (o *conv[T]) GramBlocks(b tensor.Matrix[float64], dy tensor.Matrix[T]) int64 {
	m := o.x.Rows
	k := dy.Rows / m
	step := o.chunk(k)
	for lo := 0; lo < o.op.Out.C; lo += step {
		hi := min(lo+step, o.op.Out.C)
		jac := o.hold(k, hi-lo)
		for i := range m {
			for c := range k {
				o.gradient(jac.Row(c), i, dy.Row(c*m+i), lo, hi)
				for d := range c + 1 {
					v := tensor.Dot(nil, jac.Row(c), jac.Row(d))
					b.Row(i*k + c)[d] += v
					if c != d {
						b.Row(i*k + d)[c] += v
					}
				}
			}
		}
	}
	return int64(m*k)*o.op.MultiplyAdds() + int64(m*k*(k+1)/2)*int64(o.columns(o.op.Out.C))
}
