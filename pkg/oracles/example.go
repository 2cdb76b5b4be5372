package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// exampleOracle solves with one dual unknown for each example, whatever k is: alpha_i = t_i g_i
// (docs/math.md section 8). That is the dual of the same problem with one output for each
// example, n_i·f_i, and a loss phi_i of one number, so that the oracle inside has all of it.
type exampleOracle[T tensor.Float] struct {
	inside  Oracle[T]
	prox    bool // the model is the loss itself
	certify bool // the restricted model is a minorant of the full one, where the loss has one
	loss    *scalarLoss
	view    exampleView[T]
	of      Jacobian[T] // the model that view is of
	alpha   tensor.Matrix[float64]

	roomN, roomU, roomL tensor.Matrix[float64] // m x k
	theta, trial, y     tensor.Matrix[float64] // m x 1, y m x 2
	row                 []float64              // k
	at                  func(i int, z []float64) float64

	// Of the last call:
	p        *Subproblem[T]
	sub      Subproblem[T]
	minorant bool
	d        []T
}

var (
	_ Oracle[float32] = (*exampleOracle[float32])(nil)
	_ Stateful        = (*exampleOracle[float32])(nil)
	_ DualOracle      = (*exampleOracle[float32])(nil)
)

// exampleDims are the dimensions of the problem inside.
func exampleDims(d Dims) Dims {
	d.Outputs = 1
	if net, ok := d.Gram.(interface{ Projected() nn.GramModel }); ok {
		d.Gram = net.Projected()
	} else {
		d.Gram = nil
	}
	return d
}

// newExample returns the oracle around the one that inside makes for a site of one output.
func newExample[T tensor.Float](at Site, kind string, inside func(Site) Oracle[T]) Oracle[T] {
	m, k := at.Dims.Examples, at.Dims.Outputs
	o := &exampleOracle[T]{
		prox: kind == "", certify: kind == "" || kind == minorant,
		loss: &scalarLoss{kind: kind, phi: make([]losses.Scalar, m)},
		row:  make([]float64, k), theta: tensor.New[float64](m, 1), trial: tensor.New[float64](m, 1), y: tensor.New[float64](m, 2),
	}
	for _, to := range []*tensor.Matrix[float64]{&o.alpha, &o.roomN, &o.roomU, &o.roomL} {
		*to = tensor.New[float64](m, k)
	}
	o.at = func(i int, z []float64) float64 { // theta of example i at outputs z
		_, theta, _ := losses.ScalarOf(o.p.Loss, o.row, z, o.p.Gradient.Targets.Row(i))
		return theta
	}
	at.Loss, at.Dims = o.loss, exampleDims(at.Dims)
	o.inside = inside(at)
	return o
}

// Direction finds n_i and theta_i, and has the oracle inside solve.
func (o *exampleOracle[T]) Direction(d []T, p *Subproblem[T]) Report {
	batch := p.oneBatch()
	z := batch.Outputs()
	m := z.Rows
	n, theta, y := o.roomN.RowRange(0, m), o.theta.RowRange(0, m), o.y.RowRange(0, m)
	o.p, o.d, o.minorant = p, d, o.certify
	for i := range m {
		var own bool
		o.loss.phi[i], theta.Data[i], own = losses.ScalarOf(p.Loss, n.Row(i), z.Row(i), batch.Targets.Row(i))
		o.minorant = o.minorant && own
		y.Set(i, 0, float64(i))
		y.Set(i, 1, identityOf(n.Row(i)))
	}
	if o.of != batch.Jacobian {
		o.view, o.of = newExampleView(batch.Jacobian), batch.Jacobian
	}
	o.view.project(n, theta, o.roomU.RowRange(0, m), o.at, o.trial.RowRange(0, m))
	o.sub = *p
	o.sub.Loss, o.sub.Curvature = o.loss, nil
	o.sub.Gradient = Batch[T]{Jacobian: o.view, Targets: y, Omega: batch.Omega, Examples: batch.Examples}
	return o.inside.Direction(d, &o.sub)
}

// identityOf is 1/|n|², the curvature along n that makes the metric of the outputs the
// identity (iEF, Wu et al. 2024, arXiv 2406.06420); 0 where n is.
func identityOf(n []float64) float64 {
	if nn := dot(n, n); nn != 0 {
		return 1 / nn
	}
	return 0
}

// DualVariables returns t_i g_i = a_i n_i.
func (o *exampleOracle[T]) DualVariables() tensor.Matrix[float64] {
	a := o.inside.(DualOracle).DualVariables()
	alpha := o.alpha.RowRange(0, a.Rows)
	for i := range a.Rows {
		for j, n := range o.roomN.Row(i) {
			alpha.Row(i)[j] = a.Data[i] * n
		}
	}
	return alpha
}

