package losses

import "math"

// A Scalar is a convex, smooth function phi of one number theta.
type Scalar interface {
	Value(theta float64) float64
	Slope(theta float64) float64
	Curvature(theta float64) float64 // phi''(theta)

	// Majorizer returns the least known beta with
	// phi(theta + v) <= phi(theta) + phi'(theta) v + beta v²/2 for every v.
	Majorizer(theta float64) float64

	Conj(a float64) float64 // sup_theta a theta - phi(theta)
}

// A Scalarized loss is a function of one number of the outputs of an example
// (docs/math.md section 8).
type Scalarized interface {
	Loss

	// Scalar returns phi and theta with loss(z) = phi(theta), and sets n, of length k, to the
	// gradient of theta in z, so that grad loss = phi'(theta) n, and u -> phi(theta + n·u) is
	// nowhere above loss(z + u). It returns nil where the target has no such form.
	Scalar(n, z, y []float64) (phi Scalar, theta float64)
}

// ScalarOf is Scalar of a loss that has it. Any other is theta²/2 with theta = √(2 loss) and
// n = grad loss/theta, or 0 at a loss of 0, which is no minorant.
func ScalarOf(l Loss, n, z, y []float64) (phi Scalar, theta float64, minorant bool) {
	if s, ok := l.(Scalarized); ok {
		if phi, theta = s.Scalar(n, z, y); phi != nil {
			return phi, theta, true
		}
	}
	theta = math.Sqrt(2 * l.Value(z, y))
	l.Grad(n, z, y)
	for j := range n {
		if n[j] /= theta; theta == 0 {
			n[j] = 0
		}
	}
	return HalfSquare{}, theta, false
}

// HalfSquare is theta²/2. A NaN stays one, in the constants too.
type HalfSquare struct{}

func (HalfSquare) Value(theta float64) float64     { return theta * theta / 2 }
func (HalfSquare) Slope(theta float64) float64     { return theta }
func (HalfSquare) Curvature(theta float64) float64 { return 1 + 0*theta }
func (HalfSquare) Majorizer(theta float64) float64 { return 1 + 0*theta }
func (HalfSquare) Conj(a float64) float64          { return a * a / 2 }

// Margin is log(1 + exp(-theta)), the logistic loss of a margin.
type Margin struct{}

func (Margin) Value(theta float64) float64 {
	return max(-theta, 0) + math.Log1p(math.Exp(-math.Abs(theta)))
}

func (Margin) Slope(theta float64) float64 { return -sigmoid(-theta) }

// Curvature is s(theta) (1 - s(theta)).
func (Margin) Curvature(theta float64) float64 { return sigmoid(theta) * sigmoid(-theta) }

// Majorizer is tanh(theta/2)/(2 theta), 1/4 at 0 (Jaakkola and Jordan 2000).
func (Margin) Majorizer(theta float64) float64 {
	if t := math.Abs(theta); t < 1e-4 { // 1/4 - theta²/48 + ...
		return 0.25 - theta*theta/48
	}
	return math.Tanh(theta/2) / (2 * theta)
}

// Conj is t log t + (1-t) log(1-t) with t = -a in [0, 1].
func (Margin) Conj(a float64) float64 {
	return BinaryLogistic{}.Conj([]float64{a}, []float64{1})
}

// Scalar is the margin theta = z_y - log Σ_{j≠y} exp(z_j) of a class y, with
// n = e_y - softmax of the others. A target that is no class has none.
func (Logistic) Scalar(n, z, y []float64) (Scalar, float64) {
	check(z, y)
	class := argmax(y)
	if y[class] != 1 || len(z) == 1 {
		return nil, 0
	}
	most := math.Inf(-1)
	for j, v := range z {
		if j != class && !(v <= most) { // also a NaN
			most = v
		}
	}
	var sum float64
	for j, v := range z {
		if j != class {
			n[j] = -math.Exp(v - most)
			sum -= n[j]
		}
	}
	for j := range z {
		n[j] /= sum
	}
	n[class] = 1
	return Margin{}, z[class] - most - math.Log(sum)
}

// Scalar is the margin y z of a label y = +-1; a target of 0 is the label -1. A probability
// between 0 and 1 has none, and neither has a sum over several outputs.
func (BinaryLogistic) Scalar(n, z, y []float64) (Scalar, float64) {
	label := y[0]
	if label == 0 {
		label = -1
	}
	if len(z) != 1 || math.Abs(label) != 1 {
		return nil, 0
	}
	n[0] = label
	return Margin{}, label * z[0]
}

// Scalar is theta = |z - y|, with n its direction, or 0 at the target.
func (Squared) Scalar(n, z, y []float64) (Scalar, float64) {
	check(z, y)
	var square float64
	for j := range z {
		n[j] = z[j] - y[j]
		square += n[j] * n[j]
	}
	theta := math.Sqrt(square)
	for j := range n {
		if n[j] /= theta; theta == 0 {
			n[j] = 0
		}
	}
	return HalfSquare{}, theta
}
