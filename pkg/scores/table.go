package scores

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
)

// A Table is rows of cells for people, and notes below it, each once, which cells refer to
// by their numbers.
type Table struct {
	Title string     `json:"title"` // what its numbers are; "": the part says it
	Head  []string   `json:"head"`
	Rows  [][]string `json:"rows"`
	Notes []string   `json:"notes"`
}

// A Part is the tables of one task, or those over all tasks.
type Part struct {
	Title  string   `json:"title"`
	Alerts []string `json:"alerts"` // what to be careful about
	Tables []Table  `json:"tables"`
}

func (t *Table) add(cells ...string) { t.Rows = append(t.Rows, cells) }

// mark returns a cell with the number of a note, if there is one.
func (t *Table) mark(cell, note string) string {
	if note == "" {
		return cell
	}
	i := slices.Index(t.Notes, note)
	if i < 0 {
		i = len(t.Notes)
		t.Notes = append(t.Notes, note)
	}
	return fmt.Sprintf("%s (%d)", cell, i+1)
}

// Parts are all scores as tables for people.
func (s *Scores) Parts() (parts []Part) {
	for i := range s.Tasks {
		parts = append(parts, s.Tasks[i].part(s.At))
	}
	over := Part{Tables: s.rankTables()}
	over.Tables = append(over.Tables, s.profileTables()...)
	if len(over.Tables) > 0 {
		parts = append(parts, over)
	}
	return parts
}

// Report is [Scores.Parts] as a paper or a page has them: of each task the summary, and the
// differences seed by seed if [Options.Compare] asks for them, come first.
func (s *Scores) Report() []Part {
	parts := s.Parts()
	for i := range s.Tasks {
		t := &s.Tasks[i]
		first := []Table{t.Summary()}
		if c := t.Compared(); len(c.Rows) > 0 && s.compared {
			first = append(first, c)
		}
		parts[i].Tables = append(first, parts[i].Tables...)
	}
	return parts
}

// part makes the tables of a task.
func (t *Task) part(at *Cut) Part {
	p := Part{Title: t.Name + ", " + t.Dataset, Alerts: t.Notes}
	if at != nil {
		p.Title += fmt.Sprintf(": all logs end at %s %g", at.Amount, at.Value)
	}
	for i := 0; i < len(t.Scores); {
		n := i + 1
		for n < len(t.Scores) && sameTable(t.Scores[i], t.Scores[n]) {
			n++
		}
		if t.Scores[i].Kind == ToTarget {
			p.Tables = append(p.Tables, targetTable(t.Scores[i:n]))
		} else {
			p.Tables = append(p.Tables, valueTable(t.Scores[i:n]))
		}
		i = n
	}
	if pairs := t.pairTable(); len(pairs.Rows) > 0 {
		p.Tables = append(p.Tables, pairs)
	}
	return p
}

// sameTable reports whether two scores are columns of one table.
func sameTable(a, b Score) bool {
	return a.group == b.group && a.Metric == b.Metric && (a.Kind == ToTarget) == (b.Kind == ToTarget)
}

// targetTable is what is spent to one target.
func targetTable(list []Score) (t Table) {
	first := list[0]
	t.Head = []string{"method", "reached"}
	for _, s := range list {
		t.Head = append(t.Head, s.amount.title)
	}
	for i, l := range first.Lines {
		row := []string{l.Series.Label, t.mark(fmt.Sprintf("%d/%d", l.Reached, len(l.Values)), l.Note)}
		for _, s := range list {
			row = append(row, t.mark(s.cell(s.Lines[i]), s.Lines[i].Doubt))
		}
		t.add(row...)
	}
	t.Title = fmt.Sprintf("first evaluation with %s: median over the seeds, never counted as infinite%s", text(first.Goal), intervals(list))
	if first.Why != "" {
		t.Title = fmt.Sprintf("first evaluation with %s: %s", text(first.Goal), first.Why)
	}
	for _, s := range list {
		t.Notes = append(t.Notes, s.Notes...)
	}
	return t
}

// valueTable is the last and the best values of one metric.
func valueTable(list []Score) (t Table) {
	final := list[0]
	t.Title = final.Name + intervals(list)
	t.Head = []string{"method", "n", "median", "mean", "sd"}
	for _, s := range list[1:] {
		name := "median of the best"
		if strings.HasPrefix(s.Metric, "test") {
			name += " (looks at test data)"
		}
		t.Head = append(t.Head, name)
	}
	for i, l := range final.Lines {
		row := []string{l.Series.Label, t.mark(fmt.Sprint(l.N), l.Note), final.cell(l), final.number(l.Mean), final.number(l.SD)}
		if math.IsInf(l.Mean, 0) {
			row[3] = "-"
		}
		for _, s := range list[1:] {
			row = append(row, s.cell(s.Lines[i]))
		}
		t.add(row...)
	}
	return t
}

// intervals says what the brackets of lines are.
func intervals(list []Score) string {
	coverage := map[int]float64{}
	var ns []int
	for _, s := range list {
		for _, l := range s.Lines {
			if l.N > 1 && !slices.Contains(ns, l.N) {
				ns = append(ns, l.N)
				coverage[l.N] = l.Median.Coverage
			}
		}
	}
	if ns == nil {
		return ""
	}
	slices.Sort(ns)
	var parts []string
	for _, n := range ns {
		parts = append(parts, fmt.Sprintf("%s for n = %d", percent(coverage[n]), n))
	}
	return "; [its interval, of at least " + strings.Join(parts, ", ") + "]"
}

