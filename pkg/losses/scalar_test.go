package losses

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestScalars: every registered loss, as a function of one number, has the value and the
// gradient that it has; a minorant is nowhere above the loss, and a majorizer nowhere below
// phi; curvature and conjugate are those of phi.
func TestScalars(t *testing.T) {
	minorants := map[string]bool{"logistic/0 of 4": true, "binary_logistic/0 of 1": true, "squared/0 of 1": true, "squared/0 of 4": true}
	for name, l := range all(t) {
		for _, k := range []int{1, 4} {
			checkScalar(t, fmt.Sprintf("%s of %d", name, k), l, k, minorants)
		}
	}
}

func checkScalar(t *testing.T, name string, l Loss, k int, minorants map[string]bool) {
	rng := rand.New(rand.NewPCG(3, 4))
	for trial := range 300 {
		z, y := l.Sample(rng, k)
		for j := range z {
			z[j] *= math.Pow(10, float64(trial%4)-1)
		}
		n, g := make([]float64, len(z)), make([]float64, len(z))
		phi, theta, minorant := ScalarOf(l, n, z, y)
		l.Grad(g, z, y)
		value := l.Value(z, y)
		if minorant != minorants[name] {
			t.Fatalf("%s: minorant is %v", name, minorant)
		}
		if got := phi.Value(theta); math.Abs(got-value) > 1e-12*(1+value) {
			t.Fatalf("%s at %v: phi is %g, the loss %g", name, z, got, value)
		}
		e := phi.Slope(theta)
		for j := range g {
			if math.Abs(e*n[j]-g[j]) > 1e-12*(1+math.Abs(g[j])) {
				t.Fatalf("%s at %v: phi' n is %g in place of %g", name, z, e*n[j], g[j])
			}
		}
		for range 10 {
			u := normal(rng, len(z))
			by := math.Pow(10, 4*rng.Float64()-2)
			v := by * dot(n, u)
			if low, high := phi.Value(theta+v), l.Value(along(z, by, u), y); minorant && low > high+1e-10*(1+high) {
				t.Fatalf("%s at %v: phi is %g above %g", name, z, low, high)
			}
			if low, high := phi.Value(theta+v), phi.Value(theta)+e*v+phi.Majorizer(theta)*v*v/2; low > high+1e-10*(1+math.Abs(high)) {
				t.Fatalf("%s: phi(%g + %g) is %g, above the parabola's %g", name, theta, v, low, high)
			}
		}
		const h = 1e-4
		if c, d := phi.Curvature(theta), (phi.Slope(theta+h)-phi.Slope(theta-h))/(2*h); math.Abs(c-d) > 1e-6 {
			t.Fatalf("%s at %g: phi'' is %g, differences say %g", name, theta, c, d)
		}
		// Fenchel and Young, with equality at the slope.
		if gap := phi.Value(theta) + phi.Conj(e) - e*theta; math.Abs(gap) > 1e-9*(1+math.Abs(theta)) {
			t.Fatalf("%s at %g: phi + phi* - e theta is %g", name, theta, gap)
		}
	}
}

// TestScalarMargin: a logistic loss's n is e_y minus a distribution over the other classes,
// and a soft target, or a loss of 0, has no direction of its own.
func TestScalarMargin(t *testing.T) {
	n := make([]float64, 3)
	phi, theta := Logistic{}.Scalar(n, []float64{2, -1, 0.5}, []float64{0, 1, 0})
	want := -1 - math.Log(math.Exp(2)+math.Exp(0.5))
	if _, ok := phi.(Margin); !ok || math.Abs(theta-want) > 1e-14 || n[1] != 1 || math.Abs(n[0]+n[2]+1) > 1e-15 {
		t.Errorf("theta is %g, not %g; n is %v", theta, want, n)
	}
	if phi, _ := (Logistic{}).Scalar(n, []float64{2, -1, 0.5}, []float64{0.5, 0.5, 0}); phi != nil {
		t.Error("a soft target has a margin")
	}
	phi, theta, minorant := ScalarOf(Logistic{}, n, []float64{2, -1, 0.5}, []float64{0.5, 0.5, 0})
	if _, ok := phi.(HalfSquare); !ok || minorant || math.Abs(theta*theta/2-(Logistic{}).Value([]float64{2, -1, 0.5}, []float64{0.5, 0.5, 0})) > 1e-14 {
		t.Errorf("a soft target has %T at %g, %v", phi, theta, minorant)
	}
	for _, l := range []Loss{Squared{}, Huber{Delta: 1}, SquaredHinge{}} {
		k := 1
		_, theta, _ := ScalarOf(l, n[:k], []float64{1}, []float64{1})
		if theta != 0 || n[0] != 0 {
			t.Errorf("%T at a loss of 0: theta %g, n %v", l, theta, n[:k])
		}
	}
	if c := (Margin{}).Majorizer(0); c != 0.25 {
		t.Errorf("the majorizer at 0 is %g", c)
	}
	for _, theta := range []float64{9.99e-5, 1.001e-4, -9.99e-5} { // where the series ends
		if a, b := (Margin{}).Majorizer(theta), math.Tanh(theta/2)/(2*theta); math.Abs(a-b) > 1e-12 {
			t.Errorf("the majorizer at %g is %g, not %g", theta, a, b)
		}
	}
}
