package oracles

import (
	"github.com/dualgn/dgn/pkg/strict"
)

// Inner are the options of the oracles that solve an inner problem in each step, in the
// dual for m k unknowns or in the primal for p.
type Inner struct {
	Formulation     string       `yaml:"formulation" doc:"dual: unknowns are batch size x outputs; primal: unknowns are the weights; of gauss_newton also auto: the primal where it has fewer unknowns"`
	Unknowns        string       `yaml:"unknowns" doc:"of the dual: all, one for each output of each example; example: one for each example, whatever the number of outputs"`
	Solver          SolverChoice `yaml:"solver" doc:"inner solver, see dgn list solvers"`
	InnerIterations int          `yaml:"inner_iterations" doc:"budget of the inner solver; 0 is the gradient step"`
	Tolerance       float64      `yaml:"tolerance" doc:"relative residual at which the inner solver stops (where the dual of the loss has a box: (P-D)/P(0)); 0: never"`
	GapTolerance    float64      `yaml:"gap_tolerance" doc:"duality gap (P-D)/P(0) at which the inner solver stops; 0: never"`
	Gamma           Gamma        `yaml:"gamma" doc:"proximity, 1/gamma is the damping: a number, a schedule, or {levenberg_marquardt: {...}}"`
	WeightDecay     float64      `yaml:"weight_decay" doc:"mu of the term mu |w + d|^2/2 inside the model"`
	Momentum        float64      `yaml:"momentum" doc:"mu of the proximity |d - mu d_prev|^2/(2 gamma) about the direction of the step before (projected momentum, SPRING); the dual only"`
	Gram            Form         `yaml:"gram" doc:"how the dual multiplies by K = J Jᵀ: auto, matrix_free, chained, explicit (rows of J kept) or formed (K itself)"`
	GramMemory      int          `yaml:"gram_memory" doc:"MiB that K, or rows of J, may take with what they are made of; auto stays below"`
	Rescale         bool         `yaml:"rescale" doc:"multiply a truncated dual direction by what is best for the model"`
	WarmStart       bool         `yaml:"warm_start" doc:"start from the dual variables that the examples had when they were last seen"`
}

// valid reports options that are wrong whatever the loss.
func (o Inner) valid() error {
	switch {
	case o.Formulation != "dual" && o.Formulation != "primal" && o.Formulation != autoFormulation:
		return strict.Field("formulation", "must be dual, primal or auto, got %q", o.Formulation)
	case o.Unknowns != everything && o.Unknowns != byExample:
		return strict.Field("unknowns", "must be all or example, got %q%s", o.Unknowns, strict.Suggest(o.Unknowns, []string{everything, byExample}))
	case o.InnerIterations < 0:
		return strict.Field("inner_iterations", "must be 0 (the gradient step) or a number of iterations, got %d", o.InnerIterations)
	case !(o.Tolerance >= 0 && o.Tolerance < 1):
		return strict.Field("tolerance", "must be 0 (never) or a relative residual below 1, got %g", o.Tolerance)
	case !(o.GapTolerance >= 0 && o.GapTolerance < 1):
		return strict.Field("gap_tolerance", "must be 0 (never) or a fraction of P(0) below 1, got %g", o.GapTolerance)
	case !(o.WeightDecay >= 0):
		return strict.Field("weight_decay", "must not be negative, got %g", o.WeightDecay)
	}
	if err := o.validMomentum(); err != nil {
		return err
	}
	if err := o.Gamma.valid(); err != nil {
		return err
	}
	if err := o.validGram(); err != nil {
		return err
	}
	if o.InnerIterations == 0 && (o.Gamma.lm != nil || o.Gamma.search != nil) {
		return strict.Field("inner_iterations", "0 is the gradient step, whose gamma has no model to be adapted by; give at least 1, or gamma as a number or a schedule")
	}
	if o.Formulation != "dual" {
		switch {
		case o.Unknowns != everything:
			return strict.Field("unknowns", "says what the dual has, and needs formulation: dual; leave it out")
		case o.Rescale:
			return strict.Field("rescale", "is for formulation: dual; a truncated primal direction is already its best multiple")
		case o.Momentum != 0:
			return strict.Field("momentum", "is for formulation: dual; with the primal leave it out, and give the optimizer a momentum")
		case o.WarmStart:
			return strict.Field("warm_start", "keeps dual variables, and needs formulation: dual")
		case o.Gamma.search != nil:
			return strict.Field("gamma.search", "needs formulation: dual, whose system is one for all gammas")
		}
	}
	return nil
}

// Redrawn is that of [Recurrent].
func (o Inner) Redrawn() error {
	if o.WarmStart {
		return strict.Field("warm_start", "starts from what an example had when it was last seen, and data.resample draws the examples anew; leave it out, or set data.resample: never")
	}
	return nil
}

// validMomentum reports a momentum that is none, or that does not go with other options.
func (o Inner) validMomentum() error {
	switch {
	case !(o.Momentum >= 0 && o.Momentum < 1):
		return strict.Field("momentum", "must be 0 (none) or a number below 1, as 0.9; got %g", o.Momentum)
	case o.Momentum > 0 && o.Gamma.search != nil:
		return strict.Field("momentum", "does not go with gamma: {search: [...]}: the right-hand side of the system depends on gamma, so that no basis serves them all; give gamma as a number or a schedule")
	case o.Momentum > 0 && o.Gamma.lm != nil:
		return strict.Field("momentum", "does not go with gamma: {levenberg_marquardt: {...}}, which compares decreases of the loss: about the direction of the step before the model may predict a rise; give gamma as a number or a schedule")
	}
	return nil
}

// dims are the dimensions of the problem that is solved.
func (o Inner) dims(d Dims) Dims {
	if o.Unknowns == byExample {
		return exampleDims(d)
	}
	return d
}

// trials returns settings to test, in both formulations. The conformance suites combine
// them with every solver.
func (o Inner) trials() (out []Inner) {
	add := func(set func(*Inner)) {
		c := o
		set(&c)
		out = append(out, c)
	}
	for _, formulation := range []string{"dual", "primal"} {
		for _, c := range []struct {
			iterations   int
			gamma, decay float64
		}{{10, 1, 0}, {1, 100, 0}, {0, 1, 0}, {20, 1e4, 0}, {3, 1e4, 0.01}, {0, 1, 0.1}} {
			add(func(i *Inner) {
				i.Formulation, i.InnerIterations, i.Gamma, i.WeightDecay = formulation, c.iterations, ConstGamma(c.gamma), c.decay
			})
		}
		lm := DefaultLevenbergMarquardt
		add(func(i *Inner) { i.Formulation, i.Gamma, i.GapTolerance = formulation, Gamma{lm: &lm}, 1e-3 })
	}
	add(func(i *Inner) { i.Momentum, i.WeightDecay = 0.9, 0.01 })
	add(func(i *Inner) { i.Rescale, i.InnerIterations, i.Gamma, i.WeightDecay = true, 2, ConstGamma(100), 0.01 })
	return out
}
