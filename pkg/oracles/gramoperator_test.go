package oracles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// plain hides what a Jacobian knows of K.
type plain struct{ Jacobian[float64] }

// TestGramOperators: every form of K, of a network and of a Jacobian that has
// nothing but products, is J Jᵀ of the explicit Jacobian, makes Jᵀ alpha, and says what it
// cost: a network k VJPs for K, its blocks or kept rows, others a product for each column,
// and nothing at the second time.
func TestGramOperators(t *testing.T) {
	const m = 4
	for _, name := range losses.Known.Names() {
		n, p := newProblem[float64](losses.Known.Default(name).Must(), m, nil)
		k := n.Outputs()
		mk := m * k
		jac, unit := tensor.New[float64](mk, n.NumParams()), tensor.New[float64](m, k)
		for r := range mk {
			unit.Flat()[r] = 1
			p.Gradient.VJP(jac.Row(r), unit)
			unit.Flat()[r] = 0
		}
		want := tensor.New[float64](mk, mk)
		tensor.Gemm(nil, tensor.NoTrans, tensor.Trans, 1, jac, jac, 0, want)
		rng := rand.New(rand.NewPCG(3, 4))
		v, kv, product := tensor.New[float64](m, k), tensor.New[float64](m, k), make([]float64, mk)
		d, combined := make([]float64, n.NumParams()), make([]float64, n.NumParams())
		for i := range v.Flat() {
			v.Flat()[i] = rng.NormFloat64()
		}
		tensor.Gemv(nil, want, v.Flat(), product)
		tensor.Combine(nil, jac, v.Flat(), combined)
		near := func(got, want []float64) bool {
			for i := range want {
				if math.Abs(got[i]-want[i]) > 1e-12*(1+math.Abs(want[i])) {
					return false
				}
			}
			return len(got) == len(want)
		}
		for what, j := range map[string]Jacobian[float64]{"a network": p.Gradient.Jacobian, "products only": plain{p.Gradient.Jacobian}} {
			for _, form := range append([]Form{"exact"}, Forms...) {
				t.Run(fmt.Sprintf("%s/%s/%s", name, what, form), func(t *testing.T) {
					formed, exact := form == Formed || form == "exact", form == "exact"
					if exact {
						form = Formed
					}
					g := newGram[float64](form, exact, false, nil)
					g.Reset(j)
					columns := Counters{VJPs: k}
					if what == "products only" {
						columns = Counters{VJPs: mk, JVPs: mk}
					}
					check := func(what string, got, want Counters) {
						t.Helper()
						if got.MultiplyAdds <= 0 && want != (Counters{}) {
							t.Errorf("%s: no multiply-adds", what)
						}
						if got.MultiplyAdds = 0; got != want {
							t.Errorf("%s: %+v, want %+v", what, got, want)
						}
					}
					blocks, c := g.Blocks()
					check("blocks", c, columns)
					for r := range mk {
						if !near(blocks.Row(r), want.Row(r)[r/k*k:r/k*k+k]) {
							t.Errorf("row %d of the blocks is %v", r, blocks.Row(r))
						}
					}
					_, c = g.Blocks()
					check("blocks again", c, Counters{})

					c = g.Mul(kv, v)
					if !near(kv.Flat(), product) {
						t.Errorf("K v = %v, want %v", kv.Flat(), product)
					}
					once := Counters{VJPs: 1, JVPs: 1}
					switch {
					case formed:
						once = columns
						once.GramProducts++
					case what == "a network" && form == Chained:
						once = Counters{GramProducts: 1}
					case what == "a network" && form == Explicit:
						once = Counters{GramProducts: 1}
						if walked, _ := j.(*nn.Linearization[float64]).Keep(tensor.Matrix[float64]{}); walked {
							once.VJPs = k
						}
					}
					check("product", c, once)

					check("Jᵀ alpha", g.Combine(d, v), Counters{VJPs: 1})
					if !near(d, combined) {
						t.Errorf("Jᵀ v = %v, want %v", d, combined)
					}

					full, c := g.Form()
					if formed {
						columns = Counters{}
					}
					check("forming", c, columns)
					if !near(full.Flat(), want.Flat()) {
						t.Error("K is not J Jᵀ")
					}
					_, c = g.Form()
					check("forming again", c, Counters{})
				})
			}
		}
	}
}

// TestGramOfTheNextBatch: K of an earlier mini-batch is forgotten, and of a smaller
// one only its own part is seen.
func TestGramOfTheNextBatch(t *testing.T) {
	n, p := newProblem[float64](losses.Known.Default("logistic").Must(), 5, nil)
	g := newGram[float64](Formed, false, false, nil)
	g.Reset(p.Gradient.Jacobian)
	first, _ := g.Form()
	corner := first.At(0, 0)
	w := make([]float64, n.NumParams())
	for i, v := range p.Gradient.Weights() {
		w[i] = 2 * v
	}
	x := tensor.New[float64](2, n.Input().Len())
	for i := range x.Flat() {
		x.Flat()[i] = float64(i)
	}
	small := nn.NewLinearization[float64](n, 5, nil)
	small.Linearize(w, x)
	g.Reset(small)
	second, c := g.Form()
	if second.Rows != 2*n.Outputs() || c.VJPs != n.Outputs() || second.At(0, 0) == corner {
		t.Errorf("%d rows, %+v, corner %g", second.Rows, c, corner)
	}
}
