package tensor

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// gatedRun is a product of [GatedProducts] that is being made.
type gatedRun[T Float] struct {
	kernel.Gated[T]
	z, gate  Matrix[T]
	examples int // that have their panels made together
	panels   int // of C
}

// GatedProducts sets C_i = A D_i B, k x n, for each of m examples, where D_i has 1 on its diagonal where gate z_i is open,
// and 0 where it is 0 or below, see [kernel.Gated]: row c m + i of C is that of row c of A, k x h. z is m x h. Elements become 0
// where gate, m x n, is 0 or below, unless it is a zero matrix. Terms that are 0 are not added up.
func GatedProducts[T Float](p *Pool, a, z, b, gate, c Matrix[T]) {
	k, h, m, n := a.Rows, a.Cols, z.Rows, b.Cols
	if z.Cols != h || b.Rows != h || c.Rows != k*m || c.Cols != n || !gate.IsZero() && (gate.Rows != m || gate.Cols != n) {
		panic("tensor: GatedProducts: the shapes do not fit")
	}
	for _, x := range []Matrix[T]{a, z, b, gate, c} {
		x.check()
	}
	if k == 0 || m == 0 || n == 0 {
		return
	}
	if h == 0 {
		for i := range c.Rows {
			clear(c.Row(i))
		}
		return
	}
	g := argsOf[T](p)
	s := &g.gated
	g.reserve(p.Threads())
	g.b, g.c, s.z, s.gate = b, c, z, gate
	s.Begin(m, k, h, a.Data, a.Stride)
	for _, scratch := range g.scratch { // a thread may get its first panel at any time
		s.Reserve(scratch)
	}
	p.For(m, max(1, openGrain/h), g.open)
	s.panels = s.Panels(n)
	blocks := blocksOf[T](p.Threads(), m*k*h*n/2)
	parts := (blocks + s.panels - 1) / s.panels
	s.examples = (m + parts - 1) / parts
	grain := 1
	if blocks == 1 {
		grain = s.panels
	}
	p.forOn(s.panels*parts, grain, g.gatedPanels)
	g.b, g.c, s.z, s.gate = Matrix[T]{}, Matrix[T]{}, Matrix[T]{}, Matrix[T]{}
	g.done(p)
}

// GatedSpace is an upper bound of the values that GatedProducts keeps for k rows, m examples and h terms, in either
// precision: lists of terms, whose numbers are half as large as a float64, and A in vectors.
func GatedSpace(k, m, h int) int {
	lists := size.Product(m, size.Sum(h, kernel.GatedParts(h)))
	return size.Sum(lists, size.Product(2, h, size.Sum(k, 8)))
}

// openGrain is the number of gates that one thread reads at a time, in ten microseconds.
const openGrain = 1 << 13

// openGates reads the gates of examples.
func (g *args[T]) openGates(lo, hi int) {
	for i := lo; i < hi; i++ {
		g.gated.Open(i, g.gated.z.Row(i))
	}
}

// panelsOfGated makes panels of C, all those of some examples before the next.
func (g *args[T]) panelsOfGated(worker, from, to int) {
	s := &g.gated
	for at := from; at < to; at++ {
		lo := at / s.panels * s.examples
		hi := min(lo+s.examples, s.z.Rows)
		if lo < hi {
			s.Panel(g.scratch[worker], at%s.panels, lo, hi, g.b.Cols, g.b.Data, g.b.Stride, s.gate.Data, s.gate.Stride, g.c.Data, s.z.Rows*g.c.Stride, g.c.Stride)
		}
	}
}