// Complete is that of the oracle inside, whose model has one number for each example. Its
// gap, if asked for, is that to the full model where the restricted one is a minorant, with
// P(d) of the full model and D of the restricted one: D <= P* <= P(d). That takes a JVP.
// Elsewhere there is no gap.
func (o *exampleOracle[T]) Complete(gap bool) Report {
	r := o.inside.Complete(gap)
	switch {
	case !gap || !o.minorant:
		r.Gap = math.NaN()
	default:
		more := o.fullChange() - r.ModelChange
		r.Primal += more
		r.Gap += more
	}
	return r
}

// fullChange is the change of h that the full model of the outputs predicts.
func (o *exampleOracle[T]) fullChange() float64 {
	batch := &o.p.Gradient
	z, y, loss := batch.Outputs(), batch.Targets, o.p.losses()
	m := z.Rows
	u := o.roomU.RowRange(0, m)
	batch.JVP(u, o.d)
	factor := ggnFactor{loss, o.roomL.RowRange(0, m)}
	factor.set(z, y)
	var sum float64
	for i := range m {
		switch {
		case o.prox:
			before := loss.ValueOf(i, z.Row(i), y.Row(i))
			copy(o.row, z.Row(i))
			axpy(1, u.Row(i), o.row)
			sum += loss.ValueOf(i, o.row, y.Row(i)) - before
		default:
			loss.GradOf(i, o.row, z.Row(i), y.Row(i))
			sum += dot(o.row, u.Row(i))
			factor.mulTOf(i, o.row, u.Row(i))
			sum += dot(o.row, o.row) / 2
		}
	}
	return sum / float64(m)
}

func (o *exampleOracle[T]) State() map[string][]float64 { return o.inside.(Stateful).State() }

func (o *exampleOracle[T]) Restore(state map[string][]float64) error {
	return o.inside.(Stateful).Restore(state)
}

// An exampleView is a model with one output theta_i for each example, whose derivative is
// n_i·J_i. Values beyond the weights are those of theta there.
type exampleView[T tensor.Float] interface {
	Jacobian[T]
	project(n, theta, room tensor.Matrix[float64], at func(i int, z []float64) float64, trial tensor.Matrix[float64])
}

func newExampleView[T tensor.Float](j Jacobian[T]) exampleView[T] {
	view := &exampleJacobian[T]{Jacobian: j}
	own, ok := j.(interface{ NewProjection() *nn.Projection[T] })
	if !ok {
		return view
	}
	return &exampleGram[T]{view, own.NewProjection()}
}

// exampleJacobian knows products alone.
type exampleJacobian[T tensor.Float] struct {
	Jacobian[T]
	n, theta, room, trial tensor.Matrix[float64]
	at                    func(i int, z []float64) float64
}

func (v *exampleJacobian[T]) project(n, theta, room tensor.Matrix[float64], at func(i int, z []float64) float64, trial tensor.Matrix[float64]) {
	v.n, v.theta, v.room, v.at, v.trial = n, theta, room, at, trial
}

func (v *exampleJacobian[T]) Dims() Dims                      { return exampleDims(v.Jacobian.Dims()) }
func (v *exampleJacobian[T]) Outputs() tensor.Matrix[float64] { return v.theta }

func (v *exampleJacobian[T]) OutputsAt(eta float64, d []T) tensor.Matrix[float64] {
	z := v.Jacobian.OutputsAt(eta, d)
	for i := range z.Rows {
		v.trial.Data[i] = v.at(i, z.Row(i))
	}
	return v.trial
}

func (v *exampleJacobian[T]) JVP(u tensor.Matrix[float64], d []T) {
	v.Jacobian.JVP(v.room, d)
	for i := range u.Rows {
		u.Flat()[i] = dot(v.n.Row(i), v.room.Row(i))
	}
}

func (v *exampleJacobian[T]) VJP(d []T, alpha tensor.Matrix[float64]) {
	for i, a := range alpha.Flat() {
		for j, n := range v.n.Row(i) {
			v.room.Row(i)[j] = a * n
		}
	}
	v.Jacobian.VJP(d, v.room)
}

// exampleGram is a [GramJacobian].
type exampleGram[T tensor.Float] struct {
	*exampleJacobian[T]
	*nn.Projection[T]
}

var _ GramJacobian[float32] = (*exampleGram[float32])(nil)

func (v *exampleGram[T]) project(n, theta, room tensor.Matrix[float64], at func(i int, z []float64) float64, trial tensor.Matrix[float64]) {
	v.exampleJacobian.project(n, theta, room, at, trial)
	v.To(n)
}
