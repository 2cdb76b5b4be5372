package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSystems compares I + alpha Lᵀ K L, L diagonal or of blocks, with sums, for K and A with
// gaps between their rows. The lower triangle of A may hold anything; two threads make the
// same bits as one.
func TestSystems(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	const alpha = 0.7
	eachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, size := range [][2]int{{0, 1}, {1, 1}, {7, 1}, {16, 1}, {200, 1}, {2, 2}, {9, 3}, {40, 8}, {130, 10}, {48, 16}, {340, 17}} {
			n, b := size[0], size[1]
			sym := spd(rng, n, 1)
			k := Matrix[float64]{n, n, n + b, make([]float64, n*(n+b))}
			l, d := New[float64](n, b), make([]float64, n)
			for i := range n {
				copy(k.Row(i), sym.Row(i))
				d[i] = []float64{1, rng.Float64(), 0}[i%3]
				for j := range b {
					l.Set(i, j, rng.NormFloat64())
				}
			}
			// want is Lᵀ K L with element (i, j) of Lᵀ from the function.
			want := func(i, j int, lt func(i, j int) float64) float64 {
				var sum float64
				for p := i / b * b; p < i/b*b+b; p++ {
					for q := j / b * b; q < j/b*b+b; q++ {
						sum += lt(i, p) * sym.At(p, q) * lt(j, q)
					}
				}
				return sum
			}
			for kind, f := range map[string]struct {
				set func(p *Pool, a Matrix[float64])
				lt  func(i, j int) float64
			}{
				"diagonal": {func(p *Pool, a Matrix[float64]) { ScaledSystem(p, alpha, d, k, a) }, func(i, j int) float64 {
					if i == j {
						return d[i]
					}
					return 0
				}},
				"blocks": {func(p *Pool, a Matrix[float64]) { BlockSystem(p, alpha, l, k, a) }, func(i, j int) float64 { return l.At(i, j-i/b*b) }},
			} {
				say := fmt.Sprintf("%s, n = %d in blocks of %d", kind, n, b)
				a, other := Matrix[float64]{n, n, n + 3, slices.Repeat([]float64{math.NaN()}, n*(n+3))}, Matrix[float64]{n, n, n + 3, make([]float64, n*(n+3))}
				f.set(nil, a)
				f.set(pool, other)
				for i := range n {
					for j := i; j < n; j++ {
						w := alpha * want(i, j, f.lt)
						if i == j {
							w++
						}
						if math.Abs(a.At(i, j)-w) > 1e-12*(float64(n)+math.Abs(w)) {
							t.Fatalf("%s: element (%d, %d) is %g, want %g", say, i, j, a.At(i, j), w)
						}
						if a.At(i, j) != other.At(i, j) {
							t.Fatalf("%s: two threads give other bits", say)
						}
					}
					if v := a.Data[i*a.Stride:][n:a.Stride]; !math.IsNaN(v[0] + v[1] + v[2]) {
						t.Fatalf("%s: writes behind row %d", say, i)
					}
				}
			}
		}
	})
}

func TestSystemsAllocateNothing(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	const n, b = 300, 10
	k, a := spd(rand.New(rand.NewPCG(1, 2)), n, 1), New[float64](n, n)
	l := New[float64](n, b)
	form := func() {
		ScaledSystem(pool, 1, k.Row(0), k, a)
		BlockSystem(pool, 1, l, k, a)
	}
	form()
	if n := testing.AllocsPerRun(5, form); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

// TestSystemSpace: what is kept for systems is what is said, for any number of threads.
func TestSystemSpace(t *testing.T) {
	for _, threads := range []int{1, 3} {
		for _, b := range []int{1, 10} {
			const n = 300
			pool := NewPool(threads)
			k, a, l := spd(rand.New(rand.NewPCG(1, 2)), n, 1), New[float64](n, n), New[float64](n, b)
			if b == 1 {
				ScaledSystem(pool, 1, k.Row(0), k, a)
			} else {
				BlockSystem(pool, 1, l, k, a)
			}
			s := &argsOf[float64](pool).system
			held := len(s.scaled)
			for _, c := range s.columns {
				held += len(c)
			}
			if said := SystemSpace(n, b, threads); held != said {
				t.Errorf("%d threads, blocks of %d: %d numbers are held, %d said", threads, b, held, said)
			}
			pool.Close()
		}
	}
}
