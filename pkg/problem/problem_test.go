package problem

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/datasets"
)

// toy is a small experiment on embedded data.
const toy = configtest.Toy

func parse(t testing.TB, text string, sets ...string) *config.Config {
	t.Helper()
	return configtest.Read(t, config.Parse, text, sets...)
}

// TestProblemErrors: what only the data can tell.
func TestProblemErrors(t *testing.T) {
	redrawn := []string{"data={name: poisson, interior: 20, boundary: 10, resample: 2}", "loss=squared", "train={batch_size: 10, epochs: 1}", "model={kind: mlp, hidden: [5], activation: tanh}"}
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
		{[]string{"methods.Adam!.train={batch_size: 301}"}, "train.batch_size: 301 is larger than the 300 training examples of digits"},
		{[]string{"data={name: mnist, dir: /nosuch}"}, "files are missing in /nosuch/mnist"},
		{[]string{"data={name: csv}"}, "data.path: is missing"},
		{slices.Concat(redrawn, []string{"methods.Adam!.oracle={kind: gauss_newton, warm_start: true}"}), "methods.Adam!.oracle.warm_start: starts from what an example had"},
		{slices.Concat(redrawn, []string{"methods.Adam!.oracle={kind: prox_linear, warm_start: true}"}), "methods.Adam!.oracle.warm_start: starts from what an example had"},
		{slices.Concat(redrawn, []string{"methods.Adam!.oracle={kind: gauss_newton, curvature: {kind: sampled, batch: next}}"}), "methods.Adam!.oracle.curvature.batch: next takes the examples of the next step"},
	} {
		_, err := Open(parse(t, toy, c.sets...), datasets.Env{Context: context.Background(), Offline: true})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v\n  says %v\n  want %s", c.sets, err, c.want)
		}
	}
}

// TestInterruptedOpen: reading a large table ends soon after the context does.
func TestInterruptedOpen(t *testing.T) {
	dir := t.TempDir()
	row := strings.Repeat("0.123456789,", 20) + "1\n"
	if err := os.WriteFile(filepath.Join(dir, "large.csv"), []byte(strings.Repeat(row, 200_000)), 0o644); err != nil {
		t.Fatal(err)
	}
	c := parse(t, toy, "data={name: csv, path: large.csv}", "loss=squared")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var at time.Time
	time.AfterFunc(100*time.Millisecond, func() { at = time.Now(); cancel() })
	_, err := Open(c, datasets.Env{Context: ctx, Dir: dir, Offline: true})
	if !errors.Is(err, context.Canceled) || time.Since(at) > 2*time.Second {
		t.Errorf("%v, after %v", err, time.Since(at))
	}
}

// TestNilContext: a caller need not give a context.
func TestNilContext(t *testing.T) {
	if _, err := Open(parse(t, toy), datasets.Env{Offline: true}); err != nil {
		t.Error(err)
	}
}
