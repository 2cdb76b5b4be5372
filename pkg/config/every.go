package config

import (
	"math"

	"github.com/dualgn/dgn/pkg/strict"
)

// Every is an interval: an epoch, a number of steps, a cost or a time; or so many
// moments, geometrically spaced over the budget of the run. Of these at most one is set.
type Every struct {
	Steps     int
	Cost      float64 // in gradients of a mini-batch
	Seconds   float64 // of training
	Geometric int     // moments
}

// everyMapping are the forms of an interval that are mappings.
type everyMapping struct {
	Cost      float64 `yaml:"cost,omitempty"`
	Seconds   float64 `yaml:"seconds,omitempty"`
	Geometric int     `yaml:"geometric,omitempty"`
}

const everyForms = "expected \"epoch\", a number of steps, {cost: C}, {seconds: S} or {geometric: POINTS}"

// UnmarshalStrict reads "epoch", a number of steps, or one of the mappings.
func (e *Every) UnmarshalStrict(v strict.Value) error {
	*e = Every{}
	if t, ok := v.Text(); ok && t == "epoch" {
		return nil
	}
	if v.IsMapping() {
		var m everyMapping
		if err := v.Decode(&m); err != nil {
			return err
		}
		keys := 0
		for _, k := range []string{"cost", "seconds", "geometric"} {
			if at, ok := v.Lookup(k); ok {
				keys++
				if m == (everyMapping{}) {
					return at.Errorf("must be positive, got 0")
				}
			}
		}
		if keys != 1 {
			return v.Errorf("%s, and one of them", everyForms)
		}
		*e = Every{Cost: m.Cost, Seconds: m.Seconds, Geometric: m.Geometric}
		return nil
	}
	if !v.IsNumber() {
		return v.Errorf(everyForms)
	}
	if err := v.Decode(&e.Steps); err != nil {
		return err
	}
	if e.Steps <= 0 {
		return v.Errorf("must be \"epoch\" or a positive number of steps, got %d", e.Steps)
	}
	return nil
}

// MarshalYAML returns what UnmarshalStrict reads.
func (e Every) MarshalYAML() (any, error) {
	switch {
	case e.Cost > 0 || e.Seconds > 0 || e.Geometric > 0:
		return everyMapping{e.Cost, e.Seconds, e.Geometric}, nil
	case e.Steps == 0:
		return "epoch", nil
	}
	return e.Steps, nil
}

// check finds what is wrong with an interval.
func (e Every) check(bad func(format string, args ...any)) {
	switch {
	case e.Steps < 0 || e.Cost < 0 || e.Seconds < 0 || e.Geometric < 0:
		bad("must be positive")
	case e.Cost > 0 && e.Cost < 1:
		bad("cost: must be at least 1, that of a gradient of a mini-batch, got %g", e.Cost)
	case e.Cost > maxBudget || e.Seconds > maxBudget:
		bad("must be at most %g", maxBudget)
	case e.Geometric == 1 || e.Geometric > 10_000:
		bad("geometric: must be a number of moments from 2 to 10000, got %d", e.Geometric)
	}
}

// A Moment is where a run stands between two steps.
type Moment struct {
	Step    int     `json:"step"`
	Cost    float64 `json:"cost"`
	Seconds float64 `json:"seconds"`
	Used    float64 `json:"used"` // share of the budget
}

// Due reports whether an event is due now, where before is the moment before the last
// step, in a run of so many steps an epoch. The first of geometric moments is at the
// share least of the budget.
func (e Every) Due(before, now Moment, stepsPerEpoch int, least float64) bool {
	switch {
	case e.Geometric > 0:
		return moments(now.Used, e.Geometric, least) > moments(before.Used, e.Geometric, least)
	case e.Cost > 0:
		return math.Floor(now.Cost/e.Cost) > math.Floor(before.Cost/e.Cost)
	case e.Seconds > 0:
		return math.Floor(now.Seconds/e.Seconds) > math.Floor(before.Seconds/e.Seconds)
	case e.Steps == 0:
		return now.Step%stepsPerEpoch == 0
	}
	return now.Step%e.Steps == 0
}

// moments counts the moments least^(1-i/(n-1)), i = 0, ..., n-1, that are past when a
// share of the budget is used.
func moments(used float64, n int, least float64) int {
	if used < least || !(least > 0 && least < 1) {
		return 0
	}
	i := float64(n-1) * (1 - math.Log(used)/math.Log(least))
	return min(int(math.Floor(i+1e-9)), n-1) + 1
}
