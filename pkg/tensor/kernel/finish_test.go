package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestFinish compares products that finish their elements with products whose elements are
// finished one by one: they are the same numbers, for every instruction set, and nothing around
// C is touched.
func TestFinish(t *testing.T) {
	each(t, func(t *testing.T) {
		t.Run("float32", rapid.MakeCheck(testFinish[float32]))
		t.Run("float64", rapid.MakeCheck(testFinish[float64]))
	})
}

func testFinish[T Float](t *rapid.T) {
	size := func(name string) int {
		if rapid.IntRange(0, 9).Draw(t, name+" large") == 0 {
			return rapid.IntRange(0, 900).Draw(t, name)
		}
		return rapid.IntRange(0, 70).Draw(t, name)
	}
	m, n, k := size("m"), size("n"), size("k")
	gap := rapid.SampledFrom([]int{0, 1, 16})
	ta, tb := rapid.Bool().Draw(t, "transA"), rapid.Bool().Draw(t, "transB")
	alpha := T(rapid.SampledFrom([]float64{1, -0.5, 0}).Draw(t, "alpha"))
	beta := T(rapid.SampledFrom([]float64{0, 1, 2}).Draw(t, "beta"))
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	a, b := shaped[T](rng, ta, m, k, gap.Draw(t, "lda")), shaped[T](rng, tb, k, n, gap.Draw(t, "ldb"))
	repeats := rapid.IntRange(1, 4).Draw(t, "repeats")
	got, gate := newGrid[T](rng, m, n, gap.Draw(t, "ldc")), newGrid[T](rng, (m+repeats-1)/repeats, n, gap.Draw(t, "ldg"))
	want := grid[T]{m, n, got.ld, slices.Clone(got.all), got.from}
	f := Finish[T]{Rectify: rapid.Bool().Draw(t, "rectify")}
	if rapid.Bool().Draw(t, "bias") {
		f.Bias = make([]T, n)
		for j := range f.Bias {
			f.Bias[j] = T(rng.NormFloat64())
		}
		if n > 0 {
			f.Bias[n/2] = T(math.NaN()) // stays one
		}
	}
	if m > 0 && n > 0 && rapid.Bool().Draw(t, "gate") {
		gate.set(gate.rows/2, n/2, T(math.NaN())) // lets through
		gate.set(gate.rows/3, n/3, 0)             // does not
		smallest := T(math.SmallestNonzeroFloat64)
		if SizeOf[T]() == 4 {
			smallest = math.SmallestNonzeroFloat32
		}
		special := []T{smallest, -smallest, T(math.Copysign(0, -1)), T(math.Inf(1)), T(math.Inf(-1)), T(math.Copysign(math.NaN(), -1)), T(math.Copysign(math.NaN(), 1))}
		for _, v := range special {
			gate.set(rng.IntN(gate.rows), rng.IntN(n), v)
		}
		f.Gate, f.LdGate, f.GateRows = gate.data(), gate.ld, gate.rows
	}
	var s Scratch[T]
	Product(&s, ta, tb, m, n, k, alpha, a.data(), a.ld, b.data(), b.ld, beta, want.data(), want.ld)
	for i := range m {
		for j := range n {
			v := want.at(i, j)
			if f.Bias != nil {
				v += f.Bias[j]
			}
			if f.Rectify && v <= 0 || f.Gate != nil && gate.at(i%gate.rows, j) <= 0 {
				v = 0
			}
			want.set(i, j, v)
		}
	}
	ProductPart(&s, Whole, 0, ta, tb, m, n, k, alpha, a.data(), a.ld, b.data(), b.ld, beta, got.data(), got.ld, f)
	same := func(a, b T) bool { return a == b || a != a && b != b }
	if !slices.EqualFunc(got.all, want.all, same) {
		t.Fatalf("a finished product is not the product, finished (bias %v, rectify %v, gate %v)", f.Bias != nil, f.Rectify, f.Gate != nil)
	}
}

// testFinishCut: a product that is finished has the same bits in blocks of C as in one piece, wherever
// rows of the gate begin again.
func testFinishCut[T Float](t *rapid.T) {
	m, n, k := rapid.IntRange(1, 60).Draw(t, "m"), rapid.IntRange(1, 80).Draw(t, "n"), rapid.IntRange(1, 9).Draw(t, "k")
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	a, b := newGrid[T](rng, m, k, 0), newGrid[T](rng, k, n, 0)
	tinyValue := T(1e-310)
	if SizeOf[T]() == 4 {
		tinyValue = T(1e-40)
	}
	for i := range m { // some sums are -0, some gates subnormal
		if rng.IntN(3) == 0 {
			for p := range k {
				a.set(i, p, -tinyValue)
			}
		}
	}
	gate := newGrid[T](rng, rapid.IntRange(1, m).Draw(t, "gate rows"), n, 0)
	for range gate.rows * n / 2 {
		gate.set(rng.IntN(gate.rows), rng.IntN(n), tinyValue)
	}
	f := Finish[T]{Rectify: rapid.Bool().Draw(t, "rectify")}
	if rapid.Bool().Draw(t, "gate") {
		f.Gate, f.LdGate, f.GateRows = gate.data(), gate.ld, gate.rows
	}
	if rapid.Bool().Draw(t, "bias") {
		f.Bias = make([]T, n)
		for j := range f.Bias {
			f.Bias[j] = T(rng.NormFloat64())
		}
	}
	whole, cut := newGrid[T](rng, m, n, 0), newGrid[T](rng, m, n, 0)
	var s Scratch[T]
	ProductPart(&s, Whole, 0, false, false, m, n, k, 1, a.data(), a.ld, b.data(), b.ld, 0, whole.data(), n, f)
	i, j := rapid.IntRange(0, m-1).Draw(t, "i"), rapid.IntRange(0, n-1).Draw(t, "j")
	for _, part := range [][4]int{{0, i, 0, j}, {i, m, 0, j}, {0, i, j, n}, {i, m, j, n}} {
		if part[0] == part[1] || part[2] == part[3] {
			continue
		}
		ProductPart(&s, Whole, 0, false, false, part[1]-part[0], part[3]-part[2], k, 1, a.data()[part[0]*a.ld:], a.ld,
			b.data()[part[2]:], b.ld, 0, cut.data()[part[0]*n+part[2]:], n, f.At(part[0], part[2]))
	}
	same := func(a, b T) bool { return a == b && math.Signbit(float64(a)) == math.Signbit(float64(b)) }
	if !slices.EqualFunc(whole.data(), cut.data(), same) {
		t.Fatal("blocks have other bits than the whole")
	}
}

func TestFinishCut(t *testing.T) {
	each(t, func(t *testing.T) {
		t.Run("float32", rapid.MakeCheck(testFinishCut[float32]))
		t.Run("float64", rapid.MakeCheck(testFinishCut[float64]))
	})
}
