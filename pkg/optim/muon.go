package optim

import (
	"fmt"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	all := defaultMuon()
	all.Nesterov, all.Matrices, all.AdjustRate, all.WeightDecay = false, "all", "match_rms_adamw", 0
	all.Rest = choiceOf("sgd", SGD{LearningRate: schedules.Const(0.1), Momentum: 0.9}, newSGD)
	registry.Add(&Known, registry.Info{Name: muon, Doc: "momentum of matrices made about orthogonal by Newton-Schulz steps; another optimizer for the rest", Reference: "Jordan et al. 2024, kellerjordan.github.io/posts/muon; torch.optim.Muon"},
		defaultMuon(), newMuon, all)
}

// defaultMuon has the defaults of torch.optim.Muon.
func defaultMuon() Muon {
	return Muon{
		LearningRate: schedules.Const(1e-3), WeightDecay: 0.1, Momentum: 0.95, Nesterov: true,
		Coefficients: []float64{3.4445, -4.7750, 2.0315}, Epsilon: 1e-7, Steps: 5, AdjustRate: "original", Matrices: "hidden",
		Rest: choiceOf("adamw", AdamW{LearningRate: schedules.Const(1e-3), Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01}, newAdamW),
	}
}

const muon = "muon"

// Muon is, for a matrix with g = -d and as in torch.optim.Muon, but in the precision of the run
// where that has bfloat16,
//
//	m = momentum m + (1 - momentum) g
//	X = m, or (1 - momentum) g + momentum m with nesterov, over max(|X|, epsilon)
//	X = a X + (b X Xᵀ + c (X Xᵀ)²) X, ns_steps times: singular values go to about 1
//	u = -learning_rate (s X + weight_decay w)
//
// where s for a matrix of m x n is √max(1, m/n) (adjust_lr_fn original, Jordan), 0.2 √max(m, n)
// (match_rms_adamw, Moonshot: Liu et al. 2025, arXiv 2502.16982), or √(m/n)
// (spectral_unclamped, Bernstein). All blocks that are not taken are left to the optimizer rest.
type Muon struct {
	LearningRate schedules.Number `yaml:"learning_rate" doc:"multiplies the orthogonal update; a number or a schedule"`
	WeightDecay  float64          `yaml:"weight_decay" doc:"adds -learning_rate weight_decay w to the update"`
	Momentum     float64          `yaml:"momentum" doc:"memory of the mean of gradients"`
	Nesterov     bool             `yaml:"nesterov" doc:"look ahead along the momentum"`
	Coefficients []float64        `yaml:"ns_coefficients,flow" doc:"a, b and c of a Newton-Schulz step"`
	Epsilon      float64          `yaml:"epsilon" doc:"keeps the division safe"`
	Steps        int              `yaml:"ns_steps" doc:"Newton-Schulz steps"`
	AdjustRate   string           `yaml:"adjust_lr_fn" doc:"how the rate follows the shape: original, match_rms_adamw or spectral_unclamped"`
	Matrices     string           `yaml:"matrices" doc:"which are taken: hidden, all but the first and the last, or all"`
	Rest         Choice           `yaml:"rest" doc:"the optimizer of all else"`
}

var (
	_ Spec       = Muon{}
	_ Nesting    = Muon{}
	_ Unscalable = Muon{}
	_ Fitting    = Muon{}
)

// maxNewtonSchulz is the limit of torch.optim.Muon.
const maxNewtonSchulz = 99

func newMuon(o Muon) (Spec, error) {
	if err := o.LearningRate.Positive("learning_rate"); err != nil {
		return nil, err
	}
	if err := checkFraction("momentum", o.Momentum); err != nil {
		return nil, err
	}
	if err := checkEpsilon(o.Epsilon); err != nil {
		return nil, err
	}
	switch {
	case len(o.Coefficients) != 3 || !allFinite(o.Coefficients):
		return nil, strict.Field("ns_coefficients", "must be three finite numbers, as in [3.4445, -4.7750, 2.0315], got %v", o.Coefficients)
	case o.Steps < 1 || o.Steps > maxNewtonSchulz:
		return nil, strict.Field("ns_steps", "must be from 1 to %d, got %d", maxNewtonSchulz, o.Steps)
	case o.AdjustRate != "original" && o.AdjustRate != "match_rms_adamw" && o.AdjustRate != "spectral_unclamped":
		return nil, strict.Field("adjust_lr_fn", "must be original, match_rms_adamw or spectral_unclamped, got %q", o.AdjustRate)
	case o.Matrices != "hidden" && o.Matrices != "all":
		return nil, strict.Field("matrices", "must be hidden or all, got %q", o.Matrices)
	}
	if err := checkDecay(o.WeightDecay); err != nil {
		return nil, err
	}
	return o, o.Rest.check("rest", muon)
}

