package tensor

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A convWeight makes gradients of the weights: dw[f][c][a][b] is the sum over
// examples and positions p of dy[f][p] times tap (a, b) of channel c at p. That is
// a product A B of signals (filters x positions) and patches (positions x taps),
// whose sums go over all examples. Some examples at a time have their images laid
// out; then threads share columns and rows of the result, and never its sums.
//
// Where channels fill vectors, see [weightTaps]; where the lines of images do, and the
// weights are few, see [weightLines]. Otherwise patches are packed from images channels
// last, in which the taps of a row of the kernel at one position, all channels of them,
// are a block; and signals are laid out too. Columns are in order of taps (a, b, c).
type convWeight[T Float] struct {
	image   channelsLast
	pixels  []int32 // what taps see, as distances in the image: the columns of B
	columns []int32 // 0, 1, ...: those of the result
	patches []int32 // of positions, of all examples that are laid out: the rows of B
	taps    weightTaps[T]
	lines   weightLines[T]

	// Operands of the loop that is running.
	x, dy       Matrix[T]
	dw, db      []T
	filters     int
	first, n    int // examples
	ld          int // row length of the signals
	rows, units int // parts of the rows, and of the result

	// narrow is a result of one panel: its parts share no rows, so that each lays
	// out its signals itself, on the thread that multiplies them.
	narrow bool

	images, all, body func(worker, lo, hi int) // images only; with signals; the product
	permute           func(lo, hi int)
}

// channelsLast is a padded image whose pixels are its channels.
type channelsLast struct {
	in         Shape
	padH, padW int
	h, w       int
}

func (l channelsLast) len() int { return l.h * l.w * l.in.C }

// weightValues bounds the values that are laid out at a time, so that they stay
// close; two examples, which two threads lay out, may have more.
const weightValues = 1 << 17

func (v *convWeight[T]) init(c *Conv[T]) {
	v.image = weightImage(&c.ConvShape)
	for a := range c.KH {
		for b := range c.KW {
			for ch := range c.In.C {
				v.columns = append(v.columns, int32(len(v.pixels)))
				v.pixels = append(v.pixels, int32((a*v.image.w+b)*c.In.C+ch))
			}
		}
	}
	v.taps.init(&c.ConvShape)
	v.initLines(c)
	v.images = func(worker, lo, hi int) {
		for e := lo; e < hi; e++ {
			v.fill(&c.args.conv, worker, e)
		}
	}
	v.all = func(worker, lo, hi int) {
		v.images(worker, lo, hi)
		if v.taps.pays && !v.taps.copied {
			v.sumSignals(&c.args.conv, c.Positions(), lo, hi)
			return
		}
		v.signals(&c.args.conv, c.Positions(), lo, hi, 0, v.filters)
	}
	v.body = func(worker, lo, hi int) { v.share(c, c.args.scratch[worker], lo, hi) }
	v.permute = func(lo, hi int) {
		for f := lo; f < hi; f++ {
			v.finish(c, f)
		}
	}
}

func (v *convWeight[T]) run(c *Conv[T], x, dy Matrix[T], dw, db []T) {
	filters := dy.Cols / c.Positions()
	if filters == 0 {
		return
	}
	if x.Rows == 0 {
		clear(dw)
		clear(db)
		return
	}
	v.x, v.dy, v.dw, v.db, v.filters = x, dy, dw, db, filters
	if linesPay[T](&c.ConvShape, filters) {
		v.runLines(c)
	} else {
		v.runPanels(c)
	}
	v.x, v.dy, v.dw, v.db = Matrix[T]{}, Matrix[T]{}, nil, nil
}

// weightExamples returns how many of m examples, of so many values, are laid out at a time. Two
// threads lay out an even number in equal shares. It must not depend on how many threads
// there are: sums go over so many examples at a time.
func weightExamples(values, m int) int {
	most := weightValues / max(1, values)
	return min(m, max(2, most+most%2))
}

