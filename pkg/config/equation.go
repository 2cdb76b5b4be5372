package config

import (
	"slices"

	"github.com/dualgn/dgn/pkg/datasets"
)

// metricL2 is how far u is from the solution of an equation.
const metricL2 = "valid_l2"

// Equation returns the equation that the data are, if they are one.
func (c Data) Equation() (datasets.EquationSet, bool) {
	if c.IsZero() {
		return datasets.EquationSet{}, false
	}
	e, ok := c.Must().(datasets.EquationSet)
	return e, ok
}

// validates reports whether there is a validation set.
func (c Data) validates() bool {
	_, points := c.Equation()
	return points || c.Common.Validation > 0
}

// takeAll has a step take all points of an equation, which needs no batch_size.
func (c *Config) takeAll() {
	if e, ok := c.Data.Equation(); ok {
		c.Train.BatchSize = e.Train()
	}
}

// complete fills in the metric by which settings are chosen: for an equation, whose solution is
// known, the distance to it.
func (c *Config) complete() {
	if c.Tune == nil || c.Tune.Metric != "" {
		return
	}
	tune := *c.Tune
	tune.Metric = "valid_loss"
	if _, ok := c.Data.Equation(); ok {
		tune.Metric = metricL2
	}
	c.Tune = &tune
}

// unfit says why a metric does not apply to the data, "" if it does.
func (c Data) unfit(metric string) string {
	_, points := c.Equation()
	switch {
	case metric == metricL2 && !points && !c.IsZero():
		return metricL2 + " is for equations, whose solution is known; take valid_loss or train_loss"
	case points && metric != "train_loss" && metric != metricL2 && slices.Contains(goalMetrics, metric):
		return metric + " does not apply to equations; take " + metricL2 + ", or train_loss"
	}
	return ""
}
