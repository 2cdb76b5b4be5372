package config

import (
	"math"
	"reflect"
	"testing"
)

// TestStudyYAML: the text of a study makes the same points again, without the flags; also those
// that the resolved config does not, and with values that YAML could read as something else.
func TestStudyYAML(t *testing.T) {
	const text = `
# a comment
name: "007"
seeds: [0, 18446744073709551615]
data: {name: digits}
model: &m {kind: mlp, hidden: [4], activation: relu}
loss: {kind: logistic}
train: {batch_size: 32, epochs: 2}
methods:
  - {name: "on", optimizer: {kind: sgd, learning_rate: 1e-3}}
  - {name: "a.b, 'c'", oracle: {kind: gauss_newton}, optimizer: {kind: sgd, learning_rate: 1}}
sweep: {grid: [{key: train.batch_size, values: [16, 32]}]}
`
	seed := uint64(math.MaxUint64)
	for name, c := range map[string]struct {
		sets  []string
		flags SweepFlags
	}{
		"none":      {},
		"sets":      {[]string{"train.epochs=7", "methods.on.optimizer.learning_rate={schedule: cosine, initial: 0.1}", `name="1e3"`}, SweepFlags{}},
		"kinds":     {nil, SweepFlags{Grid: []string{"methods.on.optimizer={kind: sgd, learning_rate: 1, momentum: 0.9},{kind: adam}", "model.hidden=[],[3, 4]"}}},
		"a kind":    {nil, SweepFlags{Grid: []string{"methods.on.optimizer.kind=sgd,adam"}}},
		"together":  {nil, SweepFlags{Zip: []string{"train.epochs=1,2", "data.split_seed=5,6"}}},
		"drawn":     {nil, SweepFlags{Random: []string{"methods.*.optimizer.learning_rate=1e-4..1:log", "data.split_seed=1..99:int"}, Samples: 5, Seed: &seed}},
		"of a list": {nil, SweepFlags{Random: []string{"model.activation=relu,tanh"}, Samples: 3}},
	} {
		s, err := ParseSweep("a.yaml", []byte(text), c.sets, c.flags)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := s.YAML()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same, err := ParseSweep("b.yaml", again, nil, SweepFlags{})
		if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, again)
		}
		if len(same.Points) != len(s.Points) || len(s.Points) == 0 {
			t.Fatalf("%s: %d points become %d:\n%s", name, len(s.Points), len(same.Points), again)
		}
		for i, p := range s.Points {
			a, err1 := p.Config.YAML()
			b, err2 := same.Points[i].Config.YAML()
			if err1 != nil || err2 != nil || string(a) != string(b) || !reflect.DeepEqual(p.Varied, same.Points[i].Varied) {
				t.Errorf("%s: the point %s\n%s\nbecomes %s\n%s(%v, %v)", name, p.Varied, a, same.Points[i].Varied, b, err1, err2)
			}
		}
	}
}