// WeightSpace returns how many values the gradients of the weights of m examples keep: images and
// signals that are laid out, and sums.
func WeightSpace[T Float](s ConvShape, m int) int {
	p, filters := s.Positions(), s.Out.C
	image, sums, laid := weightImage(&s).len(), size.Product(filters, s.Taps()), true
	slack := kernel.Slack // behind all images, or behind each
	switch {
	case linesPay[T](&s, filters):
		image, sums, laid, slack = forwardImage(&s).len()+kernel.Slack, linesSums[T](filters, s.Taps()), false, 0
	case tapsPay[T](&s):
		image, laid = s.In.Len(), kernel.CopiesA[T](false, filters, s.Taps(), p, p)
	}
	most := weightExamples(size.Sum(image, size.Product(filters, p)), m)
	all := size.Sum(size.Product(most, size.Sum(image, filters)), slack, sums)
	if laid {
		all = size.Sum(all, size.Product(filters, kernel.SpreadLength[T](size.Product(most, p))))
	}
	return all
}

// PackedSpace returns how many values of patches the convolutions of m examples pack at a time,
// for each thread.
func PackedSpace[T Float](s ConvShape, m int) int {
	p, q, image := s.Positions(), s.Taps(), weightImage(&s).len()
	group := min(m, groupOf[T](p, image))
	examples := weightExamples(size.Sum(image, size.Product(s.Out.C, p)), m)
	return max(kernel.PatchesSpace[T](q+1, size.Product(group, p)), kernel.PatchesSpace[T](size.Product(examples, p), q))
}

// weightImage is the image that patches are packed from.
func weightImage(s *ConvShape) channelsLast {
	return channelsLast{s.In, s.PadH, s.PadW, (s.Out.H-1)*s.Stride + s.KH, (s.Out.W-1)*s.Stride + s.KW}
}

// runPanels makes the gradients as a matrix product.
func (v *convWeight[T]) runPanels(c *Conv[T]) {
	p, q, filters, threads := c.Positions(), c.Taps(), v.filters, c.pool.Threads()
	v.taps.copied = v.taps.pays && kernel.CopiesA[T](false, filters, q, p, p)
	image, width := v.image.len(), kernel.PanelWidth[T]()
	if v.taps.pays {
		image, width = v.taps.image.len(), v.taps.width()
	}
	most := weightExamples(image+filters*p, v.x.Rows)
	for e := len(v.patches) / p; e < most && !v.taps.pays; e++ {
		for i := range c.Out.H {
			for j := range c.Out.W {
				v.patches = append(v.patches, int32(e*v.image.len()+(i*c.Stride*v.image.w+j*c.Stride)*c.In.C))
			}
		}
	}
	v.ld = kernel.SpreadLength[T](most * p)
	space := &c.args.conv
	grow(&space.channels, most*image+kernel.Slack)
	if !v.taps.pays || v.taps.copied {
		grow(&space.signals, filters*v.ld)
	}
	grow(&space.sums, filters*q)
	grow(&space.biases, most*filters)
	c.args.reserveConv(threads, c.In.Len())
	for _, s := range c.args.scratch[:threads] {
		s.ReservePatches(most*p, q)
	}

	panels := (q + width - 1) / width
	work := int(c.MultiplyAdds()) / c.Out.C * filters
	v.narrow = panels == 1 && !v.taps.pays
	lay := v.all
	if v.narrow {
		lay = v.images
	}
	for v.first = 0; v.first < v.x.Rows; v.first += v.n {
		v.n = min(most, v.x.Rows-v.first)
		// As many parts of rows as make the shares of all threads equal.
		for v.rows = 1; threads > 1 && panels*v.rows%threads != 0 && panels*v.rows < 8*threads && v.rows < filters; v.rows++ {
		}
		v.units = panels * v.rows
		shares := max(1, min(threads, v.n*work/blockAdds))
		c.pool.forOn(v.n, max(1, blockAdds/work), lay)
		c.pool.forOn(v.units, (v.units+shares-1)/shares, v.body)
	}
	c.pool.For(filters, max(1, chunk/q), v.permute)
}

