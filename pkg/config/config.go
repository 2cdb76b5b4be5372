// Package config reads experiments: a YAML file, or a [Config] made in Go, becomes a
// config whose every key is known and valid, and a sweep over it becomes the points
// of a [Study].
//
// A file is decoded strictly by package strict: what is unknown or wrong is an [Error]
// with file, line and key. [New] completes and checks a config made in Go. Each part
// that is chosen by name (model, loss, oracle, optimizer, line search, data) belongs to
// the table of its package: see package registry.
package config

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
)

// A Config is one experiment: a problem, and the methods to compare on it.
type Config struct {
	Name       string     `yaml:"name"`
	Seeds      []uint64   `yaml:"seeds,flow"`
	Precision  string     `yaml:"precision"`
	Data       Data       `yaml:"data"`
	Model      Model      `yaml:"model"`
	Loss       Loss       `yaml:"loss"`
	Train      Train      `yaml:"train"`
	Evaluate   Evaluate   `yaml:"evaluate"`
	Checkpoint Checkpoint `yaml:"checkpoint"`
	Log        Log        `yaml:"log"`
	Methods    []Method   `yaml:"methods"`
	Sweep      *Sweep     `yaml:"sweep,omitempty"`
	Tune       *Tune      `yaml:"tune,omitempty"`
}

// The choices of a config, each decoded by the table of its package.
type (
	Model struct {
		registry.Choice[nn.Model]
		Start string // the file of weights that runs start from; "" draws them
	}
	Loss       struct{ registry.Choice[losses.Loss] }
	Oracle     struct{ registry.Choice[oracles.Spec] }
	Optimizer  struct{ registry.Choice[optim.Spec] }
	LineSearch struct {
		registry.Choice[optim.LineSearch]
	}
	Data struct {
		registry.Choice[datasets.Source]
		Common datasets.Common
	}
)

func (c *Loss) UnmarshalStrict(v strict.Value) (err error) {
	c.Choice, err = losses.Known.Decode(v)
	return err
}

func (c *Oracle) UnmarshalStrict(v strict.Value) (err error) {
	c.Choice, err = oracles.Known.Decode(v)
	return err
}

func (c *Optimizer) UnmarshalStrict(v strict.Value) (err error) {
	c.Choice, err = optim.Known.Decode(v)
	return err
}

func (c *LineSearch) UnmarshalStrict(v strict.Value) (err error) {
	c.Choice, err = optim.LineSearches.Decode(v)
	return err
}

// A Method is one curve of the figures: a direction oracle, the optimizer that
// turns directions into updates, and the rule for how far to go along them.
type Method struct {
	Name       string     `yaml:"name"`
	Oracle     Oracle     `yaml:"oracle"`
	Optimizer  Optimizer  `yaml:"optimizer"`
	LineSearch LineSearch `yaml:"line_search"`

	// Train is how long this method is trained, nil: as long as all others.
	Train *Override `yaml:"train,omitempty,flow"`

	// Probe compares other oracles along the way of this one, nil: none.
	Probe *Probe `yaml:"probe,omitempty"`
}

// UnmarshalStrict fills in what a method may leave out.
func (m *Method) UnmarshalStrict(v strict.Value) error {
	type plain Method // without this method
	var p plain
	p.Oracle, p.LineSearch = defaultOracle(), defaultLineSearch()
	if err := v.Decode(&p); err != nil {
		return err
	}
	*m = Method(p)
	if m.Probe != nil {
		oracle, _ := v.Lookup("oracle")
		if err := m.Probe.resolve(m.Oracle, oracle); err != nil {
			return err
		}
	}
	return m.check(v)
}

func defaultOracle() Oracle { return Oracle{oracles.Known.Default("gradient")} }

func defaultLineSearch() LineSearch { return LineSearch{optim.LineSearches.Default("none")} }

