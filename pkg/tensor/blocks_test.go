package tensor

import (
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// testColumns: no other number of whole lines, up to what each thread would have alone, has the last thread done much earlier, as
// threads take blocks one after another.
func testColumns[T Float](t *testing.T) {
	last := func(threads, n, w int) float64 {
		ends := make([]float64, threads)
		for at := 0; at < n; at += w {
			first := slices.Index(ends, slices.Min(ends))
			ends[first] += kernel.PanelWork[T](min(w, n-at))
		}
		return slices.Max(ends)
	}
	unit := kernel.PanelUnit[T]()
	for threads := 2; threads <= 5; threads++ {
		for _, n := range []int{1, 7, 31, 32, 33, 48, 64, 100, 128, 256, 300, 784, 1000, 1024, 3072} {
			blocks := blocksPerThread * threads
			w := columnsOf[T](threads, blocks, n, kernel.Whole)
			if unit == 0 {
				if w%blockCols != 0 || w < 1 {
					t.Errorf("%d threads, %d columns: blocks of %d", threads, n, w)
				}
				continue
			}
			if w < 1 || w%unit != 0 || (n+w-1)/w > blocks {
				t.Errorf("%d threads, %d columns: blocks of %d", threads, n, w)
			}
			for other := (n + blocks - 1) / blocks; other <= n; other++ {
				if other%unit != 0 {
					continue
				}
				if got, want := last(threads, n, w), last(threads, n, other); got > 1.02*want {
					t.Errorf("%d threads, %d columns: blocks of %d take %g, of %d %g", threads, n, w, got, other, want)
				}
			}
		}
	}
}

func TestColumns(t *testing.T) {
	before := kernel.Active()
	defer kernel.Use(before)
	for _, isa := range kernel.Available() {
		kernel.Use(isa)
		t.Run(isa.String()+"/float32", testColumns[float32])
		t.Run(isa.String()+"/float64", testColumns[float64])
	}
}

// TestColumnsOfTwo: two threads get what they get best: with panels of three vectors not 32 columns, which would be two narrow ones.
func TestColumnsOfTwo(t *testing.T) {
	before := kernel.Active()
	defer kernel.Use(before)
	alike := map[int]int{32: 32, 100: 32, 128: 32, 256: 32, 784: 128, 1024: 160}
	wide := map[int]int{32: 16, 100: 48, 128: 64, 256: 64, 784: 192, 1024: 256}
	for _, isa := range kernel.Available() {
		kernel.Use(isa)
		wants := alike
		if isa == kernel.AVX2 {
			wants = wide
		}
		for n, want := range wants {
			if w := columnsOf[float32](2, 6, n, kernel.Whole); w != want {
				t.Errorf("%s, %d columns: blocks of %d, want %d", isa, n, w, want)
			}
		}
	}
}
