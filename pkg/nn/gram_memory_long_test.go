//go:build long

package nn

import (
	"runtime"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

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
