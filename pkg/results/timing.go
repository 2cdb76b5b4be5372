package results

import (
	"fmt"
	"slices"
	"strings"
)

// Timing says why the wall clocks of the runs do not compare, "" if they do.
func (res *Results) Timing() string {
	var differ []string
	jobs := 1
	for i, r := range res.Runs {
		jobs = max(jobs, r.Jobs)
		first := res.Runs[0]
		for _, m := range []struct {
			name string
			same bool
		}{
			{"versions", r.Version == first.Version && r.Commit == first.Commit}, {"processors", r.CPU == first.CPU && r.ISA == first.ISA},
			// Runs that chose their threads each have the number that they are faster on.
			{"threads", r.Threads == first.Threads || r.ThreadChoice != nil && first.ThreadChoice != nil},
			{"jobs", r.Jobs == first.Jobs}, {"placement", true},
		} {
			if (i > 0 && !m.same || slices.Contains(r.Mixed, m.name)) && !slices.Contains(differ, m.name) {
				differ = append(differ, m.name)
			}
		}
	}
	switch {
	case differ != nil:
		return "times do not compare: runs were made with different " + strings.Join(differ, ", ") + res.unlike()
	case slices.ContainsFunc(res.Runs, func(r Run) bool { return r.Shared }):
		return "times do not compare: several processes made runs at the same time"
	case jobs > 1:
		return fmt.Sprintf("times do not compare: %d runs were made at the same time", jobs)
	}
	return ""
}

// unlike names the processors, in parentheses, if there are several.
func (res *Results) unlike() string {
	var names []string
	for _, r := range res.Runs {
		if r.CPU != "" && !slices.Contains(names, r.CPU) {
			names = append(names, r.CPU)
		}
	}
	if len(names) < 2 {
		return ""
	}
	slices.Sort(names)
	if n := len(names) - maxProcessors; n > 0 {
		names = append(names[:maxProcessors], fmt.Sprintf("%d more", n))
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// maxProcessors is how many of them are named.
const maxProcessors = 3
