package oracles

import (
	"math"
	"reflect"
	"strings"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// modelled is an oracle with an inner problem, whose exact direction can be computed.
type modelled interface {
	Spec
	model() (kind string, o Inner)
}

func (o GaussNewton) model() (string, Inner) { return "gauss_newton", o.Inner }
func (o ProxLinear) model() (string, Inner)  { return "prox_linear", o.Inner }

// Comparable returns an error, about a key of other where there is one, unless two oracles
// minimise the same model of one mini-batch, so that their exact directions are the same.
// They may differ in how they solve it: formulation, solver, budget and tolerances.
func Comparable(method, other Spec) error {
	a, ok := method.(modelled)
	if !ok {
		return strict.Field("kind", "the method's oracle has no inner problem whose exact direction is known, so there are no solvers to compare; take %s", strings.Join(Compared(), " or "))
	}
	b, ok := other.(modelled)
	if !ok {
		return strict.Field("kind", "this oracle has no inner problem to compare solvers of; leave the key out for that of the method")
	}
	kind, p := a.model()
	got, q := b.model()
	for _, s := range []Spec{method, other} {
		if err := fullModel(s); err != nil {
			return err
		}
	}
	switch {
	case got != kind:
		return strict.Field("kind", "%s minimises another model than %s, the method's oracle, and so has another exact direction; leave the key out, and compare its solvers beside a method of its own", got, kind)
	case p.Gamma.search != nil || q.Gamma.search != nil:
		return strict.Field("gamma", "a search chooses another gamma with every direction that it tries, so that solvers would not solve the same problem; give the method a number, a schedule or {levenberg_marquardt: {...}}")
	case !p.Gamma.equal(q.Gamma):
		return strict.Field("gamma", "is not that of the method's oracle: with another gamma the exact direction is another; leave the key out")
	case p.WeightDecay != q.WeightDecay:
		return strict.Field("weight_decay", "is %g, and %g in the method's oracle: the exact direction is another; leave the key out", q.WeightDecay, p.WeightDecay)
	}
	return nil
}

// fullModel returns an error, about its key, if an oracle minimises a model of less curvature, or
// about another direction than 0, whose exact direction is not computed.
func fullModel(s Spec) error {
	_, o := s.(modelled).model()
	g, _ := s.(GaussNewton)
	switch {
	case o.Unknowns == byExample:
		return strict.Field("unknowns", "example minimises another model than all, whose exact direction is what solvers are measured by; take all")
	case g.Curvature.reduces():
		return strict.Field("curvature", "%s minimises a model of less curvature than the full one, whose exact direction is what solvers are measured by; leave it out", g.Curvature.Kind)
	case o.Momentum > 0:
		return strict.Field("momentum", "moves the minimum by the direction of the step before, so that solvers would not be compared on one problem; leave it out")
	}
	return nil
}

// Cold returns an error about its key if an oracle starts from what earlier calls found.
// Called several times on one mini-batch it would start from its own solution.
func Cold(s Spec) error {
	if m, ok := s.(modelled); ok {
		if _, o := m.model(); o.WarmStart {
			return strict.Field("warm_start", "must be false: the oracle is called several times on one mini-batch, and would start from its own solution")
		}
	}
	return nil
}

// Compared returns the names of the oracles whose solvers can be compared.
func Compared() (names []string) {
	for _, name := range Known.Names() {
		if _, ok := Known.Default(name).Must().(modelled); ok {
			names = append(names, name)
		}
	}
	return names
}

// Budget returns the inner iterations that an oracle makes at most, 0 where it has none.
func Budget(s Spec) int {
	if m, ok := s.(modelled); ok {
		_, o := m.model()
		return o.InnerIterations
	}
	return 0
}

// equal reports whether two gammas are the same at every time.
func (g Gamma) equal(h Gamma) bool {
	a, err1 := g.MarshalYAML()
	b, err2 := h.MarshalYAML()
	return err1 == nil && err2 == nil && reflect.DeepEqual(a, b)
}

// Limits of reference solves. K and A of the largest factored system take 256 MiB.
const (
	maxFactored      = 1 << 12 // unknowns
	maxReference     = 400     // iterations of conjugate gradients, or factorisations of Newton's method
	maxEpochs        = 10_000  // of solvers on a box
	referenceResidue = 1e-12
)

// Exact returns an oracle that minimises the same model as s, on mini-batches of
// dimensions d, as exactly as float64 allows: in the dual, by a factorisation up to 4096
// unknowns, and else by iterations to a relative residual of 1e-12. It panics if s is
// not [Comparable] to itself.
func Exact(s Spec, l losses.Loss, d Dims) Spec {
	kind, o := s.(modelled).model()
	dense := d.Examples*d.Outputs <= maxFactored
	solver := func(yes, no string) SolverChoice {
		if dense {
			return SolverChoice{Solvers.Default(yes)}
		}
		return SolverChoice{Solvers.Default(no)}
	}
	exact := Inner{Formulation: "dual", Unknowns: everything, Gamma: o.Gamma, WeightDecay: o.WeightDecay, Solver: solver("cholesky", "cg"), InnerIterations: maxReference, Tolerance: referenceResidue}
	if kind == "gauss_newton" {
		return GaussNewton{exact, fullCurvature, straight}
	}
	if !smooth(l) {
		exact.Solver, exact.InnerIterations = solver("sdca", "projected_gradient"), maxEpochs
	}
	return ProxLinear{exact}
}

// A Reference is the exact direction of a subproblem, in float64, and measures others
// against it. It holds buffers for one subproblem at a time.
type Reference struct {
	oracle    Oracle[float64]
	pool      *tensor.Pool
	quadratic bool                   // the model of h is, else it is the loss itself
	d, e      []float64              // p: the exact direction, and the difference to another
	roomU     tensor.Matrix[float64] // m x k each: for products with J, and for the factor
	roomL     tensor.Matrix[float64]
	row       []float64 // k
	values    []float64 // m: the losses at f + J d

	// Of the last Solve:
	p      *Subproblem[float64]
	report Report
	exact  bool
	norm   float64 // |d|
}

// NewReference returns the reference for the subproblems of an oracle that is [Comparable]
// to itself, on batches of a site.
func NewReference(s Spec, at Site) *Reference {
	m, k, p := at.Dims.Examples, at.Dims.Outputs, at.Dims.Weights
	kind, _ := s.(modelled).model()
	return &Reference{
		oracle: New[float64](Exact(s, at.Loss, at.Dims), at), pool: at.Pool, quadratic: kind == "gauss_newton",
		d: make([]float64, p), e: make([]float64, p), row: make([]float64, k), values: make([]float64, m),
		roomU: tensor.New[float64](m, k), roomL: tensor.New[float64](m, k),
	}
}

// Solve finds the exact direction of a subproblem, which must stay as it is as long as
// directions are measured. It reports whether there is one: whether the solve ended with
// the accuracy that was asked for.
func (r *Reference) Solve(p *Subproblem[float64]) (ok bool) {
	r.p = p
	r.report = r.oracle.Direction(r.d, p)
	r.norm = tensor.Norm2(r.pool, r.d)
	r.exact = claimed(r.report.StopReason) && r.norm > 0
	if r.exact && !r.quadratic {
		u := r.cut(r.roomU)
		p.Gradient.JVP(u, r.d)
		for i := range u.Rows {
			r.values[i] = r.valueAt(i, u)
		}
	}
	return r.exact
}

func (r *Reference) cut(a tensor.Matrix[float64]) tensor.Matrix[float64] {
	return a.RowRange(0, r.p.Gradient.Outputs().Rows)
}

// valueAt is the loss of example i at f + u.
func (r *Reference) valueAt(i int, u tensor.Matrix[float64]) float64 {
	copy(r.row, r.p.Gradient.Outputs().Row(i))
	axpy(1, u.Row(i), r.row)
	return r.p.losses().ValueOf(i, r.row, r.p.Gradient.Targets.Row(i))
}

// Measure returns, for a direction of p numbers and the exact one d*, the relative
// distance |d - d*|/|d*| and the excess P(d) - P(d*), NaN where there is no exact one.
// With e = d - d* the excess of a quadratic model is e·A e/2, whose terms do not cancel:
//
//	Gauss-Newton   (1/m) Σ |Lᵀ J e|²/2 + |e|²/(2 gamma')
//	prox-linear    (1/m) Σ [loss_i(f_i + (J d)_i) - loss_i(f_i + (J d*)_i)] + e·(d*/gamma + mu (w + d*)) + |e|²/(2 gamma')
func (r *Reference) Measure(d []float64) (distance, excess float64) {
	if !r.exact {
		return math.NaN(), math.NaN()
	}
	copy(r.e, d)
	tensor.Axpy(r.pool, -1, r.d, r.e)
	ee := tensor.Dot(r.pool, r.e, r.e)
	batch, gamma, mu := &r.p.Gradient, r.report.Gamma, r.report.WeightDecay
	u, m := r.cut(r.roomU), float64(batch.Outputs().Rows)
	if r.quadratic {
		factor := ggnFactor{r.p.losses(), r.cut(r.roomL)}
		factor.set(batch.Outputs(), batch.Targets)
		batch.JVP(u, r.e)
		for i := range u.Rows {
			factor.mulTOf(i, r.row, u.Row(i))
			excess += dot(r.row, r.row) / (2 * m)
		}
	} else {
		batch.JVP(u, d)
		for i := range u.Rows {
			excess += (r.valueAt(i, u) - r.values[i]) / m
		}
		excess += tensor.Dot(r.pool, r.e, r.d) * (1/gamma + mu)
		if mu > 0 {
			excess += mu * tensor.Dot(r.pool, r.e, batch.Weights())
		}
	}
	return math.Sqrt(ee) / r.norm, excess + ee*(1/gamma+mu)/2
}

// HeldByReference returns what the [Reference] of an oracle will hold, for sizes as they
// are in float64.
func HeldByReference(s Spec, l losses.Loss, sizes Sizes) Held {
	h := HeldBy(Exact(s, l, sizes.Dims), l, sizes)
	h.Bytes = size.Sum(h.Bytes, sizes.matrices(2), sizes.vectors(2))
	return h
}
