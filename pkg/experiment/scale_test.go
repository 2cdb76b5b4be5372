package experiment

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestManySamples: what a sweep of many points takes to lay out, a listing
// included, is a share of a millisecond each. Memory stands for time, which
// depends on what else the machine does.
func TestManySamples(t *testing.T) {
	const samples = 2000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, err := ParseSweep("toy.yaml", []byte(toy), []string{"seeds=[0]"},
		SweepFlags{Random: []string{"methods.SGD.optimizer.learning_rate=0.001..1:log"}, Samples: samples})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(options(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / samples; each > 100_000 {
		t.Errorf("a point takes %d bytes of work", each)
	}
}

// TestManySeeds: twenty times as many seeds take no more than about twenty times
// as long, and are still told apart.
func TestManySeeds(t *testing.T) {
	check := func(n int, last string) (time.Duration, error) {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%d, ", i)
		}
		text := strings.Replace(toy, "[0, 1]", "["+b.String()+last+"]", 1)
		began := time.Now()
		_, err := Parse("toy.yaml", []byte(text), nil)
		return time.Since(began), err
	}
	few, err := check(15_000, "15000")
	if err != nil {
		t.Fatal(err)
	}
	many, err := check(300_000, "17")
	if err == nil || !strings.Contains(err.Error(), "seeds: duplicate seed 17") {
		t.Errorf("says %v", err)
	}
	if many > 100*few+time.Second {
		t.Errorf("15,000 seeds take %v, 300,000 take %v", few, many)
	}
}
