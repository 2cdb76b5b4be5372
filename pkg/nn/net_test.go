package nn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"pgregory.net/rapid"
)

// goldenDir holds reference numbers made from explicit Jacobians.
const goldenDir = "../../testdata/golden"

// A goldenCase is a network with weights, a batch, and what is expected.
type goldenCase struct {
	net      *Net
	w        []float64
	x        tensor.Matrix[float64]
	expected map[string]arrays.Array
}

func readArrays(t *testing.T, path string) map[string]arrays.Array {
	t.Helper()
	list, err := arrays.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]arrays.Array{}
	for _, a := range list {
		m[a.Name] = a
	}
	return m
}

// golden reads a case; the model is the one in its config.yaml.
func golden(t *testing.T, dir string) goldenCase {
	t.Helper()
	path := filepath.Join(dir, "config.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := strict.Parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	at, ok := doc.Root().Lookup("model")
	if !ok {
		t.Fatal("no model")
	}
	choice, err := Models.Decode(at)
	if err != nil {
		t.Fatal(err)
	}
	batch := readArrays(t, filepath.Join(dir, "batch.npz"))
	x := batch["x"]
	in := tensor.Shape{C: x.Shape[1], H: 1, W: 1}
	if len(x.Shape) == 4 {
		in.H, in.W = x.Shape[2], x.Shape[3]
	}
	model := choice.Must()
	net, err := model.Build(in, model.Outputs())
	if err != nil {
		t.Fatal(err)
	}
	w, err := Load[float64](filepath.Join(dir, "params.npz"), net)
	if err != nil {
		t.Fatal(err)
	}
	return goldenCase{net, w, tensor.View(x.Shape[0], in.Len(), x.Float64s()), readArrays(t, filepath.Join(dir, "expected.npz"))}
}

func goldenCases(t *testing.T) map[string]goldenCase {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(goldenDir, "*", "config.yaml"))
	if err != nil || len(dirs) == 0 {
		t.Fatal("no golden cases", err)
	}
	out := map[string]goldenCase{}
	for _, d := range dirs {
		out[filepath.Base(filepath.Dir(d))] = golden(t, filepath.Dir(d))
	}
	return out
}

// TestGolden compares outputs, and the Jacobian built column by column from
// JVPs and row by row from VJPs, with the reference.
func TestGolden(t *testing.T) {
	for name, c := range goldenCases(t) {
		t.Run(name, func(t *testing.T) {
			m, k, p := c.x.Rows, c.net.Outputs(), c.net.NumParams()
			l := NewLinearization[float64](c.net, m, nil)
			z := l.Linearize(c.w, c.x)
			if d := distance(z.Flat(), c.expected["outputs"].Float64s()); d > 1e-13 {
				t.Errorf("outputs are %.2g away", d)
			}
			want := c.expected["jacobian"].Float64s() // mk x p
			byJVP, byVJP := make([]float64, len(want)), make([]float64, len(want))
			u := tensor.New[float64](m, k)
			e := make([]float64, p)
			for j := range p {
				clear(e)
				e[j] = 1
				l.JVP(u, e)
				for i, v := range u.Flat() {
					byJVP[i*p+j] = v
				}
			}
			for i := range m * k {
				clear(u.Flat())
				u.Flat()[i] = 1
				l.VJP(byVJP[i*p:(i+1)*p], u)
			}
			if d := distance(byJVP, want); d > 1e-12 {
				t.Errorf("JVPs are %.2g away from the Jacobian", d)
			}
			if d := distance(byVJP, want); d > 1e-12 {
				t.Errorf("VJPs are %.2g away from the Jacobian", d)
			}
		})
	}
}

// TestGram compares K and its diagonal blocks with the reference, for whole
// batches and smaller ones.
func TestGram(t *testing.T) {
	for name, c := range goldenCases(t) {
		m, k := c.x.Rows, c.net.Outputs()
		want := tensor.View(m*k, m*k, c.expected["gram"].Float64s())
		l := NewLinearization[float64](c.net, m+2, nil)
		for _, rows := range []int{m, m - 1, m} {
			l.Linearize(c.w, c.x.RowRange(0, rows))
			n := rows * k
			gram, blocks := tensor.New[float64](n, n), tensor.New[float64](n, k)
			gram.Set(0, 0, math.NaN())
			blocks.Set(0, 0, math.NaN())
			full, diagonal := l.Gram(gram), l.GramBlocks(blocks)
			for i := range n {
				if d := distance(gram.Row(i), want.Row(i)[:n]); d > 1e-12 {
					t.Fatalf("%s, %d rows: row %d of K is %.2g away", name, rows, i, d)
				}
				lo := i / k * k
				if d := distance(blocks.Row(i), want.Row(i)[lo:lo+k]); d > 1e-12 {
					t.Fatalf("%s, %d rows: row %d of the blocks is %.2g away", name, rows, i, d)
				}
			}
			if full <= diagonal || diagonal <= 0 {
				t.Errorf("%s: %d and %d multiply-adds", name, full, diagonal)
			}
			checkProducts(t, name, l, rowsOf(l), gram)
		}
	}
}

