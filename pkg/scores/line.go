package scores

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

// newLine sums up the score of the runs of a series.
func newLine(s Score, series results.Series, logs []log, competes bool, at *Cut, of func(l log) Value) Line {
	line := Line{Series: series, Competes: competes, Rank: math.NaN(), Beyond: math.NaN()}
	var least, most []float64
	late := 0
	for _, l := range logs {
		v := of(l)
		line.Values = append(line.Values, v)
		if math.IsNaN(v.X) {
			continue
		}
		least, most = append(least, v.Least), append(most, v.X)
		if !math.IsInf(v.X, 0) {
			line.Reached++
			if s.Kind == ToTarget && l.diverged() {
				late++
			}
		}
	}
	line.N = len(most)
	line.Median = stats.MedianBetween(least, most)
	line.Open = line.Median.Lo < stats.MedianOf(most).Lo
	sum := stats.Of(most)
	line.Mean, line.SD = sum.Mean, sum.SD
	if math.IsInf(line.Median.Value, 1) && s.Kind == ToTarget {
		line.Beyond = slices.Sorted(slices.Values(least))[len(least)/2]
	} else if low := stats.Median(least); low < line.Median.Value {
		line.Doubt = fmt.Sprintf("runs ended before this without the target; with them the median may be as low as %.4g", low)
	}
	parts := states(logs)
	if late > 0 {
		parts = append(parts, fmt.Sprintf("%d reached it before diverging", late))
	}
	if s.Kind == ToTarget {
		parts = append(parts, stopped(logs, line.Values), stale(logs, line.Values, s.Kind, at))
	} else {
		parts = append(parts, early(logs, at), stale(logs, line.Values, s.Kind, at))
		if n := len(logs) - line.N; n > 0 {
			parts = append(parts, fmt.Sprintf("%d without a value", n))
		}
	}
	line.Note = strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
	return line
}

// finish compares the lines of a score.
func (s *Score) finish(baseline string, compare []string) {
	reached, values := 0, 0
	for _, l := range s.Lines {
		reached, values = reached+l.Reached, values+l.N
	}
	switch {
	case s.Kind == ToTarget && reached == 0:
		s.Why = "no run reaches it"
	case values == 0:
		s.Why = "no run has a value"
	}
	if s.Why != "" {
		return
	}
	var at []int
	var medians []float64
	for i, l := range s.Lines {
		if l.Competes {
			at, medians = append(at, i), append(medians, worse(s.Metric, s.Kind, l.Median.Value))
		}
	}
	for i, r := range ranks(medians) {
		s.Lines[at[i]].Rank = r
	}
	s.pairs(at, baseline, compare)
	if s.Kind == ToTarget {
		var lines []*Line
		for _, i := range at {
			lines = append(lines, &s.Lines[i])
		}
		if note := budgets(lines, s.Amount); note != "" {
			s.Notes = append(s.Notes, note)
		}
	}
}

// worse turns a value so that larger is worse.
func worse(metric, kind string, v float64) float64 {
	if kind != ToTarget && runlog.HigherIsBetter(metric) {
		return -v
	}
	return v
}

// budgets says where a method ended without the target before another reached it, and
// where all would have the same to spend; "" if none did.
func budgets(lines []*Line, amount string) string {
	short, shortest, longest, common := "", math.Inf(1), math.Inf(-1), math.Inf(1)
	for _, l := range lines {
		if l.Beyond < shortest {
			short, shortest = l.Series.Label, l.Beyond
		}
		for _, v := range l.Values {
			if math.IsInf(v.X, 1) {
				common = min(common, v.Least)
			}
		}
		if !math.IsInf(l.Median.Value, 0) && l.Median.Value > longest {
			longest = l.Median.Value
		}
	}
	if shortest >= longest {
		return ""
	}
	return fmt.Sprintf("budgets differ: %s ended at %s %.4g without it, before another's median of %.4g; with --at %s=%.4g all have the same", short, amount, shortest, longest, amount, common)
}
