package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	tanh, relu := chosen("tanh", Tanh{}), chosen("relu", ReLU{})
	dense := func(units int) LayerChoice {
		l := Dense{Units: units, Bias: true, Initializer: autoInit}
		return LayerChoice{registry.ChoiceOf(&Layers, "dense", l, newDense)}
	}
	flat := chosen("flatten", Flatten{})
	inner := Residual{Body: []LayerChoice{dense(7), tanh}, Shortcut: []LayerChoice{}}
	registry.Add(&Layers, registry.Info{Name: "residual", Doc: "y = body(x) + shortcut(x); weights are named body.0.weight, shortcut.0.weight",
		Reference: "He et al. 2016, arXiv 1512.03385"},
		Residual{Body: []LayerChoice{}, Shortcut: []LayerChoice{}}, newResidual,
		Residual{Body: []LayerChoice{tanh, chosen("softplus", Softplus{})}},
		Residual{Body: []LayerChoice{tanh, flat, dense(5), tanh}, Shortcut: []LayerChoice{flat, dense(5)}},
		Residual{Body: []LayerChoice{flat, dense(7), relu, dense(5), relu}, Shortcut: []LayerChoice{flat, dense(5), relu}},
		Residual{Body: []LayerChoice{flat, dense(7), {registry.ChoiceOf(&Layers, "residual", inner, newResidual)}}, Shortcut: []LayerChoice{flat, tanh, dense(7)}})
}

// Residual is y = body(x) + shortcut(x), each a chain of layers. Its weights are
// those of the body, then those of the shortcut.
type Residual struct {
	Body     []LayerChoice `yaml:"body" doc:"list of layers, each {kind: ..., options}"`
	Shortcut []LayerChoice `yaml:"shortcut" doc:"the same; []: x itself"`
}

var (
	_ Layer         = Residual{}
	_ Initializable = Residual{}
	_ composite     = Residual{}
)

func newResidual(l Residual) (Layer, error) {
	if len(l.Body) == 0 {
		return nil, strict.Field("body", "is missing or empty, as in body: [{kind: conv, filters: 16, kernel: 3, padding: same}, relu]")
	}
	return l, nil
}

func (l Residual) branches(in tensor.Shape) ([]branch, error) {
	out := []branch{{name: "body"}, {name: "shortcut"}}
	for i, choices := range [][]LayerChoice{l.Body, l.Shortcut} {
		c, err := newChain(in, configs(choices))
		if err != nil {
			return nil, fmt.Errorf("%s, %w", out[i].name, err)
		}
		out[i].chain = c
	}
	return out, nil
}

func (l Residual) Size(in tensor.Shape) (Size, error) {
	b, err := l.branches(in)
	if err != nil {
		return Size{}, err
	}
	if b[0].out != b[1].out {
		return Size{}, fmt.Errorf("of examples of shape %s, the body makes %s and the shortcut %s, which cannot be added; a conv with kernel 1 and the body's stride and filters in the shortcut makes them alike", in, b[0].out, b[1].out)
	}
	s := Size{Out: b[0].out}
	for i := range b {
		part := b[i].size()
		for _, p := range part.Params {
			s.Params = append(s.Params, Param{b[i].name + "." + p.Name, p.Shape, p.Vector})
		}
		add(&s.Forward, part.Forward)
		add(&s.Weight, part.Weight)
		add(&s.Input, part.Input)
		s.Kept += part.Kept
		s.Indices += part.Indices
	}
	return s, nil
}

// Init draws the weights of both branches; what follows the sum follows each.
func (l Residual) Init(w []float64, in tensor.Shape, next Layer, rng *rand.Rand) {
	at := 0
	for _, b := range (namedLayer{Layer: l, in: in}).inside() {
		b.init(w[at:at+b.params], next, rng)
		at += b.params
	}
}

func (l Residual) Ops() Ops { return OpsOf(l, newResidualOp[float32], newResidualOp[float64]) }

func newResidualOp[T tensor.Float](l Residual, at Site) Op[T] {
	return bindResidual[T](l, at, nil, 0)
}

type residual[T tensor.Float] struct {
	pool     *tensor.Pool
	body     *tape[T]
	shortcut *tape[T]
	plain    bool // the shortcut changes nothing
	split    int  // the number of weights of the body
	out      int  // values of one example of the output
	space    *workspace[T]
	depth    int
}

