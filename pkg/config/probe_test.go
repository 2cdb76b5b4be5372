package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
)

// probed is an experiment whose method is probed from line 11 on.
const probed = `
name: probed
data: {name: digits}
model: {kind: mlp, hidden: [12]}
loss: {kind: logistic}
train: {batch_size: 50, epochs: 2}
methods:
  - name: GN
    optimizer: {kind: sgd, learning_rate: 1}
    oracle: {kind: gauss_newton, inner_iterations: 7, gamma: {schedule: cosine, initial: 3}, warm_start: true}
    probe:
      oracles:
        - {name: own}
        - {name: "primal, long", formulation: primal, inner_iterations: 20}
        - name: exact
          solver: cholesky
`

// TestProbeTakesOver: what an oracle of a probe leaves out is that of the method, in the
// file, in its resolved text, under an assignment and under a sweep; but no warm start.
func TestProbeTakesOver(t *testing.T) {
	c := parse(t, probed)
	roundTrip(t, c)
	p := c.Methods[0].Probe
	if p.Calls != 3 || p.Every != (Every{}) || len(p.Oracles) != 3 {
		t.Errorf("%+v", p)
	}
	for i, want := range []struct {
		name, formulation, solver string
		iterations                int
	}{{"own", "dual", "cg", 7}, {"primal, long", "primal", "cg", 20}, {"exact", "dual", "cholesky", 7}} {
		o := p.Oracles[i].Must().(oracles.GaussNewton)
		if p.Oracles[i].Name != want.name || o.Formulation != want.formulation || o.Solver.Name != want.solver || o.InnerIterations != want.iterations || o.WarmStart {
			t.Errorf("%s: %+v", p.Oracles[i].Name, o)
		}
		if err := oracles.Comparable(c.Methods[0].Oracle.Must(), o); err != nil {
			t.Error(err)
		}
	}
	gamma := func(c *Config) float64 {
		return c.Methods[0].Probe.Oracles[2].Must().(oracles.GaussNewton).WeightDecay
	}
	if got := gamma(parse(t, probed, "methods.GN.oracle.weight_decay=0.25")); got != 0.25 {
		t.Errorf("an assignment to the method's oracle leaves %g", got)
	}
	s := study(t, probed, SweepFlags{Grid: []string{"methods.GN.oracle.weight_decay=0.1,0.2", "methods.GN.probe.oracles.own.inner_iterations=3,4"}})
	if len(s.Points) != 4 || gamma(s.Points[2].Config) != 0.2 || oracles.Budget(s.Points[2].Config.Methods[0].Probe.Oracles[0].Must()) != 3 {
		t.Errorf("%d points, %+v", len(s.Points), s.Points[2].Varied)
	}
	for _, p := range s.Points {
		roundTrip(t, p.Config)
	}
	short := parse(t, probed, "methods.GN.oracle=prox_linear", "methods.GN.probe={every: 10, calls: 1, oracles: [{name: a}, {name: b, kind: prox_linear, solver: pcg}]}")
	if got := short.Methods[0].Probe.Oracles; got[0].Choice.Name != "prox_linear" || got[1].Must().(oracles.ProxLinear).Solver.Name != "pcg" || short.Methods[0].Probe.Every.Steps != 10 {
		t.Errorf("%+v", short.Methods[0].Probe)
	}
	roundTrip(t, short)
}

// TestProbeErrors: each message names the file or the assignment, the line, the key, and
// what to do.
func TestProbeErrors(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"methods.GN.probe.every={cost: 5}", `methods.GN.probe.every: must be "epoch" or a number of steps`},
		{"methods.GN.probe.every=0", `methods.GN.probe.every: must be "epoch" or a positive number of steps, got 0`},
		{"methods.GN.probe.evry=3", `methods.GN.probe.evry: unknown key; did you mean "every"?`},
		{"methods.GN.probe.calls=0", "methods.GN.probe.calls: must be a number of calls from 1 to 100, got 0"},
		{"methods.GN.probe.oracles=[]", "methods.GN.probe.oracles: is missing or empty; list the oracles to compare"},
		{"methods.GN.probe={calls: 2}", "methods.GN.probe.oracles: is missing or empty"},
		{"methods.GN.probe=[]", "methods.GN.probe: expected a mapping with the keys every, calls, oracles"},
		{"methods.GN.probe.oracles=[cg]", "expected a mapping with a name and what differs from the method's oracle"},
		{"methods.GN.probe.oracles=[{solver: cg}]", `methods.GN.probe.oracles[0]: the key "name" is missing: it labels the oracle's curve`},
		{"methods.GN.probe.oracles=[{name: 'a\tb'}, {name: 'a\tb'}]", "methods.GN.probe.oracles."},
		{`methods.GN.probe.oracles=[{name: "a\nb"}]`, `"a\nb" holds the control character U+000A`},
		{"methods.GN.probe.oracles=[{name: " + strings.Repeat("x", 101) + "}]", "takes 101 bytes; at most 100 fit"},
		{"methods.GN.probe.oracles=[{name: a}, {name: b}, {name: a}]", `probe.oracles.a.name: two oracles are called "a"`},
		{"methods.GN.probe.oracles.own.solver=cgg", `probe.oracles.own.solver: unknown solver "cgg"`},
		{"methods.GN.probe.oracles.own.solver=sdca", "probe.oracles.own.solver: sdca serves"},
		{"methods.GN.probe.oracles.own.iterations=3", "probe.oracles.own.iterations: unknown key"},
		{"methods.GN.probe.oracles.own.gamma=1", "probe.oracles.own.gamma: is not that of the method's oracle: with another gamma the exact direction is another; leave the key out"},
		{"methods.GN.probe.oracles.own.weight_decay=1", "probe.oracles.own.weight_decay: is 1, and 0 in the method's oracle"},
		{"methods.GN.probe.oracles.own.kind=prox_linear", "probe.oracles.own.kind: prox_linear minimises another model than gauss_newton"},
		{"methods.GN.probe.oracles.own.kind=gradient", "probe.oracles.own.kind: this oracle has no inner problem"},
		{"methods.GN.probe.oracles.own.warm_start=true", "probe.oracles.own.warm_start: must be false: the oracle is called several times on one mini-batch"},
		{"methods.GN.probe.oracles.own={name: own, solver: cholesky, acceleration: geodesic}", "probe.oracles.own.acceleration: must be none: directions are compared"},
		{"methods.GN={name: GN, optimizer: sgd, oracle: {kind: gauss_newton, solver: cholesky, acceleration: geodesic}, probe: {oracles: [{name: a}, {name: b, formulation: primal}, {name: c, solver: cg}]}}", ""},
		{"methods.GN.oracle=gradient", "methods.GN.probe: cannot compare solvers along this method: kind: the method's oracle has no inner problem"},
		{"methods.GN.oracle={kind: gauss_newton, solver: lanczos, gamma: {search: [1, 2]}}", "methods.GN.probe: cannot compare solvers along this method: gamma: a search chooses another gamma"},
		{"loss=huber", ""},
		{"loss=hinge", "gauss_newton with this loss is just the gradient"},
	} {
		_, err := Parse("probed.yaml", []byte(probed), []string{c.set})
		if c.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.set, err, c.want)
		}
	}
	_, err := Parse("probed.yaml", []byte(strings.Replace(probed, "solver: cholesky", "gamma: 3", 1)), nil)
	if err == nil || !strings.HasPrefix(err.Error(), "probed.yaml:16: methods.GN.probe.oracles.exact.gamma: is not that") {
		t.Errorf("the line: %v", err)
	}
	_, err = Parse("probed.yaml", []byte(strings.Replace(probed, "    oracle: {", "    #", 1)), nil)
	if err == nil || !strings.Contains(err.Error(), "the method's oracle has no inner problem") {
		t.Errorf("no oracle: %v", err)
	}
}

