package scores

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/stats"
)

// A Ranking is the ranks of methods by one score on several tasks.
type Ranking struct {
	Key     string
	Tasks   []string // labels
	Methods []string
	Ranks   [][]float64 // by method, then task: of its median, 1 the best; ties share mean ranks
	Mean    []float64   // by method
	Notes   []string    // what is left out
}

// An entry is a competitor of a task: its name is the same in all of them.
type entry struct {
	name string
	line *Line
}

// entries are the competitors of a score. Where each method has one, its name is that of
// the method, whatever settings were chosen for it.
func (s *Score) entries() (list []entry) {
	methods := map[string]int{}
	for i := range s.Lines {
		if s.Lines[i].Competes {
			methods[s.Lines[i].Series.Method]++
		}
	}
	for i := range s.Lines {
		l := &s.Lines[i]
		if !l.Competes {
			continue
		}
		name := l.Series.Method
		if methods[name] > 1 {
			name = l.Series.Label
		}
		list = append(list, entry{name, l})
	}
	return list
}

// A field is a score on all tasks that have it.
type field struct {
	key    string
	tasks  []string
	scores []*Score
	names  []string  // of the competitors that all of the tasks have
	lines  [][]*Line // by task, then name
	notes  []string
}

// fields returns the scores of some kind over the tasks, in order.
func (s *Scores) fields(wanted func(*Score) bool) (list []*field) {
	at := map[string]*field{}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		for j := range t.Scores {
			sc := &t.Scores[j]
			if !wanted(sc) {
				continue
			}
			f := at[sc.Key]
			if f == nil {
				f = &field{key: sc.Key}
				at[sc.Key] = f
				list = append(list, f)
			}
			f.tasks, f.scores = append(f.tasks, t.Label), append(f.scores, sc)
		}
	}
	for _, f := range list {
		f.join()
	}
	return list
}

// join finds the competitors that all tasks have.
func (f *field) join() {
	count := map[string]int{}
	var all []string
	for _, s := range f.scores {
		for _, e := range s.entries() {
			if count[e.name]++; count[e.name] == 1 {
				all = append(all, e.name)
			}
		}
	}
	var lacking []string
	for _, name := range all {
		if count[name] == len(f.scores) {
			f.names = append(f.names, name)
		} else {
			lacking = append(lacking, name)
		}
	}
	if lacking != nil {
		f.notes = append(f.notes, "left out, as not all tasks have it: "+strings.Join(lacking, ", "))
	}
	for _, s := range f.scores {
		list := s.entries()
		var lines []*Line
		for _, name := range f.names {
			i := slices.IndexFunc(list, func(e entry) bool { return e.name == name })
			lines = append(lines, list[i].line)
		}
		f.lines = append(f.lines, lines)
	}
}

// ranks are the places of medians, 1 the least. Those that differ by rounding alone share
// the mean of theirs.
func ranks(medians []float64) []float64 {
	var sizes []float64
	for _, m := range medians {
		sizes = append(sizes, math.Abs(m))
	}
	return stats.Ranks(stats.Unround(medians, sizes))
}

// rankings ranks the methods that all tasks of a score have. A task on which no run
// reaches the target ranks none.
func (s *Scores) rankings() (list []Ranking) {
	for _, f := range s.fields(func(sc *Score) bool { return sc.Kind != Best }) {
		if len(f.names) < 2 || len(f.tasks) < 2 {
			continue
		}
		r := Ranking{Key: f.key, Methods: f.names, Notes: f.notes}
		r.Ranks = make([][]float64, len(f.names))
		for i, sc := range f.scores {
			if sc.Why != "" {
				r.Notes = append(r.Notes, fmt.Sprintf("%s: %s", f.tasks[i], sc.Why))
				continue
			}
			r.Tasks = append(r.Tasks, f.tasks[i])
			var medians []float64
			for _, l := range f.lines[i] {
				medians = append(medians, worse(sc.Metric, sc.Kind, l.Median.Value))
			}
			for m, rank := range ranks(medians) {
				r.Ranks[m] = append(r.Ranks[m], rank)
			}
		}
		for _, ranks := range r.Ranks {
			r.Mean = append(r.Mean, stats.Mean(ranks))
		}
		if len(r.Tasks) > 0 && !math.IsNaN(r.Mean[0]) {
			list = append(list, r)
		}
	}
	return list
}
