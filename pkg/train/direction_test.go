package train

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/direction"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestDirectionOfTheFirstStep: on the weights and the mini-batch of the first step of the first seed,
// pkg/direction gives what the step takes, with what is drawn in it, and 0 for the direction before.
func TestDirectionOfTheFirstStep(t *testing.T) {
	for _, oracle := range []string{
		"{kind: gauss_newton, curvature: {kind: sampled, examples: 7, samples: 2, blocks: layers}, momentum: 0.9}",
		"{kind: gauss_newton, solver: {kind: nystrom, rank: 5}, inner_iterations: 3}",
		"{kind: gauss_newton, unknowns: example, momentum: 0.5}",
	} {
		c := parse(t, toy, "precision=float64", "seeds=[7, 8]", "methods.SGD.oracle="+oracle)
		tr := newTrainer[float64](Training{Problem: opened(t, c), Method: &c.Methods[0], Seed: 7}, nil)
		weights, at := []arrays.Array(nil), tr.net.Layout()
		for _, b := range at.Blocks {
			weights = append(weights, arrays.Float64(b.Name, b.Shape, slices.Clone(tensor.Of(b, tr.w))))
		}
		tr.direct()
		labels := make([]int64, tr.x.Rows)
		for i := range labels {
			row := tr.y.Row(i)
			labels[i] = int64(slices.Index(row, slices.Max(row)))
		}
		dir := t.TempDir()
		params, batch := filepath.Join(dir, "params.npz"), filepath.Join(dir, "batch.npz")
		for path, list := range map[string][]arrays.Array{params: weights, batch: {
			arrays.Float64("x", []int{tr.x.Rows, 1, 8, 8}, tr.x.Flat()), arrays.Int64("y", []int{len(labels)}, labels),
		}} {
			if err := arrays.WriteFile(path, list); err != nil {
				t.Fatal(err)
			}
		}
		out, err := direction.Of(c, "SGD", params, batch, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		if got := out[0].Float64s(); !slices.Equal(got, tr.d) {
			t.Errorf("%s: the direction is not that of the first step", oracle)
		}
		next := newTrainer[float64](Training{Problem: opened(t, c), Method: &c.Methods[0], Seed: 8}, nil)
		copy(next.w, tr.w)
		copy(next.order.batch(0), tr.order.batch(0))
		next.direct()
		if drawn := oracle != "{kind: gauss_newton, unknowns: example, momentum: 0.5}"; slices.Equal(next.d, tr.d) == drawn {
			t.Errorf("%s: another seed draws the same: %v", oracle, !drawn)
		}
	}
}
