package train

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
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
	for _, name := range oracles.Known.Names() {
		for i, trial := range oracles.Known.Entry(name).Trials {
			for _, optimizer := range []string{"{kind: sgd, learning_rate: 0.5}", "adam"} {
				search := searches[next%len(searches)]
				next++
				t.Run(fmt.Sprintf("%s/%d/%s", name, i, search), func(t *testing.T) {
					c := parse(t, toy, "data.train_limit=250", "train.batch_size=50", "methods.SGD.line_search="+search, "methods.SGD.optimizer="+optimizer)
					c.Methods[0].Oracle = config.Oracle{Choice: registry.ChoiceOf(&oracles.Known, name, struct{}{}, func(struct{}) (oracles.Spec, error) { return trial() })}
					p := opened(t, c)
					fresh := func(pool *tensor.Pool) *trainer[float32] { return unlogged(p, c, pool) }
					epoch := p.Train.Len() / 50
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
				})
			}
		}
	}
}
