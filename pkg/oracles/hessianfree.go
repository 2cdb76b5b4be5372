package oracles

import (
	"fmt"
	"maps"
	"math"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	lm := DefaultLevenbergMarquardt
	base := HessianFree{InnerIterations: 250, Tolerance: 5e-4, Gamma: Gamma{lm: &lm}, Decay: 0.95, Backtracking: true}
	constant, plain := base, base
	constant.Gamma, constant.InnerIterations, constant.WeightDecay = ConstGamma(10), 12, 0.01
	plain.Backtracking, plain.Decay, plain.InnerIterations = false, 0.5, 3
	registry.Add(&Known, registry.Info{
		Name:      "hessian_free",
		Doc:       "minimises the quadratic model of the loss over the linearized network by conjugate gradients from the step before, and goes back to the iterate of the least loss",
		Reference: "Martens 2010; Martens and Sutskever 2012",
	}, base, newHessianFree, constant, plain)
}

// HessianFree solves ((1/m) Jᵀ H J + (1/gamma + mu) I) d = -grad F for the p numbers d by
// conjugate gradients, as the primal of [GaussNewton] does, in the way of Martens 2010:
//
//   - CG starts from decay times the solution of the call before,
//   - and ends when the model q(x) = grad F·x + x·A x/2 makes little progress: after i iterations
//     with q(x_i) < 0 and (q(x_i) - q(x_{i-k}))/q(x_i) < k tolerance, k = max(10, ⌈i/10⌉).
//   - Of the iterates ⌈1.3^j⌉ and the last one, d is found by going back from the last as long as
//     F(w + x) does not rise.
//   - gamma follows how well the model without damping predicts F(w + d), see
//     [LevenbergMarquardt].
type HessianFree struct {
	InnerIterations int     `yaml:"inner_iterations" doc:"budget of conjugate gradients; 0 is the gradient step"`
	Tolerance       float64 `yaml:"tolerance" doc:"progress of an iteration, relative to that of all, below which they end; 0: never"`
	Gamma           Gamma   `yaml:"gamma" doc:"proximity, 1/gamma is the damping: a number, a schedule, or {levenberg_marquardt: {...}}"`
	Decay           float64 `yaml:"decay" doc:"factor of the solution before, from which the iterations start; 0: they start from 0"`
	Backtracking    bool    `yaml:"backtracking" doc:"go back to the iterate of the least loss, a forward pass for each that is tried"`
	WeightDecay     float64 `yaml:"weight_decay" doc:"mu of the term mu |w + d|^2/2 inside the model"`
}

var (
	_ Spec  = HessianFree{}
	_ Sized = HessianFree{}
)

func newHessianFree(o HessianFree) (Spec, error) {
	switch {
	case o.InnerIterations < 0 || o.InnerIterations > maxHessianFree:
		return nil, strict.Field("inner_iterations", "must be 0 (the gradient step) or a number of iterations up to %d, got %d", maxHessianFree, o.InnerIterations)
	case !(o.Tolerance >= 0 && o.Tolerance < 0.1):
		return nil, strict.Field("tolerance", "must be 0 (never) or below 0.1, which ten iterations with any progress at all meet; got %g", o.Tolerance)
	case !(o.Decay >= 0 && o.Decay <= 1):
		return nil, strict.Field("decay", "must be from 0 (no warm start) to 1, got %g", o.Decay)
	case !(o.WeightDecay >= 0) || math.IsInf(o.WeightDecay, 0):
		return nil, strict.Field("weight_decay", "must not be negative, got %g", o.WeightDecay)
	case o.Gamma.search != nil:
		return nil, strict.Field("gamma.search", "is for gauss_newton with solver lanczos, whose basis serves all gammas; give a number, a schedule or {levenberg_marquardt: {...}}")
	case o.InnerIterations == 0 && o.Gamma.lm != nil:
		return nil, strict.Field("inner_iterations", "0 is the gradient step, whose gamma has no model to be adapted by; give at least 1, or gamma as a number or a schedule")
	}
	if err := o.Gamma.valid(); err != nil {
		return nil, err
	}
	return o, nil
}

