package scores

import (
	"fmt"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/runlog"
)

// DefaultLimit is the factor up to which AlgoPerf integrates profiles (Dahl et al. 2023,
// Benchmarking Neural Network Training Algorithms, arXiv 2306.07179).
const DefaultLimit = 4

// A Profile is the performance profile of methods (Dolan and More 2002, Benchmarking
// optimization software with performance profiles): of each, the share of problems on
// which what it spends to reach the target is within a factor tau of what the best spends.
type Profile struct {
	Key      string // the score that it is of
	Group    string // the same for profiles of one target
	Metric   string // of the target
	Amount   string
	Problems []string // tasks or, of one task or if [Options.Seeds] asks for it, seeds of tasks
	Seeds    bool     // Problems are seeds
	Tasks    []string
	Goals    []runlog.Goal // the target of each task
	Lines    []ProfileLine
	Why      string // why there are no lines
	Notes    []string
}

// A ProfileLine is the profile of one method.
type ProfileLine struct {
	Label string
	Index int // of its style
	// Ratios are what it spends in units of what the best spends, by problem; +Inf where
	// it does not reach the target.
	Ratios []float64

	// Score is the mean height of the profile from 1 to the limit,
	//
	//	1/(limit - 1) integral of share(tau) d tau,
	//
	// 1 of the best on every problem, and 0 of one that is never within the limit.
	Score float64
}

// Share is the share of the problems on which the ratio is at most tau.
func (l ProfileLine) Share(tau float64) float64 {
	n := 0
	for _, r := range l.Ratios {
		if r <= tau {
			n++
		}
	}
	return float64(n) / float64(len(l.Ratios))
}

// integral is the score of ratios: each adds a step at its place, so that the integral of
// the share is the mean of limit - ratio, where that is above 0.
func integral(ratios []float64, limit float64) float64 {
	sum := 0.0
	for _, r := range ratios {
		sum += max(0, limit-r) / (limit - 1)
	}
	return sum / float64(len(ratios))
}

// profiles are those of all targets. Problems are tasks, on which a method has its median
// over the seeds; of one task alone, or if that is asked for, seeds that all methods have.
func (s *Scores) profiles(bySeed bool) (list []Profile) {
	for _, f := range s.fields(func(sc *Score) bool { return sc.Kind == ToTarget }) {
		first := f.scores[0]
		p := Profile{Key: f.key, Group: first.group, Metric: first.Metric, Amount: first.Amount, Tasks: f.tasks, Notes: slices.Clone(f.notes), Seeds: bySeed || len(f.tasks) == 1}
		var spent [][]float64 // by problem, then method
		if p.Seeds {
			for i := range f.tasks {
				names, rows := f.seeds(i, &p)
				p.Problems, spent = append(p.Problems, names...), append(spent, rows...)
			}
		} else {
			p.Problems = f.tasks
			for _, lines := range f.lines {
				var row []float64
				for _, l := range lines {
					row = append(row, l.Median.Value)
				}
				spent = append(spent, row)
			}
		}
		for i, sc := range f.scores {
			p.Goals = append(p.Goals, sc.Goal)
			if n := budgets(f.lines[i], sc.Amount); n != "" {
				if len(f.tasks) > 1 {
					n = f.tasks[i] + ": " + n
				}
				p.Notes = append(p.Notes, n)
			}
		}
		p.fill(f, spent, s.Limit)
		list = append(list, p)
	}
	return list
}

// Unit says what n problems of the profile are.
func (p Profile) Unit(n int) string {
	what := "tasks"
	if p.Seeds {
		what = "seeds"
	}
	if p.Seeds && len(p.Tasks) > 1 {
		what = fmt.Sprintf("problems (%d tasks x their seeds)", len(p.Tasks))
	}
	return fmt.Sprintf("%d %s", n, what)
}

// seeds returns the seeds that all methods of a task have, and what each spent.
func (f *field) seeds(task int, p *Profile) (names []string, spent [][]float64) {
	of := map[uint64][]float64{}
	var order []uint64
	for i, l := range f.lines[task] {
		for _, v := range l.Values {
			if _, ok := of[v.Seed]; !ok {
				order = append(order, v.Seed)
			}
			if len(of[v.Seed]) == i {
				of[v.Seed] = append(of[v.Seed], v.X)
			}
		}
	}
	slices.Sort(order)
	for _, seed := range order {
		if len(of[seed]) == len(f.names) {
			name := fmt.Sprint(seed)
			if len(f.tasks) > 1 {
				name = f.tasks[task] + " " + name
			}
			names, spent = append(names, name), append(spent, of[seed])
		}
	}
	if n := len(order) - len(names); n > 0 {
		note := fmt.Sprintf("%d seeds that not all methods have are left out", n)
		if len(f.tasks) > 1 {
			note = f.tasks[task] + ": " + note
		}
		p.Notes = append(p.Notes, note)
	}
	return names, spent
}

// fill makes the lines of what each method spent on each problem.
func (p *Profile) fill(f *field, spent [][]float64, limit float64) {
	unsolved := 0
	ratios := make([][]float64, len(f.names))
	for _, row := range spent {
		best := math.Inf(1)
		for _, x := range row {
			best = min(best, x)
		}
		if math.IsInf(best, 1) {
			unsolved++
		}
		for m, x := range row {
			r := math.Inf(1)
			switch {
			case math.IsInf(x, 1):
			case x == best: // 0 too, where the initial weights have the target
				r = 1
			default:
				r = x / best
			}
			ratios[m] = append(ratios[m], r)
		}
	}
	switch {
	case len(f.names) < 2:
		p.Why = "there are no two methods to compare"
	case len(spent) == 0:
		p.Why = "no seed has runs of all methods"
	case unsolved == len(spent):
		p.Why = "no run reaches it"
		if !p.Seeds {
			p.Why = "no method reaches it on any task in half of its runs"
		}
	}
	if p.Why != "" {
		return
	}
	if unsolved > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("on %d of %s no method reaches it, which count as not solved", unsolved, p.Unit(len(spent))))
	}
	for m, name := range f.names {
		p.Lines = append(p.Lines, ProfileLine{Label: name, Index: m, Ratios: ratios[m], Score: integral(ratios[m], limit)})
	}
	indices := map[int]bool{} // methods have the colours of other figures, if these differ
	for m := range f.names {
		indices[f.lines[0][m].Series.Runs[0].MethodIndex] = true
	}
	if len(indices) == len(f.names) {
		for m := range f.names {
			p.Lines[m].Index = f.lines[0][m].Series.Runs[0].MethodIndex
		}
	}
}
