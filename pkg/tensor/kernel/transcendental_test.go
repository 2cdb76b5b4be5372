package kernel

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"
)

// ulps is the distance of a float32 from an exact value, in units in the last
// place of the value, or in the smallest normal number's.
func ulps(got float32, want float64) float64 {
	if math.IsNaN(want) && math.IsNaN(float64(got)) || float64(got) == want {
		return 0
	}
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e, -125)-24)
}

// functions are those whose accuracy is stated: the largest error of the value
// and of the derivative, in ulps.
var functions = []struct {
	name       string
	f          func(x, y, d []float32)
	value      func(x float64) float64
	derivative func(x float64) float64
	ulpValue   float64
	ulpSlope   float64
}{
	{"exp", func(x, y, d []float32) {
		for i, v := range x {
			d[i] = min(v, -v) // exp takes x <= 0
		}
		Exp(d, y)
		clear(d)
	}, func(x float64) float64 { return math.Exp(-math.Abs(x)) }, func(float64) float64 { return 0 }, 1, 0},
	{"sigmoid", Sigmoid[float32], func(x float64) float64 { s, _ := sigmoid(x); return s },
		func(x float64) float64 { _, e := sigmoid(x); return e / ((1 + e) * (1 + e)) }, 3, 6},
	{"tanh", Tanh[float32], math.Tanh, func(x float64) float64 {
		e := math.Exp(-2 * math.Abs(x))
		return 4 * e / ((1 + e) * (1 + e))
	}, 4, 6},
	{"softplus", Softplus[float32], func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
		func(x float64) float64 { s, _ := sigmoid(x); return s }, 4, 3},
	// Where gelu' crosses 0, near x = -0.75, and far below 0, where erfc amplifies
	// the rounding of x/√2, relative errors grow; see TestGELU for absolute ones.
	{"gelu", GELU[float32], func(x float64) float64 { return x * math.Erfc(-x/math.Sqrt2) / 2 }, nil, 16, 0},
}

// accuracy returns the largest errors over every step-th float32.
func accuracy(f func(x, y, d []float32), value, derivative func(float64) float64, step int) (ulpValue, ulpSlope float64, at [2]float32) {
	const n = 1 << 12
	x, y, d := make([]float32, n), make([]float32, n), make([]float32, n)
	for bits := 0; bits < 1<<32; {
		for i := range x {
			v := math.Float32frombits(uint32(bits))
			if math.IsInf(float64(v), 0) {
				v = 0
			}
			x[i] = v
			bits += step
		}
		f(x, y, d)
		for i, v := range x {
			if u := ulps(y[i], value(float64(v))); !(u <= ulpValue) {
				ulpValue, at[0] = u, v
			}
			if derivative == nil {
				continue
			}
			if u := ulps(d[i], derivative(float64(v))); !(u <= ulpSlope) {
				ulpSlope, at[1] = u, v
			}
		}
	}
	return ulpValue, ulpSlope, at
}

var accuracyEvery = flag.Int("accuracy-every", accuracyStep, "TestAccuracy looks at one float32 of so many")

// TestAccuracy looks at one float32 of many; with the tag long, at all, which
// takes an hour.
func TestAccuracy(t *testing.T) {
	each(t, func(t *testing.T) {
		for _, c := range functions {
			value, slope, at := accuracy(c.f, c.value, c.derivative, *accuracyEvery)
			t.Logf("%s: value within %.2f ulp (worst at %g), derivative within %.2f (at %g)", c.name, value, at[0], slope, at[1])
			if !(value <= c.ulpValue) || !(slope <= c.ulpSlope) {
				t.Errorf("%s: value within %.2f ulp at %g, derivative within %.2f at %g", c.name, value, at[0], slope, at[1])
			}
		}
	})
}

// TestGELU: the derivative, absolutely.
func TestGELU(t *testing.T) {
	each(t, func(t *testing.T) {
		for bits := uint32(0); bits < 0xffff0000; bits += 0x3001 {
			x := []float32{math.Float32frombits(bits)}
			if math.IsInf(float64(x[0]), 0) || math.IsNaN(float64(x[0])) {
				continue
			}
			y, d := make([]float32, 1), make([]float32, 1)
			GELU(x, y, d)
			a := float64(x[0])
			want := math.Erfc(-a/math.Sqrt2)/2 + a*math.Exp(-a*a/2)/math.Sqrt(2*math.Pi)
			if !(math.Abs(float64(d[0])-want) <= 3e-7) {
				t.Fatalf("gelu'(%g) = %g, want %g", a, d[0], want)
			}
		}
	})
}

