package oracles

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// fakeGram is a K of given numbers.
type fakeGram struct{ k tensor.Matrix[float64] }

func (g fakeGram) Mul(u, v tensor.Matrix[float64]) Counters {
	tensor.Gemv(nil, g.k, v.Flat(), u.Flat())
	return Counters{}
}
func (g fakeGram) Form() (tensor.Matrix[float64], Counters) { return g.k, Counters{} }
func (g fakeGram) Blocks() (tensor.Matrix[float64], Counters) {
	panic("oracles: the blocks of a fake K")
}

// solveWith solves the system of one output with L = I, gamma'/m = c and a K, for ones. The reason
// ends with the jitter of the system, if there is one.
func solveWith(k tensor.Matrix[float64], c float64) (x []float64, s Solution) {
	n := k.Rows
	mat := func() tensor.Matrix[float64] { return tensor.New[float64](n, 1) }
	ones, b := mat(), make([]float64, n)
	for i := range n {
		ones.Flat()[i], b[i] = 1, 1
	}
	sys := System{K: fakeGram{k}, GammaOverM: c, factor: ggnFactor{losses.Weighted{Loss: losses.Squared{}}, ones}, v: mat(), u: mat(), kx: mat(), descent: descent{math.Inf(-1), 1}}
	x = make([]float64, n)
	s = Solvers.Default("cholesky").Must().Abilities().System(n, 1, 1, nil).Solve(&sys, x, b, Stop{Iterations: 1})
	if sys.jittered {
		s.Reason += Jitter
	}
	return x, s
}

// TestCholeskySystems: systems of no unknown and of one, singular, indefinite by rounding and for
// good, and not finite. Whatever is returned is finite, and its residual is that of A.
func TestCholeskySystems(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	of := func(v ...float64) tensor.Matrix[float64] {
		n := int(math.Sqrt(float64(len(v))))
		return tensor.View(n, n, v)
	}
	for name, c := range map[string]struct {
		k      tensor.Matrix[float64]
		c      float64
		reason string
	}{
		"none":                   {of(), 1, StoppedExact},
		"one":                    {of(3), 1, StoppedExact},
		"zero":                   {of(0, 0, 0, 0), 1, StoppedExact},
		"singular K":             {of(1, 1, 1, 1), 1, StoppedExact},
		"singular A":             {of(0, 1, 1, 0), 1, StoppedExact + Jitter},
		"zero A":                 {of(-1), 1, StoppedIndefinite},
		"rounding":               {of(1, 1+1e-12, 1+1e-12, 1), 1e13, StoppedExact + Jitter},
		"rounding in float32":    {of(1, 1+1e-7, 1+1e-7, 1), 1e13, StoppedExact + Jitter},
		"indefinite":             {of(1, 2, 2, 1), 100, StoppedIndefinite},
		"NaN":                    {of(1, nan, nan, 1), 1, StoppedNonFinite},
		"infinite":               {of(inf, 0, 0, 1), 1, StoppedNonFinite},
		"infinite and off":       {of(1, inf, inf, 1), 1, StoppedNonFinite},
		"infinite by gamma":      {of(1e200, 0, 0, 1), 1e200, StoppedNonFinite},
		"negatively infinite":    {of(-inf, 0, 0, 1), 1, StoppedNonFinite},
		"NaN of one":             {of(nan), 1, StoppedNonFinite},
		"the residual overflows": {of(1e308, -1e308, -1e308, 1e308), 1, StoppedNonFinite},
	} {
		x, s := solveWith(c.k, c.c)
		if s.Reason != c.reason {
			t.Errorf("%s: %v, want %s", name, s, c.reason)
		}
		var square float64
		for i, v := range x {
			if !finite(v) {
				t.Errorf("%s: x = %v", name, x)
			}
			if strings.HasPrefix(c.reason, StoppedExact) {
				r := 1 - v - c.c*dot(c.k.Row(i), x)
				square += r * r
			} else if v != 0 || s.Vector[i] != 1 {
				t.Errorf("%s: refused, with x = %v and the residual %v", name, x, s.Vector)
			}
		}
		if want := math.Sqrt(square); math.Abs(s.Residual-want) > 1e-12*(1+want) && strings.HasPrefix(c.reason, StoppedExact) {
			t.Errorf("%s: the residual is %g, reported as %g", name, want, s.Residual)
		}
	}
}