// check finds what a method lacks, that is written at v.
func (m *Method) check(v strict.Value) error {
	var errs []error
	if m.Name == "" {
		errs = append(errs, v.Errorf("the key \"name\" is missing: it labels the method's curve and names its folder"))
	} else if wrong := badMethodName(m.Name); wrong != "" {
		at, _ := v.Lookup("name")
		errs = append(errs, at.Errorf("%s", wrong))
	}
	if m.Optimizer.IsZero() {
		errs = append(errs, v.Errorf("the key \"optimizer\" is missing (known: %s)", strings.Join(optim.Known.Names(), ", ")))
	}
	if !m.Optimizer.IsZero() && !m.LineSearch.IsZero() && m.LineSearch.Name != "none" {
		if why := optim.WhyUnscalable(m.Optimizer.Must()); why != "" {
			at, _ := v.Lookup("line_search")
			errs = append(errs, at.Errorf("%s cannot follow optimizer %s: %s; leave it out, or take another optimizer", m.LineSearch.Name, m.Optimizer.Name, why))
		}
	}
	if !m.Optimizer.IsZero() && !m.Oracle.IsZero() && oracles.Accelerates(m.Oracle.Must()) && !optim.Scales(m.Optimizer.Must()) {
		at, _ := v.Lookup("optimizer")
		errs = append(errs, at.Errorf("%s cannot follow an oracle with acceleration: geodesic, whose curve belongs to its own direction; take {kind: sgd, learning_rate: ...} without momentum and weight_decay, or leave acceleration out", m.Optimizer.Name))
	}
	if m.Probe != nil {
		errs = append(errs, m.Probe.check(m.Oracle))
	}
	return errors.Join(errs...)
}

// Solves reports whether the oracle of a method has an inner solve to record.
func (m *Method) Solves() bool {
	_, closed := m.Oracle.Must().(oracles.Closed)
	return !closed
}

// Evaluate says when to evaluate, and on how many training examples.
type Evaluate struct {
	Every         Every `yaml:"every"`
	TrainExamples int   `yaml:"train_examples"` // 0: all
}

// Checkpoint says when to write a checkpoint; at the end of an epoch, only if the
// last one is a second old. It is part of no run's identity.
type Checkpoint struct {
	Every Every `yaml:"every"`
}

// Log says what to log.
type Log struct {
	Every int  `yaml:"every"` // a row of steps.csv every so many steps
	Gap   bool `yaml:"gap"`   // the duality gap of each, where the solver does not give it anyway

	// Inner makes inner.csv and duals.npz: the courses of inner solves, and their
	// dual variables, at step 1 and at the last step before each evaluation.
	Inner bool `yaml:"inner"`
}

// Defaults returns a config with every default value set.
func Defaults() Config {
	return Config{
		Seeds:     []uint64{0},
		Precision: "float32",
		Evaluate:  Evaluate{TrainExamples: 10000},
		Log:       Log{Every: 1},
	}
}

// AllExamples in Evaluate.TrainExamples of a config for [New] asks for all of them, as 0
// does in a file: in Go 0 is what was left out.
const AllExamples = -1

// New returns a config made in Go: what c leaves out is filled in, as in a file, and
// the rest is checked. It needs a name, data, a model, a loss, a length of training and
// methods, each with a name and an optimizer.
func New(c Config) (*Config, error) {
	defaults := Defaults()
	if c.Seeds == nil {
		c.Seeds = defaults.Seeds
	}
	if c.Precision == "" {
		c.Precision = defaults.Precision
	}
	if c.Log.Every == 0 {
		c.Log.Every = defaults.Log.Every
	}
	switch c.Evaluate.TrainExamples {
	case 0:
		c.Evaluate.TrainExamples = defaults.Evaluate.TrainExamples
	case AllExamples:
		c.Evaluate.TrainExamples = 0
	}
	if c.Train.BatchSize == 0 {
		c.takeAll()
	}
	c.complete()
	c.Methods = slices.Clone(c.Methods)
	for i := range c.Methods {
		m := &c.Methods[i]
		if m.Oracle.IsZero() {
			m.Oracle = defaultOracle()
		}
		if m.LineSearch.IsZero() {
			m.LineSearch = defaultLineSearch()
		}
		if m.Probe != nil && m.Probe.Calls == 0 {
			probe := *m.Probe
			probe.Calls = DefaultProbe().Calls
			m.Probe = &probe
		}
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &c, nil
}

// Check finds what is wrong with a config that a program made or changed. Those that were
// read from a file, or made by [New], have been checked.
func (c *Config) Check() error {
	var errs []error
	for i := range c.Methods {
		m := &c.Methods[i]
		if err := m.check(strict.Value{}); err != nil {
			errs = append(errs, fmt.Errorf("method %d: %w", i, err))
		}
		if m.Oracle.IsZero() || m.LineSearch.IsZero() {
			errs = append(errs, fmt.Errorf("method %d: the oracle or the line search is missing; config.New fills them in", i))
			return &Error{errors.Join(errs...)}
		}
	}
	if err := errors.Join(append(errs, c.validate(strict.Value{}, wholeExperiment))...); err != nil {
		return &Error{strict.FirstOf(err)}
	}
	return nil
}

// An Error says what is wrong with an experiment's settings: its Error
// lists the faults, a line each.
type Error struct{ err error }

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return e.err }

