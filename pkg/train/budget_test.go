package train

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/runlog"
)

// dual is the second method of toy, with steps that cost several gradients.
const dual = "methods.Adam!={name: GN, oracle: {kind: gauss_newton, inner_iterations: 3}, optimizer: {kind: sgd, learning_rate: {schedule: cosine, initial: 1, warmup: 0.1}}}"

// columnOf reads a column of numbers of a log.
func columnOf(t *testing.T, dir, file, column string) (v []float64) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range rows[0] {
		for _, r := range rows[1:] {
			if name == column {
				x, err := strconv.ParseFloat(r[i], 64)
				if err != nil {
					t.Fatal(err)
				}
				v = append(v, x)
			}
		}
	}
	return v
}

// TestCostBudget: runs of all methods end with the first step that reaches the cost, are
// evaluated at the same costs, each as soon as its steps allow, and log the share of the
// budget that was used when each step began.
func TestCostBudget(t *testing.T) {
	const budget = 60.0
	for _, c := range []struct {
		every string
		want  []float64
	}{
		{"{cost: 16}", []float64{16, 32, 48, 60}},
		{"{geometric: 4}", []float64{1, math.Cbrt(60), math.Pow(60, 2.0/3), 60}},
	} {
		for method := range 3 {
			sets := []string{"train={batch_size: 50, cost: 60}", "evaluate.every=" + c.every, dual}
			if method == 2 { // with mini-batches of its own
				sets = append(sets, "methods.SGD.train={batch_size: 20}")
			}
			config := parse(t, toy, sets...)
			_, dir := trained(t, config.Of(method%2), 0)
			cost, steps := columnOf(t, dir, runlog.Metrics.File, "cost"), columnOf(t, dir, runlog.Steps.File, "cost")
			if n := len(steps); steps[n-1] < budget || steps[n-2] >= budget {
				t.Errorf("method %d ends at %g after %g", method, steps[n-1], steps[n-2])
			}
			if cost[0] != 0 || cost[len(cost)-1] != steps[len(steps)-1] {
				t.Errorf("method %d is evaluated at %v", method, cost)
			}
			// Each moment has the first evaluation at it or after it, and there are no others.
			expected := map[float64]bool{0: true}
			for _, w := range c.want {
				for _, s := range steps {
					if s >= w*(1-1e-12) {
						expected[s] = true
						break
					}
				}
			}
			if len(cost) != len(expected) {
				t.Errorf("method %d, %s: evaluated at %v, want %v", method, c.every, cost, expected)
			}
			for _, v := range cost {
				if !expected[v] {
					t.Errorf("method %d, %s: evaluated at %g, want %v", method, c.every, v, expected)
				}
			}
			fraction := columnOf(t, dir, runlog.Steps.File, "fraction")
			for i, f := range fraction {
				before := 0.0
				if i > 0 {
					before = steps[i-1]
				}
				if want := before / budget; math.Abs(f-want) > 1e-15 || f >= 1 {
					t.Errorf("method %d: step %d begins at %g of the budget, want %g", method, i+1, f, want)
				}
			}
		}
	}
}

// TestSecondsBudget: a schedule follows a budget of seconds, whose shares are logged; the
// first step has a size.
func TestSecondsBudget(t *testing.T) {
	config := parse(t, toy, "train={batch_size: 50, seconds: 0.05}", "evaluate.every={seconds: 0.01}", dual)
	_, dir := trained(t, config.Of(1), 0)
	fraction, norm := columnOf(t, dir, runlog.Steps.File, "fraction"), columnOf(t, dir, runlog.Steps.File, "direction_norm")
	for i, f := range fraction {
		if f < 0 || f >= 1 || i > 0 && f <= fraction[i-1] || norm[i] == 0 {
			t.Errorf("step %d begins at %g of the budget, after %v", i+1, f, fraction[max(i-1, 0)])
		}
	}
	if loss := columnOf(t, dir, runlog.Metrics.File, "train_loss"); len(loss) < 3 || loss[1] == loss[0] {
		t.Errorf("evaluations %v", loss)
	}
}

// TestOverrun: where the limit of seconds passes within a long step, there is a row from before that
// step, the last row has the time at which the step ended, and the manifest says so; where steps are
// short beside the limit, or it does not end the run, neither.
func TestOverrun(t *testing.T) {
	tr := newTrainer[float64](Training{Problem: opened(t, parse(t, toy, "train={batch_size: 50, seconds: 10}", "evaluate.every=1000")), Method: &parse(t, toy).Methods[0]}, nil)
	for _, c := range []struct {
		step                 int
		before, now          float64 // of the last step
		closing, done, tells bool
	}{
		{0, 0, 0, false, false, false},
		{1, 0, 4, false, false, false}, // 8 is within
		{2, 4, 8, true, false, false},
		{3, 8, 12, true, true, true},
		{900, 9.97, 9.99, false, false, false}, // short
		{901, 9.99, 10.02, false, true, false},
		{7, 9, 10.05, true, true, false},
	} {
		tr.step, tr.previous.Seconds, tr.clock.Total = c.step, c.before, time.Duration(c.now*float64(time.Second))
		if tr.closing() != c.closing || tr.done() != c.done || (tr.overrun() != "") != c.tells {
			t.Errorf("%+v: closing %t, done %t, %q", c, tr.closing(), tr.done(), tr.overrun())
		}
	}
	config := parse(t, toy, "train={batch_size: 50, seconds: 1e-7}", dual) // no step is as short
	end, dir := trained(t, config.Of(1), 0)
	wall := columnOf(t, dir, runlog.Metrics.File, "wall_seconds")
	if want := "passed within step 1, which began at 0 "; !strings.Contains(end.Detail, want) || end.Outcome != runlog.Finished {
		t.Errorf("%s: %q has no %q", end.Outcome, end.Detail, want)
	}
	if len(wall) != 2 || wall[0] != 0 || wall[1] != end.WallSeconds || wall[1] <= 1e-7 {
		t.Errorf("rows at %v, the run ended at %v", wall, end.WallSeconds)
	}
}
