package oracles

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// geodesicSpec is Gauss-Newton with acceleration and more options.
func geodesicSpec(t *testing.T, options ...string) Spec {
	t.Helper()
	s, err := parse("{kind: gauss_newton, solver: cholesky, acceleration: geodesic" + strings.Join(append([]string{""}, options...), ", ") + "}")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// alongOf are the JVPs of d at w + eta d.
func alongOf(p *Subproblem[float64], eta float64, d []float64) tensor.Matrix[float64] {
	z := p.Gradient.Outputs()
	u := tensor.New[float64](z.Rows, z.Cols)
	p.Gradient.Jacobian.(*nn.Linearization[float64]).At(eta, d).JVP(u, d)
	return u
}

// TestAcceleration compares a with ((1/m) Jᵀ H J + I/gamma') a = -(1/m) Jᵀ H c solved densely, where
// c, half the second derivative of the outputs along d, is made of differences of JVPs, with every loss
// that has a curvature, weights of examples, weight decay and momentum.
func TestAcceleration(t *testing.T) {
	for _, l := range knownLosses() {
		if !curved(l.loss) {
			continue
		}
		for _, mu := range []float64{0, 0.3} {
			const gamma = 0.2
			name := fmt.Sprintf("%s, weight decay %g", l.name, mu)
			n, p := newProblem[float64](l.loss, 5, nil)
			weigh(p, 3)
			spec := geodesicSpec(t, fmt.Sprintf("gamma: %g, weight_decay: %g, momentum: 0.5", gamma, mu))
			d := make([]float64, n.NumParams())
			o := New[float64](spec, Site{Loss: l.loss, Dims: n.Dims(5)})
			for call := range 2 { // the second with a direction before it
				o.Direction(d, p)
				got := o.(Accelerated[float64]).Acceleration()
				if got == nil {
					t.Fatalf("%s: no acceleration", name)
				}
				const h = 1e-4
				plus, minus := alongOf(p, h, d), alongOf(p, -h, d)
				c := tensor.New[float64](plus.Rows, plus.Cols)
				for i := range c.Flat() {
					c.Flat()[i] = (plus.Flat()[i] - minus.Flat()[i]) / (4 * h)
				}
				jac, m := jacobianOf(p.Gradient.Jacobian), float64(c.Rows)
				factor := ggnFactor{p.losses(), tensor.New[float64](c.Rows, c.Cols)}
				factor.set(p.Gradient.Outputs(), p.Gradient.Targets)
				row, times := make([]float64, c.Cols), tensor.New[float64](c.Rows, c.Cols)
				hessian := func(v []float64) []float64 { // H v
					at := tensor.New[float64](c.Rows, c.Cols)
					copy(at.Flat(), v)
					factor.hessian(times, at, row)
					return slices.Clone(times.Flat())
				}
				hc, column := hessian(c.Flat()), make([]float64, jac.Rows)
				hj := tensor.New[float64](jac.Rows, jac.Cols)
				for j := range jac.Cols {
					for r := range column {
						column[r] = jac.Row(r)[j]
					}
					for r, v := range hessian(column) {
						hj.Row(r)[j] = v
					}
				}
				a, b := tensor.New[float64](jac.Cols, jac.Cols), make([]float64, jac.Cols)
				for r := range jac.Rows {
					for j, v := range jac.Row(r) {
						axpy(v/m, hj.Row(r), a.Row(j))
					}
					axpy(-hc[r]/m, jac.Row(r), b)
				}
				for j := range a.Rows {
					a.Row(j)[j] += 1/gamma + mu
				}
				want := solveDense(a, b)
				// c is made with steps of a tenth of d: c + (h²/12) f''''(d, d, d, d)/2 + ...
				if away := distance(got, want); !(away < 2e-2) || tensor.Norm2(nil, want) == 0 {
					t.Errorf("%s, call %d: %.3g away from a dense solve", name, call, away)
				}
			}
		}
	}
}

// TestCurveStaysByItsTangent: with as many weights as it takes, outputs leave their tangent by
// eta³ along the curve, and by eta² along the line.
func TestCurveStaysByItsTangent(t *testing.T) {
	n, p := newProblem[float64](losses.Squared{}, 5, nil)
	d := make([]float64, n.NumParams())
	for i, z := range p.Gradient.Outputs().Flat() { // d is short, so that the error of c, of order |d|⁴, is small
		p.Gradient.Targets.Flat()[i] = z + p.Gradient.Targets.Flat()[i]/100
	}
	o := New[float64](geodesicSpec(t, "gamma: 1e8"), Site{Loss: p.Loss, Dims: n.Dims(5)})
	o.Direction(d, p)
	a := o.(Accelerated[float64]).Acceleration()
	z := p.Gradient.Outputs()
	jd := alongOf(p, 0, d)
	leaves := func(eta, bend float64) float64 {
		v := make([]float64, len(d))
		axpy(eta, d, v)
		axpy(bend*eta*eta, a, v)
		var sum float64
		for i, at := range p.Gradient.OutputsAt(1, v).Flat() {
			r := at - z.Flat()[i] - eta*jd.Flat()[i]
			sum += r * r
		}
		return math.Sqrt(sum)
	}
	const eta = 0.02
	for _, c := range []struct{ bend, order float64 }{{0, 2}, {1, 3}} {
		if order := math.Log2(leaves(2*eta, c.bend) / leaves(eta, c.bend)); math.Abs(order-c.order) > 0.1 {
			t.Errorf("with %g of the acceleration outputs leave their tangent by the power %.3f of eta, want %g", c.bend, order, c.order)
		}
	}
}

// TestNoAcceleration: a gradient step has none, and the acceleration changes no direction. It takes
// two forward passes and a VJP.
func TestNoAcceleration(t *testing.T) {
	n, p := newProblem[float64](losses.Squared{}, 5, nil)
	site := Site{Loss: p.Loss, Dims: n.Dims(5)}
	d, straightOn := make([]float64, n.NumParams()), make([]float64, n.NumParams())
	bent := New[float64](geodesicSpec(t, "gamma: 3"), site)
	line, err := parse("{kind: gauss_newton, solver: cholesky, inner_iterations: 1, gamma: 3}")
	if err != nil {
		t.Fatal(err)
	}
	with := bent.Direction(d, p)
	without := New[float64](line, site).Direction(straightOn, p)
	for j := range d {
		if d[j] != straightOn[j] {
			t.Fatalf("the acceleration changes weight %d of the direction from %g to %g", j, straightOn[j], d[j])
		}
	}
	if a, b := with.Counters, without.Counters; a.Forwards != b.Forwards+2 || a.VJPs != b.VJPs+1 || a.JVPs != b.JVPs || a.GramProducts != b.GramProducts || a.MultiplyAdds <= b.MultiplyAdds+2*p.Gradient.Dims().Forward {
		t.Errorf("it counts %+v, and without acceleration %+v", a, b)
	}
	zero := New[float64](geodesicSpec(t, "gamma: 3, inner_iterations: 0"), site)
	zero.Direction(d, p)
	if a := zero.(Accelerated[float64]).Acceleration(); a != nil {
		t.Errorf("a gradient step has the acceleration %v", a)
	}
}

// TestAdaptingCurve: levenberg_marquardt looks at the end of the curve. A trust between the ratio
// there and that of the line tells which of the two it was.
func TestAdaptingCurve(t *testing.T) {
	n, p := newProblem[float64](losses.Squared{}, 5, nil)
	d := make([]float64, n.NumParams())
	const initial = 0.3
	oracle := func(trust float64) *dualGN[float64] {
		lm := fmt.Sprintf("gamma: {levenberg_marquardt: {initial: %g, trust: %g, distrust: 0}}", initial, trust)
		o := New[float64](geodesicSpec(t, lm), Site{Loss: p.Loss, Dims: n.Dims(5)}).(*dualGN[float64])
		o.Direction(d, p)
		return o
	}
	o := oracle(0.9)
	a := o.Acceleration()
	if norm := tensor.Norm2(nil, a); norm > BendLimit*tensor.Norm2(nil, d) {
		t.Fatalf("the curve is too bent for the test: |a| = %g, |d| = %g", norm, tensor.Norm2(nil, d))
	}
	end := slices.Clone(d)
	axpy(1, a, end)
	predicted := o.Complete(false).ModelChange
	ratio := func(v []float64) float64 {
		return (meanOf(p, p.Gradient.OutputsAt(1, v)) - meanOf(p, p.Gradient.Outputs())) / predicted
	}
	line, curve := ratio(d), ratio(end)
	if !(line > 0 && curve > 0) || math.Abs(line-curve) < 1e-6 {
		t.Fatalf("the ratios are %g and %g", line, curve)
	}
	grows := oracle((line+curve)/2).gamma.current > initial
	if want := curve > line; grows != want {
		t.Errorf("gamma grows: %t, with the ratio %g along the line and %g along the curve", grows, line, curve)
	}
}

// TestNoFactor: where the Hessian is 0 there is no system, no factor and no acceleration, in the first
// call and in later ones of other systems.
func TestNoFactor(t *testing.T) {
	n, p := newProblem[float64](losses.Huber{Delta: 0.1}, 5, nil)
	y := p.Gradient.Targets
	site := Site{Loss: p.Loss, Dims: n.Dims(5)}
	d := make([]float64, n.NumParams())
	o := New[float64](geodesicSpec(t, "gamma: 3, weight_decay: 0.1"), site)
	for call, far := range []float64{100, 0, 100} {
		for i, z := range p.Gradient.Outputs().Flat() {
			y.Flat()[i] = z + far + 0.01
		}
		o.Direction(d, p)
		if a := o.(Accelerated[float64]).Acceleration(); (a != nil) != (far == 0) {
			t.Errorf("call %d, targets %g away: the acceleration has %d numbers", call, far, len(a))
		}
	}
}

// TestAccelerationErrors: what it does not go with says so, and what would do.
func TestAccelerationErrors(t *testing.T) {
	for options, want := range map[string]string{
		"acceleration: geodesik": `must be none or geodesic, got "geodesik"`,
		"acceleration: geodesic": "needs solver: cholesky",
		"acceleration: geodesic, solver: cholesky, formulation: primal":        "is for formulation: dual",
		"acceleration: geodesic, solver: cholesky, formulation: auto":          "is for formulation: dual",
		"acceleration: geodesic, solver: cholesky, unknowns: example":          "is for unknowns: all and the full curvature",
		"acceleration: geodesic, solver: cholesky, curvature: {kind: sampled}": "is for unknowns: all and the full curvature",
	} {
		doc, err := strict.Parse("c.yaml", []byte("{kind: gauss_newton, "+options+"}"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Known.Decode(doc.Root()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s says %v, want %s", options, err, want)
		}
	}
}
