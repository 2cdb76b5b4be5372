package runlog

import (
	"fmt"
	"strings"
)

// A DamagedError says what is wrong with what a folder holds of a run. Such a run
// is moved aside and made again.
type DamagedError struct{ What []string }

func (e *DamagedError) Error() string { return strings.Join(e.What, "; ") }

// Damagedf returns a [DamagedError].
func Damagedf(format string, args ...any) error {
	return &DamagedError{[]string{fmt.Sprintf(format, args...)}}
}

// A HeldError says why a run can neither be kept nor continued nor moved aside
// without the user: what it holds is good for another program, or out of reach.
type HeldError struct{ err error }

func (e *HeldError) Error() string { return e.err.Error() }
func (e *HeldError) Unwrap() error { return e.err }

// Heldf returns a [HeldError].
func Heldf(format string, args ...any) error { return &HeldError{fmt.Errorf(format, args...)} }
