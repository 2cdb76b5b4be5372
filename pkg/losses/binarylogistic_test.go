package losses

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLabels: with one output and a label the numbers are, to the last bit, those of
// log(1 + exp(-y z)), and those of the target 0 or 1 that the label stands for.
func TestLabels(t *testing.T) {
	var l BinaryLogistic
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		z, y := []float64{rng.NormFloat64() * math.Pow(10, float64(i%7-2))}, []float64{float64(2*(i%2) - 1)}
		if i == 0 {
			z[0] = 0
		}
		g, want := make([]float64, 1), y[0]*z[0]
		l.Grad(g, z, y)
		if v := l.Value(z, y); v != max(-want, 0)+math.Log1p(math.Exp(-math.Abs(want))) {
			t.Fatalf("value %.17g at z = %g, y = %g", v, z[0], y[0])
		}
		if g[0] != -y[0]*sigmoid(-want) {
			t.Fatalf("gradient %.17g at z = %g, y = %g", g[0], z[0], y[0])
		}
		if q := -g[0] * y[0]; l.Conj(g, y) != xlogx(q)+(1-q)*math.Log1p(-q) && q < 1 {
			t.Fatalf("conjugate %.17g at %g, y = %g", l.Conj(g, y), g[0], y[0])
		}
		as := []float64{max(y[0], 0)}
		h := make([]float64, 1)
		l.Grad(h, z, as)
		if l.Value(z, as) != l.Value(z, y) || h[0] != g[0] || math.Abs(l.Conj(g, as)-l.Conj(g, y)) > 1e-14 {
			t.Fatalf("another loss for the target %g than for the label %g", as[0], y[0])
		}
	}
}

// TestSumOverOutputs: the loss of many outputs is the sum of those of each.
func TestSumOverOutputs(t *testing.T) {
	var l BinaryLogistic
	rng := rand.New(rand.NewPCG(3, 4))
	for _, k := range []int{2, 7, 2000} { // 2^2000 is no float64
		z, y := l.Sample(rng, k)
		g, one := make([]float64, k), make([]float64, 1)
		l.Grad(g, z, y)
		var value, conj float64
		for j := range z {
			zj, yj := z[j:j+1], y[j:j+1]
			value += l.Value(zj, yj)
			if l.Grad(one, zj, yj); math.Abs(one[0]-g[j]) > 1e-15 {
				t.Errorf("output %d of %d: gradient %g, alone %g", j, k, g[j], one[0])
			}
			conj += l.Conj(one, yj)
			if gap := l.Value(zj, yj) + l.Conj(one, yj) - one[0]*zj[0]; math.Abs(gap) > 1e-14*(1+math.Abs(zj[0])) {
				t.Errorf("Fenchel-Young at z = %g, t = %g: gap %g", zj[0], yj[0], gap)
			}
		}
		if got := l.Value(z, y); math.Abs(got-value) > 1e-13*value {
			t.Errorf("%d outputs: %.17g, one by one %.17g", k, got, value)
		}
		if got := l.Conj(g, y); math.Abs(got-conj) > 1e-13*math.Abs(conj) {
			t.Errorf("%d outputs: conjugate %.17g, one by one %.17g", k, got, conj)
		}
		for j, p := range predicted(l, z) {
			if math.Abs(p-y[j]-g[j]) > 1e-15 {
				t.Errorf("z = %g predicts %g; the gradient is %g for the target %g", z[j], p, g[j], y[j])
			}
		}
	}
}

func predicted(l Predictor, z []float64) []float64 {
	p := make([]float64, len(z))
	l.Predict(p, z)
	return p
}

// TestInfiniteOutputs: an output that is infinitely right costs nothing, and no target
// between 0 and 1 can be so.
func TestInfiniteOutputs(t *testing.T) {
	var l BinaryLogistic
	inf := math.Inf(1)
	for _, c := range []struct{ z, y, want float64 }{
		{inf, 1, 0}, {-inf, -1, 0}, {-inf, 0, 0}, {inf, 0, inf}, {-inf, 1, inf}, {inf, 0.5, inf}, {-inf, 0.5, inf}, {0, 0.3, math.Ln2},
	} {
		if got := l.Value([]float64{c.z}, []float64{c.y}); got != c.want {
			t.Errorf("z = %g, target %g: %g, want %g", c.z, c.y, got, c.want)
		}
	}
	if v := l.Value([]float64{2}, []float64{math.NaN()}); !math.IsNaN(v) {
		t.Errorf("a target that is NaN gives %g", v)
	}
}
