package datasets

import "math"

// moments are the mean and the sum of squared deviations of a stream of
// numbers (Welford 1962).
type moments struct{ n, mean, m2 float64 }

func (s *moments) add(x float64) {
	s.n++
	d := x - s.mean
	s.mean += d / s.n
	s.m2 += d * (x - s.mean)
}

// deviation is the population standard deviation; it is 0 for numbers that are
// all the same, whatever the rounding of their mean.
func (s *moments) deviation() float64 {
	v := math.Sqrt(s.m2 / s.n)
	if v <= 1e-12*math.Abs(s.mean) {
		return 0
	}
	return v
}

// A transform is x -> (x - shift)/scale, for each column of a table or each
// channel of images; with scale 0, everything becomes 0.
type transform struct {
	what         string // "column", "channel"
	area         int    // values that share a shift and a scale, next to each other
	shift, scale []float64
}

func (t transform) apply(x float64, group int) float64 {
	if t.scale[group] == 0 {
		return 0
	}
	return (x - t.shift[group]) / t.scale[group]
}

// constants lists the groups that have one value only.
func (t transform) constants() string {
	var out []int
	for i, s := range t.scale {
		if s == 0 {
			out = append(out, i)
		}
	}
	if out == nil {
		return ""
	}
	return "input " + t.what + " " + joinInts(out)
}

func newTransform(e *Examples) transform {
	t := transform{what: "column", area: 1}
	if !e.Shape.IsVector() {
		t.what, t.area = "channel", e.Shape.H*e.Shape.W
	}
	n := e.Shape.Len() / t.area
	t.shift, t.scale = make([]float64, n), make([]float64, n)
	return t
}

// identityTransform leaves tables alone, and takes bytes to [0, 1].
func identityTransform(e *Examples) transform {
	t := newTransform(e)
	for g := range t.scale {
		t.scale[g] = 1
		if e.Pixels != nil {
			t.scale[g] = 255
		}
	}
	return t
}

// standardization gives mean 0 and deviation 1 over some examples: tables by
// column, images by channel. By pixel, the rare ones at the border of an image
// would blow up.
func standardization(p parts) transform {
	t := newTransform(p.from)
	for g := range t.shift {
		var s moments
		if p.from.Pixels != nil {
			s = histogram(p, g*t.area, t.area).moments()
		} else {
			for _, i := range p.index {
				at := i*p.from.Shape.Len() + g*t.area
				for _, v := range p.from.Values[at : at+t.area] {
					s.add(v)
				}
			}
		}
		t.shift[g], t.scale[g] = s.mean, s.deviation()
	}
	return t
}

// counts is how often each byte occurs: the statistics of images are exact.
type counts [256]int

func histogram(p parts, offset, area int) *counts {
	var c counts
	for _, i := range p.index {
		at := i*p.from.Shape.Len() + offset
		for _, v := range p.from.Pixels[at : at+area] {
			c[v]++
		}
	}
	return &c
}

func (c *counts) moments() moments {
	var s moments
	sum := 0
	for v, n := range c {
		s.n += float64(n)
		sum += v * n
	}
	s.mean = float64(sum) / s.n
	for v, n := range c {
		d := float64(v) - s.mean
		s.m2 += float64(n) * d * d
	}
	return s
}
