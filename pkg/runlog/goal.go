package runlog

import "strings"

// A Goal is a value of a metric that a run reaches or not: a loss or RMSE from above,
// an accuracy (a fraction of 1) from below.
type Goal struct {
	Metric string  `yaml:"metric"` // a column of metrics.csv
	Value  float64 `yaml:"value"`
}

// MetBy reports whether a value of the metric reaches the goal; NaN does not.
func (g Goal) MetBy(v float64) bool {
	if HigherIsBetter(g.Metric) {
		return v >= g.Value
	}
	return v <= g.Value
}

// HigherIsBetter reports whether larger values of a metric are better ones.
func HigherIsBetter(metric string) bool { return strings.HasSuffix(metric, "accuracy") }