func percent(v float64) string { return fmt.Sprintf("%.4g %%", 100*v) }

// cell is the median of a line, with its interval.
func (s *Score) cell(l Line) string {
	out := s.number(l.Median.Value)
	if s.Kind == ToTarget && math.IsInf(l.Median.Value, 1) && !math.IsInf(l.Beyond, 1) {
		out = fmt.Sprintf("> %s (never)", s.number(l.Beyond))
	}
	if l.N < 2 || math.IsNaN(l.Median.Value) || s.Kind == ToTarget && l.Reached == 0 {
		return out
	}
	low := s.number(l.Median.Lo)
	if l.Open {
		low = "> " + low
	}
	return fmt.Sprintf("%s [%s, %s]", out, low, s.number(l.Median.Hi))
}

// number is the text of a value of the score.
func (s *Score) number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case math.IsInf(v, 0) && s.Kind == ToTarget:
		return "never"
	case math.IsInf(v, 0):
		return "diverged"
	}
	return s.difference(v)
}

// difference is the text of a difference of two values.
func (s *Score) difference(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case math.IsInf(v, 0):
		return strings.TrimPrefix(fmt.Sprintf("%+f", v), "+")
	case s.Kind != ToTarget && runlog.HigherIsBetter(s.Metric):
		return fmt.Sprintf("%.2f %%", 100*v)
	case math.Abs(v) >= 1e4 && math.Abs(v) < 1e9:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

// pairTable is the differences of all scores but the best.
func (t *Task) pairTable() (out Table) {
	out.Title = "differences A - B over the seeds: Hodges-Lehmann estimates or, where one is marked m, medians; exact two-sided tests, Holm's adjustment over the pairs of a score"
	out.Head = []string{"score", "A", "B", "A - B", "interval", "A better", "test", "p", "p (Holm)"}
	for _, s := range t.Scores {
		if s.Kind == Best {
			continue
		}
		for _, p := range s.Pairs {
			note := p.Note
			if s.Amount == "wall" && t.Timing != "" {
				note = strings.TrimPrefix(note+"; times do not compare", "; ")
			}
			ps := []string{"-", "-"}
			if p.Tells() {
				ps = []string{fmt.Sprintf("%.3g", p.Test.P), fmt.Sprintf("%.3g", p.Holm)}
			}
			ps[1] = out.mark(ps[1], note)
			out.add(s.Name, p.A.Label, p.B.Label, s.difference(p.Shift.Value)+how(p), s.span(p), fmt.Sprintf("%d/%d", p.Wins, p.N), p.Test.Name, ps[0], ps[1])
		}
	}
	return out
}

// how marks an estimate that is a median.
func how(p Pair) string {
	if p.How == MedianDifferences {
		return " m"
	}
	return ""
}

// span is the interval of a pair.
func (s *Score) span(p Pair) string {
	if p.N < 2 {
		return "-"
	}
	return fmt.Sprintf("[%s, %s] %s", s.difference(p.Shift.Lo), s.difference(p.Shift.Hi), percent(p.Shift.Coverage))
}

// rankTables are the ranks over several tasks, if there are any.
func (s *Scores) rankTables() []Table {
	if len(s.Tasks) < 2 {
		return nil
	}
	if len(s.Rankings) == 0 {
		return []Table{{Title: "no ranks over tasks: no score has two methods that all of its tasks have"}}
	}
	t := Table{Title: "mean rank over the tasks, of the medians, 1 the best; ties share their mean rank"}
	names := []string{}
	for _, r := range s.Rankings {
		for _, m := range r.Methods {
			if !slices.Contains(names, m) {
				names = append(names, m)
			}
		}
	}
	t.Head = append([]string{"score", "tasks"}, names...)
	for _, r := range s.Rankings {
		row := []string{r.Key, t.mark(fmt.Sprint(len(r.Tasks)), strings.Join(r.Notes, "; "))}
		for _, n := range names {
			cell := "-"
			if i := slices.Index(r.Methods, n); i >= 0 {
				cell = fmt.Sprintf("%.2f", r.Mean[i])
			}
			row = append(row, cell)
		}
		t.add(row...)
	}
	return []Table{t}
}

// profileTables are the scores of the profiles, if there are any.
func (s *Scores) profileTables() []Table {
	if len(s.Profiles) == 0 {
		return nil
	}
	t := Table{Title: fmt.Sprintf("score of the performance profile: mean share of problems within a factor tau of the best, over tau from 1 to %g", s.Limit)}
	names := []string{}
	for _, p := range s.Profiles {
		for _, l := range p.Lines {
			if !slices.Contains(names, l.Label) {
				names = append(names, l.Label)
			}
		}
	}
	t.Head = append([]string{"score", "problems"}, names...)
	for _, p := range s.Profiles {
		notes := slices.Clone(p.Notes)
		if p.Why != "" {
			notes = []string{"no profile: " + p.Why}
		}
		row := []string{p.Key, t.mark(p.Unit(len(p.Problems)), strings.Join(notes, "; "))}
		for _, n := range names {
			cell := "-"
			if i := slices.IndexFunc(p.Lines, func(l ProfileLine) bool { return l.Label == n }); i >= 0 {
				cell = fmt.Sprintf("%.3f", p.Lines[i].Score)
			}
			row = append(row, cell)
		}
		t.add(row...)
	}
	return []Table{t}
}
