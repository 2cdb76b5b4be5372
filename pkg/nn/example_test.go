package nn_test

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// The layer is in the table, so the conformance suite of this package, TestLayers, tests
// it with both settings: JVP against differences, VJP and Gram against JVP, and more.
func init() {
	registry.Add(&nn.Layers, registry.Info{Name: "scale", Doc: "a factor for each value of an example"},
		Scale{Initial: 1}, newScale, Scale{Initial: -0.5})
}

// Scale is y = w x, value by value.
type Scale struct {
	Initial float64 `yaml:"initial" doc:"every factor at the start"`
}

func newScale(l Scale) (nn.Layer, error) {
	if l.Initial == 0 {
		return nil, strict.Field("initial", "must not be 0, which lets nothing through")
	}
	return l, nil
}

// Size says that there are as many outputs and weights as inputs. Nothing is kept but the
// input, and the work is elementwise, which does not count.
func (l Scale) Size(in tensor.Shape) (nn.Size, error) {
	return nn.Size{Out: in, Params: []nn.Param{{Name: "weight", Shape: []int{in.Len()}}}}, nil
}

func (l Scale) Init(w []float64, _ tensor.Shape, _ nn.Layer, _ *rand.Rand) {
	for j := range w {
		w[j] = l.Initial
	}
}

func (l Scale) Ops() nn.Ops { return nn.OpsOf(l, newScaleOp[float32], newScaleOp[float64]) }

// scaleOp is a Scale at work in precision T.
type scaleOp[T tensor.Float] struct {
	x tensor.Matrix[T] // the mini-batch and the weights of the last Forward
	w []T
	*nn.Explicit[T]
}

func newScaleOp[T tensor.Float](_ Scale, at nn.Site) nn.Op[T] {
	return &scaleOp[T]{Explicit: nn.NewExplicit[T](at.Pool)}
}

func (o *scaleOp[T]) Forward(y, x tensor.Matrix[T], w []T) {
	o.x, o.w = x, w
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			y.Row(i)[j] = w[j] * v
		}
	}
}

// JVP sets dy = x dw + w dx.
func (o *scaleOp[T]) JVP(dy, dx tensor.Matrix[T], dw []T) {
	for i := range dy.Rows {
		for j, v := range o.x.Row(i) {
			dy.Row(i)[j] = v * dw[j]
			if !dx.IsZero() {
				dy.Row(i)[j] += o.w[j] * dx.Row(i)[j]
			}
		}
	}
}

// VJP sets dw = Σ x dy over the examples, and dx = w dy.
func (o *scaleOp[T]) VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	clear(dw)
	for i := range dy.Rows {
		for j, v := range dy.Row(i) {
			if dw != nil {
				dw[j] += o.x.Row(i)[j] * v
			}
			if !dx.IsZero() {
				dx.Row(i)[j] = o.w[j] * v
			}
		}
	}
}

// Keep forms x dy, what each signal says about the weights. Row c m + i of dy is signal c
// of example i.
func (o *scaleOp[T]) Keep(dy tensor.Matrix[T], _ int) int64 {
	o.Rows(dy, o.x.Rows, dy.Cols)
	for r := range dy.Rows {
		for j, v := range o.x.Row(r % o.x.Rows) {
			o.Row(r)[j] = v * dy.Row(r)[j]
		}
	}
	return 0
}

// A layer of one's own in a network: its JVP and its VJP are adjoint, and K = J Jᵀ has a
// row and a column for each output of each example.
func Example() {
	net, err := nn.NewNet(tensor.Shape{C: 3, H: 1, W: 1},
		nn.LayerConfig{Kind: "scale", Layer: Scale{Initial: 1}},
		nn.LayerConfig{Kind: "tanh", Layer: nn.Tanh{}},
		nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: 2, Bias: true, Initializer: "auto"}},
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range net.Layout().Blocks {
		fmt.Println(b.Name, b.Shape)
	}

	w := net.Init(rand.New(rand.NewPCG(1, 2)))
	x := tensor.View(2, 3, []float64{1, -2, 0.5, 0.3, 1, -1}) // two examples
	f := nn.NewLinearization[float64](net, 2, nil)
	f.Linearize(w, x)

	d := make([]float64, net.NumParams())
	for i := range d {
		d[i] = float64(i%5) - 2
	}
	alpha := tensor.View(2, 2, []float64{1, -1, 0.5, 2})
	u, g := tensor.New[float64](2, 2), make([]float64, net.NumParams())
	f.JVP(u, d)     // u = J d
	f.VJP(g, alpha) // g = Jᵀ alpha
	a, b := tensor.Dot(nil, alpha.Flat(), u.Flat()), tensor.Dot(nil, g, d)
	fmt.Printf("alpha·J d = %.4f, as Jᵀ alpha·d: %t\n", a, math.Abs(a-b) < 1e-12)

	k := tensor.New[float64](4, 4)
	f.Gram(k)
	for r := range k.Rows {
		fmt.Printf("%6.3f\n", k.Row(r))
	}
	// Output:
	// 0.weight [3]
	// 2.weight [2 3]
	// 2.bias [2]
	// alpha·J d = -1.0806, as Jᵀ alpha·d: true
	// [ 2.733 -0.057  0.139  0.018]
	// [-0.057  3.289  0.018 -0.343]
	// [ 0.139  0.018  2.251 -0.049]
	// [ 0.018 -0.343 -0.049  2.846]
}
