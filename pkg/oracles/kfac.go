package oracles

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	base := KFAC{Fisher: type2, Shared: expand, UpdateEvery: 1, Gamma: ConstGamma(1)}
	trial := func(set func(*KFAC)) KFAC {
		o := base
		set(&o)
		return o
	}
	lm := DefaultLevenbergMarquardt
	registry.Add(&Known, registry.Info{
		Name:      "kfac",
		Doc:       "d = -(A ⊗ G + I/gamma)^-1 grad h for each layer, with Kronecker factors of its inputs and signals; a layer without them, as a norm, takes the diagonal of the curvature",
		Reference: "Martens and Grosse 2015, arXiv 1503.05671; Eschenhagen et al. 2023, arXiv 2311.00636",
	}, base, newKFAC,
		trial(func(o *KFAC) { o.EMA = 0.95 }),
		trial(func(o *KFAC) { o.UpdateEvery, o.Gamma = 2, ConstGamma(100) }),
		trial(func(o *KFAC) { o.Fisher, o.EMA, o.UpdateEvery, o.WeightDecay = monteCarlo, 0.5, 2, 0.01 }),
		trial(func(o *KFAC) { o.Fisher, o.Shared = empirical, reduce }),
		trial(func(o *KFAC) { o.EMA, o.Gamma = 0.9, Gamma{lm: &lm} }))
}

// What fisher and shared can be, beside empirical.
const (
	type2      = "type2"
	monteCarlo = "mc"
	expand     = "expand"
	reduce     = "reduce"
)

// KFAC approximates the Gauss-Newton matrix by a block A ⊗ G for each layer, of factors of its inputs
// and of its signals ([nn.KroneckerOp]), and solves with each block, in matrices of the shape of
// the weights (docs/math.md section 12):
//
//	d = -(G + (√λ/π) I)⁻¹ grad F (A + π √λ I)⁻¹,  λ = 1/gamma + mu,  π = √((tr A/dim A)/(tr G/dim G)),
//
// the factored damping of Martens and Grosse 2015, section 6.3. Signals are those of the Hessians of
// the losses (type2: the expectation over targets of the model, exactly), of one target drawn from
// the model for each example (mc), or the gradients of the losses (empirical). Means over updates are
// theirs, of section 5: the k-th update has the weight 1 - min(1 - 1/k, ema).
type KFAC struct {
	Fisher      string  `yaml:"fisher" doc:"type2: the Hessian of the loss, a signal for each output; mc: one target drawn from the model; empirical: gradients"`
	Shared      string  `yaml:"shared" doc:"where a layer has its weights at many places, as convolutions have: expand, each place by itself, or reduce, their mean and sum"`
	EMA         float64 `yaml:"ema" doc:"weight of earlier factors in their means, 0.95 in the paper; 0: those of the mini-batch alone"`
	UpdateEvery int     `yaml:"update_every" doc:"steps from one update of factors and inverses to the next; gamma stays the same between"`
	Gamma       Gamma   `yaml:"gamma" doc:"proximity, 1/gamma is the damping: a number, a schedule, or {levenberg_marquardt: {...}}"`
	WeightDecay float64 `yaml:"weight_decay" doc:"mu of the term mu |w + d|^2/2 inside the model"`
}

var (
	_ Spec      = KFAC{}
	_ Automatic = KFAC{}
	_ Sized     = KFAC{}
	_ Periodic  = KFAC{}
)

func newKFAC(o KFAC) (Spec, error) {
	fishers, shared := []string{type2, monteCarlo, empirical}, []string{expand, reduce}
	switch {
	case !slices.Contains(fishers, o.Fisher):
		return nil, strict.Field("fisher", "must be one of %s; got %q%s", strings.Join(fishers, ", "), o.Fisher, strict.Suggest(o.Fisher, fishers))
	case !slices.Contains(shared, o.Shared):
		return nil, strict.Field("shared", "must be one of %s; got %q%s", strings.Join(shared, ", "), o.Shared, strict.Suggest(o.Shared, shared))
	case !(o.EMA >= 0 && o.EMA < 1):
		return nil, strict.Field("ema", "must be 0 (factors of the mini-batch alone) or a number below 1, as 0.95; got %g", o.EMA)
	case o.UpdateEvery < 1:
		return nil, strict.Field("update_every", "must be a positive number of steps, 1 for every step; got %d", o.UpdateEvery)
	case !(o.WeightDecay >= 0):
		return nil, strict.Field("weight_decay", "must not be negative, got %g", o.WeightDecay)
	case o.Gamma.search != nil:
		return nil, strict.Field("gamma.search", "is for gauss_newton with solver: lanczos; give gamma as a number, a schedule or {levenberg_marquardt: {...}}")
	}
	return o, o.Gamma.valid()
}