// TestJitter: where products in float32 make a system indefinite, the direction is still that of
// a solve: finite, downhill, and by P better than the best multiple of the gradient step; the
// reason tells the jitter. In float64 and at a gamma of 1e4, which multiplies rounding errors to far
// less than 1, there is none.
func TestJitter(t *testing.T) {
	jittered := 0
	for _, name := range []string{"logistic", "squared"} {
		loss := losses.Known.Default(name).Must()
		config := combo{oracle: "gauss_newton", formulation: "dual", solver: "cholesky", lossName: name, loss: loss}
		for seed := range uint64(12) {
			const m = 80 // m k is more than the weights, so that K is singular
			n, p, x := drawBatch[float32](loss, m, seed, nil)
			q := widened(n, p, x)
			exact := New[float64](config.must("inner_iterations: 1", "gamma: 1e4"), Site{Loss: loss, Dims: n.Dims(m)})
			if r := exact.Direction(make([]float64, n.NumParams()), q); r.StopReason != StoppedExact {
				t.Errorf("%s, seed %d, in float64 and at gamma 1e4: %s", name, seed, r.StopReason)
			}
			for _, gamma := range []float64{1e6, 1e8, 1e10, 1e12} {
				o := New[float32](config.must("inner_iterations: 1", fmt.Sprintf("gamma: %g", gamma)), Site{Loss: loss, Dims: n.Dims(m)})
				d, wide := make([]float32, n.NumParams()), make([]float64, n.NumParams())
				r := o.Direction(d, p)
				tensor.Convert(wide, d)
				g := gradientOf(q, 0)
				slope := dot(g, wide)
				at := func(d []float64, tau float64) float64 {
					x := slices.Clone(d)
					tensor.Scale(nil, tau, x)
					return primalOf(config, q, x, gamma, 0)
				}
				start, one := at(g, 0), at(g, -1)
				curvature := at(g, -2) - 2*one + start
				gradient := start - math.Pow(one-start-curvature/2, 2)/(2*curvature)
				if found := at(wide, 1); !(found < gradient) {
					t.Errorf("seed %d, gamma %g: P falls from %g to %g, along the gradient to %g", seed, gamma, start, found, gradient)
				}
				say := fmt.Sprintf("%s, seed %d, gamma %g (%s after %d)", name, seed, gamma, r.StopReason, r.InnerIterations)
				if r.StopReason == StoppedIndefinite {
					t.Errorf("%s: not solved", say)
				}
				if !(slope < 0) {
					t.Errorf("%s: the slope is %g", say, slope)
				}
				if r.StopReason == StoppedExact+Jitter {
					jittered++
				}
			}
		}
	}
	if jittered == 0 {
		t.Error("no system was indefinite")
	}
}

// indefiniteGram is a Gram matrix that rounding has spoilt: products with it are those with k, and
// only Jᵀ alpha is what it was.
type indefiniteGram struct {
	Gram[float64]
	k tensor.Matrix[float64]
}

func (g indefiniteGram) Mul(u, v tensor.Matrix[float64]) Counters { return fakeGram{g.k}.Mul(u, v) }
func (g indefiniteGram) Form() (tensor.Matrix[float64], Counters) { return fakeGram{g.k}.Form() }

// TestJitterAndNoDecrease: where the systems of prox-linear were indefinite by rounding, and no step
// lowers P, the reason tells both, the gradient step is measured, and Levenberg-Marquardt shrinks
// gamma, however well that step is predicted.
func TestJitterAndNoDecrease(t *testing.T) {
	const m, gamma = 7, 1e-2
	loss := losses.Known.Default("squared").Must()
	n, p := newProblem[float64](loss, m, nil)
	config := combo{oracle: "prox_linear", formulation: "dual", solver: "cholesky", lossName: "squared", loss: loss}
	o := config.bind(n, m, fmt.Sprintf("gamma: {levenberg_marquardt: {initial: %g}}", gamma)).(*newtonProx[float64])
	f := p.Gradient.Outputs()
	g := tensor.New[float64](f.Rows, f.Cols)
	for i := range f.Rows {
		loss.Grad(g.Row(i), f.Row(i), p.Gradient.Targets.Row(i))
	}
	// A = I - (1 + 1e-9) g gᵀ/|g|² has an eigenvalue that is hardly below 0, and K g points uphill.
	v := g.Flat()
	k := tensor.New[float64](len(v), len(v))
	for i := range v {
		for j := range v {
			k.Set(i, j, -(1+1e-9)*m/gamma*v[i]*v[j]/dot(v, v))
		}
	}
	o.gram = indefiniteGram{o.gram, k}
	r := o.Direction(make([]float64, n.NumParams()), p)
	if want := StoppedNoDecrease + Jitter; r.StopReason != want {
		t.Errorf("the solve ended by %s, want %s", r.StopReason, want)
	}
	if !(r.Slope < 0) || !(r.ModelChange < 0) {
		t.Errorf("the slope is %g, the change of the model %g", r.Slope, r.ModelChange)
	}
	if got := o.gamma.at(p.Time); !(got < gamma) {
		t.Errorf("gamma goes from %g to %g", gamma, got)
	}
}

// TestSingular: a gamma that the precision does not resolve is told with its numbers, and no other is.
func TestSingular(t *testing.T) {
	for formulation, m := range map[string]int{"dual": 60, "primal": 9} { // m k above p, and below
		told := 0
		for seed := range uint64(3) {
			n, p := drawProblem[float32](losses.Squared{}, m, seed, nil)
			at := func(gamma float64) Report {
				c := combo{"gauss_newton", formulation, "cholesky", "", losses.Squared{}, "squared"}
				o := New[float32](c.must("inner_iterations: 1", fmt.Sprintf("gamma: %g", gamma)), Site{Loss: losses.Squared{}, Dims: n.Dims(m)})
				return o.Direction(make([]float32, n.NumParams()), p)
			}
			if r := at(10); r.Singular.Unknowns != 0 {
				t.Errorf("%s, gamma 10: %v", formulation, r.Singular)
			}
			r := at(1e20)
			s := r.Singular
			if s.Unknowns == 0 {
				if strings.HasSuffix(r.StopReason, Jitter) {
					t.Errorf("%s: %s, and nothing told", formulation, r.StopReason)
				}
				continue
			}
			told++
			if s.Gamma != 1e20 || !(s.Delta > 0) || !(s.Resolved() < 1e12 && s.Resolved() > 1) || !(s.Least <= 1) || s.Failed {
				t.Errorf("%s: %+v, resolved %g", formulation, s, s.Resolved())
			}
			for _, want := range []string{"gamma 1e+20", "singular in float32", "was added to its diagonal", "precision: float64"} {
				if !strings.Contains(s.String(), want) {
					t.Errorf("%q has no %q", s, want)
				}
			}
		}
		if told == 0 {
			t.Errorf("%s: no system was singular", formulation)
		}
	}
}
