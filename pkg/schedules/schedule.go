// Package schedules holds numbers that vary in time: learning rates, proximity
// parameters.
package schedules

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

// A Time is a moment of a run.
type Time struct {
	Step          int // 0 for the first step
	Total         int // steps of the whole run, 0 if unknown
	StepsPerEpoch int

	// Budget tells that the length of the run follows from a budget of cost or of
	// seconds. Used is the share of it that is spent when the step begins, less than 1,
	// and Next that at its end, as far as that can be known.
	Budget     bool
	Used, Next float64
}

// A Schedule is a number as a function of time. It has no state.
type Schedule interface {
	At(t Time) float64
	// Check reports whether the schedule can serve a run of that length.
	Check(t Time) error
	// Range returns the least and the largest value that At can take.
	Range() (lo, hi float64)
}

// An Ending schedule may depend on the length of the run.
type Ending interface {
	Schedule
	// FollowsEnd reports whether it does.
	FollowsEnd() bool
}

// Known is the table of schedules.
var Known = registry.Table[Schedule]{Kind: "schedule", Key: "schedule"}

const auto = "auto"

// A Number is a setting that may vary in time: in a config a plain number, or
// a mapping {schedule: NAME, ...}.
type Number struct {
	schedule registry.Choice[Schedule]
	value    float64 // without a schedule
	auto     bool    // none yet
}

var _ strict.Unmarshaler = (*Number)(nil)

// Const returns the number that is always v.
func Const(v float64) Number { return Number{value: v} }

// Auto stands for a number that another option chooses, where the user does not: the default of
// an option that then takes auto too.
func Auto() Number { return Number{auto: true} }

// IsAuto reports whether the number is still to be chosen.
func (n Number) IsAuto() bool { return n.auto }

// Varying returns the number that a schedule gives: see [registry.Choose].
func Varying(s registry.Choice[Schedule]) Number { return Number{schedule: s} }

// At returns the value at a time.
func (n Number) At(t Time) float64 {
	if n.schedule.IsZero() {
		return n.value
	}
	return n.schedule.Must().At(t)
}

// Check reports whether the number is defined during a run of that length.
func (n Number) Check(t Time) error {
	if n.schedule.IsZero() {
		return nil
	}
	return n.schedule.Must().Check(t)
}

// FollowsEnd reports whether the value depends on the length of the run.
func (n Number) FollowsEnd() bool {
	if n.schedule.IsZero() {
		return false
	}
	e, ok := n.schedule.Must().(Ending)
	return ok && e.FollowsEnd()
}

// Positive returns a [strict.FieldError] about key unless the number is
// positive. A schedule may touch 0, as a decay does at its end, but not stay
// there or go below.
func (n Number) Positive(key string) error {
	if n.schedule.IsZero() {
		if !(n.value > 0) {
			return strict.Field(key, "must be positive, got %g", n.value)
		}
		return nil
	}
	if lo, hi := n.schedule.Must().Range(); lo < 0 || hi <= 0 {
		return strict.Field(key, "must be positive, but the schedule goes from %g to %g", lo, hi)
	}
	return nil
}

func (n *Number) UnmarshalStrict(v strict.Value) error {
	if !v.IsMapping() {
		if text := ""; n.auto && v.Decode(&text) == nil && text == auto {
			return nil
		}
		if !v.IsNumber() {
			return v.Errorf("expected a number or a schedule {schedule: NAME, ...} (known: %v)", Known.Names())
		}
		*n = Number{}
		return v.Decode(&n.value)
	}
	c, err := Known.Decode(v)
	if err != nil {
		return err
	}
	*n = Number{schedule: c}
	return nil
}

// MarshalYAML returns what UnmarshalStrict reads.
func (n Number) MarshalYAML() (any, error) {
	if n.auto {
		return auto, nil
	}
	if n.schedule.IsZero() {
		return n.value, nil
	}
	return n.schedule.MarshalYAML()
}
