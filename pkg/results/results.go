// Package results holds the runs of results folders and of exports: it reads what
// package runlog says that runs leave, finds out whether it is all there, and tells
// which runs are seeds of each other. Tables and figures are made of that.
//
//	res, err := results.Load("results/digits")
//	for _, s := range res.Series() {
//		fmt.Println(s.Label, s.Final("train_loss"))
//	}
package results

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Results are runs, by method in the order of the config, then by settings and
// seed.
type Results struct {
	Runs     []Run
	Warnings []string // what was left out, and why

	lenient bool // a run that cannot be understood is left out, with a warning
}

func (res *Results) warn(format string, args ...any) {
	res.Warnings = append(res.Warnings, fmt.Sprintf(format, args...))
}

// Keep leaves only the runs of some methods.
func (res *Results) Keep(methods []string) {
	res.Runs = slices.DeleteFunc(res.Runs, func(r Run) bool { return !slices.Contains(methods, r.Method) })
}

// Select leaves only the runs of some methods, all of which must be there.
func (res *Results) Select(methods []string) error {
	var known []string
	for _, r := range res.Runs {
		if !slices.Contains(known, r.Method) {
			known = append(known, r.Method)
		}
	}
	for _, m := range methods {
		if !slices.Contains(known, m) {
			return OptionErrorf("there are no runs of method %q (there are: %s)", m, strings.Join(known, ", "))
		}
	}
	res.Keep(methods)
	return nil
}

// Datasets are the names of the data sets that the runs are of.
func (res *Results) Datasets() []string {
	names := map[string]bool{}
	for _, r := range res.Runs {
		names[r.Dataset] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Has reports whether any run has numbers in a column.
func (res *Results) Has(column string) bool {
	for _, r := range res.Runs {
		for _, row := range r.Rows {
			if !math.IsNaN(row[column]) {
				return true
			}
		}
	}
	return false
}

// An OptionError says what is wrong with a choice of the user's, of runs or of what to
// show of them, or that the logs at hand do not have what was asked for.
type OptionError struct{ text string }

func (e *OptionError) Error() string { return e.text }

// OptionErrorf returns an [OptionError].
func OptionErrorf(format string, args ...any) error {
	return &OptionError{fmt.Sprintf(format, args...)}
}
