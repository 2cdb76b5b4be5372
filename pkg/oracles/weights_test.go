package oracles

import (
	"math"
	"testing"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// rowsOf is a problem of chosen examples of a batch x with targets y: the same
// weights w of the network.
func rowsOf(c combo, n *nn.Net, w []float64, x, y tensor.Matrix[float64], rows []int) *Subproblem[float64] {
	a, b := tensor.New[float64](len(rows), x.Cols), tensor.New[float64](len(rows), y.Cols)
	for to, from := range rows {
		copy(a.Row(to), x.Row(from))
		copy(b.Row(to), y.Row(from))
	}
	l := nn.NewLinearization[float64](n, len(rows), nil)
	l.Linearize(w, a)
	return problemOf(c.loss, l, b)
}

// TestWeightsAreCopies: an example of weight 2 is two of it, and one of weight 0
// is none. With the objective (1/m) Σ omega_i loss_i of m examples and that of
// m' copies, scaled by m'/m, F, the model and P agree for gamma scaled by m/m'.
func TestWeightsAreCopies(t *testing.T) {
	const m = 5
	served, _ := combos()
	for _, c := range served {
		n, p, x := drawBatch[float64](c.loss, m, 5, nil)
		p.Gradient.Omega = []float64{2, 0, 1, 1, 2}
		q := rowsOf(c, n, p.Gradient.Weights(), x, p.Gradient.Targets, []int{0, 0, 2, 3, 4, 4})
		scale := float64(q.Gradient.Outputs().Rows) / m
		d, e := make([]float64, n.NumParams()), make([]float64, n.NumParams())
		a, b := c.bind(n, m, converged(3, 0)...), c.bind(n, q.Gradient.Outputs().Rows, converged(3*scale, 0)...)
		r, s := a.Direction(d, p), b.Direction(e, q)
		r = a.Complete(true)
		s = b.Complete(true)
		if dist := distance(d, e); dist > 1e-6 {
			t.Errorf("%v: the direction is %.2g away from that of copies", c, dist)
		}
		for _, v := range []struct {
			what      string
			got, want float64
		}{{"P", r.Primal, s.Primal * scale}, {"the slope", r.Slope, s.Slope * scale}, {"|grad h|", r.GradNorm, s.GradNorm * scale}, {"h", meanOf(p, p.Gradient.Outputs()), meanOf(q, q.Gradient.Outputs()) * scale}} {
			if c.formulation == "" && v.what == "P" {
				continue // the gradient has no P
			}
			if !(math.Abs(v.got-v.want) <= 1e-7*math.Abs(v.want)) {
				t.Errorf("%v: %s is %.12g, of copies %.12g", c, v.what, v.got, v.want)
			}
		}
	}
}

// TestWeightsOfOne: weights that are all 1 give the bits of no weights.
func TestWeightsOfOne(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		n, p := newProblem[float64](c.loss, 7, nil)
		d, e := make([]float64, n.NumParams()), make([]float64, n.NumParams())
		c.bind(n, 7, "gamma: 3", "inner_iterations: 4").Direction(d, p)
		p.Gradient.Omega = []float64{1, 1, 1, 1, 1, 1, 1}
		c.bind(n, 7, "gamma: 3", "inner_iterations: 4").Direction(e, p)
		if distance(d, e) != 0 {
			t.Errorf("%v: weights of 1 change the direction", c)
		}
	}
}

// TestNoWeight: a mini-batch whose examples all have weight 0 asks for no move.
func TestNoWeight(t *testing.T) {
	served, _ := combos()
	for _, c := range served {
		n, p := newProblem[float64](c.loss, 7, nil)
		p.Gradient.Omega = make([]float64, 7)
		d := make([]float64, n.NumParams())
		o := c.bind(n, 7, "gamma: 3", "inner_iterations: 4")
		r := o.Direction(d, p)
		r = o.Complete(true)
		if tensor.Norm2(nil, d) != 0 || c.formulation != "" && !(r.Primal == 0 && math.Abs(r.Gap) <= 1e-12) {
			t.Errorf("%v: |d| = %g, P = %g, gap %g", c, tensor.Norm2(nil, d), r.Primal, r.Gap)
		}
	}
}
