package nn

import (
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// The signals of all k outputs go back through a last layer z -> W z + b, dense and behind a relu, without a product: that of
// output c and example i is row c of W where z_i is above 0, and 0 elsewhere. So the k signals of an example share their
// zeros, and a dense layer before that relu, of weights V, leaves them out of its product:
//
//	W D_i V,  D_i = diag(z_i > 0)
//
// About half of the terms are 0 (docs/math.md section 5). Counts of multiply-adds have them all.

// fewestGated is the number of outputs from which on leaving zeros out takes less time than a product with them. To look up
// which term comes next takes the same time for any number of outputs, so few do not pay for it. On an EPYC of Zen 3 (AVX2) a
// layer of 256 inputs and 256 units took 0.99 to 1.18 of the time with two outputs of the network, 0.82 to 0.91 with three,
// and about 0.55 with ten.
const fewestGated = 3

// gathers reports whether unit signals go back through the last layer without a product, see tape.gathering.
func (n *Net) gathers() bool {
	layers := n.changing()
	last := len(layers) - 1
	if last < 2 || !layers[last-2].endsRun() {
		return false
	}
	_, dense := layers[last].Layer.(Dense)
	_, relu := layers[last-1].Layer.(ReLU)
	return dense && relu
}

// sharedZeros returns the number of units of the dense layer that leaves out the zeros of unit signals of k outputs, or 0 if none
// does, see passes. The first layer with weights sends nothing back.
func (n *Net) sharedZeros(k int) int {
	if k < fewestGated || !n.gathers() {
		return 0
	}
	layers := n.changing()
	i := len(layers) - 3
	layer, dense := layers[i].Layer.(Dense)
	if !dense || layers[i].offset == 0 {
		return 0
	}
	if _, relu := layers[i-1].Layer.(ReLU); relu {
		i--
	}
	if i == 0 || !layers[i-1].endsRun() {
		return 0
	}
	return layer.Units
}

// endsRun reports whether a run of ops from above stops before the layer, see runFrom: it has weights, or is composite.
func (l namedLayer) endsRun() bool { return l.size.NumParams() > 0 || len(l.inside()) > 0 }

// gathering returns op i, if it is the last layer, dense, and unit signals have only a relu before it to pass until they come to
// op last-1, which has weights or is composite.
func (t *tape[T]) gathering(w *walk[T], i, last int) *dense[T] {
	if !w.units || t.depth > 0 || i != len(t.ops)-1 || last != i-1 || t.gated(i, last) == nil {
		return nil
	}
	o, _ := t.ops[i].op.(*dense[T])
	return o
}

// passes reports whether op i leaves out zeros of the unit signals of o: a dense layer, with nothing but a relu between it and the
// layer with weights before it, and enough outputs.
func (o *dense[T]) passes(t *tape[T], i int) bool {
	if o == nil || o.out < fewestGated || i < 0 {
		return false
	}
	if _, dense := t.ops[i].op.(*dense[T]); !dense {
		return false
	}
	last := t.runFrom(i)
	return i == last || i == last+1 && t.gated(i, last) != nil
}

// vjpUnits sets row c m + i of dx to row c of W where x_i is above 0, and to 0 elsewhere.
func (o *dense[T]) vjpUnits(dx tensor.Matrix[T]) {
	if o.rows.unit == nil {
		o.rows.unit = o.unitRows
	}
	o.rows.v = dx
	o.pool.For(dx.Rows, max(1, pointwiseGrain/o.in), o.rows.unit)
	o.rows.v = tensor.Matrix[T]{}
}

func (o *dense[T]) unitRows(lo, hi int) {
	m := o.x.Rows
	for r := lo; r < hi; r++ {
		kernel.Gate(o.x.Row(r%m), o.w.Row(r/m), o.rows.v.Row(r))
	}
}

// vjpUnitsOf sets dx to what goes back of the signals that vjpUnits of the layer above makes, and to 0 where x is 0 or below if
// gated.
func (o *dense[T]) vjpUnitsOf(above *dense[T], dx tensor.Matrix[T], gated bool) {
	var gate tensor.Matrix[T]
	if gated {
		gate = o.x
	}
	tensor.GatedProducts(o.pool, above.w, above.x, o.w, gate, dx)
}
