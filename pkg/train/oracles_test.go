package train

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestOracleRuns is the conformance suite of oracles in runs, with every line search in turn, and knows
// none by name: a checkpoint continues with the same bits, three threads give those of one, and a step
// allocates nothing.
func TestOracleRuns(t *testing.T) {
	pool := tensor.NewPool(3)
	defer pool.Close()
	searches, next := optim.LineSearches.Names(), 0
	for _, on := range []struct {
		name string
		sets []string
	}{
		{"digits", []string{"data.train_limit=250", "train.batch_size=50"}},
		{"equation", []string{"data={name: heat, interior: 20, boundary: 10, resample: 3, valid_points: 9, test_points: 9}",
			"train={epochs: 9}", "model={kind: mlp, hidden: [6, 5], activation: tanh}", "loss=squared"}},
	} {
		ran := 0
		for _, name := range oracles.Known.Names() {
			for i, trial := range oracles.Known.Entry(name).Trials {
				for _, optimizer := range []string{"{kind: sgd, learning_rate: 0.5}", "adam"} {
					search := searches[next%len(searches)]
					next++
					c := parse(t, toy, append(on.sets, "methods.SGD.line_search="+search, "methods.SGD.optimizer="+optimizer)...)
					c.Methods[0].Oracle = config.Oracle{Choice: registry.ChoiceOf(&oracles.Known, name, struct{}{}, func(struct{}) (oracles.Spec, error) { return trial() })}
					if on.name == "equation" && !serves(c) {
						continue
					}
					ran++
					t.Run(fmt.Sprintf("%s/%s/%d/%s", on.name, name, i, search), func(t *testing.T) { testOracleRun(t, c, pool) })
				}
			}
		}
		if ran < 60 {
			t.Errorf("%s: %d runs", on.name, ran)
		}
	}
}

// serves reports whether the oracle of the first method is for the squared loss, and for points that
// are drawn anew.
func serves(c *config.Config) bool {
	o := c.Methods[0].Oracle.Must()
	if r, ok := o.(oracles.Recurrent); ok && r.Redrawn() != nil {
		return false
	}
	return o.Check(losses.Squared{}) == nil
}

func testOracleRun(t *testing.T, c *config.Config, pool *tensor.Pool) {
	p := opened(t, c)
	fresh := func(pool *tensor.Pool) *trainer[float32] { return unlogged(p, c, pool) }
	epoch := max(4, p.Train.Len()/c.Train.BatchSize)
	whole, threads := fresh(nil), fresh(pool)
	runSteps(whole, epoch+1)
	runSteps(threads, epoch+1)
	if !slices.Equal(whole.w, threads.w) {
		t.Error("three threads give other bits than one")
	}
	for _, cut := range []int{0, epoch / 2} {
		first, second := fresh(nil), fresh(nil)
		runSteps(first, cut)
		runSteps(second, 1) // which is to be forgotten
		handOver(t, first, second)
		runSteps(second, epoch+1-cut)
		if !slices.Equal(whole.w, second.w) || whole.counters != second.counters {
			t.Errorf("a checkpoint after %d steps continues with other bits, or counts", cut)
		}
	}
	if n := testing.AllocsPerRun(2, func() { runSteps(threads, 1) }); n != 0 {
		t.Errorf("%g allocations a step", n)
	}
}
