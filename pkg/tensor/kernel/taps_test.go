package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTaps compares products by tables, moves into lanes and back, and correlations with
// plain loops.
func TestTaps(t *testing.T) {
	each(t, func(t *testing.T) {
		if Lanes[float32]() == 0 {
			return // the Go kernels have none, and nothing calls them
		}
		rng := rand.New(rand.NewPCG(1, 2))
		testProductTaps[float32](t, rng, 0x1p-23)
		testProductTaps[float64](t, rng, 0x1p-52)
		testRuns[float32](t, rng)
		testRuns[float64](t, rng)
		testLanes[float32](t, rng)
		testLanes[float64](t, rng)
		testCorrelate[float32](t, rng, 0x1p-23)
		testCorrelate[float64](t, rng, 0x1p-52)
	})
}

func normals[T Float](rng *rand.Rand, n int) []T {
	v := make([]T, n)
	for i := range v {
		v[i] = T(rng.NormFloat64())
	}
	return v
}

func testProductTaps[T Float](t *testing.T, rng *rand.Rand, eps float64) {
	lanes := Lanes[T]()
	for _, m := range []int{1, 2, 5, 6, 7, 14, 15, 31} {
		for _, k := range []int{0, 1, 2, 9, 40} {
			for vectors := 1; vectors <= 2; vectors++ {
				for _, n := range []int{1, 3} {
					p := Taps[T]{N: n, StepA: 70 * m, StepB: 5 * lanes, LdA: 70, A: normals[T](rng, n*70*m), B: normals[T](rng, (5*n+60)*lanes)}
					for range k {
						p.Table.Pairs = append(p.Table.Pairs, int32(rng.IntN(60)), int32(rng.IntN(58*lanes)))
					}
					if m%2 == 1 {
						p.Bias = p.A[69:]
					}
					w, ldc := vectors*lanes, vectors*lanes+3
					c := normals[T](rng, m*ldc)
					before := slices.Clone(c)
					accumulate := k%2 == 1
					ProductTaps(&p, m, vectors, accumulate, c, ldc)
					for i := range m {
						for j := range ldc {
							want, abs := 0.0, 1.0
							if accumulate || j >= w {
								want = float64(before[min(len(c)-1, i*ldc+j)])
							}
							if j < w {
								if p.Bias != nil {
									want += float64(p.Bias[i*70])
								}
								for e := range n {
									for s := 0; s < len(p.Table.Pairs); s += 2 {
										x := float64(p.A[e*p.StepA+i*70+int(p.Table.Pairs[s])]) * float64(p.B[e*p.StepB+int(p.Table.Pairs[s+1])+j])
										want, abs = want+x, abs+math.Abs(x)
									}
								}
							}
							if got := float64(c[i*ldc+j]); math.Abs(got-want) > 4*eps*float64(n*k+2)*abs {
								t.Fatalf("%d rows, %d vectors, %d x %d terms: element (%d, %d) is %g, want %g", m, vectors, n, k, i, j, got, want)
							}
						}
					}
				}
			}
		}
	}
}

