package oracles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// quadratics is a model of a user's own, no network: the residuals
//
//	f_r(w) = a_r·w + (b_r·w)²/2 for r = i k + c,  with J_r = a_r + (b_r·w) b_r.
//
// It implements [Jacobian] and nothing besides, by an explicit J.
type quadratics struct {
	a, b       tensor.Matrix[float64] // m k x p
	w          []float64
	j          tensor.Matrix[float64] // m k x p
	out, trial tensor.Matrix[float64] // m x k
}

var _ Jacobian[float64] = (*quadratics)(nil)

func newQuadratics(m, k, p int, rng *rand.Rand) *quadratics {
	q := &quadratics{
		a: tensor.New[float64](m*k, p), b: tensor.New[float64](m*k, p), j: tensor.New[float64](m*k, p),
		out: tensor.New[float64](m, k), trial: tensor.New[float64](m, k), w: make([]float64, p),
	}
	for _, v := range [][]float64{q.a.Flat(), q.b.Flat(), q.w} {
		for i := range v {
			v[i] = rng.NormFloat64() / 2
		}
	}
	q.at(q.out, q.w)
	for r := range q.j.Rows {
		copy(q.j.Row(r), q.a.Row(r))
		axpy(dot(q.b.Row(r), q.w), q.b.Row(r), q.j.Row(r))
	}
	return q
}

func (q *quadratics) at(z tensor.Matrix[float64], w []float64) {
	for r := range z.Flat() {
		square := dot(q.b.Row(r), w)
		z.Flat()[r] = dot(q.a.Row(r), w) + square*square/2
	}
}

func (q *quadratics) Dims() Dims {
	mk, p := q.j.Rows, q.j.Cols
	work := int64(mk) * int64(p)
	return Dims{Weights: p, Examples: q.out.Rows, Outputs: q.out.Cols, Forward: 2 * work, JVP: work, VJP: work}
}

func (q *quadratics) Weights() []float64              { return q.w }
func (q *quadratics) Outputs() tensor.Matrix[float64] { return q.out }

func (q *quadratics) OutputsAt(eta float64, d []float64) tensor.Matrix[float64] {
	w := append([]float64(nil), q.w...)
	axpy(eta, d, w)
	q.at(q.trial, w)
	return q.trial
}

func (q *quadratics) JVP(u tensor.Matrix[float64], d []float64) {
	for r := range u.Flat() {
		u.Flat()[r] = dot(q.j.Row(r), d)
	}
}

func (q *quadratics) VJP(d []float64, alpha tensor.Matrix[float64]) {
	clear(d)
	for r, v := range alpha.Flat() {
		axpy(v, q.j.Row(r), d)
	}
}

// modelGradient is the gradient of the oracle's own model at d, plus d/gamma and
// mu (w + d), with loops over the explicit J.
func modelGradient(oracle string, q *quadratics, l losses.Loss, y tensor.Matrix[float64], d []float64, gamma, mu float64) []float64 {
	m, k := y.Rows, y.Cols
	out := make([]float64, len(d))
	for i := range m {
		f, u, g := q.out.Row(i), make([]float64, k), make([]float64, k)
		for c := range k {
			u[c] = dot(q.j.Row(i*k+c), d)
		}
		l.Grad(g, f, y.Row(i))
		switch oracle {
		case "gauss_newton", "hessian_free": // g + H u, H by differences of the gradient
			const h = 1e-6
			up, down := make([]float64, k), make([]float64, k)
			for c := range k {
				up[c], down[c] = f[c]+h*u[c], f[c]-h*u[c]
			}
			gu, gd := make([]float64, k), make([]float64, k)
			l.Grad(gu, up, y.Row(i))
			l.Grad(gd, down, y.Row(i))
			for c := range k {
				g[c] += (gu[c] - gd[c]) / (2 * h)
			}
		case "prox_linear":
			axpy(1, f, u)
			l.Grad(g, u, y.Row(i))
		}
		for c := range k {
			axpy(g[c]/float64(m), q.j.Row(i*k+c), out)
		}
	}
	axpy(1/gamma, d, out)
	axpy(mu, q.w, out)
	axpy(mu, d, out)
	return out
}

