package direction

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/problem"
)

// TestDirectionMisfits: whatever does not fit together is an error about the config,
// or about a file, and no panic.
func TestDirectionMisfits(t *testing.T) {
	const text = `
model: {kind: mlp, hidden: [3]}
loss: {kind: logistic}
methods:
  - {name: GN, oracle: {kind: gauss_newton}, optimizer: sgd}
  - {name: SGD, optimizer: sgd}
`
	floats := func(name string, v float64, shape ...int) arrays.Array {
		n := 1
		for _, s := range shape {
			n *= s
		}
		a := make([]float64, n)
		for i := range a {
			a[i] = v
		}
		return arrays.Float64(name, shape, a)
	}
	labels := func(v ...int64) arrays.Array { return arrays.Int64("y", []int{len(v)}, v) }
	net := func(k int) []arrays.Array {
		return []arrays.Array{floats("0.weight", 0.1, 3, 4), floats("0.bias", 0, 3), floats("2.weight", 0.1, k, 3), floats("2.bias", 0, k)}
	}
	x := floats("x", 0.5, 2, 4)
	const inConfig, inFile, fine = "config", "file", ""
	for _, c := range []struct {
		sets   []string
		params []arrays.Array
		batch  []arrays.Array
		kind   string
		want   string
	}{
		{nil, net(2), []arrays.Array{x, labels(0, 1)}, fine, ""},
		{[]string{"loss=binary_logistic"}, net(1), []arrays.Array{x, labels(0, 1)}, fine, ""},
		{[]string{"loss=binary_logistic", "model.outputs=2"}, net(2), []arrays.Array{x, labels(0, 1)}, inConfig, "model.outputs: is 2, but the loss binary_logistic takes one output"},
		{[]string{"loss=squared_hinge", "model.outputs=3"}, net(3), []arrays.Array{x, labels(0, 1)}, inConfig, "model.outputs: is 3, but the loss squared_hinge takes one output"},
		{[]string{"loss=binary_logistic", "model={kind: sequential, layers: [{kind: dense, units: 2}]}"}, net(2), []arrays.Array{x, labels(0, 1)}, inConfig, "model: the last layer gives 2 numbers, but the loss binary_logistic takes one output"},
		{[]string{"model={kind: convnet}"}, net(2), []arrays.Array{x, labels(0, 1)}, inConfig, "model: layer 0 (conv): takes images"},
		{[]string{"model={kind: sequential, layers: [{kind: dense, units: 2}]}"}, net(2), []arrays.Array{floats("x", 1, 2, 1, 2, 2), labels(0, 1)}, inConfig, "model: layer 0 (dense): takes vectors"},
		{[]string{"model.hidden=[1000000, 1000000]"}, net(2), []arrays.Array{x, labels(0, 1)}, inConfig, "the direction takes about"},
		{[]string{"methods.GN.oracle={kind: gauss_newton, inner_iterations: 2000000000}", "model.outputs=100"}, net(100), []arrays.Array{floats("x", 1, 2000, 4), labels(make([]int64, 2000)...)}, inConfig, "methods.GN.oracle.inner_iterations: cg keeps a vector"},
		{[]string{"methods.GN.oracle.gamma={schedule: cosine}"}, net(2), []arrays.Array{x, labels(0, 1)}, inConfig, "methods.GN.oracle.gamma: "},
		{[]string{"model.outputs=5"}, net(2), []arrays.Array{x, labels(0, 1)}, inFile, `"2.weight" has shape [2 3]; the model needs [5 3]`},
		{nil, net(2), []arrays.Array{x, labels(0, 1, 1)}, inFile, "y has shape [3]; want 2 labels"},
		{nil, net(2), []arrays.Array{x, labels(0, 2)}, inFile, "label 2 of example 1 is out of range 0 to 1"},
		{nil, net(2), []arrays.Array{x, labels(0, math.MinInt64)}, inFile, "is out of range 0 to 1"},
		{nil, net(2), []arrays.Array{x, floats("y", 1, 2, 0)}, inFile, "y has shape [2 0]"},
		{nil, net(2), []arrays.Array{x, floats("y", 1, 2, 3, 1)}, inFile, "y has shape [2 3 1]"},
		{nil, net(2), []arrays.Array{x, floats("y", 1)}, inFile, "y has shape []"},
		{nil, net(2), []arrays.Array{x, floats("y", 1.0/3, 2, 3)}, inFile, `"2.weight" has shape [2 3]; the model needs [3 3]`},
		{[]string{"loss=squared_hinge"}, net(1), []arrays.Array{x, floats("y", 1, 2, 1)}, inFile, "a binary loss takes y as integers 0 and 1"},
		{[]string{"loss=binary_logistic"}, net(1), []arrays.Array{x, floats("y", 0.3, 2)}, fine, ""},
		{[]string{"loss=binary_logistic"}, net(3), []arrays.Array{x, floats("y", 0.3, 2, 3)}, fine, ""},
		{[]string{"loss=binary_logistic"}, net(3), []arrays.Array{x, arrays.Float64("y", []int{2, 3}, []float64{0, 1, 0, 0.5, 1.5, 0})}, inFile, "y holds 1.5 for output 1 of example 1; the loss takes targets in [0, 1]"},
		{[]string{"loss=binary_logistic"}, net(1), []arrays.Array{x, floats("y", -1, 2, 1)}, inFile, "y holds -1 for output 0 of example 0"},
		{[]string{"loss=binary_logistic"}, net(2), []arrays.Array{x, arrays.Float64("y", []int{2, 2}, []float64{0, 1, math.NaN(), 0.5})}, inFile, "y holds NaN at position 2, column 0 of example 1"},
		{[]string{"loss=binary_logistic"}, net(1), []arrays.Array{x, labels(0, -1)}, inFile, "label -1 of example 1 is out of range 0 to 1"},
		{nil, net(2), []arrays.Array{floats("x", 1, 8), labels(0, 1)}, inFile, "x has shape [8]; want m x features"},
		{nil, net(2), []arrays.Array{floats("x", 1, 0, 4), arrays.Int64("y", []int{0}, nil)}, inFile, "and so no values"},
		{nil, net(2), []arrays.Array{floats("x", 1, 2, 0), labels(0, 1)}, inFile, "and so no values"},
		{nil, net(2), []arrays.Array{floats("x", math.Inf(1), 2, 4), labels(0, 1)}, inFile, "x holds +Inf at position 0"},
		{nil, net(2), []arrays.Array{floats("x", 1e300, 2, 4), labels(0, 1)}, inFile, "x holds a number at position 0 that is NaN, infinite, or too large for the precision"},
		{[]string{"loss=squared"}, net(2), []arrays.Array{x, floats("y", math.NaN(), 2, 2)}, inFile, "y holds NaN at position 0"},
		{nil, append(net(2)[:3], floats("2.bias", math.NaN(), 2)), []arrays.Array{x, labels(0, 1)}, inFile, `array "2.bias" holds a number at position 0 that is NaN`},
		{nil, net(2)[:3], []arrays.Array{x, labels(0, 1)}, inFile, `array "2.bias" is missing`},
		{nil, []arrays.Array{}, []arrays.Array{x, labels(0, 1)}, inFile, "holds no weights"},
		{nil, []arrays.Array{floats("w", 1)}, []arrays.Array{x, labels(0, 1)}, inFile, "holds no weights"},
		{nil, []arrays.Array{floats("w", 1, 0)}, []arrays.Array{x, labels(0, 1)}, inFile, "holds no weights"},
	} {
		dir := t.TempDir()
		params, batch := filepath.Join(dir, "params.npz"), filepath.Join(dir, "batch.npz")
		if err := errors.Join(arrays.WriteFile(params, c.params), arrays.WriteFile(batch, c.batch)); err != nil {
			t.Fatal(err)
		}
		conf, err := config.ParseMethods("a.yaml", []byte(text), c.sets)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Of(conf, "GN", params, batch, quiet)
		var ofConfig *config.Error
		var ofFile *problem.FileError
		kind := fmt.Sprint(err)
		switch {
		case err == nil:
			kind = fine
		case errors.As(err, &ofConfig):
			kind = inConfig
		case errors.As(err, &ofFile):
			kind = inFile
		}
		if kind != c.kind || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %s error: %v\nwant %s: %s", c.sets, kind, err, c.kind, c.want)
		}
	}
}