func allFinite(v []float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}

func (o Muon) Optimizers() Optimizers { return OptimizersOf(o, bindMuon[float32], bindMuon[float64]) }

// Within is the optimizer of the rest.
func (o Muon) Within() []Choice { return []Choice{o.Rest} }

// Unscalable is what the optimizer of the rest says.
func (o Muon) Unscalable() string {
	if why := WhyUnscalable(o.Rest.Must()); why != "" {
		return fmt.Sprintf("of its rest, %s, %s", o.Rest.Name, why)
	}
	return ""
}

// Period is that of the optimizer of the rest.
func (o Muon) Period() int { return Period(o.Rest.Must()) }

// taken reports for each block whether it is a matrix that is taken.
func (o Muon) taken(l tensor.Layout) []bool {
	taken := make([]bool, len(l.Blocks))
	var matrices []int
	for i, b := range l.Blocks {
		if b.IsMatrix() && b.Len() > 0 {
			matrices = append(matrices, i)
		}
	}
	if o.Matrices == "hidden" {
		if len(matrices) < 3 {
			return taken
		}
		matrices = matrices[1 : len(matrices)-1]
	}
	for _, i := range matrices {
		taken[i] = true
	}
	return taken
}

// Fits refuses weights of which no matrix would be taken.
func (o Muon) Fits(l tensor.Layout) error {
	taken := o.taken(l)
	if !slices.Contains(taken, true) {
		n := 0
		for _, b := range l.Blocks {
			if b.IsMatrix() {
				n++
			}
		}
		return strict.Field("matrices", "of the %d matrices of this model none is %s, since the first and the last do not count: every weight would be left to rest; take matrices: all, a deeper model or another optimizer", n, o.Matrices)
	}
	parts, _ := runs(l, func(i int) bool { return taken[i] })
	for _, p := range parts {
		if err := o.Rest.fits("rest", p); err != nil {
			return err
		}
	}
	return nil
}

// Remarks says which blocks are taken.
func (o Muon) Remarks(l tensor.Layout) []string {
	var own, rest []string
	for i, taken := range o.taken(l) {
		if taken {
			own = append(own, l.Blocks[i].Name)
		} else {
			rest = append(rest, l.Blocks[i].Name)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("muon takes %s; %s takes %s", named(own), o.Rest.Name, named(rest))}
}

// StateBytes counts the momentum of matrices, and the optimizers of the rest.
func (o Muon) StateBytes(l tensor.Layout, value int) int {
	taken, bytes := o.taken(l), 0
	for i, b := range l.Blocks {
		if taken[i] {
			bytes = size.Sum(bytes, size.Product(b.Len(), value))
		}
	}
	parts, _ := runs(l, func(i int) bool { return taken[i] })
	for _, p := range parts {
		bytes = size.Sum(bytes, StateBytes(o.Rest.Must(), p, value))
	}
	return bytes
}

// WorkBytes counts two matrices of the largest size, and two of their smaller side.
func (o Muon) WorkBytes(l tensor.Layout, value int) int {
	taken := o.taken(l)
	longest, side := o.largest(l, taken)
	bytes := size.Sum(size.Product(2, longest, value), size.Product(2, side, side, value))
	parts, _ := runs(l, func(i int) bool { return taken[i] })
	for _, p := range parts {
		bytes = size.Sum(bytes, WorkBytes(o.Rest.Must(), p, value))
	}
	return bytes
}

// largest returns the numbers of the largest matrix, and the largest of the smaller sides.
func (Muon) largest(l tensor.Layout, taken []bool) (longest, side int) {
	for i, b := range l.Blocks {
		if taken[i] {
			rows, cols := sides(b)
			longest, side = max(longest, b.Len()), max(side, min(rows, cols))
		}
	}
	return longest, side
}