// testRuns: products have the same bits whatever terms a pair of their table stands for.
func testRuns[T Float](t *testing.T, rng *rand.Rand) {
	lanes := Lanes[T]()
	for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 15} {
		for run := 2; run <= maxRun+1; run++ {
			for _, step := range []int{2*lanes + 3, 0, -5} {
				for _, n := range []int{1, 3} {
					var pairs []int32
					for range 7 {
						a, b := rng.IntN(60), 50+rng.IntN(50*lanes)
						for i := range run {
							pairs = append(pairs, int32(a+i), int32(b+i*step))
						}
					}
					p := Taps[T]{N: n, StepA: 70 * m, StepB: 5 * lanes, LdA: 70, A: normals[T](rng, n*70*m), B: normals[T](rng, 50+(5*n+70)*lanes+run*max(0, step))}
					if m%2 == 1 {
						p.Bias = p.A[69:]
					}
					c := normals[T](rng, m*2*lanes)
					want := slices.Clone(c)
					p.Table = TapTable{Pairs: pairs, Run: 1}
					ProductTaps(&p, m, 2, n == 3, want, 2*lanes)
					p.Table = InRuns[T](pairs, 0, 2*run, len(pairs)/2)
					if long := 1 < run && run <= maxRun && tapsOf[T]().runs[run] != nil; long != (p.Table.Run == run) {
						t.Errorf("a pair of the table is %d terms, where they come in runs of %d", p.Table.Run, run)
					}
					ProductTaps(&p, m, 2, n == 3, c, 2*lanes)
					if !slices.Equal(c, want) {
						t.Fatalf("%d rows, %d products of runs of %d, %d apart: other bits than one by one", m, n, run, step)
					}
					// Two runs of the table alone.
					part := slices.Clone(want)
					whole := p.Table
					p.Bias, p.Table = nil, TapTable{Pairs: pairs[:4*run], Run: 1}
					ProductTaps(&p, m, 2, false, part, 2*lanes)
					p.Table = whole.Part(0, 2*run)
					ProductTaps(&p, m, 2, false, c, 2*lanes)
					if !slices.Equal(c, part) {
						t.Fatalf("%d rows, %d products of runs of %d: a part of a table has other terms", m, n, run)
					}
				}
			}
		}
	}
}

