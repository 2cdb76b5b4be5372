package scores

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dualgn/dgn/pkg/runlog"
)

// A table is rows of cells for people, and notes below it, each once, which cells refer to
// by their numbers.
type table struct {
	rows  [][]string
	notes []string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// mark returns a cell with the number of a note, if there is one.
func (t *table) mark(cell, note string) string {
	if note == "" {
		return cell
	}
	i := slices.Index(t.notes, note)
	if i < 0 {
		i = len(t.notes)
		t.notes = append(t.notes, note)
	}
	return fmt.Sprintf("%s (%d)", cell, i+1)
}

// write writes the table, with a line about it where there is something to say.
func (t *table) write(w io.Writer, about string) {
	if about != "" {
		fmt.Fprintln(w, about)
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range t.rows {
		fmt.Fprintln(columns, strings.TrimRight("  "+strings.Join(row, "\t"), "\t"))
	}
	columns.Flush()
	for i, n := range t.notes {
		fmt.Fprintf(w, "  (%d) %s\n", i+1, n)
	}
	fmt.Fprintln(w)
}

// WriteTable writes all scores for people.
func (s *Scores) WriteTable(w io.Writer) error {
	e := &errorWriter{w: w}
	for i := range s.Tasks {
		s.Tasks[i].write(e, s.At)
	}
	s.writeRankings(e)
	s.writeProfiles(e)
	return e.err
}

// An errorWriter remembers the first error, so that what writes to it need not.
type errorWriter struct {
	w   io.Writer
	err error
}

func (e *errorWriter) Write(b []byte) (int, error) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
	return len(b), nil
}

func (t *Task) write(w io.Writer, at *Cut) {
	fmt.Fprintf(w, "%s, %s", t.Name, t.Dataset)
	if at != nil {
		fmt.Fprintf(w, ": all logs end at %s %g", at.Amount, at.Value)
	}
	fmt.Fprintln(w)
	for _, n := range t.Notes {
		fmt.Fprintf(w, "! %s\n", n)
	}
	fmt.Fprintln(w)
	for i := 0; i < len(t.Scores); {
		n := i + 1
		for n < len(t.Scores) && sameTable(t.Scores[i], t.Scores[n]) {
			n++
		}
		if t.Scores[i].Kind == ToTarget {
			writeTarget(w, t.Scores[i:n])
		} else {
			writeValues(w, t.Scores[i:n])
		}
		i = n
	}
	t.writePairs(w)
}

// sameTable reports whether two scores are columns of one table.
func sameTable(a, b Score) bool {
	return a.group == b.group && a.Metric == b.Metric && (a.Kind == ToTarget) == (b.Kind == ToTarget)
}

// writeTarget writes what is spent to one target.
func writeTarget(w io.Writer, list []Score) {
	first := list[0]
	var t table
	head := []string{"method", "reached"}
	for _, s := range list {
		head = append(head, s.amount.title)
	}
	t.add(head...)
	for i, l := range first.Lines {
		row := []string{l.Series.Label, t.mark(fmt.Sprintf("%d/%d", l.Reached, len(l.Values)), l.Note)}
		for _, s := range list {
			row = append(row, t.mark(s.cell(s.Lines[i]), s.Lines[i].Doubt))
		}
		t.add(row...)
	}
	about := fmt.Sprintf("first evaluation with %s: median over the seeds, never counted as infinite%s", text(first.Goal), intervals(list))
	if first.Why != "" {
		about = fmt.Sprintf("first evaluation with %s: %s", text(first.Goal), first.Why)
	}
	for _, s := range list {
		t.notes = append(t.notes, s.Notes...)
	}
	t.write(w, about)
}

// writeValues writes the last and the best values of one metric.
func writeValues(w io.Writer, list []Score) {
	var t table
	final := list[0]
	head := []string{"method", "n", "median", "mean", "sd"}
	for _, s := range list[1:] {
		head = append(head, "median of the best")
		if strings.HasPrefix(s.Metric, "test") {
			head[len(head)-1] += " (looks at test data)"
		}
	}
	t.add(head...)
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
	t.write(w, final.Name+intervals(list))
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

// writePairs writes the differences of all scores but the best.
func (t *Task) writePairs(w io.Writer) {
	var out table
	out.add("score", "A", "B", "A - B", "interval", "A better", "test", "p", "p (Holm)")
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
	if len(out.rows) > 1 {
		out.write(w, "differences A - B over the seeds: Hodges-Lehmann estimates or, where one is marked m, medians; exact two-sided tests, Holm's adjustment over the pairs of a score")
	}
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

func (s *Scores) writeRankings(w io.Writer) {
	if len(s.Rankings) == 0 {
		if len(s.Tasks) > 1 {
			fmt.Fprint(w, "no ranks over tasks: no score has two methods that all of its tasks have\n\n")
		}
		return
	}
	var t table
	names := []string{}
	for _, r := range s.Rankings {
		for _, m := range r.Methods {
			if !slices.Contains(names, m) {
				names = append(names, m)
			}
		}
	}
	t.add(append([]string{"score", "tasks"}, names...)...)
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
	t.write(w, "mean rank over the tasks, of the medians, 1 the best; ties share their mean rank")
}

func (s *Scores) writeProfiles(w io.Writer) {
	if len(s.Profiles) == 0 {
		return
	}
	var t table
	names := []string{}
	for _, p := range s.Profiles {
		for _, l := range p.Lines {
			if !slices.Contains(names, l.Label) {
				names = append(names, l.Label)
			}
		}
	}
	t.add(append([]string{"score", "problems"}, names...)...)
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
	t.write(w, fmt.Sprintf("score of the performance profile: mean share of problems within a factor tau of the best, over tau from 1 to %g", s.Limit))
}
