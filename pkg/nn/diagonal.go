package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// SquaredRows sets to, a number for each weight of a layer, to the sum of the squares of its rows
// of J, of the signals dy of Backprop: the diagonal of Jᵀ J. It returns the multiply-adds.
func SquaredRows[T tensor.Float](v Visited[T], to []T) int64 {
	op := v.Op.(GramOp[T])
	adds := op.Keep(v.Signals, size.Max) + int64(v.Signals.Rows)*int64(len(to))
	if o, ok := op.(interface{ squaredRows(to []T) }); ok {
		o.squaredRows(to)
		return adds
	}
	// Of an op with a J of its own making, rows come by products with unit vectors.
	m := v.Inputs.Rows
	unit, row := tensor.New[T](m, v.Signals.Rows/m), make([]T, len(to))
	clear(to)
	for r := range unit.Data {
		unit.Data[r] = 1
		adds += op.Combine(row, unit)
		unit.Data[r] = 0
		kernel.MultiplyAdd(row, row, to)
	}
	return adds
}

func (e *Explicit[T]) squaredRows(to []T) {
	clear(to)
	for r := range e.jac.Rows {
		kernel.MultiplyAdd(e.jac.Row(r), e.jac.Row(r), to)
	}
}
