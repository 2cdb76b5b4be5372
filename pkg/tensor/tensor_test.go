package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func random[T Float](rng *rand.Rand, n int) []T {
	v := make([]T, n)
	for i := range v {
		v[i] = T(rng.NormFloat64())
	}
	return v
}

// randomMatrix has rows further apart than they are long, with NaN between:
// a product that reads or writes there is found out.
func randomMatrix[T Float](rng *rand.Rand, rows, cols, gap int) Matrix[T] {
	m := Matrix[T]{rows, cols, cols + gap, make([]T, max(0, rows*(cols+gap)))}
	for i := range m.Data {
		m.Data[i] = T(math.NaN())
	}
	for i := range rows {
		copy(m.Row(i), random[T](rng, cols))
	}
	return m
}

func clone[T Float](m Matrix[T]) Matrix[T] {
	m.Data = slices.Clone(m.Data)
	return m
}

// naive is the definition, in float64.
func naive[T Float](ta, tb Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T]) [][]float64 {
	at := func(m Matrix[T], t Transpose, i, j int) float64 {
		if t {
			i, j = j, i
		}
		return float64(m.At(i, j))
	}
	k := a.Cols
	if ta {
		k = a.Rows
	}
	out := make([][]float64, c.Rows)
	for i := range out {
		out[i] = make([]float64, c.Cols)
		for j := range out[i] {
			for l := range k {
				out[i][j] += at(a, ta, i, l) * at(b, tb, l, j)
			}
			out[i][j] *= float64(alpha)
			if beta != 0 {
				out[i][j] += float64(beta) * float64(c.At(i, j))
			}
		}
	}
	return out
}

func testGemm[T Float](t *rapid.T, pool *Pool, tol float64) {
	size := rapid.OneOf(rapid.IntRange(0, 9), rapid.SampledFrom([]int{31, 63, 64, 65, 130, 193, 200}))
	m, n, k := size.Draw(t, "m"), size.Draw(t, "n"), size.Draw(t, "k")
	ta, tb := Transpose(rapid.Bool().Draw(t, "ta")), Transpose(rapid.Bool().Draw(t, "tb"))
	alpha := T(rapid.SampledFrom([]float64{1, -0.5, 0}).Draw(t, "alpha"))
	beta := T(rapid.SampledFrom([]float64{0, 1, 0.25}).Draw(t, "beta"))
	gap := rapid.IntRange(0, 3).Draw(t, "gap")
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	shape := func(r, c int, t Transpose) Matrix[T] {
		if t {
			r, c = c, r
		}
		return randomMatrix[T](rng, r, c, gap)
	}
	a, b, c := shape(m, k, ta), shape(k, n, tb), randomMatrix[T](rng, m, n, gap)
	if rapid.Bool().Draw(t, "far") { // rows that fall into few lines of the cache, and so are copied
		a = randomMatrix[T](rng, a.Rows, a.Cols, 512-a.Cols)
	}
	if beta == 0 { // C need not hold numbers
		for i := range m {
			for j := range n {
				c.Set(i, j, T(math.NaN()))
			}
		}
	}
	want := naive(ta, tb, alpha, a, b, beta, c)
	serial := clone(c)
	Gemm(nil, ta, tb, alpha, a, b, beta, serial)
	Gemm(pool, ta, tb, alpha, a, b, beta, c)
	for i := range c.Data {
		if r, j := i/max(1, c.Stride), i%max(1, c.Stride); j >= n && !math.IsNaN(float64(c.Data[i])) {
			t.Fatalf("wrote between the rows, after row %d", r)
		}
	}
	for i := range m {
		if !slices.Equal(c.Row(i), serial.Row(i)) {
			t.Fatalf("row %d has other bits with %d threads than with 1", i, pool.Threads())
		}
		for j := range n {
			if got := float64(c.At(i, j)); !(math.Abs(got-want[i][j]) <= tol*math.Sqrt(float64(k+1))*(1+math.Abs(want[i][j]))) {
				t.Fatalf("C[%d,%d] = %g, want %g", i, j, got, want[i][j])
			}
		}
	}
}

func TestGemm(t *testing.T) {
	for _, threads := range []int{2, 3, 8} {
		pool := NewPool(threads)
		defer pool.Close()
		t.Run(fmt.Sprintf("float32/%d", threads), rapid.MakeCheck(func(t *rapid.T) { testGemm[float32](t, pool, 3e-6) }))
		t.Run(fmt.Sprintf("float64/%d", threads), rapid.MakeCheck(func(t *rapid.T) { testGemm[float64](t, pool, 1e-14) }))
	}
}

