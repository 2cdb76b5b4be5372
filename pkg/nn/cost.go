package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Work is what something takes: multiply-adds of matrix products, values that passes over
// memory read and write besides, and loops over them, each of which has a cost of its own.
type Work struct {
	Adds, Moved int64
	Loops       int
}

func (w *Work) add(o Work) {
	add(&w.Adds, o.Adds)
	add(&w.Moved, o.Moved)
	w.Loops = size.Sum(w.Loops, o.Loops)
}

// times returns the work of so many of them.
func (w Work) times(n int) Work {
	return Work{int64(size.Product(int(w.Adds), n)), int64(size.Product(int(w.Moved), n)), size.Product(w.Loops, n)}
}

// Constants of a core of 2024 with AVX-512, float32: what a product, a pass over memory that
// lies beyond the second-level cache, and a loop take at the sizes of mini-batches. They
// decide what is chosen, and are part of a result's bits: never those of the machine at hand.
const (
	addSeconds  = 1 / 45e9
	moveSeconds = 1 / 5e9
	loopSeconds = 1.5e-6
)

// Seconds is about how long the work takes, on any machine: it compares ways to do the same.
func (w Work) Seconds() float64 {
	// Conversions keep compilers from fusing, so that all processors choose alike.
	return float64(float64(w.Adds)*addSeconds) + float64(float64(w.Moved)*moveSeconds) + float64(float64(w.Loops)*loopSeconds)
}

// A GramCost is what a way to multiply by K = J Jᵀ takes for a mini-batch: once, for every
// product, and for Jᵀ alpha at the end.
type GramCost struct {
	Setup, Product, Combine Work
	Held                    int // values that K, or rows of J, and what they are made of and used with take
}

// GramCosts are those of the ways there are: through the tangent J (Jᵀ v), layer by layer
// ([Linearization.Product]), by kept rows of J ([Linearization.Keep]), and by K itself.
type GramCosts struct {
	MatrixFree, Chained, Kept, Formed GramCost

	// Walk takes the signals of all outputs back to all layers' rows of J, and Blocks makes the
	// diagonal blocks of K of them.
	Walk, Blocks Work
}

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
	Multiply Work // and so on
	Combine  Work

	Held int // values of rows of J

	// Values of work space for Chained, for Multiply and Combine, and for Gram.
	ChainedSpace, MultiplySpace, GramSpace int
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
}

// adds is n multiply-adds and so many values moved, in one loop.
func adds(n, moved int) Work { return Work{Adds: int64(n), Moved: int64(moved), Loops: 1} }

// streamed is what reading n values again and again counts as moved: those that stay in the
// second-level cache a quarter.
func streamed(n int) int {
	if n <= 1<<18 {
		return n / 4
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
		Chained: adds(size.Product(m, m, out), size.Sum(size.Product(m, m), size.Product(2, m, out))),
		Gram:    adds(pairsOf(rows, out), size.Sum(size.Product(3, rows, rows)/2, pass)),
		Combine: adds(size.Product(m, in.C, out), size.Sum(pass, size.Product(in.C, out))),
		Blocks:  Work{Adds: int64(size.Product(m, pairsOf(s, out)))},
		Held:    pass,
	}
	through := size.Product(m, m)
	if !pairsInputs(m, in.C) {
		n := size.Product(in.C, out)
		g.Once, g.Chained = Work{}, adds(size.Product(2, m, n), size.Sum(size.Product(2, n), size.Product(2, m, in.C)))
		through = size.Sum(n, out)
	}
	g.ChainedSpace, g.MultiplySpace = size.Sum(through, size.Product(m, out)), size.Sum(through, size.Product(2, m, out))
	g.GramSpace = size.Sum(size.Product(m, m), size.Product(m, out))
	if s > 1 {
		g.GramSpace = size.Sum(g.GramSpace, pass) // signals in the order of K
	}
	g.Multiply = g.Chained
	g.Multiply.add(Work{Moved: int64(size.Product(2, streamed(pass))), Loops: 2})
	return g
}

// GramWork is that of [convJacobian].
func (l Conv) GramWork(in tensor.Shape, m, s int) GramWork {
	shape := l.shape(in)
	each := int(shape.MultiplyAdds())
	values := size.Product(l.Filters, size.Sum(shape.Taps(), 1))
	g := explicitWork(m, s, values)
	g.Chained = adds(size.Product(2, m, each), 0)
	g.ChainedSpace = values
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
		Held:     held, ChainedSpace: cols, MultiplySpace: cols,
	}
}

