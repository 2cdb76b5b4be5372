package nn

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"go.yaml.in/yaml/v3"
)

// convNet builds a sequential network from a config in YAML.
func convNet(t *testing.T, in tensor.Shape, layers string) (*Net, error) {
	t.Helper()
	doc, err := strict.Parse("c.yaml", []byte("model: {kind: sequential, layers: ["+layers+"]}"))
	if err != nil {
		t.Fatal(err)
	}
	at, _ := doc.Root().Lookup("model")
	model, err := Models.Decode(at)
	if err != nil {
		return nil, err
	}
	return model.Must().Build(in, 0)
}

func TestConvErrors(t *testing.T) {
	for _, c := range []struct{ layers, want string }{
		{`{kind: conv, kernel: 3}`, `c.yaml:1: model.layers[0].filters: must be a positive number, got 0`},
		{`{kind: conv, filters: 4}`, `kernel: height and width must be positive, got 0x0`},
		{`{kind: conv, filters: 4, kernel: [3, 0]}`, `kernel: height and width must be positive, got 3x0`},
		{`{kind: conv, filters: 4, kernel: [3]}`, `kernel: expected a whole number, or a list of two: [height, width]`},
		{`{kind: conv, filters: 4, kernel: 2.5}`, `kernel: expected a whole number, got the number 2.5`},
		{`{kind: conv, filters: 4, kernel: 3, stride: 0}`, `stride: must be a positive number, got 0`},
		{`{kind: conv, filters: 4, kernel: 3, padding: -1}`, `padding: must be same, 0 or a positive number, got -1`},
		{`{kind: conv, filters: 4, kernel: 3, padding: valid}`, `padding: expected a whole number, or same`},
		{`{kind: conv, filters: 4, kernel: 3, padding: same, stride: 2}`, `padding: same takes stride 1, not 2; give a number`},
		{`{kind: conv, filters: 4, kernel: 3, init: he}`, `unknown initializer "he"`},
		{`{kind: conv, filters: 4, kernel: 7, padding: 1}`, `layer 0 (conv): a kernel of 7x7 is larger than an image of 2x6x4, which has 8x6 with padding 1`},
		{`flatten, {kind: conv, filters: 4, kernel: 3}`, `layer 1 (conv): takes images, not vectors of 48 values`},
	} {
		_, err := convNet(t, tensor.Shape{C: 2, H: 6, W: 4}, c.layers)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n  says %v\n  want %s", c.layers, err, c.want)
		}
	}
}

// TestConvShapes compares output shapes with those of torch.nn.Conv2d.
func TestConvShapes(t *testing.T) {
	for _, c := range []struct {
		in     tensor.Shape
		config string
		want   string
	}{
		{tensor.Shape{C: 3, H: 32, W: 32}, `{kind: conv, filters: 16, kernel: 3, padding: same}`, "16x32x32"},
		{tensor.Shape{C: 3, H: 32, W: 32}, `{kind: conv, filters: 16, kernel: [2, 4], padding: same}`, "16x32x32"},
		{tensor.Shape{C: 3, H: 32, W: 31}, `{kind: conv, filters: 16, kernel: 3, stride: 2, padding: 1}`, "16x16x16"},
		{tensor.Shape{C: 3, H: 9, W: 8}, `{kind: conv, filters: 5, kernel: 3, stride: 3}`, "5x3x2"},
		{tensor.Shape{C: 3, H: 9, W: 8}, `{kind: conv, filters: 5, kernel: [9, 8]}`, "5"},
		{tensor.Shape{C: 3, H: 1, W: 8}, `{kind: conv, filters: 5, kernel: [1, 3], padding: 2}`, "5x5x10"},
	} {
		n, err := convNet(t, c.in, c.config+", flatten, {kind: dense, units: 1}")
		if err != nil {
			t.Error(err)
		} else if got := n.Table()[0].Out.String(); got != c.want {
			t.Errorf("%s on %s makes %s, want %s", c.config, c.in, got, c.want)
		}
	}
}

// TestConvConfig: what a config says comes back in the resolved one.
func TestConvConfig(t *testing.T) {
	for _, text := range []string{
		"{kind: conv, filters: 4, kernel: 3, stride: 1, padding: same, bias: true, init: auto}",
		"{kind: conv, filters: 4, kernel: [3, 2], stride: 2, padding: 1, bias: false, init: zeros}",
	} {
		doc, err := strict.Parse("c.yaml", []byte("layer: "+text))
		if err != nil {
			t.Fatal(err)
		}
		at, _ := doc.Root().Lookup("layer")
		c, err := Layers.Decode(at)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := yaml.Marshal(c); err != nil || strings.TrimSpace(string(got)) != text {
			t.Errorf("%s\nbecomes %s%v", text, got, err)
		}
	}
}

// TestConvAdds compares counts with those made by hand: 2x6x4 images, 3 filters of
// 2x3x3 on 4x2 positions, 5 outputs of 24 inputs; 2 examples.
func TestConvAdds(t *testing.T) {
	n, err := convNet(t, tensor.Shape{C: 2, H: 6, W: 4}, `{kind: conv, filters: 3, kernel: 3}, tanh, flatten, {kind: dense, units: 5}`)
	if err != nil {
		t.Fatal(err)
	}
	const conv, dense = 3 * 18 * 8, 5 * 24
	if got, want := n.MultiplyAdds(), (MultiplyAdds{Forward: conv + dense, JVP: conv + 2*dense, VJP: conv + 2*dense}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	l := NewLinearization[float64](n, 2, nil)
	l.Linearize(make([]float64, n.NumParams()), tensor.New[float64](2, 48))
	signals := int64(2 * 5 * (dense + conv)) // through the dense layer, and to gradients of the filters
	if got, want := l.Gram(tensor.New[float64](10, 10)), signals+24*3+55*5+55*(3*18+3); got != want {
		t.Errorf("K takes %d multiply-adds, want %d", got, want)
	}
	if got, want := l.GramBlocks(tensor.New[float64](10, 5)), signals+2*(24+15*5)+2*15*(3*18+3); got != want {
		t.Errorf("its blocks take %d multiply-adds, want %d", got, want)
	}
}

// TestConvNetAllocatesNothing: a step of a network with convolutions.
func TestConvNetAllocatesNothing(t *testing.T) {
	n, err := convNet(t, tensor.Shape{C: 3, H: 9, W: 8},
		`{kind: conv, filters: 5, kernel: 3, padding: same}, relu, {kind: conv, filters: 6, kernel: 3, stride: 2}, relu, flatten, {kind: dense, units: 4}`)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pool := tensor.NewPool(2)
	defer pool.Close()
	l := NewLinearization[float32](n, 7, pool)
	w, x := make([]float32, n.NumParams()), randomMatrix[float32](rng, 7, 3*9*8)
	tensor.Convert(w, n.Init(rng))
	u, d := randomMatrix[float64](rng, 7, 4), make([]float32, len(w))
	gram, blocks := tensor.New[float32](28, 28), tensor.New[float64](28, 4)
	step := func() {
		l.Linearize(w, x)
		l.VJP(d, u)
		l.JVP(u, d)
		l.Gram(gram)
		l.GramBlocks(blocks)
		l.Keep(tensor.Matrix[float64]{})
		l.Product(u, u)
		l.Combine(d, u)
	}
	step()
	if n := testing.AllocsPerRun(5, step); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
