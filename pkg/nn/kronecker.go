package nn

import (
	"math"

	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A Kronecker layer multiplies by its weights W, out x in, at R places of an example,
// y_r = W a_r + b e_r: a dense layer at one, a convolution at each position, with the patch there
// for a_r, and a dense layer on jets at each stream, where e_r is 1 for the value and else 0. The
// weights are W, row-major, then b.
type Kronecker struct {
	In, Out int
	Bias    bool
	Places  int // R
}

// Inputs is the side of the factor of the inputs: with a bias, (a_r, e_r) has one number more.
func (k Kronecker) Inputs() int {
	if k.Bias {
		return k.In + 1
	}
	return k.In
}

// A KroneckerLayer is a layer whose op is a [KroneckerOp].
type KroneckerLayer interface {
	Kronecker(in tensor.Shape) Kronecker
}

// A KroneckerOp is the op of a [KroneckerLayer]. Its part of (1/m) Σ omega_i J_iᵀ H_i J_i has the
// approximation A ⊗ G (Martens and Grosse 2015, arXiv 1503.05671; Grosse and Martens 2016, arXiv
// 1602.01407), of the inputs a_ir, with e_ir behind them where there is a bias, and of the signals
// b_icr, which are those of L_i e_c with H_i = L_i L_iᵀ. Where weights are shared between R places it
// is one of two (Eschenhagen et al. 2023, arXiv 2311.00636, section 3): expand,
//
//	A = (1/(Ω R)) Σ_ir omega_i a_ir a_irᵀ,  G = (1/m) Σ_icr b_icr b_icrᵀ,  Ω = Σ_i omega_i,
//
// or reduce, with the mean of inputs over the places and the sum of signals,
//
//	A = (1/Ω) Σ_i omega_i ā_i ā_iᵀ,  G = (1/m) Σ_ic (Σ_r b_icr)(Σ_r b_icr)ᵀ.
//
// For R = 1 they are the same. The methods set the lower triangle of a matrix, and return the
// multiply-adds.
type KroneckerOp[T tensor.Float] interface {
	// InputFactor sets that of a to A, for the mini-batch at which the op is linearized.
	InputFactor(a tensor.Matrix[T], f *Factoring[T]) int64

	// SignalFactor sets that of g to G, out x out, for the signals dy of Backprop, times scale
	// in the place of 1/m.
	SignalFactor(g, dy tensor.Matrix[T], scale float64, f *Factoring[T]) int64
}

var (
	_ KroneckerLayer       = Dense{}
	_ KroneckerLayer       = Conv{}
	_ KroneckerLayer       = jetDense{}
	_ KroneckerOp[float32] = (*dense[float32])(nil)
	_ KroneckerOp[float32] = (*conv[float32])(nil)
	_ KroneckerOp[float32] = (*jetDenseOp[float32])(nil)
)

// Factoring says how factors are made, and has the work space for it, which serves all layers.
type Factoring[T tensor.Float] struct {
	Reduce bool      // reduce, else expand
	Omega  []float64 // weights of the examples; nil: all 1

	rows, ones, patches []T
}

// total is Ω, for m examples.
func (f *Factoring[T]) total(m int) float64 {
	if f.Omega == nil {
		return float64(m)
	}
	var sum float64
	for _, v := range f.Omega {
		sum += v
	}
	return sum
}

// root is √omega_i.
func (f *Factoring[T]) root(i int) T {
	if f.Omega == nil {
		return 1
	}
	return T(math.Sqrt(f.Omega[i]))
}

// over is 1/x, or 0 where there is nothing to divide.
func over(x float64) float64 {
	if x == 0 {
		return 0
	}
	return 1 / x
}

// inputs sets the lower triangle of a to alpha (X e)ᵀ (X e) for inputs X and the column e, which is
// left out without a bias.
func inputs[T tensor.Float](pool *tensor.Pool, a tensor.Matrix[T], alpha T, x tensor.Matrix[T], e []T) int64 {
	n := x.Cols
	tensor.LowerGram(pool, alpha, x, 0, tensor.Matrix[T]{Rows: n, Cols: n, Stride: a.Stride, Data: a.Data})
	if a.Rows > n {
		row := a.Row(n)
		tensor.Combine(pool, x, e, row[:n])
		kernel.Scale(alpha, row[:n])
		row[n] = alpha * T(kernel.Dot(e, e))
	}
	return triangle(a.Rows) * int64(x.Rows)
}

// weighted returns x, m R x n with R rows for each example, and e, with every row times √omega_i:
// in work space, unless there are no weights.
func (f *Factoring[T]) weighted(x tensor.Matrix[T], e []T, places int) tensor.Matrix[T] {
	if f.Omega == nil {
		return x
	}
	to := tensor.View(x.Rows, x.Cols, grow(&f.rows, x.Rows*x.Cols))
	for r := range x.Rows {
		w := f.root(r / places)
		copy(to.Row(r), x.Row(r))
		kernel.Scale(w, to.Row(r))
		e[r] *= w
	}
	return to
}

func (l Dense) Kronecker(in tensor.Shape) Kronecker { return Kronecker{in.C, l.Units, l.Bias, 1} }

func (o *dense[T]) InputFactor(a tensor.Matrix[T], f *Factoring[T]) int64 {
	m := o.x.Rows
	e := grow(&f.ones, m)
	fill(e, 1)
	x := f.weighted(o.x, e, 1)
	return inputs(o.pool, a, T(over(f.total(m))), x, e)
}

func (o *dense[T]) SignalFactor(g, dy tensor.Matrix[T], scale float64, _ *Factoring[T]) int64 {
	tensor.LowerGram(o.pool, T(scale), dy, 0, g)
	return triangle(o.out) * int64(dy.Rows)
}

func (l jetDense) Kronecker(in tensor.Shape) Kronecker {
	return Kronecker{in.W, l.dense.Units, l.dense.Bias, l.Streams()}
}

func (o *jetDenseOp[T]) InputFactor(a tensor.Matrix[T], f *Factoring[T]) int64 {
	s := o.streams
	m := o.x.Rows / s
	if !f.Reduce {
		e := grow(&f.ones, m*s)
		clear(e)
		for i := range m {
			e[i*s] = 1
		}
		x := f.weighted(o.x, e, s)
		return inputs(o.pool, a, T(over(f.total(m)*float64(s))), x, e)
	}
	e, x := grow(&f.ones, m), tensor.View(m, o.in, grow(&f.rows, m*o.in))
	for i := range m {
		w := f.root(i) / T(s)
		sumRows(x.Row(i), o.x.Data[i*s*o.in:], s)
		kernel.Scale(w, x.Row(i))
		e[i] = w
	}
	return inputs(o.pool, a, T(over(f.total(m))), x, e)
}

func (o *jetDenseOp[T]) SignalFactor(g, dy tensor.Matrix[T], scale float64, f *Factoring[T]) int64 {
	rows := o.rows(dy, o.out)
	if f.Reduce {
		rows = tensor.View(dy.Rows, o.out, grow(&f.rows, dy.Rows*o.out))
		for r := range dy.Rows {
			sumRows(rows.Row(r), dy.Row(r), o.streams)
		}
	}
	tensor.LowerGram(o.pool, T(scale), rows, 0, g)
	return triangle(o.out) * int64(rows.Rows)
}

// sumRows sets to to the sum of so many rows of its length.
func sumRows[T tensor.Float](to, x []T, rows int) {
	n := len(to)
	copy(to, x[:n])
	for r := 1; r < rows; r++ {
		kernel.Axpy(1, x[r*n:(r+1)*n], to)
	}
}

// A WeightBlock is a layer with weights of its own, which are Lo to Hi-1 of the flat vector.
type WeightBlock struct {
	Path, Kind string // as in [Net.Table]
	Lo, Hi     int
	Factors    *Kronecker // nil: the layer is none
}

// WeightBlocks returns the layers with weights, the first first, those inside a composite one by one.
func (n *Net) WeightBlocks() []WeightBlock { return n.weightBlocks("", 0) }

func (c *chain) weightBlocks(prefix string, offset int) (list []WeightBlock) {
	for i, l := range c.layers {
		path, lo := c.path(prefix, i), offset+l.offset
		if inside := l.inside(); len(inside) > 0 {
			for _, b := range inside {
				list = append(list, b.weightBlocks(path+"."+b.name+".", lo)...)
				lo += b.params
			}
			continue
		}
		if l.size.NumParams() == 0 {
			continue
		}
		b := WeightBlock{Path: path, Kind: l.kind, Lo: lo, Hi: lo + l.size.NumParams()}
		if k, ok := l.Layer.(KroneckerLayer); ok {
			factors := k.Kronecker(l.in)
			b.Factors = &factors
		}
		list = append(list, b)
	}
	return list
}

// FactorMemory returns the bytes that s signals of m examples take on their way back, with the
// work space of a [Factoring] and of [SquaredRows], where a number takes so many bytes.
func (n *Net) FactorMemory(m, s, value int, reduce bool) int {
	values := size.Sum(size.Product(n.signalValues(), s, m), n.runSpace(m, s))
	var rows, patches, explicit int
	n.eachFactored(func(l namedLayer) {
		if k, ok := l.Layer.(KroneckerLayer); ok {
			f := k.Kronecker(l.in)
			if c, ok := l.Layer.(Conv); ok {
				patches = max(patches, factorColumns(c.shape(l.in), m, s))
			} else if f.Places > 1 { // of equations, whose examples have weights
				rows = max(rows, size.Product(m, f.Places, f.In))
			}
			if reduce && f.Places > 1 {
				rows = max(rows, size.Product(m, f.In), size.Product(m, s, f.Out))
			}
			return
		}
		rowsOf := size.Product(size.Sum(size.Product(m, s), 1), l.size.NumParams())
		explicit = size.Sum(explicit, rowsOf)
	})
	return size.Product(value, size.Sum(values, rows, patches, explicit))
}

// eachFactored calls f for every layer with weights of its own.
func (c *chain) eachFactored(f func(namedLayer)) {
	for _, l := range c.layers {
		inside := l.inside()
		for _, b := range inside {
			b.eachFactored(f)
		}
		if len(inside) == 0 && l.size.NumParams() > 0 {
			f(l)
		}
	}
}
