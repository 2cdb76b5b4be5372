package nn

import (
	"math"

	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	Layers.Refuse("batch_norm", "its statistics couple the examples of a mini-batch, so that there is no Jacobian of an example, on which duals and Gram matrices rest; use group_norm or layer_norm, which normalise each example by itself")
}

// normalized holds h = (x - mean)/√(variance + eps), the values of a mini-batch
// normalised in groups of neighbouring ones: group g of the batch has the values
// from g len on.
type normalized[T tensor.Float] struct {
	pool   *tensor.Pool
	groups int // of one example
	len    int // values of a group
	eps    float64
	grain  int // groups that one thread takes at a time
	ones   []T // len

	hat   []T // h of m examples
	scale []T // 1/√(variance + eps) of each group
	batch int // examples in the current batch
}

func newNormalized[T tensor.Float](groups, length, m int, eps float64, p *tensor.Pool) normalized[T] {
	return normalized[T]{
		pool: p, groups: groups, len: length, eps: eps, grain: max(1, pointwiseGrain/length),
		ones: filled[T](length, 1), hat: make([]T, m*groups*length), scale: make([]T, m*groups),
	}
}

// of returns the values of a group in a matrix of examples.
func (o *normalized[T]) of(group int, x tensor.Matrix[T]) []T {
	at := group % o.groups * o.len
	return x.Row(group / o.groups)[at : at+o.len]
}

func (o *normalized[T]) hatOf(group int) []T { return o.hat[group*o.len : (group+1)*o.len] }

// normalize returns h of a group.
func (o *normalized[T]) normalize(group int, x tensor.Matrix[T]) []T {
	hat, n := o.hatOf(group), float64(o.len)
	copy(hat, o.of(group, x))
	kernel.Axpy(T(-kernel.Dot(o.ones, hat)/n), o.ones, hat)
	r := 1 / math.Sqrt(kernel.Dot(hat, hat)/n+o.eps)
	kernel.Scale(T(r), hat)
	o.scale[group] = T(r)
	return hat
}

func checkEps(eps float64) error {
	if !(eps > 0) {
		return strict.Field("eps", "must be positive, got %g", eps)
	}
	return nil
}

// initNorm sets w = 1, the first half, and b = 0.
func initNorm(w []float64) {
	clear(w)
	for i := range len(w) / 2 {
		w[i] = 1
	}
}