// fill lays out the image of example e.
func (v *convWeight[T]) fill(space *convSpace[T], worker, e int) {
	l := &v.image
	if v.taps.pays {
		l = &v.taps.image
	}
	dst := space.channels[e*l.len() : (e+1)*l.len()]
	if !v.taps.pays {
		clear(dst)
	}
	x := v.x.Row(v.first + e)
	top, bottom := inside(l.h, l.in.H, 1, 0, l.padH)
	left, right := inside(l.w, l.in.W, 1, 0, l.padW)
	rows, cols, c := bottom-top, right-left, l.in.C
	from := (top-l.padH)*l.in.W + left - l.padW
	switch {
	case rows == 0 || cols == 0:
	case cols == l.w && cols == l.in.W: // rows are adjacent here and there
		kernel.Transpose(dst[top*l.w*c:], c, x[from:], l.in.H*l.in.W, c, rows*cols)
	case cols >= kernel.PanelWidth[T]():
		for i := range rows {
			kernel.Transpose(dst[((top+i)*l.w+left)*c:], c, x[from+i*l.in.W:], l.in.H*l.in.W, c, cols)
		}
	default: // short rows are transposed together, and then moved apart
		all := space.images[worker][:((rows-1)*l.in.W+cols)*c]
		kernel.Transpose(all, c, x[from:], l.in.H*l.in.W, c, len(all)/c)
		for i := range rows {
			copy(dst[((top+i)*l.w+left)*c:][:cols*c], all[i*l.in.W*c:])
		}
	}
}

// signals lays out those of examples lo to hi-1 and filters top to bottom-1.
func (v *convWeight[T]) signals(space *convSpace[T], p, lo, hi, top, bottom int) {
	for e := lo; e < hi; e++ {
		dy := v.dy.Row(v.first + e)
		for f := top; f < bottom; f++ {
			space.biases[e*v.filters+f] = kernel.CopySum(space.signals[f*v.ld+e*p:f*v.ld+(e+1)*p], dy[f*p:(f+1)*p])
		}
	}
}

// sumSignals adds up those of examples lo to hi-1 and each filter, for the bias.
func (v *convWeight[T]) sumSignals(space *convSpace[T], p, lo, hi int) {
	for e := lo; e < hi && v.db != nil; e++ {
		dy := v.dy.Row(v.first + e)
		for f := range v.filters {
			space.biases[e*v.filters+f] = kernel.Sum(dy[f*p : (f+1)*p])
		}
	}
}

// share makes units lo to hi-1: unit u is panel u / rows of the columns, and part
// u mod rows of the rows.
func (v *convWeight[T]) share(c *Conv[T], s *kernel.Scratch[T], lo, hi int) {
	for lo < hi {
		// Whole columns as long as they last, or some of the rows of one panel.
		panel, part := lo/v.rows, lo%v.rows
		if panels := (hi - lo) / v.rows; part == 0 && panels > 0 {
			v.block(c, s, panel, panel+panels, 0, v.rows)
			lo += panels * v.rows
			continue
		}
		end := min(v.rows, part+hi-lo)
		v.block(c, s, panel, panel+1, part, end)
		lo += end - part
	}
}

// block makes some panels of some parts of the rows.
func (v *convWeight[T]) block(c *Conv[T], s *kernel.Scratch[T], panel, panelEnd, part, partEnd int) {
	top, bottom := part*v.filters/v.rows, partEnd*v.filters/v.rows
	space := &c.args.conv
	if v.taps.pays {
		v.tapsBlock(c, panel, panelEnd, top, bottom)
	} else {
		width, q, k := kernel.PanelWidth[T](), c.Taps(), v.n*c.Positions()
		lo, hi := panel*width, min(q, panelEnd*width)
		if v.narrow {
			v.signals(space, c.Positions(), 0, v.n, top, bottom)
		}
		b := kernel.Patches[T]{Src: space.channels, Rows: v.patches[:k], Cols: v.pixels[lo:hi]}
		kernel.ProductPatches(s, bottom-top, space.signals[top*v.ld:], v.ld, &b, v.first > 0, space.sums[top*q:], q, v.columns[lo:hi])
	}
	if panel == 0 {
		v.addBiases(space, top, bottom)
	}
}

// addBiases adds up the sums of signals of some filters over the examples, if anyone asks.
func (v *convWeight[T]) addBiases(space *convSpace[T], lo, hi int) {
	for f := lo; f < hi && v.db != nil; f++ {
		var sum float64
		if v.first > 0 {
			sum = float64(v.db[f])
		}
		for e := range v.n {
			sum += space.biases[e*v.filters+f]
		}
		v.db[f] = T(sum)
	}
}

// finish puts the gradients of filter f in order.
func (v *convWeight[T]) finish(c *Conv[T], f int) {
	q, window := c.Taps(), c.KH*c.KW
	kernel.Transpose(v.dw[f*q:(f+1)*q], window, c.args.conv.sums[f*q:], c.In.C, window, c.In.C)
}
