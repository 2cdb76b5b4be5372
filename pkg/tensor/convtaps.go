package tensor

import "github.com/dualgn/dgn/pkg/tensor/kernel"

// A weightTaps makes gradients of the weights of one tap and as many channels as one vector
// or two have lanes: signals (filters x positions) times the pixels that the tap sees, which
// lie channels last and are vectors as they are. Nothing is packed, signals are read in
// place, and positions at which the tap sees padding are left out.
type weightTaps[T Float] struct {
	pays    bool              // where channels fill vectors
	vectors int               // of a panel
	tables  []kernel.TapTable // of each tap: position and pixel
	cuts    [][]int           // of its terms: the parts that a sum over an example is cut into
	image   channelsLast
	copied  bool // signals are, where their rows would displace each other in the cache
}

// weightDepth is about how many terms are added up before they are added to the result.
const weightDepth = 384

// tapsPay reports whether channels fill vectors.
func tapsPay[T Float](s *ConvShape) bool {
	lanes := kernel.Lanes[T]()
	return lanes > 0 && s.In.C%lanes == 0
}

// init makes the tables.
func (v *weightTaps[T]) init(s *ConvShape) {
	if !tapsPay[T](s) {
		return
	}
	if v.vectors = 1; s.In.C%(2*kernel.Lanes[T]()) == 0 {
		v.vectors = 2
	}
	v.pays, v.image = true, channelsLast{in: s.In, h: s.In.H, w: s.In.W}
	for a := range s.KH {
		top, bottom := within(s.Out.H, s.In.H, s.Stride, a, s.PadH)
		for b := range s.KW {
			left, right := within(s.Out.W, s.In.W, s.Stride, b, s.PadW)
			var pairs []int32
			for i := top; i < bottom; i++ {
				for j := left; j < right; j++ {
					pixel := (i*s.Stride+a-s.PadH)*s.In.W + j*s.Stride + b - s.PadW
					pairs = append(pairs, int32(i*s.Out.W+j), int32(pixel*s.In.C))
				}
			}
			table, cuts := kernel.TapTable{Pairs: pairs, Run: 1}, weightCuts(len(pairs)/2)
			if v.vectors == 2 {
				table = kernel.InRuns[T](pairs, cuts...)
			}
			v.tables, v.cuts = append(v.tables, table), append(v.cuts, cuts)
		}
	}
}

// weightCuts are the parts of the sum over so many terms of an example, from each to the next.
func weightCuts(terms int) (cuts []int) {
	parts := max(1, (terms+weightDepth/2)/weightDepth)
	for part := range parts + 1 {
		cuts = append(cuts, part*terms/parts)
	}
	return cuts
}

// width is the number of columns of a panel.
func (v *weightTaps[T]) width() int { return v.vectors * kernel.Lanes[T]() }

// tapsBlock makes panels lo to hi-1 of rows top to bottom-1 from n examples.
func (v *convWeight[T]) tapsBlock(c *Conv[T], lo, hi, top, bottom int) {
	space, p, q, width := &c.args.conv, c.Positions(), c.Taps(), v.taps.width()
	signals, ld, step := v.dy.Data[v.first*v.dy.Stride:], p, v.dy.Stride
	if v.taps.copied {
		signals, ld, step = space.signals, v.ld, p
	}
	for panel := lo; panel < hi; panel++ {
		tap := panel * width / c.In.C
		table, cuts := v.taps.tables[tap], v.taps.cuts[tap]
		most := max(1, weightDepth/max(1, cuts[len(cuts)-1])) // examples that are added up
		t := kernel.Taps[T]{StepA: step, StepB: v.taps.image.len(), LdA: ld}
		to := space.sums[top*q+panel*width:]
		for e := 0; e < v.n; e += t.N {
			t.N = min(most, v.n-e)
			t.A, t.B = signals[e*step+top*ld:], space.channels[e*t.StepB+panel*width%c.In.C:]
			for part := range len(cuts) - 1 {
				t.Table = table.Part(cuts[part], cuts[part+1])
				kernel.ProductTaps(&t, bottom-top, v.taps.vectors, v.first+e+part > 0, to, q)
			}
		}
	}
}
