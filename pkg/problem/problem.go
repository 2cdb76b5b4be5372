// Package problem makes what is to be minimised of a config: the data that it names,
// read and prepared, its network, sized for them, and the weights to start from. It
// says what a run will take of memory, and what only the data can tell to be wrong.
package problem

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Problem is a config with its data read and its network sized.
type Problem struct {
	*datasets.Set
	Config    *config.Config
	Net       *nn.Net
	Checksums map[string]string // SHA-256 of the data, by file
	Choices   []string          // made automatically, after the warnings of the data and Doubts
	Doubts    []string          // warnings of methods: they run, but hardly as they should

	Start *Start // nil: initial weights are drawn
}

// Open reads the data that a config names, downloading them if env allows, and
// checks what only data can tell. Splits that follow the seeds of runs are those of the
// first. A nil Context or Client of env stands for
// context.Background and http.DefaultClient. Errors are *[config.Error], or those of
// package datasets for missing and damaged data.
func Open(c *config.Config, env datasets.Env) (*Problem, error) {
	if len(c.Seeds) > 0 {
		c = c.SplitBy(c.Seeds[0])
	}
	d, err := openData(c, env)
	if err != nil {
		return nil, err
	}
	return d.problem(c)
}

// New returns the problem of a config with data that a program has prepared itself, for
// [Encoding] of the loss, and SHA-256 of where they come from, by name.
func New(c *config.Config, data *datasets.Set, checksums map[string]string) (*Problem, error) {
	return (&loaded{Set: data, checksums: checksums}).problem(c)
}

// loaded are the data of one or more configs, read and prepared.
type loaded struct {
	*datasets.Set
	checksums map[string]string

	start  *Start // of the last problem
	layout string // what that was read for
}

// openData reads the data of a config. It ends with the context of env, whatever
// a file or a large table is in the middle of.
func openData(c *config.Config, env datasets.Env) (*loaded, error) {
	ctx := env.Context
	if ctx == nil {
		ctx = context.Background()
	}
	return interrupt.Return(ctx, func() (*loaded, error) { return readData(c, env) })
}

func readData(c *config.Config, env datasets.Env) (*loaded, error) {
	source, err := c.Data.New()
	if err != nil {
		return nil, config.Wrap(err)
	}
	env.Dir = datasets.ResolveDir(c.Data.Common.Dir, env.Dir)
	env.TrainLimit, env.TargetInput = c.Data.Common.TrainLimit, bool(c.Data.Common.Target)
	enc := Encoding(c.Loss.Must())
	raw, err := source.Open(env, enc)
	if err != nil {
		return nil, dataError(c.Data, err)
	}
	data, err := datasets.Prepare(raw, c.Data.Common, enc)
	if err != nil {
		return nil, config.Wrap(c.Data.At.Locate(err))
	}
	return &loaded{Set: data, checksums: raw.Checksums}, nil
}

// problem sizes the network of a config with these data.
func (d *loaded) problem(c *config.Config) (*Problem, error) {
	p := &Problem{Set: d.Set, Config: c, Checksums: d.checksums, Choices: slices.Clone(d.Warnings)}
	if d.TooLarge != "" && c.Precision == "float32" {
		return nil, config.Wrap(c.Data.At.Errorf("%s, more than float32 holds; set precision: float64, or scale the data down, as standardize: true does", d.TooLarge))
	}
	var err error
	if p.Net, err = buildNet(c, d.Set); err != nil {
		return nil, config.Wrap(err)
	}
	if err := p.check(); err != nil {
		return p, err
	}
	if layout := fmt.Sprint(c.Model.Start, c.Precision, p.Net.Layout()); layout != d.layout {
		if d.start, err = readStart(c, p.Net); err != nil {
			return nil, err
		}
		d.layout = layout
	}
	p.Start = d.start
	return p, nil
}

// dataError tells what is wrong with the options of a data set from what is
// wrong with its files.
func dataError(c config.Data, err error) error {
	var option *strict.FieldError
	if errors.As(err, &option) {
		return config.Wrap(c.At.Locate(err))
	}
	return err
}

// Encoding says what targets a loss takes.
func Encoding(l losses.Loss) datasets.Encoding {
	switch l.Target() {
	case losses.ClassTarget:
		return datasets.OneHot
	case losses.BinaryTarget:
		return datasets.PlusMinus
	case losses.ProbabilityTarget:
		return datasets.Probabilities
	}
	return datasets.Values
}

// buildNet sizes the model for the inputs and outputs of a data set.
func buildNet(c *config.Config, data *datasets.Set) (*nn.Net, error) {
	model, in, k := c.Model.Must(), data.Shape, data.Outputs
	if o := model.Outputs(); o != 0 && o != k {
		return nil, c.Model.At.Locate(strict.Field("outputs", "is %d, but data set %s with loss %s needs %d", o, c.Data.Name, c.Loss.Name, k))
	}
	if e := data.Equation; e != nil {
		return BuildResiduals(c, *e)
	}
	n, err := model.Build(in, k)
	if err != nil {
		return nil, c.Model.At.Locate(err)
	}
	if n.Outputs() != k {
		return nil, c.Model.At.Errorf("the last layer gives %d numbers, but data set %s with loss %s needs %d", n.Outputs(), c.Data.Name, c.Loss.Name, k)
	}
	return n, nil
}

