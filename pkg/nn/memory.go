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

// ProductSpace returns about how many bytes a pool of so many threads keeps for
// convolutions of m examples: padded images for each thread, or images with examples in
// lanes, and images for weight gradients and their sums, and a copy of the filters. Go kernels
// keep more, since they pack the patches of whole images.
func (n *Net) ProductSpace(m, threads, value int) int {
	s := n.convSizes(m, value)
	return size.Product(value, size.Sum(size.Product(2, s.image), size.Product(threads, max(s.image, s.lanes)), s.filters, s.sums))
}

// convSizes are the most values that any convolution has.
type convSizes struct {
	image   int // padded
	lanes   int // of images of m examples in lanes
	filters int // weights
	sums    int // of their gradients
}

func (s *convSizes) include(o convSizes) {
	*s = convSizes{max(s.image, o.image), max(s.lanes, o.lanes), max(s.filters, o.filters), max(s.sums, o.sums)}
}

// convSizes returns them for m examples of values of so many bytes.
func (c *chain) convSizes(m, value int) (all convSizes) {
	for _, l := range c.layers {
		if conv, ok := l.Layer.(Conv); ok {
			s := conv.shape(l.in)
			high, wide := size.Sum(l.in.H, 2*s.PadH, s.KH), size.Sum(l.in.W, 2*s.PadW, s.KW)
			one := convSizes{image: size.Product(l.in.C, high, wide), filters: l.size.NumParams()}
			if value == 4 {
				one.lanes, one.sums = tensor.LanesSpace[float32](s, m), tensor.WeightSums[float32](s)
			} else {
				one.lanes, one.sums = tensor.LanesSpace[float64](s, m), tensor.WeightSums[float64](s)
			}
			all.include(one)
		}
		for _, b := range l.inside() {
			all.include(b.convSizes(m, value))
		}
	}
	return all
}
