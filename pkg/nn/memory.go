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
// lanes, a copy of the filters, and what the gradients of weights are made of.
func (n *Net) ProductSpace(m, threads, value int) int {
	s := n.convSizes(m, value)
	return size.Product(value, size.Sum(size.Product(threads, size.Sum(max(s.image, s.lanes), s.packed)), s.filters, s.gradients))
}

// convSizes are the most values that any convolution has.
type convSizes struct {
	image     int // padded
	lanes     int // of images of m examples in lanes
	filters   int // weights
	packed    int // of patches
	gradients int // of them, with what they are made of
}

func (s *convSizes) include(o convSizes) {
	*s = convSizes{max(s.image, o.image), max(s.lanes, o.lanes), max(s.filters, o.filters), max(s.packed, o.packed), max(s.gradients, o.gradients)}
}

// convSizesOf returns them of one convolution.
func convSizesOf[T tensor.Float](s tensor.ConvShape, m int) convSizes {
	high, wide := size.Sum(s.In.H, 2*s.PadH, s.KH), size.Sum(s.In.W, 2*s.PadW, s.KW)
	return convSizes{
		image: size.Product(s.In.C, high, wide), lanes: tensor.LanesSpace[T](s, m), filters: size.Product(s.Out.C, s.Taps()),
		packed: tensor.PackedSpace[T](s, m), gradients: tensor.WeightSpace[T](s, m),
	}
}

// convSizes returns them for m examples of values of so many bytes.
func (c *chain) convSizes(m, value int) (all convSizes) {
	for _, l := range c.layers {
		if conv, ok := l.Layer.(Conv); ok {
			if s := conv.shape(l.in); value == 4 {
				all.include(convSizesOf[float32](s, m))
			} else {
				all.include(convSizesOf[float64](s, m))
			}
		}
		for _, b := range l.inside() {
			all.include(b.convSizes(m, value))
		}
	}
	return all
}
