package tensor

import "github.com/dualgn/dgn/pkg/tensor/kernel"

// A convPlan makes outputs from images by sums over taps: the forward pass, and
// the gradient of the input, whose images are signals.
type convPlan struct {
	image  convImage
	out    Shape
	passes []convPass
}

// A convPass makes some of the outputs, at every s-th row and column, by a
// product A B of filters (channels x taps) and patches (taps x positions).
type convPass struct {
	taps []int32 // distances in the image, the rows of B
	from []int   // and the weights that they are multiplied with, of one output channel

	positions []int32 // distances in the image, the columns of B
	to        []int32 // and in the outputs of a channel
}

// forwardPlan has one pass: y[f] at position (i, j) is the sum over c, a, b of
// w[f][c][a][b] times tap (a, b) of channel c.
func forwardPlan(s ConvShape) convPlan {
	p := convPlan{
		image: forwardImage(&s),
		out:   s.Out,
	}
	var pass convPass
	for c := range s.In.C {
		for a := range s.KH {
			for b := range s.KW {
				pass.taps = append(pass.taps, int32(p.image.tap(c, a, b)))
				pass.from = append(pass.from, len(pass.from))
			}
		}
	}
	for i := range s.Out.H {
		for j := range s.Out.W {
			pass.positions = append(pass.positions, int32(i*p.image.w+j))
			pass.to = append(pass.to, int32(len(pass.to)))
		}
	}
	p.passes = append(p.passes, pass)
	return p
}

// inputPlan has a pass for each part of the padded image, see [convImage]. Pixel
// (t, u) of part (r, r') is reached by the taps a = r + s a', b = r' + s b', from
// position (t - a', u - b'): dx is the sum over f, a', b' of w[f][c][a][b]
// dy[f][t - a'][u - b'], which is 0 where there is no such position.
func inputPlan(s ConvShape) convPlan {
	backH, backW := (s.KH-1)/s.Stride, (s.KW-1)/s.Stride // the largest a' and b'
	h, w := (s.In.H-1+s.PadH)/s.Stride+1, (s.In.W-1+s.PadW)/s.Stride+1
	p := convPlan{
		image: newConvImage(s.Out, 1, backH, backW, backH+1, backW+1, h, w),
		out:   s.In,
	}
	for part := range s.Stride * s.Stride {
		r, r2 := part/s.Stride, part%s.Stride
		top, bottom := inside(h, s.In.H, s.Stride, r, s.PadH)
		left, right := inside(w, s.In.W, s.Stride, r2, s.PadW)
		var pass convPass
		for t := top; t < bottom; t++ {
			for u := left; u < right; u++ {
				pass.positions = append(pass.positions, int32(t*p.image.w+u))
				pass.to = append(pass.to, int32((t*s.Stride+r-s.PadH)*s.In.W+u*s.Stride+r2-s.PadW))
			}
		}
		if len(pass.to) == 0 {
			continue
		}
		for f := range s.Out.C {
			for a := r; a < s.KH; a += s.Stride {
				for b := r2; b < s.KW; b += s.Stride {
					pass.taps = append(pass.taps, int32(p.image.tap(f, backH-a/s.Stride, backW-b/s.Stride)))
					pass.from = append(pass.from, (f*s.In.C*s.KH+a)*s.KW+b)
				}
			}
		}
		p.passes = append(p.passes, pass)
	}
	return p
}

// A convSum runs a plan. A thread takes a group of examples, whose positions are
// the columns of one product: a group of small images leaves few lanes of the last
// panel empty.
type convSum[T Float] struct {
	plan   convPlan
	passes []boundPass // for as many examples as a group ever has
	lanes  convLanes[T]
	most   int
	step   int // from the weights of one output channel to those of the next

	// Operands of the loop that is running.
	w, bias      []T
	x            Matrix[T]
	y            []T
	accumulate   bool
	group, parts int // examples of a group, and units that its columns are cut into

	fill  func(lo, hi int)
	body  func(worker, lo, hi int)
	whole func(worker, lo, hi int) // groups in lanes
}

// A boundPass is a pass for a group.
type boundPass struct {
	convPass
	cols, out []int32
	at, ld    int // where the work space has its filters, and their row length
}

const (
	groupValues = 1 << 16 // the images of a group stay in the second-level cache
	groupMost   = 32
	groupUnused = 20 // a group is large enough if 1/20 of the lanes, or fewer, are unused
)

func (v *convSum[T]) init(c *Conv[T], p convPlan, step int) {
	v.plan, v.step = p, step
	v.most = groupOf[T](len(p.passes[0].to), p.image.len())
	at := 0
	for _, pass := range p.passes {
		b := boundPass{convPass: pass, at: at, ld: kernel.SpreadLength[T](len(pass.taps) + 1)}
		at += p.out.C * b.ld
		for e := range v.most {
			for i := range pass.positions {
				b.cols = append(b.cols, int32(e*p.image.len())+pass.positions[i])
				b.out = append(b.out, int32(e*p.out.Len())+pass.to[i])
			}
		}
		v.passes = append(v.passes, b)
	}
	v.fill = func(lo, hi int) {
		for i := lo; i < hi; i++ {
			v.fillFilter(c.args.conv.filters, i)
		}
	}
	v.whole = func(worker, lo, hi int) {
		for u := lo; u < hi; u++ {
			part, filters := u%v.parts, p.out.C
			v.lanes.unit(v, &c.args.conv, worker, u/v.parts, part*filters/v.parts, (part+1)*filters/v.parts)
		}
	}
	v.body = func(worker, lo, hi int) {
		for u := lo; u < hi; u++ {
			v.unit(&c.args.conv, c.args.scratch[worker], worker, u/v.parts, u%v.parts)
		}
	}
}