// maxHessianFree bounds the iterations, of which each has a number in memory.
const maxHessianFree = 1 << 20

// Check refuses losses without curvature.
func (o HessianFree) Check(l losses.Loss) error {
	if !curved(l) {
		return fmt.Errorf("hessian_free with this loss is just the gradient, since the loss is piecewise linear: its Hessian is 0; use the oracle gradient or prox_linear, or another loss: hessian_free takes %s", lossesThat(curved))
	}
	return nil
}

// Fits needs nothing.
func (o HessianFree) Fits(losses.Loss, Dims) error { return nil }

func (o HessianFree) Oracles() Oracles {
	return OraclesOf(o, newHessianFreeOracle[float32], newHessianFreeOracle[float64])
}

// Held counts, beside the core: J x; b, x, r, p, A p and work space for the gap; and the iterates
// to go back to.
func (o HessianFree) Held(_ losses.Loss, s Sizes) Held {
	kept := 0
	if o.Backtracking {
		kept = len(geometric(o.InnerIterations))
	}
	return Held{
		Bytes:     size.Sum(s.matrices(5), s.vectors(6+kept), size.Product(8, o.InnerIterations)),
		OutputsAt: o.Backtracking || o.Gamma.lm != nil,
		State:     size.Product(8, s.Dims.Weights),
	}
}

// inner are the options that the core knows.
func (o HessianFree) inner() Inner {
	return Inner{Formulation: "primal", InnerIterations: o.InnerIterations, Gamma: o.Gamma, WeightDecay: o.WeightDecay}
}

type hessianFree[T tensor.Float] struct {
	HessianFree
	core[T]
	cg     *progressCG[T]
	sys    PrimalSystem[T]
	b      []T                    // p: -grad F
	roomJX tensor.Matrix[float64] // m x k

	solved   bool    // cg.x is the solution of an earlier call
	gradSize float64 // |grad F| of the last call
}

var (
	_ Oracle[float32] = (*hessianFree[float32])(nil)
	_ Stateful        = (*hessianFree[float32])(nil)
)

func newHessianFreeOracle[T tensor.Float](spec HessianFree, at Site) Oracle[T] {
	o := &hessianFree[T]{
		HessianFree: spec, cg: newProgressCG[T](at.Dims.Weights, spec.InnerIterations, spec.Backtracking, at.Pool),
		b: make([]T, at.Dims.Weights), roomJX: tensor.New[float64](at.Dims.Examples, at.Dims.Outputs),
	}
	o.bind(spec.inner(), at)
	return o
}

// Direction solves, goes back, and adapts gamma.
func (o *hessianFree[T]) Direction(d []T, p *Subproblem[T]) Report {
	o.begin(d, p)
	qq := o.outputGradient(o.b)
	o.gradSize = math.Sqrt(qq) / o.m
	if o.trivial(qq) {
		return o.fallBack(qq, StoppedGradient)
	}
	tensor.Scale(o.pool, T(-1/o.m), o.b) // b = -grad F
	o.factor.set(o.f, o.y)
	o.sys = o.primalSystem(o.roomJX)
	if !o.solved {
		clear(o.cg.x)
	}
	tensor.Scale(o.pool, T(o.Decay), o.cg.x)
	p.Trace.begin(o.gammaPrime / 2)
	s := o.cg.solve(&o.sys, o.b, Stop{Iterations: o.budget, Tolerance: o.Tolerance, Trace: p.Trace})
	o.report.Counters.Add(o.sys.Counters)
	o.record(s)
	if o.solved = s.Reason != StoppedNonFinite; !o.solved {
		clear(d)
		return o.report
	}
	chosen, after := o.cg.n, math.NaN()
	if o.Backtracking {
		chosen, after = o.goBack()
	} else if o.gamma.adapts() {
		after = o.valueAt(o.cg.x)
	}
	x, q := o.cg.iterate(chosen)
	copy(d, x)
	o.report.Slope = -tensor.Dot(o.pool, o.b, d)
	if !(q < 0 && o.report.Slope < 0) { // of a bad start, or by rounding
		tensor.Scale(o.pool, T(-o.m), o.b)
		o.fallBack(qq, StoppedSlope)
		o.report.Fallback = true
		o.adaptTo(math.NaN())
		return o.report
	}
	// q is the change of F that the model with the damping predicts.
	change := q - tensor.Dot(o.pool, d, d)/(2*o.report.Gamma)
	o.report.ModelChange = change
	if mu := o.WeightDecay; mu > 0 {
		o.report.ModelChange -= o.decaySlope(d) + mu/2*tensor.Dot(o.pool, d, d)
	}
	o.adaptTo((after - o.mean(o.f)) / change)
	return o.report
}

