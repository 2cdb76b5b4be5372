package train

import (
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/oracles"
)

// TestFollowing: the second mini-batch of a step has the first examples of the mini-batch of
// the next, of another epoch too, augmented as they will be then, with their targets, and its
// forward pass is counted.
func TestFollowing(t *testing.T) {
	const n = 7
	c := parse(t, toy, "methods.SGD.oracle={kind: gauss_newton, solver: cholesky, curvature: {kind: sampled, examples: 7, batch: next}}")
	p := opened(t, c)
	bind := func() *trainer[float32] {
		return newTrainer[float32](Training{Problem: p, Method: &c.Methods[0], Seed: 5}, nil)
	}
	tr, next := bind(), bind()
	perEpoch := tr.order.perEpoch()
	if tr.following == nil || perEpoch < 2 {
		t.Fatalf("no second mini-batch, or %d steps an epoch", perEpoch)
	}
	for step := range perEpoch + 1 {
		tr.step, next.step = step, step+1
		tr.counters = oracles.Counters{}
		tr.direct()
		next.direct()
		f := tr.following
		if !slices.Equal(f.index, next.mini.Gradient.Examples[:n]) {
			t.Errorf("step %d: examples %v, those of the next step are %v", step, f.index, next.mini.Gradient.Examples[:n])
		}
		if !slices.Equal(f.x.Flat(), next.x.RowRange(0, n).Flat()) || !slices.Equal(f.batch.Targets.Flat(), next.y.RowRange(0, n).Flat()) {
			t.Errorf("step %d: inputs or targets are not those of the next step", step)
		}
		if slices.Equal(f.index, tr.mini.Gradient.Examples[:n]) {
			t.Errorf("step %d: the curvature is of the mini-batch of the gradient", step)
		}
		if !slices.Equal(tr.mini.Gradient.Examples, tr.order.batch(step)) {
			t.Errorf("step %d: the examples of the gradient are others", step)
		}
		if tr.counters.Forwards != 2 || tr.counters.MultiplyAdds <= int64(n)*tr.net.MultiplyAdds().Forward {
			t.Errorf("step %d: %+v", step, tr.counters)
		}
	}
}

// TestFollowingIsAugmented: images of the second mini-batch are augmented as in the next step.
func TestFollowingIsAugmented(t *testing.T) {
	c := parse(t, toy, "data={name: digits, augment: {crop: 2}}", "model={kind: mlp, hidden: [8]}",
		"methods.SGD.oracle={kind: gauss_newton, solver: cholesky, curvature: {kind: sampled, examples: 7, batch: next}}")
	p := opened(t, c)
	tr := newTrainer[float32](Training{Problem: p, Method: &c.Methods[0], Seed: 5}, nil)
	tr.direct()
	now := slices.Clone(tr.following.x.Flat())
	tr.step++
	tr.direct()
	if !slices.Equal(now, tr.x.RowRange(0, 7).Flat()) {
		t.Error("images are augmented in another way than in the next step")
	}
}
