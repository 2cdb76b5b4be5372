package nn

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// checkRowSpace compares V Vᵀ, V q, V d and c (q + Vᵀ y) with those of explicit rows, all
// layers together: of examples of the mini-batch, of the signals of the gradient itself, and
// of another mini-batch. Selected examples have the outputs and the Jacobian they had.
func checkRowSpace(t *testing.T, name string, l *Linearization[float64], jac tensor.Matrix[float64]) {
	t.Helper()
	k, p := l.Outputs().Cols, jac.Cols
	m := jac.Rows / k
	rng := rand.New(rand.NewPCG(8, 9))
	g := randomMatrix[float64](rng, m, k)
	q := make([]float64, p)
	l.VJP(q, g)
	r := l.NewRowSpace(m)
	other := NewLinearization[float64](l.net, m, nil)
	for _, c := range []struct {
		index []int // nil: another mini-batch
		s     int   // 0: the signals of the gradient
	}{{[]int{m - 1}, 1}, {[]int{2, 0}, 3}, {[]int{1, 0, 2}, 2}, {[]int{0, 1, 2}, 0}, {[]int{1, 2}, 0}, {nil, 2}} {
		index, rows := c.index, jac
		if index == nil {
			index = []int{0, 1}
			x := randomMatrix[float64](rng, 2, l.x.Cols)
			other.Linearize(l.w, x)
			rows = rowsOf(other)
			r.Take(other)
		} else {
			r.Select(c.index)
			if z := r.Rows().Outputs(); distance(z.Row(0), l.Outputs().Row(index[0])) > 1e-11 {
				t.Errorf("%s: selected outputs are %v, not %v", name, z.Row(0), l.Outputs().Row(index[0]))
			}
			u, d := tensor.New[float64](len(index), k), random[float64](rng, p)
			r.Rows().JVP(u, d)
			if a, b := u.Row(0)[k-1], dot(jac.Row(index[0]*k+k-1), d); !near(a, b) {
				t.Errorf("%s: J d of a selected example is %g, not %g", name, a, b)
			}
		}
		n, s := len(index), max(1, c.s)
		sigma, scale := tensor.Matrix[float64]{}, []float64(nil)
		v := tensor.New[float64](n*s, p) // row i s + c
		add := func(i, to int, signal []float64, by float64) {
			for j, e := range signal {
				tensor.Axpy(nil, e*by, rows.Row(i*k+j), v.Row(to))
			}
		}
		if c.s == 0 {
			scale = random[float64](rng, n)
			for i, e := range index {
				add(e, i, g.Row(e), scale[i])
			}
		} else {
			sigma = randomMatrix[float64](rng, s*n, k)
			for i, e := range index {
				for j := range s {
					add(e, i*s+j, sigma.Row(j*n+i), 1)
				}
			}
		}
		// Of a VJP of the gradient, what forms q in dense layers is left out. Rows of
		// convolutions take their weights' half for each signal, and signals of the rows
		// what passes them on.
		want := l.Dims().VJP
		got := r.Send(g, sigma, scale)
		var weights int64
		for _, b := range r.blocks {
			weights += b.weight
			switch b.rows.(type) {
			case *dense[float64]:
				want -= int64(m) * b.weight
			case *conv[float64], *jetDenseOp[float64]:
				want += int64(n*s) * b.weight
			}
		}
		if c.s > 0 {
			want += int64(n*s) * (l.Dims().VJP/int64(m) - weights)
		}
		if got != want {
			t.Errorf("%s, %v: Send counts %d multiply-adds, not %d", name, c, got, want)
		}
		gram, cross, along := tensor.New[float64](n*s, n*s), tensor.New[float64](n, s), tensor.New[float64](n, s)
		d, to, y := random[float64](rng, p), make([]float64, p), randomMatrix[float64](rng, n, s)
		for b := range r.Blocks() {
			r.Gram(b, gram)
			r.Cross(b, cross)
			r.Project(b, along, d)
		}
		for b := range r.Blocks() {
			r.Step(b, to, -0.7, y)
		}
		combined := slices.Clone(q)
		for i := range n * s {
			tensor.Axpy(nil, y.Flat()[i], v.Row(i), combined)
			for j := range i + 1 {
				if a, b := gram.Row(i)[j], dot(v.Row(i), v.Row(j)); !near(a, b) {
					t.Errorf("%s, %v: V Vᵀ at %d, %d is %g, not %g", name, c, i, j, a, b)
				}
			}
			if a, b := cross.Flat()[i], dot(v.Row(i), q); !near(a, b) {
				t.Errorf("%s, %v: V q at %d is %g, not %g", name, c, i, a, b)
			}
			if a, b := along.Flat()[i], dot(v.Row(i), d); !near(a, b) {
				t.Errorf("%s, %v: V d at %d is %g, not %g", name, c, i, a, b)
			}
		}
		tensor.Scale(nil, -0.7, combined)
		if e := distance(to, combined); e > 1e-11 {
			t.Errorf("%s, %v: the step is %.2g away", name, c, e)
		}
	}
}

