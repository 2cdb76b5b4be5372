package experiment

import (
	"runtime"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
)

// TestManySamples: what a sweep of many points takes to lay out, a listing
// included, is a share of a millisecond each. Memory stands for time, which
// depends on what else the machine does.
func TestManySamples(t *testing.T) {
	const samples = 2000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, err := config.ParseSweep("toy.yaml", []byte(toy), []string{"seeds=[0]"},
		config.SweepFlags{Random: []string{"methods.SGD.optimizer.learning_rate=0.001..1:log"}, Samples: samples})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := List(s, options(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / samples; each > 100_000 {
		t.Errorf("a point takes %d bytes of work", each)
	}
}
