package tensor

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A convLanes runs a plan for as many examples as a panel has columns, which lie in lanes
// (see [kernel.ToLanes]): a column of outputs is one position of all of them. So panels are
// full at any size of an image, nothing is packed, taps that see padding are left out, and a
// stride costs nothing. Sums of finite numbers have the terms of [convSum] in the same
// order, and hence the same bits: a fused multiply-add of a 0 changes none.
type convLanes[T Float] struct {
	width   int     // examples, 0 before the tables are made
	in      []int32 // where in lanes each value of an image is
	inLen   int
	spots   []lanesSpot // by position
	classes []lanesClass
	band    int     // positions that are made before they leave the lanes
	places  []int32 // where in lanes outputs are: by channel and position in one band, or by position
}

// A lanesSpot is an output position: what it sees, from where in lanes on.
type lanesSpot struct{ class, base int32 }

// A lanesClass is what some positions see of an image, as others would at another place.
type lanesClass struct {
	pass   int
	tables [2]kernel.TapTable // without and with a bias, of the same terms
	cuts   [2][]int           // of these: the parts that a sum is cut into
}

// lanesValues bounds the outputs of a band.
const lanesValues = 1 << 16

// lanesWork is how many multiply-adds for each value of an image and of its outputs pay for
// moving them into lanes and back, rather than packing patches. With a stride patches are
// packed from short pieces, and lanes always pay.
//
// A variable, so that tests can have all convolutions go either way.
var lanesWork int64 = 40

// lanesImage bounds the values of images in lanes: larger ones come from memory for each row
// of outputs, and then packed patches are as fast.
const lanesImage = 1 << 20

// lanesPay reports whether lanes pay for a convolution, or the gradient of its input, whose
// images are of shape in.
func lanesPay[T Float](s *ConvShape, in Shape) bool {
	return kernel.Lanes[T]() > 0 && size.Product(in.C, in.H, in.W, kernel.PanelWidth[T]()) <= lanesImage &&
		(s.Stride > 1 || s.MultiplyAdds() >= lanesWork*int64(s.In.Len()+s.Out.Len()))
}

// LanesSpace returns how many values the convolutions of m examples keep for each thread, as
// images of as many examples as fill lanes and some of their outputs.
func LanesSpace[T Float](s ConvShape, m int) int {
	width := kernel.PanelWidth[T]()
	if m < width {
		return 0
	}
	space := func(in, out Shape) int {
		if !lanesPay[T](&s, in) {
			return 0
		}
		_, inLen := lanesPixel(in, width)
		return inLen + lanesOutputs(out, width)
	}
	return max(space(s.In, s.Out), space(s.Out, s.In))
}

// lanesPixel returns how far the pixels of an image are apart, an odd number of vectors (see
// [kernel.SpreadLength]), and how many values it takes.
func lanesPixel(s Shape, width int) (pixel, all int) {
	pixel = s.C*width + width/2
	return pixel, s.H * s.W * pixel
}

// lanesBand returns the positions of a band of outputs.
func lanesBand(s Shape, width int) int {
	pixel, _ := lanesPixel(s, width)
	band, half := max(width/2, lanesValues/pixel/(width/2)*(width/2)), width/2
	if n := s.H * s.W; n < band+half {
		return n
	}
	return band
}

// lanesOutputs returns how many values a band takes.
func lanesOutputs(s Shape, width int) int {
	pixel, all := lanesPixel(s, width)
	return min(all, (lanesBand(s, width)+width/2)*pixel)
}

