package oracles

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A layeredJacobian sends signals back through its layers, see [nn.Linearization].
type layeredJacobian[T tensor.Float] interface {
	Jacobian[T]
	Signals(s int) tensor.Matrix[T]
	Backprop(signals tensor.Matrix[T], v nn.Visitor[T]) (multiplyAdds int64)
	Forget()
}

var _ layeredJacobian[float32] = (*nn.Linearization[float32])(nil)

// What a step of kfac falls back to, in its stop reason. Of several layers, the worst is told: the
// last here.
const (
	// FactorJitter: a factor with its damping is not positive definite in the precision there is,
	// and its inverse is that of the factor plus a small multiple of the identity.
	FactorJitter = "kfac_jitter"

	// FactorStale: the factors of a layer are not finite, and are in no mean, or could not be
	// inverted even so. The inverses before stay.
	FactorStale = "kfac_stale_factor"

	// FactorNone: and there are none before. The layer takes the gradient step -gamma' grad F.
	FactorNone = "kfac_gradient_block"
)

// kfacFallbacks are in order of severity.
var kfacFallbacks = []string{"", FactorJitter, FactorStale, FactorNone}

// streamFisher tells the stream of random numbers of mc from those of other uses of a seed.
const streamFisher = 0x6b_66_61_63

// kfacOracle is the oracle of [KFAC]. What its model predicts is the quadratic model of the loss along
// d, as that of gauss_newton, whatever fisher is (Martens and Grosse 2015, section 6.5).
type kfacOracle[T tensor.Float] struct {
	core[T]
	options KFAC
	seed    uint64
	chance  rand.PCG
	rng     *rand.Rand // of chance

	blocks []kfacBlock[T]
	made   bool    // an update was made
	held   float64 // gamma of the last

	factoring nn.Factoring[T]
	q         []T             // p: m grad F
	fresh     [2][]T          // the factors A and G of one layer
	products  [2][]T          // matrices of its weights
	inverse   *tensor.Inverse // and what it replaces
	wide      []float64
	eps       []float64 // k
	fallback  string    // of the call
	count     float64   // 1/m
}

var (
	_ Oracle[float32]     = (*kfacOracle[float32])(nil)
	_ Stateful            = (*kfacOracle[float32])(nil)
	_ nn.Visitor[float32] = (*kfacOracle[float32])(nil)
)

func newKFACOracle[T tensor.Float](spec KFAC, at Site) Oracle[T] {
	o := &kfacOracle[T]{options: spec, seed: at.Seed, eps: make([]float64, at.Dims.Outputs), q: make([]T, at.Dims.Weights)}
	o.bind(Inner{Gamma: spec.Gamma, WeightDecay: spec.WeightDecay, InnerIterations: 1}, at)
	o.rng, o.factoring.Reduce = rand.New(&o.chance), spec.Shared == reduce
	model, ok := at.Dims.Gram.(factorModel)
	if !ok {
		panic("oracles: kfac needs a model made of layers, see KFAC.Fits")
	}
	in, out, weights := 0, 0, 0
	for _, b := range model.WeightBlocks() {
		o.blocks = append(o.blocks, newKFACBlock[T](b, spec.EMA > 0))
		if f := b.Factors; f != nil {
			in, out, weights = max(in, f.Inputs()), max(out, f.Out), max(weights, f.Inputs()*f.Out)
		}
	}
	side := max(in, out)
	o.fresh = [2][]T{make([]T, in*in), make([]T, out*out)}
	o.products = [2][]T{make([]T, weights), make([]T, weights)}
	o.inverse, o.wide = tensor.NewInverse(side), make([]float64, side*tensor.FactorStride(side))
	return o
}

