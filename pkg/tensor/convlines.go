package tensor

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A weightLines makes gradients of the weights of few channels and filters with long lines:
// the sum over positions of a signal times what a tap sees is taken lane by lane along the
// lines of an image, and the lanes are added up once, at the end. So neither vectors of
// channels nor packing are needed, and signals are read in place.
type weightLines[T Float] struct {
	image *convImage // of the forward pass, where what a tap sees of a line is adjacent
	step  int        // from the image of one example to the next
	taps  []int32    // for whole blocks, the last repeated
	block int        // taps of a block
	most  int        // filters of a block

	lay, body func(worker, lo, hi int)
	finish    func(lo, hi int)
}

// linesUsed is the part of the lanes, at least, that must be in use.
const linesUsed = 0.75

// linesValues bounds the sums, all lanes of them: they are read and written again for each
// group of examples, and must stay in the second-level cache meanwhile.
const linesValues = 1 << 18

// linesLong reports whether lines of so many outputs fill vectors.
func linesLong[T Float](line int) bool {
	lanes := kernel.Lanes[T]()
	return lanes > 0 && float64(line) >= linesUsed*float64((line+lanes-1)/lanes*lanes)
}

// linesSums returns how many values the sums of so many weights of each filter take.
func linesSums[T Float](filters, taps int) int {
	_, block := kernel.CorrelateBlock[T]()
	return size.Product(filters, (taps+block-1)/block*block, kernel.Lanes[T]())
}

// linesPay reports whether lines make the gradients of so many filters.
func linesPay[T Float](s *ConvShape, filters int) bool {
	return linesLong[T](s.Out.W) && s.In.C%kernel.Lanes[T]() != 0 && linesSums[T](filters, s.Taps()) <= linesValues
}

// initLines looks whether lines are long enough, and makes the table of taps.
func (v *convWeight[T]) initLines(c *Conv[T]) {
	l := &v.lines
	if !linesLong[T](c.Out.W) {
		return
	}
	plan := &c.forward.plan
	l.image, l.step = &plan.image, plan.image.len()+kernel.Slack
	l.most, l.block = kernel.CorrelateBlock[T]()
	l.taps = append(l.taps, plan.passes[0].taps...)
	for len(l.taps)%l.block > 0 {
		l.taps = append(l.taps, l.taps[len(l.taps)-1])
	}
	l.lay = func(_, lo, hi int) {
		for e := lo; e < hi; e++ {
			fillImage(l.image, c.args.conv.channels[e*l.step:], v.x.Row(v.first+e))
		}
		v.sumSignals(&c.args.conv, c.Positions(), lo, hi)
	}
	l.body = func(_, lo, hi int) {
		for unit := lo; unit < hi; unit++ {
			v.linesBlock(c, unit)
		}
	}
	l.finish = func(lo, hi int) {
		for f := lo; f < hi; f++ {
			v.finishLines(c, f)
		}
	}
}

// runLines makes the gradients.
func (v *convWeight[T]) runLines(c *Conv[T]) {
	l, space, p := &v.lines, &c.args.conv, c.Positions()
	most := weightExamples(l.step+v.filters*p, v.x.Rows)
	grow(&space.channels, most*l.step)
	grow(&space.sums, linesSums[T](v.filters, c.Taps()))
	grow(&space.biases, most*v.filters)
	work := v.filters * p * len(l.taps)
	units := l.parts(v.filters) * (len(l.taps) / l.block)
	for v.first = 0; v.first < v.x.Rows; v.first += v.n {
		v.n = min(most, v.x.Rows-v.first)
		c.pool.forOn(v.n, max(1, blockAdds/work), l.lay)
		c.pool.forOn(units, max(1, blockAdds*units/(v.n*work)), l.body)
	}
	c.pool.For(v.filters, max(1, chunk/(len(l.taps)*kernel.Lanes[T]())), l.finish)
}

// parts returns how many blocks so many filters make.
func (l *weightLines[T]) parts(filters int) int { return (filters + l.most - 1) / l.most }

// linesBlock makes some filters and taps of the sums from the examples that are laid out.
func (v *convWeight[T]) linesBlock(c *Conv[T], unit int) {
	l, space, lanes, p := &v.lines, &c.args.conv, kernel.Lanes[T](), c.Positions()
	blocks, parts := len(l.taps)/l.block, l.parts(v.filters)
	part, t := unit/blocks, unit%blocks*l.block
	lo, hi := part*v.filters/parts, (part+1)*v.filters/parts
	ld := len(l.taps) * lanes
	k := kernel.Lines[T]{
		StepA: v.dy.Stride, StepB: l.step, Count: c.Out.H, Width: c.Out.W, LineA: c.Out.W, LineB: l.image.w, RowA: p,
	}
	most := max(1, weightDepth*lanes/p)
	for e := 0; e < v.n; e += k.N {
		k.N = min(most, v.n-e)
		k.A, k.B = v.dy.Data[(v.first+e)*v.dy.Stride+lo*p:], space.channels[e*l.step:]
		kernel.Correlate(&k, hi-lo, l.taps[t:], v.first+e > 0, space.sums[lo*ld+t*lanes:], ld)
	}
	if t == 0 {
		v.addBiases(space, lo, hi)
	}
}

// finishLines adds up the lanes of filter f.
func (v *convWeight[T]) finishLines(c *Conv[T], f int) {
	lanes, q := kernel.Lanes[T](), c.Taps()
	sums := c.args.conv.sums[f*len(v.lines.taps)*lanes:]
	for t := range q {
		var sum T
		for _, s := range sums[t*lanes : (t+1)*lanes] {
			sum += s
		}
		v.dw[f*q+t] = sum
	}
}