// groupOf returns how many images of so many values, each with so many columns,
// make up a group.
func groupOf[T Float](columns, values int) int {
	panel := kernel.PanelWidth[T]()
	group, lanes := 1, 1<<40
	for n := 1; n <= min(groupMost, max(1, groupValues/values)); n++ {
		l := (n*columns + panel - 1) / panel * panel
		if l*group < lanes*n {
			group, lanes = n, l
		}
		if (l-n*columns)*groupUnused <= l {
			break
		}
	}
	return group
}

// run sets y, or adds to it, for all examples.
func (v *convSum[T]) run(c *Conv[T], w, bias []T, x Matrix[T], accumulate bool, y Matrix[T]) {
	if x.Rows == 0 {
		return
	}
	v.w, v.bias, v.x, v.accumulate, v.y = w, bias, x, accumulate, y.Flat()
	last := v.passes[len(v.passes)-1]
	grow(&c.args.conv.filters, last.at+v.plan.out.C*last.ld)
	c.pool.For(v.plan.out.C, max(1, chunk/v.passes[0].ld), v.fill)
	if done := v.runLanes(c); done > 0 {
		v.x, v.y = x.RowRange(done, x.Rows), v.y[done*v.plan.out.Len():]
	}
	if v.x.Rows > 0 {
		v.runGroups(c)
	}
	v.w, v.bias, v.x, v.y = nil, nil, Matrix[T]{}, nil
}

// runLanes makes the outputs of the examples that fill lanes, and returns how many.
func (v *convSum[T]) runLanes(c *Conv[T]) (examples int) {
	if v.x.Rows < kernel.PanelWidth[T]() || !lanesPay[T](&c.ConvShape, v.plan.image.in) {
		return 0
	}
	if v.lanes.width == 0 {
		v.lanes.init(&v.plan, v.passes)
	}
	threads, groups := c.pool.Threads(), v.x.Rows/v.lanes.width
	for v.parts = 1; groups*v.parts%threads != 0 && v.parts < min(threads, v.plan.out.C); v.parts++ {
	}
	c.args.reserveConv(threads, v.lanes.inLen+lanesOutputs(v.plan.out, v.lanes.width))
	c.pool.forOn(groups*v.parts, 1, v.whole)
	return groups * v.lanes.width
}

// runGroups makes those of all examples that are left.
func (v *convSum[T]) runGroups(c *Conv[T]) {
	threads := c.pool.Threads()
	v.group = min(v.most, (v.x.Rows+threads-1)/threads)
	groups := (v.x.Rows + v.group - 1) / v.group
	work := int(c.MultiplyAdds()) * v.group
	v.parts = 1
	if threads > 1 && groups < threads*blocksPerThread {
		v.parts = max(1, min((threads*blocksPerThread+groups-1)/groups, work/blockAdds))
	}
	c.args.reserveConv(threads, v.group*v.plan.image.len()+kernel.Slack)
	for _, s := range c.args.scratch[:threads] {
		for _, p := range v.passes {
			s.ReservePatches(len(p.taps)+1, v.group*len(p.to))
		}
	}
	c.pool.forOn(groups*v.parts, max(1, blockAdds/(work/v.parts+1)), v.body)
}

// fillFilter copies the weights of output channel i, and its bias, to row i of
// the filters of each pass.
func (v *convSum[T]) fillFilter(filters []T, i int) {
	w := v.w[i*v.step:]
	for p := range v.passes {
		p := &v.passes[p]
		row := filters[p.at+i*p.ld:][:len(p.from)+1]
		for r, from := range p.from {
			row[r] = w[from]
		}
		if v.bias != nil {
			row[len(p.from)] = v.bias[i]
		}
	}
}

// unit makes a part of the outputs of a group.
func (v *convSum[T]) unit(space *convSpace[T], s *kernel.Scratch[T], worker, group, part int) {
	first := group * v.group
	n := min(v.group, v.x.Rows-first)
	images, size := space.images[worker], v.plan.image.len()
	filled := 0 // examples
	if v.plan.image.whole() && v.x.Stride == size && first+n < v.x.Rows && size >= kernel.Slack {
		images, filled = v.x.Data[first*size:], n // as they are; the next image is slack
	}
	for i := range v.passes {
		p := &v.passes[i]
		lo, hi := v.columns(p, n, part)
		if lo == hi {
			continue
		}
		if filled == 0 && v.parts > 1 && len(v.passes) == 1 {
			filled = lo / len(p.to)
		}
		for ; filled <= (hi-1)/len(p.to); filled++ {
			fillImage(&v.plan.image, images[filled*size:], v.x.Row(first+filled))
		}
		b := kernel.Patches[T]{Src: images, Rows: p.taps, Cols: p.cols[lo:hi], Ones: v.bias != nil}
		kernel.ProductPatches(s, v.plan.out.C, space.filters[p.at:], p.ld, &b, v.accumulate,
			v.y[first*v.plan.out.Len():], v.plan.out.H*v.plan.out.W, p.out[lo:hi])
	}
}

// columns returns a part of the columns of n examples, whole panels of them.
func (v *convSum[T]) columns(p *boundPass, n, part int) (lo, hi int) {
	width := kernel.PanelWidth[T]()
	all := n * len(p.to)
	panels := (all + width - 1) / width
	return part * panels / v.parts * width, min(all, (part+1)*panels/v.parts*width)
}
