package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// each runs a test with every instruction set of this machine and build.
func each(t *testing.T, f func(t *testing.T)) {
	before := Active()
	defer Use(before)
	for _, isa := range Available() {
		Use(isa)
		t.Run(isa.String(), f)
	}
}

// canary marks what no kernel may write to, and none may read.
const canary = -1e30

// A grid is a matrix with canaries between its rows and around it.
type grid[T Float] struct {
	rows, cols, ld int
	all            []T
	from           int
}

func newGrid[T Float](rng *rand.Rand, rows, cols, gap int) grid[T] {
	const border = 40
	g := grid[T]{rows, cols, cols + gap, make([]T, 2*border+rows*(cols+gap)), border}
	for i := range g.all {
		g.all[i] = canary
	}
	for i := range rows {
		for j := range cols {
			g.set(i, j, T(rng.NormFloat64()))
		}
	}
	return g
}

func (g grid[T]) at(i, j int) T     { return g.all[g.from+i*g.ld+j] }
func (g grid[T]) set(i, j int, v T) { g.all[g.from+i*g.ld+j] = v }

// data is the slice that BLAS would be given: it ends with the last element.
func (g grid[T]) data() []T {
	n := 0
	if g.rows > 0 && g.cols > 0 {
		n = (g.rows-1)*g.ld + g.cols
	}
	return g.all[g.from : g.from+n : g.from+n]
}

func (g grid[T]) intact() bool {
	for i, v := range g.all {
		r := i - g.from
		inside := r >= 0 && g.ld > 0 && r/g.ld < g.rows && r%g.ld < g.cols
		if !inside && v != canary {
			return false
		}
	}
	return true
}

// op returns element (i, j) of op(A).
func op[T Float](g grid[T], trans bool, i, j int) float64 {
	if trans {
		i, j = j, i
	}
	return float64(g.at(i, j))
}

func shaped[T Float](rng *rand.Rand, trans bool, rows, cols, gap int) grid[T] {
	if trans {
		rows, cols = cols, rows
	}
	return newGrid[T](rng, rows, cols, gap)
}

func testProduct[T Float](t *rapid.T) {
	dim := func(name string) int {
		if rapid.IntRange(0, 9).Draw(t, name+" large") == 0 {
			return rapid.IntRange(0, 600).Draw(t, name)
		}
		return rapid.IntRange(0, 70).Draw(t, name)
	}
	m, n, k := dim("m"), dim("n"), dim("k")
	gap := rapid.SampledFrom([]int{0, 1, 3, 16, 512 - 64})
	ta, tb := rapid.Bool().Draw(t, "transA"), rapid.Bool().Draw(t, "transB")
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	a, b := shaped[T](rng, ta, m, k, gap.Draw(t, "lda")), shaped[T](rng, tb, k, n, gap.Draw(t, "ldb"))
	c := newGrid[T](rng, m, n, gap.Draw(t, "ldc"))
	alpha := T(rapid.SampledFrom([]float64{1, -0.5, 0}).Draw(t, "alpha"))
	beta := T(rapid.SampledFrom([]float64{0, 1, 2}).Draw(t, "beta"))
	before := grid[T]{c.rows, c.cols, c.ld, slices.Clone(c.all), c.from}
	if beta == 0 {
		for i := range m {
			for j := range n {
				c.set(i, j, T(math.NaN())) // must be overwritten
			}
		}
	}
	var s Scratch[T]
	Product(&s, ta, tb, m, n, k, alpha, a.data(), a.ld, b.data(), b.ld, beta, c.data(), c.ld)
	eps := 0x1p-52
	if SizeOf[T]() == 4 {
		eps = 0x1p-23
	}
	for i := range m {
		for j := range n {
			var sum, size float64
			for p := range k {
				v := op(a, ta, i, p) * op(b, tb, p, j)
				sum, size = sum+v, size+math.Abs(v)
			}
			want := float64(alpha)*sum + float64(beta)*float64(before.at(i, j))
			size = math.Abs(float64(alpha))*size + math.Abs(float64(beta)*float64(before.at(i, j)))
			if got := float64(c.at(i, j)); !(math.Abs(got-want) <= eps*(float64(k)+4)*size) {
				t.Fatalf("(%d, %d) of %d x %d x %d: %g, want %g", i, j, m, n, k, got, want)
			}
		}
	}
	if !a.intact() || !b.intact() || !c.intact() {
		t.Fatal("something was written outside of C")
	}
}

func TestProduct(t *testing.T) {
	each(t, func(t *testing.T) {
		t.Run("float32", func(t *testing.T) { rapid.Check(t, testProduct[float32]) })
		t.Run("float64", func(t *testing.T) { rapid.Check(t, testProduct[float64]) })
	})
}

