package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A GramUse is what is made of K = J Jᵀ within a linearization.
type GramUse int

const (
	UseChained    GramUse = iota // products, layer by layer
	UseKept                      // products with kept rows of J
	UseFormed                    // K itself
	UseBlocks                    // its diagonal blocks
	UseKeptBlocks                // products with kept rows, and the blocks
)

// signalValues is the number of values of one signal of one example at the ends of runs.
func (n *Net) signalValues() int {
	var s slots
	s.reserveSignals(&n.chain, 0)
	return s.values()
}

// GramMemory returns the bytes that a use of K adds to a linearization for batches of m
// examples if a value takes so many bytes: signals of all k outputs, rows of J, and the work
// space of layers and products. The matrix itself is the caller's.
func (n *Net) GramMemory(m, value int, use GramUse) int {
	return n.gramMemory(m, n.Outputs(), value, use)
}

func (n *Net) gramMemory(m, k, value int, use GramUse) int {
	return size.Product(value, n.gramSpace(m, k, use, n.keepsBelow(m, k)))
}

// gramSpace is GramMemory in values, for k signals of each example, where rows are kept of
// the ops before cut.
func (n *Net) gramSpace(m, k int, use GramUse, cut int) int {
	var values int
	switch {
	case use == UseFormed || use == UseBlocks:
		cut = len(n.layers)
	case use == UseKept && cut == 0:
		use = UseChained
	}
	if use != UseChained {
		values = size.Sum(size.Product(n.signalValues(), k, m), n.runSpace(m, k))
	}
	i := 0
	for _, l := range n.layers {
		if !l.changes() {
			continue
		}
		values = size.Sum(values, l.gramValues(m, k, use, i >= cut))
		i++
	}
	if use == UseFormed {
		rows := size.Product(m, k)
		values = size.Sum(values, tensor.WeightedSpace(rows, k)) // rows of K on their way to it
	}
	if use != UseChained {
		values = size.Sum(values, n.gradientSpace(k), n.unitSpace(m, k))
	}
	return values
}

// unitSpace is what unit signals take on their way through a layer that leaves out their zeros.
func (n *Net) unitSpace(m, k int) int {
	if h := n.sharedZeros(k); h > 0 {
		return tensor.GatedSpace(k, m, h)
	}
	return 0
}

// gradientSpace is what one thread needs to make rows of J of the largest convolution.
func (c *chain) gradientSpace(k int) (n int) {
	for _, l := range c.layers {
		if conv, ok := l.Layer.(Conv); ok {
			n = max(n, tensor.GradientSpace(conv.shape(l.in), k))
		}
		for _, b := range l.inside() {
			n = max(n, b.gradientSpace(k))
		}
	}
	return n
}

// runSpace is what is between the ops of a run when k signals of m examples go back.
func (c *chain) runSpace(m, k int) (n int) {
	widest, between := 0, 0
	var before Layer
	for _, l := range c.layers {
		if !l.changes() {
			continue
		}
		_, relu := before.(ReLU)
		if _, gates := l.Layer.(rectifier); relu && gates {
			between-- // the layer passes the relu before it too
		}
		before = l.Layer
		for _, b := range l.inside() {
			n = max(n, b.runSpace(m, k))
		}
		if l.size.NumParams() > 0 { // the first of a run
			n = max(n, runBuffers(widest, between, m, k))
			widest, between = 0, 0
		}
		widest, between = max(widest, l.size.Out.Len()), between+1
	}
	return max(n, runBuffers(widest, between, m, k))
}

// runBuffers is what there is between so many ops, the widest of so many values.
func runBuffers(widest, ops, m, k int) int {
	return size.Product(min(2, max(0, ops-1)), min(size.Product(k, m, widest), max(runValues, size.Product(m, widest))))
}

// gramValues counts what one layer, and those inside it, add.
func (l namedLayer) gramValues(m, k int, use GramUse, above bool) (n int) {
	inside := l.inside()
	for _, b := range inside {
		for _, in := range b.layers {
			if in.changes() {
				n = size.Sum(n, in.gramValues(m, k, use, above))
			}
		}
	}
	if len(inside) > 0 || l.size.NumParams() == 0 {
		return n
	}
	g, _, _ := l.gramWork(m, k)
	held := g.Held
	kept := (use == UseKept || use == UseKeptBlocks) && !above
	if conv, ok := l.Layer.(Conv); ok && !kept { // some filters at a time
		each := held / conv.Filters
		held = size.Product(each, heldFilters(conv.Filters, each, jacobianLength))
	}
	if _, dense := l.Layer.(Dense); dense && (use == UseBlocks || above) {
		held = 0 // signals that pass by
	}
	switch {
	case use == UseKeptBlocks && above:
		return size.Sum(held, g.ChainedSpace)
	case use == UseChained || above:
		return g.ChainedSpace
	case use == UseBlocks:
		return held
	case use == UseFormed:
		return size.Sum(held, g.GramSpace)
	}
	return size.Sum(held, g.MultiplySpace)
}
