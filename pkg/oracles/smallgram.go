package oracles

import "github.com/dualgn/dgn/pkg/tensor"

// A smallGram is V Vᵀ, formed.
type smallGram struct {
	pool   *tensor.Pool
	k      tensor.Matrix[float64]
	s      int
	blocks tensor.Matrix[float64]
}

// set makes it the matrix a, in float64 in the memory of wide unless a is.
func (g *smallGram) set(a any, wide []float64, s int) {
	g.s = s
	switch a := a.(type) {
	case tensor.Matrix[float64]:
		g.k = a
	case tensor.Matrix[float32]:
		g.k = tensor.View(a.Rows, a.Cols, wide[:len(a.Data)])
		tensor.Widen(g.pool, g.k.Data, a.Data)
	}
}

func (g *smallGram) Mul(u, v tensor.Matrix[float64]) Counters {
	tensor.Gemv(g.pool, g.k, v.Flat(), u.Flat())
	n := int64(g.k.Rows)
	return Counters{GramProducts: 1, MultiplyAdds: n * n}
}

func (g *smallGram) mulRows(u, v tensor.Matrix[float64]) (Counters, bool) {
	tensor.Gemm(g.pool, tensor.NoTrans, tensor.NoTrans, 1, v, g.k, 0, u)
	return rowProducts(v.Rows, g.k.Rows), true
}

func (g *smallGram) Form() (tensor.Matrix[float64], Counters) { return g.k, Counters{} }

func (g *smallGram) Blocks() (tensor.Matrix[float64], Counters) {
	g.blocks = resize(g.blocks, g.k.Rows, g.s)
	for r := range g.blocks.Rows {
		copy(g.blocks.Row(r), g.k.Row(r)[r/g.s*g.s:])
	}
	return g.blocks, Counters{}
}
