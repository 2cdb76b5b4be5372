package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// What rows a [rowGN] takes: which examples, and which signals of each.

// streamCurvature tells the stream of random numbers from those of other uses of a seed.
const streamCurvature = 0x63_75_72_76

// choose draws so many of the m examples as the curvature is made of, in their order: a partial
// shuffle (Fisher and Yates).
func (o *rowGN[T]) choose(m int) []int {
	index := o.roomIndex[:m]
	for i := range index {
		index[i] = i
	}
	n := min(o.curvature.Examples.of(m), m)
	if n == m {
		return index
	}
	for i := range n {
		j := i + o.rng.IntN(m-i)
		index[i], index[j] = index[j], index[i]
	}
	return index[:n]
}

// signals returns L_i eps_c for row c n + i: random signs eps, or for all outputs rows of the
// identity.
func (o *rowGN[T]) signals(loss losses.Weighted, z, y tensor.Matrix[float64]) tensor.Matrix[float64] {
	if o.s = z.Cols; o.curvature.Kind == sampled {
		o.s = o.curvature.Samples
	}
	sent := o.roomSent.RowRange(0, o.n*o.s)
	factor := ggnFactor{loss, o.roomAt.RowRange(0, o.n)}
	factor.set(z, y)
	for i := range o.n {
		for c := range o.s {
			if o.curvature.Kind == sampled {
				o.signs(o.eps)
			} else {
				clear(o.eps)
				o.eps[c] = 1
			}
			loss.MulFactorOf(i, sent.Row(c*o.n+i), o.eps, factor.at.Row(i))
		}
	}
	return sent
}

// signs draws -1 and 1, each with probability 1/2.
func (o *rowGN[T]) signs(eps []float64) {
	var bits uint64
	for j := range eps {
		if j%64 == 0 {
			bits = o.chance.Uint64()
		}
		eps[j] = float64(int(bits>>(j%64)&1)*2 - 1)
	}
}

// exampleSignals returns √(omega_i beta_i) n_i, where n_i·f_i is the one number of an example that
// its loss is a function of, and beta_i the curvature of that.
func (o *rowGN[T]) exampleSignals(loss losses.Weighted, z, y tensor.Matrix[float64]) tensor.Matrix[float64] {
	sent := o.roomSent.RowRange(0, o.n)
	for i := range o.n {
		n := sent.Row(i)
		phi, theta, _ := losses.ScalarOf(loss.Loss, n, z.Row(i), y.Row(i))
		beta := curvatureOf(o.curvature.Kind, phi, theta, identityOf(n))
		if loss.Omega != nil {
			beta *= loss.Omega[i]
		}
		tensor.Scale(nil, math.Sqrt(beta), n)
	}
	return sent
}

// ownGradients returns √omega_i grad loss_i of the examples of another mini-batch.
func (o *rowGN[T]) ownGradients(loss losses.Weighted, z, y tensor.Matrix[float64]) tensor.Matrix[float64] {
	sent := o.roomSent.RowRange(0, o.n)
	for i := range o.n {
		loss.Grad(sent.Row(i), z.Row(i), y.Row(i))
		if loss.Omega != nil {
			tensor.Scale(nil, math.Sqrt(loss.Omega[i]), sent.Row(i))
		}
	}
	return sent
}

// unweigh returns 1/√omega_i, which makes √omega_i grad loss_i of the gradient's signals
// omega_i grad loss_i; nil without weights.
func (o *rowGN[T]) unweigh(omega []float64) []float64 {
	if omega == nil {
		return nil
	}
	scale := o.scale[:len(omega)]
	for i, v := range omega {
		if scale[i] = 0; v > 0 {
			scale[i] = 1 / math.Sqrt(v)
		}
	}
	return scale
}