// TestProbeFits: oracles, and a reference, that hold too much are refused with the key.
func TestProbeFits(t *testing.T) {
	m := parse(t, probed).Methods[0]
	for examples, want := range map[int]string{
		100:     "",
		2_000:   "probed: methods.GN.probe.oracles.exact.solver: cholesky holds the Gram matrix of a mini-batch, 20000 x 20000 numbers",
		100_000: "probed: methods.GN.probe.oracles.exact.solver: cholesky holds",
	} {
		err := m.Probe.Fits(m.Oracle, losses.Logistic{}, oracles.Dims{Examples: examples, Outputs: 10, Weights: 100})
		if want = strings.Replace(want, "probed:", "toy.yaml:16:", 1); want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%d examples: %v, want %s", examples, err, want)
		}
	}
	m.Probe.Oracles = m.Probe.Oracles[:1]
	if err := m.Probe.Fits(m.Oracle, losses.Logistic{}, oracles.Dims{Examples: 20_000, Outputs: 10, Weights: 100}); err != nil {
		t.Error(err)
	}
	err := m.Probe.Fits(m.Oracle, losses.Logistic{}, oracles.Dims{Examples: 100_000, Outputs: 10, Weights: 100})
	if err == nil || !strings.HasPrefix(err.Error(), "toy.yaml:12: methods.GN.probe: the exact direction, which the oracles are compared with, is out of reach: inner_iterations: cg keeps a vector of 1000000 numbers") {
		t.Error(err)
	}
}

// TestProbeInGo: a program makes one with whole oracles, and is told what is wrong.
func TestProbeInGo(t *testing.T) {
	choose := func(edit func(*oracles.GaussNewton)) Oracle {
		return Oracle{chosen(t, &oracles.Known, "gauss_newton", edit)}
	}
	make := func(p *Probe) (*Config, error) {
		return New(Config{
			Name: "toy", Data: DataOf(datasets.Known.Default("digits")), Model: Model{Choice: nn.Models.Default("mlp")},
			Loss: Loss{losses.Known.Default("logistic")}, Train: Train{BatchSize: 50, Epochs: 2},
			Methods: []Method{{Name: "GN", Oracle: choose(nil), Optimizer: Optimizer{optim.Known.Default("adam")}, Probe: p}},
		})
	}
	exact := choose(func(o *oracles.GaussNewton) {
		o.Solver = oracles.SolverChoice{Choice: oracles.Solvers.Default("cholesky")}
	})
	c, err := make(&Probe{Oracles: []ProbedOracle{{"own", choose(nil)}, {"exact", exact}}})
	if err != nil || c.Methods[0].Probe.Calls != 3 {
		t.Fatal(err)
	}
	roundTrip(t, c)
	for _, p := range []struct {
		probe Probe
		want  string
	}{
		{Probe{}, "probe.oracles: is missing or empty"},
		{Probe{Calls: -1, Every: Every{Seconds: 1}}, "probe.calls: must be"},
		{Probe{Oracles: []ProbedOracle{{"", exact}}}, `probe.oracles[0]: the key "name" is missing`},
		{Probe{Oracles: []ProbedOracle{{"a", choose(func(o *oracles.GaussNewton) { o.WeightDecay = 1 })}}}, "probe.oracles[0]: weight_decay: is 1"},
		{Probe{Oracles: []ProbedOracle{{Name: "a"}}}, "probe.oracles[0]: there is no oracle"},
	} {
		var wrong *Error
		if _, err := make(&p.probe); !errors.As(err, &wrong) || !strings.Contains(err.Error(), p.want) {
			t.Errorf("%+v: %v, want %s", p.probe, err, p.want)
		}
	}
}
