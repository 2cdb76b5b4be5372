package losses

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
	"pgregory.net/rapid"
)

// all returns every registered loss with every trial setting.
func all(t *testing.T) map[string]Loss {
	out := map[string]Loss{}
	for _, name := range Known.Names() {
		for i, trial := range Known.Entry(name).Trials {
			l, err := trial()
			if err != nil {
				t.Fatal(err)
			}
			out[fmt.Sprintf("%s/%d", name, i)] = l
		}
	}
	return out
}

// mulH returns H v = L Lᵀ v at z.
func mulH(l Loss, z, y, v []float64) []float64 {
	c, s, out := make([]float64, len(z)), make([]float64, len(z)), make([]float64, len(z))
	l.GGNFactor(c, z, y)
	l.MulFactorT(s, v, c)
	l.MulFactor(out, s, c)
	return out
}

func dot(a, b []float64) (s float64) {
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

func along(z []float64, h float64, v []float64) []float64 {
	out := slices.Clone(z)
	for i := range out {
		out[i] += h * v[i]
	}
	return out
}

// TestProxConj: no other point of the box makes the function smaller, and all
// losses that are not smooth have the method.
func TestProxConj(t *testing.T) {
	for name, l := range all(t) {
		boxed, ok := l.(BoxDual)
		if ok != (l.Curvature() != Smooth) {
			t.Errorf("%s: BoxDual is %v", name, ok)
		}
		if !ok {
			continue
		}
		rapid.Check(t, func(t *rapid.T) {
			rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			_, y := l.Sample(rng, 1)
			kappa := rapid.SampledFrom([]float64{0, 1e-3, 1, 1e3}).Draw(t, "kappa")
			w := rapid.Float64Range(-5, 5).Draw(t, "w")
			f := func(a float64) float64 { return l.Conj([]float64{a}, y) + kappa*a*a/2 - w*a }
			a := boxed.ProxConj(kappa, w, y[0])
			best := f(a)
			if math.IsInf(best, 0) || math.IsNaN(best) {
				t.Fatalf("%s: %g is not in the box", name, a)
			}
			// Conj takes points domainTol outside the box, and f slopes there.
			slack := 1e-12*(1+math.Abs(best)) + domainTol*(1+math.Abs(w)+math.Abs(y[0])+kappa)
			for range 50 {
				if b := a + rng.NormFloat64()*math.Pow(10, -6*rng.Float64()); f(b) < best-slack {
					t.Fatalf("%s: f(%g) = %g is below f(%g) = %g", name, b, f(b), a, best)
				}
			}
		})
		if !math.IsNaN(boxed.ProxConj(1, math.NaN(), 1)) || !math.IsNaN(boxed.ProxConj(0, math.NaN(), 1)) {
			t.Errorf("%s: a NaN is lost", name)
		}
	}
}

// TestLosses is the conformance suite: it knows no loss by name.
func TestLosses(t *testing.T) {
	for name, l := range all(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				k := rapid.IntRange(1, 6).Draw(t, "k")
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
				z, y := l.Sample(rng, k)
				k = len(z)
				zIn, yIn := slices.Clone(z), slices.Clone(y)
				g := make([]float64, k)
				l.Grad(g, z, y)
				v, s := normal(rng, k), normal(rng, k)

				// f is convex: it lies above its tangents.
				f := l.Value(z, y)
				other := along(z, 3, v)
				if low := f + 3*dot(g, v); l.Value(other, y) < low-1e-9*(1+math.Abs(low)) {
					t.Fatalf("not convex: %g below the tangent %g", l.Value(other, y), low)
				}

				// Fenchel-Young: f(u) + f*(a) >= a.u, with equality where a is the
				// gradient at u.
				if gap := f + l.Conj(g, y) - dot(g, z); math.Abs(gap) > 1e-8*(1+math.Abs(f)) {
					t.Fatalf("Fenchel-Young at the gradient: gap %g", gap)
				}
				if gap := l.Value(other, y) + l.Conj(g, y) - dot(g, other); gap < -1e-8 {
					t.Fatalf("Fenchel-Young: gap %g is negative", gap)
				}
				if math.IsNaN(l.Conj(s, y)) {
					t.Fatal("the conjugate of an arbitrary point is NaN")
				}

				// The derivatives are differences, away from kinks.
				const h = 1e-6
				up, down := along(z, h, v), along(z, -h, v)
				gu, gd := make([]float64, k), make([]float64, k)
				l.Grad(gu, up, y)
				l.Grad(gd, down, y)
				hv, hvUp, hvDown := mulH(l, z, y, v), mulH(l, up, y, v), mulH(l, down, y, v)
				if d := l.Curvature(); d == Smooth || slices.Equal(hvUp, hvDown) && slices.Equal(hvUp, hv) && (d != Polyhedral || slices.Equal(gu, gd)) {
					if fd := (l.Value(up, y) - l.Value(down, y)) / (2 * h); math.Abs(fd-dot(g, v)) > 1e-6*(1+math.Abs(fd)) {
						t.Fatalf("difference %g, gradient %g", fd, dot(g, v))
					}
					for i := range hv {
						if fd := (gu[i] - gd[i]) / (2 * h); math.Abs(fd-hv[i]) > 1e-6*(1+math.Abs(fd)) {
							t.Fatalf("difference of gradients %g, H v %g", fd, hv[i])
						}
					}
				}

				// L and Lᵀ are adjoint.
				c, lv, ls := make([]float64, k), make([]float64, k), make([]float64, k)
				l.GGNFactor(c, z, y)
				l.MulFactor(ls, s, c)
				l.MulFactorT(lv, v, c)
				if a, b := dot(ls, v), dot(s, lv); math.Abs(a-b) > 1e-12*(1+math.Abs(a)) {
					t.Fatalf("<L s, v> = %g, <s, Lᵀ v> = %g", a, b)
				}
				if _, ok := l.(Separable); ok || k == 1 { // L is diagonal
					l.MulFactorT(ls, slices.Repeat([]float64{1}, k), c)
					for i := range ls {
						if w := ls[i] * v[i]; math.Abs(lv[i]-w) > 1e-14*math.Abs(w) {
							t.Fatalf("(Lᵀ v)_%d = %g, and (Lᵀ 1)_%d v_%d = %g", i, lv[i], i, i, w)
						}
					}
				}
				if !slices.Equal(z, zIn) || !slices.Equal(y, yIn) {
					t.Fatal("an argument was changed")
				}
			})
			t.Run("far out", func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 2))
				for range 200 {
					z, y := l.Sample(rng, 5)
					for i := range z {
						z[i] *= 1e4
					}
					g := make([]float64, len(z))
					l.Grad(g, z, y)
					for _, v := range slices.Concat([]float64{l.Value(z, y), l.Conj(g, y)}, g, mulH(l, z, y, g)) {
						if math.IsNaN(v) || math.IsInf(v, 0) {
							t.Fatalf("%g at z = %v, y = %v", v, z, y)
						}
					}
				}
			})
			t.Run("NaN", func(t *testing.T) {
				z, y := l.Sample(rand.New(rand.NewPCG(1, 2)), 3)
				z[0] = math.NaN()
				g := make([]float64, len(z))
				l.Grad(g, z, y)
				if !math.IsNaN(l.Value(z, y)) || !slices.ContainsFunc(g, math.IsNaN) || !slices.ContainsFunc(mulH(l, z, y, z), math.IsNaN) {
					t.Errorf("a NaN is lost: value %g, gradient %v", l.Value(z, y), g)
				}
			})
			t.Run("allocations", func(t *testing.T) {
				z, y := l.Sample(rand.New(rand.NewPCG(1, 2)), 3)
				g, c := make([]float64, len(z)), make([]float64, len(z))
				if n := testing.AllocsPerRun(10, func() {
					l.Value(z, y)
					l.Grad(g, z, y)
					l.GGNFactor(c, z, y)
					l.MulFactorT(g, z, c)
					l.MulFactor(g, z, c)
					l.Conj(g, y)
				}); n != 0 {
					t.Errorf("%g allocations", n)
				}
			})
		})
	}
}

