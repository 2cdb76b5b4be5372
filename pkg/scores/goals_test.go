package scores

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

func TestParseGoals(t *testing.T) {
	for text, want := range map[string]string{
		"loss":               "must be METRIC=VALUE or TASK:METRIC=VALUE",
		"loss=1":             `no metric is called "loss" (known: train_loss, `,
		"cost=1":             `no metric is called "cost"`,
		"a:loss=1":           `no metric is called "loss"`,
		"train_loss=x":       "must be a number",
		"train_loss=NaN":     "must be a number",
		"train_loss=Inf":     "must be a number",
		"test_accuracy=95":   "must be a fraction between 0 and 1",
		"a:test_accuracy=-1": "must be a fraction",
	} {
		_, err := ParseGoals([]string{text})
		var option *results.OptionError
		if !errors.As(err, &option) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	list, err := ParseGoals([]string{"valid_loss=0.1", "a b=c:valid_loss=0.3", "a b=c:valid_loss=0.2", "test_accuracy=0.95", "test_accuracy=0.95", "d:train_loss=1"})
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	task, other := results.Task{Name: "a b=c", Dataset: "d"}, results.Task{Name: "x", Dataset: "y"}
	for i, want := range []struct{ own, other float64 }{{0.3, 0.1}, {0.2, math.NaN()}, {0.95, 0.95}, {1, math.NaN()}} {
		for _, c := range []struct {
			task results.Task
			want float64
		}{{task, want.own}, {other, want.other}} {
			g, ok := list[i].goal(c.task)
			if ok == math.IsNaN(c.want) || ok && g.Value != c.want {
				t.Errorf("target %d of %s: %v, %t", i, c.task.Name, g, ok)
			}
		}
	}
	want := []runlog.Goal{{Metric: "valid_loss", Value: 0.3}, {Metric: "valid_loss", Value: 0.1}, {Metric: "valid_loss", Value: 0.2}, {Metric: "test_accuracy", Value: 0.95}, {Metric: "train_loss", Value: 1}}
	if got := Goals(list, []results.Task{task, other}); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestParseCut(t *testing.T) {
	for text, want := range map[string]string{"cost": "must be AMOUNT=VALUE", "time=1": `no amount is called "time" (known: wall, cost, epoch, step, oracle_calls)`,
		"cost=0": "must be a number above 0", "cost=x": "must be a number above 0", "cost=Inf": "must be a number above 0", "cost=NaN": "must be"} {
		if _, err := ParseCut(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if at, err := ParseCut("wall=2.5"); err != nil || *at != (Cut{"wall", 2.5}) {
		t.Errorf("%v, %v", at, err)
	}
}

// TestText: a loss is reached from above, an accuracy from below.
func TestText(t *testing.T) {
	if a, b := text(runlog.Goal{Metric: "valid_loss", Value: 0.1}), text(runlog.Goal{Metric: "test_accuracy", Value: 0.9}); a != "valid_loss <= 0.1" || b != "test_accuracy >= 0.9" {
		t.Errorf("%s, %s", a, b)
	}
}
