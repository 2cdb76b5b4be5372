package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// increasing draws n offsets in runs, as those of a convolution are.
func increasing(t *rapid.T, name string, n int) []int32 {
	longest := rapid.SampledFrom([]int{1, 3, 4, 7, 8, 16, 31, 40}).Draw(t, name+" run")
	var out []int32
	for at := int32(0); len(out) < n; at += int32(rapid.IntRange(1, 9).Draw(t, name+" gap")) {
		for range rapid.IntRange(1, longest).Draw(t, name+" length") {
			out = append(out, at)
			at++
		}
	}
	return out[:n]
}

// testPatches compares a product with its definition: C lies in pieces, with
// canaries between.
func testPatches[T Float](t *rapid.T) {
	m, n := rapid.IntRange(0, 40).Draw(t, "m"), rapid.IntRange(0, 100).Draw(t, "n")
	k := rapid.IntRange(0, 60).Draw(t, "k")
	if rapid.IntRange(0, 9).Draw(t, "large") == 0 {
		k = rapid.IntRange(0, 900).Draw(t, "large k")
	}
	b := Patches[T]{Rows: make([]int32, k), Cols: increasing(t, "columns", n), Ones: rapid.Bool().Draw(t, "ones")}
	out := increasing(t, "out", n)
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	span, spanOut := 1, 1
	if n > 0 {
		span, spanOut = int(b.Cols[n-1])+1, int(out[n-1])+1
	}
	for i := range b.Rows {
		b.Rows[i] = int32(rng.IntN(500))
	}
	b.Src = make([]T, 500+span+Slack)
	for i := range b.Src {
		b.Src[i] = T(rng.NormFloat64())
	}
	a, c := newGrid[T](rng, m, b.K(), rapid.IntRange(0, 3).Draw(t, "lda")), newGrid[T](rng, m, spanOut, 2)
	accumulate := rapid.Bool().Draw(t, "accumulate")
	before := make([]T, len(c.all))
	inside := make([]bool, len(c.all))
	for i := range m {
		for _, j := range out {
			at := c.from + i*c.ld + int(j)
			inside[at] = true
			if !accumulate {
				c.all[at] = T(math.NaN()) // must be overwritten
			}
		}
	}
	copy(before, c.all)

	var s Scratch[T]
	s.ReservePatches(b.K(), n)
	ProductPatches(&s, m, a.data(), a.ld, &b, accumulate, c.data(), c.ld, out)

	eps := 0x1p-52
	if SizeOf[T]() == 4 {
		eps = 0x1p-23
	}
	for at, v := range c.all {
		if !inside[at] && v != before[at] {
			t.Fatal("something was written outside of C")
		}
	}
	for i := range m {
		for j, to := range out {
			at := c.from + i*c.ld + int(to)
			var sum, size float64
			if accumulate {
				sum = float64(before[at])
				size = math.Abs(sum)
			}
			for p := range b.K() {
				v := op(a, false, i, p)
				if p < k {
					v *= float64(b.Src[b.Rows[p]+b.Cols[j]])
				}
				sum, size = sum+v, size+math.Abs(v)
			}
			if got := float64(c.all[at]); !(math.Abs(got-sum) <= eps*float64(k+4)*size) {
				t.Fatalf("(%d, %d) of %d x %d x %d: %g, want %g", i, j, m, n, k, got, sum)
			}
		}
	}
	if !a.intact() {
		t.Fatal("A was written to")
	}
}

func TestProductPatches(t *testing.T) {
	each(t, func(t *testing.T) {
		t.Run("float32", func(t *testing.T) { rapid.Check(t, testPatches[float32]) })
		t.Run("float64", func(t *testing.T) { rapid.Check(t, testPatches[float64]) })
	})
}

// testPatchRows: an element of C has the same bits whatever the number of rows, of
// which few take B in place, and many pack it.
func testPatchRows[T Float](t *testing.T) {
	const m, n, k = 9, 100, 500
	rng := rand.New(rand.NewPCG(1, 2))
	b := Patches[T]{Src: make([]T, 2*k+2*n+Slack)}
	for i := range b.Src {
		b.Src[i] = T(rng.NormFloat64())
	}
	for i := range int32(k) {
		b.Rows = append(b.Rows, 2*i)
	}
	var out []int32
	for j := range int32(n) {
		b.Cols, out = append(b.Cols, j+j/16), append(out, j)
	}
	for _, accumulate := range []bool{false, true} {
		a, all := newGrid[T](rng, m, k, 1), newGrid[T](rng, m, n, 1)
		some := all
		some.all = slices.Clone(all.all)
		var s Scratch[T]
		ProductPatches(&s, m, a.data(), a.ld, &b, accumulate, all.data(), all.ld, out)
		for rows, i := 1, 0; i < m; rows++ {
			rows = min(rows, m-i)
			ProductPatches(&s, rows, a.data()[i*a.ld:], a.ld, &b, accumulate, some.data()[i*some.ld:], some.ld, out)
			i += rows
		}
		if !slices.Equal(all.all, some.all) {
			t.Errorf("some rows at a time have other bits than all (accumulate: %t)", accumulate)
		}
	}
}

func TestPatchRows(t *testing.T) {
	each(t, func(t *testing.T) {
		testPatchRows[float32](t)
		testPatchRows[float64](t)
	})
}

// testLayouts compares Transpose and CopyRows with their definitions. CopyRows
// may leave zeros behind a row, up to Slack, but never before the first one.
func testLayouts[T Float](t *rapid.T) {
	rows, cols := rapid.IntRange(0, 70).Draw(t, "rows"), rapid.IntRange(1, 100).Draw(t, "cols")
	rng := rand.New(rand.NewPCG(1, uint64(rows*cols)))
	src := newGrid[T](rng, rows, cols, rapid.IntRange(0, 20).Draw(t, "source"))
	gap := rapid.IntRange(0, 20).Draw(t, "destination")
	turned, copied := newGrid[T](rng, cols, rows, gap), newGrid[T](rng, rows, cols, gap)
	Transpose(turned.data(), turned.ld, src.data(), src.ld, rows, cols)
	if rows > 0 {
		CopyRows(copied.all[copied.from:], copied.ld, src.data(), src.ld, rows, cols)
	}
	for i := range rows {
		for j := range cols {
			if v := src.at(i, j); turned.at(j, i) != v || copied.at(i, j) != v {
				t.Fatalf("(%d, %d): %g becomes %g and %g", i, j, v, turned.at(j, i), copied.at(i, j))
			}
		}
	}
	if !src.intact() || !turned.intact() {
		t.Fatal("something was written outside of the transposed matrix")
	}
	end := copied.from
	if rows > 0 {
		end += (rows-1)*copied.ld + cols + Slack
	}
	for i, v := range copied.all {
		r := i - copied.from
		if r >= 0 && r/copied.ld < rows && r%copied.ld < cols || v == canary {
			continue
		}
		if v != 0 || i < copied.from || i >= end {
			t.Fatalf("%g was written at %d of a copy of %d x %d", v, r, rows, cols)
		}
	}
}

func TestLayouts(t *testing.T) {
	each(t, func(t *testing.T) {
		t.Run("float32", func(t *testing.T) { rapid.Check(t, testLayouts[float32]) })
		t.Run("float64", func(t *testing.T) { rapid.Check(t, testLayouts[float64]) })
	})
}