// testBlocks: a product cut into blocks of C has the same bits.
func testBlocks[T Float](t *rapid.T) {
	m, n, k := rapid.IntRange(1, 80).Draw(t, "m"), rapid.IntRange(1, 120).Draw(t, "n"), rapid.IntRange(1, 500).Draw(t, "k")
	ta, tb := rapid.Bool().Draw(t, "transA"), rapid.Bool().Draw(t, "transB")
	rng := rand.New(rand.NewPCG(1, uint64(m*n*k)))
	a, b := shaped[T](rng, ta, m, k, 0), shaped[T](rng, tb, k, n, 0)
	whole, cut := newGrid[T](rng, m, n, 0), newGrid[T](rng, m, n, 0)
	var s Scratch[T]
	Product(&s, ta, tb, m, n, k, 1, a.data(), a.ld, b.data(), b.ld, 0, whole.data(), n)
	i, j := rapid.IntRange(0, m-1).Draw(t, "i"), rapid.IntRange(0, n-1).Draw(t, "j")
	for _, part := range [][4]int{{0, i, 0, j}, {i, m, 0, j}, {0, i, j, n}, {i, m, j, n}} {
		if part[0] == part[1] || part[2] == part[3] {
			continue
		}
		Product(&s, ta, tb, part[1]-part[0], part[3]-part[2], k, 1, a.data()[at(ta, part[0], 0, a.ld):], a.ld,
			b.data()[at(tb, 0, part[2], b.ld):], b.ld, 0, cut.data()[part[0]*n+part[2]:], n)
	}
	if !slices.Equal(whole.data(), cut.data()) {
		t.Fatal("blocks have other bits than the whole")
	}
}

func TestBlocks(t *testing.T) {
	each(t, func(t *testing.T) {
		t.Run("float32", func(t *testing.T) { rapid.Check(t, testBlocks[float32]) })
		t.Run("float64", func(t *testing.T) { rapid.Check(t, testBlocks[float64]) })
	})
}

// TestSpecial: NaN and Inf go where they must, and nowhere else.
func TestSpecial(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, v := range []float64{math.NaN(), math.Inf(1)} {
			a, b, c := newGrid[float32](rng, 20, 30, 0), newGrid[float32](rng, 30, 50, 0), newGrid[float32](rng, 20, 50, 0)
			a.set(7, 11, float32(v))
			b.set(3, 41, float32(v))
			var s Scratch[float32]
			Product(&s, false, false, 20, 50, 30, 1, a.data(), 30, b.data(), 50, 0, c.data(), 50)
			for i := range 20 {
				for j := range 50 {
					x := float64(c.at(i, j))
					if finite := !math.IsNaN(x) && !math.IsInf(x, 0); finite != (i != 7 && j != 41) {
						t.Fatalf("%g in row 7 and column 41: (%d, %d) is %g", v, i, j, x)
					}
				}
			}
			Product(&s, false, false, 20, 50, 30, 0, a.data(), 30, b.data(), 50, 0, c.data(), 50)
			if c.at(7, 41) != 0 {
				t.Error("alpha = 0 looks at A or B")
			}
		}
	})
}

func TestScratchIsReused(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		a, b, c := newGrid[float32](rng, 64, 512, 0), newGrid[float32](rng, 512, 64, 0), newGrid[float32](rng, 64, 64, 0)
		var s Scratch[float32]
		f := func() {
			Product(&s, false, false, 64, 64, 512, 1, a.data(), 512, b.data(), 64, 0, c.data(), 64)
		}
		f()
		if n := testing.AllocsPerRun(5, f); n != 0 {
			t.Errorf("%g allocations", n)
		}
	})
}

// peakGFLOPS measures the peak of the active instruction set.
func peakGFLOPS[T Float]() float64 {
	const n = 100_000
	start := time.Now()
	adds := PeakRound[T](n)
	return 2 * float64(adds) * n / time.Since(start).Seconds() / 1e9
}

func benchmark[T Float](b *testing.B, ta, tb bool, m, n, k int) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, y, c := shaped[T](rng, ta, m, k, 0), shaped[T](rng, tb, k, n, 0), newGrid[T](rng, m, n, 0)
	var s Scratch[T]
	var peaks []float64
	for i := 0; b.Loop(); i++ {
		if i%64 == 0 {
			b.StopTimer()
			peaks = append(peaks, peakGFLOPS[T]())
			b.StartTimer()
		}
		Product(&s, ta, tb, m, n, k, 1, x.data(), x.ld, y.data(), y.ld, 0, c.data(), c.ld)
	}
	slices.Sort(peaks)
	rate := 2 * float64(m*n*k) * float64(b.N) / b.Elapsed().Seconds() / 1e9
	b.ReportMetric(rate, "GFLOP/s")
	b.ReportMetric(100*rate/peaks[len(peaks)/2], "%peak")
}

