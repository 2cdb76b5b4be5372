package experiment

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
)

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

// TestProblemErrors: what only the data can tell.
func TestProblemErrors(t *testing.T) {
	for _, c := range []struct {
		sets []string
		want string
	}{
		{[]string{"train.batch_size=301"}, "train.batch_size: 301 is larger than the 300 training examples of digits"},
		{[]string{"data.train_limit=2000"}, "data.train_limit: is 2000, but there are only 1438 examples"},
		{[]string{"loss=hinge"}, "the loss takes two classes, the set has 10"},
		{[]string{"data={name: diabetes}"}, "the targets are numbers, but the loss takes classes"},
		{[]string{"model={kind: mlp, outputs: 3}"}, "model.outputs: is 3, but data set digits with loss logistic needs 10"},
		{[]string{"model={kind: sequential, layers: [flatten, {kind: dense, units: 3}]}"}, "the last layer gives 3 numbers, but data set digits with loss logistic needs 10"},
		{[]string{"model={kind: sequential, layers: [{kind: dense, units: 10}]}"}, "layer 0 (dense): takes vectors, not examples of shape 1x8x8; put a flatten layer before it"},
		{[]string{"data={name: diabetes}", "loss=squared", "train.target={metric: train_accuracy, value: 1}"}, "train_accuracy does not apply to regression"},
		{[]string{"train={batch_size: 5, seconds: 1}", "methods.SGD.optimizer.learning_rate={schedule: cosine}"}, "the cosine schedule needs an end"},
		{[]string{"data={name: mnist, dir: /nosuch}"}, "files are missing in /nosuch/mnist"},
		{[]string{"data={name: csv}"}, "data.path: is missing"},
	} {
		_, err := Open(parse(t, toy, c.sets...), datasets.Env{Context: context.Background(), Offline: true})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v\n  says %v\n  want %s", c.sets, err, c.want)
		}
	}
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
	f.Add([]byte(swept))
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