// Direction brings factors and inverses up to date, if it is time, and multiplies by them.
func (o *kfacOracle[T]) Direction(d []T, p *Subproblem[T]) Report {
	o.begin(d, p)
	o.unsolved, o.fallback = false, ""
	size := dot(o.g.Flat(), o.g.Flat())
	if o.options.WeightDecay > 0 {
		size++
	}
	if o.trivial(size) {
		return o.still(o.outputGradient(d), StoppedGradient)
	}
	qq := o.outputGradient(o.q)
	switch {
	case qq == 0:
		clear(d)
		return o.still(qq, StoppedGradient)
	case !finite(qq):
		copy(d, o.q)
		return o.still(qq, StoppedNonFinite)
	}
	if o.due() {
		o.update()
	} else if !(p.Gamma > 0) {
		o.setGamma(o.held)
	}
	o.count = 1 / o.m
	for i := range o.blocks {
		o.step(&o.blocks[i])
	}
	o.report.StopReason, o.report.Fallback = o.fallback, o.fallback != ""
	o.report.Slope = tensor.Dot(o.pool, o.q, d) / o.m
	if !(o.report.Slope < 0) || math.IsInf(o.report.Slope, 0) {
		copy(d, o.q)
		o.gradientStep(qq, StoppedSlope)
		o.report.Fallback = true
	}
	if o.gamma.adapts() {
		o.jvp(o.u, d)
		o.report.ModelChange = o.predicted()
	}
	return o.finish()
}

// still makes d, which is m grad F, a gradient step, in a call that has nothing to solve.
func (o *kfacOracle[T]) still(qq float64, reason string) Report {
	o.gradientStep(qq, reason)
	if o.unsolved = true; o.gammaPrime == 0 { // d = 0 is the minimum
		o.report.ModelChange = 0
	}
	return o.finish()
}

// due reports whether factors and inverses are to be made.
func (o *kfacOracle[T]) due() bool {
	return !o.made || o.p.Time.Step%o.options.UpdateEvery == 0 || o.p.Gamma > 0 && o.p.Gamma != o.held
}

// update sends signals back, and makes factors and inverses layer by layer.
func (o *kfacOracle[T]) update() {
	net, ok := o.p.Gradient.Jacobian.(layeredJacobian[T])
	if !ok {
		panic("oracles: kfac needs a model made of layers, see KFAC.Fits")
	}
	net.Forget() // what the layers hold for others is overwritten
	o.made, o.held = true, o.report.Gamma
	o.factoring.Omega = o.p.Gradient.Omega
	s := 1
	if o.options.Fisher == type2 {
		s = o.f.Cols
	}
	sent := net.Signals(s)
	o.signals(sent, s)
	adds := net.Backprop(sent, o)
	o.report.Counters.Add(Counters{VJPs: s, MultiplyAdds: adds})
	o.factoring.Omega = nil
}

// signals sets row c m + i of sent to signal c of example i: √omega_i L_i e_c, or √omega_i times the
// gradient of the loss at the target of i, or at one that is drawn.
func (o *kfacOracle[T]) signals(sent tensor.Matrix[T], s int) {
	m := o.f.Rows
	if o.options.Fisher == type2 {
		o.factor.set(o.f, o.y)
		for i := range m {
			for c := range s {
				clear(o.eps)
				o.eps[c] = 1
				o.loss.MulFactorOf(i, o.row, o.eps, o.factor.at.Row(i))
				tensor.Convert(sent.Row(c*m+i), o.row)
			}
		}
		return
	}
	o.chance.Seed(o.seed^streamFisher, uint64(o.p.Time.Step))
	for i := range m {
		if o.options.Fisher == monteCarlo {
			o.loss.Loss.(losses.Likelihood).DrawGrad(o.row, o.f.Row(i), o.rng)
		} else {
			o.loss.Grad(o.row, o.f.Row(i), o.y.Row(i))
		}
		if o.loss.Omega != nil {
			tensor.Scale(nil, math.Sqrt(o.loss.Omega[i]), o.row)
		}
		tensor.Convert(sent.Row(i), o.row)
	}
}

// predicted is the change of the quadratic model of h, for u = J d.
func (o *kfacOracle[T]) predicted() float64 {
	if o.options.Fisher != type2 {
		o.factor.set(o.f, o.y)
	}
	return o.changeOf(o.u)
}

// Complete takes a JVP for the change of the model, and with weight decay a VJP for the norm of the
// gradient.
func (o *kfacOracle[T]) Complete(bool) Report {
	r := o.report
	if math.IsNaN(r.ModelChange) {
		o.factor.set(o.f, o.y)
		o.p.Gradient.JVP(o.u, o.d)
		r.ModelChange = o.changeOf(o.u)
	}
	return o.complete(r)
}

// fall notes a fallback, unless a worse one is noted.
func (o *kfacOracle[T]) fall(to string) {
	if slices.Index(kfacFallbacks, to) > slices.Index(kfacFallbacks, o.fallback) {
		o.fallback = to
	}
}
