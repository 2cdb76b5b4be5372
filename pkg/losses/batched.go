package losses

import (
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A Batched loss makes values and gradients of all examples of a mini-batch together, with the same
// bits as one by one. It is worth the while where an example has fewer outputs than vectors have
// numbers, and a call costs more than what it computes.
type Batched interface {
	Loss

	// Total returns Σ omega_i loss(z_i) over the rows of z and y, m x k, added up from the first to
	// the last. Without omega all weights are 1.
	Total(z, y tensor.Matrix[float64], omega []float64) float64

	// Grads sets row i of dst, m x k, to the gradient at row i of z.
	Grads(dst, z, y tensor.Matrix[float64])
}

var _ Batched = Logistic{}

// expRows and expNumbers are how many examples, and how many outputs of them, one call of the
// exponential takes: few enough for work space on the stack.
const (
	expRows    = 32
	expNumbers = 320
)

// exps sets e, as long as z has numbers, to exp(z_ij - z_im) for the largest z_im of each row i,
// whose position is at[i].
func exps(e []float64, at []int, z tensor.Matrix[float64]) {
	for i := range z.Rows {
		row := z.Row(i)
		m := argmax(row)
		at[i] = m
		to := e[i*z.Cols:][:len(row)]
		for j, v := range row {
			to[j] = v - row[m]
		}
	}
	kernel.ExpOnStack(e)
}

// tailOf is the tail of a row of exps.
func tailOf(e []float64, m int) (sum float64) {
	for j, v := range e {
		if j != m {
			sum += v
		}
	}
	return sum
}

// scaled is omega_i v, or v where there are no weights.
func scaled(v float64, omega []float64, i int) float64 {
	if omega == nil {
		return v
	}
	return v * omega[i]
}

// Total is the sum of Value.
func (l Logistic) Total(z, y tensor.Matrix[float64], omega []float64) (total float64) {
	k := z.Cols
	if k > expNumbers {
		for i := range z.Rows {
			total += scaled(l.Value(z.Row(i), y.Row(i)), omega, i)
		}
		return total
	}
	var work [expNumbers]float64
	var at [expRows]int
	for lo, hi := 0, 0; lo < z.Rows; lo = hi {
		hi = min(lo+expRows, lo+expNumbers/k, z.Rows)
		exps(work[:(hi-lo)*k], at[:], z.RowRange(lo, hi))
		for i := lo; i < hi; i++ {
			e, m := work[(i-lo)*k:][:k], at[i-lo]
			total += scaled(valueAt(z.Row(i), y.Row(i), m, tailOf(e, m)), omega, i)
		}
	}
	return total
}

// Grads is Grad of every row.
func (l Logistic) Grads(dst, z, y tensor.Matrix[float64]) {
	k := z.Cols
	if k > expNumbers {
		for i := range z.Rows {
			l.Grad(dst.Row(i), z.Row(i), y.Row(i))
		}
		return
	}
	var work [expNumbers]float64
	var at [expRows]int
	for lo, hi := 0, 0; lo < z.Rows; lo = hi {
		hi = min(lo+expRows, lo+expNumbers/k, z.Rows)
		exps(work[:(hi-lo)*k], at[:], z.RowRange(lo, hi))
		for i := lo; i < hi; i++ {
			e, m := work[(i-lo)*k:][:k], at[i-lo]
			gradAt(dst.Row(i), e, y.Row(i), m, tailOf(e, m))
		}
	}
}
