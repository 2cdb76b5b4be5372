package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A GramLayer knows what its op does as a [GramOp]. A layer that does not tell is taken to
// form its rows of J, as an [Explicit] does.
type GramLayer interface {
	// GramWork is for batches of m examples of shape in, with s signals each.
	GramWork(in tensor.Shape, m, s int) GramWork
}

// GramWork is what the op of a layer with weights does for K.
type GramWork struct {
	Once     Work // for each mini-batch, whatever it is used for then
	Chained  Work // a product with its own J Jᵀ, see [ChainedOp]
	Keep     Work // [GramOp.Keep] with room for all
	Gram     Work // [GramOp.Gram] after Keep
	Blocks   Work // [GramOp.GramBlocks] after Keep
	Multiply Work // [GramOp.Multiply] after Keep, without the reading of Rows
	Combine  Work // [GramOp.Combine] after Keep

	Held int // values of rows of J

	// Rows are values that Multiply reads twice, with other matrices in between: they come from a cache only
	// where they and those matrices fit into it together. An [Explicit] counts its reading in Multiply: it has rows in one piece, which processors fetch ahead.
	Rows int

	// Values of work space for Chained, for Multiply and Combine, and for Gram.
	ChainedSpace, MultiplySpace, GramSpace int

	Many    int // for each of several vectors that are multiplied together; 0: one after the other
	Ordered int // and once for all of them
}

func (g *GramWork) add(o GramWork) {
	g.Once.add(o.Once)
	g.Chained.add(o.Chained)
	g.Keep.add(o.Keep)
	g.Gram.add(o.Gram)
	g.Blocks.add(o.Blocks)
	g.Multiply.add(o.Multiply)
	g.Combine.add(o.Combine)
	g.Held = size.Sum(g.Held, o.Held)
	g.Rows = size.Sum(g.Rows, o.Rows)
	g.MultiplySpace = size.Sum(g.MultiplySpace, o.MultiplySpace) // for product, as Rows
	g.Ordered = size.Sum(g.Ordered, o.Ordered)
}

// product is the work of Multiply with all it reads. Rows come from a near cache where they and the work space
// have up to 4 MiB of float32, from a far one, half as fast, up to 12 MiB, and else from memory, a fifth as fast, which threads share.
func (g GramWork) product() Work {
	reads := size.Product(2, g.Rows)
	switch all := size.Sum(g.Rows, g.MultiplySpace); {
	case all <= 1<<20:
		reads /= 2
	case all > 3<<20:
		reads = size.Product(5, reads) / 2
	}
	w := g.Multiply
	w.Moved = int64(size.Sum(int(w.Moved), reads))
	return w
}

// adds is n multiply-adds and so many values moved, in one loop.
func adds(n, moved int) Work { return Work{Adds: int64(n), Moved: int64(moved), Loops: 1} }

// passed is what a pass over n values counts as moved: a quarter up to 1 MiB of float32, where they
// are in a second-level cache, or near.
func passed(n int) int {
	if n <= 1<<18 {
		return n / 4
	}
	return n
}

// streamed is what a product of a matrix of so many values, in one piece, with a vector counts as moved: half up to 16 MiB of
// float32, where most of them stay in some cache from one product to the next.
func streamed(n int) int {
	if n <= 1<<22 {
		return n / 2
	}
	return n
}

// pairsOf is size.Product of a triangle's elements with others.
func pairsOf(n, each int) int { return size.Product(n, size.Sum(n, 1), each) / 2 }

