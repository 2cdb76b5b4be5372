package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/schedules"
)

// toy is a small experiment on embedded data.
const toy = configtest.Toy

func parse(t testing.TB, text string, sets ...string) *Config {
	t.Helper()
	return configtest.Read(t, Parse, text, sets...)
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
		{"train={batch_size: 5}", "train: has no limit; give epochs, steps, cost or seconds"},
		{"train.target={metric: test_loss, value: 1}", `train.target.metric: "test_loss" is not a metric a run may stop on (known: train_loss, train_accuracy, valid_loss, valid_accuracy, valid_l2)`},
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
		{"methods=[{name: a, optimizer: adam, oracle: {kind: gauss_newton, solver: cholesky, acceleration: geodesic}}]", "methods.a.optimizer: adam cannot follow an oracle with acceleration: geodesic"},
		{"methods=[{name: a, optimizer: {kind: sgd, momentum: 0.5}, oracle: {kind: gauss_newton, solver: cholesky, acceleration: geodesic}}]", "without momentum and weight_decay"},
		{"methods=[{name: a}]", `the key "optimizer" is missing`},
		{"methods=[{name: '!', optimizer: sgd}]", `"!" has no letter or digit`},
		{"evaluate.every=never", `expected "epoch", a number of steps, {cost: C}, {seconds: S} or {geometric: POINTS}`},
		{"data.split_seed=sed", `data.split_seed: expected a whole number, or seed for the seed of each run, got "sed"`},
		{"data.split_seed=-1", "data.split_seed: "},
		{"evaluate.every={}", "and one of them"},
		{"evaluate.every={cost: 5, seconds: 1}", "and one of them"},
		{"evaluate.every={cost: 0}", "evaluate.every.cost: must be positive, got 0"},
		{"evaluate.every={cost: 0.5}", "evaluate.every: cost: must be at least 1"},
		{"evaluate.every={cost: -1}", "evaluate.every: must be positive"},
		{"evaluate.every={geometric: 1}", "geometric: must be a number of moments from 2 to 10000, got 1"},
		{"evaluate.every={geometic: 5}", `did you mean "geometric"?`},
		{"checkpoint.every={cost: 5}", `checkpoint.every: must be "epoch" or a number of steps`},
		{"train={batch_size: 5, cost: 0}", "train.cost: must be positive, got 0; leave it out for no such limit"},
		{"train={batch_size: 5, epochs: 0, steps: 4}", "train.epochs: must be positive, got 0; leave it out"},
		{"train.cost=-1", "train.cost: must be positive, got -1"},
		{"train.cost=1e300", "train.cost: must be at most 1e+15, got 1e+300"},
		{"methods.SGD.train={epoch: 3}", `methods.SGD.train.epoch: unknown key; did you mean "epochs"?`},
		{"methods.SGD.train={epochs: 0}", "methods.SGD.train: has no limit"},
		{"methods.SGD.train={batch_size: 0}", "methods.SGD.train.batch_size: must be a positive number of examples, got 0"},
		{"methods.SGD.train={cost: -2}", "methods.SGD.train.cost: must be positive, got -2"},
		{"methods.SGD.train=3", "methods.SGD.train: expected"},
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
	want := parse(t, toy, "seeds=[0]", "data={name: digits}", "model={kind: mlp}", "methods=[{name: SGD, optimizer: {kind: adam}}]")
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
		want := parse(t, toy, "seeds=[0]", "data={name: digits}", "model={kind: mlp}",
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
	_, err = New(Config{Methods: []Method{{}, {Name: "a\x00", Optimizer: Optimizer{optim.Known.Default("adam")}}}, Seeds: []uint64{1, 1}, Evaluate: Evaluate{Every: Every{Steps: -1}}})
	for _, want := range []string{`method 0: the key "name" is missing`, `the key "optimizer" is missing`, "method 1: \"a\\x00\" holds", "name: is missing", "data: is missing", "model: is missing", "loss: is missing",
		"duplicate seed 1", "batch_size: must be", "train: has no limit", "evaluate.every: must be positive"} {
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
	searches, err := filepath.Glob("../../configs/tune/*.yaml")
	if err != nil || len(searches) == 0 {
		t.Fatal("no searches", err)
	}
	equations, err := filepath.Glob("../../configs/pinn/*.yaml")
	if err != nil || len(equations) == 0 {
		t.Fatal("no equations", err)
	}
	return slices.Concat(plain, sweeps, searches, equations)
}

func TestConfigsRoundTrip(t *testing.T) {
	for _, f := range configFiles(t) {
		c, err := Load(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, c)
		if c.Tune != nil {
			if _, err := LoadSearch(f, nil); err != nil {
				t.Error(err)
			}
		}
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
		"methods.SGD.optimizer.learning_rate={schedule: cosine, initial: 0.1, warmup: 0.25}", "evaluate.every={geometric: 7}",
		"data={name: csv, path: x.csv, header: true, target: [a, -1], test: 0.3, split_seed: seed}", "model.activation={kind: leaky_relu, slope: 0.2}",
		"train.target={metric: train_loss, value: 0.5}", "loss={kind: huber, delta: 2}"))
}

// TestOverride: what a method says of its training takes the place of what is said of all,
// key by key, in the file, in its resolved text, and under a sweep; a limit of 0 is none.
func TestOverride(t *testing.T) {
	c := parse(t, toy, "train={batch_size: 50, epochs: 2, target: {metric: train_loss, value: 0.5}}", "methods.SGD.train={batch_size: 10, cost: 7.5}", "methods.Adam!.train={epochs: 0, steps: 3}")
	roundTrip(t, c)
	goal := runlog.Goal{Metric: "train_loss", Value: 0.5}
	for i, want := range []Train{{BatchSize: 10, Epochs: 2, Cost: 7.5, CostUnit: 50}, {BatchSize: 50, Steps: 3}} {
		p := c.Plain().Points[i].Config
		got := p.Train
		if got.Target == nil || *got.Target != goal {
			t.Errorf("method %d: the target is %v", i, got.Target)
		}
		got.Target = nil
		if got != want || p.Methods[0].Train != nil || len(p.Methods) != 1 {
			t.Errorf("method %d: %+v, want %+v", i, got, want)
		}
		roundTrip(t, p)
	}
	text := strings.Replace(twoMethods, "{name: SGD,", "{name: SGD, train: {epochs: 0, cost: 3},", 1)
	s := study(t, text, SweepFlags{Grid: []string{"methods.SGD.train.cost=5,9", "train.batch_size=20,25"}})
	var got []string
	for _, p := range s.Points {
		got = append(got, fmt.Sprintf("%s: %s: %d, %g", p.Config.Methods[0].Name, p.Varied, p.Config.Train.BatchSize, p.Config.Train.Cost))
	}
	want := []string{"SGD: train.cost=5, train.batch_size=20: 20, 5", "SGD: train.cost=5, train.batch_size=25: 25, 5", "SGD: train.cost=9, train.batch_size=20: 20, 9",
		"SGD: train.cost=9, train.batch_size=25: 25, 9", "GN v1.5: train.batch_size=20: 20, 0", "GN v1.5: train.batch_size=25: 25, 0"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if part, err := s.Only([]string{"GN v1.5"}); err != nil || len(part.Points) != 2 || part.Points[0].Method != 1 || len(s.Points) != 6 {
		t.Errorf("%v, %d points", err, len(s.Points))
	}
	var wrong *Error
	if _, err := s.Only([]string{"SGDD"}); !errors.As(err, &wrong) || !strings.Contains(err.Error(), `did you mean "SGD"?`) {
		t.Error(err)
	}
}

// TestDue: events are due where a step crosses a multiple of a cost or of a time, or one
// of the geometric moments, each once, whatever the size of the steps.
func TestDue(t *testing.T) {
	for _, c := range []struct {
		every Every
		step  float64 // cost and seconds of a step, of a budget of 100
		want  []int
	}{
		{Every{Steps: 4}, 1, []int{4, 8, 12}},
		{Every{}, 1, []int{5, 10}},
		{Every{Cost: 5}, 2, []int{3, 5, 8, 10, 13}},
		{Every{Cost: 5}, 13, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}},
		{Every{Seconds: 40}, 13, []int{4, 7, 10, 13}},
		{Every{Geometric: 3}, 1, []int{1, 10}},       // 1, 10 and 100 of the budget
		{Every{Geometric: 3}, 13, []int{1, 8}},       // both first ones in one step
		{Every{Geometric: 5}, 8, []int{1, 2, 4, 13}}, // 1, 3.2, 10, 32, 100
	} {
		var got []int
		before := Moment{}
		for step := 1; step <= 13; step++ {
			at := float64(step) * c.step
			now := Moment{step, at, at, min(at/100, 1)}
			if c.every.Due(before, now, 5, 0.01) {
				got = append(got, step)
			}
			before = now
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v, steps of %g: due after %v, want %v", c.every, c.step, got, c.want)
		}
	}
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
