package train

import (
	"context"
	"math"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/problem"
)

// weighted is the problem of a config whose examples have the weights 0, 0.5, 1, 1.5,
// 2, 0, ... in the order of the set.
func weighted(t *testing.T, c *config.Config) *problem.Problem {
	t.Helper()
	source, err := c.Data.New()
	if err != nil {
		t.Fatal(err)
	}
	enc := problem.Encoding(c.Loss.Must())
	raw, err := source.Open(datasets.Env{Context: t.Context(), Offline: true}, enc)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw.Train.Len() {
		raw.Train.Omega = append(raw.Train.Omega, float64(i%5)/2)
	}
	data, err := datasets.Prepare(raw, c.Data.Common, enc)
	if err != nil {
		t.Fatal(err)
	}
	p, err := problem.New(c, data, raw.Checksums)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestWeightedScores: weights multiply the losses that are reported, are not
// normalised, and leave the accuracy alone.
func TestWeightedScores(t *testing.T) {
	c := parse(t, toy, "precision=float64", "data.validation=0.2")
	p := weighted(t, c)
	plain := opened(t, c)
	w := p.Net.Init(stream(0, streamWeights))
	got, err := newEvaluator[float64](c, p.Set, p.Net, nil).evaluate(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	e := newEvaluator[float64](c, plain.Set, plain.Net, nil)
	want, err := e.evaluate(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		name      string
		split     *datasets.Split
		plain     *datasets.Split // without weights
		got, want score
		indexes   []int
	}{{"train", p.Train, plain.Train, got.train, want.train, e.train}, {"valid", p.Valid, plain.Valid, got.valid, want.valid, nil}, {"test", p.Test, plain.Test, got.test, want.test, nil}} {
		if s.got.accuracy != s.want.accuracy || s.got.examples != s.want.examples {
			t.Errorf("%s: accuracy %g of %d, without weights %g of %d", s.name, s.got.accuracy, s.got.examples, s.want.accuracy, s.want.examples)
		}
		if s.indexes == nil {
			for i := range s.split.Len() {
				s.indexes = append(s.indexes, i)
			}
		}
		var sum float64
		for _, i := range s.indexes {
			one, err := e.score(context.Background(), w, s.plain, []int{i})
			if err != nil {
				t.Fatal(err)
			}
			sum += s.split.Omega(make([]float64, 1), []int{i})[0] * one.loss
		}
		if mean := sum / float64(len(s.indexes)); math.Abs(s.got.loss-mean) > 1e-12*mean || s.got.loss == s.want.loss {
			t.Errorf("%s: the loss is %.15g, want %.15g; without weights %g", s.name, s.got.loss, mean, s.want.loss)
		}
	}
}

// TestWeightedObjective: a line search is told of the weighted objective, whose slopes
// are those of differences, for oracles of each kind.
func TestWeightedObjective(t *testing.T) {
	for _, oracle := range []string{"{kind: gradient, weight_decay: 0.1}", "{kind: gauss_newton}", "{kind: prox_linear, gamma: 3}"} {
		for _, optimizer := range []string{"{kind: sgd, learning_rate: 0.3}", "{kind: adam}"} {
			c := parse(t, toy, "precision=float64", "model.activation=tanh", "methods.SGD.oracle="+oracle, "methods.SGD.optimizer="+optimizer, "methods.SGD.line_search=armijo")
			p := weighted(t, c)
			tr := newTrainer[float64](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, nil)
			tr.lineSearch = weighing{probe{t, tr, oracle + optimizer}, tr}
			for range 3 {
				tr.advance()
				tr.step++
			}
		}
	}
}

// weighing is a probe that also compares the objective with the weighted losses.
type weighing struct {
	probe
	tr *trainer[float64]
}

func (w weighing) Search(phi optim.Objective) float64 {
	tr := w.tr
	var sum float64
	for i, e := range tr.order.batch(tr.step) {
		one := make([]float64, 1)
		tr.data.Train.Omega(one, []int{e})
		sum += one[0] * tr.loss.Value(tr.lin.Outputs().Row(i), tr.y.Row(i)) / float64(tr.y.Rows)
	}
	if got := phi.Value() - tr.along.decay(0, tr.u); math.Abs(got-sum) > 1e-12*sum {
		w.t.Errorf("%s: the objective is %.15g, want %.15g", w.name, got, sum)
	}
	return w.probe.Search(phi)
}
