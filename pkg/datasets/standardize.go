package datasets

import (
	"fmt"
	"iter"
	"math"
)

// moments are the mean and the sum of squared deviations of a stream of
// numbers (Welford 1962).
type moments struct{ n, mean, m2 float64 }

func (s *moments) add(x float64) {
	s.n++
	d := x - s.mean
	s.mean += d / s.n
	s.m2 += d * (x - s.mean)
}

// deviation is the population standard deviation.
func (s *moments) deviation() float64 { return math.Sqrt(s.m2 / s.n) }

// A scaling is x -> ((x - base)/unit - shift)/scale; with scale 0, everything
// becomes 0.
type scaling struct{ base, unit, shift, scale float64 }

// unscaled divides by a number.
func unscaled(by float64) scaling { return scaling{unit: 1, scale: by} }

func (s scaling) apply(x float64) float64 {
	if s.scale == 0 {
		return 0
	}
	return ((x-s.base)/s.unit - s.shift) / s.scale
}

func (s scaling) constant() bool { return s.scale == 0 }

// ranged reports whether numbers are taken relative to their range.
func (s scaling) ranged() bool { return s.base != 0 || s.unit != 1 }

// deviation is what differs by 1 after scaling, in the unit of x.
func (s scaling) deviation() float64 { return s.unit * s.scale }

// smallSpread is the deviation, relative to the mean, below which the rounding of
// the mean shows in x - mean.
const smallSpread = 1e-12

// standard gives numbers mean 0 and deviation 1, and those that are all the same
// 0. Where squares overflow or vanish, or the numbers are close to each other
// and far from 0, it takes the moments of (x - min)/(max - min).
func standard(values iter.Seq[float64]) (scaling, error) {
	var s moments
	lo, hi := math.Inf(1), math.Inf(-1)
	for v := range values {
		s.add(v)
		lo, hi = min(lo, v), max(hi, v)
	}
	if lo == hi {
		return scaling{unit: 1, shift: lo}, nil
	}
	if d := s.deviation(); d > max(smallSpread*math.Abs(s.mean), 1e-150) && d < math.MaxFloat64 {
		return scaling{unit: 1, shift: s.mean, scale: d}, nil
	}
	if math.IsInf(hi-lo, 0) {
		return scaling{}, fmt.Errorf("holds values from %g to %g, too far apart for a float64; scale them down", lo, hi)
	}
	s = moments{}
	for v := range values {
		s.add((v - lo) / (hi - lo))
	}
	return scaling{base: lo, unit: hi - lo, shift: s.mean, scale: s.deviation()}, nil
}

// A transform has a scaling for each column of a table or each channel of images.
type transform struct {
	what   string // "column", "channel"
	area   int    // values that share a scaling, next to each other
	groups []scaling
}

func (t transform) apply(x float64, group int) float64 { return t.groups[group].apply(x) }

// constants lists the groups that have one value only.
func (t transform) constants() string {
	var out []int
	for i, s := range t.groups {
		if s.constant() {
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
	t.groups = make([]scaling, e.Shape.Len()/t.area)
	return t
}

// identityTransform leaves tables alone, and takes pixels to [0, 1].
func identityTransform(e *Examples) transform {
	t := newTransform(e)
	by := 1.0
	if e.Pixels != nil {
		if by = float64(e.White); by == 0 {
			by = 255
		}
	}
	for g := range t.groups {
		t.groups[g] = unscaled(by)
	}
	return t
}

// standardization gives mean 0 and deviation 1 over some examples: tables by
// column, images by channel. By pixel, the rare ones at the border of an image
// would blow up.
func standardization(p parts) (transform, error) {
	t := newTransform(p.from)
	for g := range t.groups {
		if p.from.Pixels != nil {
			s := histogram(p, g*t.area, t.area).moments()
			t.groups[g] = scaling{unit: 1, shift: s.mean, scale: s.deviation()}
			continue
		}
		s, err := standard(func(yield func(float64) bool) {
			for _, i := range p.index {
				at := i*p.from.Shape.Len() + g*t.area
				for _, v := range p.from.Values[at : at+t.area] {
					if !yield(v) {
						return
					}
				}
			}
		})
		if err != nil {
			return t, fmt.Errorf("input %s %d %w", t.what, g, err)
		}
		t.groups[g] = s
	}
	return t, nil
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