// TestDirectionOfAnyOutputs tries every loss with every number of outputs, labels
// and targets: nothing panics.
func TestDirectionOfAnyOutputs(t *testing.T) {
	for _, loss := range losses.Known.Names() {
		for outputs := range 4 {
			for _, y := range []arrays.Array{
				arrays.Int64("y", []int{2}, []int64{0, 1}), arrays.Int64("y", []int{2, 1}, []int64{0, 1}), arrays.Int64("y", []int{2, 2}, []int64{0, 1, 1, 0}),
				arrays.Float64("y", []int{2}, []float64{0, 1}), arrays.Float64("y", []int{2, 2}, []float64{0, 1, 1, 0}), arrays.Float64("y", []int{2, 3}, make([]float64, 6)),
			} {
				for rows := 1; rows < 4; rows++ {
					dir := t.TempDir()
					params, batch := filepath.Join(dir, "p.npz"), filepath.Join(dir, "b.npz")
					if err := errors.Join(
						arrays.WriteFile(params, []arrays.Array{arrays.Float64("0.weight", []int{rows, 2}, make([]float64, 2*rows)), arrays.Float64("0.bias", []int{rows}, make([]float64, rows))}),
						arrays.WriteFile(batch, []arrays.Array{arrays.Float64("x", []int{2, 2}, []float64{1, 2, 3, 4}), y})); err != nil {
						t.Fatal(err)
					}
					text := fmt.Sprintf("model: {kind: mlp, outputs: %d}\nloss: %s\nmethods: [{name: A, oracle: {kind: prox_linear}, optimizer: sgd}, {name: B, optimizer: sgd}]\n", outputs, loss)
					c, err := config.ParseMethods("a.yaml", []byte(text), nil)
					if err != nil {
						t.Fatal(err)
					}
					for _, method := range []string{"A", "B"} {
						_, err := Of(c, method, params, batch, quiet)
						var ofConfig *config.Error
						var ofFile *problem.FileError
						if err != nil && !errors.As(err, &ofConfig) && !errors.As(err, &ofFile) {
							t.Errorf("%s, %d outputs, y %v: %v", loss, outputs, y.Shape, err)
						}
					}
				}
			}
		}
	}
}

// TestBatchThatDoesNotFit: a batch too large for memory is not read.
func TestBatchThatDoesNotFit(t *testing.T) {
	before := memory.Process
	t.Cleanup(func() { memory.Process = before })
	memory.Process = memory.NewGate(func() (memory.Limit, bool) { return memory.Limit{Name: "the test", Left: 1 << 20}, true })
	file := filepath.Join(t.TempDir(), "b.npz")
	x := make([]float64, 1<<22)
	if err := arrays.WriteFile(file, []arrays.Array{arrays.Float64("x", []int{1 << 20, 4}, x), arrays.Float64("y", []int{1 << 20}, x[:1<<20])}); err != nil {
		t.Fatal(err)
	}
	_, err := readBatch(file)
	var wrong *problem.FileError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "of memory, and the test leaves 1.0 MiB") {
		t.Errorf("says %v", err)
	}
}

// quiet is told of nothing that a test asks for.
func quiet(string) {}
