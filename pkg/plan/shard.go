package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Shard is one of Count parts of a plan, by its Index from 0. The zero value is all of it.
type Shard struct{ Index, Count int }

// MaxShards bounds the parts of a plan: more are a mistake.
const MaxShards = 1_000_000

// ParseShard reads "I/N", the part I from 0 to N-1 of N.
func ParseShard(text string) (Shard, error) {
	index, count, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(index)
	n, wrong := strconv.Atoi(count)
	if !ok || err != nil || wrong != nil || strings.ContainsAny(text, "+ ") {
		return Shard{}, fmt.Errorf("must be I/N, as 0/4 for the first of 4 parts, got %.40q", text)
	}
	s := Shard{i, n}
	return s, s.check()
}

func (s Shard) check() error {
	switch {
	case s.Count < 1 || s.Count > MaxShards:
		return fmt.Errorf("there must be from 1 to %d parts, got %d", MaxShards, s.Count)
	case s.Index < 0 || s.Index >= s.Count:
		return fmt.Errorf("parts of %d are counted from 0 to %d, got %d", s.Count, s.Count-1, s.Index)
	}
	return nil
}

// Whole reports whether the shard is the only one.
func (s Shard) Whole() bool { return s.Count <= 1 }

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// Shard returns the part of a plan, in its order. The parts are those of the plan alone, whatever is complete: each task, the
// longest by prediction first, goes to the part with the least to do, the first of several
// (Graham 1969, Bounds on multiprocessing timing anomalies).
func (p *Plan) Shard(s Shard) *Plan {
	if s.Whole() {
		return p
	}
	part := *p
	part.Tasks, part.all = nil, p.All()
	for i, of := range p.Shards(s.Count) {
		if of == s.Index {
			part.Tasks = append(part.Tasks, p.Tasks[i])
		}
	}
	return &part
}

// Shards returns the index of the part, of count, that each task of a plan is in.
func (p *Plan) Shards(count int) []int {
	order := make([]int, len(p.Tasks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Tasks[b].Predicted, p.Tasks[a].Predicted) })
	parts := make(loads, min(count, len(p.Tasks)))
	for i := range parts {
		parts[i].index = i
	}
	of := make([]int, len(p.Tasks))
	for _, i := range order {
		of[i] = parts.add(p.Tasks[i].Predicted)
	}
	return of
}

// loads are what the parts of a plan have to do, a heap with the least on top.
type loads []struct {
	index, runs int
	seconds     float64
}

// add gives a run to the part with the least to do, and of equals with the fewest runs,
// and returns it.
func (l loads) add(seconds float64) int {
	less := func(a, b int) bool {
		return cmp.Or(cmp.Compare(l[a].seconds, l[b].seconds), l[a].runs-l[b].runs, l[a].index-l[b].index) < 0
	}
	index := l[0].index
	l[0].seconds += seconds
	l[0].runs++
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(l); child++ {
			if less(child, least) {
				least = child
			}
		}
		if least == i {
			return index
		}
		l[i], l[least] = l[least], l[i]
		i = least
	}
}
