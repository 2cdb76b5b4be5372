package datasets

import (
	"fmt"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A Split is a part of a set, made ready. It may be read by many goroutines.
type Split struct {
	parts
	values  []float64                    // standardised tables, n x features; nil for images of bytes
	table32 []*kernel.ByteTable[float32] // standardised bytes of each channel
	table64 []*kernel.ByteTable[float64]
	area    int                    // bytes of a channel
	fill    []float64              // 0 of each channel, standardised: the border of augmented images
	k       int                    // length of a target
	targets tensor.Matrix[float64] // n x k, if echo is nil
	echo    *echo                  // makes targets of the inputs
}

func newSplit(p parts, in transform, e *encoder) *Split {
	s := &Split{parts: p, area: in.area, k: e.k, echo: e.echo}
	if e.echo == nil {
		s.targets = tensor.New[float64](len(p.index), e.k)
		for r, i := range p.index {
			e.encode(s.targets.Row(r), p.from, i)
		}
	}
	for g := range in.groups {
		s.fill = append(s.fill, in.apply(0, g))
	}
	width := p.from.Shape.Len()
	if p.from.Pixels == nil {
		s.values = make([]float64, 0, len(p.index)*width)
		for _, i := range p.index {
			for j, v := range p.from.Values[i*width : (i+1)*width] {
				s.values = append(s.values, in.apply(v, j/in.area))
			}
		}
		return s
	}
	s.table32, s.table64 = byteTables[float32](in), byteTables[float64](in)
	return s
}

// tooLarge says which number float32 cannot hold, "" if there is none.
func (s *Split) tooLarge(use string) string {
	if s == nil {
		return ""
	}
	for _, part := range []struct {
		name   string
		values []float64
	}{{"feature", s.values}, {"target", s.targets.Data}, {"weight", s.from.weights(s.index)}} {
		i := slices.IndexFunc(part.values, func(v float64) bool { return math.Abs(v) > math.MaxFloat32 })
		if i < 0 {
			continue
		}
		width := len(part.values) / len(s.index)
		return fmt.Sprintf("%s %d of example %d of those to %s on is %g", part.name, i%width, i/width, use, part.values[i])
	}
	return ""
}

// Len returns the number of examples.
func (s *Split) Len() int { return len(s.index) }

// Shape returns the shape of an example.
func (s *Split) Shape() tensor.Shape { return s.from.Shape }

// Omega returns the weights of the examples index in the objective, in dst, or nil
// where the set has none: all are 1.
func (s *Split) Omega(dst []float64, index []int) []float64 {
	if s.from.Omega == nil {
		return nil
	}
	for r, i := range index {
		dst[r] = s.from.Omega[s.parts.index[i]]
	}
	return dst[:len(index)]
}

// A Batcher gathers examples into matrices without allocating.
type Batcher[T tensor.Float] struct {
	pool *tensor.Pool
	body func(lo, hi int)

	// Operands of the loop that is running.
	split *Split
	x     tensor.Matrix[T]
	y     tensor.Matrix[float64]
	index []int
	ahead int // examples that are fetched while one is read

	augment *Augment // nil: none
	chance  Chance
}

// batchValues is about how many values one thread makes at a time, and batchGrain the fewest
// examples.
const (
	batchValues = 1 << 14
	batchGrain  = 16
)

// Examples in a random order come from memory, where the processor does not look ahead by
// itself. So the next examples, about fetchBytes of them and at most fetchExamples, are fetched while one is read; of a
// large one the beginning, since within it the processor does look ahead.
const (
	fetchBytes    = 1 << 11
	fetchExamples = 16
)

// NewBatcher returns a Batcher that works on a pool.
func NewBatcher[T tensor.Float](pool *tensor.Pool) *Batcher[T] {
	b := &Batcher[T]{pool: pool}
	b.body = func(lo, hi int) {
		ahead := lo
		for r := lo; r < hi; r++ {
			for ; ahead < min(r+1+b.ahead, hi); ahead++ {
				b.fetch(b.index[ahead])
			}
			b.example(r, b.index[min(r+1, hi-1)])
		}
	}
	return b
}

// Read sets row r of x (rows x Shape().Len()) and y (rows x k) to example
// index[r] of the split.
func (b *Batcher[T]) Read(s *Split, index []int, x tensor.Matrix[T], y tensor.Matrix[float64]) {
	if x.Rows != len(index) || y.Rows != len(index) || x.Cols != s.from.Shape.Len() || y.Cols != s.k {
		panic("datasets: Read: the matrices do not fit")
	}
	b.split, b.index, b.x, b.y = s, index, x, y
	b.ahead = max(1, min(fetchExamples, fetchBytes/max(1, s.bytes())))
	b.pool.For(len(index), max(batchGrain, batchValues/max(1, x.Cols)), b.body)
	b.split, b.index, b.x, b.y = nil, nil, tensor.Matrix[T]{}, tensor.Matrix[float64]{}
}

// ReadAugmented is Read for training: images are augmented, unless a is nil.
func (b *Batcher[T]) ReadAugmented(a *Augment, chance Chance, s *Split, index []int, x tensor.Matrix[T], y tensor.Matrix[float64]) {
	b.augment, b.chance = a, chance
	b.Read(s, index, x, y)
	b.augment = nil
}

// fetch fetches example i.
func (b *Batcher[T]) fetch(i int) {
	s := b.split
	if s.values != nil {
		n := s.from.Shape.Len()
		kernel.Fetch(s.values[i*n:][:min(n, fetchBytes/8)])
	} else {
		pixels := s.pixels(i)
		kernel.Fetch(pixels[:min(len(pixels), fetchBytes)])
	}
	if s.echo == nil {
		y := s.targets.Row(i)
		kernel.Fetch(y[:min(len(y), fetchBytes/8)])
	}
}

// example sets row r; next is the example of the row to come.
func (b *Batcher[T]) example(r, next int) {
	s, i, x, y := b.split, b.index[r], b.x.Row(r), b.y.Row(r)
	if s.echo != nil {
		s.echo.read(y, s, i, next)
	} else {
		copy(y, s.targets.Row(i))
	}
	b.read(x, i, next)
	if b.augment == nil {
		return
	}
	m := b.chance.of(b.augment, i)
	apply(m, x, s.from.Shape, s.fill)
	if s.echo != nil {
		apply(m, y, s.from.Shape, s.echo.fill)
	}
}

// read sets dst to example i; next is the one to come.
func (b *Batcher[T]) read(dst []T, i, next int) {
	s := b.split
	if s.values != nil {
		for j, v := range s.values[i*len(dst) : (i+1)*len(dst)] {
			dst[j] = T(v)
		}
		return
	}
	pixels, ahead := s.pixels(i), s.pixels(next)
	switch dst := any(dst).(type) {
	case []float32:
		lookUp(dst, pixels, ahead, s.table32, s.area)
	case []float64:
		lookUp(dst, pixels, ahead, s.table64, s.area)
	}
}

// bytes returns how many bytes an example and its target have.
func (s *Split) bytes() int {
	n := s.from.Shape.Len()
	if s.values != nil {
		n *= 8
	}
	return n + 8*s.targets.Cols
}

// pixels returns the bytes of example i.
func (s *Split) pixels(i int) []uint8 {
	n := s.area * len(s.table32)
	return s.from.Pixels[s.parts.index[i]*n:][:n]
}

// lookUp sets dst to the numbers that stand for the pixels of each channel; ahead are those of
// the next example.
func lookUp[T tensor.Float](dst []T, pixels, ahead []uint8, tables []*kernel.ByteTable[T], area int) {
	for g, t := range tables {
		lo, hi := g*area, (g+1)*area
		t.LookUp(dst[lo:hi], pixels[lo:hi], ahead[lo:hi])
	}
}
