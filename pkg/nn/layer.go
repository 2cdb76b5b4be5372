package nn

import (
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Layer is a differentiable map from (x, w) to y, example by example.
type Layer interface {
	// Size returns what the layer makes of an input shape. An input that the
	// layer cannot take is an error.
	Size(in tensor.Shape) (Size, error)

	// Ops returns the constructors of the layer's op, see [OpsOf].
	Ops() Ops
}

// A Site is where an op works: its inputs have a shape that Size accepts, and its
// batches at most Examples of them.
type Site struct {
	In       tensor.Shape
	Examples int
	Pool     *tensor.Pool
}

// Ops are the constructors of a layer's op, one for each precision.
type Ops = tensor.Instances[func(Site) Op[float32], func(Site) Op[float64]]

// OpsOf returns the constructors for a layer from the two instances of one generic
// function: OpsOf(l, newMine[float32], newMine[float64]).
func OpsOf[L Layer](l L, f32 func(L, Site) Op[float32], f64 func(L, Site) Op[float64]) Ops {
	return Ops{
		Float32: func(at Site) Op[float32] { return f32(l, at) },
		Float64: func(at Site) Op[float64] { return f64(l, at) },
	}
}

// A Size describes a layer on a given input shape.
type Size struct {
	Out    tensor.Shape
	Params []Param // in the order of torch's state_dict

	// Multiply-adds of one example. A JVP, and a VJP too, takes Weight for the
	// parameters and Input for the input; layers up to the first with weights are
	// spared the latter. Elementwise work does not count.
	Forward, Weight, Input int64

	// Kept is the number of values for one example that the layer keeps for
	// its derivative or as work space, its input and output aside.
	Kept int

	// Indices is the number of int32 kept besides.
	Indices int
}

// NumParams returns the number of weights.
func (s Size) NumParams() int {
	n := 0
	for _, p := range s.Params {
		n = size.Sum(n, p.Len())
	}
	return n
}

// A Param is one named tensor of weights, row-major.
type Param struct {
	Name   string // as in torch's state_dict: "weight", "bias"
	Shape  []int
	Vector bool // a gain or a bias that has several sides: no matrix for optimizers that look at those
}

// Len returns the number of values.
func (p Param) Len() int { return size.Product(p.Shape...) }

// An Op is a layer bound to an input shape. Batches have any number of rows up
// to the m it was bound for, an example each; nothing is allocated. The op of a
// layer with weights of its own is a [GramOp] too.
type Op[T tensor.Float] interface {
	// Forward sets y = f(x; w). It keeps x and w, which the derivative refers
	// to until the next Forward, but not y.
	Forward(y, x tensor.Matrix[T], w []T)

	// JVP sets dy = (df/dx) dx + (df/dw) dw. Where dx is a zero matrix, the input
	// does not move.
	JVP(dy, dx tensor.Matrix[T], dw []T)

	// VJP sets dx = (df/dx)ᵀ dy, and dw = (df/dw)ᵀ dy summed over the examples.
	// Where dx is a zero matrix, or dw nil, that half is left out.
	VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T])
}

// An Initializable layer draws its initial weights. The layer that follows, or
// nil, decides their scale.
type Initializable interface {
	Init(w []float64, in tensor.Shape, next Layer, rng *rand.Rand)
}

// An Activation says which initializer suits the layer before it.
type Activation interface {
	// Initializer returns the name of the recommended initializer, and the
	// gain g for He's: variance g²/fan_in.
	Initializer() (name string, gain float64)
}

// A Reshaper changes the shape of an example, and none of its values.
type Reshaper interface{ Reshapes() }

// A Carrier passes on what it gets, rescaled or at fewer places: norms and pooling. The
// weights before it are initialized for the activation after it.
type Carrier interface{ Carries() }

// A Normalization may follow each convolution of a model.
type Normalization interface {
	Carrier
	Normalizes()
}

// Layers is the table of layers.
var Layers = registry.Table[Layer]{Kind: "layer"}

// A LayerChoice is a layer in a config: a mapping, or the bare name.
type LayerChoice struct{ registry.Choice[Layer] }

var _ strict.Unmarshaler = (*LayerChoice)(nil)

func (c *LayerChoice) UnmarshalStrict(v strict.Value) (err error) {
	c.Choice, err = Layers.Decode(v)
	return err
}

// bind returns the op of a layer in precision T.
func bind[T tensor.Float](l Layer, at Site) Op[T] {
	return tensor.InstanceOf[func(Site) Op[T]](l.Ops())(at)
}