func testVectors[T Float](t *testing.T, tol float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 3, 5, chunk - 1, chunk, 3*chunk + 7} {
		x, y := random[T](rng, n), random[T](rng, n)
		var dots []float64
		var sums [][]T
		for _, threads := range []int{1, 2, 3} {
			pool := NewPool(threads)
			z := slices.Clone(y)
			Axpy(pool, -0.5, x, z)
			Scale(pool, 2, z)
			sums, dots = append(sums, z), append(dots, Dot(pool, x, y))
			pool.Close()
		}
		var want float64
		for i := range x {
			want += float64(x[i]) * float64(y[i])
			if w := 2*float64(y[i]) - float64(x[i]); math.Abs(float64(sums[0][i])-w) > tol*(1+math.Abs(w)) {
				t.Fatalf("n=%d: 2(y - x/2)[%d] = %g, want %g", n, i, sums[0][i], w)
			}
		}
		if math.Abs(dots[0]-want) > 1e-10*(1+math.Abs(want)) {
			t.Errorf("n=%d: dot = %g, want %g", n, dots[0], want)
		}
		if dots[1] != dots[0] || dots[2] != dots[0] || !slices.Equal(sums[0], sums[1]) || !slices.Equal(sums[0], sums[2]) {
			t.Errorf("n=%d: other bits with other numbers of threads", n)
		}
		z := random[T](rng, n)
		for threads := range 3 {
			pool := NewPool(threads + 1)
			both, apart := slices.Clone(y), slices.Clone(y)
			sum := AxpyDot(pool, 0.75, x, both, z)
			Axpy(nil, 0.75, x, apart)
			if !slices.Equal(both, apart) || sum != Dot(nil, apart, z) || sum != AxpyDot(nil, 0.75, x, slices.Clone(y), z) {
				t.Errorf("n=%d, %d threads: AxpyDot has other bits than Axpy and Dot", n, threads+1)
			}
			pool.Close()
		}
		if norm := Norm2(nil, x); math.Abs(norm*norm-Dot(nil, x, x)) > 1e-9*(1+norm*norm) {
			t.Errorf("n=%d: norm %g", n, norm)
		}
	}
	for _, shape := range [][2]int{{0, 3}, {1, 1}, {5, 7}, {300, 257}, {2, 40000}} {
		a := randomMatrix[T](rng, shape[0], shape[1], 2)
		pool := NewPool(2)
		sums, serial := make([]T, shape[1]), make([]T, shape[1])
		ColSums(pool, sums, a)
		ColSums(nil, serial, a)
		pool.Close()
		if !slices.Equal(sums, serial) {
			t.Errorf("%v: column sums have other bits with 2 threads", shape)
		}
		for j := range sums {
			var want float64
			for i := range a.Rows {
				want += float64(a.At(i, j))
			}
			if math.Abs(float64(sums[j])-want) > 100*tol*(1+math.Abs(want)) {
				t.Fatalf("%v: sum of column %d is %g, want %g", shape, j, sums[j], want)
			}
		}
	}
}

func TestVectors(t *testing.T) {
	t.Run("float32", func(t *testing.T) { testVectors[float32](t, 1e-6) })
	t.Run("float64", func(t *testing.T) { testVectors[float64](t, 1e-15) })
}

// TestAllocs: after the first call, nothing is allocated.
func TestAllocs(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	a, b, c := randomMatrix[float32](rng, 128, 300, 0), randomMatrix[float32](rng, 256, 300, 0), New[float32](128, 256)
	x, y, row := random[float32](rng, 5*chunk), random[float32](rng, 5*chunk), make([]float32, 256)
	step := func() {
		Gemm(pool, NoTrans, Trans, 1, a, b, 0, c)
		Axpy(pool, 2, x, y)
		Scale(pool, 0.5, y)
		Dot(pool, x, y)
		ColSums(pool, row, c)
	}
	step()
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("%g allocations", n)
	}
}

// TestAllocsWithoutPool: nor do calls without a pool allocate. The race detector makes a
// sync.Pool lose some of what it is given, so it leaves this out (see Makefile).
func TestAllocsWithoutPool(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 200
	a, b, c := randomMatrix[float64](rng, n, 60, 0), randomMatrix[float64](rng, n, 60, 0), New[float64](n, n)
	k, l, w := spd(rng, n, 1), randomMatrix[float64](rng, n, 2, 0), randomMatrix[float64](rng, n/2, n/2, 0)
	x, d, narrow := random[float64](rng, n), random[float64](rng, n), random[float32](rng, n)
	for name, call := range map[string]func(){
		"Gemm":          func() { Gemm(nil, NoTrans, Trans, 1, a, b, 0, c) },
		"ColSums":       func() { ColSums(nil, x, c) },
		"Mirror":        func() { Mirror(nil, c) },
		"AddWeighted":   func() { AddWeighted(nil, a, w, c) },
		"AddProducts":   func() { AddProducts(nil, k, d, x) },
		"Combine":       func() { Combine(nil, k, d, x) },
		"Widen":         func() { Widen(nil, x, narrow) },
		"ScaledSystem":  func() { ScaledSystem(nil, 1, d, k, c) },
		"BlockSystem":   func() { BlockSystem(nil, 1, l, k, c) },
		"Cholesky":      func() { copy(c.Data, k.Data); Cholesky(nil, c) },
		"CholeskySolve": func() { CholeskySolve(nil, k, x) },
	} {
		call()
		if n := testing.AllocsPerRun(20, call); n > 0 {
			t.Errorf("%s: %g allocations", name, n)
		}
	}
}