// TestReference compares with numbers computed to 80 digits (see
// scripts/loss_reference.py), relative to each number: at |z| up to 1e4,
// nothing overflows and nothing cancels. Half an ulp of z_i - z_j, the best
// there can be, is a relative error of exp(z_i - z_j) that grows with it.
func TestReference(t *testing.T) {
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Loss       string
		Z, Y       []float64
		Value      float64
		Grad       []float64
		Hessian    [][]float64
		Conjugates []struct {
			A     []float64
			Value float64
		}
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{}
	for _, c := range cases {
		covered[c.Loss] = true
		l := Known.Default(c.Loss).Must()
		tol := 2e-15 + 0x1p-52*(slices.Max(c.Z)-slices.Min(c.Z))
		same := func(what string, got, want float64) {
			t.Helper()
			// Numbers below the normal range of float64 have fewer digits.
			if !(math.Abs(got-want) <= tol*math.Abs(want)+1e-300) {
				t.Errorf("%s at z = %v, y = %v: %s is %.17g, want %.17g", c.Loss, c.Z, c.Y, what, got, want)
			}
		}
		same("value", l.Value(c.Z, c.Y), c.Value)
		g := make([]float64, len(c.Z))
		l.Grad(g, c.Z, c.Y)
		for i := range g {
			same(fmt.Sprintf("gradient[%d]", i), g[i], c.Grad[i])
		}
		for j := range c.Z {
			e := make([]float64, len(c.Z))
			e[j] = 1
			for i, v := range mulH(l, c.Z, c.Y, e) {
				same(fmt.Sprintf("hessian[%d,%d]", i, j), v, c.Hessian[i][j])
			}
		}
		for _, p := range c.Conjugates {
			same(fmt.Sprintf("conjugate at %v", p.A), l.Conj(p.A, c.Y), p.Value)
		}
	}
	for _, name := range Known.Names() {
		if !covered[name] {
			t.Errorf("%s has no reference numbers", name)
		}
	}
}

