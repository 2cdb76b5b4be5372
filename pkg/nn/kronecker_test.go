package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// TestKronecker compares the factors of every layer that has them with their definitions: inputs at
// a place are what a VJP makes of a signal that is 1 there, for every setting, with weights of the
// examples and without, in both precisions and on any number of threads.
func TestKronecker(t *testing.T) {
	const m, s = 4, 3
	tested := map[string]bool{}
	for name, c := range layerCases(t) {
		layer, ok := c.Layer.(KroneckerLayer)
		if !ok {
			continue
		}
		k := layer.Kronecker(c.in)
		tested[fmt.Sprintf("%T", c.Layer)] = true
		r := newOpRun[float64](c, m, nil)
		r.op.Forward(r.y, r.x, r.w)
		at := func(place, channel int) int { // of the output
			if _, jets := c.Layer.(jetDense); jets {
				return place*k.Out + channel
			}
			return channel*k.Places + place
		}
		// (a_ir, e_ir) in row i R + r, and b in row (j m + i) R + r.
		n := k.Inputs()
		a, b := tensor.New[float64](m*k.Places, n), tensor.New[float64](s*m*k.Places, k.Out)
		dy, ct := randomMatrix[float64](rand.New(rand.NewPCG(5, 6)), s*m, c.size.Out.Len()), tensor.New[float64](m, c.size.Out.Len())
		for i := range m {
			for p := range k.Places {
				clear(ct.Data)
				ct.Row(i)[at(p, 0)] = 1
				dw := make([]float64, c.size.NumParams())
				r.op.VJP(tensor.Matrix[float64]{}, dw, ct)
				copy(a.Row(i*k.Places+p), dw[:k.In])
				if k.Bias {
					a.Row(i*k.Places + p)[k.In] = dw[k.In*k.Out]
				}
				for j := range s {
					for f := range k.Out {
						b.Row((j*m+i)*k.Places + p)[f] = dy.Row(j*m + i)[at(p, f)]
					}
				}
			}
		}
		for _, omega := range [][]float64{nil, {0, 1, 2.5, 0.3}} {
			for _, reduced := range []bool{false, true} {
				total, weight := 0.0, make([]float64, m)
				for i := range m {
					if weight[i] = 1; omega != nil {
						weight[i] = omega[i]
					}
					total += weight[i]
				}
				wantA, wantG := tensor.New[float64](n, n), tensor.New[float64](k.Out, k.Out)
				if reduced {
					for i := range m {
						addOuter(wantA, weight[i]/total/float64(k.Places*k.Places), sumOf(a, i, k.Places))
					}
					for j := range s * m {
						addOuter(wantG, 0.25, sumOf(b, j, k.Places))
					}
				} else {
					for i := range a.Rows {
						addOuter(wantA, weight[i/k.Places]/total/float64(k.Places), a.Row(i))
					}
					for i := range b.Rows {
						addOuter(wantG, 0.25, b.Row(i))
					}
				}
				var first [2][]float64
				for _, threads := range []int{1, 3} {
					pool := tensor.NewPool(threads)
					op := newOpRun[float64](c, m, pool)
					op.op.Forward(op.y, op.x, op.w)
					gotA, gotG := factorsOf(op.op, n, k.Out, dy, &Factoring[float64]{Reduce: reduced, Omega: omega})
					pool.Close()
					if e := distance(gotA, wantA.Data); !(e < 1e-13) {
						t.Errorf("%s, weights %v, reduce %t: A is %.2g away", name, omega, reduced, e)
					}
					if e := distance(gotG, wantG.Data); !(e < 1e-13) {
						t.Errorf("%s, weights %v, reduce %t: G is %.2g away", name, omega, reduced, e)
					}
					if first[0] != nil && (!slices.Equal(first[0], gotA) || !slices.Equal(first[1], gotG)) {
						t.Errorf("%s: three threads give other bits", name)
					}
					first = [2][]float64{gotA, gotG}
				}
				op, dy32 := newOpRun[float32](c, m, nil), tensor.New[float32](dy.Rows, dy.Cols)
				op.op.Forward(op.y, op.x, op.w)
				tensor.Convert(dy32.Data, dy.Data)
				gotA, gotG := factorsOf(op.op, n, k.Out, dy32, &Factoring[float32]{Reduce: reduced, Omega: omega})
				if distance(gotA, wantA.Data) > 1e-5 || distance(gotG, wantG.Data) > 1e-5 {
					t.Errorf("%s: float32 is %.2g and %.2g away", name, distance(gotA, wantA.Data), distance(gotG, wantG.Data))
				}
			}
		}
	}
	if len(tested) != 3 {
		t.Errorf("tested: %v", tested)
	}
}

