package losses

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Loss is a convex function of the outputs z of one example with target y.
// Methods keep and modify no argument but dst, which they overwrite. A NaN in z
// comes out as a NaN.
type Loss interface {
	// Value returns loss(z), for z and y of length k.
	Value(z, y []float64) float64

	// Grad sets dst to the gradient in z, of length k; at a kink, to a subgradient.
	Grad(dst, z, y []float64)

	// GGNFactor writes to c, of length k, what MulFactor and MulFactorT need to
	// apply the k x k factor L of the Hessian L Lᵀ at z. With it the generalized
	// Gauss-Newton matrix is (1/m) Σ J_iᵀ L_i L_iᵀ J_i (Schraudolph 2002).
	GGNFactor(c, z, y []float64)
	MulFactor(dst, s, c []float64)  // dst = L s, in O(k)
	MulFactorT(dst, v, c []float64) // dst = Lᵀ v, in O(k)

	// Conj returns the conjugate loss*(a) = sup_z a·z - loss(z), +Inf outside
	// its domain. Points within domainTol of the domain count as inside, on
	// its border.
	Conj(a, y []float64) float64

	// Target says what y is.
	Target() Target
	// Curvature says what oracles may expect of the Hessian and the dual.
	Curvature() Curvature

	// Sample draws outputs z and an admissible target y, of length k, or 1 for a
	// BinaryTarget. With it, tests run over every registered loss. A ProbabilityTarget of
	// length 1 is a label.
	Sample(rng *rand.Rand, k int) (z, y []float64)
}

// A BoxDual loss is a sum over outputs whose conjugate, a sum too, has an interval
// for its domain. Every loss that is not Smooth is one.
type BoxDual interface {
	Loss

	// ProxConj returns the a that minimises loss*(a) + kappa a²/2 - w a for one
	// output with target y and kappa >= 0.
	ProxConj(kappa, w, y float64) float64
}

// A Separable loss is a sum over outputs, so that its Hessians are diagonal, and their factors L
// too: with the same numbers for all outputs of an example, MulFactorT multiplies each by one.
// Systems of such a loss are formed by that alone, so a loss whose L is not diagonal must not be
// one, by embedding one either. Nor do outputs know of examples: MulFactor and MulFactorT take those
// of several at once.
type Separable interface {
	Loss
	Separable() // does nothing
}

// A Predictor is a loss whose outputs are no predictions of the targets themselves.
type Predictor interface {
	Loss

	// Predict sets dst to the targets that outputs z predict, both of length k.
	Predict(dst, z []float64)
}

// A Likelihood is a loss that is -log p(y|z), but for a constant, of a distribution of targets.
type Likelihood interface {
	Loss

	// DrawGrad sets dst to the gradient in z, of length k, at a target that it draws from the
	// distribution at z: its mean is 0, and its covariance the Hessian (Martens 2020, section 9).
	DrawGrad(dst, z []float64, rng *rand.Rand)
}

// A Target is a kind of y.
type Target int

const (
	ClassTarget       Target = iota // a point of the k-simplex: a one-hot class
	BinaryTarget                    // k = 1, y = -1 or +1
	ValueTarget                     // k real numbers; classes become one-hot
	ProbabilityTarget               // k numbers in [0, 1]; or, of two classes, k = 1, y = -1 or +1
)

// A Curvature is a class of losses by their second derivative, which decides what an
// oracle can do with them: prox-linear solves smooth losses by Newton's method and the
// others in the box of their dual; Gauss-Newton refuses those whose Hessian is 0.
type Curvature int

const (
	Smooth          Curvature = iota // twice differentiable
	PiecewiseSmooth                  // differentiable, the Hessian jumps: the dual has a box
	Polyhedral                       // piecewise linear: the Hessian is 0 where it exists
)

// domainTol is how far outside the conjugate's domain rounding may put a point.
const domainTol = 1e-9

// Known is the table of losses.
var Known = registry.Table[Loss]{Kind: "loss"}

// Mean returns the mean loss over the rows of z, m x k, with targets y, added
// up from the first to the last.
func Mean(l Loss, z, y tensor.Matrix[float64]) float64 { return Weighted{Loss: l}.Mean(z, y) }

// Correct reports whether outputs z predict the class of a one-hot or +-1
// target: by the largest output, the first of equals, or by the sign of the only one.
func Correct(z, y []float64) bool {
	if len(z) == 1 {
		return z[0]*y[0] > 0
	}
	return argmax(z) == argmax(y)
}

func argmax(v []float64) int {
	best := 0
	for j := range v {
		if v[j] > v[best] || math.IsNaN(v[j]) {
			best = j
		}
	}
	return best
}

func check(a, b []float64) {
	if len(a) != len(b) {
		panic("losses: vectors of different lengths")
	}
}

func checkBinary(z, y []float64) {
	if len(z) != 1 || len(y) != 1 {
		panic("losses: a binary loss takes one output")
	}
}

// normal draws k numbers of the normal distribution.
func normal(rng *rand.Rand, k int) []float64 {
	v := make([]float64, k)
	for j := range v {
		v[j] = rng.NormFloat64()
	}
	return v
}

// binarySample draws an output and a label +-1.
func binarySample(rng *rand.Rand) (z, y []float64) {
	return []float64{2 * rng.NormFloat64()}, []float64{float64(2*rng.IntN(2) - 1)}
}
