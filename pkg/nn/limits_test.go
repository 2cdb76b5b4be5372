package nn

import (
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestHugeSizes: numbers that no machine holds, or that overflow, are refused with
// the key or the layer, and what is not refused is counted without overflow.
func TestHugeSizes(t *testing.T) {
	const most = "9223372036854775807"
	for _, c := range []struct{ config, want string }{
		{"{kind: mlp, hidden: [" + most + "]}", "hidden: must be at most 2147483647, got " + most},
		{"{kind: mlp, hidden: [4000000000, 4000000000]}", "hidden: must be at most 2147483647, got 4000000000"},
		{"{kind: mlp, hidden: [2000000000, 2000000000]}", "layer 2 (dense): has weights of shapes [[2000000000 2000000000] [2000000000]]: more numbers than any memory holds"},
		{"{kind: mlp, outputs: " + most + "}", "outputs: must be at most"},
		{"{kind: convnet, filters: [" + most + "]}", "filters: must be at most"},
		{"{kind: convnet, filters: [2000000000], kernel: 2000000000}", "more numbers than any memory holds"},
		{"{kind: convnet, filters: [1], kernel: " + most + "}", "kernel: must be at most"},
		{"{kind: convnet, convs: " + most + "}", "convs: must be at most 10000"},
		{"{kind: convnet, filters: [1, 1, 1], convs: 9000}", "convs: 3 blocks of 9000 convolutions are more than the 10000 layers allowed"},
		{"{kind: resnet, depth: 6000000002}", "depth: must be at most 10000"},
		{"{kind: resnet, width: " + most + "}", "width: must be at most"},
		{"{kind: sequential, layers: [flatten, {kind: dense, units: " + most + "}]}", "units: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: " + most + ", kernel: 3}]}", "filters: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: 1, kernel: [3, " + most + "]}]}", "kernel: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: 1, kernel: 3, padding: " + most + "}]}", "padding: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: 1, kernel: 3, stride: " + most + "}]}", "stride: must be at most"},
		{"{kind: sequential, layers: [{kind: conv, filters: 9, kernel: 3, padding: 2147483647}]}", "layer 0 (conv): makes examples of shape 9x"},
		{"{kind: sequential, layers: [{kind: max_pool, size: " + most + "}]}", "size: must be at most"},
		{"{kind: sequential, layers: [{kind: avg_pool, size: 2, stride: " + most + "}]}", "stride: must be at most"},
		{"{kind: sequential, layers: [{kind: max_pool, size: 2147483647}]}", "larger than the image"},
		{"{kind: sequential, layers: [{kind: max_pool, size: " + most + ", padding: 4611686018427387903}]}", "size: must be at most"},
		{"{kind: sequential, layers: [{kind: residual, body: [{kind: conv, filters: " + most + ", kernel: 3}]}]}", "filters: must be at most"},
		{"{kind: sequential, layers: [{kind: group_norm, groups: " + most + "}]}", "do not divide into"},
		{"{kind: mlp, hidden: [" + strings.Repeat("1, ", 6000) + "1]}", "a network of 12003 layers; at most 10000 are allowed"},
	} {
		doc, err := strict.Parse("a.yaml", []byte("model: "+c.config))
		if err != nil {
			t.Fatal(err)
		}
		v, _ := doc.Root().Lookup("model")
		choice, err := Models.Decode(v)
		if err == nil {
			_, err = choice.Must().Build(tensor.Shape{C: 1, H: 8, W: 8}, 10)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 400 {
			t.Errorf("%.100s\n  says %.400v\n  want %s", c.config, err, c.want)
		}
	}

	n := build(t, "{kind: mlp, hidden: [16000000, 16000000]}", tensor.Shape{C: 1, H: 8, W: 8}, 10)
	for name, got := range map[string]int{
		"kept": n.Memory(math.MaxInt/2, 8).Kept, "work": n.Memory(math.MaxInt/2, 8).Work, "gram": n.GramMemory(math.MaxInt/2, 8, UseFormed),
	} {
		if got != size.Max {
			t.Errorf("%s: %d bytes", name, got)
		}
	}
	if got := n.MultiplyAdds().Forward; got < 1<<47 {
		t.Errorf("%d multiply-adds", got)
	}
}

// TestGramMemory compares what is counted for each use of K with what is held after it.
func TestGramMemory(t *testing.T) {
	const m = 40
	for _, c := range []struct{ name, config string }{
		{"convnet", "{kind: convnet, filters: [16, 32]}"},
		{"norms", "{kind: convnet, filters: [8, 16], convs: 2, norm: layer_norm}"},
		{"resnet", "{kind: resnet, depth: 8}"},
		{"mlp", "{kind: mlp, hidden: [200, 100]}"},
		{"equation", ""},
	} {
		var n *Net
		if c.config == "" {
			_, n = jetNet(t, "{kind: mlp, hidden: [64, 48], activation: tanh}", Jet{Dimension: 3, Second: []int{0, 1}})
		} else {
			n = build(t, c.config, tensor.Shape{C: 3, H: 12, W: 12}, 10)
		}
		const many, manyChained GramUse = -1, -2 // products of several vectors
		for use, name := range map[GramUse]string{UseChained: "chained", UseKept: "kept", UseFormed: "formed", UseBlocks: "blocks", UseKeptBlocks: "kept with blocks", many: "kept, for several vectors", manyChained: "chained, for several vectors"} {
			mk, outputs := m*n.Outputs(), n.Outputs()
			k, b, u := tensor.New[float64](mk, mk), tensor.New[float64](mk, outputs), tensor.New[float64](m, outputs)
			rows := tensor.New[float64](20, mk)
			w, x := make([]float64, n.NumParams()), tensor.New[float64](m, n.Input().Len())
			pool := tensor.NewPool(1)
			gram := func() *Linearization[float64] {
				l := NewLinearization[float64](n, m, pool)
				l.Linearize(w, x)
				switch use {
				case UseChained:
					l.Product(u, u)
				case UseKept:
					l.Keep(tensor.Matrix[float64]{})
					l.Product(u, u)
				case many:
					l.Keep(tensor.Matrix[float64]{})
					l.Products(rows, rows)
				case manyChained:
					l.Products(rows, rows)
				case UseKeptBlocks:
					l.Keep(b)
					l.Product(u, u)
				case UseFormed:
					l.Gram(k)
				case UseBlocks:
					l.GramBlocks(b)
				}
				return l
			}
			gram() // work space of products belongs to the pool
			before := heap()
			l := gram()
			after := heap()
			runtime.KeepAlive([]any{pool, l, w, x, k, b, u, rows})
			mem := n.Memory(m, 8)
			counted := float64(mem.Kept + mem.Work)
			of := use
			switch use {
			case many:
				of = UseKept
			case manyChained:
				of = UseChained
			}
			counted += float64(n.GramMemory(m, 8, of))
			if of != use {
				counted += float64(n.ProductsMemory(m, 8, rows.Rows, of))
			}
			if use == UseFormed { // the rows of K on their way to it are in the pool
				counted -= 8 * float64(tensor.WeightedSpace(mk, outputs))
			}
			if of != UseChained && (of != UseKept || n.keepsBelow(m, outputs) > 0) { // so are lists of zeros
				counted -= 8 * float64(n.unitSpace(m, outputs))
			}
			if ratio := counted / (after - before); ratio < 0.85 || ratio > 1.2 {
				t.Errorf("%s, %s: %.0f bytes are counted, %.0f held: a ratio of %.3f", c.name, name, counted, after-before, ratio)
			}
			pool.Close()
		}
	}
}
