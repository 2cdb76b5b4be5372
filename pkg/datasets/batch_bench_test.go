package datasets

import (
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// BenchmarkRead gathers mini-batches of 128 images in a random order out of as many as MNIST has,
// most of which the second-level cache does not hold.
func BenchmarkRead(b *testing.B) {
	const images, batch = 60000, 128
	rng := rand.New(rand.NewPCG(1, 2))
	e := &Examples{Shape: tensor.Shape{C: 1, H: 28, W: 28}, Pixels: make([]uint8, images*784)}
	for i := range e.Pixels {
		e.Pixels[i] = uint8(rng.Uint32())
	}
	for range images {
		e.Labels = append(e.Labels, rng.IntN(10))
	}
	raw := &Raw{Train: e, Test: e}
	for _, class := range "0123456789" {
		raw.Classes = append(raw.Classes, string(class))
	}
	p, err := Prepare(raw, Defaults(), OneHot)
	if err != nil {
		b.Fatal(err)
	}
	order, at := rng.Perm(p.Train.Len()), 0
	x, y := tensor.New[float32](batch, 784), tensor.New[float64](batch, 10)
	r := NewBatcher[float32](nil)
	for b.Loop() {
		if at+batch > len(order) {
			at = 0
		}
		r.Read(p.Train, order[at:at+batch], x, y)
		at += batch
	}
	b.SetBytes(batch * 784 * (1 + 4)) // a byte is read, a float32 written
}
