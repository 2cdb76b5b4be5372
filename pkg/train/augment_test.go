package train

import (
	"context"
	"slices"
	"testing"
)

// TestAugmentedBatches: images are augmented in training alone, and the batch of
// a step does not depend on the steps before, so that a run may be continued.
func TestAugmentedBatches(t *testing.T) {
	const method = "optimizer: {kind: sgd, learning_rate: 0.1}"
	plain := trainerOf(t, "mnist", "mlp", 16, method, nil)
	walked := trainerOf(t, "mnist, augment: {crop: 3, flip: true}", "mlp", 16, method, nil)
	jumped := trainerOf(t, "mnist, augment: {crop: 3, flip: true}", "mlp", 16, method, nil)
	for _, tr := range []*trainer[float32]{plain, walked} {
		for range 8 {
			tr.advance()
			tr.step++
		}
	}
	jumped.step = 7
	jumped.advance()
	if !slices.Equal(walked.x.Flat(), jumped.x.Flat()) {
		t.Error("the batch of step 7 depends on whether steps were made before")
	}
	if slices.Equal(walked.x.Flat(), plain.x.Flat()) {
		t.Error("batches are not augmented")
	}
	if !slices.Equal(walked.y.Flat(), plain.y.Flat()) {
		t.Error("augmented batches are of other examples")
	}

	a, err := plain.eval.evaluate(context.Background(), plain.w)
	if err != nil {
		t.Fatal(err)
	}
	b, err := walked.eval.evaluate(context.Background(), plain.w)
	if err != nil {
		t.Fatal(err)
	}
	if a.train.loss != b.train.loss || a.test.loss != b.test.loss {
		t.Errorf("evaluation is augmented: %+v and %+v", a, b)
	}
}
