package scores

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

// File is the name of the file that holds what WriteCSV writes.
const File = "scores.csv"

// Header are the columns of scores.csv. Numbers that do not apply are empty; infinite ones
// are +Inf and -Inf. Accuracies are fractions of 1.
var Header = []string{"task", "dataset", "method", "settings", "against", "score", "statistic", "value", "low", "high", "coverage", "n", "reached", "test", "p", "p_holm", "note"}

// A record is a row of scores.csv.
type record struct {
	task, dataset, method, settings, against, score, statistic string
	value, low, high, coverage                                 float64
	n, reached                                                 int // -1: does not apply
	test                                                       string
	p, holm                                                    float64
	note                                                       string
}

var nan = math.NaN()

// blank is a record of no numbers.
func blank(score, statistic string) record {
	return record{score: score, statistic: statistic, value: nan, low: nan, high: nan, coverage: nan, n: -1, reached: -1, p: nan, holm: nan}
}

// WriteCSV writes all scores in long form: a row for each statistic of each method, and
// for each pair of methods.
func (s *Scores) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write(Header) // errors stay until Error
	put := func(r record) {
		count := func(n int) string {
			if n < 0 {
				return ""
			}
			return strconv.Itoa(n)
		}
		out.Write([]string{r.task, r.dataset, r.method, r.settings, r.against, r.score, r.statistic, runlog.Number(r.value), runlog.Number(r.low), runlog.Number(r.high),
			runlog.Number(r.coverage), count(r.n), count(r.reached), r.test, runlog.Number(r.p), runlog.Number(r.holm), r.note})
	}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		for j := range t.Scores {
			t.Scores[j].records(t, put)
		}
	}
	for _, r := range s.Rankings {
		for i, m := range r.Methods {
			rec := blank(r.Key, "mean rank")
			rec.method, rec.value, rec.n, rec.note = m, r.Mean[i], len(r.Tasks), strings.Join(r.Notes, "; ")
			put(rec)
		}
	}
	for _, p := range s.Profiles {
		rec := blank(p.Key, "profile score")
		rec.n, rec.note = len(p.Problems), strings.Join(append([]string{p.Unit(len(p.Problems)), "tau up to " + strconv.FormatFloat(s.Limit, 'g', -1, 64)}, p.Notes...), "; ")
		if len(p.Tasks) == 1 {
			rec.task = p.Tasks[0]
		}
		if p.Why != "" {
			rec.note = "no profile: " + p.Why
			put(rec)
		}
		for _, l := range p.Lines {
			rec.method, rec.value, rec.reached = l.Label, l.Score, 0
			for _, r := range l.Ratios {
				if !math.IsInf(r, 1) {
					rec.reached++
				}
			}
			put(rec)
		}
	}
	out.Flush()
	return out.Error()
}

// records puts the rows of one score.
func (s *Score) records(t *Task, put func(record)) {
	join := func(parts ...string) string {
		var some []string
		for _, p := range parts {
			if p != "" {
				some = append(some, p)
			}
		}
		return strings.Join(some, "; ")
	}
	wall := ""
	if s.Amount == "wall" {
		wall = t.Timing
	}
	for _, l := range s.Lines {
		base := blank(s.Name, "median")
		base.task, base.dataset, base.method, base.settings = t.Name, t.Dataset, l.Series.Method, settingsOf(l.Series)
		base.n, base.reached = l.N, l.Reached
		base.note = join(s.Why, l.Note, wall, strings.Join(s.Notes, "; "))
		m := base
		m.value, m.low, m.high, m.coverage = l.Median.Value, l.Median.Lo, l.Median.Hi, l.Median.Coverage
		if !math.IsNaN(l.Beyond) && !math.IsInf(l.Beyond, 1) {
			m.note = join("more than "+runlog.Number(l.Beyond)+", where runs ended without it", m.note)
		}
		m.note = join(m.note, l.Doubt)
		put(m)
		for _, of := range []struct {
			name  string
			value float64
		}{{"mean", l.Mean}, {"sd", l.SD}, {"rank", l.Rank}} {
			if s.Kind == ToTarget && of.name != "rank" || of.name == "rank" && math.IsNaN(of.value) {
				continue // a mean with censored times means nothing
			}
			r := base
			r.statistic, r.value = of.name, of.value
			put(r)
		}
	}
	for _, p := range s.Pairs {
		r := blank(s.Name, p.How+" difference")
		r.task, r.dataset, r.method, r.settings, r.against = t.Name, t.Dataset, p.A.Method, settingsOf(p.A), p.B.Label
		r.value, r.low, r.high, r.coverage = p.Shift.Value, p.Shift.Lo, p.Shift.Hi, p.Shift.Coverage
		r.n, r.test, r.p, r.holm = p.N, p.Test.Name, p.Test.P, p.Holm
		r.note = join("better in "+strconv.Itoa(p.Wins)+", equal in "+strconv.Itoa(p.Ties), p.Note, wall)
		put(r)
	}
}

// settingsOf are the settings of a series, as its label says them but with whole keys.
func settingsOf(s results.Series) string {
	var parts []string
	for _, v := range s.Settings {
		parts = append(parts, v.Key+"="+v.Value)
	}
	return strings.Join(parts, ", ")
}
