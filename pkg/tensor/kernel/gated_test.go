package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestGated compares products through gates with sums made one by one, in panels of some of the examples, for
// every instruction set; and nothing around C is touched.
func TestGated(t *testing.T) {
	each(t, func(t *testing.T) {
		t.Run("float32", rapid.MakeCheck(func(t *rapid.T) { testGated[float32](t, 1e-6) }))
		t.Run("float64", rapid.MakeCheck(func(t *rapid.T) { testGated[float64](t, 1e-15) }))
	})
}

func testGated[T Float](t *rapid.T, tol float64) {
	m, k, n := rapid.IntRange(1, 6).Draw(t, "m"), rapid.IntRange(1, 30).Draw(t, "k"), rapid.IntRange(1, 70).Draw(t, "n")
	h := rapid.SampledFrom([]int{1, 2, 3, 20, 63, gatedPart, gatedPart + 1, 3 * gatedPart}).Draw(t, "h")
	gap := rapid.SampledFrom([]int{0, 1, 16})
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	a, z, b := newGrid[T](rng, k, h, gap.Draw(t, "lda")), newGrid[T](rng, m, h, 0), newGrid[T](rng, h, n, gap.Draw(t, "ldb"))
	gate, c := newGrid[T](rng, m, n, gap.Draw(t, "ldg")), newGrid[T](rng, k*m, n, gap.Draw(t, "ldc"))
	smallest := T(math.SmallestNonzeroFloat64)
	if SizeOf[T]() == 4 {
		smallest = math.SmallestNonzeroFloat32
	}
	special := []T{0, smallest, -smallest, T(math.Copysign(0, -1)), T(math.Inf(1)), T(math.Inf(-1)), T(math.Copysign(math.NaN(), -1)), T(math.Copysign(math.NaN(), 1))}
	for _, g := range []grid[T]{z, gate} {
		for _, v := range special {
			g.set(rng.IntN(g.rows), rng.IntN(g.cols), v)
		}
	}
	all := rapid.SampledFrom([]T{0, 1, -1}).Draw(t, "all gates") // of the first example; 0: as they are
	for j := range h {
		if all != 0 {
			z.set(0, j, all)
		}
	}
	gates, ldGate := gate.data(), gate.ld
	if rapid.Bool().Draw(t, "without gate") {
		gates, ldGate = nil, 0
	}

	var g Gated[T]
	var s Scratch[T]
	g.Begin(1, 1, 300, make([]T, 300), 300) // and work space is used again
	g.Begin(m, k, h, a.data(), a.ld)
	for i := range m {
		g.Open(i, z.data()[i*h:(i+1)*h])
	}
	g.Reserve(&s)
	half := (m + 1) / 2
	for p := range g.Panels(n) {
		g.Panel(&s, p, 0, half, n, b.data(), b.ld, gates, ldGate, c.data(), m*c.ld, c.ld)
		if half < m {
			g.Panel(&s, p, half, m, n, b.data(), b.ld, gates, ldGate, c.data(), m*c.ld, c.ld)
		}
	}
	for r := range k * m {
		for j := range n {
			var want, size float64
			for p := range h {
				if !(z.at(r%m, p) <= 0) {
					v := float64(a.at(r/m, p)) * float64(b.at(p, j))
					want, size = want+v, size+math.Abs(v)
				}
			}
			if gates != nil && gate.at(r%m, j) <= 0 {
				want, size = 0, 0
			}
			if e := math.Abs(float64(c.at(r, j)) - want); !(e <= tol*(4+float64(h))*size) {
				t.Fatalf("row %d, column %d: %g, want %g", r, j, c.at(r, j), want)
			}
		}
	}
	if !c.intact() {
		t.Fatal("something around C was written")
	}
}
