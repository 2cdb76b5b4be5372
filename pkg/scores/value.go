package scores

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A Value is a score of one run.
type Value struct {
	Seed uint64

	// X is the score. Of a target that was never reached it is +Inf; of a run that
	// diverged, +Inf for a loss and -Inf for an accuracy; NaN where there is none.
	X float64

	// Least is X or, where the run ended before the target was reached, the amount at
	// which it did: all that is known is that X is larger.
	Least float64
}

// A log is what is looked at of a run.
type log struct {
	run   *results.Run
	rows  []runlog.Row // before the cut
	alive bool         // the run came as far as the cut
	next  runlog.Row   // where it is alive: as far as it is known to have come without a value after them
}

// logOf returns the log of a run, to the last evaluation at or before a cut. What ended a run
// after the cut does not concern it: it was well there if its log goes on, or has an
// evaluation at the cut, or if its steps go on. Evaluations that are not finite end a run,
// and are in no log of dgn.
func logOf(res *results.Results, r *results.Run, at *Cut) log {
	l := log{run: r, rows: r.Rows}
	if at == nil {
		return l
	}
	column := columnOf(at.Amount)
	n := slices.IndexFunc(r.Rows, func(row runlog.Row) bool { return row[column] > at.Value*(1+1e-12) })
	if n >= 0 {
		// Nothing is reached before the next evaluation; of the amount of the cut, all
		// have the same.
		l.rows, l.alive, l.next = r.Rows[:n], true, maps.Clone(r.Rows[n])
		l.next[column] = at.Value
		return l
	}
	least := at.Value * (1 - 1e-12)
	if n = len(r.Rows); n > 0 && r.Rows[n-1][column] >= least {
		l.alive = r.Outcome != runlog.Diverged || sound(r.Rows[n-1])
		return l
	}
	if !r.Complete() && r.Damage == "" {
		if l.next, l.alive = res.Beyond(r, column, least); l.alive {
			l.next[column] = at.Value
		}
	}
	return l
}

// sound reports whether an evaluation has values, and none that is infinite: logs of other
// tools may have what a run diverged with.
func sound(row runlog.Row) bool {
	some := false
	for _, m := range Metrics {
		if math.IsInf(row[m], 0) {
			return false
		}
		some = some || !math.IsNaN(row[m])
	}
	return some
}

func columnOf(name string) string {
	a, err := findAmount(name)
	if err != nil {
		panic(err) // checked before
	}
	return a.column
}

// diverged reports whether the run diverged within the log.
func (l log) diverged() bool { return l.run.Outcome == runlog.Diverged && !l.alive }

// reach returns how much of an amount the run had spent at its first evaluation that meets
// a goal, +Inf if none does. What a run reached before it diverged, or broke off, counts:
// with that target as train.target it would have stopped there, with the same bits. A run
// that diverged would never have reached it; of one that ended in another way, at its
// budget too, it is known that it had not by then. Damaged logs reach nothing.
func (l log) reach(g runlog.Goal, column string) Value {
	v := Value{l.run.Seed, math.Inf(1), math.Inf(1)}
	if l.run.Damage != "" {
		return v
	}
	end := 0.0
	for _, row := range l.rows {
		at := row[column]
		if math.IsNaN(at) {
			continue
		}
		if g.MetBy(row[g.Metric]) {
			return Value{l.run.Seed, at, at}
		}
		end = at
	}
	switch at := l.next[column]; {
	case l.diverged():
	case l.alive && at > end:
		v.Least = at
	default:
		v.Least = end
	}
	return v
}

// value returns the last value of a metric in the log, or the best. A run that diverged
// has the worst there is. One that broke off has none, unless it is cut before: what it
// would have ended with is not known.
func (l log) value(metric string, best bool) Value {
	x := math.NaN()
	higher := runlog.HigherIsBetter(metric)
	switch {
	case l.run.Damage != "":
	case l.diverged() && higher:
		x = math.Inf(-1)
	case l.diverged():
		x = math.Inf(1)
	case !l.run.Complete() && !l.alive, len(l.rows) == 0:
	case !best:
		x = l.rows[len(l.rows)-1][metric]
	default:
		for _, row := range l.rows {
			if v := row[metric]; !math.IsNaN(v) && (math.IsNaN(x) || v != x && higher == (v > x)) {
				x = v
			}
		}
	}
	return Value{l.run.Seed, x, x}
}

// states says what became of the runs that did not end well, in the order of tables.
func states(logs []log) (parts []string) {
	count := map[string]int{}
	for _, l := range logs {
		if l.run.Damage != "" || !l.alive && !l.run.Complete() {
			count[l.run.State()]++
		}
	}
	for _, s := range results.States() {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d %s", count[s], len(logs), s))
		}
	}
	return parts
}

// early says how many runs were at their end before a cut.
func early(logs []log, at *Cut) string {
	if at == nil {
		return ""
	}
	n, least := 0, math.Inf(1)
	for _, l := range logs {
		if l.run.Damage != "" || l.alive || !l.run.Complete() || len(l.rows) == 0 {
			continue
		}
		if end := l.rows[len(l.rows)-1][columnOf(at.Amount)]; end < at.Value*(1-1e-12) {
			n, least = n+1, min(least, end)
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d ended before, from %s %.4g on", n, len(logs), at.Amount, least)
}

// recent is the share of a cut from which on the last evaluation before it is taken to be
// one at it.
const recent = 0.95

// stale says how many runs that came as far as a cut have their last evaluation well before
// it, and where: that is what their values are of, and a target may have been reached since.
func stale(logs []log, values []Value, kind string, at *Cut) string {
	if at == nil {
		return ""
	}
	n, low, high := 0, math.Inf(1), math.Inf(-1)
	for i, l := range logs {
		if !l.alive || l.run.Damage != "" || len(l.rows) == 0 || kind == ToTarget && !math.IsInf(values[i].X, 1) {
			continue
		}
		if last := l.rows[len(l.rows)-1][columnOf(at.Amount)]; last < recent*at.Value {
			n, low, high = n+1, min(low, last), max(high, last)
		}
	}
	if n == 0 {
		return ""
	}
	where := fmt.Sprintf("%s %.4g to %.4g", at.Amount, low, high)
	if low == high {
		where = fmt.Sprintf("%s %.4g", at.Amount, low)
	}
	note := fmt.Sprintf("%d of %d read at %s, at their last evaluations before %.6g: evaluate more often", n, len(logs), where, at.Value)
	if every := map[string]string{"cost": "{cost: ...}", "wall": "{seconds: ...}", "step": "STEPS"}[at.Amount]; every != "" {
		note += fmt.Sprintf(", as by evaluate: {every: %s}", every)
	}
	return note
}

// stopped says how many runs stopped at a target of their own before they reached this.
func stopped(logs []log, values []Value) string {
	n := 0
	for i, l := range logs {
		if l.run.Outcome == runlog.AtGoal && !l.alive && math.IsInf(values[i].X, 1) && l.run.Damage == "" {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d stopped at another target before, and might have reached this", n, len(logs))
}
