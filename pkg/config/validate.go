package config

import (
	"errors"
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
	train, _ := root.Lookup("train")
	c.Train.check(train, c, func(key, format string, args ...any) { bad(join("train", key), format, args...) })
	for i, m := range c.Methods {
		if m.Train != nil {
			m.Train.check(strict.Value{}, c, func(key, format string, args ...any) {
				errs = append(errs, m.Train.complain(i, key, format, args...))
			})
		}
	}
	c.Evaluate.Every.check(func(format string, args ...any) { bad("evaluate.every", format, args...) })
	c.Checkpoint.Every.check(func(format string, args ...any) { bad("checkpoint.every", format, args...) })
	if e := c.Checkpoint.Every; e.Cost > 0 || e.Seconds > 0 || e.Geometric > 0 {
		bad("checkpoint.every", "must be \"epoch\" or a number of steps")
	}
	if c.Tune != nil {
		c.Tune.check(c, bad)
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
			if m.Probe != nil {
				errs = append(errs, m.Probe.checkLoss(c.Loss.Must())...)
			}
		}
	}
	return errs
}

// join joins keys by a dot.
func join(keys ...string) string {
	return strings.Trim(strings.Join(keys, "."), ".")
}