func BenchmarkProduct(b *testing.B) {
	before := Active()
	defer Use(before)
	for _, isa := range Available() {
		Use(isa)
		for _, s := range [][3]int{{128, 256, 784}, {128, 784, 256}, {256, 784, 128}, {512, 512, 512}, {1024, 1024, 1024}, {128, 10, 256}} {
			for i, form := range []string{"NN", "NT", "TN", "TT"} {
				name := fmt.Sprintf("%dx%dx%d/%s", s[0], s[1], s[2], form)
				b.Run(fmt.Sprintf("%s/float32/%s", isa, name), func(b *testing.B) { benchmark[float32](b, i >= 2, i%2 == 1, s[0], s[1], s[2]) })
				b.Run(fmt.Sprintf("%s/float64/%s", isa, name), func(b *testing.B) { benchmark[float64](b, i >= 2, i%2 == 1, s[0], s[1], s[2]) })
			}
		}
	}
}

// testConflict: an A that is copied, because of its stride, or as it is transposed and C large, gives the bits of one
// that is not, with the work space that is reserved.
func testConflict[T Float](t *testing.T) {
	each(t, func(t *testing.T) {
		const n = 150
		rng := rand.New(rand.NewPCG(1, 2))
		for _, s := range []struct{ m, k, bytes int }{{40, 50, conflict}, {43, 51, conflict}, {40, 450, conflict}, {900, 513, conflict}, {1100, 480, conflict}, {530, 1023, 64}, {1050, 803, 64}, {1051, 129, 8}} {
			for _, ta := range []bool{false, true} {
				rows, cols := s.m, s.k
				if ta {
					rows, cols = s.k, s.m
				}
				near := newGrid[T](rng, rows, cols, 1)
				unit := s.bytes / SizeOf[T]()
				far := newGrid[T](rng, rows, cols, (cols+unit-1)/unit*unit-cols)
				for i := range rows {
					for j := range cols {
						far.set(i, j, near.at(i, j))
					}
				}
				b, c, d := newGrid[T](rng, s.k, n, 0), newGrid[T](rng, s.m, n, 0), newGrid[T](rng, s.m, n, 0)
				var plain, space Scratch[T]
				for i := 0; i < s.m; i += maxRows - 1 { // rows too few for a copy
					Product(&plain, ta, false, min(maxRows-1, s.m-i), n, s.k, 1, near.data()[at(ta, i, 0, near.ld):], near.ld, b.data(), n, 0, c.data()[i*n:], n)
				}
				space.Reserve(ta, s.m, n, s.k, far.ld)
				held := func() int { return cap(space.a) + cap(space.b) + cap(space.left.space) }
				before := held()
				Product(&space, ta, false, s.m, n, s.k, 1, far.data(), far.ld, b.data(), n, 0, d.data(), n)
				for m := s.m - 1; m > 0; m = m * 3 / 4 { // no part of it takes more
					g := setOf[T]()
					if g != nil && s.m > 500 && g.copies(ta, m, n, s.k, far.ld) {
						Product(&space, ta, false, m, n, s.k, 1, far.data(), far.ld, b.data(), n, 0, make([]T, m*n), n)
					}
				}
				if after := held(); after != before {
					t.Errorf("%+v, transA %v: %d numbers of work space in place of the %d reserved", s, ta, after, before)
				}
				if !slices.Equal(c.data(), d.data()) {
					t.Errorf("%+v, transA %v: the stride changes bits", s, ta)
				}
				if !far.intact() || !b.intact() || !d.intact() {
					t.Errorf("%+v, transA %v: something was written outside of C", s, ta)
				}
			}
		}
	})
}

func TestConflict(t *testing.T) {
	t.Run("float32", testConflict[float32])
	t.Run("float64", testConflict[float64])
}

// TestProductPart: the elements of a triangle have the bits that they have in the whole.
func TestProductPart(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		var s Scratch[float32]
		for _, n := range []struct{ m, n, k int }{{1, 1, 1}, {5, 40, 3}, {70, 70, 20}, {128, 33, 400}, {40, 200, 8}, {900, 64, 5}} {
			a, b := newGrid[float32](rng, n.m, n.k, 0), newGrid[float32](rng, n.n, n.k, 0)
			for _, d := range []int{-300, -20, -1, 0, 1, 33, 300} {
				whole := newGrid[float32](rng, n.m, n.n, 3)
				Product(&s, false, true, n.m, n.n, n.k, 1, a.data(), a.ld, b.data(), b.ld, 0, whole.data(), whole.ld)
				for _, part := range []Triangle{Lower, Upper} {
					c := newGrid[float32](rng, n.m, n.n, 3)
					ProductPart(&s, part, d, false, true, n.m, n.n, n.k, 1, a.data(), a.ld, b.data(), b.ld, 0, c.data(), c.ld, Finish[float32]{})
					if !c.intact() {
						t.Fatalf("%+v, part %d from %d: writes outside of C", n, part, d)
					}
					for i := range n.m {
						for j := range n.n {
							if asked := part == Lower && j <= i+d || part == Upper && j >= i+d; asked && c.at(i, j) != whole.at(i, j) {
								t.Fatalf("%+v, part %d from %d: element %d, %d is %g, want %g", n, part, d, i, j, c.at(i, j), whole.at(i, j))
							}
						}
					}
				}
			}
		}
	})
}
