package nn

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Memory is what a linearization takes, in bytes. Sums and products of sizes stop
// at [size.Max], which no memory holds.
type Memory struct {
	Kept int // activations that derivatives refer to
	Work int // tangents and cotangents between layers
}

// Bytes returns what is held for one example if a value takes so many bytes.
func (r Row) Bytes(value int) int {
	return size.Sum(size.Product(r.Kept, value), size.Product(r.Indices, 4))
}

// Memory returns what a linearization for batches of m examples takes if a
// value takes so many bytes. Work space of matrix products comes on top.
func (n *Net) Memory(m, value int) Memory {
	var mem Memory
	for _, r := range n.Table() {
		if !r.Nested {
			mem.Kept = size.Sum(mem.Kept, size.Product(m, r.Bytes(value)))
		}
	}
	work := size.Sum(size.Product(n.workValues(), value), size.Product(n.Outputs(), 8))
	mem.Work = size.Product(m, work)
	return mem
}

// workValues is the number of values between layers of one example.
func (n *Net) workValues() int {
	var s slots
	s.reserve(&n.chain, 0)
	return s.values()
}

// GramMemory returns the bytes that [Linearization.Gram], or GramBlocks, adds to a
// linearization for batches of m examples: the signals of all k outputs, and the
// work space of the layers. The matrix itself is the caller's.
func (n *Net) GramMemory(m, value int, blocks bool) int {
	signals := size.Product(n.workValues(), n.Outputs(), m)
	return size.Product(size.Sum(signals, n.gramValues(m, n.Outputs(), blocks)), value)
}

// A GramSized layer has ops that keep work space for their part of a Gram matrix, which
// is counted before a run is begun.
type GramSized interface {
	// GramValues returns how many values that is for m examples of shape in and k
	// signals each, for the whole matrix or for its diagonal blocks.
	GramValues(in tensor.Shape, m, k int, blocks bool) int
}

func (c *chain) gramValues(m, k int, blocks bool) (n int) {
	for _, l := range c.layers {
		if g, ok := l.Layer.(GramSized); ok {
			n = size.Sum(n, g.GramValues(l.in, m, k, blocks))
		}
		for _, b := range l.inside() {
			n = size.Sum(n, b.gramValues(m, k, blocks))
		}
	}
	return n
}

// GramValues counts the inner products of m inputs, and those of m signals for a pair
// of outputs.
func (l Dense) GramValues(_ tensor.Shape, m, _ int, blocks bool) int {
	if blocks {
		return 0
	}
	return size.Product(2, m, m)
}

// GramValues counts the Jacobian of the filters that are held at a time, and the products
// of its rows for a pair of outputs.
func (l Conv) GramValues(in tensor.Shape, m, k int, blocks bool) int {
	rows, pairs := size.Product(m, k), size.Product(m, m)
	if blocks {
		rows, pairs = k, 0
	}
	filter := size.Sum(size.Product(in.C, l.Kernel.H, l.Kernel.W), 1)
	filters := min(l.Filters, max(1, jacobianLength/max(1, size.Product(rows, filter))))
	return size.Sum(size.Product(rows, filter, filters), pairs)
}

// GramValues counts a Jacobian of two weights for each channel.
func (GroupNorm) GramValues(in tensor.Shape, m, k int, blocks bool) int {
	return ExplicitValues(2*in.C, m, k, blocks)
}

// GramValues counts a Jacobian of two weights for each value.
func (LayerNorm) GramValues(in tensor.Shape, m, k int, blocks bool) int {
	return ExplicitValues(2*in.Len(), m, k, blocks)
}

// ExplicitValues is the work space of an [Explicit] whose Jacobian has so many columns,
// for m examples and k signals each.
func ExplicitValues(cols, m, k int, blocks bool) int {
	n := size.Product(m, k, cols)
	if blocks {
		return n
	}
	return size.Sum(n, size.Product(m, m))
}

// ProductSpace returns about how many bytes a pool of so many threads keeps for
// convolutions: padded images for each thread and for the sums of weight
// gradients, and a copy of the filters.
func (n *Net) ProductSpace(threads, value int) int {
	image, filters := n.convSizes()
	return size.Product(value, size.Sum(size.Product(threads+2, image), size.Product(2, filters)))
}

// convSizes returns the values of the largest padded image, and the weights of the
// largest convolution.
func (c *chain) convSizes() (image, filters int) {
	for _, l := range c.layers {
		if conv, ok := l.Layer.(Conv); ok {
			s := conv.shape(l.in)
			high, wide := size.Sum(l.in.H, 2*s.PadH, s.KH), size.Sum(l.in.W, 2*s.PadW, s.KW)
			image, filters = max(image, size.Product(l.in.C, high, wide)), max(filters, l.size.NumParams())
		}
		for _, b := range l.inside() {
			i, f := b.convSizes()
			image, filters = max(image, i), max(filters, f)
		}
	}
	return image, filters
}