// TestPoolDoesNotWait: a loop ends without a worker that never gets a processor.
func TestPoolDoesNotWait(t *testing.T) {
	pool := &Pool{threads: 2, workers: []*worker{{wake: make(chan struct{}, 1)}}}
	for range 3 {
		n := 0
		pool.For(100, 10, func(lo, hi int) { n += hi - lo })
		if n != 100 {
			t.Errorf("%d of 100 indices were visited", n)
		}
	}
}

func TestPool(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		pool := NewPool(threads)
		for _, n := range []int{0, 1, 9, 10, 11, 1000} {
			seen := make([]int, n)
			pool.For(n, 10, func(lo, hi int) {
				if lo%10 != 0 || hi > lo+10 {
					t.Errorf("chunk [%d, %d) is not one of the fixed ones", lo, hi)
				}
				for i := lo; i < hi; i++ {
					seen[i]++
				}
			})
			for i, s := range seen {
				if s != 1 {
					t.Fatalf("%d threads, n=%d: index %d was visited %d times", threads, n, i, s)
				}
			}
		}
		panics(t, "a body's panic", "boom", func() {
			pool.For(100, 1, func(lo, hi int) {
				if lo == 57 {
					panic("boom")
				}
			})
		})
		pool.For(3, 1, func(lo, hi int) {}) // still in order
		pool.Close()
		pool.Close()
	}
	pool := NewPool(2)
	defer pool.Close()
	panics(t, "a nested loop", "tensor: For: loops of one pool must not nest or overlap", func() {
		pool.For(10, 1, func(lo, hi int) { pool.For(10, 1, func(lo, hi int) {}) })
	})
	panics(t, "a grain of 0", "tensor: For: grain must be positive", func() { pool.For(10, 0, func(lo, hi int) {}) })
}

func TestPanics(t *testing.T) {
	a := New[float64](2, 3)
	panics(t, "Gemm", "tensor: Gemm: the shapes do not fit", func() { Gemm(nil, NoTrans, NoTrans, 1, a, a, 0, a) })
	panics(t, "Axpy", "tensor: vectors of different lengths", func() { Axpy(nil, 1, make([]float64, 2), make([]float64, 3)) })
	panics(t, "MirrorUpper", "tensor: MirrorUpper: the matrix is not square", func() { MirrorUpper(nil, a) })
	panics(t, "ColSums", "tensor: ColSums: the vector has the wrong length", func() { ColSums(nil, make([]float64, 2), a) })
	panics(t, "View", "tensor: View: data have the wrong length", func() { View(2, 2, make([]float64, 3)) })
	panics(t, "RowRange", "tensor: RowRange: out of range", func() { a.RowRange(1, 3) })
	panics(t, "Flat", "tensor: Flat: the rows are not adjacent", func() { Matrix[float64]{2, 2, 3, make([]float64, 6)}.Flat() })
	panics(t, "Convert", "tensor: Convert: vectors of different lengths", func() { Convert(make([]float32, 1), make([]float64, 2)) })
}

func panics(t *testing.T, what, want string, f func()) {
	t.Helper()
	defer func() {
		if v := recover(); v != want {
			t.Errorf("%s: panic value %v, want %q", what, v, want)
		}
	}()
	f()
}

func TestShape(t *testing.T) {
	for s, want := range map[Shape]string{{784, 1, 1}: "784", {1, 28, 28}: "1x28x28", {3, 1, 2}: "3x1x2"} {
		if s.String() != want {
			t.Errorf("got %s, want %s", s, want)
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, threads := range []int{1, 2} {
		pool := NewPool(threads)
		for _, s := range []struct {
			m, n, k int
			ta, tb  Transpose
		}{{128, 256, 784, NoTrans, Trans}, {128, 784, 256, NoTrans, NoTrans}, {256, 784, 128, Trans, NoTrans}, {128, 10, 256, NoTrans, Trans}} {
			b.Run(fmt.Sprintf("%dx%dx%d/ta=%t,tb=%t/threads=%d", s.m, s.n, s.k, s.ta, s.tb, threads), func(b *testing.B) {
				x, y := New[float32](s.m, s.k), New[float32](s.k, s.n)
				if s.ta {
					x = New[float32](s.k, s.m)
				}
				if s.tb {
					y = New[float32](s.n, s.k)
				}
				copy(x.Data, random[float32](rng, len(x.Data)))
				copy(y.Data, random[float32](rng, len(y.Data)))
				c := New[float32](s.m, s.n)
				b.ReportAllocs()
				for b.Loop() {
					Gemm(pool, s.ta, s.tb, 1, x, y, 0, c)
				}
				b.ReportMetric(2*float64(s.m*s.n*s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		pool.Close()
	}
}
