package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
	"pgregory.net/rapid"
)

// A convCase is a convolution of a batch with all operands, computed as well by
// the definition, in float64 and with the sum of absolute values of each result.
type convCase[T Float] struct {
	s            ConvShape
	w, bias      []T
	x, y0, dy    Matrix[T]
	y, dx        Matrix[float64]
	dw, db       []float64
	absY, absX   Matrix[float64]
	absW, absB   []float64
	terms        float64 // of the longest sum
	accumulating bool
}

func drawConv[T Float](t *rapid.T, most int) *convCase[T] {
	dim := func(name string, most int) int { return rapid.IntRange(1, most).Draw(t, name) }
	s := ConvShape{KH: dim("kernel height", 5), KW: dim("kernel width", 5), Stride: dim("stride", 3)}
	s.In = Shape{dim("channels", 20), dim("height", 20), dim("width", 20)}
	s.PadH, s.PadW = rapid.IntRange(0, 6).Draw(t, "pad height"), rapid.IntRange(0, 6).Draw(t, "pad width")
	endH, endW := rapid.IntRange(0, 6).Draw(t, "pad below"), rapid.IntRange(0, 6).Draw(t, "pad to the right")
	h, w := s.In.H+s.PadH+endH, s.In.W+s.PadW+endW
	s.KH, s.KW = min(s.KH, h), min(s.KW, w)
	s.Out = Shape{dim("filters", 40), (h-s.KH)/s.Stride + 1, (w-s.KW)/s.Stride + 1}
	m := rapid.IntRange(0, most).Draw(t, "examples")
	for int64(m)*s.MultiplyAdds() > 3_000_000 && s.In.C*s.Out.C > 1 {
		s.In.C, s.Out.C = (s.In.C+1)/2, (s.Out.C+1)/2
	}
	c := newConvCase[T](s, m, rapid.Uint64().Draw(t, "seed"))
	if rapid.Bool().Draw(t, "accumulate") {
		c.accumulating = true
	}
	if rapid.Bool().Draw(t, "no bias") {
		c.bias = nil
	}
	c.reference()
	return c
}

func newConvCase[T Float](s ConvShape, m int, seed uint64) *convCase[T] {
	rng := rand.New(rand.NewPCG(seed, 1))
	normal := func(n int) []T {
		v := make([]T, n)
		for i := range v {
			v[i] = T(rng.NormFloat64())
		}
		return v
	}
	return &convCase[T]{
		s: s, w: normal(s.Out.C * s.Taps()), bias: normal(s.Out.C), x: View(m, s.In.Len(), normal(m*s.In.Len())),
		y0: View(m, s.Out.Len(), normal(m*s.Out.Len())), dy: View(m, s.Out.Len(), normal(m*s.Out.Len())),
	}
}

// reference computes everything by the definition in [ConvShape].
func (c *convCase[T]) reference() {
	s, m := c.s, c.x.Rows
	c.y, c.absY = New[float64](m, s.Out.Len()), New[float64](m, s.Out.Len())
	c.dx, c.absX = New[float64](m, s.In.Len()), New[float64](m, s.In.Len())
	c.dw, c.absW = make([]float64, len(c.w)), make([]float64, len(c.w))
	c.db, c.absB = make([]float64, s.Out.C), make([]float64, s.Out.C)
	add := func(to, abs []float64, i int, a, b T) {
		to[i] += float64(a) * float64(b)
		abs[i] += math.Abs(float64(a) * float64(b))
	}
	c.terms = float64(m*s.Positions() + s.Taps() + s.Out.C*s.KH*s.KW)
	for e := range m {
		x, y0, dy := c.x.Row(e), c.y0.Row(e), c.dy.Row(e)
		y, absY, dx, absX := c.y.Row(e), c.absY.Row(e), c.dx.Row(e), c.absX.Row(e)
		for f := range s.Out.C {
			for i := range s.Out.H {
				for j := range s.Out.W {
					at := (f*s.Out.H+i)*s.Out.W + j
					if c.accumulating {
						add(y, absY, at, y0[at], 1)
					}
					if c.bias != nil {
						add(y, absY, at, c.bias[f], 1)
					}
					add(c.db, c.absB, f, dy[at], 1)
					for ch := range s.In.C {
						for a := range s.KH {
							row := i*s.Stride + a - s.PadH
							if row < 0 || row >= s.In.H {
								continue
							}
							for b := range s.KW {
								col := j*s.Stride + b - s.PadW
								if col < 0 || col >= s.In.W {
									continue
								}
								in, weight := (ch*s.In.H+row)*s.In.W+col, ((f*s.In.C+ch)*s.KH+a)*s.KW+b
								add(y, absY, at, c.w[weight], x[in])
								add(dx, absX, in, c.w[weight], dy[at])
								add(c.dw, c.absW, weight, x[in], dy[at])
							}
						}
					}
				}
			}
		}
	}
}

