package nn

import "github.com/dualgn/dgn/pkg/tensor"

// Rows sets a = J, (m k) x p, row i k + c for output c of example i, from k back-propagations.
// It returns the multiply-adds. Kept rows are forgotten.
func (l *Linearization[T]) Rows(a tensor.Matrix[T]) int64 {
	if a.Rows != l.rows*l.out.Cols || a.Cols != l.net.params {
		panic("nn: Rows: the matrix has the wrong shape")
	}
	return l.keep(l.units(), true, keeper[T]{room: jacobianLength, rows: a}, 0)
}

// A rowsOp is a [GramOp] that writes its rows of J, after Keep with room for all of them.
type rowsOp[T tensor.Float] interface {
	// writeRows sets a, (m s) x n for n weights, row i s + c for signal c of example i. It
	// returns the multiply-adds.
	writeRows(a tensor.Matrix[T]) int64
}

var (
	_ rowsOp[float32] = (*Explicit[float32])(nil)
	_ rowsOp[float32] = (*dense[float32])(nil)
	_ rowsOp[float32] = (*conv[float32])(nil)
)

// columns returns columns lo to hi-1.
func columns[T tensor.Float](a tensor.Matrix[T], lo, hi int) tensor.Matrix[T] {
	return tensor.Matrix[T]{Rows: a.Rows, Cols: hi - lo, Stride: a.Stride, Data: a.Data[lo:]}
}

// rowsOf writes the rows of a layer, by products with unit vectors if it has no better way.
func (k *keeper[T]) rowsOf(op GramOp[T], a tensor.Matrix[T]) (adds int64) {
	if o, ok := op.(rowsOp[T]); ok {
		return o.writeRows(a)
	}
	unit := tensor.New[T](k.lin.rows, a.Rows/k.lin.rows)
	for r := range a.Rows {
		unit.Data[r] = 1
		adds += op.Combine(a.Row(r), unit)
		unit.Data[r] = 0
	}
	return adds
}

func (e *Explicit[T]) writeRows(a tensor.Matrix[T]) int64 {
	for r := range a.Rows {
		copy(a.Row(r), e.jac.Row(r))
	}
	return 0
}

// writeRows sets the rows delta aᵀ, and delta for the bias.
func (o *dense[T]) writeRows(a tensor.Matrix[T]) int64 {
	m := o.x.Rows
	s := a.Rows / m
	for r := range a.Rows {
		row, x, delta := a.Row(r), o.x.Row(r/s), o.rows.dy.Row(r%s*m+r/s)
		for c, v := range delta {
			to := row[c*o.in : (c+1)*o.in]
			for j, in := range x {
				to[j] = v * in
			}
		}
		if o.bias {
			copy(row[o.in*o.out:], delta)
		}
	}
	return int64(a.Rows) * int64(o.in*o.out)
}

func (o *conv[T]) writeRows(a tensor.Matrix[T]) int64 {
	weight, bias := o.held(o.op.Out.C)
	for r := range a.Rows {
		copy(a.Row(r), weight.Row(r))
		if o.bias {
			copy(a.Row(r)[weight.Cols:], bias.Row(r))
		}
	}
	return 0
}