// TestConjugateDomain: outside, the conjugate is infinite; on the border,
// rounding does no harm.
func TestConjugateDomain(t *testing.T) {
	const tiny = 1e-12
	for _, c := range []struct {
		loss string
		a, y []float64
		want float64
	}{
		{"logistic", []float64{0.5, -0.4}, []float64{0, 1}, math.Inf(1)},
		{"logistic", []float64{-0.1, 0.1}, []float64{0, 1}, math.Inf(1)},
		{"logistic", []float64{-tiny, tiny}, []float64{0, 1}, 0},
		{"binary_logistic", []float64{0.1}, []float64{1}, math.Inf(1)},
		{"binary_logistic", []float64{-1.1}, []float64{1}, math.Inf(1)},
		{"binary_logistic", []float64{1 + tiny}, []float64{-1}, 0},
		{"hinge", []float64{0.1}, []float64{1}, math.Inf(1)},
		{"hinge", []float64{1.1}, []float64{-1}, math.Inf(1)},
		{"hinge", []float64{0.5}, []float64{-1}, -0.5},
		{"squared_hinge", []float64{0.1}, []float64{1}, math.Inf(1)},
		{"squared_hinge", []float64{-7}, []float64{1}, 24.5 - 7},
		{"huber", []float64{1.1}, []float64{0}, math.Inf(1)},
		{"huber", []float64{-0.5}, []float64{2}, 0.125 - 1},
		{"squared", []float64{1e200}, []float64{0}, math.Inf(1)}, // overflow, as it should
	} {
		got := Known.Default(c.loss).Must().Conj(c.a, c.y)
		if got != c.want && !(math.Abs(got-c.want) < 1e-9) {
			t.Errorf("%s at %v, y = %v: %g, want %g", c.loss, c.a, c.y, got, c.want)
		}
	}
}

func TestCorrect(t *testing.T) {
	for _, c := range []struct {
		loss string
		z, y []float64
		want bool
	}{
		{"logistic", []float64{1, 3, 2}, []float64{0, 1, 0}, true},
		{"logistic", []float64{3, 3, 2}, []float64{0, 1, 0}, false}, // the first of equals
		{"squared", []float64{0, 0.1}, []float64{0, 1}, true},
		{"hinge", []float64{0.1}, []float64{1}, true},
		{"hinge", []float64{0.1}, []float64{-1}, false},
		{"binary_logistic", []float64{0}, []float64{1}, false},
		{"logistic", []float64{math.NaN(), 3}, []float64{0, 1}, false},
	} {
		if got := Correct(c.z, c.y); got != c.want {
			t.Errorf("%s: Correct(%v, %v) = %v", c.loss, c.z, c.y, got)
		}
	}
}

func TestMean(t *testing.T) {
	z, y := tensor.View(2, 2, []float64{1, 2, 3, 4}), tensor.View(2, 2, []float64{1, 0, 0, 4})
	if got := Mean(Squared{}, z, y); got != (2.0+4.5)/2 {
		t.Errorf("Mean = %g", got)
	}
}

func TestHuberDelta(t *testing.T) {
	if _, err := newHuber(Huber{Delta: 0}); err == nil || err.Error() != "delta: must be positive, got 0" {
		t.Errorf("delta 0: %v", err)
	}
}

// TestDrawGrad: what a Likelihood draws has the mean 0 and the covariance H = L Lᵀ, to what the
// number of draws leaves, and NaN outputs stay NaN.
func TestDrawGrad(t *testing.T) {
	const draws = 40000
	tested := 0
	for _, name := range Known.Names() {
		l, ok := Known.Default(name).Must().(Likelihood)
		if !ok {
			continue
		}
		tested++
		rng := rand.New(rand.NewPCG(4, 5))
		z, y := l.Sample(rng, 3)
		k := len(z)
		g, c, mean, covariance := make([]float64, k), make([]float64, k), make([]float64, k), make([]float64, k*k)
		for range draws {
			l.DrawGrad(g, z, rng)
			for i, v := range g {
				mean[i] += v / draws
				for j, u := range g {
					covariance[i*k+j] += v * u / draws
				}
			}
		}
		l.GGNFactor(c, z, y)
		for i := range k {
			if math.Abs(mean[i]) > 5/math.Sqrt(draws) {
				t.Errorf("%s: the mean is %v", name, mean)
			}
			e, s, h := make([]float64, k), make([]float64, k), make([]float64, k)
			e[i] = 1
			l.MulFactorT(s, e, c)
			l.MulFactor(h, s, c)
			for j := range k {
				if math.Abs(covariance[i*k+j]-h[j]) > 8/math.Sqrt(draws) {
					t.Errorf("%s: the covariance is %v, row %d of H %v", name, covariance, i, h)
				}
			}
		}
		z[0] = math.NaN()
		if l.DrawGrad(g, z, rng); !math.IsNaN(g[0]) {
			t.Errorf("%s: of a NaN output comes %v", name, g)
		}
	}
	if tested != 3 {
		t.Errorf("%d losses draw", tested)
	}
}
