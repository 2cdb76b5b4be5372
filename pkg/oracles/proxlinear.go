package oracles

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	base := ProxLinear{Inner{Formulation: "dual", Unknowns: everything, InnerIterations: 10, Gamma: ConstGamma(1), Gram: AutoForm, GramMemory: defaultGramMemory}}
	var trials []ProxLinear
	for _, o := range base.trials() {
		trials = append(trials, ProxLinear{o})
	}
	warm := base
	warm.Solver = SolverChoice{registry.ChoiceOf(&Solvers, "cg", CG{}, func(s CG) (Solver, error) { return s, nil })}
	warm.WarmStart = true
	one := base
	one.Unknowns = byExample
	registry.Add(&Known, registry.Info{
		Name:      "prox_linear",
		Doc:       "minimises the loss itself over the linearized network plus |d|^2/(2 gamma)",
		Reference: "Roulet and Blondel 2023, arXiv 2308.08886; Burke 1985; Drusvyatskiy and Paquette 2019",
	}, base, newProxLinear, append(trials, warm, one)...)
}

// ProxLinear minimises (1/m) Σ_i loss_i(f_i + u_i) + |d|²/(2 gamma) with u = J d.
// Its dual is solved by Newton's method for smooth losses, and directly for
// those whose conjugate has a box for its domain (docs/math.md section 4).
type ProxLinear struct {
	Inner `yaml:",inline"`
}

var (
	_ Spec      = ProxLinear{}
	_ Automatic = ProxLinear{}
	_ Recurrent = ProxLinear{}
)

func newProxLinear(o ProxLinear) (Spec, error) {
	if err := o.valid(); err != nil {
		return nil, err
	}
	if o.Formulation == autoFormulation {
		return nil, strict.Field("formulation", "must be dual or primal, got %q; auto is for gauss_newton", o.Formulation)
	}
	if o.Gamma.search != nil {
		return nil, strict.Field("gamma.search", "is for gauss_newton, whose quadratic model has one Lanczos basis for all gammas")
	}
	return o, nil
}

// solver resolves solver: auto.
func (o ProxLinear) solver(l losses.Loss) SolverChoice {
	switch {
	case !o.Solver.IsZero():
		return o.Solver
	case o.smooth(l):
		return SolverChoice{Solvers.Default("cg")}
	}
	return SolverChoice{Solvers.Default("sdca")}
}

// smooth reports whether the loss of the problem that is solved is: with one unknown for each
// example it is a function of one number, which is.
func (o ProxLinear) smooth(l losses.Loss) bool { return smooth(l) || o.Unknowns == byExample }

// Check refuses solvers that do not serve the loss.
func (o ProxLinear) Check(l losses.Loss) error {
	j := jobNewton
	switch {
	case !o.smooth(l) && o.Formulation == "primal":
		return strict.Field("formulation", "the primal of prox_linear is for smooth losses (%s); with this one use formulation: dual", lossesThat(smooth))
	case !o.smooth(l):
		j = jobBox
	case o.Formulation == "primal":
		j = jobDescend
	}
	return o.solver(l).check(j)
}

// Choices says what solver: auto and gram: auto became.
func (o ProxLinear) Choices(l losses.Loss, d Dims) (out []string) {
	if o.Solver.IsZero() {
		why := "the loss is smooth"
		if !o.smooth(l) {
			why = "the dual of the loss has a box"
		}
		out = append(out, fmt.Sprintf("solver: auto is %s, since %s", o.solver(l).Name, why))
	}
	return append(out, o.choices(o.solver(l), o.dims(d))...)
}

func (o ProxLinear) Fits(l losses.Loss, d Dims) error {
	return o.fits(o.solver(l), o.dims(d))
}

func (o ProxLinear) Oracles() Oracles { return OraclesOf(o, newProx[float32], newProx[float64]) }

// newProx chooses by the formulation, and in the dual by the kind of dual that the
// loss has.
func newProx[T tensor.Float](o ProxLinear, at Site) Oracle[T] {
	if o.Formulation == "primal" {
		return newPrimalProx[T](o, at)
	}
	if o.Unknowns == byExample {
		return newExample(at, "", func(at Site) Oracle[T] { return newNewtonProx[T](o, at) })
	}
	if loss, ok := at.Loss.(losses.BoxDual); ok {
		return newBoxProx[T](o, loss, at)
	}
	return newNewtonProx[T](o, at)
}