func near(a, b float64) bool { return distance([]float64{a}, []float64{b}) <= 1e-10 }

// checkProjection compares N Nᵀ, its diagonal, its products and Nᵀ v with those of explicit
// rows, where rows are kept of all layers, of some, and of none.
func checkProjection(t *testing.T, name string, l *Linearization[float64], jac tensor.Matrix[float64]) {
	t.Helper()
	k, p := l.Outputs().Cols, jac.Cols
	m := jac.Rows / k
	rng := rand.New(rand.NewPCG(10, 11))
	directions, v := randomMatrix[float64](rng, m, k), randomMatrix[float64](rng, m, 1)
	n, want := tensor.New[float64](m, p), make([]float64, p)
	for i := range m {
		for j, e := range directions.Row(i) {
			tensor.Axpy(nil, e, jac.Row(i*k+j), n.Row(i))
		}
		tensor.Axpy(nil, v.Flat()[i], n.Row(i), want)
	}
	pr := l.NewProjection()
	pr.To(directions)
	gram, diagonal := tensor.New[float64](m, m), tensor.New[float64](m, 1)
	check := func(how string) {
		u, d := tensor.New[float64](m, 1), make([]float64, p)
		pr.Product(u, v)
		pr.Combine(d, v)
		if e := distance(d, want); e > 1e-11 {
			t.Errorf("%s, %s: Nᵀ v is %.2g away", name, how, e)
		}
		for i := range m {
			if a, b := u.Flat()[i], dot(n.Row(i), want); !near(a, b) {
				t.Errorf("%s, %s: (K v)_%d is %g, not %g", name, how, i, a, b)
			}
		}
	}
	check("chained")
	pr.GramBlocks(diagonal)
	pr.Gram(gram)
	for i := range m {
		if a, b := diagonal.Flat()[i], dot(n.Row(i), n.Row(i)); !near(a, b) {
			t.Errorf("%s: the diagonal at %d is %g, not %g", name, i, a, b)
		}
		for j := range m {
			if a, b := gram.Row(i)[j], dot(n.Row(i), n.Row(j)); !near(a, b) {
				t.Errorf("%s: N Nᵀ at %d, %d is %g, not %g", name, i, j, a, b)
			}
		}
	}
	check("formed")
	for best := range len(l.tape.ops) + 1 {
		pr.best = best
		pr.Keep(tensor.Matrix[float64]{})
		check("kept")
	}
	pr.best = len(l.tape.ops)
	pr.Keep(diagonal)
	if a, b := diagonal.Flat()[m-1], dot(n.Row(m-1), n.Row(m-1)); !near(a, b) {
		t.Errorf("%s: the diagonal beside kept rows is %g, not %g", name, a, b)
	}
	pr.Forget()
	check("forgotten")
}
