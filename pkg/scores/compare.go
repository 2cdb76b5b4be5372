package scores

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/results"
)

// ParseCompare reads A,B, the names of two methods or the labels of two of their settings.
// Names may hold commas: the text is cut at the one that leaves a name on both sides.
func ParseCompare(text string, tasks []results.Task) ([]string, error) {
	known := namesToCompare(tasks)
	var cuts [][]string
	for i, r := range text {
		if r != ',' {
			continue
		}
		a, b := strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:])
		if slices.Contains(known, a) && slices.Contains(known, b) {
			cuts = append(cuts, []string{a, b})
		}
	}
	switch {
	case len(cuts) == 1 && cuts[0][0] == cuts[0][1]:
		return nil, results.OptionErrorf("compare: %q is compared with itself", cuts[0][0])
	case len(cuts) == 1:
		return cuts[0], nil
	case len(cuts) > 1:
		return nil, results.OptionErrorf("compare: %q can be read as %q and %q, or as %q and %q", text, cuts[0][0], cuts[0][1], cuts[1][0], cuts[1][1])
	}
	return nil, results.OptionErrorf("compare: must be A,B, two of: %s; got %q", strings.Join(quoted(known), ", "), text)
}

// namesToCompare are the methods of all tasks, and the labels of their settings.
func namesToCompare(tasks []results.Task) (names []string) {
	for _, t := range tasks {
		for _, s := range t.Series() {
			names = append(names, s.Method)
		}
	}
	for _, t := range tasks {
		for _, s := range t.Series() {
			names = append(names, s.Label)
		}
	}
	return once(names)
}

func quoted(names []string) (out []string) {
	for _, n := range names {
		out = append(out, fmt.Sprintf("%q", n))
	}
	return out
}

// compareSettings reports whether a comparison names a setting of a method, so that all
// settings have to be there.
func compareSettings(tasks []results.Task, compare []string) bool {
	for _, name := range compare {
		if !slices.ContainsFunc(tasks, func(t results.Task) bool {
			return slices.ContainsFunc(t.Runs, func(r results.Run) bool { return r.Method == name })
		}) {
			return true
		}
	}
	return false
}

// Compared is the differences of the two methods that [Options.Compare] names, A - B, seed by
// seed, of every final value and every target. It has no rows if the task has no such pair.
func (t *Task) Compared() (out Table) {
	out.Head = []string{"seed"}
	var list []*Score
	var seeds []uint64
	for i := range t.Scores {
		s := &t.Scores[i]
		if s.Kind == Best || len(s.Pairs) != 1 {
			continue
		}
		p := s.Pairs[0]
		out.Title = fmt.Sprintf("%s minus %s, seed by seed", p.A.Label, p.B.Label)
		out.Head = append(out.Head, s.Name)
		list = append(list, s)
		for _, d := range p.Diffs {
			if !slices.Contains(seeds, d.Seed) {
				seeds = append(seeds, d.Seed)
			}
		}
	}
	slices.Sort(seeds)
	for _, seed := range seeds {
		row := []string{fmt.Sprint(seed)}
		for _, s := range list {
			row = append(row, s.differenceOf(seed))
		}
		out.add(row...)
	}
	return out
}

// differenceOf is the text of the difference of a seed.
func (s *Score) differenceOf(seed uint64) string {
	p := s.Pairs[0]
	for _, d := range p.Diffs {
		name := p.A.Label // of the one that has no number
		if worse(s.Metric, s.Kind, d.X) < 0 {
			name = p.B.Label
		}
		switch {
		case d.Seed != seed:
		case math.IsNaN(d.X):
			return "open"
		case math.IsInf(d.X, 0) && s.Kind == ToTarget:
			return name + " never"
		case math.IsInf(d.X, 0):
			return name + " diverged"
		default:
			return s.difference(d.X)
		}
	}
	return "-"
}
