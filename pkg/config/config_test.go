package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
)

// toy is a small experiment on embedded data.
const toy = `
name: toy
seeds: [0, 1]
data: {name: digits, train_limit: 300, test_limit: 100}
model: {kind: mlp, hidden: [12]}
loss: {kind: logistic}
train: {batch_size: 50, epochs: 2}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.1}}
  - {name: Adam!, optimizer: {kind: adam, learning_rate: 0.01}}
`

func parse(t *testing.T, text string, sets ...string) *Config {
	t.Helper()
	c, err := Parse("toy.yaml", []byte(text), sets)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestConfigErrors: each message names the file, the line, the key, and what
// would be valid.
func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"namee=x", `namee: unknown key; did you mean "name"?`},
		{"train.epoch=3", `train.epoch: unknown key; did you mean "epochs"?`},
		{"model.hiden=[3]", `model.hiden: unknown key; did you mean "hidden"?`},
		{"methods.SGD.optimizer.momentumm=0.1", `methods.SGD.optimizer.momentumm: unknown key; did you mean "momentum"?`},
		{"train.epochs=many", "train.epochs: "},
		{"train.epochs=2.5", "train.epochs: "},
		{"train.batch_size=0", "train.batch_size: must be a positive number of examples, got 0"},
		{"train.epochs=-1", "train.epochs: must be positive, got -1"},
		{"train={batch_size: 5}", "train: has no limit; give epochs, steps or seconds"},
		{"train.target={metric: test_loss, value: 1}", `train.target.metric: "test_loss" is not a metric a run may stop on (known: train_loss, train_accuracy, valid_loss, valid_accuracy)`},
		{"train.target={metric: valid_loss, value: 1}", "needs a validation set; set data.validation"},
		{"methods.SGD.optimizer.learning_rate=-1", "learning_rate: must be positive, got -1"},
		{"seeds=[]", "seeds: the list is empty"},
		{"seeds=[1, 1]", "seeds: duplicate seed 1"},
		{"seeds=[-1]", "seeds"},
		{"precision=float16", `precision: must be float32 or float64, got "float16"`},
		{"name=a/b", `name: "a/b" cannot name a folder`},
		{"name=-a", `name: "-a" cannot name a folder`},
		{`name="a\u202eb"`, `name: "a\u202eb" holds U+202E, which changes the direction`},
		{"name=" + strings.Repeat("x", 252), `takes 252 bytes as the name of a folder; at most 251 fit`},
		{`methods=[{name: "a\0b\n\e[31m", optimizer: sgd}]`, `methods.a\x00b\n\x1b[31m.name: "a\x00b\n\x1b[31m" holds the control character U+0000; leave it out`},
		{`methods=[{name: "a\nb", optimizer: sgd}]`, `"a\nb" holds the control character U+000A`},
		{"methods=[{name: " + strings.Repeat("я", 200) + ", optimizer: sgd}]", `takes 400 bytes as the name of a folder; at most 251 fit`},
		{"methods=[{name: Å, optimizer: sgd}, {name: a\u030a, optimizer: sgd}]", `both get the folder "å"`},
		{"methods=[{name: ΟΔΟΣ, optimizer: sgd}, {name: οδος, optimizer: sgd}]", `both get the folder`},
		{"data.name=minst", `unknown data set "minst"; did you mean "mnist"?`},
		{"loss=logistics", `unknown loss "logistics"; did you mean "logistic"?`},
		{"methods=[]", "methods: is missing or empty"},
		{"methods=[{name: a, optimizer: sgd}, {name: A, optimizer: sgd}]", `duplicate method: "a" and "A" both get the folder "a"`},
		{"methods=[{optimizer: sgd}]", `the key "name" is missing`},
		{"methods=[{name: a}]", `the key "optimizer" is missing`},
		{"methods=[{name: '!', optimizer: sgd}]", `"!" has no letter or digit`},
		{"evaluate.every=never", `expected "epoch" or a number of steps`},
		{"evaluate.every=0", `must be "epoch" or a positive number of steps, got 0`},
		{"evaluate.train_examples=-1", "evaluate.train_examples: must be 0 (all) or a number of examples, got -1"},
		{"log.every=0", "log.every: must be a positive number of steps, got 0"},
		{"nokey", "--set nokey: expected KEY=VALUE"},
		{"methods.SGDD.optimizer.kind=adam", "SGDD"},
	} {
		_, err := Parse("toy.yaml", []byte(toy), []string{c.set})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.set, err, c.want)
		}
	}
	lines := strings.Replace(toy, "  - {name: SGD,", "\n  - {nam: SGD,", 1)
	_, err := Parse("toy.yaml", []byte(lines), nil)
	if err == nil || !strings.Contains(err.Error(), `toy.yaml:10: methods[0].nam: unknown key; did you mean "name"?`) {
		t.Errorf("the line: %v", err)
	}
	_, err = Parse("toy.yaml", []byte("seeds: []\nprecision: x\n"), nil)
	if err == nil || strings.Count(err.Error(), "\n") < 5 {
		t.Errorf("not every fault is listed: %v", err)
	}
}