// A convResult is everything that a Conv computes of a case.
type convResult[T Float] struct {
	y, dx  Matrix[T]
	dw, db []T
}

// run computes with a pool; what must be overwritten holds NaN.
func (c *convCase[T]) run(p *Pool) convResult[T] {
	op := NewConv[T](p, c.s)
	nan := func(n int) []T {
		v := make([]T, n)
		for i := range v {
			v[i] = T(math.NaN())
		}
		return v
	}
	m := c.x.Rows
	r := convResult[T]{View(m, c.s.Out.Len(), nan(m*c.s.Out.Len())), View(m, c.s.In.Len(), nan(m*c.s.In.Len())), nan(len(c.w)), nan(c.s.Out.C)}
	var beta T
	if c.accumulating {
		copy(r.y.Data, c.y0.Data)
		beta = 1
	}
	op.Forward(c.w, c.bias, c.x, beta, r.y)
	op.Input(c.w, c.dy, r.dx)
	op.Weight(c.x, c.dy, r.dw, r.db)
	return r
}

// A failer is a test, also one of rapid's.
type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func (c *convCase[T]) compare(t failer, r convResult[T]) {
	t.Helper()
	eps := 0x1p-52
	if _, ok := any(T(0)).(float32); ok {
		eps = 0x1p-23
	}
	near := func(what string, got []T, want, abs []float64) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
		}
		for i := range got {
			if d := math.Abs(float64(got[i]) - want[i]); !(d <= eps*(c.terms+4)*abs[i]) {
				t.Fatalf("%s[%d] = %g, want %g: %+v, %d examples", what, i, got[i], want[i], c.s, c.x.Rows)
			}
		}
	}
	near("y", r.y.Flat(), c.y.Flat(), c.absY.Flat())
	near("dx", r.dx.Flat(), c.dx.Flat(), c.absX.Flat())
	near("dw", r.dw, c.dw, c.absW)
	near("db", r.db, c.db, c.absB)
}

// eachISA runs a test with every instruction set of this machine and build.
func eachISA(t *testing.T, f func(t *testing.T)) {
	before := kernel.Active()
	defer kernel.Use(before)
	for _, isa := range kernel.Available() {
		kernel.Use(isa)
		t.Run(isa.String(), f)
	}
}

// TestConv compares convolutions of any shape with the definition, and bits on
// several threads with those on one.
func TestConv(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		t.Run("float32", func(t *testing.T) { rapid.Check(t, testConv[float32]) })
		t.Run("float64", func(t *testing.T) { rapid.Check(t, testConv[float64]) })
	})
}

func testConv[T Float](t *rapid.T) {
	c := drawConv[T](t, 9)
	c.check(t, rapid.IntRange(2, 5).Draw(t, "threads"))
}

// check compares results with the definition, and their bits with those on some
// threads.
func (c *convCase[T]) check(t failer, threads int) {
	t.Helper()
	one := c.run(nil)
	c.compare(t, one)
	c.sameBits(t, one, threads)
}

// sameBits compares the bits of results on some threads with those on one.
func (c *convCase[T]) sameBits(t failer, one convResult[T], threads int) {
	t.Helper()
	p := NewPool(threads)
	defer p.Close()
	some := c.run(p)
	if !slices.Equal(one.y.Data, some.y.Data) || !slices.Equal(one.dx.Data, some.dx.Data) || !slices.Equal(one.dw, some.dw) || !slices.Equal(one.db, some.db) {
		t.Fatalf("%d threads give other bits than one: %+v, %d examples", threads, c.s, c.x.Rows)
	}
}

