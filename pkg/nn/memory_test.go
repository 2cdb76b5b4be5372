package nn

import (
	"runtime"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// TestProductSpace compares what is counted for convolutions with what a pool keeps after the
// gradients of their weights, which are added up lane by lane where images have few channels.
func TestProductSpace(t *testing.T) {
	const m = 4
	for _, c := range []struct {
		name, config string
		in           tensor.Shape
	}{
		{"few channels", "{kind: sequential, layers: [{kind: conv, filters: 100, kernel: 5, padding: same}, flatten, {kind: dense, units: 10}]}", tensor.Shape{C: 3, H: 32, W: 32}},
		{"many channels", "{kind: sequential, layers: [{kind: conv, filters: 130, kernel: 3, padding: same}, flatten, {kind: dense, units: 10}]}", tensor.Shape{C: 130, H: 16, W: 16}},
	} {
		n := build(t, c.config, c.in, 10)
		testProductSpace[float32](t, c.name, n, m, 4)
		testProductSpace[float64](t, c.name, n, m, 8)
	}
}

func testProductSpace[T tensor.Float](t *testing.T, name string, n *Net, m, value int) {
	l := n.chain.layers[0]
	s := l.Layer.(Conv).shape(l.in)
	x, dy := tensor.New[T](m, s.In.Len()), tensor.New[T](m, s.Out.Len())
	w := make([]T, s.Out.C*s.Taps())
	pool := tensor.NewPool(1)
	defer pool.Close()
	before := heap()
	conv := tensor.NewConv[T](pool, s)
	conv.Forward(w, nil, x, 0, dy)
	conv.Weight(x, dy, w, nil)
	conv = nil // its tables are not the pool's
	held := heap() - before
	runtime.KeepAlive([]any{pool, x, dy, w})
	counted := float64(n.ProductSpace(m, 1, value))
	if ratio := counted / held; ratio < 0.8 || ratio > 1.5 {
		t.Errorf("%s, values of %d bytes: %.0f bytes are counted, %.0f held: a ratio of %.3f", name, value, counted, held, ratio)
	}
}
