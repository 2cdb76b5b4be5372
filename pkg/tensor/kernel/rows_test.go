package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRows compares sums of rows and products with them with sums in float64, at every kind
// of length, for none to many rows, near each other and apart, and looks for writes outside.
func TestRows(t *testing.T) {
	each(t, func(t *testing.T) {
		testRows[float32](t, 1e-6)
		testRows[float64](t, 1e-14)
	})
}

func testRows[T Float](t *testing.T, tol float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 7, 15, 16, 31, 32, 63, 64, 65, 128, 200, 1000} {
		for _, k := range []int{0, 1, 2, 3, 4, 5, 7, 8, 10} {
			for _, gap := range []int{0, 5} {
				ld := n + gap
				x, v, r := make([]T, k*ld), make([]T, k), make([]T, n)
				for _, s := range [][]T{x, v, r} {
					for i := range s {
						s[i] = T(rng.NormFloat64())
					}
				}
				x = x[:max(0, len(x)-gap)] // the last row has no gap
				all := slices.Repeat([]T{canary}, n+2)
				for j := range n {
					all[1+j] = 1
				}
				AddRows(all[1:n+1], x, ld, v)
				for j := range n {
					checkSum(t, fmt.Sprintf("%d rows of %d: element %d of their sum", k, n, j), float64(all[1+j]), tol, k, func(c int) (T, T) { return v[c], x[c*ld+j] })
				}
				if all[0] != canary || all[n+1] != canary {
					t.Errorf("%d rows of %d: a sum writes outside", k, n)
				}
				testProducts(t, x, ld, r, k, tol, AddDots)
				exact := testProducts(t, x, ld, r, k, tol, AddProducts)
				for c := range k { // in whatever company
					one := []T{1}
					AddProducts(one, x[c*ld:], ld, r)
					if one[0] != exact[c] {
						t.Fatalf("row %d of %d numbers: %g alone, %g among %d", c, n, one[0], exact[c], k)
					}
				}
			}
		}
	}
}

// checkSum compares a number with 1 and the sum of n products in float64.
func checkSum[T Float](t *testing.T, what string, got, tol float64, n int, factors func(i int) (T, T)) {
	t.Helper()
	sum, size := 1.0, 1.0
	for i := range n {
		a, b := factors(i)
		p := float64(a) * float64(b)
		sum += p
		size += math.Abs(p)
	}
	if math.Abs(got-sum) > tol*size {
		t.Fatalf("%s is %g, want %g", what, got, sum)
	}
}

// testProducts compares 1 and the products of k rows with r, and returns them.
func testProducts[T Float](t *testing.T, x []T, ld int, r []T, k int, tol float64, add func(u, x []T, ld int, r []T)) []T {
	u := slices.Repeat([]T{canary}, k+2)
	for c := range k {
		u[1+c] = 1
	}
	add(u[1:k+1], x, ld, r)
	for c := range k {
		checkSum(t, fmt.Sprintf("%d rows of %d: product %d", k, len(r), c), float64(u[1+c]), tol, len(r), func(j int) (T, T) { return r[j], x[c*ld+j] })
	}
	if u[0] != canary || u[k+1] != canary {
		t.Errorf("%d rows of %d: products write outside", k, len(r))
	}
	return u[1 : k+1]
}

// TestProductsAreExact: what cancels in float32 is left by sums in float64, wherever the numbers stand.
func TestProductsAreExact(t *testing.T) {
	each(t, func(t *testing.T) {
		for _, n := range []int{3, 8, 16, 33, 64, 100} {
			for at := range n - 2 {
				x, a := slices.Repeat([]float32{1}, n), make([]float32, 5*n)
				for r := range 5 {
					copy(a[r*n+at:], []float32{1e8, float32(r + 1), -1e8})
				}
				y := make([]float32, 5)
				AddProducts(y, a, n, x)
				for r, v := range y {
					if v != float32(r+1) {
						t.Fatalf("1e8 + %d - 1e8 at %d of %d is %g", r+1, at, n, v)
					}
				}
			}
		}
	})
}