// BuildResiduals sizes the model for the coordinates of an equation, and returns the network of
// its residuals.
func BuildResiduals(c *config.Config, e datasets.EquationSet) (*nn.Net, error) {
	model := c.Model.Must()
	if k := model.Outputs(); k > 1 {
		return nil, c.Model.At.Locate(strict.Field("outputs", "is %d, but the equation %s is for one function u", k, c.Data.Name))
	}
	if Encoding(c.Loss.Must()) != datasets.Values {
		return nil, config.Errorf("loss: the residuals of the equation %s are numbers, but the loss %s takes classes; use squared or huber", c.Data.Name, c.Loss.Name)
	}
	u, err := model.Build(tensor.Shape{C: e.Jet().Dimension, H: 1, W: 1}, 1)
	if err == nil {
		var n *nn.Net
		if n, err = e.Residuals(u); err == nil {
			return n, nil
		}
		err = fmt.Errorf("data set %s: %w", c.Data.Name, err)
	}
	return nil, c.Model.At.Locate(err)
}

// of is the problem as one of the config's methods sees it: with the training that it
// overrides in place.
func (p *Problem) of(method int) *Problem {
	one := *p
	one.Config = p.Config.Of(method)
	return &one
}

// check finds settings that do not fit the data.
func (p *Problem) check() error {
	c := p.Config
	if n := p.Train.Len(); c.Evaluate.TrainExamples > n {
		p.Choices = append(p.Choices, fmt.Sprintf("evaluate.train_examples: all %d training examples, fewer than %d", n, c.Evaluate.TrainExamples))
	}
	loss := c.Loss.Must()
	for i, m := range c.Methods {
		if err := p.of(i).checkMethod(); err != nil {
			return err
		}
		if doubt := p.of(i).doubt(); doubt != "" {
			p.Doubts, p.Choices = append(p.Doubts, doubt), append(p.Choices, doubt)
		}
		dims := p.Net.Dims(c.Of(i).Train.BatchSize)
		choose := func(name string, o oracles.Spec) {
			if a, ok := o.(oracles.Automatic); ok {
				for _, choice := range a.Choices(loss, dims) {
					p.Choices = append(p.Choices, fmt.Sprintf("%s: %s", name, choice))
				}
			}
		}
		choose(m.Name, m.Oracle.Must())
		for _, choice := range optim.Remarks(m.Optimizer.Must(), p.Net.Layout()) {
			p.Choices = append(p.Choices, fmt.Sprintf("%s: %s", m.Name, choice))
		}
		if m.Probe != nil {
			for _, o := range m.Probe.Oracles {
				choose(fmt.Sprintf("%s: probe %s", m.Name, o.Name), o.Must())
			}
		}
	}
	return nil
}

// checkMethod is check for what concerns the one method of the config.
func (p *Problem) checkMethod() error {
	c := p.Config
	m, t := c.Methods[0], c.Train
	if n := p.Train.Len(); t.BatchSize > n {
		return config.Errorf("train.batch_size: %d is larger than the %d training examples of %s", t.BatchSize, n, c.Data.Name)
	}
	if goal := t.Target; goal != nil && runlog.HigherIsBetter(goal.Metric) && p.Classes == 0 {
		return config.Errorf("train.target.metric: %s does not apply to regression; use train_loss or valid_loss", goal.Metric)
	}
	perEpoch := p.Train.Len() / t.BatchSize
	if t.Total(perEpoch) > config.MaxSteps {
		return config.Errorf("train.epochs: %d epochs of %d steps are more than the %d steps that can be counted", t.Epochs, perEpoch, int64(config.MaxSteps))
	}
	if err := m.Oracle.Must().Fits(c.Loss.Must(), p.Net.Dims(t.BatchSize)); err != nil {
		return config.Wrap(m.Oracle.At.Locate(err))
	}
	if r, ok := m.Oracle.Must().(oracles.Recurrent); ok && p.Equation != nil && p.Equation.Points.Resample > 0 {
		if err := r.Redrawn(); err != nil {
			return config.Wrap(m.Oracle.At.Locate(err))
		}
	}
	if err := optim.Fits(m.Optimizer.Must(), p.Net.Layout()); err != nil {
		return config.Wrap(m.Optimizer.At.Locate(err))
	}
	if m.Probe != nil {
		if err := m.Probe.Fits(m.Oracle, c.Loss.Must(), p.Net.Dims(t.BatchSize)); err != nil {
			return config.Wrap(err)
		}
	}
	at := schedules.Time{Total: t.Total(perEpoch), StepsPerEpoch: perEpoch, Budget: t.Budget(perEpoch)}
	for _, part := range []struct {
		at      strict.Value
		options any
	}{{m.Oracle.At, m.Oracle.Options}, {m.Optimizer.At, m.Optimizer.Options}, {m.LineSearch.At, m.LineSearch.Options}} {
		if err := CheckSchedules(part.options, at); err != nil {
			return config.Wrap(part.at.Locate(err))
		}
	}
	return nil
}

// CheckSchedules checks every option that varies in time against the length of
// the run.
func CheckSchedules(options any, at schedules.Time) error {
	for key, o := range config.EachOption[interface{ Check(schedules.Time) error }](options) {
		if err := o.Check(at); err != nil {
			return strict.Field(key, "%v", err)
		}
	}
	return nil
}
