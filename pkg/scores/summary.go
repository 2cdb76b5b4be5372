package scores

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

// Summary is the table of a task that a paper would have: a line for each method, with what
// became of its runs, the mean of its final values with an interval about it, and the median
// of what it spends to reach each target.
func (t *Task) Summary() Table {
	out := Table{Title: "mean over the seeds [" + stats.Describe(t.sizes()) + "] of final values; what is spent to a target: median [its interval], runs that never reach it counted as infinite, k/n of which reach it"}
	if len(t.sizes()) == 0 || slices.Max(t.sizes()) < 2 {
		out.Title = "final values; what is spent to a target, k/n runs of which reach it"
	}
	out.Head = []string{"method", "runs"}
	var list []*Score
	for i := range t.Scores {
		s := &t.Scores[i]
		if s.Kind == Best || s.Kind == ToTarget && s.Amount != "wall" && s.Amount != "cost" {
			continue
		}
		list = append(list, s)
		name := s.Name
		if s.Kind == ToTarget {
			name = s.amount.title + strings.TrimPrefix(s.Name, s.Amount)
		}
		out.Head = append(out.Head, name)
	}
	if len(list) == 0 {
		return out
	}
	for i, l := range list[0].Lines {
		row := []string{l.Series.Label, l.ends()}
		for _, s := range list {
			l := s.Lines[i]
			if s.Kind == ToTarget {
				row = append(row, out.mark(fmt.Sprintf("%s %d/%d", s.cell(l), l.Reached, len(l.Values)), strings.Join(slices.DeleteFunc([]string{l.Note, l.Doubt}, func(n string) bool { return n == "" }), "; ")))
			} else {
				row = append(row, s.mean(l))
			}
		}
		out.add(row...)
	}
	return out
}

// ends says what became of the runs of a line, as "3 finished".
func (l *Line) ends() string {
	counts := map[string]int{}
	for _, r := range l.Series.Runs {
		counts[r.State()]++
	}
	var parts []string
	for _, o := range append(runlog.Outcomes, "damaged") {
		if n := counts[string(o)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(parts, ", ")
}

// mean is the mean of the values that are finite, with its interval, and of how many runs it
// is if not of all.
func (s *Score) mean(l Line) string {
	var v []float64
	for _, x := range l.Values {
		if !math.IsNaN(x.X) && !math.IsInf(x.X, 0) {
			v = append(v, x.X)
		}
	}
	m := stats.Of(v)
	out := s.difference(m.Mean)
	if m.N > 1 {
		out += fmt.Sprintf(" [%s, %s]", s.difference(m.Lo), s.difference(m.Hi))
	}
	if m.N < len(l.Values) {
		out += fmt.Sprintf(" of %d/%d", m.N, len(l.Values))
	}
	return out
}

// sizes are the numbers of runs that means may be of.
func (t *Task) sizes() (ns []int) {
	for _, s := range t.Scores {
		for _, l := range s.Lines {
			if !slices.Contains(ns, l.N) && l.N > 0 {
				ns = append(ns, l.N)
			}
		}
	}
	slices.Sort(ns)
	return ns
}