// fallBack makes the gradient step, for b = m grad F.
func (o *hessianFree[T]) fallBack(qq float64, reason string) Report {
	copy(o.d, o.b)
	o.gradientStep(qq, reason)
	return o.report
}

// adaptTo adapts gamma, where that is asked for, to the ratio of the actual change of F to the
// predicted one.
func (o *hessianFree[T]) adaptTo(ratio float64) {
	if o.gamma.adapts() && !(o.p.Gamma > 0) {
		o.gamma.adapt(ratio)
	}
}

// goBack goes from the last iterate to earlier ones as long as F does not rise, and returns the
// one it comes to and F there. Iterates with q >= 0, of a bad start, are no directions.
func (o *hessianFree[T]) goBack() (chosen int, value float64) {
	chosen = o.cg.n
	value = o.valueAt(o.cg.x)
	for i := chosen - 1; i >= 0; i-- {
		x, q := o.cg.iterate(i)
		if !(q < 0) {
			break
		}
		v := o.valueAt(x)
		if finite(value) && !(v <= value) {
			break
		}
		chosen, value = i, v
	}
	return chosen, value
}

// valueAt is F(w + x) - (mu/2) |w|², by a forward pass.
func (o *hessianFree[T]) valueAt(x []T) float64 {
	batch := &o.p.Gradient
	v := o.mean(batch.OutputsAt(1, x))
	o.report.Counters.Add(Counters{Forwards: 1, MultiplyAdds: batch.Dims().Forward})
	if mu := o.WeightDecay; mu > 0 {
		v += o.decaySlope(x) + mu/2*tensor.Dot(o.pool, x, x)
	}
	return v
}

// Complete takes a JVP and a VJP for the gap (gamma'/2) |grad P(d)|², and a JVP for the change
// of the model by the gradient step.
func (o *hessianFree[T]) Complete(gap bool) Report { return o.completeQuadratic(gap, o.gradSize) }

// stateSolution is p numbers, the last iterate of the call before; none if there was none.
const stateSolution = "solution"

func (o *hessianFree[T]) State() map[string][]float64 {
	s := o.core.State()
	s[stateSolution] = nil
	if o.solved {
		s[stateSolution] = make([]float64, len(o.cg.x))
		tensor.Convert(s[stateSolution], o.cg.x)
	}
	return s
}

func (o *hessianFree[T]) Restore(state map[string][]float64) error {
	x, ok := state[stateSolution]
	if !ok {
		return fmt.Errorf("the state holds no %s", stateSolution)
	}
	if err := finiteState(map[string][]float64{stateSolution: x}); err != nil {
		return err
	}
	if n := len(o.cg.x); len(x) != 0 && len(x) != n {
		return fmt.Errorf("the solution before has %d numbers, the model %d weights", len(x), n)
	}
	rest := maps.Clone(state)
	delete(rest, stateSolution)
	if err := o.core.Restore(rest); err != nil {
		return err
	}
	if o.solved = len(x) > 0; o.solved {
		tensor.Convert(o.cg.x, x)
	}
	return nil
}
