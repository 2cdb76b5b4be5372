package config

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
)

// Tune says how the settings of methods are searched: every method has the same number
// of trials, each from the same seeds, which are none of those that results are
// reported of.
type Tune struct {
	Metric  string   `yaml:"metric"`                 // by which a trial is chosen; never one of test data
	At      *Amount  `yaml:"at,omitempty,flow"`      // where it is read; nil: at the end of the run
	Trials  int      `yaml:"trials"`                 // of each method
	Seeds   []uint64 `yaml:"seeds,flow"`             // of every trial
	Sampler string   `yaml:"sampler"`                // random, or halton
	Seed    uint64   `yaml:"seed"`                   // chance of the search
	Share   float64  `yaml:"share,omitempty"`        // of the limits of section train, which the trials have; 0: all
	Halving *Halving `yaml:"halving,omitempty,flow"` // nil: every trial has the whole budget
	Ranges  []Draw   `yaml:"ranges"`
}

// An Amount is a cost or a time at which results are compared.
type Amount struct {
	Cost    float64 `yaml:"cost,omitempty"`
	Seconds float64 `yaml:"seconds,omitempty"`
}

// Halving is successive halving (Jamieson and Talwalkar 2016): all trials begin with a
// small budget, and after each rung the best of them go on to one that is 1/keep times
// as large, the last of which is the whole that trials have.
type Halving struct {
	Keep  float64 `yaml:"keep"`  // share of the trials that go on
	Rungs int     `yaml:"rungs"` // budgets, the whole one included
}

// Samplers are the ways to search.
var Samplers = []string{"random", "halton"}

// UnmarshalStrict fills in what may be left out.
func (t *Tune) UnmarshalStrict(v strict.Value) error {
	type plain Tune
	p := plain{Seeds: []uint64{1001, 1002}, Sampler: Samplers[0]}
	err := v.Decode(&p)
	*t = Tune(p)
	return err
}

// UnmarshalStrict fills in what may be left out.
func (h *Halving) UnmarshalStrict(v strict.Value) error {
	type plain Halving
	p := plain{Keep: 1. / 3, Rungs: 3}
	err := v.Decode(&p)
	*h = Halving(p)
	return err
}

