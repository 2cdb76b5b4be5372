package datasets

import (
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// An Augment changes training images by chance, afresh for each mini-batch.
type Augment struct {
	Crop int  `yaml:"crop" doc:"shift by up to so many pixels, each way by chance, over a border of zeros"`
	Flip bool `yaml:"flip" doc:"mirror left to right, half of the time"`
}

// check reports what does not fit examples of a shape.
func (a *Augment) check(shape tensor.Shape) error {
	switch {
	case a == nil:
		return nil
	case shape.IsVector():
		return strict.Field("augment", "applies to images, not to examples of shape %s", shape)
	case a.Crop < 0 || a.Crop >= min(shape.H, shape.W):
		return strict.Field("augment", "crop must be from 0 to %d for images of shape %s, got %d", min(shape.H, shape.W)-1, shape, a.Crop)
	}
	return nil
}

// A Chance decides how the examples of one mini-batch are augmented. Nothing
// else does: neither their order nor the number of threads.
type Chance struct {
	Key  uint64 // of the run
	Step int
}

// A move is what one image is augmented by.
type move struct {
	down, right int // where the image is cut out, from the upper left of where it was
	mirror      bool
}

// of draws the move of an example.
func (c Chance) of(a *Augment, example int) (m move) {
	var pcg rand.PCG
	pcg.Seed(c.Key, uint64(c.Step)<<32|uint64(example))
	n := uint64(2*a.Crop + 1)
	down, _ := bits.Mul64(pcg.Uint64(), n) // in 0 to n-1
	right, _ := bits.Mul64(pcg.Uint64(), n)
	m.mirror = pcg.Uint64()>>63 == 1 && a.Flip
	m.down, m.right = int(down)-a.Crop, int(right)-a.Crop
	return m
}

// apply moves an image in place. What comes from beyond its border is fill, for
// each channel.
func apply[T tensor.Float](m move, image []T, shape tensor.Shape, fill []float64) {
	h, w := shape.H, shape.W
	for c := range shape.C {
		plane, border := image[c*h*w:(c+1)*h*w], T(fill[c])
		row := func(r int) []T { return plane[r*w : (r+1)*w] }
		for i := range h {
			r := i // the rows still to be read must not be written yet
			if m.down < 0 {
				r = h - 1 - i
			}
			to, from := row(r), r+m.down
			if from < 0 || from >= h {
				for j := range to {
					to[j] = border
				}
				continue
			}
			shift(to, row(from), m.right, border)
			if m.mirror {
				slices.Reverse(to)
			}
		}
	}
}

// shift sets to[j] = from[j+right], or border beyond the ends. The two may be one.
func shift[T tensor.Float](to, from []T, right int, border T) {
	lo, hi := max(0, -right), min(len(to), len(to)-right) // of to that stays inside
	copy(to[lo:hi], from[lo+right:hi+right])
	for j := range lo {
		to[j] = border
	}
	for j := hi; j < len(to); j++ {
		to[j] = border
	}
}