// init makes the tables.
func (v *convLanes[T]) init(plan *convPlan, passes []boundPass) {
	v.width = 2 * kernel.Lanes[T]()
	image := &plan.image
	pixels := image.in.H * image.in.W
	pixel, inLen := lanesPixel(image.in, v.width)
	v.inLen = inLen
	for c := range image.in.C {
		for at := range pixels {
			v.in = append(v.in, int32(at*pixel+c*v.width))
		}
	}
	// Which pixel each place of a padded channel holds, counted from 1; 0: none.
	one := *image
	one.in.C = 1
	ids, source := make([]float64, pixels), make([]float64, one.len()+kernel.Slack)
	for i := range ids {
		ids[i] = float64(i + 1)
	}
	fillImage(&one, source, ids)

	v.spots = make([]lanesSpot, plan.out.H*plan.out.W)
	for p := range passes {
		pass := &passes[p]
		perChannel := len(pass.taps) / image.in.C
		known := map[string]int32{}
		for j, position := range pass.positions {
			var key []byte
			var seen []int32 // pairs: the tap of a channel, and where in lanes it is
			for t, tap := range pass.taps[:perChannel] {
				if id := int32(source[tap+position]); id > 0 {
					seen = append(seen, int32(t), (id-1)*int32(pixel))
				}
			}
			base := int32(0)
			if len(seen) > 0 {
				base = seen[1]
			}
			for i := 0; i < len(seen); i += 2 {
				seen[i+1] -= base
				for _, n := range seen[i : i+2] {
					key = append(key, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
				}
			}
			class, ok := known[string(key)]
			if !ok {
				class = int32(len(v.classes))
				known[string(key)] = class
				v.classes = append(v.classes, v.newClass(p, image.in.C, perChannel, seen))
			}
			v.spots[pass.to[j]] = lanesSpot{class, base}
		}
	}
	out, _ := lanesPixel(plan.out, v.width)
	if v.band = lanesBand(plan.out, v.width); v.band == len(v.spots) {
		for c := range plan.out.C {
			for at := range v.band {
				v.places = append(v.places, int32(at*out+c*v.width))
			}
		}
		return
	}
	for at := range v.band + v.width/2 {
		v.places = append(v.places, int32(at*out))
	}
}

// newClass returns the class of positions that see some taps of every channel.
func (v *convLanes[T]) newClass(pass, channels, perChannel int, seen []int32) lanesClass {
	c := lanesClass{pass: pass}
	var pairs []int32
	for ch := range channels {
		for i := 0; i < len(seen); i += 2 {
			pairs = append(pairs, int32(ch*perChannel)+seen[i], int32(ch*v.width)+seen[i+1])
		}
	}
	for ones := range 2 { // rows of a bias
		k, at, step := channels*perChannel+ones, 0, 1
		if k > 0 {
			step = kernel.PartOf(k)
		}
		for p := 0; p == 0 || p < k; p += step {
			c.cuts[ones] = append(c.cuts[ones], at)
			for 2*at < len(pairs) && int(pairs[2*at]) < p+step {
				at++
			}
		}
		c.cuts[ones] = append(c.cuts[ones], at)
		c.tables[ones] = kernel.InRuns[T](pairs, c.cuts[ones]...)
	}
	return c
}

// unit makes channels lo to hi-1 of the outputs of a group.
func (v *convLanes[T]) unit(s *convSum[T], space *convSpace[T], worker, group, lo, hi int) {
	images, all := space.images[worker], len(v.spots)
	in, out := images[:v.inLen], images[v.inLen:]
	ld := s.plan.out.Len()
	y := s.y[group*v.width*ld+lo*all:]
	kernel.ToLanes(in, v.in, s.x.Data[group*v.width*s.x.Stride:], s.x.Stride)
	pixel, _ := lanesPixel(s.plan.out, v.width)
	ones := 0
	if s.bias != nil {
		ones = 1
	}
	for from := 0; from < all; {
		to := from + v.band
		if all-to < v.width/2 { // too few for a band of their own
			to = all
		}
		if s.accumulate {
			v.move(y[from:], ld, out, hi-lo, to-from, true)
		}
		for i, spot := range v.spots[from:to] {
			class := &v.classes[spot.class]
			pass := &s.passes[class.pass]
			t := kernel.Taps[T]{N: 1, A: space.filters[pass.at+lo*pass.ld:], LdA: pass.ld, B: in[spot.base:]}
			cuts := class.cuts[ones]
			for p := range len(cuts) - 1 {
				t.Table = class.tables[ones].Part(cuts[p], cuts[p+1])
				if p == len(cuts)-2 && s.bias != nil {
					t.Bias = t.A[len(pass.taps):]
				}
				kernel.ProductTaps(&t, hi-lo, 2, s.accumulate || p > 0, out[i*pixel:], v.width)
			}
		}
		v.move(y[from:], ld, out, hi-lo, to-from, false)
		from = to
	}
}

// move takes the outputs of some channels and n positions out of lanes, or into them.
func (v *convLanes[T]) move(y []T, ld int, out []T, channels, n int, into bool) {
	all := len(v.spots)
	places, step := v.places, 1 // channels at a time
	if n == all {
		places, step = v.places[:channels*n], channels
	} else {
		places = places[:n]
	}
	for c := 0; c < channels; c += step {
		if into {
			kernel.ToLanes(out[c*v.width:], places, y[c*all:], ld)
		} else {
			kernel.FromLanes(y[c*all:], ld, out[c*v.width:], places)
		}
	}
}