// check finds what is wrong with a search of a config.
func (t *Tune) check(c *Config, bad func(key, format string, args ...any)) {
	switch {
	case !slices.Contains(goalMetrics, t.Metric):
		bad("tune.metric", "%q is not a metric to choose by (known: %s)", t.Metric, strings.Join(goalMetrics, ", "))
	case c.Data.unfit(t.Metric) != "":
		bad("tune.metric", "%s", c.Data.unfit(t.Metric))
	case strings.HasPrefix(t.Metric, "valid_") && !c.Data.validates():
		bad("tune.metric", "%s needs a validation set, and to choose by test data would be to train on them; set data.validation to the fraction to hold out, or metric: train_loss where the question is optimisation", t.Metric)
	}
	if t.Trials < 1 || t.Trials > maxPoints {
		bad("tune.trials", "must be a number of trials of each method, from 1 to %d, got %d", maxPoints, t.Trials)
	}
	if len(t.Seeds) == 0 {
		bad("tune.seeds", "the list is empty; give the seeds of every trial, as in seeds: [1001, 1002]")
	}
	for i, s := range t.Seeds {
		if slices.Contains(c.Seeds, s) {
			bad("tune.seeds", "seed %d is one of those that results are reported of; a setting chosen for a seed has an advantage there", s)
		}
		if slices.Contains(t.Seeds[:i], s) {
			bad("tune.seeds", "duplicate seed %d", s)
		}
	}
	if !slices.Contains(Samplers, t.Sampler) {
		bad("tune.sampler", "must be %s, got %q", strings.Join(Samplers, " or "), t.Sampler)
	}
	if s := t.Share; !(s >= 0 && s <= 1) {
		bad("tune.share", "must be the share of the limits of section train that a trial has, above 0 and at most 1, as 0.1; got %g", s)
		return
	}
	if a := t.At; a != nil && ((a.Cost > 0) == (a.Seconds > 0) || a.Cost < 0 || a.Seconds < 0) {
		bad("tune.at", "must be {cost: C} or {seconds: S}, one positive amount")
	}
	for i := range c.Methods {
		name, train := c.Methods[i].Name, t.limits(c.Of(i).Train)
		if a := t.At; a != nil && (train.Cost > 0 && a.Cost > train.Cost || train.Seconds > 0 && a.Seconds > train.Seconds) {
			bad("tune.at", "is beyond the budget of %s, whose runs end before; leave it out to compare at their ends", name)
		}
		if train.Target != nil {
			bad("tune", "runs of %s end at a target, and trials that reach it would be compared at different places; take train.target out (dgn plot --table --target tells what the chosen settings take to it)", name)
		}
	}
	if h := t.Halving; h != nil {
		if !(h.Keep > 0 && h.Keep < 1) {
			bad("tune.halving.keep", "must be a share of the trials, above 0 and below 1, got %g", h.Keep)
		}
		if h.Rungs < 2 || h.Rungs > 10 {
			bad("tune.halving.rungs", "must be a number of budgets from 2 to 10, got %d", h.Rungs)
		}
		for i := range c.Methods {
			h.checkBudget(c.Methods[i].Name, t.limits(c.Of(i).Train), bad)
		}
		if t.At != nil {
			bad("tune.halving", "its rungs have budgets of their own; leave out tune.at")
		}
	}
	if len(t.Ranges) == 0 {
		bad("tune.ranges", "the list is empty; give what is searched, as in - {key: methods.*.optimizer.learning_rate, range: 1e-3..1:log}")
	}
	for i, d := range t.Ranges {
		key := fmt.Sprintf("tune.ranges[%d]", i)
		if d.Key == "" {
			bad(key, "the key \"key\" is missing: it names what is searched")
		}
		d.check(func(format string, args ...any) { bad(key, format, args...) })
		texts := map[string]bool{}
		for _, v := range d.Values {
			if text := string(yamlText(v)); texts[text] {
				bad(key, "the value %s is there twice", strings.TrimSpace(text))
			} else {
				texts[text] = true
			}
		}
		if len(d.Values) == 1 {
			bad(key, "has a single value: set it, and leave it out here")
		}
		if iv, err := parseInterval(d.Range); err == nil && iv.lo == iv.hi {
			bad(key, "the range %s is a single value: set it, and leave it out here", d.Range)
		}
	}
}

// limits are those of a trial, of a method with these.
func (t *Tune) limits(of Train) Train {
	if t.Share == 0 || t.Share == 1 {
		return of
	}
	return of.Scaled(t.Share)
}

// leastRung is the least that the first rung of successive halving has of each limit: with
// less, methods whose steps cost as much as ten gradients would make none or one.
var leastRung = Train{Epochs: 1, Steps: 10, Cost: 10, Seconds: 0.01}

// checkBudget refuses rungs that are too short to tell trials apart.
func (h *Halving) checkBudget(method string, t Train, bad func(key, format string, args ...any)) {
	share := math.Pow(h.Keep, float64(h.Rungs-1))
	for _, l := range []struct {
		limit        string
		whole, least float64
	}{
		{"epochs", float64(t.Epochs), float64(leastRung.Epochs)}, {"steps", float64(t.Steps), float64(leastRung.Steps)},
		{"cost", t.Cost, leastRung.Cost}, {"seconds", t.Seconds, leastRung.Seconds},
	} {
		if first := share * l.whole; l.whole > 0 && !(first >= l.least) {
			bad("tune.halving", "leaves the trials of %s a first budget of %s %.3g, which tells nothing of them; keep more, have fewer rungs, or a larger budget (the first should be %g at least)", method, l.limit, first, l.least)
		}
	}
}
