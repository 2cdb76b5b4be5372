package scores

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/results"
)

// ParseCompare reads A,B, the names of two methods or the labels of two of their settings.
// Names may hold commas: the text is cut at the one that leaves a name on both sides.
func ParseCompare(text string, tasks []results.Task) ([]string, error) {
	known := namesToCompare(tasks)
	var cuts [][]string
	for i, r := range text {
		if r != ',' {
			continue
		}
		a, b := strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:])
		if slices.Contains(known, a) && slices.Contains(known, b) {
			cuts = append(cuts, []string{a, b})
		}
	}
	switch {
	case len(cuts) == 1 && cuts[0][0] == cuts[0][1]:
		return nil, results.OptionErrorf("compare: %q is compared with itself", cuts[0][0])
	case len(cuts) == 1:
		return cuts[0], nil
	case len(cuts) > 1:
		return nil, results.OptionErrorf("compare: %q can be read as %q and %q, or as %q and %q", text, cuts[0][0], cuts[0][1], cuts[1][0], cuts[1][1])
	}
	return nil, results.OptionErrorf("compare: must be A,B, two of: %s; got %q", strings.Join(quoted(known), ", "), text)
}

// namesToCompare are the methods of all tasks, and the labels of their settings.
func namesToCompare(tasks []results.Task) (names []string) {
	for _, t := range tasks {
		for _, s := range t.Series() {
			names = append(names, s.Method)
		}
	}
	for _, t := range tasks {
		for _, s := range t.Series() {
			names = append(names, s.Label)
		}
	}
	return once(names)
}

func quoted(names []string) (out []string) {
	for _, n := range names {
		out = append(out, fmt.Sprintf("%q", n))
	}
	return out
}

// compareSettings reports whether a comparison names a setting of a method, so that all
// settings have to be there.
func compareSettings(tasks []results.Task, compare []string) bool {
	for _, name := range compare {
		if !slices.ContainsFunc(tasks, func(t results.Task) bool {
			return slices.ContainsFunc(t.Runs, func(r results.Run) bool { return r.Method == name })
		}) {
			return true
		}
	}
	return false
}
