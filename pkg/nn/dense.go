package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "dense", Doc: "y = W x + b on vectors"},
		Dense{Bias: true, Initializer: autoInit}, newDense,
		Dense{Units: 3, Bias: true, Initializer: autoInit}, Dense{Units: 5, Initializer: "lecun_uniform"})
}

// Dense is y = W x + b. Its weights are W (out x in, row-major), then b.
type Dense struct {
	Units       int    `yaml:"units" doc:"number of outputs"`
	Bias        bool   `yaml:"bias" doc:"whether there is a b"`
	Initializer string `yaml:"init" doc:"initializer of W; auto: the one the next activation recommends"`
}

var (
	_ Layer         = Dense{}
	_ Initializable = Dense{}
)

func newDense(l Dense) (Layer, error) {
	if l.Units <= 0 {
		return nil, strict.Field("units", "must be a positive number, got %d", l.Units)
	}
	if err := atMost("units", maxSide, l.Units); err != nil {
		return nil, err
	}
	return l, checkInit(l.Initializer)
}

func (l Dense) Size(in tensor.Shape) (Size, error) {
	if !in.IsVector() {
		return Size{}, fmt.Errorf("takes vectors, not examples of shape %s; put a flatten layer before it", in)
	}
	n := int64(size.Product(in.C, l.Units))
	s := Size{
		Out:     tensor.Shape{C: l.Units, H: 1, W: 1},
		Params:  []Param{{"weight", []int{l.Units, in.C}}},
		Forward: n, Weight: n, Input: n,
	}
	if l.Bias {
		s.Params = append(s.Params, Param{"bias", []int{l.Units}})
	}
	return s, nil
}

// Init draws W; b starts at 0.
func (l Dense) Init(w []float64, in tensor.Shape, next Layer, rng *rand.Rand) {
	clear(w)
	initialize(l.Initializer, next, w[:l.Units*in.C], in.C, l.Units, rng)
}

func (l Dense) Ops() Ops { return OpsOf(l, newDenseOp[float32], newDenseOp[float64]) }

func newDenseOp[T tensor.Float](l Dense, at Site) Op[T] {
	return &dense[T]{pool: at.Pool, in: at.In.C, out: l.Units, bias: l.Bias}
}

type dense[T tensor.Float] struct {
	pool    *tensor.Pool
	in, out int
	bias    bool

	x, w tensor.Matrix[T] // m x in and out x in, at which the layer is linearized

	inputs, pairs tensor.Matrix[T] // m x m, for Gram
}

// split takes weights, or a tangent of them, apart.
func (o *dense[T]) split(w []T) (weight tensor.Matrix[T], bias []T) {
	n := o.in * o.out
	return tensor.View(o.out, o.in, w[:n]), w[n:]
}

// Forward sets Y = X Wᵀ + 1 bᵀ.
func (o *dense[T]) Forward(y, x tensor.Matrix[T], w []T) {
	weight, bias := o.split(w)
	o.x, o.w = x, weight
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, x, weight, 0, y)
	if o.bias {
		tensor.AddRow(o.pool, bias, y)
	}
}

// JVP sets dY = X dWᵀ + dX Wᵀ + 1 dbᵀ.
func (o *dense[T]) JVP(dy, dx tensor.Matrix[T], dw []T) {
	weight, bias := o.split(dw)
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, o.x, weight, 0, dy)
	if !dx.IsZero() {
		tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, dx, o.w, 1, dy)
	}
	if o.bias {
		tensor.AddRow(o.pool, bias, dy)
	}
}

// VJP sets dW = dYᵀ X, db = dYᵀ 1 and dX = dY W.
func (o *dense[T]) VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	if dw != nil {
		weight, bias := o.split(dw)
		tensor.Gemm(o.pool, tensor.Trans, tensor.NoTrans, 1, dy, o.x, 0, weight)
		if o.bias {
			tensor.ColSums(o.pool, bias, dy)
		}
	}
	if !dx.IsZero() {
		tensor.Gemm(o.pool, tensor.NoTrans, tensor.NoTrans, 1, dy, o.w, 0, dx)
	}
}

var _ GramOp[float32] = (*dense[float32])(nil)

// Gram adds (a_i·a_j + 1) (delta_ic·delta_jc') with the inputs a and the
// signals delta; the 1 is the bias. Pairs of outputs c <= c' take an m x m
// product each, and the rest is symmetry.
func (o *dense[T]) Gram(a tensor.Matrix[float64], dy tensor.Matrix[T]) int64 {
	m := o.x.Rows
	k := dy.Rows / m
	if o.inputs.Rows < m {
		o.inputs, o.pairs = tensor.New[T](m, m), tensor.New[T](m, m)
	}
	inputs, pairs := o.inputs.RowRange(0, m), o.pairs.RowRange(0, m)
	inputs.Cols, pairs.Cols = m, m
	tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, o.x, o.x, 0, inputs)
	var bias float64
	if o.bias {
		bias = 1
	}
	for c := range k {
		for d := c; d < k; d++ {
			tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, dy.RowRange(c*m, (c+1)*m), dy.RowRange(d*m, (d+1)*m), 0, pairs)
			for i := range m {
				to, g, s := a.Row(i*k+c), inputs.Row(i), pairs.Row(i)
				for j := range m {
					v := (float64(g[j]) + bias) * float64(s[j])
					to[j*k+d] += v
					if c != d {
						a.Data[(j*k+d)*a.Stride+i*k+c] += v
					}
				}
			}
		}
	}
	return int64(m) * int64(m) * int64(o.in+k*(k+1)/2*o.out)
}

func (o *dense[T]) GramBlocks(b tensor.Matrix[float64], dy tensor.Matrix[T]) int64 {
	m := o.x.Rows
	k := dy.Rows / m
	for i := range m {
		g := tensor.Dot(nil, o.x.Row(i), o.x.Row(i))
		if o.bias {
			g++
		}
		for c := range k {
			for d := range c + 1 {
				v := g * tensor.Dot(nil, dy.Row(c*m+i), dy.Row(d*m+i))
				b.Row(i*k + c)[d] += v
				if c != d {
					b.Row(i*k + d)[c] += v
				}
			}
		}
	}
	return int64(m) * int64(o.in+k*(k+1)/2*o.out)
}
