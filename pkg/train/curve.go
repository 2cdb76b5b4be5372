package train

import (
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A curve is the way that a step takes from w: eta leads to w + eta u, or with the acceleration a of
// an oracle's direction d, of which the update is u = c d, to w + eta u + (eta c)² a.
type curve[T tensor.Float] struct {
	pool    *tensor.Pool
	u       []T
	a       []T     // nil: the line
	square  float64 // c²
	longest float64 // the eta beyond which it is the line, see [oracles.BendLimit]
	room    []T     // p, where curves may be bent
}

// bend makes the curve of an update u = c d.
func (k *curve[T]) bend(of oracles.Accelerated[T], d []T, c float64) {
	k.a = of.Acceleration()
	if k.a == nil {
		return
	}
	k.square = c * c
	first, second := c*tensor.Norm2(k.pool, d), k.square*tensor.Norm2(k.pool, k.a)
	k.longest = oracles.BendLimit * first / second // +Inf for a = 0
}

// bent reports whether the curve differs from the line at eta.
func (k *curve[T]) bent(eta float64) bool { return k.a != nil && eta <= k.longest }

// at returns the change of w for eta, as a multiple of a vector that is valid until the next call of
// a method.
func (k *curve[T]) at(eta float64) (factor float64, v []T) {
	if !k.bent(eta) {
		return eta, k.u
	}
	clear(k.room)
	tensor.Axpy(k.pool, T(eta), k.u, k.room)
	tensor.Axpy(k.pool, T(eta*eta*k.square), k.a, k.room)
	return 1, k.room
}

// tangent returns the derivative of the change of w at eta.
func (k *curve[T]) tangent(eta float64) []T {
	if !k.bent(eta) {
		return k.u
	}
	copy(k.room, k.u)
	tensor.Axpy(k.pool, T(2*eta*k.square), k.a, k.room)
	return k.room
}
