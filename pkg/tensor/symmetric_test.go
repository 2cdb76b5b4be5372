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
	for _, c := range []struct{ examples, k, cols int }{{1, 1, 1}, {1, 5, 3}, {7, 1, 20}, {64, 1, 9}, {33, 2, 40}, {130, 3, 17}, {300, 1, 11}, {5, 70, 6}} {
		n := c.examples * c.k
		a, w := View(n, c.cols, random[T](rng, n*c.cols)), New[T](c.examples, c.examples)
		for i := range c.examples {
			for j := range i + 1 {
				w.Set(i, j, T(rng.NormFloat64()))
			}
			for j := i + 1; j < c.examples; j++ {
				w.Set(i, j, T(math.NaN())) // is not read
			}
		}
		for _, weighted := range []bool{false, true} {
			var first []T
			for _, threads := range []int{1, 2, 3} {
				pool := NewPool(threads)
				got := New[T](n, n)
				for i := range got.Data {
					got.Data[i] = 2
				}
				if weighted {
					AddWeighted(pool, a, w, got)
				} else {
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

// TestRowSums compares Combine and AddProducts with plain loops.
func TestRowSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ rows, cols int }{{0, 3}, {1, 1}, {5, 7}, {40, 3000}, {3000, 40}} {
		a := View(c.rows, c.cols, random[float64](rng, c.rows*c.cols))
		v, x := random[float64](rng, c.rows), random[float64](rng, c.cols)
		pool := NewPool(2)
		y, u := slices.Repeat([]float64{7}, c.cols), slices.Repeat([]float64{7}, c.rows)
		Combine(pool, a, v, y)
		AddProducts(pool, a, x, u)
		pool.Close()
		for j, got := range y {
			want := 0.0
			for i := range c.rows {
				want += v[i] * a.At(i, j)
			}
			if math.Abs(got-want) > 1e-11 {
				t.Fatalf("%+v: the sum in column %d is %g, want %g", c, j, got, want)
			}
		}
		for i, got := range u {
			want := 7.0
			for j := range c.cols {
				want += x[j] * a.At(i, j)
			}
			if math.Abs(got-want) > 1e-11 {
				t.Fatalf("%+v: the product of row %d is %g, want %g", c, i, got, want)
			}
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
