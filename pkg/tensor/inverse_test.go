package tensor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestInverse: A A⁻¹ = I for matrices of one block and of several, with the same bits on any number
// of threads, and both triangles of A⁻¹ are there.
func TestInverse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := NewInverse(300)
	for _, n := range []int{1, 2, 15, 16, 63, 128, 129, 300} {
		x := New[float64](n+3, n)
		for i := range x.Data {
			x.Data[i] = rng.NormFloat64()
		}
		a := New[float64](n, n)
		LowerGram(nil, 1, x, 0, a)
		for i := range n {
			a.Data[i*n+i] += 0.1
		}
		Mirror(nil, a)
		inverse := View(n, n, slices.Clone(a.Data))
		adds, ok := s.Invert(nil, inverse)
		if want := int64(n) * int64(n) * int64(n) / 2; !ok || adds != want {
			t.Fatalf("n = %d: %t, %d multiply-adds, want %d", n, ok, adds, want)
		}
		product := New[float64](n, n)
		Gemm(nil, NoTrans, NoTrans, 1, a, inverse, 0, product)
		for i := range n {
			for j := range n {
				want := 0.0
				if i == j {
					want = 1
				}
				if e := math.Abs(product.At(i, j) - want); !(e < 1e-8) {
					t.Fatalf("n = %d: A A⁻¹ at %d, %d is %g", n, i, j, product.At(i, j))
				}
				if inverse.At(i, j) != inverse.At(j, i) {
					t.Fatalf("n = %d: the inverse is not symmetric", n)
				}
			}
		}
		pool := NewPool(3)
		again := View(n, n, slices.Clone(a.Data))
		s.Invert(pool, again)
		pool.Close()
		if !slices.Equal(again.Data, inverse.Data) {
			t.Errorf("n = %d: three threads give other bits", n)
		}
	}
}

// TestInverseRefuses: a matrix that is not positive definite, or not finite, has no inverse.
func TestInverseRefuses(t *testing.T) {
	s := NewInverse(40)
	for name, set := range map[string]func(a Matrix[float64]){
		"indefinite": func(a Matrix[float64]) { a.Set(1, 1, -1) },
		"singular":   func(a Matrix[float64]) { a.Set(1, 1, 0) },
		"NaN":        func(a Matrix[float64]) { a.Set(0, 1, math.NaN()) },
		"infinite":   func(a Matrix[float64]) { a.Set(1, 1, math.Inf(1)) },
		"too small":  func(a Matrix[float64]) { a.Set(1, 1, 5e-324) },
	} {
		for _, n := range []int{2, 40} {
			a := New[float64](n, n)
			for i := range n {
				a.Set(i, i, 1)
			}
			set(a)
			if _, ok := s.Invert(nil, a); ok {
				t.Errorf("%s, n = %d: there is an inverse", name, n)
			}
		}
	}
}

// TestLowerGram: the lower triangle of alpha Aᵀ A + beta C.
func TestLowerGram(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 7, 300} {
		a, c := New[float64](9, n), New[float64](n, n)
		for _, v := range [][]float64{a.Data, c.Data} {
			for i := range v {
				v[i] = rng.NormFloat64()
			}
		}
		before := slices.Clone(c.Data)
		LowerGram(nil, 0.5, a, 2, c)
		for i := range n {
			for j := range i + 1 {
				want := 2 * before[i*n+j]
				for r := range a.Rows {
					want += 0.5 * a.At(r, i) * a.At(r, j)
				}
				if math.Abs(c.At(i, j)-want) > 1e-12 {
					t.Fatalf("n = %d: %g at %d, %d, want %g", n, c.At(i, j), i, j, want)
				}
			}
		}
	}
}
