package nn

import (
	"github.com/dualgn/dgn/pkg/size"
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

// GramCosts returns what the ways to multiply by K take for mini-batches of m examples.
func (n *Net) GramCosts(m int) GramCosts {
	_, costs := n.gramCosts(m, n.Outputs())
	return costs
}

// keepsBelow returns the op of the tape below which rows of J are kept, where a product is
// the least work: 0 if it is best chained through all layers. There are k signals for each
// example: that many outputs, or combinations of them.
func (n *Net) keepsBelow(m, k int) int {
	cut, _ := n.gramCosts(m, k)
	return cut
}

func (n *Net) gramCosts(m, k int) (cut int, out GramCosts) {
	var (
		works    []GramWork // of the layers that change values
		passes   []Work
		weighted []bool
		first    = -1
		all      GramWork
		signals  []Work // of k signals back through a layer
		back     Work   // of one through all layers above the first with weights
		walk     Work   // of k
	)
	for _, l := range n.layers {
		if !l.changes() {
			continue
		}
		g, pass, sent := l.gramWork(m, k)
		works, passes, signals = append(works, g), append(passes, pass), append(signals, sent)
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
	if last := len(works) - 1; k == n.Outputs() && n.gathers() {
		signals[last].Adds = 0
		if n.sharedZeros(k) > 0 {
			signals[last-2].Adds = signals[last-2].Adds / 5 * 3 // half of the terms, and what it takes to find them, for some ten outputs
		}
	}
	if first >= 0 {
		for _, s := range signals[first+1:] {
			walk.add(s)
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
	kept := make([]GramWork, len(works)+1) // of the layers before one
	for i, g := range works {
		kept[i+1] = kept[i]
		kept[i+1].add(g)
	}
	least := -1.0
	var between Work // passes since the last layer with weights
	for i := len(works) - 1; i >= 0; i-- {
		if weighted[i] {
			chained.add(between)
			chained.add(works[i].Chained)
			between = Work{}
			product := chained
			product.add(kept[i].product())
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
		out.Kept.Setup = walk
		out.Kept.Held = n.gramSpace(m, k, UseKept, cut)
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

	out.Formed = GramCost{Setup: walk, Product: adds(0, streamed(size.Product(rows, rows))), Combine: all.Combine, Held: size.Sum(size.Product(rows, rows), n.gramSpace(m, k, UseFormed, len(works)))}
	out.Walk = walk
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