var _ nestedOp[float32] = (*residual[float32])(nil)

// bindResidual returns the op of a residual layer at a depth of nesting, with work space
// shared with the layers around it, or if that is nil with its own.
func bindResidual[T tensor.Float](l Residual, at Site, space *workspace[T], depth int) *residual[T] {
	b, m := namedLayer{Layer: l, in: at.In}.inside(), at.Examples
	o := &residual[T]{pool: at.Pool, split: b[0].params, out: b[0].out.Len(), space: space, depth: depth}
	if space == nil {
		var own slots
		for i := range b {
			own.reserve(&b[i].chain, 0)
		}
		own[0][2] = max(at.In.Len(), o.out)
		o.space = newWorkspace[T](own, m)
	}
	o.body = newTape(&b[0].chain, m, at.Pool, o.space, depth)
	o.shortcut = newTape(&b[1].chain, m, at.Pool, o.space, depth)
	o.plain = len(o.shortcut.ops) == 0
	return o
}

// Forward sets y = body(x) + shortcut(x).
func (o *residual[T]) Forward(y, x tensor.Matrix[T], w []T) {
	o.body.forward(y, x, w[:o.split])
	part := x
	if !o.plain {
		part = o.space.matrix(o.depth, 2, x.Rows, o.out)
		o.shortcut.forward(part, x, w[o.split:])
	}
	tensor.Axpy(o.pool, 1, part.Flat(), y.Flat())
}

// JVP sets dy = body.JVP + shortcut.JVP.
func (o *residual[T]) JVP(dy, dx tensor.Matrix[T], dw []T) {
	o.body.jvp(dy, dx, dw[:o.split])
	part := dx
	if !o.plain {
		part = o.space.matrix(o.depth, 2, dy.Rows, o.out)
		o.shortcut.jvp(part, dx, dw[o.split:])
	}
	if !part.IsZero() {
		tensor.Axpy(o.pool, 1, part.Flat(), dy.Flat())
	}
}

// VJP sets dx to the sum of what the branches send back of dy.
func (o *residual[T]) VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	var body, shortcut []T
	if dw != nil {
		body, shortcut = dw[:o.split], dw[o.split:]
	}
	o.body.vjp(dx, body, dy)
	part := o.back(o.space, dx, dy)
	if !o.plain {
		o.shortcut.vjp(part, shortcut, dy)
	}
	if !dx.IsZero() {
		tensor.Axpy(o.pool, 1, part.Flat(), dx.Flat())
	}
}

// back returns what the shortcut adds to dx, or work space for it.
func (o *residual[T]) back(w *workspace[T], dx, dy tensor.Matrix[T]) tensor.Matrix[T] {
	switch {
	case dx.IsZero():
		return dx
	case o.plain:
		return dy
	}
	return w.matrix(o.depth, 2, dx.Rows, dx.Cols)
}

func (o *residual[T]) backprop(w *walk[T], offset int, dx, dy tensor.Matrix[T]) int64 {
	adds := o.body.backprop(w, offset, dx, dy)
	part := o.back(w.space, dx, dy)
	if !o.plain {
		adds += o.shortcut.backprop(w, offset+o.split, part, dy)
	}
	if !dx.IsZero() {
		tensor.Axpy(o.pool, 1, part.Flat(), dx.Flat())
	}
	return adds
}

func (o *residual[T]) forget() {
	o.body.forget()
	o.shortcut.forget()
}

func (o *residual[T]) gather(dx, dy tensor.Matrix[T]) int64 {
	adds := o.body.gather(0, dx, dy)
	part := o.back(o.space, dx, dy)
	if !o.plain {
		adds += o.shortcut.gather(0, part, dy)
	}
	if !dx.IsZero() {
		tensor.Axpy(o.pool, 1, part.Flat(), dx.Flat())
	}
	return adds
}

func (o *residual[T]) tangents(dy, dx tensor.Matrix[T]) int64 {
	adds := o.body.tangents(0, dy, dx)
	part := dx
	if !o.plain {
		part = o.space.matrix(o.depth, 2, dy.Rows, o.out)
		adds += o.shortcut.tangents(0, part, dx)
	}
	if !part.IsZero() {
		tensor.Axpy(o.pool, 1, part.Flat(), dy.Flat())
	}
	return adds
}