// TestUserModel: every oracle, formulation and solver serves a Jacobian that is no
// network and knows no way to K but products: the gradient of its own model, from the
// explicit Jacobian, vanishes at the direction of a converged solve, and the gap with
// it. A kink in the loss has no such gradient; there the gap alone must vanish.
func TestUserModel(t *testing.T) {
	const m, p, gamma, mu = 6, 9, 0.7, 0.05
	served, _ := combos()
	for _, c := range served {
		t.Run(c.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			_, first := c.loss.Sample(rng, 3)
			k := len(first)
			y := tensor.New[float64](m, k)
			for i := range m {
				_, yi := c.loss.Sample(rng, k)
				copy(y.Row(i), yi)
			}
			q := newQuadratics(m, k, p, rng)
			problem := &Subproblem[float64]{Loss: c.loss, Gradient: Batch[float64]{Jacobian: q, Targets: y}}
			options := []string{fmt.Sprint("gamma: ", gamma), fmt.Sprint("weight_decay: ", mu), "inner_iterations: 4000"}
			spec := c.must(options...)
			if c.oracle == "kfac" {
				if err := spec.Fits(c.loss, q.Dims()); err == nil || !strings.Contains(err.Error(), "kfac needs a model made of layers") {
					t.Errorf("it is served: %v", err)
				}
				return
			}
			if err := spec.Fits(c.loss, q.Dims()); err != nil {
				t.Fatal(err)
			}
			if held := HeldBy(spec, c.loss, Sizes{Dims: q.Dims(), Value: 8, Seen: m}); held.Bytes <= 0 {
				t.Errorf("it says it holds %+v", held)
			}
			o := New[float64](spec, Site{Loss: c.loss, Dims: q.Dims()})
			d := make([]float64, p)
			cost := o.Direction(d, problem).Counters
			r := o.Complete(true)
			if cost.VJPs == 0 || cost.MultiplyAdds < int64(cost.JVPs+cost.VJPs)*q.Dims().VJP {
				t.Errorf("it counts %+v", cost)
			}
			gradF := modelGradient("gradient", q, c.loss, y, make([]float64, p), gamma, mu)
			if slope := dot(gradF, d); math.Abs(r.Slope-slope) > 1e-9*math.Abs(slope) || !(slope < 0) {
				t.Errorf("the slope is %g, reported %g", slope, r.Slope)
			}
			if c.loss.Curvature() != losses.Polyhedral || c.oracle != "prox_linear" {
				left, all := modelGradient(c.oracle, q, c.loss, y, d, gamma, mu), math.Sqrt(dot(gradF, gradF))
				if size := math.Sqrt(dot(left, left)); size > 1e-6*all {
					t.Errorf("the gradient of the model is %.2g of grad F at the direction (%s)", size/all, r.StopReason)
				}
			}
			if c.closed() {
				return
			}
			if !(math.Abs(r.Gap) < 1e-8) {
				t.Errorf("the gap is %g (%s after %d iterations)", r.Gap, r.StopReason, r.InnerIterations)
			}
			adapting := New[float64](c.must("gamma: {levenberg_marquardt: {}}"), Site{Loss: c.loss, Dims: q.Dims()})
			if r := adapting.Direction(d, problem); r.Counters.Forwards != 1 || !(r.Slope < 0) {
				t.Errorf("Levenberg-Marquardt: %d evaluations of the model, slope %g", r.Counters.Forwards, r.Slope)
			}
		})
	}
}

// TestTwoBatches: an oracle that takes gradient and curvature from one mini-batch says
// so when it is given two, and takes one that is named twice.
func TestTwoBatches(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		n, p := newProblem[float64](c.loss, 4, nil)
		o, d := c.bind(n, 4), make([]float64, n.NumParams())
		p.Curvature = &p.Gradient
		o.Direction(d, p)
		if c.oracle == "gradient" {
			continue // its model has no curvature
		}
		other := p.Gradient
		p.Curvature = &other
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, "gradient and curvature from one mini-batch") {
					t.Errorf("%v: two mini-batches: %s", c, text)
				}
			}()
			o.Direction(d, p)
		}()
	}
}