// Check refuses losses without curvature, and for mc those that are no likelihood.
func (o KFAC) Check(l losses.Loss) error {
	_, likelihood := l.(losses.Likelihood)
	switch {
	case o.Fisher == type2 && !curved(l):
		return fmt.Errorf("kfac with fisher: type2 needs a loss with curvature, and this one is piecewise linear: its Hessian is 0; take fisher: empirical, the oracle gradient, or another loss: type2 takes %s", lossesThat(curved))
	case o.Fisher == monteCarlo && !likelihood:
		return fmt.Errorf("kfac with fisher: mc draws targets from the model, and this loss is the likelihood of none; take fisher: type2 or empirical, or another loss: mc takes %s",
			lossesThat(func(l losses.Loss) bool { _, ok := l.(losses.Likelihood); return ok }))
	}
	return nil
}

// A factorModel is a model made of layers that have Kronecker factors.
type factorModel interface {
	WeightBlocks() []nn.WeightBlock

	// FactorMemory returns the bytes that signals and factors of m examples take within the
	// model, where a number takes so many bytes.
	FactorMemory(m, s, value int, reduce bool) int
}

// Fits refuses models without layers, and factors of more than 2 GiB.
func (o KFAC) Fits(_ losses.Loss, d Dims) error {
	model, ok := d.Gram.(factorModel)
	if !ok {
		return fmt.Errorf("kfac needs a model made of layers, and this one tells of none; take gauss_newton, which needs products with J alone")
	}
	for _, b := range model.WeightBlocks() {
		if b.Factors == nil {
			continue
		}
		if n := max(b.Factors.Inputs(), b.Factors.Out); size.Product(8, n, n) > maxVectors {
			return fmt.Errorf("kfac inverts a matrix of %d x %d for layer %s (%s), which takes %s, more than the %s allowed; use fewer units or smaller inputs there, or another oracle",
				n, n, b.Path, b.Kind, size.Bytes(size.Product(8, n, n)), size.Bytes(maxVectors))
		}
	}
	return nil
}

// signals is how many go back for each example.
func (o KFAC) signals(d Dims) int {
	if o.Fisher == type2 {
		return d.Outputs
	}
	return 1
}

// Choices says what an update takes, and which layers have no factors.
func (o KFAC) Choices(_ losses.Loss, d Dims) (list []string) {
	if s := o.signals(d); s > 1 {
		list = append(list, fmt.Sprintf("fisher: type2 takes %d signals of each example back through the layers, where mc and empirical take one", s))
	}
	model, ok := d.Gram.(factorModel)
	if !ok {
		return list
	}
	var without []string
	for _, b := range model.WeightBlocks() {
		if b.Factors == nil {
			without = append(without, fmt.Sprintf("%s (%s)", b.Path, b.Kind))
		}
	}
	if len(without) > 0 {
		list = append(list, fmt.Sprintf("layers without Kronecker factors take the diagonal of the curvature: %s", strings.Join(without, ", ")))
	}
	return list
}

// Held counts, beside the core: inverses, and factors of means; two factors and the matrix that is
// inverted, with its work space, of the largest layer; the gradient, and two matrices of weights; and
// what the model keeps.
func (o KFAC) Held(_ losses.Loss, s Sizes) Held {
	h := Held{Bytes: size.Sum(s.matrices(4), s.vectors(1)), OutputsAt: o.Gamma.lm != nil}
	model, ok := s.Dims.Gram.(factorModel)
	if !ok {
		return h
	}
	values, in, out, weights := 0, 0, 0, 0
	kept := 1
	if o.EMA > 0 {
		kept = 2
	}
	for _, b := range model.WeightBlocks() {
		f := b.Factors
		if f == nil {
			values = size.Sum(values, b.Hi-b.Lo)
			continue
		}
		n := f.Inputs()
		values = size.Sum(values, size.Product(kept, n, n), size.Product(kept, f.Out, f.Out))
		in, out, weights = max(in, n), max(out, f.Out), max(weights, size.Product(n, f.Out))
	}
	side := max(in, out)
	values = size.Sum(values, size.Product(in, in), size.Product(out, out), size.Product(2, weights))
	inverse := size.Product(8, size.Sum(size.Product(side, side+15), tensor.InverseSpace(side)))
	return h.with(size.Sum(size.Product(s.Value, values), inverse, model.FactorMemory(s.Dims.Examples, o.signals(s.Dims), s.Value, o.Shared == reduce)))
}

// Period is the number of steps from one update to the next.
func (o KFAC) Period() int { return o.UpdateEvery }

func (o KFAC) Oracles() Oracles { return OraclesOf(o, newKFACOracle[float32], newKFACOracle[float64]) }
