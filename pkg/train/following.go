package train

import (
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A following is the beginning of the mini-batch of the next step, for oracles that take their
// curvature from it. As the order of an epoch is drawn, its first examples are as good as any.
type following[T tensor.Float] struct {
	index []int
	omega []float64
	batch oracles.Batch[T]
	lin   *nn.Linearization[T]
	x     tensor.Matrix[T]
}

// newFollowing returns room for so many examples, nil for none.
func newFollowing[T tensor.Float](t *trainer[T], n int) *following[T] {
	if n == 0 {
		return nil
	}
	f := &following[T]{
		index: make([]int, n), omega: make([]float64, n),
		lin: nn.NewLinearization[T](t.net, n, t.pool), x: tensor.New[T](n, t.data.Shape.Len()),
	}
	f.batch = oracles.Batch[T]{Jacobian: f.lin, Targets: tensor.New[float64](n, t.y.Cols), Examples: f.index}
	return f
}

// assemble reads the examples as the next step will, augmented as then, and linearizes there.
// It is called before the mini-batch of this step is asked for, which may be of another epoch.
func (t *trainer[T]) assemble(f *following[T]) *oracles.Batch[T] {
	copy(f.index, t.order.batch(t.step+1))
	t.batch.ReadAugmented(t.data.Augment, datasets.Chance{Key: t.augmentKey, Step: t.step + 1}, t.data.Train, f.index, f.x, f.batch.Targets)
	f.batch.Omega = t.data.Train.Omega(f.omega, f.index)
	f.lin.Linearize(t.w, f.x)
	t.count(oracles.Counters{Forwards: 1, MultiplyAdds: f.lin.Dims().Forward})
	return &f.batch
}
