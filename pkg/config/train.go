package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
)

// Train says how long to train; the first limit reached stops a run.
type Train struct {
	BatchSize int          `yaml:"batch_size"`
	Epochs    int          `yaml:"epochs,omitempty"`
	Steps     int          `yaml:"steps,omitempty"`
	Seconds   float64      `yaml:"seconds,omitempty"`     // of training, as wall_seconds counts it
	Cost      float64      `yaml:"cost,omitempty"`        // in gradients of a mini-batch
	CostUnit  int          `yaml:"cost_unit,omitempty"`   // examples of the mini-batch that cost is counted in; 0: batch_size
	Target    *runlog.Goal `yaml:"target,omitempty,flow"` // stops a run at the first evaluation that meets it
}

// goalMetrics are the metrics that a run may stop on; none looks at test data.
var goalMetrics = []string{"train_loss", "train_accuracy", "valid_loss", "valid_accuracy", metricL2}

// Unit is the number of examples of the mini-batch whose gradient has the cost 1.
func (t Train) Unit() int {
	if t.CostUnit > 0 {
		return t.CostUnit
	}
	return t.BatchSize
}

// Total returns the number of steps of a whole run, 0 if only seconds limit it.
func (t Train) Total(perEpoch int) int {
	total := math.MaxInt
	if t.Epochs > 0 {
		total = size.Product(t.Epochs, perEpoch)
	}
	if t.Steps > 0 {
		total = min(total, t.Steps)
	}
	if total == math.MaxInt {
		return 0
	}
	return total
}

// Limits lists how long a run may be: "cost 2340, seconds 60".
func (t Train) Limits() string {
	var list []string
	for _, l := range []struct {
		name  string
		value float64
	}{{"epochs", float64(t.Epochs)}, {"steps", float64(t.Steps)}, {"cost", t.Cost}, {"seconds", t.Seconds}} {
		if l.value > 0 {
			list = append(list, fmt.Sprintf("%s %.10g", l.name, l.value))
		}
	}
	return strings.Join(list, ", ")
}

// Budget reports whether cost or seconds say how long a run is. Seconds beside another
// limit only end a run that takes too long: the bits of its schedules are worth more.
func (t Train) Budget(perEpoch int) bool { return t.Cost > 0 || t.Total(perEpoch) == 0 }

// An Override is what the section train of one method says beside that of all.
type Override struct {
	Train // complete: what the method does not say is that of all

	given strict.Value // as it was written; zero, if made in Go
}

// UnmarshalStrict leaves the reading to [Config.override], which knows the section train
// of all methods.
func (o *Override) UnmarshalStrict(v strict.Value) error {
	o.given = v
	return nil
}

// MarshalYAML writes every limit, 0 for those that the method does not have, since what
// is left out is that of all methods.
func (o Override) MarshalYAML() (any, error) {
	return struct {
		BatchSize int          `yaml:"batch_size"`
		Epochs    int          `yaml:"epochs"`
		Steps     int          `yaml:"steps"`
		Seconds   float64      `yaml:"seconds"`
		Cost      float64      `yaml:"cost"`
		CostUnit  int          `yaml:"cost_unit,omitempty"`
		Target    *runlog.Goal `yaml:"target,omitempty,flow"`
	}{o.BatchSize, o.Epochs, o.Steps, o.Seconds, o.Cost, o.CostUnit, o.Target}, nil
}

// complain returns a complaint about a key of the section train of a method.
func (o *Override) complain(method int, key, format string, args ...any) error {
	if o.given.IsZero() {
		return strict.Field(join(fmt.Sprintf("methods[%d].train", method), key), format, args...)
	}
	if key == "" {
		return o.given.Errorf(format, args...)
	}
	return o.given.Locate(strict.Field(key, format, args...))
}

// override completes what methods say of their training.
func (c *Config) override() error {
	var errs []error
	for i := range c.Methods {
		if o := c.Methods[i].Train; o != nil && !o.given.IsZero() {
			o.Train = c.Train
			if c.Train.Target != nil {
				goal := *c.Train.Target
				o.Train.Target = &goal
			}
			errs = append(errs, o.given.Decode(&o.Train))
		}
	}
	return errors.Join(errs...)
}

// Of returns the config of one method: with that method alone, and with the training
// that it overrides in place. Methods with mini-batches of their own have their cost
// counted as all others have, so that costs compare.
func (c *Config) Of(method int) *Config {
	one, m := *c, c.Methods[method]
	if m.Train != nil {
		one.Train, m.Train = m.Train.Train, nil
		if one.Train.CostUnit == 0 && one.Train.BatchSize != c.Train.BatchSize {
			one.Train.CostUnit = c.Train.BatchSize
		}
	}
	one.Methods = []Method{m}
	return &one
}

// maxBudget bounds budgets and intervals of cost and seconds: larger ones are never
// reached, and overflow in sums.
const maxBudget = 1e15

// check finds what is wrong with a section train; each complaint has its key. Of the
// section of all methods, written at v, a limit of 0 is none.
func (t Train) check(v strict.Value, c *Config, bad func(key, format string, args ...any)) {
	if t.BatchSize <= 0 {
		bad("batch_size", "must be a positive number of examples, got %d", t.BatchSize)
	}
	for _, l := range []struct {
		key   string
		value float64
		most  float64
	}{{"epochs", float64(t.Epochs), MaxSteps}, {"steps", float64(t.Steps), MaxSteps}, {"seconds", t.Seconds, math.MaxFloat64}, {"cost", t.Cost, maxBudget}} {
		_, given := v.Lookup(l.key)
		switch {
		case l.value < 0:
			bad(l.key, "must be positive, got %v", l.value)
		case l.value == 0 && given:
			bad(l.key, "must be positive, got 0; leave it out for no such limit")
		case l.value > l.most && l.key == "cost":
			bad(l.key, "must be at most %g, got %g", l.most, l.value)
		case l.value > l.most:
			n := t.Steps
			if l.key == "epochs" {
				n = t.Epochs
			}
			bad(l.key, "must be at most %d, got %d", int64(l.most), n)
		}
	}
	if t.CostUnit < 0 {
		bad("cost_unit", "must be a positive number of examples, got %d", t.CostUnit)
	}
	if t.Epochs == 0 && t.Steps == 0 && t.Seconds == 0 && t.Cost == 0 {
		bad("", "has no limit; give epochs, steps, cost or seconds (a target may never be reached)")
	}
	if t.Target == nil {
		return
	}
	if !slices.Contains(goalMetrics, t.Target.Metric) {
		bad("target.metric", "%q is not a metric a run may stop on (known: %s)", t.Target.Metric, strings.Join(goalMetrics, ", "))
	}
	if wrong := c.Data.unfit(t.Target.Metric); wrong != "" {
		bad("target.metric", "%s", wrong)
	} else if strings.HasPrefix(t.Target.Metric, "valid_") && !c.Data.validates() {
		bad("target.metric", "%s needs a validation set; set data.validation to the fraction to hold out", t.Target.Metric)
	}
}

// Scaled returns the training with its budget multiplied by a share.
func (t Train) Scaled(share float64) Train {
	scale := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(1, int(math.Round(share*float64(n))))
	}
	t.Epochs, t.Steps = scale(t.Epochs), scale(t.Steps)
	t.Cost, t.Seconds = share*t.Cost, share*t.Seconds
	return t
}
