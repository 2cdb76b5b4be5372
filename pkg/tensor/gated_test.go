package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// TestGatedProducts compares products through gates with products of rows that are gated before; all numbers of threads give the
// same bits, and nothing is allocated from the second call on.
func TestGatedProducts(t *testing.T) {
	defer kernel.Use(kernel.Active())
	for _, isa := range kernel.Available() {
		kernel.Use(isa)
		t.Run(isa.String(), func(t *testing.T) {
			t.Run("float32", func(t *testing.T) { testGatedProducts[float32](t, 1e-5) })
			t.Run("float64", func(t *testing.T) { testGatedProducts[float64](t, 1e-13) })
		})
	}
}

func testGatedProducts[T Float](t *testing.T, tol float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	pools := []*Pool{nil, NewPool(2), NewPool(3)}
	defer pools[1].Close()
	defer pools[2].Close()
	for _, s := range []struct{ m, k, h, n int }{{64, 10, 64, 64}, {37, 3, 300, 130}, {128, 7, 20, 15}, {3, 1, 5, 2}, {5, 2, 0, 4}, {5, 40, 90, 16}} {
		a, z, b, gate := randomMatrix[T](rng, s.k, s.h, 1), randomMatrix[T](rng, s.m, s.h, 2), randomMatrix[T](rng, s.h, s.n, 3), randomMatrix[T](rng, s.m, s.n, 1)
		for _, x := range []Matrix[T]{z, gate} {
			if x.Cols > 0 {
				x.Row(0)[0], x.Row(1)[0], x.Row(2)[0] = T(math.NaN()), 0, T(math.Inf(1))
			}
		}
		rows := New[T](s.k*s.m, s.h)
		for r := range rows.Rows {
			kernel.Gate(z.Row(r%s.m), a.Row(r/s.m), rows.Row(r))
		}
		for _, gate := range []Matrix[T]{{}, gate} {
			want, first := New[T](s.k*s.m, s.n), Matrix[T]{}
			GemmFinish(nil, NoTrans, NoTrans, 1, rows, b, 0, want, Finish[T]{Gate: gate})
			for i, p := range pools {
				wide := randomMatrix[T](rng, s.k*s.m, s.n, 2)
				GatedProducts(p, a, z, b, gate, wide)
				c := New[T](wide.Rows, wide.Cols)
				for r := range c.Rows {
					copy(c.Row(r), wide.Row(r))
				}
				if e := distanceOf(c.Flat(), want.Flat()); !(e <= tol) {
					t.Errorf("%v, %d threads: %g away", s, p.Threads(), e)
				}
				if i == 0 {
					first = c
				} else if !slices.Equal(c.Flat(), first.Flat()) {
					t.Errorf("%v: %d threads give other numbers than one", s, p.Threads())
				}
				if n := testing.AllocsPerRun(3, func() { GatedProducts(p, a, z, b, gate, wide) }); p != nil && n > 0 {
					t.Errorf("%v, %d threads: %g allocations", s, p.Threads(), n)
				}
			}
		}
	}
}

// TestGatedSpace: no more is kept than is counted, and not much less.
func TestGatedSpace(t *testing.T) {
	t.Run("float32", testGatedSpace[float32])
	t.Run("float64", testGatedSpace[float64])
}

func testGatedSpace[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range []struct{ k, m, h int }{{3, 500, 700}, {100, 64, 3000}, {10, 128, 1024}, {3, 300000, 1}} {
		a, z, b, c := randomMatrix[T](rng, s.k, s.h, 0), randomMatrix[T](rng, s.m, s.h, 0), New[T](s.h, 1), New[T](s.k*s.m, 1)
		p := NewPool(1)
		before := heap()
		GatedProducts(p, a, z, b, Matrix[T]{}, c)
		held := heap() - before
		runtime.KeepAlive([]any{a, z, b, c, p})
		p.Close()
		counted := float64(GatedSpace(s.k, s.m, s.h) * kernel.SizeOf[T]())
		if ratio := counted / held; ratio < 0.98 || ratio > 2.5 {
			t.Errorf("%v: %.0f bytes are counted, %.0f held: a ratio of %.2f", s, counted, held, ratio)
		}
	}
}

// heap returns the bytes of all that is reachable.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// distanceOf is the largest difference of two vectors, over the largest number of the second.
func distanceOf[T Float](x, y []T) float64 {
	var d, most float64
	for i, v := range y {
		d, most = max(d, float64(x[i]-v), float64(v-x[i])), max(most, float64(v), -float64(v))
	}
	return d / max(most, 1e-300)
}

// TestGatedProductsShapes: shapes that do not fit are told.
func TestGatedProductsShapes(t *testing.T) {
	a, z, b, c := New[float64](2, 3), New[float64](4, 3), New[float64](3, 5), New[float64](8, 5)
	for i, f := range []func(){
		func() { GatedProducts(nil, a, New[float64](4, 2), b, Matrix[float64]{}, c) },
		func() { GatedProducts(nil, a, z, New[float64](2, 5), Matrix[float64]{}, c) },
		func() { GatedProducts(nil, a, z, b, Matrix[float64]{}, New[float64](7, 5)) },
		func() { GatedProducts(nil, a, z, b, Matrix[float64]{}, New[float64](8, 4)) },
		func() { GatedProducts(nil, a, z, b, New[float64](8, 5), c) },
	} {
		panics(t, fmt.Sprint("case ", i), "tensor: GatedProducts: the shapes do not fit", f)
	}
}
