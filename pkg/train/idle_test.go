package train

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// TestIdle: a line search that makes no step ten times in a row is told of, once, and updates of 0
// are not.
func TestIdle(t *testing.T) {
	c := parse(t, toy, "seeds=[0]", "train={steps: 25, batch_size: 300}", "methods.SGD.optimizer.learning_rate=1e9", "methods.SGD.line_search={kind: grid, steps: 2}")
	p := opened(t, c)
	said := func(of func(out Output)) int {
		out, _ := output(t)
		var log bytes.Buffer
		out.Checkpoints.Log = slog.New(slog.NewTextHandler(&log, nil))
		of(out)
		return strings.Count(log.String(), "made no step")
	}
	if n := said(func(out Output) {
		if _, err := (Training{Problem: p, Method: &c.Methods[0], Threads: 1}).Run(context.Background(), out); err != nil {
			t.Fatal(err)
		}
	}); n != 1 {
		t.Errorf("a run that stands still is told of %d times", n)
	}
	none := make([]float64, 9)
	for _, a := range []struct {
		name   string
		steps  []float64
		update float32
		told   int
	}{
		{"nine, and nine again", slices.Concat(none, []float64{1}, none), 1, 0},
		{"ten after another", slices.Concat([]float64{1}, none, []float64{0}), 1, 1},
		{"thirty", slices.Concat(none, none, none, none[:3]), 1, 1},
		{"twice ten", slices.Concat(none, []float64{0, 1}, none, []float64{0}), 1, 1},
		{"no updates", slices.Concat(none, none), 0, 0},
	} {
		if n := said(func(out Output) {
			tr := newTrainer[float32](Training{Problem: p, Method: &c.Methods[0]}, nil)
			tr.out, tr.u[0] = out, a.update
			for _, eta := range a.steps {
				tr.step++
				tr.countIdle(eta)
			}
		}); n != a.told {
			t.Errorf("%s: told of %d times, want %d", a.name, n, a.told)
		}
	}
}
