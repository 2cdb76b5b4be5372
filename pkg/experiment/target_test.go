package experiment

import (
	"math"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/tensor"
)

// autoencoder codes the digits in eight numbers.
const autoencoder = `
name: ae
precision: float64
data: {name: digits, target: input, train_limit: 300, test_limit: 60}
model: {kind: mlp, hidden: [24, 8, 24], activation: tanh}
loss: {kind: binary_logistic}
train: {batch_size: 50, epochs: 4}
methods:
  - {name: Adam, optimizer: {kind: adam, learning_rate: 0.01}}
  - {name: dual, oracle: {kind: gauss_newton, inner_iterations: 4, gamma: 0.5}, optimizer: {kind: sgd, learning_rate: 1}}
  - {name: primal, oracle: {kind: gauss_newton, formulation: primal, inner_iterations: 4, gamma: 0.5}, optimizer: {kind: sgd, learning_rate: 1}}
  - {name: prox, oracle: {kind: prox_linear, inner_iterations: 6, gamma: 0.5}, optimizer: {kind: sgd, learning_rate: 1}}
`

// TestAutoencoder: inputs that are their own targets are learnt by every oracle. The losses
// that are reported are sums over the outputs and means over the examples; the RMSE is that
// of the pixels that are predicted, in their own unit; there is no accuracy.
func TestAutoencoder(t *testing.T) {
	c := parse(t, autoencoder)
	out := t.TempDir()
	run(t, c, options(out))
	p, err := problem.Open(c, datasets.Env{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	const white = 16
	n, k := p.Test.Len(), 64
	x, y := tensor.New[float64](n, k), tensor.New[float64](n, k)
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	datasets.NewBatcher[float64](nil).Read(p.Test, index, x, y)
	for _, method := range []string{"adam", "dual", "primal", "prox"} {
		dir := filepath.Join(out, "runs", method, "0")
		w, err := nn.Load[float64](filepath.Join(dir, "params.npz"), p.Net)
		if err != nil {
			t.Fatal(err)
		}
		z := nn.NewLinearization[float64](p.Net, n, nil).Linearize(w, x)
		var loss, squares float64
		for i, v := range z.Flat() {
			target := y.Flat()[i]
			loss += (math.Log1p(math.Exp(v)) - target*v) / float64(n)
			r := white * (1/(1+math.Exp(-v)) - target)
			squares += r * r / float64(n*k)
		}
		columns, rows := rows(t, filepath.Join(dir, "metrics.csv"))
		number := func(column string, row int) float64 {
			v, err := strconv.ParseFloat(columns[column][row], 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		last := rows - 1
		if got := number("test_loss", last); math.Abs(got-loss) > 1e-9*loss {
			t.Errorf("%s: test loss %.12g, want %.12g", method, got, loss)
		}
		if got, want := number("test_rmse", last), math.Sqrt(squares); math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s: RMSE %.12g, want %.12g", method, got, want)
		}
		if columns["test_accuracy"][last] != "" || columns["train_accuracy"][last] != "" {
			t.Errorf("%s: an accuracy of %q", method, columns["test_accuracy"][last])
		}
		if first := number("train_loss", 0); !(number("train_loss", last) < 0.7*first) || !(first > 40 && first < 60) {
			t.Errorf("%s: train loss from %g to %g; 64 log 2 is %.2f", method, first, number("train_loss", last), 64*math.Ln2)
		}
	}
}

// TestTargetsOfTables: several columns in [0, 1] with weights of the examples, under every
// oracle.
func TestTargetsOfTables(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "t.csv", []byte("1,2,0,0.5,1\n2,1,1,0.25,0\n3,5,0.5,1,2\n4,4,1,0,1\n5,3,0,0.75,1\n6,1,0.1,1,3\n"))
	c := parse(t, autoencoder, "data={name: csv, path: t.csv, target: [2, 3], weight: -1}", "train.batch_size=3", "train.epochs=2")
	opt := options(t.TempDir())
	opt.Data.Dir = dir
	if r := run(t, c, opt); len(r.Failed) > 0 || r.Made != 4 {
		t.Errorf("%+v", r)
	}
}

// TestIdentityOfMadeData: points, noise and seed of a set that is made, and what the
// targets are, are part of a run's identity.
func TestIdentityOfMadeData(t *testing.T) {
	seen := map[string]string{}
	for _, data := range []string{
		"{name: peaks}", "{name: peaks, seed: 1}", "{name: peaks, noise: 0}", "{name: peaks, examples: 500}", "{name: peaks, target: input}", "{name: peaks, split_seed: 1}",
	} {
		s := settingsOf(t, "", "data="+data, "loss=squared")
		if s["data.reading.peaks"] != "1" {
			t.Errorf("%s: nothing says which peaks these are: %v", data, s)
		}
		if other, ok := seen[s.Identity()]; ok {
			t.Errorf("%s and %s have one identity", data, other)
		}
		seen[s.Identity()] = data
	}
}
