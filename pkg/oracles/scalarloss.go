package oracles

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/losses"
)

// scalarLoss is the loss of problems with one number theta_i for each example. A target has
// two numbers: the example, whose phi_i it is, and the curvature identity.
type scalarLoss struct {
	kind string          // of the curvature; "": the model has none
	phi  []losses.Scalar // of the mini-batch at hand
}

var _ losses.Separable = (*scalarLoss)(nil)

func (l *scalarLoss) of(y []float64) losses.Scalar { return l.phi[int(y[0])] }

func (l *scalarLoss) Value(z, y []float64) float64   { return l.of(y).Value(z[0]) }
func (l *scalarLoss) Grad(dst, z, y []float64)       { dst[0] = l.of(y).Slope(z[0]) }
func (l *scalarLoss) Conj(a, y []float64) float64    { return l.of(y).Conj(a[0]) }
func (l *scalarLoss) MulFactor(dst, s, c []float64)  { losses.Squared{}.MulFactor(dst, s, c) }
func (l *scalarLoss) MulFactorT(dst, v, c []float64) { losses.Squared{}.MulFactor(dst, v, c) }
func (l *scalarLoss) Target() losses.Target          { return losses.ValueTarget }
func (l *scalarLoss) Curvature() losses.Curvature    { return losses.Smooth }
func (l *scalarLoss) Separable()                     {}
func (l *scalarLoss) Sample(*rand.Rand, int) (z, y []float64) {
	panic("oracles: a scalarLoss has no samples of its own")
}

// GGNFactor keeps the root of the curvature.
func (l *scalarLoss) GGNFactor(c, z, y []float64) {
	c[0] = math.Sqrt(curvatureOf(l.kind, l.of(y), z[0], y[1]))
}

// curvatureOf is beta of a kind, for a loss phi at theta; inverse is the curvature identity, 1/|n|².
func curvatureOf(kind string, phi losses.Scalar, theta, inverse float64) float64 {
	switch kind {
	case major:
		return phi.Majorizer(theta)
	case identity:
		return inverse + 0*theta // a NaN stays one
	}
	return phi.Curvature(theta)
}