// Wrap returns an error as an [Error].
func Wrap(err error) error { return &Error{err} }

// Errorf returns an [Error] that is about no particular line.
func Errorf(format string, args ...any) error {
	return &Error{fmt.Errorf(format, args...)}
}

// A scope is the part of a config that is needed.
type scope int

const (
	wholeExperiment scope = iota
	methodsOnly           // model, loss and methods
)

// Load reads the experiment in a file, with assignments "key=value" made to it
// first. Every error is a *Error.
func Load(path string, sets []string) (*Config, error) { return load(path, sets, wholeExperiment) }

func load(path string, sets []string, what scope) (*Config, error) {
	data, err := Read(path)
	if err != nil {
		return nil, err
	}
	return decode(path, data, sets, what)
}

// maxConfig is the length in bytes of the longest config: a list of a million
// seeds fits.
const maxConfig = 32 << 20

// Read reads the file of a config, which may be a pipe, for [Parse] and its like.
func Read(path string) ([]byte, error) {
	data, err := diskfile.ReadStream(context.Background(), path, diskfile.Limits{Bytes: maxConfig})
	if err != nil {
		return nil, &Error{err}
	}
	return data, nil
}

// Parse is Load for a file already read.
func Parse(path string, data []byte, sets []string) (*Config, error) {
	return decode(path, data, sets, wholeExperiment)
}

// LoadMethods is [Load] for what needs no data and makes no run: the sections
// data and train may be absent. Of data only an equation is of use there.
func LoadMethods(path string, sets []string) (*Config, error) { return load(path, sets, methodsOnly) }

// ParseMethods is [LoadMethods] for a file already read.
func ParseMethods(path string, data []byte, sets []string) (*Config, error) {
	return decode(path, data, sets, methodsOnly)
}

func decode(path string, data []byte, sets []string, what scope) (*Config, error) {
	doc, err := parseDoc(path, data, sets)
	if err != nil {
		return nil, err
	}
	return decodeDoc(doc, what)
}

func parseDoc(path string, data []byte, sets []string) (*strict.Doc, error) {
	doc, err := strict.Parse(path, data)
	if err != nil {
		return nil, &Error{err}
	}
	for _, s := range sets {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, Errorf("--set %s: expected KEY=VALUE, as in --set train.epochs=3", strict.Plain(s))
		}
		if err := doc.Set(key, value); err != nil {
			return nil, &Error{err}
		}
	}
	return doc, nil
}

func decodeDoc(doc *strict.Doc, what scope) (*Config, error) {
	c := Defaults()
	v := doc.Root()
	if err := v.Decode(&c); err != nil {
		return nil, &Error{strict.FirstOf(err)}
	}
	train, _ := v.Lookup("train")
	if _, given := train.Lookup("batch_size"); !given {
		c.takeAll()
	}
	c.complete()
	if err := c.override(); err != nil {
		return nil, &Error{strict.FirstOf(err)}
	}
	if err := c.validate(v, what); err != nil {
		return nil, &Error{strict.FirstOf(err)}
	}
	return &c, nil
}

// YAML returns the resolved config: every key, defaults included. Parsing it
// gives the same config.
func (c *Config) YAML() ([]byte, error) {
	return yaml.Marshal(c)
}

// ValueSize is the number of bytes of a number in the precision of the runs.
func (c *Config) ValueSize() int {
	if c.Precision == "float64" {
		return 8
	}
	return 4
}
