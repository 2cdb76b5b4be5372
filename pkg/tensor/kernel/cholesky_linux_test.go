package kernel

import (
	"math"
	"testing"
)

// TestTriangleGuards: no kernel of factorisations reads or writes beyond its slices, or the test
// dies; and what they make is U: Uᵀ U is the matrix, element by element.
func TestTriangleGuards(t *testing.T) {
	each(t, func(t *testing.T) {
		r := FactorRows()
		for _, blocks := range []int{1, 2, 5} {
			for n := range 5*r + 1 {
				for _, atEnd := range []bool{false, true} {
					testTriangle(t, blocks, n, atEnd)
				}
			}
		}
	})
}

func testTriangle(t *testing.T, blocks, n int, atEnd bool) {
	r := FactorRows()
	m := blocks * r
	ld := m + n
	a := guarded[float64](t, m*ld, atEnd)
	for i := range m {
		a[i*ld+i] += float64(2 * m) // a dominant diagonal
	}
	want := append([]float64(nil), a...)
	u := guarded[float64](t, FactorLength(blocks), atEnd)
	rest := u
	for k := 0; k < m; k += r {
		if !FactorSquare(k, a[k:(k+r-1)*ld+k+r], ld, rest) {
			t.Fatalf("square %d: said not to be positive definite", k/r)
		}
		if right := k + r; right < m {
			SolveRows(k, 1, rest, a[right:(k+r-1)*ld+m], ld, m-right)
		}
		rest = rest[(k+r)*r:]
	}
	if n > 0 {
		SolveRows(0, blocks, u, a[m:], ld, n)
	}
	for i := range m {
		for j := i; j < ld; j++ {
			sum := 0.0
			for p := range i + 1 {
				sum += a[p*ld+i] * a[p*ld+j]
			}
			if w := want[i*ld+j]; math.Abs(sum-w) > 1e-13*float64(m) {
				t.Fatalf("%d blocks, %d columns: Uᵀ U is %g at (%d, %d), want %g", blocks, n, sum, i, j, w)
			}
		}
		for j := range i / r * r {
			if a[i*ld+j] != want[i*ld+j] {
				t.Fatalf("(%d, %d), below the squares, has changed", i, j)
			}
		}
	}
}

func TestTrianglePanics(t *testing.T) {
	r := FactorRows()
	for name, f := range map[string]func(){
		"square":  func() { FactorSquare(1, make([]float64, r*r), r, make([]float64, 2*r*r)) },
		"kept":    func() { FactorSquare(1, make([]float64, 2*r*r), r, make([]float64, r*r)) },
		"columns": func() { SolveRows(0, 1, make([]float64, r*r), make([]float64, r*r), r, r+1) },
		"rows":    func() { SolveRows(0, 2, make([]float64, 3*r*r), make([]float64, r*r), r, r) },
		"panel":   func() { SolveRows(r, 1, make([]float64, r*r), make([]float64, 2*r*r), r, r) },
		"part":    func() { SolveRows(1, 1, make([]float64, 4*r*r), make([]float64, 4*r*r), r, r) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: too few numbers are taken", name)
				}
			}()
			f()
		}()
	}
}
