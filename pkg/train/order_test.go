package train

import (
	"slices"
	"testing"
)

// TestOrder: every epoch is a new permutation, from the seed and the epoch
// alone.
func TestOrder(t *testing.T) {
	o := newOrder(3, 10, 3)
	var epochs [][]int
	for step := range 9 {
		epochs = append(epochs, slices.Clone(o.batch(step)))
	}
	seen := map[int]bool{}
	for _, i := range slices.Concat(epochs[:3]...) {
		if seen[i] {
			t.Errorf("example %d twice in an epoch", i)
		}
		seen[i] = true
	}
	if slices.Equal(epochs[0], epochs[3]) {
		t.Error("two epochs have the same order")
	}
	if again := newOrder(3, 10, 3); !slices.Equal(again.batch(7), epochs[7]) || !slices.Equal(again.batch(1), epochs[1]) {
		t.Error("a batch depends on those before it")
	}
}