// TestConvSubnormal: results are the same bits on any number of threads also where
// sums are about as large as the smallest normal number, and kernels take smaller
// ones for 0.
func TestConvSubnormal(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, corner := range convCorners {
			t.Run(corner.name, func(t *testing.T) {
				c := newConvCase[float32](corner.s, 11, 1)
				c.bias, c.accumulating = nil, true
				Scale(nil, 0x1p-63, c.w)
				Scale(nil, 0x1p-63, c.x.Data)
				Scale(nil, 0x1p-63, c.dy.Data)
				Scale(nil, 0x1p-125, c.y0.Data)
				one := c.run(nil)
				for threads := 2; threads <= 5; threads++ {
					c.sameBits(t, one, threads)
				}
			})
		}
	})
}

// convCorners are the shapes in which convolutions differ most from each other; each
// path of the code sees one of them whatever rapid draws.
var convCorners = []struct {
	name string
	m    int
	s    ConvShape
}{
	{"one of everything", 1, ConvShape{Shape{1, 1, 1}, Shape{1, 1, 1}, 1, 1, 1, 0, 0}},
	{"1x1, images as they are", 3, ConvShape{Shape{8, 6, 7}, Shape{20, 6, 7}, 1, 1, 1, 0, 0}},
	{"1x1, stride 2: pixels that nothing reads", 3, ConvShape{Shape{8, 6, 7}, Shape{20, 3, 4}, 1, 1, 2, 0, 0}},
	{"stride 2 with padding", 5, ConvShape{Shape{4, 16, 16}, Shape{9, 8, 8}, 3, 3, 2, 1, 1}},
	{"stride 2 with padding, odd size", 5, ConvShape{Shape{4, 15, 17}, Shape{9, 8, 9}, 3, 3, 2, 1, 1}},
	{"stride above the kernel", 2, ConvShape{Shape{3, 10, 10}, Shape{5, 3, 3}, 2, 2, 4, 0, 0}},
	{"even kernel, more padding below", 4, ConvShape{Shape{5, 9, 9}, Shape{6, 9, 9}, 4, 2, 1, 1, 0}},
	{"one-pixel output", 7, ConvShape{Shape{6, 5, 4}, Shape{11, 1, 1}, 5, 4, 1, 0, 0}},
	{"one-pixel image in padding", 2, ConvShape{Shape{6, 1, 1}, Shape{5, 5, 5}, 3, 3, 1, 3, 3}},
	{"batch of one", 1, ConvShape{Shape{16, 16, 16}, Shape{40, 16, 16}, 3, 3, 1, 1, 1}},
	{"a row", 3, ConvShape{Shape{2, 1, 90}, Shape{3, 1, 86}, 1, 5, 1, 0, 0}},
	{"a column", 3, ConvShape{Shape{2, 90, 1}, Shape{3, 86, 1}, 5, 1, 1, 0, 0}},
	{"not square", 4, ConvShape{Shape{3, 20, 33}, Shape{17, 18, 16}, 3, 4, 2, 8, 1}},
	{"few channels, patches in place", 4, ConvShape{Shape{3, 32, 32}, Shape{4, 32, 32}, 3, 3, 1, 1, 1}},
	{"sums over more than one panel's depth", 2, ConvShape{Shape{60, 6, 6}, Shape{50, 6, 6}, 3, 3, 1, 1, 1}},
}

// TestConvCorners is TestConv for them, with and without bias.
func TestConvCorners(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, corner := range convCorners {
			t.Run(corner.name, func(t *testing.T) {
				testCorner[float32](t, corner.s, corner.m)
				testCorner[float64](t, corner.s, corner.m)
			})
		}
	})
}

func testCorner[T Float](t *testing.T, s ConvShape, m int) {
	c := newConvCase[T](s, m, 1)
	c.reference()
	c.check(t, 2)
	c.bias, c.accumulating = nil, true
	c.reference()
	c.check(t, 3)
}

