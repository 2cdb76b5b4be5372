package tensor

import "fmt"

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
// channels first; weights are Out.C x In.C x KH x KW, row-major.
type Conv[T Float] struct {
	ConvShape
	pool *Pool
	some *Conv[T]
}

// NewConv returns the convolution of shape s.
func NewConv[T Float](p *Pool, s ConvShape) *Conv[T] {
	s.valid()
	return &Conv[T]{ConvShape: s, pool: p}
}

// Filters returns the convolution by filters lo to hi-1 alone. Until the next
// call of Filters it is valid.
func (c *Conv[T]) Filters(lo, hi int) *Conv[T] {
	if lo < 0 || hi <= lo || hi > c.Out.C {
		panic("tensor: Conv: Filters: out of range")
	}
	if c.some == nil {
		c.some = &Conv[T]{pool: c.pool}
	}
	c.some.ConvShape = c.ConvShape
	c.some.Out.C = hi - lo
	return c.some
}

// Forward sets y = w * x + bias + beta y for every example. A nil bias is 0;
// beta is 0 or 1. With beta = 0, y is overwritten whatever it holds.
func (c *Conv[T]) Forward(w, bias []T, x Matrix[T], beta T, y Matrix[T]) {
	c.check(w, x, y)
	p := c.Positions()
	for e := range x.Rows {
		for f := range c.Out.C {
			to := y.Row(e)[f*p : (f+1)*p]
			if beta == 0 {
				clear(to)
			}
			if bias != nil {
				for i := range to {
					to[i] += bias[f]
				}
			}
		}
		c.naive(func(weight, in, out int) { y.Row(e)[out] += T(w[weight] * x.Row(e)[in]) })
	}
}

// Input sets dx to the gradient of <dy, w * x> with respect to x.
func (c *Conv[T]) Input(w []T, dy, dx Matrix[T]) {
	c.check(w, dx, dy)
	for e := range dx.Rows {
		clear(dx.Row(e))
		c.naive(func(weight, in, out int) { dx.Row(e)[in] += T(w[weight] * dy.Row(e)[out]) })
	}
}

// Weight sets dw, and db unless it is nil, to the gradients of <dy, w * x +
// bias> with respect to the weights and the bias, summed over the examples.
func (c *Conv[T]) Weight(x, dy Matrix[T], dw, db []T) {
	c.check(dw, x, dy)
	clear(dw)
	clear(db)
	p := c.Positions()
	for e := range x.Rows {
		for f := range db {
			for _, v := range dy.Row(e)[f*p : (f+1)*p] {
				db[f] += v
			}
		}
		c.naive(func(weight, in, out int) { dw[weight] += T(x.Row(e)[in] * dy.Row(e)[out]) })
	}
}

// naive visits every product of a weight and an input that exists.
func (c *Conv[T]) naive(visit func(weight, in, out int)) {
	for f := range c.Out.C {
		for ch := range c.In.C {
			for a := range c.KH {
				for b := range c.KW {
					weight := ((f*c.In.C+ch)*c.KH+a)*c.KW + b
					for i := range c.Out.H {
						for j := range c.Out.W {
							row, col := i*c.Stride+a-c.PadH, j*c.Stride+b-c.PadW
							if row >= 0 && row < c.In.H && col >= 0 && col < c.In.W {
								visit(weight, (ch*c.In.H+row)*c.In.W+col, (f*c.Out.H+i)*c.Out.W+j)
							}
						}
					}
				}
			}
		}
	}
}

func (c *Conv[T]) check(w []T, x, y Matrix[T]) {
	x.check()
	y.check()
	if x.Cols != c.In.Len() || y.Cols != c.Out.Len() || x.Rows != y.Rows {
		panic("tensor: Conv: a batch of the wrong shape")
	}
	if len(w) != c.Out.C*c.Taps() {
		panic("tensor: Conv: weights of the wrong length")
	}
}
