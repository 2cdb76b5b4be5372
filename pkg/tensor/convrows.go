package tensor

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A convRows makes the gradients of the weights example by example, for several signals of
// each: signals (k filters x positions) times patches (positions x taps), one product for
// an example. Threads share the examples.
type convRows[T Float] struct {
	// Operands of the loop that is running.
	x, dy   Matrix[T]
	w, b    Matrix[T]
	lo, hi  int // filters
	signals int // of an example

	body, patches func(worker, lo, hi int)
}

// gradientRows bounds the rows of signals that are laid out at a time.
const gradientRows = 512

// Gradients is [Conv.Weight] without the sum over the examples, for filters lo to hi-1
// and k signals of every example: dy has k matrices of a row for each example below each
// other, row c m + i for signal c of example i, with all filters. Row i k + c of w is set to
// the gradient of <signal, w * x + bias> with respect to the weights of these filters, and
// of b, unless it is a zero matrix, to that with respect to their biases.
func (c *Conv[T]) Gradients(x, dy Matrix[T], lo, hi int, w, b Matrix[T]) {
	x.check()
	dy.check()
	w.check()
	filters := hi - lo
	if x.Cols != c.In.Len() || dy.Cols != c.Out.Len() || x.Rows == 0 || dy.Rows%x.Rows != 0 || lo < 0 || filters <= 0 || hi > c.Out.C {
		panic("tensor: Conv: Gradients: a batch of the wrong shape")
	}
	if w.Rows != dy.Rows || w.Cols != filters*c.Taps() || w.Stride != w.Cols || !b.IsZero() && (b.Rows != dy.Rows || b.Cols != filters) {
		panic("tensor: Conv: Gradients: gradients of the wrong shape")
	}
	v := &c.rows
	if v.body == nil {
		v.body = func(worker, lo, hi int) {
			for i := lo; i < hi; i++ {
				c.gradientsOf(worker, i)
			}
		}
	}
	v.x, v.dy, v.w, v.b, v.lo, v.hi, v.signals = x, dy, w, b, lo, hi, dy.Rows/x.Rows
	threads, rows := c.pool.Threads(), min(v.signals, max(1, gradientRows/filters))*filters
	c.args.reserveConv(threads, 0)
	for i := range threads {
		grow(&c.args.conv.images[i], c.Positions()*(c.Taps()+rows))
		c.args.scratch[i].Reserve(false, rows, c.Taps(), c.Positions(), c.Positions())
	}
	c.pool.forOn(x.Rows, 1, v.body)
	v.x, v.dy, v.w, v.b = Matrix[T]{}, Matrix[T]{}, Matrix[T]{}, Matrix[T]{}
}

// GradientSpace is the number of values that Gradients keeps for each thread, for k signals
// of each example and all filters.
func GradientSpace(s ConvShape, k int) int {
	rows := size.Product(min(k, max(1, gradientRows/s.Out.C)), s.Out.C)
	return size.Product(s.Positions(), size.Sum(s.Taps(), rows))
}

// gradientsOf makes the rows of example i.
func (c *Conv[T]) gradientsOf(worker, i int) {
	v, p, q := &c.rows, c.Positions(), c.Taps()
	m, filters := v.x.Rows, v.hi-v.lo
	space := c.args.conv.images[worker]
	patches, laid := space[:q*p], space[q*p:]
	c.layPatches(patches, p, v.x.Row(i))
	most := max(1, gradientRows/filters)
	for from := 0; from < v.signals; from += most {
		to := min(from+most, v.signals)
		for s := from; s < to; s++ {
			dy := v.dy.Row(s*m + i)[v.lo*p : v.hi*p]
			for f := range filters {
				at := ((s-from)*filters + f) * p
				sum := kernel.CopySum(laid[at:at+p], dy[f*p:(f+1)*p])
				if !v.b.IsZero() {
					v.b.Row(i*v.signals + s)[f] = T(sum)
				}
			}
		}
		rows := (to - from) * filters
		kernel.Product(c.args.scratch[worker], false, true, rows, q, p, 1, laid, p, patches, p, 0, v.w.Data[(i*v.signals+from)*v.w.Stride:], q)
	}
}

// Patches sets dst, taps x (m positions), to what each tap sees of m images at each position:
// column i positions + t is position t of image i.
func (c *Conv[T]) Patches(x, dst Matrix[T]) {
	x.check()
	dst.check()
	if x.Cols != c.In.Len() || dst.Rows != c.Taps() || dst.Cols != x.Rows*c.Positions() {
		panic("tensor: Conv: Patches: the shapes do not fit")
	}
	v := &c.rows
	if v.patches == nil {
		v.patches = func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				c.layPatches(v.w.Data[i*c.Positions():], v.w.Stride, v.x.Row(i))
			}
		}
	}
	v.x, v.w = x, dst
	c.pool.forOn(x.Rows, 1, v.patches)
	v.x, v.w = Matrix[T]{}, Matrix[T]{}
}

// layPatches sets dst, taps x positions in rows ld apart, to what each tap sees of an image at
// each position.
func (c *Conv[T]) layPatches(dst []T, ld int, x []T) {
	at := 0
	for ch := range c.In.C {
		image := x[ch*c.In.H*c.In.W : (ch+1)*c.In.H*c.In.W]
		for a := range c.KH {
			top, bottom := within(c.Out.H, c.In.H, c.Stride, a, c.PadH)
			for b := range c.KW {
				left, right := within(c.Out.W, c.In.W, c.Stride, b, c.PadW)
				row := dst[at : at+c.Positions()]
				at += ld
				clear(row[:top*c.Out.W])
				clear(row[bottom*c.Out.W:])
				for i := top; i < bottom; i++ {
					to := row[i*c.Out.W : (i+1)*c.Out.W]
					from := image[(i*c.Stride+a-c.PadH)*c.In.W:]
					clear(to[:left])
					clear(to[right:])
					if c.Stride == 1 {
						if right > left {
							copy(to[left:right], from[left+b-c.PadW:])
						}
						continue
					}
					for j := left; j < right; j++ {
						to[j] = from[j*c.Stride+b-c.PadW]
					}
				}
			}
		}
	}
}

// within is inside, at most n where there are no such positions.
func within(n, size, stride, part, pad int) (lo, hi int) {
	lo, hi = inside(n, size, stride, part, pad)
	return min(lo, n), min(hi, n)
}
