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
		Params:  []Param{{Name: "weight", Shape: []int{l.Units, in.C}}},
		Forward: n, Weight: n, Input: n,
	}
	if l.Bias {
		s.Params = append(s.Params, Param{"bias", []int{l.Units}, true})
	}
	return s, nil
}

// Init draws W; b starts at 0.
func (l Dense) Init(w []float64, in tensor.Shape, next Layer, rng *rand.Rand) {
	clear(w)
	initialize(l.Initializer, next, w[:l.Units*in.C], in.C, l.Units, rng)
}

func (Dense) rectifies() {}

func (l Dense) Ops() Ops { return OpsOf(l, newDenseOp[float32], newDenseOp[float64]) }

func newDenseOp[T tensor.Float](l Dense, at Site) Op[T] {
	return &dense[T]{pool: at.Pool, in: at.In.C, out: l.Units, bias: l.Bias}
}

type dense[T tensor.Float] struct {
	pool    *tensor.Pool
	in, out int
	bias    bool

	x, w tensor.Matrix[T] // m x in and out x in, at which the layer is linearized

	rows denseRows[T]
}

func (o *dense[T]) alike() {}

// split takes weights, or a tangent of them, apart.
func (o *dense[T]) split(w []T) (weight tensor.Matrix[T], bias []T) {
	n := o.in * o.out
	return tensor.View(o.out, o.in, w[:n]), w[n:]
}

// Forward sets Y = X Wᵀ + 1 bᵀ.
func (o *dense[T]) Forward(y, x tensor.Matrix[T], w []T) { o.forward(y, x, w, false) }

// ForwardRectified sets Y = max(0, X Wᵀ + 1 bᵀ).
func (o *dense[T]) ForwardRectified(y, x tensor.Matrix[T], w []T) { o.forward(y, x, w, true) }

func (o *dense[T]) forward(y, x tensor.Matrix[T], w []T, rectify bool) {
	weight, bias := o.split(w)
	o.x, o.w, o.rows.paired = x, weight, false
	tensor.GemmFinish(o.pool, tensor.NoTrans, tensor.Trans, 1, x, weight, 0, y, tensor.Finish[T]{Bias: bias, Rectify: rectify})
}

// JVP sets dY = X dWᵀ + dX Wᵀ + 1 dbᵀ.
func (o *dense[T]) JVP(dy, dx tensor.Matrix[T], dw []T) {
	weight, bias := o.split(dw)
	last := tensor.Finish[T]{Bias: bias}
	if !dx.IsZero() {
		tensor.Gemm(o.pool, tensor.NoTrans, tensor.Trans, 1, o.x, weight, 0, dy)
		tensor.GemmFinish(o.pool, tensor.NoTrans, tensor.Trans, 1, dx, o.w, 1, dy, last)
		return
	}
	tensor.GemmFinish(o.pool, tensor.NoTrans, tensor.Trans, 1, o.x, weight, 0, dy, last)
}

// VJP sets dW = dYᵀ X, db = dYᵀ 1 and dX = dY W.
func (o *dense[T]) VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	o.vjp(dx, dw, dy, tensor.Matrix[T]{})
}

// VJPGated is VJP with dX = 0 where X is 0 or below: what goes back through a relu before.
func (o *dense[T]) VJPGated(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	o.vjp(dx, dw, dy, o.x)
}

func (o *dense[T]) vjp(dx tensor.Matrix[T], dw []T, dy, gate tensor.Matrix[T]) {
	if dw != nil {
		weight, bias := o.split(dw)
		tensor.Gemm(o.pool, tensor.Trans, tensor.NoTrans, 1, dy, o.x, 0, weight)
		if o.bias {
			tensor.ColSums(o.pool, bias, dy)
		}
	}
	if !dx.IsZero() {
		tensor.GemmFinish(o.pool, tensor.NoTrans, tensor.NoTrans, 1, dy, o.w, 0, dx, tensor.Finish[T]{Gate: gate})
	}
}
