package results

import (
	"math"

	"github.com/dualgn/dgn/pkg/runlog"
)

// A Run is the logs of one method with one seed.
type Run struct {
	Dir string // its folder, or the file it came from
	runlog.Manifest
	Rows    []runlog.Row
	Damage  string   // why the logs are not those that the run left; "": they are, as far as can be known
	Missing []string // files that the run left and that are gone, which tables and figures do not need

	known map[string]bool // the settings that its file tells of; nil: all
}

// Damaged and Incomplete stand in tables in place of the outcome of a run whose
// logs are not those that it left, or that lacks files that figures do not need.
const (
	Damaged    = "damaged"
	Incomplete = "incomplete"
)

// States are what tables call the ends of runs: the outcomes, then Damaged and Incomplete.
func States() []string { return append(outcomes(), Damaged, Incomplete) }

// outcomes are what a manifest may say of the end of a run.
func outcomes() (names []string) {
	for _, o := range runlog.Outcomes {
		names = append(names, string(o))
	}
	return names
}

// State is the outcome, or Damaged.
func (r *Run) State() string {
	if r.Damage != "" {
		return Damaged
	}
	return string(r.Outcome)
}

// Complete reports whether the run trained to its end, and its logs are whole.
func (r *Run) Complete() bool {
	return r.Outcome.Well() && r.Damage == ""
}

// ended reports whether the run came to an end of its own.
func (r *Run) ended() bool {
	return r.Outcome.Complete()
}

// knows reports whether the run has no value of a setting only if it lacks the
// setting.
func (r *Run) knows(key string) bool { return r.known == nil || r.known[key] }

// Value returns the value of a setting, and whether the run has it.
func (r *Run) Value(key string) (string, bool) {
	for _, s := range r.Varied {
		if s.Key == key {
			return s.Value, true
		}
	}
	if key == "experiment" {
		return r.Name, true
	}
	v, ok := r.Settings[key]
	return v, ok
}

// Result returns the last or the best value of a column, if the run has one.
func (r *Run) Result(column string, best bool) (x float64, ok bool) {
	for i, row := range r.Rows {
		v := row[column]
		switch {
		case math.IsNaN(v):
			if i == len(r.Rows)-1 && !best {
				return 0, false
			}
		case !ok, !best, runlog.HigherIsBetter(column) == (v > x):
			x, ok = v, true
		}
	}
	return x, ok
}
