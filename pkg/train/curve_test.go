package train

import (
	"math"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/tensor"
)

// bent is a method whose steps follow curves, with a learning rate of 0.7.
func bent(t *testing.T, lineSearch string) *trainer[float64] {
	c := parse(t, toy, "precision=float64", "model.activation=tanh",
		"methods.SGD.oracle={kind: gauss_newton, solver: cholesky, gamma: 0.5, acceleration: geodesic}",
		"methods.SGD.optimizer={kind: sgd, learning_rate: 0.7}", "methods.SGD.line_search="+lineSearch)
	return newTrainer[float64](Training{Problem: opened(t, c), Method: &c.Methods[0], Seed: 0}, nil)
}

// TestCurveOfStep: a step of length eta adds eta u + (c eta)² a, with u = c d, and eta u where the
// curve is too bent.
func TestCurveOfStep(t *testing.T) {
	for _, line := range []bool{false, true} {
		tr := bent(t, "none")
		w := slices.Clone(tr.w)
		if line {
			tr.direct() // its acceleration is made too large
			a := tr.accelerated.Acceleration()
			tensor.Scale(nil, 2*tensor.Norm2(nil, tr.d)/tensor.Norm2(nil, a), a)
			tr.update()
		} else {
			tr.advance()
		}
		d, a, want := tr.d, tr.accelerated.Acceleration(), slices.Clone(w)
		if a == nil || tensor.Norm2(nil, a) == 0 {
			t.Fatal("there is no acceleration")
		}
		for j := range want {
			want[j] += 0.7 * d[j]
			if !line {
				want[j] += 0.7 * 0.7 * a[j]
			}
			if math.Abs(tr.w[j]-want[j]) > 1e-14 {
				t.Fatalf("line %t: weight %d is %.17g, want %.17g", line, j, tr.w[j], want[j])
			}
		}
	}
}

// TestCurveLimit: the grid's longest steps are by the line, and shorter ones by the curve.
func TestCurveLimit(t *testing.T) {
	tr := bent(t, "grid")
	tr.direct()
	a := tr.accelerated.Acceleration()
	// The second term is that much of the first at eta = 1/2.
	tensor.Scale(nil, 0.375*tensor.Norm2(nil, tr.d)/(0.5*0.7*tensor.Norm2(nil, a)), a)
	tr.lineSearch = looks{t, tr}
	tr.update()
}

type looks struct {
	t  *testing.T
	tr *trainer[float64]
}

func (looks) State() []*float64 { return nil }

func (l looks) Search(phi optim.Objective) float64 {
	for eta, curved := range map[float64]bool{0.25: true, 0.499: true, 0.501: false, 1: false} {
		v := make([]float64, len(l.tr.u))
		tensor.Axpy(nil, eta, l.tr.u, v)
		if curved {
			tensor.Axpy(nil, 0.7*0.7*eta*eta, l.tr.accelerated.Acceleration(), v)
		}
		want := l.tr.losses.Mean(l.tr.lin.OutputsAt(1, v), l.tr.y)
		if got := phi.At(eta); math.Abs(got-want) > 1e-13*want {
			l.t.Errorf("phi(%g) = %.16g, want %.16g (curved: %t)", eta, got, want, curved)
		}
	}
	return 0
}
