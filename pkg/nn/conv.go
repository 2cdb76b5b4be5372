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
	registry.Add(&Layers, registry.Info{Name: "conv", Doc: "two-dimensional convolution of images, channels first", Reference: "LeCun et al. 1989"},
		Conv{Stride: 1, Bias: true, Initializer: autoInit}, newConv,
		Conv{Filters: 3, Kernel: Window{3, 3}, Stride: 1, Padding: Padding{Same: true}, Bias: true, Initializer: autoInit},
		Conv{Filters: 4, Kernel: Window{3, 2}, Stride: 2, Padding: Padding{N: 1}, Initializer: "he_uniform"},
		Conv{Filters: 2, Kernel: Window{1, 1}, Stride: 1, Bias: true, Initializer: autoInit})
}

// Conv is y_f = sum_c W_fc * x_c + b_f on images. Its weights are W (filters x
// channels x height x width, row-major), then b.
type Conv struct {
	Filters     int     `yaml:"filters" doc:"number of output channels"`
	Kernel      Window  `yaml:"kernel" doc:"height and width of a filter: a number, or [height, width]"`
	Stride      int     `yaml:"stride" doc:"distance between the positions of a filter"`
	Padding     Padding `yaml:"padding" doc:"zeros on every side, or same: as many as keep the size (stride 1 only)"`
	Bias        bool    `yaml:"bias" doc:"whether there is a b"`
	Initializer string  `yaml:"init" doc:"initializer of W; auto: the one the next activation recommends"`
}

var (
	_ Layer         = Conv{}
	_ Initializable = Conv{}
)

// A Window is the height and width of a filter. In a config it is one number
// for both, or a list of two.
type Window struct{ H, W int }

func (k *Window) UnmarshalStrict(v strict.Value) error {
	if v.IsNumber() {
		err := v.Decode(&k.H)
		k.W = k.H
		return err
	}
	var sides []int
	if err := v.Decode(&sides); err != nil || len(sides) != 2 {
		return v.Errorf("expected a whole number, or a list of two: [height, width]")
	}
	k.H, k.W = sides[0], sides[1]
	return nil
}

// MarshalYAML returns what UnmarshalStrict reads.
func (k Window) MarshalYAML() (any, error) {
	if k.H == k.W {
		return k.H, nil
	}
	return []int{k.H, k.W}, nil
}

// A Padding is a number of zeros on every side of an image, or "same": so many
// that the output has the image's size. An even filter has one more of them
// below and to the right, as in torch.
type Padding struct {
	N    int
	Same bool
}

func (p *Padding) UnmarshalStrict(v strict.Value) error {
	*p = Padding{}
	if text, ok := v.Text(); ok && text == "same" {
		p.Same = true
		return nil
	}
	if !v.IsNumber() {
		return v.Errorf("expected a whole number, or same")
	}
	return v.Decode(&p.N)
}

// MarshalYAML returns what UnmarshalStrict reads.
func (p Padding) MarshalYAML() (any, error) {
	if p.Same {
		return "same", nil
	}
	return p.N, nil
}

func newConv(l Conv) (Layer, error) {
	switch {
	case l.Filters <= 0:
		return nil, strict.Field("filters", "must be a positive number, got %d", l.Filters)
	case l.Kernel.H <= 0 || l.Kernel.W <= 0:
		return nil, strict.Field("kernel", "height and width must be positive, got %dx%d", l.Kernel.H, l.Kernel.W)
	case l.Stride <= 0:
		return nil, strict.Field("stride", "must be a positive number, got %d", l.Stride)
	case l.Padding.N < 0:
		return nil, strict.Field("padding", "must be same, 0 or a positive number, got %d", l.Padding.N)
	case l.Padding.Same && l.Stride != 1:
		return nil, strict.Field("padding", "same takes stride 1, not %d; give a number", l.Stride)
	}
	for _, o := range []struct {
		key    string
		values []int
	}{{"filters", []int{l.Filters}}, {"kernel", []int{l.Kernel.H, l.Kernel.W}}, {"stride", []int{l.Stride}}, {"padding", []int{l.Padding.N}}} {
		if err := atMost(o.key, maxSide, o.values...); err != nil {
			return nil, err
		}
	}
	return l, checkInit(l.Initializer)
}