// TestNew: a config made in Go is that of the file that says the same, and what it
// lacks is told.
func TestNew(t *testing.T) {
	want := parse(t, toy, "seeds=[0]", "evaluate.train_examples=0", "data={name: digits}", "model={kind: mlp}", "methods=[{name: SGD, optimizer: {kind: adam}}]")
	c, err := New(Config{
		Name: "toy", Data: DataOf(datasets.Known.Default("digits")), Model: Model{Choice: nn.Models.Default("mlp")},
		Loss: Loss{losses.Known.Default("logistic")}, Train: Train{BatchSize: 50, Epochs: 2},
		Methods: []Method{{Name: "SGD", Optimizer: Optimizer{optim.Known.Default("adam")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err1 := want.YAML()
	b, err2 := c.YAML()
	if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
		t.Errorf("%v, %v:\n%s\n%s", err1, err2, a, b)
	}
	roundTrip(t, c)
	for text, gamma := range map[string]oracles.Gamma{
		"{schedule: cosine, initial: 2, warmup_steps: 3}": oracles.GammaOf(schedules.Varying(chosen(t, &schedules.Known, "cosine", func(s *schedules.Cosine) { s.Initial, s.Warmup.Steps = 2, 3 }))),
		"{levenberg_marquardt: {initial: 3}}": oracles.AdaptiveGamma(func() oracles.LevenbergMarquardt {
			lm := oracles.DefaultLevenbergMarquardt
			lm.Initial = 3
			return lm
		}()),
		"0.5": oracles.ConstGamma(0.5),
	} {
		want := parse(t, toy, "seeds=[0]", "evaluate.train_examples=0", "data={name: digits}", "model={kind: mlp}",
			"methods=[{name: SGD, oracle: {kind: gauss_newton, gamma: "+text+"}, optimizer: {kind: adam}}]")
		c.Methods[0].Oracle = Oracle{chosen(t, &oracles.Known, "gauss_newton", func(o *oracles.GaussNewton) { o.Gamma = gamma })}
		a, err1 := want.YAML()
		b, err2 := c.YAML()
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("%v, %v:\n%s\n%s", err1, err2, a, b)
		}
	}
	if _, err := registry.Choose(&oracles.Known, "gauss_newton", func(o *oracles.GaussNewton) { o.Gamma = oracles.SearchGamma(1, -1) }); err == nil {
		t.Error("a negative gamma is searched")
	}
	_, err = New(Config{Methods: []Method{{}, {Name: "a\x00", Optimizer: Optimizer{optim.Known.Default("adam")}}}, Seeds: []uint64{1, 1}, Evaluate: Evaluate{Every: Every{-1}}})
	for _, want := range []string{`method 0: the key "name" is missing`, `the key "optimizer" is missing`, "method 1: \"a\\x00\" holds", "name: is missing", "data: is missing", "model: is missing", "loss: is missing",
		"duplicate seed 1", "batch_size: must be", "train: has no limit", "every must be 0 steps"} {
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwithout %s", err, want)
		}
	}
}

func chosen[T, O any](t *testing.T, table *registry.Table[T], name string, edit func(*O)) registry.Choice[T] {
	t.Helper()
	c, err := registry.Choose(table, name, edit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// roundTrip: the resolved config gives the same config, and so the same bytes.
func roundTrip(t *testing.T, c *Config) {
	t.Helper()
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("resolved.yaml", text, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if b, err := again.YAML(); err != nil || !bytes.Equal(b, text) {
		t.Errorf("%s\nbecomes\n%s\n%v", text, b, err)
	}
}

// configFiles are the configs that come with the program.
func configFiles(t testing.TB) []string {
	t.Helper()
	plain, err := filepath.Glob("../../configs/*.yaml")
	if err != nil || len(plain) == 0 {
		t.Fatal("no configs", err)
	}
	sweeps, err := filepath.Glob("../../configs/sweeps/*.yaml")
	if err != nil || len(sweeps) == 0 {
		t.Fatal("no sweeps", err)
	}
	return append(plain, sweeps...)
}

func TestConfigsRoundTrip(t *testing.T) {
	for _, f := range configFiles(t) {
		c, err := Load(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, c)
		if c.Sweep == nil {
			continue
		}
		s, err := LoadSweep(f, nil, SweepFlags{})
		if err != nil {
			t.Fatal(err)
		}
		roundTripSweep(t, s)
	}
	roundTrip(t, parse(t, toy,
		"methods.SGD.optimizer.learning_rate={schedule: cosine, initial: 0.1, warmup_steps: 3}", "evaluate.every=7",
		"data={name: csv, path: x.csv, header: true, target: [a, -1], test: 0.3}", "model.activation={kind: leaky_relu, slope: 0.2}",
		"train.target={metric: train_loss, value: 0.5}", "loss={kind: huber, delta: 2}"))
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(toy))
	f.Add([]byte(twoMethods + "sweep: {grid: [{key: train.batch_size, values: [40, 50]}, {key: methods.GN v1.5.oracle.gamma, values: [0.5, 1]}]}\n"))
	for _, name := range configFiles(f) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, text := range []string{"", "a", "[]", "{}", "a: &x [*x]", "name: 1\nseeds: {}", "methods: [1, {}]", "\xff", "a: b: c"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("fuzz.yaml", text, nil)
		if err == nil {
			roundTrip(t, c)
		}
	})
}
