package results

import (
	"math"
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
)

// TestResult: the last value of a run is that of its last evaluation, the best one that
// of any.
func TestResult(t *testing.T) {
	nan := math.NaN()
	r := Run{Rows: []runlog.Row{{"train_loss": 3, "test_accuracy": 0.2}, {"train_loss": 1, "test_accuracy": nan}, {"train_loss": 2, "test_accuracy": nan}}}
	for _, c := range []struct {
		column string
		best   bool
		want   float64
		ok     bool
	}{
		{"train_loss", false, 2, true}, {"train_loss", true, 1, true},
		{"test_accuracy", false, 0, false}, {"test_accuracy", true, 0.2, true},
	} {
		if x, ok := r.Result(c.column, c.best); x != c.want || ok != c.ok {
			t.Errorf("%s, best %t: %g, %t", c.column, c.best, x, ok)
		}
	}
}
