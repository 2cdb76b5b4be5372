package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
)

// compareSettings orders by key, then by value.
func compareSettings(s, t runlog.Setting) int {
	return cmp.Or(strings.Compare(s.Key, t.Key), CompareValues(s.Value, t.Value))
}

// CompareValues orders values of one setting: numbers by size, all others, and two
// ways to write one number, as texts.
func CompareValues(a, b string) int {
	if c, ok := compareNumbers(a, b); ok && c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func compareNumbers(a, b string) (c int, ok bool) {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return cmp.Compare(x, y), err1 == nil && err2 == nil
}

// signature tells the runs of one method apart that are not seeds of each
// other: by all settings, or by the experiment if they are unknown.
func (r *Run) signature() string {
	var b strings.Builder
	b.WriteString(r.Varied.Key())
	if r.Settings == nil {
		fmt.Fprintf(&b, "%q", r.Name)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Settings)) {
		if k != "seed" {
			fmt.Fprintf(&b, "%q=%q", k, r.Settings[k])
		}
	}
	return b.String()
}

// relate gives the runs of each method all keys that any of them varies, in one
// order. A run names those of the sweep that last asked for it, and takes the
// others from its settings.
func (res *Results) relate() {
	keys := map[string][]string{}            // by method
	texts := map[[2]string]map[string]bool{} // values by method and key
	for _, r := range res.Runs {
		for _, s := range r.Varied {
			at := [2]string{r.Method, s.Key}
			if texts[at] == nil {
				texts[at] = map[string]bool{}
				keys[r.Method] = append(keys[r.Method], s.Key)
			}
			texts[at][s.Value] = true
		}
	}
	for i := range res.Runs {
		r := &res.Runs[i]
		var varied []runlog.Setting
		for _, k := range keys[r.Method] {
			v, ok := r.Value(k)
			if !ok {
				continue
			}
			known := texts[[2]string{r.Method, k}]
			if !known[v] { // a number may be written in another way
				for _, other := range slices.Sorted(maps.Keys(known)) {
					if c, ok := compareNumbers(v, other); ok && c == 0 {
						v = other
						break
					}
				}
			}
			varied = append(varied, runlog.Setting{Key: k, Value: v})
		}
		r.Varied = varied
	}
}

// distinguish keeps one of runs that are there twice, the complete one if one is,
// and adds to Varied what else tells runs of one method apart, which come from
// several folders.
func (res *Results) distinguish() {
	type id struct {
		method, signature string
		seed              uint64
	}
	seen := map[id]int{}
	alike := map[string][]int{} // runs of one name, which a figure could not tell apart
	var runs []Run
	for _, r := range res.Runs {
		key := id{r.Method, r.signature(), r.Seed}
		if first, ok := seen[key]; ok {
			if !runs[first].Complete() && r.Complete() {
				runs[first], r = r, runs[first]
			}
			res.warn("%s: has the method, settings and seed of %s: left out", r.Dir, runs[first].Dir)
			continue
		}
		seen[key] = len(runs)
		name := fmt.Sprintf("%q", r.Method) + r.Varied.Key()
		alike[name] = append(alike[name], len(runs))
		runs = append(runs, r)
	}
	res.Runs = runs
	for _, name := range slices.Sorted(maps.Keys(alike)) {
		members := alike[name]
		var of []Run
		for _, i := range members {
			of = append(of, runs[i])
		}
		keys := Differing(of)
		// A line of text should tell the difference: many keys do not fit, and
		// names of experiments do, where each has settings of its own.
		signatures, pairs := map[string]bool{}, map[[2]string]bool{}
		names := map[string]bool{}
		for _, i := range members {
			s := runs[i].signature()
			names[runs[i].Name], signatures[s], pairs[[2]string{runs[i].Name, s}] = true, true, true
		}
		if len(keys) > 2 && len(names) == len(signatures) && len(pairs) == len(names) {
			keys = []string{"experiment"}
		}
		for _, i := range members {
			varied := slices.Clone(runs[i].Varied)
			for _, k := range keys {
				if v, ok := runs[i].Value(k); ok {
					varied = append(varied, runlog.Setting{Key: k, Value: v})
				}
			}
			runs[i].Varied = varied
		}
	}
}

// Differing returns the settings in which some runs differ, besides the seed, and
// "experiment" where they are of several and do not say their settings.
func Differing(runs []Run) []string {
	if len(runs) == 0 {
		return nil
	}
	differ, keys := map[string]bool{}, map[string]bool{}
	first := &runs[0]
	for i := range runs {
		r := &runs[i]
		if (r.Settings == nil) != (first.Settings == nil) || r.Settings == nil && r.Name != first.Name {
			differ["experiment"] = true
		}
		for k := range r.Settings {
			keys[k] = true
		}
	}
	delete(keys, "seed")
	for k := range keys {
		var of *Run // the first that knows
		for i := range runs {
			r := &runs[i]
			if r.Settings == nil || !r.knows(k) {
				continue
			}
			if of == nil {
				of = r
			}
			a, inA := r.Settings[k]
			b, inB := of.Settings[k]
			if a != b || inA != inB {
				differ[k] = true
				break
			}
		}
	}
	return slices.Sorted(maps.Keys(differ))
}
