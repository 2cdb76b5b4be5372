package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestParseShard: parts are counted from 0.
func TestParseShard(t *testing.T) {
	for text, want := range map[string]Shard{"0/1": {0, 1}, "0/4": {0, 4}, "3/4": {3, 4}, "999999/1000000": {999999, 1000000}} {
		if s, err := ParseShard(text); err != nil || s != want || s.String() != text {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	for text, want := range map[string]string{
		"": "must be I/N", "1": "must be I/N", "a/b": "must be I/N", "1/": "must be I/N", "/2": "must be I/N", "1/2/3": "must be I/N", "0.5/2": "must be I/N", "+1/2": "must be I/N", " 1/2": "must be I/N",
		"4/4": "counted from 0 to 3, got 4", "-1/4": "counted from 0 to 3, got -1", "0/0": "from 1 to 1000000 parts, got 0", "0/-1": "got -1", "0/1000001": "got 1000001",
		"0/99999999999999999999": "must be I/N",
	} {
		if s, err := ParseShard(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %s", text, s, err, want)
		}
	}
}

// TestShards: every run is in one part, parts keep the order of the plan and know all of
// it, and none has more to do than the mean and the longest run together.
func TestShards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Plan{}
		times := rapid.SliceOfN(rapid.SampledFrom([]float64{0, 1, 1, 2, 3.5, 100}), 0, 40).Draw(t, "seconds")
		total := 0.0
		for i, s := range times {
			p.Tasks = append(p.Tasks, Task{Seed: uint64(i), Predicted: s})
			total += s
		}
		n := rapid.IntRange(1, 50).Draw(t, "parts")
		seen := map[uint64]bool{}
		most := 0
		for i := range n {
			part := p.Shard(Shard{i, n})
			if !slices.IsSortedFunc(part.Tasks, func(a, b Task) int { return int(a.Seed) - int(b.Seed) }) {
				t.Fatal("the order has changed")
			}
			sum := 0.0
			for _, task := range part.Tasks {
				if seen[task.Seed] {
					t.Fatalf("run %d is in two parts", task.Seed)
				}
				seen[task.Seed] = true
				sum += task.Predicted
			}
			if len(times) > 0 && sum > total/float64(n)+slices.Max(times)+1e-9 {
				t.Fatalf("part %d of %d has %g of %g", i, n, sum, total)
			}
			if len(part.All()) != len(times) {
				t.Fatalf("the plan has %d runs", len(part.All()))
			}
			most = max(most, len(part.Tasks))
			again := p.Shard(Shard{i, n})
			if fmt.Sprint(again.Tasks) != fmt.Sprint(part.Tasks) {
				t.Fatal("a part is another the second time")
			}
		}
		if len(seen) != len(times) {
			t.Fatalf("%d of %d runs are in a part", len(seen), len(times))
		}
		if equal := slices.Compact(slices.Clone(times)); len(equal) == 1 && most > int(math.Ceil(float64(len(times))/float64(n))) {
			t.Fatalf("%d of %d equal runs in one of %d parts", most, len(times), n)
		}
	})
}
