package config

import (
	"maps"
	"math"
	"reflect"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/runlog"
	"go.yaml.in/yaml/v3"
)

// sameAsYAML: the settings made of a value are those in its YAML text, which the
// identities of all results on disk were made of.
func sameAsYAML(t *testing.T, key string, value any) {
	t.Helper()
	var n yaml.Node
	if err := n.Encode(value); err != nil {
		t.Fatal(err)
	}
	want, got := flat{}, flat{}
	want.addNode(key, &n)
	if err := got.add(key, value); err != nil {
		t.Error(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s: %T: %v", key, value, runlog.Settings(want).Differences(runlog.Settings(got)))
	}
}

func choices[T any](t *testing.T, table *registry.Table[T]) {
	for _, name := range table.Names() {
		c := table.Default(name)
		sameAsYAML(t, name, c)
		for _, trial := range table.Entry(name).Trials {
			if v, err := trial(); err == nil && reflect.ValueOf(v).Kind() == reflect.Struct {
				sameAsYAML(t, name, v)
			}
		}
	}
}

func TestSettingsAreThoseOfYAML(t *testing.T) {
	choices(t, &datasets.Known)
	choices(t, &losses.Known)
	choices(t, &nn.Models)
	choices(t, &nn.Layers)
	choices(t, &oracles.Known)
	choices(t, &oracles.Solvers)
	choices(t, &optim.Known)
	choices(t, &optim.LineSearches)
	for _, f := range configFiles(t) {
		c, err := Load(f, []string{"data.test_limit=3"})
		if err != nil {
			t.Fatal(err)
		}
		c.Train.Target = &runlog.Goal{Metric: "train_loss", Value: 1e-7}
		c.Sweep = nil
		sameAsYAML(t, f, *c)
	}
	for _, text := range []string{"é: ü", "true", "", "null", "1e3", " a", "#", "line\nline\n", "~", "'", "x: y", "0x1f", "2001-01-01", "<<", "y", "1:30"} {
		sameAsYAML(t, "text", text)
	}
	for _, x := range []any{0.1, 1.0, 1e21, 1e-9, 123456789.0, math.Copysign(0, -1), 3, uint64(1) << 63, true, []int{}, []int{1, 2}, []any{"a", 1, -2.5}, map[string]any{"b": 1.5, "a": []float64{1}}, []float64(nil), (*datasets.Augment)(nil)} {
		sameAsYAML(t, "value", x)
	}
}
