package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestProductOfVectors: products of a column and a row, and those that are one row, have the numbers that the kernels of
// blocks make. These are taken if a triangle is asked for, here one that has all of C.
func TestProductOfVectors(t *testing.T) {
	each(t, func(t *testing.T) {
		t.Run("float32", rapid.MakeCheck(testProductOfVectors[float32]))
		t.Run("float64", rapid.MakeCheck(testProductOfVectors[float64]))
	})
}

func testProductOfVectors[T Float](t *rapid.T) {
	m, n, k := rapid.IntRange(1, 70).Draw(t, "m"), rapid.IntRange(1, 150).Draw(t, "n"), 1
	if rapid.Bool().Draw(t, "row") {
		m, k = 1, rapid.SampledFrom([]int{1, 2, 9, 64, depth, depth + 1}).Draw(t, "k")
	}
	ta, tb := rapid.Bool().Draw(t, "transA"), rapid.Bool().Draw(t, "transB")
	gap := rapid.SampledFrom([]int{0, 1, 16})
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	a, b := shaped[T](rng, ta, m, k, gap.Draw(t, "lda")), shaped[T](rng, tb, k, n, gap.Draw(t, "ldb"))
	got, want := newGrid[T](rng, m, n, gap.Draw(t, "ldc")), newGrid[T](rng, m, n, 0)
	for i := range m {
		for j := range n {
			got.set(i, j, T(math.NaN())) // must be overwritten
		}
	}
	f := Finish[T]{Rectify: rapid.Bool().Draw(t, "rectify")}
	if rapid.Bool().Draw(t, "bias") {
		f.Bias = newGrid[T](rng, 1, n, 0).data()
	}
	if rapid.Bool().Draw(t, "gate") {
		gate := newGrid[T](rng, (m+1)/2, n, 3)
		f.Gate, f.LdGate, f.GateRows = gate.data(), gate.ld, gate.rows
	}
	for range m { // sums of zeros of either sign, and of no numbers
		a.set(rng.IntN(a.rows), rng.IntN(a.cols), T(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.Inf(1)}).Draw(t, "special")))
	}
	var s Scratch[T]
	ProductPart(&s, Lower, n, ta, tb, m, n, k, 1, a.data(), a.ld, b.data(), b.ld, 0, want.data(), want.ld, f)
	ProductPart(&s, Whole, 0, ta, tb, m, n, k, 1, a.data(), a.ld, b.data(), b.ld, 0, got.data(), got.ld, f)
	for i := range m {
		for j := range n {
			if x, y := got.at(i, j), want.at(i, j); x != y && (x == x || y == y) {
				t.Fatalf("element %d, %d is %g, want %g", i, j, got.at(i, j), want.at(i, j))
			}
		}
	}
	if !got.intact() || !a.intact() || !b.intact() {
		t.Fatal("something was written outside of C")
	}
}
