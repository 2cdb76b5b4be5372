package experiment

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/optim"
)

// weighted is the problem of a config whose examples have the weights 0, 0.5, 1, 1.5,
// 2, 0, ... in the order of the set.
func weighted(t *testing.T, c *Config) *Problem {
	t.Helper()
	source, err := c.Data.New()
	if err != nil {
		t.Fatal(err)
	}
	enc := encoding(c.Loss.Must())
	raw, err := source.Open(options("").Data, enc)
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
	p, err := (&loaded{Problem: data, checksums: raw.Checksums}).problem(c)
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
	plain, err := Open(c, options("").Data)
	if err != nil {
		t.Fatal(err)
	}
	w := p.Net.Init(stream(0, streamWeights))
	got, err := newEvaluator[float64](c, p.Problem, p.Net, nil).evaluate(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	e := newEvaluator[float64](c, plain.Problem, plain.Net, nil)
	want, err := e.evaluate(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		name      string
		split     *datasets.Split
		plain     *datasets.Split // without weights
		got, want Score
		indexes   []int
	}{{"train", p.Train, plain.Train, got.Train, want.Train, e.train}, {"valid", p.Valid, plain.Valid, got.Valid, want.Valid, nil}, {"test", p.Test, plain.Test, got.Test, want.Test, nil}} {
		if s.got.Accuracy != s.want.Accuracy || s.got.Examples != s.want.Examples {
			t.Errorf("%s: accuracy %g of %d, without weights %g of %d", s.name, s.got.Accuracy, s.got.Examples, s.want.Accuracy, s.want.Examples)
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
			sum += s.split.Omega(make([]float64, 1), []int{i})[0] * one.Loss
		}
		if mean := sum / float64(len(s.indexes)); math.Abs(s.got.Loss-mean) > 1e-12*mean || s.got.Loss == s.want.Loss {
			t.Errorf("%s: the loss is %.15g, want %.15g; without weights %g", s.name, s.got.Loss, mean, s.want.Loss)
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
			tr := newTrainer[float64](c, &c.Methods[0], 0, p.Problem, p.Net, nil)
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
		tr.problem.Train.Omega(one, []int{e})
		sum += one[0] * tr.loss.Value(tr.lin.Outputs().Row(i), tr.y.Row(i)) / float64(tr.y.Rows)
	}
	if got := phi.Value() - tr.along.decay(0); math.Abs(got-sum) > 1e-12*sum {
		w.t.Errorf("%s: the objective is %.15g, want %.15g", w.name, got, sum)
	}
	return w.probe.Search(phi)
}

// TestDirectionWeights: an example of weight 2 in a batch is two examples, and one of
// weight 0 is none: gradients and losses of the two batches differ by the number of
// examples that they are divided by.
func TestDirectionWeights(t *testing.T) {
	for _, name := range []string{"mlp-logistic", "mlp-squared", "mlp-binary-logistic"} {
		dir := filepath.Join(goldenDir, name)
		c, err := LoadMethods(filepath.Join(dir, "config.yaml"), []string{"precision=float64"})
		if err != nil {
			t.Fatal(err)
		}
		list, err := arrays.ReadFile(filepath.Join(dir, "batch.npz"))
		if err != nil {
			t.Fatal(err)
		}
		x, y := byName(list)["x"], byName(list)["y"]
		m := x.Shape[0]
		omega := make([]float64, m)
		var rows []int
		for i := range omega {
			omega[i] = float64(i % 3)
			for range i % 3 {
				rows = append(rows, i)
			}
		}
		call := func(list ...arrays.Array) map[string]arrays.Array {
			path := filepath.Join(t.TempDir(), "batch.npz")
			if err := arrays.WriteFile(path, list); err != nil {
				t.Fatal(err)
			}
			out, err := Direction(c, c.Methods[0].Name, filepath.Join(dir, "params.npz"), path)
			if err != nil {
				t.Fatal(err)
			}
			return byName(out)
		}
		got, want := call(x, y, arrays.Float64("omega", []int{m}, omega)), call(chosen(x, rows), chosen(y, rows))
		scale := float64(len(rows)) / float64(m)
		for _, key := range []string{"loss", "gradient"} {
			scaled := want[key].Float64s()
			for i := range scaled {
				scaled[i] *= scale
			}
			if d := away(t, got[key], arrays.Float64(key, want[key].Shape, scaled)); d > 1e-12 {
				t.Errorf("%s: %s is %g away from that of copies", name, key, d)
			}
		}
	}
}

// chosen are some rows of an array.
func chosen(a arrays.Array, rows []int) arrays.Array {
	width := a.Len() / a.Shape[0]
	shape := append([]int{len(rows)}, a.Shape[1:]...)
	if a.IsInt() {
		var v []int64
		for _, r := range rows {
			v = append(v, a.Ints()[r*width:(r+1)*width]...)
		}
		return arrays.Int64(a.Name, shape, v)
	}
	var v []float64
	for _, r := range rows {
		v = append(v, a.Float64s()[r*width:(r+1)*width]...)
	}
	return arrays.Float64(a.Name, shape, v)
}