// TestExp64 compares the float64 kernel with the library.
func TestExp64(t *testing.T) {
	each(t, func(t *testing.T) {
		var x, y []float64
		for v := 0.0; v > -760; v -= 0.0123 {
			x = append(x, v)
		}
		x = append(x, math.Inf(-1), math.NaN(), math.Copysign(0, -1), -708.5, -745.1, -1e300)
		y = make([]float64, len(x))
		Exp(x, y)
		for i, v := range x {
			want := math.Exp(v)
			if math.IsNaN(v) != math.IsNaN(y[i]) || !math.IsNaN(v) && !(math.Abs(y[i]-want) <= 5e-16*want+5e-324) {
				t.Fatalf("exp(%g) = %.17g, want %.17g", v, y[i], want)
			}
		}
	})
}

// TestSumSoftplus: the sum of logarithms is that of products, also of numbers that 1 would
// swallow and of more than a float64 could hold.
func TestSumSoftplus(t *testing.T) {
	each(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 5, 32, 33, 100, 5000} {
			for _, scale := range []float64{0, 1, 30, 300} {
				z := make([]float64, n)
				var want float64
				for j := range z {
					z[j] = scale * math.Sin(float64(j)+1)
					want += math.Log1p(math.Exp(-math.Abs(z[j])))
				}
				if got := SumSoftplus(z); math.Abs(got-want) > 1e-13*want {
					t.Errorf("%d numbers up to %g: %.17g, want %.17g", n, scale, got, want)
				}
			}
		}
		if got, want := SumSoftplus([]float64{50, -60}), math.Exp(-50)+math.Exp(-60); math.Abs(got-want) > 1e-15*want {
			t.Errorf("far out: %g, want %g", got, want)
		}
		z := make([]float64, 70)
		z[65] = math.NaN()
		if !math.IsNaN(SumSoftplus(z)) {
			t.Error("a NaN is lost")
		}
		z[65] = math.Inf(-1)
		if got := SumSoftplus(z); math.Abs(got-69*math.Ln2) > 1e-12 {
			t.Errorf("with an infinite number: %g", got)
		}
		if a := testing.AllocsPerRun(10, func() { SumSoftplus(z) }); a != 0 {
			t.Errorf("%g allocations", a)
		}
	})
}

// TestActivationsDouble: in float64 values and derivatives are within 9e-16 of those by the library,
// relative to them, tanh at 0.625, where the formula of the Go loop changes, too.
func TestActivationsDouble(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := []float64{0, math.Copysign(0, -1), 0.625, math.Nextafter(0.625, 0), -0.625, 20, -20, 300, -300, 744, -744, -746, 1e-300, 1e308, math.Inf(1), math.Inf(-1), math.NaN()}
	for range 20000 {
		x = append(x, rng.NormFloat64()*math.Pow(10, 4*rng.Float64()-3))
	}
	sigmoid := func(v float64) float64 { s, _ := sigmoid(v); return s }
	for _, c := range []struct {
		name         string
		f            func(x, y, d []float64)
		value, slope func(v float64) float64
	}{
		{"tanh", Tanh[float64], math.Tanh, func(v float64) float64 { return 1 / math.Cosh(v) / math.Cosh(v) }},
		{"sigmoid", Sigmoid[float64], sigmoid, func(v float64) float64 { return sigmoid(v) * sigmoid(-v) }},
		{"softplus", Softplus[float64], func(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }, sigmoid},
	} {
		each(t, func(t *testing.T) {
			y, d := make([]float64, len(x)), make([]float64, len(x))
			c.f(x, y, d)
			for i, v := range x {
				for _, r := range []struct {
					what      string
					got, want float64
				}{{"the value", y[i], c.value(v)}, {"the derivative", d[i], c.slope(v)}} {
					if math.IsNaN(v) != math.IsNaN(r.got) || !math.IsNaN(v) && r.got != r.want && !(math.Abs(r.got-r.want) <= 9e-16*math.Abs(r.want)+5e-324) {
						t.Errorf("%s: %s at %g is %.17g, want %.17g", c.name, r.what, v, r.got, r.want)
					}
					if r.got == 0 && math.Signbit(r.got) != math.Signbit(r.want) {
						t.Errorf("%s: %s at %g has the other sign", c.name, r.what, v)
					}
				}
			}
		})
	}
}
