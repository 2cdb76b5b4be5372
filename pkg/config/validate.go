package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
)

// MaxSteps is the largest number of steps that counters and schedules, which are
// float64s in places, tell from the next.
const MaxSteps = 1 << 53

// validate checks what the types cannot say: required keys, ranges, and
// settings that contradict each other. It reads no data.
func (c *Config) validate(root strict.Value, what scope) error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, root.Locate(strict.Field(key, format, args...)))
	}
	if c.Precision != "float32" && c.Precision != "float64" {
		bad("precision", "must be float32 or float64, got %q", c.Precision)
	}
	if c.Model.IsZero() {
		bad("model", "is missing, as in model: {kind: mlp, hidden: [64]}")
	}
	if c.Loss.IsZero() {
		bad("loss", "is missing, as in loss: {kind: logistic}")
	}
	errs = append(errs, c.validateMethods(root)...)
	if what == methodsOnly {
		return errors.Join(errs...)
	}
	if c.Name == "" {
		bad("name", "is missing: results go to a folder of this name")
	} else if wrong := badExperimentName(c.Name); wrong != "" {
		bad("name", "%s", wrong)
	}
	if len(c.Seeds) == 0 {
		bad("seeds", "the list is empty; give at least one seed, as in seeds: [0]")
	}
	seen := make(map[uint64]bool, len(c.Seeds))
	for _, s := range c.Seeds {
		if seen[s] {
			bad("seeds", "duplicate seed %d", s)
		}
		seen[s] = true
	}
	if c.Data.IsZero() {
		bad("data", "is missing, as in data: {name: digits}")
	}
	t := c.Train
	if t.BatchSize <= 0 {
		bad("train.batch_size", "must be a positive number of examples, got %d", t.BatchSize)
	}
	if t.Epochs < 0 {
		bad("train.epochs", "must be positive, got %d", t.Epochs)
	}
	if t.Steps < 0 {
		bad("train.steps", "must be positive, got %d", t.Steps)
	}
	if t.Epochs > MaxSteps {
		bad("train.epochs", "must be at most %d, got %d", int64(MaxSteps), t.Epochs)
	}
	if t.Steps > MaxSteps {
		bad("train.steps", "must be at most %d, got %d", int64(MaxSteps), t.Steps)
	}
	if t.Seconds < 0 {
		bad("train.seconds", "must be positive, got %g", t.Seconds)
	}
	if t.Epochs == 0 && t.Steps == 0 && t.Seconds == 0 {
		bad("train", "has no limit; give epochs, steps or seconds (a target may never be reached)")
	}
	if t.Target != nil && !slices.Contains(goalMetrics, t.Target.Metric) {
		bad("train.target.metric", "%q is not a metric a run may stop on (known: %s)", t.Target.Metric, strings.Join(goalMetrics, ", "))
	}
	if t.Target != nil && strings.HasPrefix(t.Target.Metric, "valid_") && c.Data.Common.Validation == 0 {
		bad("train.target.metric", "%s needs a validation set; set data.validation to the fraction to hold out", t.Target.Metric)
	}
	if c.Evaluate.TrainExamples < 0 {
		bad("evaluate.train_examples", "must be 0 (all) or a number of examples, got %d", c.Evaluate.TrainExamples)
	}
	if c.Log.Every <= 0 {
		bad("log.every", "must be a positive number of steps, got %d", c.Log.Every)
	}
	return errors.Join(errs...)
}

func (c *Config) validateMethods(root strict.Value) (errs []error) {
	if len(c.Methods) == 0 {
		return []error{root.Locate(strict.Field("methods", "is missing or empty; list at least one method, as in - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.1}}"))}
	}
	items := make([]strict.Value, len(c.Methods)) // nowhere, if made in Go
	if list, ok := root.Lookup("methods"); ok {
		var err error
		if items, err = list.Items(); err != nil {
			return []error{err}
		}
	}
	bySlug := map[string]string{}
	for i, m := range c.Methods {
		slug := Slug(m.Name)
		if other, dup := bySlug[slug]; dup {
			errs = append(errs, items[i].Errorf("duplicate method: %q and %q both get the folder %q", other, m.Name, slug))
		}
		bySlug[slug] = m.Name
		if !c.Loss.IsZero() {
			if err := m.Oracle.Must().Check(c.Loss.Must()); err != nil {
				at, ok := items[i].Lookup("oracle")
				if !ok {
					at = items[i]
				}
				errs = append(errs, at.Locate(err))
			}
		}
	}
	return errs
}
