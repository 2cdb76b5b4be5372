package config

import (
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
)

// equation is a search on a differential equation, which says neither how many points a step
// takes, nor by what settings are chosen.
const equation = `
name: equation
data: {name: heat, interior: 30, boundary: 10}
model: {kind: mlp, hidden: [4], activation: tanh}
loss: squared
train: {steps: 40}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.1}}
  - {name: small, optimizer: {kind: sgd, learning_rate: 0.1}, train: {batch_size: 8}}
tune: {trials: 2, ranges: [{key: methods.*.optimizer.learning_rate, range: "1e-3..1:log"}]}
`

// TestEquationDefaults: a step takes all points, settings are chosen by valid_l2, and nothing
// is standardised, also in what is written and in Go.
func TestEquationDefaults(t *testing.T) {
	c := parse(t, equation)
	if c.Train.BatchSize != 40 || c.Methods[1].Train.BatchSize != 8 || c.Tune.Metric != "valid_l2" || c.Data.Common.Standardize {
		t.Errorf("batches of %d and %d, chosen by %s, standardize: %t", c.Train.BatchSize, c.Methods[1].Train.BatchSize, c.Tune.Metric, c.Data.Common.Standardize)
	}
	roundTrip(t, c)
	if c := parse(t, equation, "data.interior=50"); c.Train.BatchSize != 60 {
		t.Errorf("batches of %d", c.Train.BatchSize)
	}
	if c := parse(t, toy, "tune={trials: 2, ranges: [{key: seed, values: [1, 2]}]}", "data={name: digits, validation: 0.1}"); c.Tune.Metric != "valid_loss" {
		t.Errorf("chosen by %s", c.Tune.Metric)
	}
	made, err := New(Config{
		Name: "made", Data: DataOf(datasets.Known.Default("poisson")), Model: Model{Choice: nn.Models.Default("mlp")}, Loss: Loss{losses.Known.Default("squared")},
		Train: Train{Steps: 1}, Methods: []Method{{Name: "a", Optimizer: Optimizer{optim.Known.Default("sgd")}}},
	})
	if err != nil || made.Train.BatchSize != 1020 || made.Data.Common.Standardize {
		t.Errorf("%+v, %v", made, err)
	}
}

// TestEquationMetrics: a metric fits the data, or is refused.
func TestEquationMetrics(t *testing.T) {
	for _, c := range []struct{ text, set, want string }{
		{equation, "tune.metric=valid_loss", "tune.metric: valid_loss does not apply to equations; take valid_l2, or train_loss"},
		{equation, "tune.metric=train_accuracy", "tune.metric: train_accuracy does not apply to equations"},
		{equation, "tune.metric=train_loss", ""},
		{equation, "train.batch_size=0", "train.batch_size: must be a positive number of examples, got 0"},
		{equation, "data.standardize=true", "data.standardize: equations are never standardised"},
		{equation, "data.standardize=false", ""},
		{equation, "data.split_seed=seed", "data.split_seed: does not apply to equations"},
		{equation, "data.split_seed=0", ""},
		{toy, "train={batch_size: 5, steps: 3, target: {metric: valid_l2, value: 1}}", "train.target.metric: valid_l2 is for equations"},
		{toy, "train={steps: 3}", "train.batch_size: must be a positive number of examples, got 0"},
	} {
		_, err := Parse("a.yaml", []byte(c.text), []string{c.set})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s\n  says %v\n  want %s", c.set, err, c.want)
		}
	}
}