// TestRowsOfEach: several examples have what they have alone, bit by bit, whether their rows lie one behind the
// other or between those of others; and an empty one has nothing.
func TestRowsOfEach(t *testing.T) {
	each(t, func(t *testing.T) {
		testRowsOfEach[float32](t)
		testRowsOfEach[float64](t)
	})
}

func testRowsOfEach[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	random := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(rng.NormFloat64())
		}
		return x
	}
	for _, n := range []int{1, 7, 16, 33, 64, 100} {
		for _, k := range []int{1, 3, 4, 10} {
			for _, m := range []int{0, 1, 2, 5} {
				for _, ld := range [][2]int{{n, k * n}, {m * n, n}} { // from row to row, and from example to example
					x, long, short := random(m*k*n), random(m*n), random(m*k)
					y, u := slices.Clone(long), slices.Clone(short)
					AddRowsOfEach(m, y, x, ld[0], ld[1], short)
					AddDotsOfEach(m, u, x, ld[0], ld[1], long)
					for i := range m {
						one, own := slices.Clone(long[i*n:(i+1)*n]), slices.Clone(short[i*k:(i+1)*k])
						AddRows(one, x[i*ld[1]:], ld[0], short[i*k:(i+1)*k])
						AddDots(own, x[i*ld[1]:], ld[0], long[i*n:(i+1)*n])
						if !slices.Equal(one, y[i*n:(i+1)*n]) || !slices.Equal(own, u[i*k:(i+1)*k]) {
							t.Fatalf("example %d of %d, with %d rows of %d: %v and %v, alone %v and %v", i, m, k, n, y[i*n:(i+1)*n], u[i*k:(i+1)*k], one, own)
						}
					}
				}
			}
		}
	}
}

func TestRowsPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"combine":  func() { AddRows(make([]float32, 3), make([]float32, 8), 6, make([]float32, 2)) },
		"dots":     func() { AddDots(make([]float64, 2), make([]float64, 8), 6, make([]float64, 3)) },
		"each":     func() { AddRowsOfEach(2, make([]float32, 6), make([]float32, 11), 3, 6, make([]float32, 4)) },
		"parts":    func() { AddDotsOfEach(2, make([]float32, 3), make([]float32, 99), 3, 6, make([]float32, 6)) },
		"no parts": func() { AddRowsOfEach(2, make([]float32, 3), nil, 3, 6, nil) },
		"none":     func() { AddRowsOfEach(0, make([]float32, 3), make([]float32, 99), 3, 6, make([]float32, 1)) },
		"examples": func() { AddDotsOfEach(-1, nil, []float32{1}, 3, 6, nil) },
		"back":     func() { AddRows(make([]float32, 3), make([]float32, 99), -3, make([]float32, 2)) },
		"steps":    func() { AddDotsOfEach(2, make([]float32, 2), make([]float32, 99), 3, -6, make([]float32, 6)) },
		"rows":     func() { AddProducts(make([]float64, 2), make([]float64, 99), -3, make([]float64, 3)) },
		"products": func() { AddProducts(make([]float64, 2), make([]float64, 8), 6, make([]float64, 3)) },
		"scale":    func() { ScaleRows(make([]float32, 3), make([]float32, 3), nil) },
	} {
		if !panics(f) {
			t.Errorf("%s: rows that do not fit are taken", name)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}

// TestScaleRows compares each number with the product, to the bit, and looks for writes outside.
func TestScaleRows(t *testing.T) {
	each(t, func(t *testing.T) {
		testScaleRows[float32](t)
		testScaleRows[float64](t)
	})
}

func testScaleRows[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 70 {
		for k := range 5 {
			x, v := make([]T, k*n), make([]T, k)
			for _, s := range [][]T{x, v} {
				for i := range s {
					s[i] = T(rng.NormFloat64())
				}
			}
			all := slices.Repeat([]T{canary}, k*n+2)
			ScaleRows(all[1:k*n+1], x, v)
			for i := range all {
				want := T(canary)
				if at := i - 1; at >= 0 && at < k*n {
					want = v[at/n] * x[at]
				}
				if all[i] != want {
					t.Fatalf("%d rows of %d: number %d is %g, want %g", k, n, i-1, all[i], want)
				}
			}
		}
	}
}