// shape is the convolution on images of shape in, which may leave nothing.
func (l Conv) shape(in tensor.Shape) tensor.ConvShape {
	s := tensor.ConvShape{In: in, KH: l.Kernel.H, KW: l.Kernel.W, Stride: l.Stride}
	high, wide := 2*l.Padding.N, 2*l.Padding.N // zeros on both sides
	if l.Padding.Same {
		high, wide = s.KH-1, s.KW-1
	}
	s.PadH, s.PadW = high/2, wide/2
	s.Out = tensor.Shape{C: l.Filters, H: (in.H+high-s.KH)/s.Stride + 1, W: (in.W+wide-s.KW)/s.Stride + 1}
	return s
}

func (l Conv) Size(in tensor.Shape) (Size, error) {
	if in.IsVector() {
		return Size{}, fmt.Errorf("takes images, not vectors of %s values; leave out a flatten layer before it, leave it more than one pixel (pools and strides), or use dense", in)
	}
	s := l.shape(in)
	if h, w := in.H+2*l.Padding.N, in.W+2*l.Padding.N; !l.Padding.Same && (s.KH > h || s.KW > w) {
		return Size{}, fmt.Errorf("a kernel of %dx%d is larger than an image of %s, which has %dx%d with padding %d; use a smaller kernel or more padding",
			s.KH, s.KW, in, h, w, l.Padding.N)
	}
	n := int64(size.Product(l.Filters, in.C, s.KH, s.KW, s.Out.H, s.Out.W))
	size := Size{
		Out:     s.Out,
		Params:  []Param{{Name: "weight", Shape: []int{l.Filters, in.C, s.KH, s.KW}}},
		Forward: n, Weight: n, Input: n,
	}
	if l.Bias {
		size.Params = append(size.Params, Param{"bias", []int{l.Filters}, true})
	}
	return size, nil
}

// Init draws W; b starts at 0. An input reaches an output by q = channels x
// height x width weights, and an output is reached by as many from a filter.
func (l Conv) Init(w []float64, in tensor.Shape, next Layer, rng *rand.Rand) {
	clear(w)
	window := l.Kernel.H * l.Kernel.W
	fanIn, fanOut := in.C*window, l.Filters*window
	initialize(l.Initializer, next, w[:l.Filters*fanIn], fanIn, fanOut, rng)
}

func (l Conv) Ops() Ops { return OpsOf(l, newConvOp[float32], newConvOp[float64]) }

type conv[T tensor.Float] struct {
	pool *tensor.Pool
	op   *tensor.Conv[T]
	bias bool

	x tensor.Matrix[T] // m images, at which the layer is linearized
	w []T              // and its filters

	rows convJacobian[T]
}

func (o *conv[T]) alike() {}

func newConvOp[T tensor.Float](l Conv, at Site) Op[T] {
	return &conv[T]{pool: at.Pool, op: tensor.NewConv[T](at.Pool, l.shape(at.In)), bias: l.Bias}
}

// split takes weights, or a tangent of them, apart; no bias is nil.
func (o *conv[T]) split(w []T) (weight, bias []T) {
	n := o.op.Out.C * o.op.Taps()
	if o.bias {
		bias = w[n:]
	}
	return w[:n], bias
}

// Forward sets y = w * x + b.
func (o *conv[T]) Forward(y, x tensor.Matrix[T], w []T) {
	weight, bias := o.split(w)
	o.x, o.w = x, weight
	o.op.Forward(weight, bias, x, 0, y)
}

// JVP sets dy = dw * x + w * dx + db.
func (o *conv[T]) JVP(dy, dx tensor.Matrix[T], dw []T) {
	weight, bias := o.split(dw)
	o.op.Forward(weight, bias, o.x, 0, dy)
	if !dx.IsZero() {
		o.op.Forward(o.w, nil, dx, 1, dy)
	}
}

func (o *conv[T]) VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	if dw != nil {
		weight, bias := o.split(dw)
		o.op.Weight(o.x, dy, weight, bias)
	}
	if !dx.IsZero() {
		o.op.Input(o.w, dy, dx)
	}
}
