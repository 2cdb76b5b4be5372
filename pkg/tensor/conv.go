package tensor

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A ConvShape is a convolution of one example: output (f, i, j) is the sum over
// channels c and taps (a, b) of
//
//	w[f][c][a][b] x[c][i Stride + a - PadH][j Stride + b - PadW]
//
// where x is 0 outside of the image. (The field's convolution: the kernel is not
// flipped.) Padding below and to the right is what Out leaves room for.
type ConvShape struct {
	In, Out    Shape // Out.C filters
	KH, KW     int
	Stride     int
	PadH, PadW int // zeros above the image and to its left
}

// Taps returns q, the number of weights of one filter.
func (s ConvShape) Taps() int { return s.In.C * s.KH * s.KW }

// Positions returns P, the number of outputs of one filter.
func (s ConvShape) Positions() int { return s.Out.H * s.Out.W }

// MultiplyAdds returns those of one example, forward or either way back; those
// with padding count.
func (s ConvShape) MultiplyAdds() int64 {
	return int64(s.Out.C) * int64(s.Taps()) * int64(s.Positions())
}

// valid panics unless there is something to convolve.
func (s ConvShape) valid() {
	for _, n := range []int{s.In.C, s.In.H, s.In.W, s.Out.C, s.Out.H, s.Out.W, s.KH, s.KW, s.Stride} {
		if n <= 0 {
			panic(fmt.Sprintf("tensor: Conv: a size that is not positive: %+v", s))
		}
	}
	if s.PadH < 0 || s.PadW < 0 {
		panic(fmt.Sprintf("tensor: Conv: negative padding: %+v", s))
	}
}

// A Conv is a convolution bound to its shape. An example is a row of a matrix,
// channels first; weights are Out.C x In.C x KH x KW, row-major. Rows of outputs,
// and of dx, are adjacent.
//
// All three products are matrix products with the patches of images, which no
// memory ever holds: kernels pack panels of them from padded copies of a few
// images at a time. Work space belongs to the pool, for all its convolutions. Tables
// are those of the instruction set that is active when it is made, and it panics
// under another.
type Conv[T Float] struct {
	ConvShape
	pool *Pool
	args *args[T]
	isa  kernel.ISA

	forward, input convSum[T]
	weight         convWeight[T]
	rows           convRows[T]
}

// NewConv returns the convolution of shape s.
func NewConv[T Float](p *Pool, s ConvShape) *Conv[T] {
	s.valid()
	c := &Conv[T]{ConvShape: s, pool: p, args: argsOf[T](p), isa: kernel.Active()}
	c.forward.init(c, forwardPlan(s), s.Taps())
	c.input.init(c, inputPlan(s), s.KH*s.KW)
	c.weight.init(c)
	return c
}

// convSpace is the work space of convolutions on a pool.
type convSpace[T Float] struct {
	images  [][]T // padded, for each thread
	filters []T   // and the bias, as matrices

	channels, signals, sums []T // of weight gradients
	biases                  []float64
}

// reserveConv makes work space for so many threads, and images of so many values.
func (g *args[T]) reserveConv(threads, values int) {
	g.reserve(threads)
	for len(g.conv.images) < threads {
		g.conv.images = append(g.conv.images, nil)
	}
	for i := range threads {
		grow(&g.conv.images[i], values)
	}
}

// grow returns n elements of *buf, which it makes longer if need be.
func grow[T any](buf *[]T, n int) []T {
	if len(*buf) < n {
		*buf = make([]T, n)
	}
	return (*buf)[:n]
}

// Forward sets y = w * x + bias + beta y for every example. A nil bias is 0;
// beta is 0 or 1. With beta = 0, y is overwritten whatever it holds.
func (c *Conv[T]) Forward(w, bias []T, x Matrix[T], beta T, y Matrix[T]) {
	c.check(w, x, y, c.Out.C)
	if bias != nil && len(bias) != c.Out.C || beta != 0 && beta != 1 {
		panic("tensor: Conv: Forward: a bias of the wrong length, or beta that is neither 0 nor 1")
	}
	c.forward.run(c, w, bias, x, beta == 1, y)
}

// Input sets dx to the gradient of <dy, w * x> with respect to x.
func (c *Conv[T]) Input(w []T, dy, dx Matrix[T]) {
	c.check(w, dx, dy, c.Out.C)
	c.input.run(c, w, nil, dy, false, dx)
}

// Weight sets dw, and db unless it is nil, to the gradients of <dy, w * x +
// bias> with respect to the weights and the bias, summed over the examples. It
// takes any number of filters: as many as dy has.
func (c *Conv[T]) Weight(x, dy Matrix[T], dw, db []T) {
	filters := dy.Cols / c.Positions()
	c.check(dw, x, dy, filters)
	if db != nil && len(db) != filters {
		panic("tensor: Conv: Weight: a bias of the wrong length")
	}
	c.weight.run(c, x, dy, dw, db)
}

func (c *Conv[T]) check(w []T, x, y Matrix[T], filters int) {
	if c.isa != kernel.Active() {
		panic("tensor: Conv: made for another instruction set")
	}
	x.check()
	y.check()
	if x.Cols != c.In.Len() || y.Cols != filters*c.Positions() || x.Rows != y.Rows {
		panic("tensor: Conv: a batch of the wrong shape")
	}
	if len(w) != filters*c.Taps() {
		panic("tensor: Conv: weights of the wrong length")
	}
}
