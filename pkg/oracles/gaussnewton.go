package oracles

import (
	"fmt"
	"strings"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	cg := SolverChoice{registry.ChoiceOf(&Solvers, "cg", CG{}, func(s CG) (Solver, error) { return s, nil })}
	lanczos := SolverChoice{registry.ChoiceOf(&Solvers, "lanczos", Lanczos{}, func(s Lanczos) (Solver, error) { return s, nil })}
	cholesky := SolverChoice{registry.ChoiceOf(&Solvers, "cholesky", Cholesky{}, func(s Cholesky) (Solver, error) { return s, nil })}
	base := GaussNewton{
		Inner:     Inner{Formulation: "dual", Unknowns: everything, Solver: cg, InnerIterations: 10, Gamma: ConstGamma(1), Gram: AutoForm, GramMemory: defaultGramMemory},
		Curvature: fullCurvature, Acceleration: straight,
	}
	var trials []GaussNewton
	for _, o := range base.trials() {
		trials = append(trials, GaussNewton{o, fullCurvature, straight})
	}
	trials = append(trials, base.reduced()...)
	search, warm, bent := base, base, base
	search.Solver, search.Gamma = lanczos, Gamma{search: []float64{0.01, 0.1, 1, 10}}
	warm.WarmStart = true
	bent.Solver, bent.Acceleration = cholesky, geodesic
	registry.Add(&Known, registry.Info{
		Name:      "gauss_newton",
		Doc:       "minimises the quadratic model of the loss over the linearized network plus |d|^2/(2 gamma)",
		Reference: "Roulet and Blondel 2023, arXiv 2308.08886; Schraudolph 2002",
	}, base, newGaussNewton, append(trials, search, warm, bent)...)
}

// GaussNewton minimises (1/m) Σ_i [g_i·u_i + u_i·H_i u_i/2] + |d|²/(2 gamma)
// with u = J d. With H = L Lᵀ, the dual formulation puts alpha = g + L s and
// solves, for the m k numbers s (docs/math.md section 3),
//
//	(I + (gamma/m) Lᵀ K L) s = -gamma Lᵀ J grad h,  K = J Jᵀ,  d = -(gamma/m) Jᵀ alpha,
//
// the primal one, for the p numbers d,
//
//	((1/m) Jᵀ H J + I/gamma) d = -grad h.
//
// A curvature of a few rows of J, by layers or of all, and one unknown for each example, are
// models of less curvature that take less time ([Curvature]; docs/math.md sections 8 and 9).
type GaussNewton struct {
	Inner     `yaml:",inline"`
	Curvature Curvature `yaml:"curvature" doc:"what the quadratic term is made of"`

	Acceleration string `yaml:"acceleration" doc:"geodesic: steps follow the curve w + eta d + eta^2 a, on which outputs stay by their tangent to second order (dual, solver cholesky, optimizer sgd); none: the line"`
}

var (
	_ Spec                = GaussNewton{}
	_ Automatic           = GaussNewton{}
	_ Recurrent           = GaussNewton{}
	_ registry.Documented = GaussNewton{}
	_ Accelerating        = GaussNewton{}
)

// Redrawn is that of [Recurrent].
func (o GaussNewton) Redrawn() error {
	if o.Curvature.Batch == nextBatch {
		return strict.Field("curvature.batch", "next takes the examples of the next step, and data.resample draws those anew; take same, or set data.resample: never")
	}
	return o.Inner.Redrawn()
}

// OptionDoc says what gamma can be here, and nowhere else.
func (GaussNewton) OptionDoc(key string) string {
	if key != "gamma" {
		return ""
	}
	return "proximity, 1/gamma is the damping: a number, a schedule, {levenberg_marquardt: {...}}, or with solver: lanczos {search: [...]}"
}

func newGaussNewton(o GaussNewton) (Spec, error) {
	if err := o.valid(); err != nil {
		return nil, err
	}
	if o.Solver.IsZero() {
		return nil, strict.Field("solver", "auto is for prox_linear, whose solvers depend on the loss; take one of %s", strings.Join(able(jobSystem.can), ", "))
	}
	if o.Gamma.search != nil && o.Solver.abilities().Path == nil {
		return nil, strict.Field("gamma.search", "needs solver: lanczos, whose basis serves every gamma; got %s", o.Solver.Name)
	}
	if err := o.validCurvature(); err != nil {
		return nil, err
	}
	if err := o.validAcceleration(); err != nil {
		return nil, err
	}
	for _, j := range o.jobs() {
		if err := o.Solver.check(j); err != nil {
			return nil, err
		}
	}
	if o.WarmStart && !o.Solver.abilities().Warm {
		return nil, strict.Field("warm_start", "is not for solver %s, which has no use for a start; take one of %s", o.Solver.Name, strings.Join(able(func(a Abilities) bool { return a.Warm }), ", "))
	}
	return o, nil
}

// Check refuses losses without curvature.
func (o GaussNewton) Check(l losses.Loss) error {
	if l.Curvature() == losses.Polyhedral {
		return fmt.Errorf("gauss_newton with this loss is just the gradient, since the loss is piecewise linear: its Hessian is 0, and there is no curvature to sample; use the oracle gradient or prox_linear, or another loss: gauss_newton takes %s", lossesThat(curved))
	}
	return nil
}

func (o GaussNewton) Fits(_ losses.Loss, d Dims) error {
	if o.Curvature.reduces() {
		return o.fitsCurvature(d)
	}
	o = o.at(d)
	return o.fits(o.Solver, o.dims(d))
}

// autoFormulation is the formulation with fewer unknowns.
const autoFormulation = "auto"

// jobs are those of the formulations that the solver must serve.
func (o GaussNewton) jobs() []job {
	switch o.Formulation {
	case "primal":
		return []job{jobPrimal}
	case autoFormulation:
		return []job{jobSystem, jobPrimal}
	}
	return []job{jobSystem}
}

// at returns the options for mini-batches of dimensions d, with the formulation that auto is: the
// primal where there are fewer weights than m k, and else the dual.
func (o GaussNewton) at(d Dims) GaussNewton {
	if o.Formulation == autoFormulation {
		o.Formulation = "dual"
		if d.Weights < size.Product(d.Examples, d.Outputs) {
			o.Formulation = "primal"
		}
	}
	return o
}

// Choices says what formulation: auto, gram: auto and curvature: auto became.
func (o GaussNewton) Choices(_ losses.Loss, d Dims) (list []string) {
	if now := o.at(d); now.Formulation != o.Formulation {
		list = append(list, fmt.Sprintf("formulation: auto is %s, for %d weights and m k = %d x %d", now.Formulation, d.Weights, d.Examples, d.Outputs))
		o = now
	}
	list = append(list, o.curvatureChoices(d)...)
	if o.Curvature.reduces() {
		return list
	}
	return append(list, o.choices(o.Solver, o.dims(d))...)
}

func (o GaussNewton) Oracles() Oracles { return OraclesOf(o, newGN[float32], newGN[float64]) }

func newGN[T tensor.Float](o GaussNewton, at Site) Oracle[T] {
	o = o.at(at.Dims)
	switch {
	case o.Formulation == "primal":
		return newPrimalGN[T](o, at)
	case o.Curvature.reduces():
		return newRowGN[T](o, at)
	case o.Unknowns == byExample:
		return newExample(at, o.resolved().Kind, func(at Site) Oracle[T] { return newDualGN[T](o, at) })
	}
	return newDualGN[T](o, at)
}