// gramWork is what a layer does, those inside it together. through is the work of taking a
// cotangent back to its input, or a tangent from there.
func (l namedLayer) gramWork(m, s int) (g GramWork, through Work) {
	through = adds(size.Product(m, int(l.size.Input)), size.Product(m, size.Sum(l.in.Len(), size.Product(2, l.size.Out.Len()))))
	inside := l.inside()
	for _, b := range inside {
		for i, in := range b.layers {
			if !in.changes() {
				continue
			}
			part, pass := in.gramWork(m, s)
			g.add(part)
			if i > b.first {
				g.Chained.add(pass.times(2))
				g.Keep.add(pass.times(s))
			}
		}
	}
	if len(inside) > 0 || l.size.NumParams() == 0 {
		return g, through
	}
	if layer, ok := l.Layer.(GramLayer); ok {
		return layer.GramWork(l.in, m, s), through
	}
	g = explicitWork(m, s, l.size.NumParams())
	g.Chained = adds(0, size.Product(4, m, l.size.Out.Len()))
	return g, through
}

// GramCosts returns what the ways to multiply by K take for mini-batches of m examples.
func (n *Net) GramCosts(m int) GramCosts {
	_, costs := n.gramCosts(m)
	return costs
}

// keepsBelow returns the op of the tape below which rows of J are kept, where a product is
// the least work: 0 if it is best chained through all layers.
func (n *Net) keepsBelow(m int) int {
	cut, _ := n.gramCosts(m)
	return cut
}

func (n *Net) gramCosts(m int) (cut int, out GramCosts) {
	k := n.Outputs()
	var (
		works    []GramWork // of the layers that change values
		passes   []Work
		weighted []bool
		first    = -1
		all      GramWork
		back     Work // through all layers above the first with weights
	)
	for _, l := range n.layers {
		if !l.changes() {
			continue
		}
		g, pass := l.gramWork(m, k)
		works, passes = append(works, g), append(passes, pass)
		has := l.size.NumParams() > 0
		weighted = append(weighted, has)
		all.add(g)
		switch {
		case first >= 0:
			back.add(pass)
		case has:
			first = len(works) - 1
		}
	}
	each, rows := n.MultiplyAdds(), size.Product(m, k)
	vjp := Work{Adds: each.VJP, Moved: int64(n.params), Loops: len(works)}
	vjp.Adds = vjp.times(m).Adds

	out.MatrixFree = GramCost{Product: vjp.times(2), Combine: vjp}
	out.MatrixFree.Combine.Loops *= 2
	through := back.times(2)
	out.MatrixFree.Product.add(Work{Moved: through.Moved, Loops: through.Loops})

	out.Chained = GramCost{Setup: all.Once, Product: through, Combine: out.MatrixFree.Combine}
	out.Chained.Product.add(all.Chained)

	// From the top down: the work of a product with layers from i on chained, and the others
	// kept.
	chained := Work{}
	kept := make([]Work, len(works)+1) // of the layers before one
	for i, g := range works {
		kept[i+1] = kept[i]
		kept[i+1].add(g.Multiply)
	}
	least := -1.0
	var between Work // passes since the last layer with weights
	for i := len(works) - 1; i >= 0; i-- {
		if weighted[i] {
			chained.add(between)
			chained.add(works[i].Chained)
			between = Work{}
			product := chained
			product.add(kept[i])
			if s := product.Seconds(); least < 0 || s < least {
				least, cut = s, i
				out.Kept.Product = product
			}
		}
		between.add(passes[i].times(2))
	}
	if cut <= first {
		cut, out.Kept = 0, out.Chained
	} else {
		out.Kept.Setup = back.times(k)
		out.Kept.Held = n.gramSpace(m, UseKept, cut)
		out.Kept.Setup.add(all.Once)
		out.Kept.Combine = Work{}
		for i, g := range works {
			switch {
			case i >= cut:
				out.Kept.Combine.add(Work{Adds: Work{Adds: n.combineAdds(i, i > cut)}.times(m).Adds, Loops: 2})
			case weighted[i]:
				out.Kept.Setup.add(g.Keep)
				out.Kept.Combine.add(g.Combine)
			}
		}
	}

	out.Formed = GramCost{Setup: back.times(k), Product: adds(0, streamed(size.Product(rows, rows))), Combine: all.Combine, Held: size.Sum(size.Product(rows, rows), n.gramSpace(m, UseFormed, len(works)))}
	out.Walk = back.times(k)
	out.Walk.add(all.Keep)
	out.Blocks = all.Blocks
	out.Formed.Setup.add(all.Once)
	out.Formed.Setup.add(all.Keep)
	out.Formed.Setup.add(all.Gram)
	return cut, out
}

// combineAdds are the multiply-adds of one example of the weight half of layer i of those
// that change values, and of the input half too.
func (n *Net) combineAdds(i int, input bool) int64 {
	for _, l := range n.layers {
		if !l.changes() {
			continue
		}
		if i == 0 {
			if input {
				return l.size.Weight + l.size.Input
			}
			return l.size.Weight
		}
		i--
	}
	return 0
}
