package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// tiny is a subnormal number of float32 that no compiler knows.
var tiny = float32(math.Pow(10, -40))

// productCases are products by kernels of every height and width, in both ways to
// write C, of whole panels and of masked ones, with B packed and in place.
func productCases[T Float]() (cases []passCase[T]) {
	var s Scratch[T]
	for m := 1; m <= maxRows; m++ {
		for _, n := range []int{3, PanelWidth[T]() / 2, PanelWidth[T]()/2 + 1, PanelWidth[T](), PanelWidth[T]() + 1, PanelWidth[T]() * 3 / 2} {
			for _, beta := range []T{0, 1} {
				cases = append(cases, passCase[T]{fmt.Sprintf("product of %d x %d, beta %g", m, n, beta), 3, func(v [][]T) float64 {
					Product(&s, false, false, m, n, 2, -1, v[0], 2, v[1], n, beta, v[2], n)
					return 0
				}}, passCase[T]{fmt.Sprintf("patches of %d x %d, beta %g", m, n, beta), 3, func(v [][]T) float64 {
					b := Patches[T]{Src: v[1], Rows: []int32{0, 1}}
					for j := range n {
						b.Cols = append(b.Cols, int32(j))
					}
					ProductPatches(&s, m, v[0], 2, &b, beta == 1, v[2], n, b.Cols)
					return 0
				}})
			}
		}
	}
	return cases
}

// rowCases are sums of rows and products with them, of two examples.
func rowCases[T Float]() (cases []passCase[T]) {
	for _, n := range []int{3, PanelWidth[T]()} {
		var s Scratch[T]
		cases = append(cases, passCase[T]{fmt.Sprintf("product of a column and a row of %d", n), 3, func(v [][]T) float64 {
			Product(&s, false, false, 5, n, 1, 1, v[0], 1, v[1], n, 0, v[2], n)
			return 0
		}}, passCase[T]{fmt.Sprintf("sums of rows of %d", n), 3, func(v [][]T) float64 {
			AddRowsOfEach(2, v[0][:2*n], v[1], n, 5*n, v[2][:10])
			return 0
		}}, passCase[T]{fmt.Sprintf("products with rows of %d", n), 3, func(v [][]T) float64 {
			AddDotsOfEach(2, v[0][:10], v[1], n, 5*n, v[2][:2*n])
			return 0
		}}, passCase[T]{fmt.Sprintf("product of a vector of %d", n), 3, func(v [][]T) float64 {
			AddProducts(v[0][:5], v[1], n, v[2][:n])
			return 0
		}}, passCase[T]{fmt.Sprintf("product of %d columns through gates", n), 3, func(v [][]T) float64 {
			gatedOnce(2, n, 3, v[0], v[1], v[2])
			return 0
		}})
	}
	return cases
}

// gatedOnce sets the first 3 n numbers of c to those of three rows of ones, h terms of b, and an example whose gates are open
// where z is above 0.
func gatedOnce[T Float](h, n, rows int, z, b, c []T) {
	var g Gated[T]
	var s Scratch[T]
	a := make([]T, rows*h)
	for i := range a {
		a[i] = 1
	}
	g.Begin(1, rows, h, a, h)
	g.Open(0, z[:h])
	for p := range g.Panels(n) {
		g.Panel(&s, p, 0, 1, n, b, n, nil, 0, c, n, n)
	}
}

func testControl[T Float](t *testing.T) {
	for _, c := range slices.Concat(passCases[T](), productCases[T](), rowCases[T]()) {
		for _, n := range []int{500, 517} {
			s := make([][]T, c.slices)
			for i := range s {
				s[i] = make([]T, n)
			}
			c.run(s)
			if tiny*0.5 == 0 {
				t.Fatalf("%s: afterwards, Go makes 0 of subnormal numbers", c.name)
			}
		}
	}
}

// TestControl: no kernel leaves the processor's treatment of subnormal numbers
// changed.
func TestControl(t *testing.T) {
	each(t, func(t *testing.T) {
		testControl[float32](t)
		testControl[float64](t)
	})
}

// TestSubnormal: sums, products and updates of assembly take subnormal numbers for
// 0; those of Go do not, nor does any function of one number.
func TestSubnormal(t *testing.T) {
	each(t, func(t *testing.T) {
		want := tiny
		if Active() != Go {
			want = 0
		}
		filled := func(v float32) []float32 {
			s := make([]float32, 100)
			for i := range s {
				s[i] = v
			}
			return s
		}
		check := func(what string, got []float32, want float32) {
			t.Helper()
			for i, v := range got {
				if v != want {
					t.Fatalf("%s[%d] = %g, want %g", what, i, v, want)
				}
			}
		}
		y := filled(0)
		Axpy(1, filled(tiny), y)
		check("axpy", y, want)
		x := filled(tiny)
		Scale(1, x)
		check("scale", x, want)
		Multiply(filled(tiny), filled(1), y)
		check("multiply", y, want)
		y = filled(0)
		AddRows(y, filled(tiny), 0, []float32{1})
		check("rows", y, want)
		y = filled(0)
		AddDots(y, filled(tiny)[:1], 0, []float32{1})
		check("dots", y, want)
		y = filled(0)
		AddProducts(y, filled(tiny)[:1], 0, []float32{1})
		check("products", y, want)
		var s Scratch[float32]
		Product(&s, false, false, 10, 10, 1, 1, filled(tiny)[:10], 1, filled(1)[:10], 10, 0, y, 10)
		check("product of a column and a row", y, want)
		y = filled(0)
		Product(&s, false, false, 10, 10, 1, 1, filled(tiny)[:10], 1, filled(1)[:10], 10, 1, y, 10)
		check("product", y, want)
		gatedOnce(1, 33, 3, filled(tiny), filled(tiny), y)
		check("product through gates", y[:99], want) // which a subnormal number opens
		y = filled(0)
		gatedOnce(1, 33, 3, filled(tiny), filled(1), y)
		check("product through open gates", y[:99], 1)
		y = filled(want)
		Momentum[float32]{Rate: 1}.Update(y, filled(tiny), filled(0), nil)
		check("sgd", y, want)
		m, v := filled(tiny), filled(tiny)
		Adam[float32]{Beta1: 1, Beta2: 1, Rate: 1, Root: 1, Epsilon: 1}.Update(y, filled(0), filled(0), m, v)
		check("adam's first moment", m, want)
		check("adam's second moment", v, want)

		CopySum(y, filled(tiny))
		check("copy", y, tiny)
		Gate(filled(tiny), filled(tiny), y)
		check("relu", y, tiny)
		d := filled(0)
		Tanh(filled(tiny), y, d)
		check("tanh", y, tiny)
	})
}

// BenchmarkAdam updates 20,000 weights whose moments are normal numbers, or
// subnormal ones as those of weights that have had no gradient for long.
func BenchmarkAdam(b *testing.B) {
	const n = 20_000
	o := Adam[float32]{Beta1: 0.9, Rest1: 0.1, Beta2: 0.999, Rest2: 0.001, Rate: 1e-3, Root: 1, Epsilon: 1e-8}
	for _, c := range []struct {
		name   string
		moment float32
	}{{"normal", 1}, {"subnormal", tiny}} {
		moments, m, v := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range moments {
			moments[i] = c.moment
		}
		d, w := make([]float32, n), make([]float32, n)
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				copy(m, moments) // they decay
				copy(v, moments)
				o.Update(nil, d, w, m, v)
			}
		})
	}
}