// TestConvManyExamples: with so many examples that they fill lanes, and some that do not,
// results are right, also where that does not pay, and those of an example have the bits
// that they have alone.
func TestConvManyExamples(t *testing.T) {
	before := lanesWork
	defer func() { lanesWork = before }()
	lanesWork = 0
	eachISA(t, func(t *testing.T) {
		for i, corner := range convCorners {
			if testing.Short() && i%4 > 0 {
				continue // under the race detector, a reference takes many times as long
			}
			t.Run(corner.name, func(t *testing.T) {
				testManyExamples[float32](t, corner.s)
				testManyExamples[float64](t, corner.s)
			})
		}
		t.Run("drawn", func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := drawConv[float32](t, 40)
				c.check(t, rapid.IntRange(2, 5).Draw(t, "threads"))
			})
		})
	})
}

func testManyExamples[T Float](t *testing.T, s ConvShape) {
	const m = 37
	for m*s.MultiplyAdds() > 1_500_000 && s.Out.C > 1 {
		s.Out.C = (s.Out.C + 1) / 2
	}
	for _, accumulate := range []bool{false, true} {
		c := newConvCase[T](s, m, 1)
		if c.accumulating = accumulate; accumulate {
			c.bias = nil
		}
		c.reference()
		all := c.run(nil)
		c.compare(t, all)
		for threads := 2; threads <= 3; threads++ {
			c.sameBits(t, all, threads)
		}
		for _, e := range []int{0, 20, m - 1} {
			one := *c
			one.x, one.y0, one.dy = c.x.RowRange(e, e+1), c.y0.RowRange(e, e+1), c.dy.RowRange(e, e+1)
			r := one.run(nil)
			if !slices.Equal(r.y.Row(0), all.y.Row(e)) || !slices.Equal(r.dx.Row(0), all.dx.Row(e)) {
				t.Fatalf("example %d of %d has other bits than alone: %+v, accumulate %v", e, m, s, accumulate)
			}
		}
	}
}

// TestConvSums: the sums of gradients of weights take as much space as is counted, and that
// is bounded whatever the number of channels.
func TestConvSums(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, s := range []ConvShape{
			{Shape{3, 16, 16}, Shape{20, 16, 16}, 3, 3, 1, 1, 1},
			{Shape{16, 16, 16}, Shape{20, 16, 16}, 3, 3, 1, 1, 1},
			{Shape{3, 7, 7}, Shape{20, 5, 5}, 3, 3, 1, 0, 0},
			{Shape{130, 16, 16}, Shape{130, 16, 16}, 3, 3, 1, 1, 1},
		} {
			testConvSums[float32](t, s)
			testConvSums[float64](t, s)
		}
	})
}

func testConvSums[T Float](t *testing.T, s ConvShape) {
	p := NewPool(1)
	defer p.Close()
	c := newConvCase[T](s, 2, 1)
	c.run(p)
	space, weights := &argsOf[T](p).conv, s.Out.C*s.Taps()
	if got := len(space.sums); got > max(weights, linesValues) {
		t.Errorf("%+v: %d sums of %d weights", s, got, weights)
	}
	counted, held := WeightSpace[T](s, 2), len(space.channels)+len(space.signals)+len(space.sums)+len(space.biases)
	if held != counted {
		t.Errorf("%+v: %d values are held for gradients of weights, and %d are counted", s, held, counted)
	}
}

// TestConvOtherISA: a convolution refuses to run under another instruction set than that
// which its tables are made for.
func TestConvOtherISA(t *testing.T) {
	before := kernel.Active()
	defer kernel.Use(before)
	s := convCorners[3].s
	for _, from := range kernel.Available() {
		for _, to := range kernel.Available() {
			kernel.Use(from)
			op, c := NewConv[float32](nil, s), newConvCase[float32](s, 40, 1)
			kernel.Use(to)
			for name, run := range map[string]func(){
				"Forward": func() { op.Forward(c.w, c.bias, c.x, 0, c.y0) },
				"Input":   func() { op.Input(c.w, c.dy, c.x) },
				"Weight":  func() { op.Weight(c.x, c.dy, c.w, c.bias) },
			} {
				func() {
					defer func() {
						if refused := recover() != nil; refused != (from != to) {
							t.Errorf("%s: made with %v, used with %v: refused is %v", name, from, to, refused)
						}
					}()
					run()
				}()
			}
		}
	}
}
