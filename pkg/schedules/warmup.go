package schedules

import (
	"errors"
	"fmt"
	"math"

	"github.com/dualgn/dgn/pkg/strict"
)

// Warmup are the options that every schedule has: at the start the value grows
// linearly to what the schedule starts with. In steps it is (step+1)/warmup_steps of
// that, so that the first step has a size too; of a budget of cost or seconds the share
// Next/warmup.
type Warmup struct {
	Steps int     `yaml:"warmup_steps" doc:"steps of linear growth at the start"`
	Share float64 `yaml:"warmup,omitempty" doc:"the same as a share of the run, 0.05 for example"`
}

// factor returns the share of the start value that a step has, and the step that
// the schedule itself is at: steps are counted from the end of the warm-up.
func (w Warmup) factor(t Time) (share float64, after int) {
	if w.Share > 0 && t.Budget {
		if t.Used < w.Share {
			return min(t.Next/w.Share, 1), 0
		}
		// Of the steps so far, as many belong to the warm-up as it has of the budget.
		return 1, t.Step - int(math.Round(float64(t.Step)*w.Share/t.Used))
	}
	steps := w.steps(t)
	if t.Step < steps {
		return float64(t.Step+1) / float64(steps), 0
	}
	return 1, t.Step - steps
}

// steps is the length of the warm-up, of a run whose steps can be counted.
func (w Warmup) steps(t Time) int {
	if w.Share > 0 {
		return int(math.Ceil(w.Share * float64(t.Total)))
	}
	return w.Steps
}

func (w Warmup) check() error {
	switch {
	case w.Steps < 0:
		return strict.Field("warmup_steps", "must be 0 or a number of steps, got %d", w.Steps)
	case !(w.Share >= 0 && w.Share < 1):
		return strict.Field("warmup", "must be a share of the run, from 0 to less than 1, got %g; warmup_steps is a number of steps", w.Share)
	case w.Share > 0 && w.Steps > 0:
		return strict.Field("warmup", "is given, and warmup_steps too; give one of them")
	}
	return nil
}

// Check reports whether the warm-up can be told of a run of that length.
func (w Warmup) Check(t Time) error {
	if w.Share > 0 && t.Total == 0 && !t.Budget {
		return errors.New("a warm-up that is a share of the run needs an end of the run: give warmup_steps")
	}
	return nil
}

// FollowsEnd reports whether the warm-up depends on the length of the run.
func (w Warmup) FollowsEnd() bool { return w.Share > 0 }

// low is the least share that a warm-up multiplies with.
func (w Warmup) low() float64 {
	switch {
	case w.Share > 0:
		return 0
	case w.Steps == 0:
		return 1
	}
	return 1 / float64(w.Steps)
}

// progress returns how much of a decay has passed when a step begins, less than 1: of
// so many steps after the warm-up or, for 0, of the rest of the run, so that the final
// value is that of the end of the run, and the last step, which begins before, still
// moves the weights.
func (w Warmup) progress(steps int, t Time) (share, x float64) {
	share, after := w.factor(t)
	switch {
	case steps > 0:
		return share, min(float64(after)/float64(steps), 1)
	case t.Budget:
		return share, max(0, t.Used-w.Share) / (1 - w.Share)
	}
	return share, min(float64(after)/float64(max(t.Total-w.steps(t), 1)), 1)
}

func (w Warmup) checkSpan(name string, steps int, t Time) error {
	if steps == 0 && t.Total == 0 && !t.Budget {
		return fmt.Errorf("the %s schedule needs an end: give its option steps, or limit the run", name)
	}
	return w.Check(t)
}
