package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/tensor"
)

// A Jet says what is carried of a function of d coordinates: its value, its d first
// derivatives, and a sum of second derivatives such as the Laplacian. These d + 2 numbers, or
// streams, go through a network in one pass, the "forward Laplacian" (Li et al. 2023, arXiv
// 2307.08214): an example of n values becomes d + 2 rows of n, the value first and the sum
// last, and a dense layer takes the rows of all examples in one product (docs/math.md
// section 11).
type Jet struct {
	Dimension int   // d
	Second    []int // the coordinates whose second derivatives are summed

	// Weights are what these are multiplied by in the sum, constants in the order of Second, as
	// 1 and -c² for the wave equation's u_tt - c² u_xx. Nil: 1 each.
	Weights []float64
}

// Streams returns d + 2.
func (j Jet) Streams() int { return j.Dimension + 2 }

// weights returns what the second derivative of each coordinate is multiplied by, 0 for those that
// are not in the sum.
func (j Jet) weights() []float64 {
	of := make([]float64, j.Dimension)
	for i, c := range j.Second {
		of[c] = 1
		if j.Weights != nil {
			of[c] = j.Weights[i]
		}
	}
	return of
}

// check reports a sum of second derivatives that there is not.
func (j Jet) check() error {
	if j.Weights != nil && len(j.Weights) != len(j.Second) {
		return fmt.Errorf("the equation sums %d second derivatives with %d weights", len(j.Second), len(j.Weights))
	}
	for i, c := range j.Second {
		if c < 0 || c >= j.Dimension || slices.Contains(j.Second[:i], c) {
			return fmt.Errorf("the equation sums the second derivatives of coordinates %v, which must be different ones from 0 to %d", j.Second, j.Dimension-1)
		}
	}
	for _, c := range j.Weights {
		if a := math.Abs(c); !(a >= 1e-15 && a <= 1e15) { // ratios of two are numbers of float32
			return fmt.Errorf("the weights of second derivatives are %v, and must be of a size from 1e-15 to 1e15", j.Weights)
		}
	}
	return nil
}

// shape is that of the jets of n values.
func (j Jet) shape(n int) tensor.Shape { return tensor.Shape{C: j.Streams(), H: 1, W: n} }

// An Operator is the operator F of a differential equation F(x, u) = f. It returns F for the
// jet of u at x, of d + 2 and d numbers, and sets to, of d + 2 numbers that are 0 before, to its
// derivative in the jet.
type Operator func(to, x, jet []float64) float64

// Parts of a domain, the last number of an example of a network made by [Net.Differentiate].
const (
	Interior = 0 // where the equation holds
	Boundary = 1 // where u is given: on the boundary, or at the initial time
)

// A Liftable layer has a layer of jets: it makes the jet of its output of that of its input.
type Liftable interface {
	Lift(j Jet) Layer
}

// A kinked activation has no second derivative where it bends.
type kinked interface{ kinks() }

// Differentiate returns the network of the residuals of a differential equation, for a
// network that makes one number u of d coordinates x. Its weights are those of u, and its
// examples x and a part, d + 1 numbers. Its output is F(x, u) inside, and u(x) on the boundary.
// An error names the layer that has no second derivatives.
func (n *Net) Differentiate(j Jet, f Operator) (*Net, error) {
	if n.in.Len() != j.Dimension || !n.in.IsVector() {
		return nil, fmt.Errorf("the network takes examples of shape %s, and the equation has %d coordinates", n.in, j.Dimension)
	}
	if n.Outputs() != 1 {
		return nil, fmt.Errorf("the network has %d outputs, and the equation is for one function u", n.Outputs())
	}
	if err := j.check(); err != nil {
		return nil, err
	}
	layers := []LayerConfig{{"jet", jetInput{j}}}
	for i, l := range n.layers {
		lifted, ok := l.Layer.(Liftable)
		if !ok {
			return nil, fmt.Errorf("layer %d (%s): %s", i, l.kind, refusal(l.Layer))
		}
		layers = append(layers, LayerConfig{l.kind, lifted.Lift(j)})
	}
	layers = append(layers, LayerConfig{"residual of the equation", jetOperator{j, f}})
	c, err := newChain(tensor.Shape{C: j.Dimension + 1, H: 1, W: 1}, layers)
	if err != nil {
		return nil, err
	}
	c.unnumbered = 1
	return &Net{c, c.size()}, nil
}

// refusal says why there are no jets of a layer's outputs.
func refusal(l Layer) string {
	if _, ok := l.(kinked); ok {
		return "is piecewise linear, so that second derivatives of the network are 0 almost everywhere and the equation says nothing of its weights; use one of " + strings.Join(liftable(), ", ")
	}
	return "has no derivatives in its input; networks of equations have the layers " + strings.Join(append([]string{"dense"}, liftable()...), ", ")
}

// liftable returns the names of the activations that have jets.
func liftable() (names []string) {
	for _, name := range activations() {
		if _, ok := Layers.Default(name).Must().(Liftable); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// jetInput makes the jet of the coordinates of an example: x itself, the unit vectors that are
// its derivatives, and 0. The part of the example is left out.
type jetInput struct{ Jet }

func (l jetInput) Size(tensor.Shape) (Size, error) { return Size{Out: l.shape(l.Dimension)}, nil }

func (l jetInput) Ops() Ops { return OpsOf(l, newJetInput[float32], newJetInput[float64]) }

func newJetInput[T tensor.Float](l jetInput, _ Site) Op[T] { return jetInputOp[T](l) }

type jetInputOp[T tensor.Float] struct{ Jet }

// Forward sets rows x, e_1, ..., e_d and 0.
func (o jetInputOp[T]) Forward(y, x tensor.Matrix[T], _ []T) {
	d := o.Dimension
	for i := range x.Rows {
		row := y.Row(i)
		clear(row)
		copy(row[:d], x.Row(i))
		for j := range d {
			row[(1+j)*d+j] = 1
		}
		if v := x.Row(i)[d]; v != v { // a part that is no number is not lost
			row[0] = v
		}
	}
}

// JVP sets dy to dx and 0: only the value depends on x.
func (o jetInputOp[T]) JVP(dy, dx tensor.Matrix[T], _ []T) {
	clear(dy.Flat())
	if dx.IsZero() {
		return
	}
	for i := range dx.Rows {
		copy(dy.Row(i)[:o.Dimension], dx.Row(i))
	}
}

func (o jetInputOp[T]) VJP(dx tensor.Matrix[T], _ []T, dy tensor.Matrix[T]) {
	if dx.IsZero() {
		return
	}
	for i := range dx.Rows {
		row := dx.Row(i)
		clear(row)
		copy(row[:o.Dimension], dy.Row(i))
	}
}
