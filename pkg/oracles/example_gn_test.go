package oracles

import (
	"fmt"
	"math"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// scalarsOf returns, for a problem, the rows J_iᵀ n_i, phi_i, theta_i and |n_i|² from their
// definitions with the explicit Jacobian.
func scalarsOf(p *Subproblem[float64]) (rows tensor.Matrix[float64], phi []losses.Scalar, theta, squares []float64) {
	jac, z := jacobianOf(&p.Gradient), p.Gradient.Outputs()
	k := z.Cols
	rows = tensor.New[float64](z.Rows, jac.Cols)
	n := make([]float64, k)
	for i := range z.Rows {
		f, t, _ := losses.ScalarOf(p.Loss, n, z.Row(i), p.Gradient.Targets.Row(i))
		phi, theta, squares = append(phi, f), append(theta, t), append(squares, dot(n, n))
		for j, v := range n {
			axpy(v, jac.Row(i*k+j), rows.Row(i))
		}
	}
	return rows, phi, theta, squares
}

// posed returns the problem of a trial, with weights from the third on, and the oracle of a config.
func posed(t *testing.T, text string, l losses.Loss, m, trial int) (*nn.Net, *Subproblem[float64], Oracle[float64]) {
	t.Helper()
	spec, err := parse(text)
	if err == nil {
		err = spec.Check(l)
	}
	if err != nil {
		t.Fatal(text, err)
	}
	n, p := drawProblem[float64](l, m, uint64(trial), nil)
	if trial > 1 {
		weigh(p, 3)
	}
	return n, p, New[float64](spec, Site{Loss: l, Dims: n.Dims(m)})
}

// TestExampleUnknowns: with one unknown for each example the direction is that of a dense
// solve with the curvature that is asked for, for every loss, weights, weight decay and
// momentum; prox_linear minimises the loss of one number for each. Both descend for every
// gamma, in every form of K.
func TestExampleUnknowns(t *testing.T) {
	const m = 7
	for _, known := range knownLosses() {
		name, l := known.name, known.loss
		for _, kind := range []string{major, minorant, identity, "prox"} {
			if kind != "prox" && !curved(l) {
				continue
			}
			for trial, gamma := range []float64{1e-3, 0.5, 30, 1e4} {
				mu, beta := []float64{0, 0.1}[trial%2], []float64{0, 0, 0.8}[trial%3]
				for _, form := range append([]Form{AutoForm}, Forms...) {
					text := fmt.Sprintf("{kind: gauss_newton, unknowns: example, curvature: {kind: %s}", kind)
					if kind == "prox" {
						text = "{kind: prox_linear, unknowns: example"
					}
					text += fmt.Sprintf(", inner_iterations: 400, tolerance: 1e-14, gamma: %g, weight_decay: %g, momentum: %g, gram: %s}", gamma, mu, beta, form)
					n, p, o := posed(t, text, l, m, trial)
					d, prev := make([]float64, n.NumParams()), make([]float64, n.NumParams())
					for step := range 2 {
						r := o.Direction(d, p)
						r = o.Complete(true)
						rows, phi, theta, squares := scalarsOf(p)
						gradF := gradientOf(p, mu)
						slope := dot(gradF, d)
						scale := math.Sqrt(dot(gradF, gradF) * dot(d, d))
						if !(math.Abs(r.Slope-slope) <= 1e-8*scale+1e-12) || beta == 0 && dot(gradF, gradF) > 0 && !(slope < 0) {
							t.Fatalf("%s, %s: slope %g, reported %g (%s)", name, text, slope, r.Slope, r.StopReason)
						}
						// The gradient of the restricted model at d is 0.
						left := make([]float64, len(d))
						for i := range m {
							u := dot(rows.Row(i), d)
							e := phi[i].Slope(theta[i])
							switch kind {
							case major:
								e += phi[i].Majorizer(theta[i]) * u
							case minorant:
								e += phi[i].Curvature(theta[i]) * u
							case identity:
								if squares[i] > 0 {
									e += u / squares[i]
								}
							default:
								e = phi[i].Slope(theta[i] + u)
							}
							axpy(weightOf(p, i)*e/m, rows.Row(i), left)
						}
						w := p.Gradient.Weights()
						for i := range left {
							left[i] += (d[i]-beta*prev[i])/gamma + mu*(w[i]+d[i])
						}
						if size := tensor.Norm2(nil, left); size > 1e-7*(tensor.Norm2(nil, gradF)+1e-9) {
							t.Fatalf("%s, %s, step %d: the gradient of the model is %.2g at d (%s after %d)", name, text, step, size, r.StopReason, r.InnerIterations)
						}
						copy(prev, d)
					}
				}
			}
		}
	}
}

// TestExampleUnknownsByLayers: with one unknown for each example and blocks: layers the direction is
// that of dense solves, for each layer, with the rows J_iᵀ n_i and the curvature of their numbers; it
// descends without momentum.
func TestExampleUnknownsByLayers(t *testing.T) {
	const m = 7
	for _, known := range knownLosses() {
		name, l := known.name, known.loss
		if !curved(l) {
			continue
		}
		for _, kind := range []string{major, minorant, identity} {
			for trial, gamma := range []float64{1e-3, 0.5, 30, 1e4} {
				mu, beta := []float64{0, 0.1}[trial%2], []float64{0, 0, 0.8}[trial%3]
				text := fmt.Sprintf("{kind: gauss_newton, unknowns: example, curvature: {kind: %s, blocks: layers}, solver: cholesky, inner_iterations: 1, gamma: %g, weight_decay: %g, momentum: %g}", kind, gamma, mu, beta)
				n, p, o := posed(t, text, l, m, trial)
				d, prev := make([]float64, n.NumParams()), make([]float64, n.NumParams())
				for step := range 2 {
					r := o.Direction(d, p)
					rows, phi, theta, squares := scalarsOf(p)
					for i := range m {
						curve := 0.0
						switch {
						case kind == major:
							curve = phi[i].Majorizer(theta[i])
						case kind == minorant:
							curve = phi[i].Curvature(theta[i])
						case squares[i] > 0:
							curve = 1 / squares[i]
						}
						tensor.Scale(nil, math.Sqrt(curve*weightOf(p, i)), rows.Row(i))
					}
					want := denseStep(rows, m, gradientOf(p, 0), p.Gradient.Weights(), prev, gamma, mu, beta, layersOf(n))
					if away := distance(d, want); away > 1e-9 {
						t.Errorf("%s, %s, step %d: %.2g away (%s)", name, text, step, away, r.StopReason)
					}
					if slope := dot(gradientOf(p, mu), d); beta == 0 && slope > 0 || math.Abs(r.Slope-slope) > 1e-8*(math.Abs(slope)+1e-12) {
						t.Errorf("%s, %s: slope %g, reported %g", name, text, slope, r.Slope)
					}
					copy(prev, d)
				}
			}
		}
	}
}

// TestCertificate: D of the restricted model is below the minimum of the full one, which is
// below P(d), for minorants; nothing else claims a gap.
func TestCertificate(t *testing.T) {
	for _, known := range knownLosses() {
		name, l := known.name, known.loss
		if !curved(l) {
			continue
		}
		for _, kind := range []string{minorant, "prox", major} {
			for _, gamma := range []float64{0.1, 1, 10, 1000} {
				oracle, options := "gauss_newton", fmt.Sprintf("solver: cholesky, gamma: %g, inner_iterations: 100, tolerance: 1e-13", gamma)
				one := options + ", unknowns: example"
				if kind == "prox" {
					oracle = "prox_linear"
				} else {
					one += ", curvature: {kind: " + kind + "}"
				}
				if kind == "prox" && !smooth(l) {
					continue
				}
				report := func(options string) Report {
					spec, err := parse("{kind: " + oracle + ", " + options + "}")
					if err != nil {
						t.Fatal(err)
					}
					n, p := newProblem[float64](l, 6, nil)
					o := New[float64](spec, Site{Loss: l, Dims: n.Dims(6)})
					o.Direction(make([]float64, n.NumParams()), p)
					return o.Complete(true)
				}
				r, full := report(one), report(options)
				if certified := kind != major && (name == "logistic" || name == "squared" || name == "binary_logistic of labels"); !certified {
					if !math.IsNaN(r.Gap) {
						t.Errorf("%s, %s claims a gap of %g", name, kind, r.Gap)
					}
					continue
				}
				tol := 1e-9 * (1 + math.Abs(full.Primal))
				if !(r.Dual() <= full.Primal+tol && full.Primal <= r.Primal+tol) {
					t.Errorf("%s, %s, gamma %g: D %g, P* %g, P(d) %g", name, kind, gamma, r.Dual(), full.Primal, r.Primal)
				}
				if name == "binary_logistic of labels" && !(r.Gap < 1e-8) { // one output: nothing is restricted
					t.Errorf("%s, %s, gamma %g: the gap is %g", name, kind, gamma, r.Gap)
				}
			}
		}
	}
}

// TestMomentum: with all unknowns, too, the direction minimises the model about beta times the
// direction of the call before, in every form of K and with every solver of the dual, and a
// direction that does not descend is reported as such.
func TestMomentum(t *testing.T) {
	const m, beta, gamma, mu = 6, 0.9, 2.0, 0.05
	served, _ := combos()
	ascends := 0
	for _, c := range served {
		if c.formulation != "dual" {
			continue
		}
		spec, err := c.spec("inner_iterations: 20000", "tolerance: 1e-13", fmt.Sprint("momentum: ", beta), fmt.Sprint("gamma: ", gamma), fmt.Sprint("weight_decay: ", mu))
		if err != nil {
			t.Fatal(err)
		}
		n, p := newProblem[float64](c.loss, m, nil)
		o := New[float64](spec, Site{Loss: c.loss, Dims: n.Dims(m)})
		d, prev := make([]float64, n.NumParams()), make([]float64, n.NumParams())
		for step := range 6 {
			o.Direction(d, p)
			r := o.Complete(true)
			gradF := gradientOf(p, mu)
			slope := dot(gradF, d)
			if scale := math.Sqrt(dot(gradF, gradF)*dot(d, d)) + 1e-12; math.Abs(r.Slope-slope) > 1e-7*scale {
				t.Fatalf("%v, step %d: slope %g, reported %g", c, step, slope, r.Slope)
			}
			at := func(x []float64) float64 { // P
				v := primalOf(c, p, x, 1e300, mu)
				for i := range x {
					v += (x[i] - beta*prev[i]) * (x[i] - beta*prev[i]) / (2 * gamma)
				}
				return v
			}
			best := at(d)
			if math.Abs(r.Primal-best) > 1e-8*(1+math.Abs(best)) || !(math.Abs(r.Gap) < 1e-7*(1+math.Abs(best))) {
				t.Fatalf("%v, step %d: P is %g, reported %g with a gap of %g (%s)", c, step, best, r.Primal, r.Gap, r.StopReason)
			}
			e := make([]float64, len(d))
			for i := range 12 { // moves of some weights each, there and back
				copy(e, d)
				for j := i / 2; j < len(e); j += 6 {
					e[j] += []float64{1e-3, -1e-3}[i%2] * math.Cos(float64(i*j))
				}
				if v := at(e); v < best-1e-10*(1+math.Abs(best)) {
					t.Fatalf("%v, step %d: %.15g beside the minimum %.15g (%s)", c, step, v, best, r.StopReason)
				}
			}
			copy(prev, d)
		}
		// About a direction uphill the minimum may be uphill too.
		up := o.(Stateful).State()
		for i, g := range gradientOf(p, mu) {
			up[statePrevious][i] = 1e3 * g
		}
		if err := o.(Stateful).Restore(up); err != nil {
			t.Fatal(err)
		}
		if r := o.Direction(d, p); r.Slope > 0 && dot(gradientOf(p, mu), d) > 0 {
			ascends++
		}
	}
	if ascends == 0 {
		t.Error("no direction about one uphill is uphill")
	}
}

// TestMomentumState: a state of another length is refused, and no momentum refuses one.
func TestMomentumState(t *testing.T) {
	l := losses.Known.Default("squared").Must()
	n, p := newProblem[float64](l, 4, nil)
	spec, err := parse("{kind: gauss_newton, momentum: 0.5}")
	if err != nil {
		t.Fatal(err)
	}
	o := New[float64](spec, Site{Loss: l, Dims: n.Dims(4)})
	o.Direction(make([]float64, n.NumParams()), p)
	if err := o.(Stateful).Restore(map[string][]float64{statePrevious: {1}}); err == nil {
		t.Error("a previous direction of one number is taken")
	}
	if err := o.(Stateful).Restore(map[string][]float64{}); err == nil {
		t.Error("a state without it is taken")
	}
}
