package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// TestSharedCopies: where threads copy A together, C has the bits that one thread gives it, in all forms, with what is added
// and finished, and in the part of it that is asked for; and nothing is allocated.
func TestSharedCopies(t *testing.T) {
	if !slices.Contains(kernel.Available(), kernel.AVX2) {
		return // no other kernels do that
	}
	defer kernel.Use(kernel.Active())
	kernel.Use(kernel.AVX2)
	t.Run("float32", testSharedCopies[float32])
	t.Run("float64", testSharedCopies[float64])
}

func testSharedCopies[T Float](t *testing.T) {
	pools := []*Pool{NewPool(2), NewPool(3)}
	for _, p := range pools {
		defer p.Close()
	}
	if shares[T](pools[0], Trans, 1<<13, 1<<13, 1, 1<<13) {
		t.Error("threads copy a column, of which one makes zeros of another sign")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(rows, cols, stride int) Matrix[T] {
		m := Matrix[T]{rows, cols, stride, make([]T, rows*stride)}
		for i := range m.Data {
			m.Data[i] = T(rng.NormFloat64())
		}
		return m
	}
	displacing := 2048 / kernel.SizeOf[T]() // a stride whose rows displace each other
	shared := [4]int{}                      // cases of each form
	for _, s := range []struct{ m, n, k int }{{320, 400, 130}, {321, 131, 403}, {1110, 129, 801}, {35, 700, 700}} {
		for form := range 4 {
			ta, tb := Transpose(form&1 != 0), Transpose(form&2 != 0)
			rows, cols := s.m, s.k
			if ta {
				rows, cols = cols, rows
			}
			a := random(rows, cols, (cols+displacing-1)/displacing*displacing)
			if ta { // of which any is copied
				a = random(rows, cols, cols+3)
			}
			b := random(s.k, s.n, s.n+1)
			if tb {
				b = random(s.n, s.k, s.k)
			}
			before, bias, gate := random(s.m, s.n, s.n+2), random(1, s.n, s.n).Data, random(1, s.n, s.n)
			for name, product := range map[string]func(p *Pool, c Matrix[T]){
				"added":    func(p *Pool, c Matrix[T]) { Gemm(p, ta, tb, -2, a, b, 0.5, c) },
				"finished": func(p *Pool, c Matrix[T]) { GemmFinish(p, ta, tb, 1, a, b, 0, c, Finish[T]{Bias: bias, Rectify: true}) },
				"gated":    func(p *Pool, c Matrix[T]) { GemmFinish(p, ta, tb, 1, a, b, 1, c, Finish[T]{Gate: gate}) },
				"upper":    func(p *Pool, c Matrix[T]) { gemmPart(p, kernel.Upper, -7, ta, tb, 1, a, b, 1, c) },
				"lower":    func(p *Pool, c Matrix[T]) { gemmPart(p, kernel.Lower, 5, ta, tb, 1, a, b, 0, c) },
				"none":     func(p *Pool, c Matrix[T]) { Gemm(p, ta, tb, 0, a, b, 0.5, c) },
			} {
				label := fmt.Sprintf("%+v %v %v %s", s, ta, tb, name)
				want := copyOf(before)
				product(nil, want)
				for i, p := range pools {
					c := copyOf(before)
					product(p, c)
					for r := range s.m {
						for j := range s.n {
							asked := name != "upper" && name != "lower" || name == "upper" && j >= r-7 || name == "lower" && j <= r+5
							if asked && c.At(r, j) != want.At(r, j) {
								t.Fatalf("%s, %d threads: other bits at (%d, %d): %g, want %g", label, i+2, r, j, c.At(r, j), want.At(r, j))
							}
						}
						for _, v := range c.Data[r*c.Stride:][s.n:c.Stride] {
							if !math.IsNaN(float64(v)) {
								t.Fatalf("%s: writes behind row %d", label, r)
							}
						}
					}
				}
			}
			if shares[T](pools[0], ta, s.m, s.n, s.k, a.Stride) {
				shared[form]++
			}
			c := copyOf(before)
			if n := testing.AllocsPerRun(2, func() { Gemm(pools[0], ta, tb, 1, a, b, 0, c) }); n != 0 {
				t.Errorf("%+v: %g allocations", s, n)
			}
		}
	}
	if n := slices.Min(shared[:]); n < 3 {
		t.Errorf("copies are shared in only %d cases of a form", n)
	}
}

// copyOf returns a copy of a matrix, with NaN in the gaps between its rows.
func copyOf[T Float](m Matrix[T]) Matrix[T] {
	c := Matrix[T]{m.Rows, m.Cols, m.Stride, make([]T, len(m.Data))}
	for i := range c.Data {
		c.Data[i] = T(math.NaN())
	}
	for i := range m.Rows {
		copy(c.Row(i), m.Row(i))
	}
	return c
}
