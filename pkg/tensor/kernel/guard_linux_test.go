package kernel

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"
)

// guarded returns n numbers that end where memory may not be touched, or begin
// there.
func guarded[T Float](t *testing.T, n int, atEnd bool) []T {
	t.Helper()
	page := syscall.Getpagesize()
	size := (n*SizeOf[T]() + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(b); err != nil {
			t.Error(err)
		}
	})
	for _, p := range [][]byte{b[:page], b[page+size:]} {
		if err := syscall.Mprotect(p, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	at := page
	if atEnd {
		at = page + size - n*SizeOf[T]()
	}
	s := unsafe.Slice((*T)(unsafe.Pointer(&b[at])), n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range s {
		s[i] = T(rng.Float64())
	}
	return s
}

func testGuards[T Float](t *testing.T) {
	var s Scratch[T]
	for _, size := range [][3]int{{1, 1, 101}, {5, 7, 9}, {14, 33, 20}, {13, 16, 17}, {40, 65, 70}, {6, 100, 3}, {2, 21, 300}, {9, 33, 1}, {1, 39, 20}} {
		m, n, k := size[0], size[1], size[2]
		for trans := range 4 {
			for _, atEnd := range []bool{false, true} {
				ta, tb := trans&1 == 1, trans&2 == 2
				lda, ldb := k, n
				if ta {
					lda = m
				}
				if tb {
					ldb = k
				}
				f := Finish[T]{Bias: guarded[T](t, n, atEnd), Rectify: true, Gate: guarded[T](t, m*n, atEnd), LdGate: n, GateRows: m}
				if !ta && !tb {
					var g Gated[T]
					g.Begin(m, 2, k, guarded[T](t, 2*k, atEnd), k)
					z := guarded[T](t, m*k, atEnd)
					for i := range m {
						g.Open(i, z[i*k:(i+1)*k])
					}
					b, c := guarded[T](t, k*n, atEnd), guarded[T](t, 2*m*n, atEnd)
					for p := range g.Panels(n) {
						g.Panel(&s, p, 0, m, n, b, n, f.Gate, n, c, m*n, n)
					}
				}
				for _, f := range []Finish[T]{{}, f} {
					for _, beta := range []T{0, 1} {
						ProductPart(&s, Whole, 0, ta, tb, m, n, k, 1, guarded[T](t, m*k, atEnd), lda, guarded[T](t, k*n, atEnd), ldb, beta, guarded[T](t, m*n, atEnd), n, f)
					}
				}
			}
		}
	}
	// Rows that are copied: they fall into few lines of the cache.
	for _, trans := range []bool{false, true} {
		for _, atEnd := range []bool{false, true} {
			m, n, k, lda := 43, 33, 20, conflict/SizeOf[T]()
			last := (m-1)*lda + k
			if trans {
				last = (k-1)*lda + m
			}
			Product(&s, trans, false, m, n, k, 1, guarded[T](t, last, atEnd), lda, guarded[T](t, k*n, atEnd), n, 0, guarded[T](t, m*n, atEnd), n)
		}
	}
	for _, n := range []int{1, 3, 15, 16, 17, 100} {
		for _, atEnd := range []bool{false, true} {
			for _, c := range passCases[T]() {
				slices := make([][]T, c.slices)
				for i := range slices {
					slices[i] = guarded[T](t, n, atEnd)
				}
				c.run(slices)
			}
		}
	}
}

// testPatchGuards: the source of patches ends with its slack, everything else with
// what is used.
func testPatchGuards[T Float](t *testing.T) {
	var s Scratch[T]
	for _, run := range []int{1, 3, 7, 9, 16, 40} { // columns, one apart
		for _, n := range []int{1, 5, 16, 33, 64} {
			for _, size := range []struct {
				m     int
				atEnd bool
			}{{15, false}, {15, true}, {3, false}, {3, true}} {
				const k = 20
				m, atEnd := size.m, size.atEnd
				b := Patches[T]{Rows: make([]int32, k), Cols: make([]int32, n)}
				for i := range b.Rows {
					b.Rows[i] = int32(3 * i)
				}
				for j := range b.Cols {
					b.Cols[j] = int32(j + j/run)
				}
				span := int(b.Cols[n-1]) + 1
				b.Src = guarded[T](t, 3*(k-1)+span+Slack, atEnd)
				ProductPatches(&s, m, guarded[T](t, m*k, atEnd), k, &b, true, guarded[T](t, m*span, atEnd), span, b.Cols)
			}
		}
	}
	for _, n := range []int{1, 7, 8, 14, 16, 35} {
		for _, atEnd := range []bool{false, true} {
			from := make([]int32, 2*n)
			LargestOfFour(guarded[T](t, 2*n, atEnd), from, guarded[T](t, 8*n, atEnd), 4, 2*n, n%2 == 0)
			SpreadOfFour(guarded[T](t, 8*n, atEnd), guarded[T](t, 2*n, atEnd), from, 4, 2*n)
		}
	}
	if lanes := Lanes[T](); lanes > 0 {
		filters, block := CorrelateBlock[T]()
		for _, atEnd := range []bool{false, true} {
			for _, n := range []int{1, lanes, lanes + 3} {
				places := make([]int32, n)
				for i := range places {
					places[i] = int32(i * 2 * lanes)
				}
				ToLanes(guarded[T](t, 2*lanes*n, atEnd), places, guarded[T](t, 2*lanes*n, atEnd), n)
				FromLanes(guarded[T](t, 2*lanes*n, atEnd), n, guarded[T](t, 2*lanes*n, atEnd), places)
				Correlate(&Lines[T]{N: 1, Count: 2, Width: n, LineA: n, LineB: n, RowA: 2 * n,
					A: guarded[T](t, filters*2*n, atEnd), B: guarded[T](t, 2*n, atEnd)}, filters, make([]int32, block), true,
					guarded[T](t, filters*block*lanes, atEnd), block*lanes)
			}
			for vectors := 1; vectors <= 2; vectors++ {
				for k := 2; k <= 5; k++ { // five terms are no runs
					const m = 15
					p := Taps[T]{N: 1, LdA: k, A: guarded[T](t, m*k, atEnd), B: guarded[T](t, k*vectors*lanes, atEnd)}
					var pairs []int32
					for i := range k {
						pairs = append(pairs, int32(i), int32(i*vectors*lanes))
					}
					if p.Table = (TapTable{Pairs: pairs}); vectors == 2 {
						p.Table = InRuns[T](pairs)
					}
					ProductTaps(&p, m, vectors, true, guarded[T](t, m*vectors*lanes, atEnd), vectors*lanes)

					// Two matrices, of terms whose places in B go backwards.
					p = Taps[T]{N: 2, StepA: m * k, StepB: k * vectors * lanes, LdA: k, A: guarded[T](t, 2*m*k, atEnd),
						B: guarded[T](t, 2*k*vectors*lanes, atEnd), Bias: guarded[T](t, (m-1)*k+1, atEnd)}
					pairs = nil
					for i := range k {
						pairs = append(pairs, int32(i), int32((k-1-i)*vectors*lanes))
					}
					if p.Table = (TapTable{Pairs: pairs}); vectors == 2 {
						p.Table = InRuns[T](pairs)
					}
					ProductTaps(&p, m, vectors, false, guarded[T](t, m*vectors*lanes, atEnd), vectors*lanes)
				}
			}
		}
	}
	for _, size := range [][2]int{{1, 1}, {3, 40}, {16, 16}, {17, 33}, {40, 7}} {
		for _, atEnd := range []bool{false, true} {
			rows, cols := size[0], size[1]
			Transpose(guarded[T](t, rows*cols, atEnd), rows, guarded[T](t, rows*cols, atEnd), cols, rows, cols)
			CopyRows(guarded[T](t, rows*cols+Slack, atEnd), cols, guarded[T](t, rows*cols, atEnd), cols, rows, cols)
			AddRows(guarded[T](t, cols, atEnd), guarded[T](t, rows*cols, atEnd), cols, guarded[T](t, rows, atEnd))
			AddRowsOfEach(3, guarded[T](t, 3*cols, atEnd), guarded[T](t, 3*rows*cols, atEnd), cols, rows*cols, guarded[T](t, 3*rows, atEnd))
			AddDotsOfEach(3, guarded[T](t, 3*rows, atEnd), guarded[T](t, 3*rows*cols, atEnd), 3*cols, cols, guarded[T](t, 3*cols, atEnd))
			for _, add := range []func(y, x []T, ldx int, t []T){AddDots[T], AddProducts[T]} {
				add(guarded[T](t, rows, atEnd), guarded[T](t, rows*cols, atEnd), cols, guarded[T](t, cols, atEnd))
			}
		}
	}
}

// TestGuards: no kernel reads or writes beyond its slices, or the test dies.
func TestGuards(t *testing.T) {
	each(t, func(t *testing.T) {
		for _, f := range []func(t *testing.T){testGuards[float32], testGuards[float64], testPatchGuards[float32], testPatchGuards[float64]} {
			f(t)
		}
	})
}

// TestGuardsHold: the guards themselves work.
func TestGuardsHold(t *testing.T) {
	s := guarded[float32](t, 10, true)
	if p := uintptr(unsafe.Pointer(&s[9])); (p+4)%uintptr(syscall.Getpagesize()) != 0 {
		t.Errorf("the slice ends at %#x, not at a page's end", p+4)
	}
}
