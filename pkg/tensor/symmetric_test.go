package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSymmetric compares weighted and plain symmetric products, mirrored, with sums in
// float64, at sizes below, at and above those of blocks, and checks that they add to what is
// there, that threads change nothing, and that a plan of more threads than rows does no harm.
func TestSymmetric(t *testing.T) {
	each(t, func(t *testing.T) {
		testSymmetric[float32](t, 1e-5)
		testSymmetric[float64](t, 1e-13)
	})
}

func testSymmetric[T Float](t *testing.T, tol float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ examples, k, cols int }{{1, 1, 1}, {1, 5, 3}, {7, 1, 20}, {64, 1, 9}, {33, 2, 40}, {130, 3, 17}, {300, 1, 11}, {5, 70, 6}, {128, 1, 7}, {129, 1, 7}} {
		n := c.examples * c.k
		a, w := View(n, c.cols, random[T](rng, n*c.cols)), New[T](c.examples, c.examples)
		for i := range c.examples {
			for j := range i + 1 {
				w.Set(i, j, T(rng.NormFloat64()))
			}
			for j := i + 1; j < c.examples; j++ {
				w.Set(i, j, T(math.NaN())) // is worthless
			}
		}
		gaps := func(a Matrix[T]) Matrix[T] { // the same numbers with room between rows
			b := Matrix[T]{a.Rows, a.Cols, a.Cols + 5, make([]T, a.Rows*(a.Cols+5))}
			for i := range a.Rows {
				copy(b.Row(i), a.Row(i))
			}
			return b
		}
		for which := range 4 { // plain, weighted, and with gaps in the weights, and in the result
			weighted := which > 0
			var first []T
			for _, threads := range []int{1, 2, 3} {
				pool := NewPool(threads)
				got := New[T](n, n)
				for i := range got.Data {
					got.Data[i] = 2
				}
				switch which {
				case 1:
					AddWeighted(pool, a, w, got)
				case 2:
					AddWeighted(pool, a, gaps(w), got)
				case 3:
					apart := gaps(got)
					AddWeighted(pool, a, w, apart)
					for i := range n {
						copy(got.Row(i), apart.Row(i))
					}
				default:
					AddSymmetric(pool, a, got)
				}
				Mirror(pool, got)
				pool.Close()
				if first == nil {
					first = got.Data
				} else if !slices.Equal(first, got.Data) {
					t.Fatalf("%+v, weighted %v: %d threads give other bits", c, weighted, threads)
				}
				for i := range n {
					for j := range n {
						p, q := max(i, j), min(i, j)
						sum, size, factor := 0.0, 1.0, 1.0
						for l := range c.cols {
							v := float64(a.At(p, l)) * float64(a.At(q, l))
							sum += v
							size += math.Abs(v)
						}
						if weighted {
							factor = float64(w.At(p/c.k, q/c.k))
						}
						if want := 2 + factor*sum; math.Abs(float64(got.At(i, j))-want) > tol*size*(1+math.Abs(factor)) {
							t.Fatalf("%+v, weighted %v: element %d, %d is %g, want %g", c, weighted, i, j, got.At(i, j), want)
						}
					}
				}
			}
		}
	}
	AddSymmetric(nil, New[T](0, 3), New[T](0, 0))
	AddWeighted(nil, New[T](0, 3), New[T](0, 0), New[T](0, 0))
}

// TestRowSums compares Combine, AddCombination and AddProducts with plain loops, of rows with gaps and
// without, and with themselves on other numbers of threads, and without a pool.
func TestRowSums(t *testing.T) {
	each(t, func(t *testing.T) {
		testRowSums[float32](t, 1e-6)
		testRowSums[float64](t, 1e-14)
	})
}

