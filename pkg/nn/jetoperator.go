package nn

import "github.com/dualgn/dgn/pkg/tensor"

// jetOperator makes the residual of an equation of the jet of u: F(x, u) inside, u on the
// boundary. It is linear in what reaches it, but for F.
type jetOperator struct {
	Jet
	f Operator
}

// Size keeps the derivative of the output in the jet.
func (l jetOperator) Size(tensor.Shape) (Size, error) {
	return Size{Out: tensor.Shape{C: 1, H: 1, W: 1}, Kept: l.Streams()}, nil
}

func (l jetOperator) Ops() Ops { return OpsOf(l, newJetOperator[float32], newJetOperator[float64]) }

func newJetOperator[T tensor.Float](l jetOperator, at Site) Op[T] {
	s := l.Streams()
	room := make([]float64, 2*s+l.Dimension)
	return &jetOperatorOp[T]{f: l.f, slopes: tensor.New[T](at.Examples, s), to: room[:s], jet: room[s : 2*s], at: room[2*s:]}
}

// An exampleOp also sees the examples that a network gets.
type exampleOp[T tensor.Float] interface {
	// See is told of them before Forward, which refers to them.
	See(examples tensor.Matrix[T])
}

type jetOperatorOp[T tensor.Float] struct {
	f        Operator
	examples tensor.Matrix[T]
	slopes   tensor.Matrix[T] // derivative of the output of each example in its jet

	to, jet, at []float64 // what F is called with
}

var _ exampleOp[float32] = (*jetOperatorOp[float32])(nil)

func (o *jetOperatorOp[T]) See(examples tensor.Matrix[T]) { o.examples = examples }

func (o *jetOperatorOp[T]) Forward(y, x tensor.Matrix[T], _ []T) {
	for i := range x.Rows {
		example, jet, slopes := o.examples.Row(i), x.Row(i), o.slopes.Row(i)
		if example[len(o.at)] == Boundary {
			clear(slopes)
			slopes[0], y.Row(i)[0] = 1, jet[0]
			continue
		}
		tensor.Convert(o.at, example[:len(o.at)])
		tensor.Convert(o.jet, jet)
		clear(o.to)
		y.Row(i)[0] = T(o.f(o.to, o.at, o.jet))
		tensor.Convert(slopes, o.to)
	}
}

// JVP sets dy to the sum of the jet's tangent times the derivatives.
func (o *jetOperatorOp[T]) JVP(dy, dx tensor.Matrix[T], _ []T) {
	for i := range dy.Rows {
		var sum T
		if !dx.IsZero() {
			for s, v := range dx.Row(i) {
				sum += o.slopes.Row(i)[s] * v
			}
		}
		dy.Row(i)[0] = sum
	}
}

func (o *jetOperatorOp[T]) VJP(dx tensor.Matrix[T], _ []T, dy tensor.Matrix[T]) {
	if dx.IsZero() {
		return
	}
	for i := range dx.Rows {
		for s, v := range o.slopes.Row(i) {
			dx.Row(i)[s] = v * dy.Row(i)[0]
		}
	}
}
