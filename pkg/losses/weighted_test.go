package losses

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// TestWeighted: the weighted gradient is the derivative of the weighted value, the
// factor is that of the weighted Hessian, and Fenchel's inequality holds, with
// equality at the gradient.
func TestWeighted(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for _, name := range Known.Names() {
		l := Known.Default(name).Must()
		for _, omega := range []float64{0, 0.3, 1, 2.5} {
			w := Weighted{l, []float64{7, omega}}
			for range 20 {
				z, y := l.Sample(rng, 3)
				k := len(z)
				g, c, v, s := make([]float64, k), make([]float64, k), normal(rng, k), make([]float64, k)
				plain, work := make([]float64, k), make([]float64, k)
				w.GradOf(1, g, z, y)
				l.Grad(plain, z, y)
				for j := range g {
					if math.Abs(g[j]-omega*plain[j]) > 1e-14 {
						t.Fatalf("%s: gradient %v, want %g times %v", name, g, omega, plain)
					}
				}
				l.GGNFactor(c, z, y)
				l.MulFactorT(s, v, c)
				want := omega * tensor.Dot(nil, s, s)
				w.MulFactorTOf(1, s, v, c)
				if got := tensor.Dot(nil, s, s); math.Abs(got-want) > 1e-12 {
					t.Fatalf("%s: v.H v is %g, want %g", name, got, want)
				}
				w.MulFactorOf(1, work, s, c)
				if got := tensor.Dot(nil, v, work); math.Abs(got-want) > 1e-12 {
					t.Fatalf("%s: v.L Lᵀ v is %g, want %g", name, got, want)
				}
				other, _ := l.Sample(rng, k)
				equal := w.ValueOf(1, z, y) + w.ConjOf(1, g, y, work) - tensor.Dot(nil, g, z)
				above := w.ValueOf(1, other, y) + w.ConjOf(1, g, y, work) - tensor.Dot(nil, g, other)
				if math.Abs(equal) > 1e-9 || above < -1e-9 {
					t.Fatalf("%s, weight %g: Fenchel's inequality leaves %g at the gradient, %g beside it", name, omega, equal, above)
				}
				g[0]++
				if omega == 0 && !math.IsInf(w.ConjOf(1, g, y, work), 1) {
					t.Fatalf("%s: the conjugate of 0 is finite at %v", name, g)
				}
			}
		}
	}
}

// TestWeightedFactors: products with the factors of a mini-batch are those of its examples, bit by
// bit, with weights and without.
func TestWeightedFactors(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 10))
	for _, name := range Known.Names() {
		l := Known.Default(name).Must()
		z, _ := l.Sample(rng, 7)
		m, k := 5, len(z)
		c, v := tensor.New[float64](m, k), normal(rng, m*k)
		got, want := make([]float64, m*k), make([]float64, k)
		for i := range m {
			z, y := l.Sample(rng, 7)
			if i == 2 {
				z[k-1] = math.NaN()
			}
			l.GGNFactor(c.Row(i), z, y)
		}
		for _, w := range []Weighted{{l, nil}, {l, []float64{0, 1, 0.3, 2.5, 7}}} {
			for _, side := range []struct {
				name string
				all  func(dst, s []float64, c tensor.Matrix[float64])
				one  func(i int, dst, s, c []float64)
			}{{"L", w.MulFactors, w.MulFactorOf}, {"Lᵀ", w.MulFactorsT, w.MulFactorTOf}} {
				side.all(got, v, c)
				for i := range m {
					side.one(i, want, v[i*k:(i+1)*k], c.Row(i))
					for j := range want {
						if math.Float64bits(got[i*k+j]) != math.Float64bits(want[j]) {
							t.Fatalf("%s, %s of example %d, weights %v: %v, want %v", name, side.name, i, w.Omega, got[i*k:(i+1)*k], want)
						}
					}
				}
			}
		}
	}
}

// TestWeightedMean: weights multiply, and are not normalised.
func TestWeightedMean(t *testing.T) {
	z, y := tensor.View(3, 1, []float64{1, 2, 3}), tensor.View(3, 1, []float64{0, 0, 0})
	if got, want := (Weighted{Squared{}, []float64{2, 0, 4}}).Mean(z, y), (2*0.5+4*4.5)/3; got != want {
		t.Errorf("the mean is %g, want %g", got, want)
	}
	if got := (Weighted{Loss: Squared{}}).Mean(z, y); got != Mean(Squared{}, z, y) {
		t.Errorf("without weights the mean is %g", got)
	}
}

// TestWeightedProxConj: the result is where the objective is least, among points
// around it.
func TestWeightedProxConj(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 9))
	for _, name := range Known.Names() {
		l, ok := Known.Default(name).Must().(BoxDual)
		if !ok {
			continue
		}
		for _, omega := range []float64{0, 0.3, 2.5} {
			w := Weighted{l, []float64{omega}}
			for range 50 {
				_, y := l.Sample(rng, 1)
				kappa, slope := rng.ExpFloat64(), 3*rng.NormFloat64()
				at := func(a float64) float64 {
					return w.ConjOf(0, []float64{a}, y, make([]float64, 1)) + kappa*a*a/2 - slope*a
				}
				a := WeightedProxConj(l, omega, kappa, slope, y[0])
				best := at(a)
				for range 30 {
					if v := at(a + rng.NormFloat64()*math.Pow(10, -4*rng.Float64())); !(v >= best-1e-9) {
						t.Fatalf("%s, weight %g: %g beside %g at %g", name, omega, v, best, a)
					}
				}
			}
		}
	}
}