func testRowSums[T Float](t *testing.T, tol float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ rows, cols, gap int }{{0, 3, 0}, {0, 5000, 0}, {1, 1, 0}, {5, 7, 2}, {40, 3000, 0}, {3000, 40, 3}, {7, 20_000, 0}} {
		a := Matrix[T]{c.rows, c.cols, c.cols + c.gap, random[T](rng, c.rows*(c.cols+c.gap))}
		v, x := random[T](rng, c.rows), random[T](rng, c.cols)
		var first [3][]T
		for _, threads := range []int{0, 1, 2, 3} {
			var pool *Pool
			if threads > 0 {
				pool = NewPool(threads)
			}
			all := [3][]T{slices.Repeat([]T{7}, c.cols), slices.Repeat([]T{7}, c.cols), slices.Repeat([]T{7}, c.rows)}
			Combine(pool, a, v, all[0])
			AddCombination(pool, a, v, all[1])
			AddProducts(pool, a, x, all[2])
			pool.Close()
			for i, got := range all {
				if threads == 0 {
					first[i] = got
				} else if !slices.Equal(got, first[i]) {
					t.Fatalf("%+v: %d threads give other bits", c, threads)
				}
			}
		}
		check := func(what string, i int, got T, start float64, terms func(yield func(T, T))) {
			sum, size := start, math.Abs(start)
			terms(func(p, q T) {
				sum += float64(p) * float64(q)
				size += math.Abs(float64(p) * float64(q))
			})
			if math.Abs(float64(got)-sum) > tol*(1+size) {
				t.Fatalf("%+v: %s %d is %g, want %g", c, what, i, got, sum)
			}
		}
		for j := range c.cols {
			column := func(yield func(T, T)) {
				for i := range c.rows {
					yield(v[i], a.At(i, j))
				}
			}
			check("the sum in column", j, first[0][j], 0, column)
			check("7 and the sum in column", j, first[1][j], 7, column)
		}
		for i := range c.rows {
			check("7 and the product of row", i, first[2][i], 7, func(yield func(T, T)) {
				for j := range c.cols {
					yield(x[j], a.At(i, j))
				}
			})
		}
	}
}

// TestConvGradients compares the gradients of each example and signal with those that Weight
// makes of it alone, for all filters and for some, with windows that hang over the image.
func TestConvGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range []ConvShape{
		{In: Shape{2, 5, 4}, Out: Shape{6, 5, 4}, KH: 3, KW: 3, Stride: 1, PadH: 1, PadW: 1},
		{In: Shape{1, 7, 9}, Out: Shape{3, 3, 4}, KH: 3, KW: 2, Stride: 2},
		{In: Shape{3, 2, 2}, Out: Shape{5, 4, 4}, KH: 3, KW: 3, Stride: 1, PadH: 2, PadW: 2},
		{In: Shape{2, 1, 1}, Out: Shape{4, 5, 3}, KH: 1, KW: 3, Stride: 2, PadH: 4, PadW: 3},
		{In: Shape{2, 6, 6}, Out: Shape{600, 6, 6}, KH: 1, KW: 1, Stride: 1},
	} {
		const m, signals = 3, 2
		x, dy := View(m, s.In.Len(), random[float64](rng, m*s.In.Len())), View(m*signals, s.Out.Len(), random[float64](rng, m*signals*s.Out.Len()))
		pool := NewPool(2)
		c := NewConv[float64](pool, s)
		q := s.Taps()
		for _, part := range [][2]int{{0, s.Out.C}, {1, s.Out.C - 1}} {
			lo, hi := part[0], part[1]
			filters := hi - lo
			w, b := New[float64](m*signals, filters*q), New[float64](m*signals, filters)
			c.Gradients(x, dy, lo, hi, w, b)
			for i := range m {
				for k := range signals {
					dw, db := make([]float64, s.Out.C*q), make([]float64, s.Out.C)
					c.Weight(x.RowRange(i, i+1), dy.RowRange(k*m+i, k*m+i+1), dw, db)
					for j, want := range dw[lo*q : hi*q] {
						if got := w.At(i*signals+k, j); math.Abs(got-want) > 1e-11 {
							t.Fatalf("%+v, filters %v: weight %d of signal %d of example %d is %g, want %g", s, part, j, k, i, got, want)
						}
					}
					for j, want := range db[lo:hi] {
						if got := b.At(i*signals+k, j); math.Abs(got-want) > 1e-11 {
							t.Fatalf("%+v, filters %v: bias %d of signal %d of example %d is %g, want %g", s, part, j, k, i, got, want)
						}
					}
				}
			}
		}
		pool.Close()
	}
}

// TestMirrorUpper: what lies below the diagonal becomes what lies above it, and nothing else changes.
func TestMirrorUpper(t *testing.T) {
	for _, n := range []int{0, 1, 7, 64, 65, 130, 200} {
		for _, threads := range []int{1, 2, 3} {
			pool := NewPool(threads)
			stride := n + 3
			a := Matrix[float64]{n, n, stride, make([]float64, n*stride)}
			for i := range a.Data {
				a.Data[i] = float64(i)
			}
			MirrorUpper(pool, a)
			pool.Close()
			for i := range n {
				for j := range stride {
					want := i*stride + j
					if j < i {
						want = j*stride + i
					}
					if got := a.Data[i*stride+j]; got != float64(want) {
						t.Fatalf("n = %d, %d threads: %g at %d, %d, want %d", n, threads, got, i, j, want)
					}
				}
			}
		}
	}
}