// TestRunsOfTerms: terms come in runs where their places and what a sum is cut into allow.
func TestRunsOfTerms(t *testing.T) {
	each(t, func(t *testing.T) {
		if Lanes[float32]() == 0 {
			return
		}
		most := func(n int) int { // where this processor has kernels
			if tapsOf[float32]().runs[n] == nil {
				return 1
			}
			return n
		}
		row := func(starts []int32, n, step int32) (pairs []int32) {
			for _, at := range starts {
				for i := range n {
					pairs = append(pairs, at+i, 100+at*7+i*step)
				}
			}
			return pairs
		}
		apart := row([]int32{0, 10}, 3, 64)
		apart[3]++ // by other steps
		for _, c := range []struct {
			name  string
			pairs []int32
			cuts  []int
			run   int
		}{
			{"nothing", nil, nil, 1},
			{"one term", row([]int32{0}, 1, 64), nil, 1},
			{"rows of three", row([]int32{0, 10, 20}, 3, 64), nil, most(3)},
			{"rows of four, cut in the middle", row([]int32{0, 10}, 4, 64), []int{0, 4, 8}, most(4)},
			{"rows of four, cut in two", row([]int32{0, 10}, 4, 64), []int{0, 2, 8}, most(2)},
			{"rows of four, cut after the first", row([]int32{0, 10}, 4, 64), []int{0, 1, 8}, 1},
			{"rows of six", row([]int32{0, 10}, 6, 64), nil, most(3)},
			{"rows of five", row([]int32{0, 10}, 5, 64), nil, 1},
			{"rows of three, a step of another length", apart, nil, 1},
		} {
			if got := InRuns[float32](c.pairs, c.cuts...); got.Run != c.run || len(got.Pairs)*got.Run != len(c.pairs) {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
	})
}

func testLanes[T Float](t *testing.T, rng *rand.Rand) {
	width := 2 * Lanes[T]()
	for _, n := range []int{1, 3, Lanes[T](), Lanes[T]() + 1, 49, 64} {
		ld := n + 5
		src, places := normals[T](rng, width*ld), make([]int32, n)
		for i, p := range rng.Perm(n) {
			places[i] = int32(p * (width + 3))
		}
		in, back := make([]T, n*(width+3)), make([]T, width*ld)
		ToLanes(in, places, src, ld)
		FromLanes(back, ld, in, places)
		for e := range width {
			for i := range ld {
				want := src[e*ld+i]
				if i >= n {
					want = 0
				} else if in[int(places[i])+e] != want {
					t.Fatalf("value %d of example %d is not where it belongs in lanes", i, e)
				}
				if back[e*ld+i] != want {
					t.Fatalf("value %d of example %d of %d does not come back", i, e, n)
				}
			}
		}
	}
}

func testCorrelate[T Float](t *testing.T, rng *rand.Rand, eps float64) {
	lanes := Lanes[T]()
	most, block := CorrelateBlock[T]()
	for filters := 1; filters <= most; filters++ {
		for _, width := range []int{1, lanes - 1, lanes, lanes + 3, 2 * lanes} {
			const count, n = 3, 2
			l := Lines[T]{N: n, Count: count, Width: width, LineA: width + 1, LineB: width + 4}
			l.RowA, l.StepA, l.StepB = count*l.LineA, filters*count*l.LineA, (count+2)*l.LineB
			l.A, l.B = normals[T](rng, n*l.StepA), normals[T](rng, n*l.StepB)
			taps := make([]int32, block)
			for i := range taps {
				taps[i] = int32(rng.IntN(2*l.LineB + 5))
			}
			ld := block*lanes + 2
			c := normals[T](rng, filters*ld)
			before, accumulate := slices.Clone(c), width%2 == 1
			Correlate(&l, filters, taps, accumulate, c, ld)
			for f := range filters {
				for s := range block {
					var got, want, abs float64 = 0, 0, 1
					for i := range lanes {
						at := f*ld + s*lanes + i
						got += float64(c[at])
						if accumulate {
							want += float64(before[at])
						}
					}
					for e := range n {
						for line := range count {
							for i := range width {
								x := float64(l.A[e*l.StepA+f*l.RowA+line*l.LineA+i]) * float64(l.B[e*l.StepB+line*l.LineB+i+int(taps[s])])
								want, abs = want+x, abs+math.Abs(x)
							}
						}
					}
					if math.Abs(got-want) > 4*eps*float64(n*count*width+lanes)*(abs+float64(lanes)) {
						t.Fatalf("filter %d, tap %d of lines of %d: %g, want %g", f, s, width, got, want)
					}
				}
				if !slices.Equal(c[f*ld+block*lanes:(f+1)*ld], before[f*ld+block*lanes:(f+1)*ld]) {
					t.Fatalf("lines of %d: a row of filter %d goes too far", width, f)
				}
			}
		}
	}
}

// TestTapsPanic: what does not fit is refused before a kernel, which trusts lengths, reads or
// writes outside of it.
func TestTapsPanic(t *testing.T) {
	each(t, func(t *testing.T) {
		if Lanes[float32]() > 0 {
			testTapsPanic[float32](t)
			testTapsPanic[float64](t)
		}
	})
}

func testTapsPanic[T Float](t *testing.T) {
	lanes := Lanes[T]()
	filters, block := CorrelateBlock[T]()
	// Each case fits, unless a slice is one element shorter than it needs.
	type fitting struct {
		name string
		need []int // elements of each slice
		run  func(s [][]T)
	}
	cases := []fitting{
		{"to lanes", []int{(2*lanes+1)*(3*lanes-1) + 2*lanes, (2*lanes-1)*70 + 3*lanes}, func(s [][]T) {
			ToLanes(s[0], apart(3*lanes, 2*lanes+1), s[1], 70)
		}},
		{"to lanes, few", []int{2*lanes + 2*lanes + 1, (2*lanes-1)*70 + 2}, func(s [][]T) {
			ToLanes(s[0], apart(2, 2*lanes+1), s[1], 70)
		}},
		{"from lanes", []int{(2*lanes-1)*70 + 3*lanes, (2*lanes+1)*(3*lanes-1) + 2*lanes}, func(s [][]T) {
			FromLanes(s[0], 70, s[1], apart(3*lanes, 2*lanes+1))
		}},
		{"products", []int{9 + 6*20 + 5, 11 + 4*lanes + 2*lanes, 6*(2*lanes+1) + 2*lanes}, func(s [][]T) {
			p := Taps[T]{N: 2, StepA: 9, StepB: 11, Table: TapTable{Pairs: []int32{1, 0, 4, int32(4 * lanes)}}, A: s[0], LdA: 20, B: s[1]}
			ProductTaps(&p, 7, 2, false, s[2], 2*lanes+1)
		}},
		{"products with a bias", []int{6*20 + 1, lanes, 6*lanes + lanes, 6*20 + 1}, func(s [][]T) {
			p := Taps[T]{N: 1, Table: TapTable{Pairs: []int32{0, 0}}, A: s[0], LdA: 20, B: s[1], Bias: s[3]}
			ProductTaps(&p, 7, 1, true, s[2], lanes)
		}},
		{"correlations", []int{100 + (filters-1)*40 + 2*9 + 7, 200 + 2*13 + 7 + block - 1, (filters-1)*(block*lanes+2) + block*lanes}, func(s [][]T) {
			l := Lines[T]{N: 2, StepA: 100, StepB: 200, Count: 3, Width: 7, LineA: 9, LineB: 13, A: s[0], RowA: 40, B: s[1]}
			Correlate(&l, filters, apart(block, 1), false, s[2], block*lanes+2)
		}},
	}
	if tapsOf[T]().runs[3] != nil {
		cases = append(cases, fitting{"products of runs", []int{6*20 + 4 + 3, 4*lanes + 2*9 + 2*lanes, 6*2*lanes + 2*lanes}, func(s [][]T) {
			p := Taps[T]{N: 1, Table: TapTable{[]int32{1, 0, 4, int32(4 * lanes)}, 3, 9}, A: s[0], LdA: 20, B: s[1]}
			ProductTaps(&p, 7, 2, false, s[2], 2*lanes)
		}})
	}
	for _, c := range cases {
		for short := -1; short < len(c.need); short++ {
			s := make([][]T, len(c.need))
			for i, n := range c.need {
				s[i] = make([]T, n)
				if i == short {
					s[i] = s[i][:n-1]
				}
			}
			if refused := panics(func() { c.run(s) }); refused != (short >= 0) {
				t.Errorf("%s: with slice %d too short (-1: none), refused is %v", c.name, short, refused)
			}
		}
	}
	for name, f := range map[string]func(){
		"no matrix": func() {
			ProductTaps(&Taps[T]{Table: TapTable{Pairs: make([]int32, 2)}, A: make([]T, 1), B: make([]T, lanes)}, 1, 1, false, make([]T, lanes), lanes)
		},
		"runs of one vector": func() {
			ProductTaps(&Taps[T]{N: 1, Table: TapTable{make([]int32, 2), 2, 1}, A: make([]T, 2), B: make([]T, 2*lanes)}, 1, 1, false, make([]T, lanes), lanes)
		},
		"longer runs than those of any kernel": func() {
			ProductTaps(&Taps[T]{N: 1, Table: TapTable{make([]int32, 2), maxRun + 1, 1}, A: make([]T, 9), B: make([]T, 9*lanes)}, 1, 2, false, make([]T, 2*lanes), 2*lanes)
		},
		"half a pair": func() {
			ProductTaps(&Taps[T]{N: 1, Table: TapTable{Pairs: make([]int32, 3)}, A: make([]T, 1), B: make([]T, lanes)}, 1, 1, false, make([]T, lanes), lanes)
		},
		"no example": func() {
			Correlate(&Lines[T]{Count: 1, Width: 1, A: make([]T, 1), B: make([]T, 1)}, 1, make([]int32, block), false, make([]T, block*lanes), 0)
		},
		"no line": func() {
			Correlate(&Lines[T]{N: 1, Width: 1, A: make([]T, 1), B: make([]T, 1)}, 1, make([]int32, block), false, make([]T, block*lanes), 0)
		},
	} {
		if !panics(f) {
			t.Errorf("%s is taken", name)
		}
	}
}

// apart returns n places so far apart.
func apart(n, step int) []int32 {
	places := make([]int32, n)
	for i := range places {
		places[i] = int32(i * step)
	}
	return places
}