// factorsOf returns both factors, in work space that was dirty before, with scale 0.25.
func factorsOf[T tensor.Float](op Op[T], in, out int, dy tensor.Matrix[T], f *Factoring[T]) (a, g []float64) {
	full := func(n int, set func(tensor.Matrix[T]) int64) []float64 {
		m, wide := tensor.New[T](n, n), make([]float64, n*n)
		for i := range m.Data {
			m.Data[i] = 7
		}
		set(m)
		tensor.Mirror(nil, m)
		tensor.Convert(wide, m.Data)
		return wide
	}
	k := op.(KroneckerOp[T])
	for range 2 { // what is left in the work space does not matter
		a = full(in, func(m tensor.Matrix[T]) int64 { return k.InputFactor(m, f) })
		g = full(out, func(m tensor.Matrix[T]) int64 { return k.SignalFactor(m, dy, 0.25, f) })
	}
	return a, g
}

// addOuter adds c v vᵀ.
func addOuter(a tensor.Matrix[float64], c float64, v []float64) {
	for i, x := range v {
		for j, y := range v {
			a.Row(i)[j] += c * x * y
		}
	}
}

// sumOf is the sum of rows i R to i R + R-1.
func sumOf(a tensor.Matrix[float64], i, places int) []float64 {
	sum := make([]float64, a.Cols)
	for r := range places {
		tensor.Axpy(nil, 1, a.Row(i*places+r), sum)
	}
	return sum
}

// TestWeightBlocks: the layers with weights tile the flat vector, those inside a residual layer too,
// and have the shapes that the layout says.
func TestWeightBlocks(t *testing.T) {
	const body = "{kind: conv, filters: 2, kernel: 3, padding: same}, {kind: group_norm, groups: 1}, {kind: relu}, {kind: conv, filters: 2, kernel: 3, padding: same}"
	n, err := convNet(t, tensor.Shape{C: 2, H: 5, W: 5}, "{kind: conv, filters: 2, kernel: 3, padding: same}, {kind: residual, body: ["+body+"]}, {kind: flatten}, {kind: dense, units: 3}")
	if err != nil {
		t.Fatal(err)
	}
	at, seen := 0, []string{}
	for _, b := range n.WeightBlocks() {
		if b.Lo != at {
			t.Errorf("%s begins at %d, not %d", b.Path, b.Lo, at)
		}
		at = b.Hi
		seen = append(seen, fmt.Sprintf("%s %s %t", b.Path, b.Kind, b.Factors != nil))
		if k := b.Factors; k != nil && k.Inputs()*k.Out != b.Hi-b.Lo {
			t.Errorf("%s: factors of %d and %d for %d weights", b.Path, k.Inputs(), k.Out, b.Hi-b.Lo)
		}
	}
	if at != n.NumParams() {
		t.Errorf("blocks end at %d of %d", at, n.NumParams())
	}
	want := []string{"0 conv true", "1.body.0 conv true", "1.body.1 group_norm false", "1.body.3 conv true", "3 dense true"}
	if !slices.Equal(seen, want) {
		t.Errorf("the blocks are %q, want %q", seen, want)
	}
}

// TestSquaredRows: the diagonal of Jᵀ J of every layer with weights, from explicit rows.
func TestSquaredRows(t *testing.T) {
	const m, s = 3, 2
	for name, c := range layerCases(t) {
		r := newOpRun[float64](c, m, nil)
		p := c.size.NumParams()
		if _, ok := r.op.(GramOp[float64]); !ok || p == 0 || len(c.inside()) > 0 {
			continue
		}
		r.op.Forward(r.y, r.x, r.w)
		dy, ct := randomMatrix[float64](rand.New(rand.NewPCG(7, 8)), s*m, c.size.Out.Len()), tensor.New[float64](m, c.size.Out.Len())
		got, want, dw := make([]float64, p), make([]float64, p), make([]float64, p)
		for i := range dy.Rows {
			clear(ct.Data)
			copy(ct.Row(i%m), dy.Row(i))
			r.op.VJP(tensor.Matrix[float64]{}, dw, ct)
			for j, v := range dw {
				want[j] += v * v
			}
		}
		SquaredRows(Visited[float64]{Op: r.op, Inputs: r.x, Signals: dy}, got)
		if e := distance(got, want); !(e < 1e-12) {
			t.Errorf("%s: %.2g away", name, e)
		}
	}
}