// rowsOf returns J, a VJP for each row.
func rowsOf(l *Linearization[float64]) tensor.Matrix[float64] {
	z := l.Outputs()
	jac, one := tensor.New[float64](z.Rows*z.Cols, l.Dims().Weights), tensor.New[float64](z.Rows, z.Cols)
	for r := range jac.Rows {
		one.Flat()[r] = 1
		l.VJP(jac.Row(r), one)
		one.Flat()[r] = 0
	}
	return jac
}

// TestGramAdds compares the count with one made by hand, for 5-4-3 and 2
// examples: 3 signals through the last layer; 3 pairs of inputs and 21 of signals in each
// layer.
func TestGramAdds(t *testing.T) {
	n, err := MLP{Hidden: []int{4}, Activation: chosen("relu", ReLU{}), Init: autoInit}.Build(tensor.Shape{C: 5, H: 1, W: 1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	l := NewLinearization[float64](n, 2, nil)
	l.Linearize(make([]float64, n.NumParams()), tensor.New[float64](2, 5))
	signals := int64(2 * 3 * 12)
	if got, want := l.Gram(tensor.New[float64](6, 6)), signals+(3*4+21*3)+(3*5+21*4); got != want {
		t.Errorf("K takes %d multiply-adds, want %d", got, want)
	}
	if got, want := l.GramBlocks(tensor.New[float64](6, 3)), signals+2*(4+6*3)+2*(5+6*4); got != want {
		t.Errorf("its blocks take %d multiply-adds, want %d", got, want)
	}
}

// torchNet is the network of scripts/torch_fixtures.py.
func torchNet(t *testing.T) *Net {
	t.Helper()
	dense := func(n int, bias bool) LayerConfig {
		return LayerConfig{"dense", Dense{Units: n, Bias: bias, Initializer: autoInit}}
	}
	n, err := NewNet(tensor.Shape{C: 3, H: 2, W: 2},
		LayerConfig{"flatten", Flatten{}},
		dense(7, true), LayerConfig{"relu", ReLU{}},
		dense(6, true), LayerConfig{"leaky_relu", LeakyReLU{Slope: 0.2}},
		dense(6, false), LayerConfig{"tanh", Tanh{}},
		dense(5, true), LayerConfig{"sigmoid", Sigmoid{}},
		dense(5, true), LayerConfig{"softplus", Softplus{}},
		dense(5, true), LayerConfig{"gelu", GELU{}},
		dense(3, true))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTorch loads weights that PyTorch saved, and compares outputs and a
// gradient with PyTorch's.
func TestTorch(t *testing.T) {
	n := torchNet(t)
	want := readArrays(t, "testdata/torch_expected.npz")
	for _, file := range []string{"testdata/torch.npz", "testdata/torch.safetensors"} {
		w, err := Load[float64](file, n)
		if err != nil {
			t.Fatal(err)
		}
		l := NewLinearization[float64](n, 9, nil)
		z := l.Linearize(w, tensor.View(9, 12, want["x"].Float64s()))
		if d := distance(z.Flat(), want["y"].Float64s()); d > 1e-13 {
			t.Errorf("%s: outputs are %.2g away from PyTorch's", file, d)
		}
		alpha := tensor.New[float64](9, 3)
		for i, v := range z.Flat() {
			alpha.Flat()[i] = 2 * v
		}
		g := make([]float64, n.NumParams())
		l.VJP(g, alpha)
		if d := distance(g, want["gradient"].Float64s()); d > 1e-12 {
			t.Errorf("%s: the gradient is %.2g away from PyTorch's", file, d)
		}
	}
}

func TestSaveLoad(t *testing.T) {
	n := torchNet(t)
	w := n.Init(rand.New(rand.NewPCG(1, 2)))
	w32 := make([]float32, len(w))
	tensor.Convert(w32, w)
	for _, ext := range []string{".npz", ".safetensors"} {
		path := filepath.Join(t.TempDir(), "w"+ext)
		if err := arrays.WriteFile(path, Arrays(n, w)); err != nil {
			t.Fatal(err)
		}
		if got, err := Load[float64](path, n); err != nil || !slices.Equal(got, w) {
			t.Errorf("%s: float64 weights come back changed: %v", ext, err)
		}
		if err := arrays.WriteFile(path, Arrays(n, w32)); err != nil {
			t.Fatal(err)
		}
		if got, err := Load[float32](path, n); err != nil || !slices.Equal(got, w32) {
			t.Errorf("%s: float32 weights come back changed: %v", ext, err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	n := torchNet(t)
	path := filepath.Join(t.TempDir(), "w.npz")
	err := arrays.WriteFile(path, []arrays.Array{
		arrays.Float64("1.weight", []int{12, 7}, make([]float64, 84)),
		arrays.Float64("99.bias", []int{1}, []float64{0}),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Load[float64](path, n)
	for _, want := range []string{`"1.weight" has shape [12 7]; the model needs [7 12]`, `"1.bias" is missing`, `"99.bias" belongs to no layer`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load says %v, want %s", err, want)
		}
	}
	if _, err := Load[float64]("nosuch.npz", n); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load of a missing file says %v", err)
	}
}

// TestLinearizationProperties: for random nets, batches and shapes, JVP and
// VJP are adjoint, linear, and agree with differences of OutputsAt, which leaves
// the linearization as it is; products with K and Jᵀ are those of the explicit J;
// smaller batches work.
func TestLinearizationProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.IntRange(1, 6).Draw(t, "in")
		k := rapid.IntRange(1, 4).Draw(t, "k")
		hidden := rapid.SliceOfN(rapid.IntRange(1, 6), 0, 3).Draw(t, "hidden")
		name := rapid.SampledFrom([]string{"tanh", "softplus", "gelu", "sigmoid"}).Draw(t, "activation")
		m := rapid.IntRange(1, 5).Draw(t, "m")
		rows := rapid.IntRange(1, m).Draw(t, "rows")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))

		n, err := MLP{Hidden: hidden, Activation: LayerChoice{Layers.Default(name)}, Init: autoInit}.Build(tensor.Shape{C: in, H: 1, W: 1}, k)
		if err != nil {
			t.Fatal(err)
		}
		l := NewLinearization[float64](n, m, nil)
		w, x := n.Init(rng), randomMatrix[float64](rng, rows, in)
		z := slices.Clone(l.Linearize(w, x).Flat())
		d, alpha := random[float64](rng, len(w)), randomMatrix[float64](rng, rows, k)
		u, g := tensor.New[float64](rows, k), make([]float64, len(w))
		l.JVP(u, d)
		l.VJP(g, alpha)
		if a, b := dot(u.Flat(), alpha.Flat()), dot(d, g); math.Abs(a-b) > 1e-10*(1+math.Abs(a)) {
			t.Fatalf("<J d, a> = %g, <d, Jᵀ a> = %g", a, b)
		}

		const h = 1e-5
		hi := slices.Clone(l.OutputsAt(h, d).Flat())
		lo := l.OutputsAt(-h, d).Flat()
		for i := range hi {
			if fd := (hi[i] - lo[i]) / (2 * h); math.Abs(fd-u.Flat()[i]) > 1e-6*(1+math.Abs(fd)) {
				t.Fatalf("difference %g, JVP %g", fd, u.Flat()[i])
			}
		}
		if !slices.Equal(z, l.Outputs().Flat()) {
			t.Fatal("OutputsAt changed the linearization")
		}
		again := tensor.New[float64](rows, k)
		l.JVP(again, d)
		if !slices.Equal(again.Flat(), u.Flat()) {
			t.Fatal("OutputsAt changed the derivative")
		}

		jac, gram := rowsOf(l), tensor.New[float64](rows*k, rows*k)
		tensor.Gemm(nil, tensor.NoTrans, tensor.Trans, 1, jac, jac, 0, gram)
		checkProducts(t, name, l, jac, gram)
	})
}

func TestLinearizationAllocatesNothing(t *testing.T) {
	n, err := MLP{Hidden: []int{64, 64}, Activation: chosen("relu", ReLU{}), Init: autoInit}.Build(tensor.Shape{C: 1, H: 8, W: 8}, 10)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pool := tensor.NewPool(2)
	defer pool.Close()
	l := NewLinearization[float32](n, 32, pool)
	w, x := make([]float32, n.NumParams()), randomMatrix[float32](rng, 32, 64)
	tensor.Convert(w, n.Init(rng))
	u, d := randomMatrix[float64](rng, 32, 10), make([]float32, len(w))
	many, products := randomMatrix[float64](rng, 20, 320), tensor.New[float64](20, 320)
	for _, kept := range []int{0, 2} { // ops
		step := func() {
			l.Linearize(w, x)
			l.VJP(d, u)
			l.JVP(u, d)
			l.Forget()
			l.keepBelow(kept, tensor.Matrix[float64]{}, true, l.units)
			l.Products(products, many)
		}
		step()
		if n := testing.AllocsPerRun(5, step); n != 0 {
			t.Errorf("with %d ops kept: %g allocations", kept, n)
		}
	}
}

// TestMultiplyAdds compares the counts with those made by hand for 5-4-3: the
// first layer has no input half.
func TestMultiplyAdds(t *testing.T) {
	n, err := MLP{Hidden: []int{4}, Activation: chosen("relu", ReLU{}), Init: autoInit}.Build(tensor.Shape{C: 5, H: 1, W: 1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := n.MultiplyAdds(), (MultiplyAdds{Forward: 20 + 12, JVP: 20 + 2*12, VJP: 20 + 2*12}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if n.NumParams() != 4*5+4+3*4+3 {
		t.Errorf("%d parameters", n.NumParams())
	}
}

func TestParamNames(t *testing.T) {
	var got []string
	for _, p := range torchNet(t).Layout().Blocks {
		got = append(got, fmt.Sprint(p.Name, p.Shape))
	}
	want := "1.weight[7 12] 1.bias[7] 3.weight[6 7] 3.bias[6] 5.weight[6 6] 7.weight[5 6] 7.bias[5] 9.weight[5 5] 9.bias[5] 11.weight[5 5] 11.bias[5] 13.weight[3 5] 13.bias[3]"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// chooseModel returns the model in a config.
func chooseModel(config string) (Model, error) {
	doc, err := strict.Parse("c.yaml", []byte("model: "+config))
	if err != nil {
		return nil, err
	}
	at, _ := doc.Root().Lookup("model")
	choice, err := Models.Decode(at)
	if err != nil {
		return nil, err
	}
	return choice.New()
}

func TestModelErrors(t *testing.T) {
	image := tensor.Shape{C: 1, H: 8, W: 8}
	for _, c := range []struct{ config, want string }{
		{`{kind: mlp, hidden: [8, 0]}`, `model.hidden: every layer needs a positive number of units, got [8 0]`},
		{`{kind: mlp, hidden: [8], activation: flatten}`, `model.activation: flatten is not an activation (known: [gelu leaky_relu relu sigmoid softplus tanh])`},
		{`{kind: mlp, hidden: [8], activation: relo}`, `unknown layer "relo"; did you mean "relu"?`},
		{`{kind: mlp, hidden: [8], activation: {kind: leaky_relu, slope: 2}}`, `slope: must be at least 0 and less than 1, got 2`},
		{`{kind: mlp, hidden: [8], init: he}`, `unknown initializer "he"`},
		{`{kind: mlp, outputs: -1}`, `outputs: must be 0`},
		{`{kind: sequential}`, `model.layers: is missing or empty`},
		{`{kind: sequential, layers: [{kind: dense}]}`, `units: must be a positive number, got 0`},
		{`{kind: sequential, layers: [{kind: dense, units: 3}]}`, `layer 0 (dense): takes vectors, not examples of shape 1x8x8; put a flatten layer before it`},
		{`{kind: sequential, layers: [relu]}`, `the network has no weights to train`},
		{`{kind: sequential, layers: [{kind: max_pool, size: 0}]}`, `size: must be a positive number, got 0`},
		{`{kind: sequential, layers: [{kind: avg_pool, stride: -1}]}`, `stride: must be 0 (the size) or a positive number, got -1`},
		{`{kind: sequential, layers: [{kind: max_pool, size: 3, padding: 2}]}`, `padding: must be from 0 to 1, half the size, got 2`},
		{`{kind: sequential, layers: [relu, {kind: max_pool, size: 9}]}`, `layer 1 (max_pool): the window of 9x9 is larger than the image of 8x8 (with padding 0) of examples of shape 1x8x8`},
		{`{kind: sequential, layers: [flatten, avg_pool]}`, `layer 1 (avg_pool): the window of 2x2 is larger than the image of 1x1`},
		{`{kind: sequential, layers: [{kind: conv, filters: 6, kernel: 3}, {kind: group_norm, groups: 4}]}`, `layer 1 (group_norm): 6 channels of examples of shape 6x6x6 do not divide into 4 groups`},
		{`{kind: sequential, layers: [{kind: group_norm, groups: 0}]}`, `groups: must be a positive number, got 0`},
		{`{kind: sequential, layers: [{kind: layer_norm, eps: 0}]}`, `eps: must be positive, got 0`},
		{`{kind: sequential, layers: [{kind: residual}]}`, `body: is missing or empty`},
		{`{kind: sequential, layers: [relu, {kind: residual, body: [{kind: conv, filters: 2, kernel: 3, padding: same, stride: 1}]}]}`,
			`layer 1 (residual): of examples of shape 1x8x8, the body makes 2x8x8 and the shortcut 1x8x8, which cannot be added; a conv with kernel 1`},
		{`{kind: sequential, layers: [relu, {kind: residual, body: [relu], shortcut: [relu, {kind: residual, body: [relu, {kind: max_pool, size: 9}]}]}]}`,
			`layer 1 (residual): shortcut, layer 1 (residual): body, layer 1 (max_pool): the window of 9x9`},
		{`{kind: sequential, layers: [relu, {kind: residual, body: [{kind: dense, units: 3}]}]}`, `layer 1 (residual): body, layer 0 (dense): takes vectors, not examples of shape 1x8x8`},
		{`{kind: sequential, layers: [{kind: batch_norm}]}`, `there is no layer batch_norm: its statistics couple the examples of a mini-batch, so that there is no Jacobian of an example`},
		{`{kind: sequential, layers: [batch_norm]}`, `use group_norm or layer_norm`},
		{`{kind: convnet, norm: batch_norm}`, `model.norm: there is no layer batch_norm`},
		{`{kind: convnet, norm: relu}`, `model.norm: relu is not a normalisation (known: none, group_norm, layer_norm)`},
		{`{kind: convnet, filters: []}`, `model.filters: needs a positive number for each of one or more blocks, got []`},
		{`{kind: convnet, filters: [4, 0]}`, `model.filters: needs a positive number`},
		{`{kind: convnet, filters: [4], convs: 0}`, `model.convs: must be a positive number, got 0`},
		{`{kind: convnet, filters: [4], activation: max_pool}`, `model.activation: max_pool is not an activation`},
		{`{kind: convnet, filters: [4, 4, 4, 4]}`, `layer 9 (conv): takes images, not vectors of 4 values`},
		{`{kind: resnet, depth: 18}`, `model.depth: must be 6n+2, as in 8, 14, 20 or 32, got 18`},
		{`{kind: resnet, depth: 8, width: 12}`, `layer 1 (group_norm): 12 channels of examples of shape 12x8x8 do not divide into 8 groups`},
	} {
		model, err := chooseModel(c.config)
		if err == nil {
			_, err = model.Build(image, 3)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n  says %v\n  want %s", c.config, err, c.want)
		}
	}
}

// TestGainsAreVectors: of the blocks of a network, those of norms are no matrices, whatever their shape.
func TestGainsAreVectors(t *testing.T) {
	net := build(t, "{kind: sequential, layers: [{kind: conv, filters: 4, kernel: 3}, layer_norm, "+
		"{kind: residual, body: [{kind: conv, filters: 4, kernel: 3, padding: same}, layer_norm]}, flatten, {kind: dense, units: 3}]}", tensor.Shape{C: 2, H: 5, W: 5}, 3)
	var matrices, others []string
	for _, b := range net.Layout().Blocks {
		if b.IsMatrix() {
			matrices = append(matrices, b.Name)
		} else {
			others = append(others, b.Name)
		}
	}
	if want := []string{"0.weight", "2.body.0.weight", "4.weight"}; !slices.Equal(matrices, want) || len(others) != 7 {
		t.Errorf("matrices %v, expected %v; vectors %v", matrices, want, others)
	}
}