// GramWork is that of [denseRows].
func (l Dense) GramWork(in tensor.Shape, m, s int) GramWork {
	rows, out := size.Product(m, s), l.Units
	pass := size.Product(rows, out)
	g := GramWork{
		Once:    adds(pairsOf(m, in.C), size.Product(m, in.C)),
		Chained: adds(size.Product(m, m, out), passed(size.Sum(size.Product(m, m), size.Product(2, m, out)))),
		Gram:    adds(pairsOf(rows, out), size.Sum(size.Product(3, rows, rows)/2, pass)),
		Combine: adds(size.Product(m, in.C, out), size.Sum(pass, size.Product(in.C, out))),
		Blocks:  Work{Adds: int64(size.Product(m, pairsOf(s, out)))},
		Held:    pass, Rows: pass,
	}
	through := size.Product(m, m)
	if !pairsInputs(m, in.C) {
		n := size.Product(in.C, out)
		g.Once, g.Chained = Work{}, adds(size.Product(2, m, n), size.Sum(size.Product(2, n), size.Product(2, m, in.C)))
		through = size.Sum(n, out)
	}
	g.ChainedSpace, g.MultiplySpace = size.Sum(through, size.Product(m, out)), size.Sum(through, size.Product(2, m, out))
	g.GramSpace = size.Sum(size.Product(m, m), size.Product(m, out))
	g.Many = size.Product(2, m, out)
	if s > 1 && pairsInputs(m, in.C) {
		g.Ordered = pass
	}
	if s > 1 {
		g.GramSpace = size.Sum(g.GramSpace, pass) // signals in the order of K
	}
	g.Multiply = g.Chained
	g.Multiply.Loops += 2
	return g
}

// GramWork is that of [convJacobian].
func (l Conv) GramWork(in tensor.Shape, m, s int) GramWork {
	shape := l.shape(in)
	each := int(shape.MultiplyAdds())
	values := size.Product(l.Filters, size.Sum(shape.Taps(), 1))
	g := explicitWork(m, s, values)
	g.Chained = adds(size.Product(2, m, each), 0)
	g.ChainedSpace, g.Many = values, 0
	g.Keep = adds(size.Product(m, s, each), size.Product(m, size.Sum(size.Product(2, s, shape.Out.Len()), size.Product(shape.Taps(), shape.Positions()))))
	return g
}

// explicitWork is that of an [Explicit] whose Jacobian has so many columns.
func explicitWork(m, s, cols int) GramWork {
	rows := size.Product(m, s)
	held := size.Product(rows, cols)
	return GramWork{
		Keep:     adds(0, held),
		Gram:     adds(pairsOf(rows, cols), held),
		Blocks:   adds(size.Product(m, pairsOf(s, cols)), held),
		Multiply: Work{Moved: int64(size.Product(2, streamed(held))), Loops: 2},
		Combine:  adds(0, held),
		Held:     held, ChainedSpace: cols, MultiplySpace: cols, Many: cols,
	}
}

// gramWork is what a layer does, those inside it together. through is the work of taking a
// cotangent back to its input, or a tangent from there, and signals that of taking s of them back. Between layers with weights all
// of these lie in memory; through other layers they go some at a time, which stay in the cache.
func (l namedLayer) gramWork(m, s int) (g GramWork, through, signals Work) {
	moved := size.Product(m, size.Sum(l.in.Len(), size.Product(2, l.size.Out.Len())))
	through = adds(size.Product(m, int(l.size.Input)), passed(moved))
	signals = through.times(s)
	weights := l.size.NumParams()
	inside := l.inside()
	for _, b := range inside {
		for i, in := range b.layers {
			if !in.changes() {
				continue
			}
			part, pass, back := in.gramWork(m, s)
			g.add(part)
			if i > b.first { // which reads its own weights
				weights -= in.size.NumParams()
				g.Chained.add(pass.times(2))
				g.Keep.add(back)
			}
		}
	}
	if l.size.NumParams() > 0 {
		through.Moved = int64(size.Sum(passed(moved), passed(weights)))
		signals.Moved = int64(size.Sum(passed(size.Product(s, moved)), passed(weights)))
	}
	if len(inside) > 0 || l.size.NumParams() == 0 {
		return g, through, signals
	}
	if layer, ok := l.Layer.(GramLayer); ok {
		return layer.GramWork(l.in, m, s), through, signals
	}
	g = explicitWork(m, s, l.size.NumParams())
	g.Chained = adds(0, size.Product(4, m, l.size.Out.Len()))
	return g, through, signals
}
