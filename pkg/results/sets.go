package results

import (
	"slices"
	"strings"
)

// Sets returns the runs by data set, in the order in which these come: what figures draw
// together. The name of one is that of its experiments. Exports that [Logs.Merge] would
// refuse are told apart by experiment, with a warning.
func (l *Logs) Sets() (sets []Task, err error) {
	var seen []string
	for _, r := range l.runs {
		if slices.Contains(seen, r.Dataset) {
			continue
		}
		seen = append(seen, r.Dataset)
		part := l.only(func(o *Run) bool { return o.Dataset == r.Dataset })
		if len(sets) > 0 {
			part.warnings = nil
		}
		res, err := part.Merge()
		if err == nil {
			sets = append(sets, Task{Name: strings.Join(part.names(), ", "), Dataset: r.Dataset, Results: res})
			continue
		}
		tasks, failed := part.Tasks()
		if failed != nil {
			return nil, failed
		}
		tasks[0].warn("the experiments on %s are apart: %v", r.Dataset, err)
		sets = append(sets, tasks...)
	}
	return sets, nil
}

// names are the experiments that runs are of.
func (l *Logs) names() (names []string) {
	for _, r := range l.runs {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// Warnings are what was left out of all runs, and why.
func (l *Logs) Warnings() []string { return slices.Clone(l.warnings) }
