package nn

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// torchLayers are the layers of scripts/torch_fixtures.py.
var torchLayers = map[string]string{
	"max_pool":          `{kind: max_pool, size: 2}`,
	"max_pool_padded":   `{kind: max_pool, size: 3, stride: 2, padding: 1}`,
	"avg_pool":          `avg_pool`,
	"avg_pool_padded":   `{kind: avg_pool, size: 3, stride: 2, padding: 1}`,
	"global_avg_pool":   `global_avg_pool`,
	"group_norm":        `{kind: group_norm, groups: 2}`,
	"group_norm_vector": `{kind: group_norm, groups: 2}`,
	"layer_norm":        `layer_norm`,
	"layer_norm_vector": `layer_norm`,
}

const torchNetwork = `
  {kind: conv, filters: 4, kernel: 3, padding: same, bias: false}, {kind: group_norm, groups: 2}, relu,
  {kind: residual,
   body: [{kind: conv, filters: 6, kernel: 3, stride: 2, padding: 1}, {kind: group_norm, groups: 3}, tanh, {kind: conv, filters: 6, kernel: 3, padding: 1}],
   shortcut: [{kind: conv, filters: 6, kernel: 1, stride: 2}]},
  {kind: residual, body: [{kind: conv, filters: 6, kernel: 3, padding: 1}]},
  max_pool, global_avg_pool, {kind: dense, units: 3}`

// choose decodes a value of a config.
func choose[T any](t *testing.T, decode func(v strict.Value, common ...any) (T, error), text string) T {
	t.Helper()
	doc, err := strict.Parse("test.yaml", []byte("value: "+text))
	if err != nil {
		t.Fatal(err)
	}
	v, _ := doc.Root().Lookup("value")
	c, err := decode(v)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTorchLayers compares outputs and gradients of single layers with PyTorch's.
func TestTorchLayers(t *testing.T) {
	want := readArrays(t, "testdata/torch_layers.npz")
	names := map[string]bool{}
	for name := range want {
		layer, _, _ := strings.Cut(name, "/")
		names[layer] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		get := func(what string) arrays.Array { return want[name+"/"+what] }
		x, y, c, w := get("x"), get("y").Float64s(), get("c").Float64s(), get("w").Float64s()
		in := tensor.Shape{C: x.Shape[1], H: 1, W: 1}
		if len(x.Shape) == 4 {
			in.H, in.W = x.Shape[2], x.Shape[3]
		}
		m := x.Shape[0]
		if name == "network" {
			n, err := choose(t, Models.Decode, "{kind: sequential, layers: ["+torchNetwork+"]}").Must().Build(in, 3)
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := Load[float64]("testdata/torch_network.safetensors", n)
			if err != nil || !slices.Equal(loaded, w) {
				t.Errorf("the network's weights are not PyTorch's: %v", err)
			}
			l := NewLinearization[float64](n, m, nil)
			if d := distance(l.Linearize(w, tensor.View(m, in.Len(), x.Float64s())).Flat(), y); d > 1e-12 {
				t.Errorf("network: outputs are %.2g away", d)
			}
			gw := make([]float64, len(w))
			l.VJP(gw, tensor.View(m, 3, c))
			if d := distance(gw, get("gw").Float64s()); d > 1e-11 {
				t.Errorf("network: the gradient is %.2g away", d)
			}
			continue
		}
		config, ok := torchLayers[name]
		if !ok {
			t.Errorf("the fixture %s is not tested", name)
			continue
		}
		l := choose(t, Layers.Decode, config).Must()
		s, err := l.Size(in)
		if err != nil {
			t.Fatal(err)
		}
		r := &opRun[float64]{
			op: bind[float64](l, Site{in, m, nil}), x: tensor.View(m, in.Len(), x.Float64s()), w: w, ct: tensor.View(m, s.Out.Len(), c),
			y: tensor.New[float64](m, s.Out.Len()), gx: tensor.New[float64](m, in.Len()), gw: make([]float64, s.NumParams()),
		}
		r.op.Forward(r.y, r.x, r.w)
		r.op.VJP(r.gx, r.gw, r.ct)
		for _, v := range []struct {
			what      string
			got, want []float64
		}{{"y", r.y.Flat(), y}, {"gx", r.gx.Flat(), get("gx").Float64s()}, {"gw", r.gw, get("gw").Float64s()}} {
			if len(v.got) != len(v.want) {
				t.Errorf("%s: %s has %d values, PyTorch's %d", name, v.what, len(v.got), len(v.want))
			} else if d := distance(v.got, v.want); d > 1e-13 {
				t.Errorf("%s: %s is %.2g away", name, v.what, d)
			}
		}
	}
	for name := range torchLayers {
		if !names[name] {
			t.Errorf("there is no fixture %s", name)
		}
	}
}
