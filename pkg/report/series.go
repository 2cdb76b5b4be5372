package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// compareSettings orders by key, and numbers by their value.
func compareSettings(s, t runlog.Setting) int {
	if s.Key == t.Key {
		if c, ok := compareNumbers(s.Value, t.Value); ok && c != 0 {
			return c
		}
	}
	return cmp.Or(strings.Compare(s.Key, t.Key), strings.Compare(s.Value, t.Value))
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
	fmt.Fprintf(&b, "%q", r.Varied)
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
			v, ok := r.value(k)
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
			if !runs[first].complete() && r.complete() {
				runs[first], r = r, runs[first]
			}
			res.warn("%s: has the method, settings and seed of %s: left out", r.Dir, runs[first].Dir)
			continue
		}
		seen[key] = len(runs)
		name := fmt.Sprintf("%q%q", r.Method, r.Varied)
		alike[name] = append(alike[name], len(runs))
		runs = append(runs, r)
	}
	res.Runs = runs
	for _, name := range slices.Sorted(maps.Keys(alike)) {
		members := alike[name]
		keys := differing(runs, members)
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
				if v, ok := runs[i].value(k); ok {
					varied = append(varied, runlog.Setting{Key: k, Value: v})
				}
			}
			runs[i].Varied = varied
		}
	}
}

// differing returns the settings in which some runs differ, besides the seed.
func differing(runs []Run, members []int) []string {
	differ, keys := map[string]bool{}, map[string]bool{}
	first := &runs[members[0]]
	for _, i := range members {
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
		for _, i := range members {
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

// knows reports whether the run has no value of a setting only if it lacks the
// setting.
func (r *Run) knows(key string) bool { return r.known == nil || r.known[key] }

// value returns the value of a setting, and whether the run has it.
func (r *Run) value(key string) (string, bool) {
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

// A series is the runs of one method with the same settings, a seed each.
type series struct {
	method   string
	settings []runlog.Setting // that tell it from others of the method
	label    string
	index    int // gives it its colour, the same in all figures
	runs     []Run
}

// series returns the runs, grouped.
func (res *Results) series() []series {
	var out []series
	owner := map[int]string{}
	consecutive := false // method indices do not tell the series apart
	for _, r := range res.Runs {
		if n := len(out); n > 0 && out[n-1].method == r.Method && slices.Equal(out[n-1].settings, r.Varied) {
			out[n-1].runs = append(out[n-1].runs, r)
			continue
		}
		if _, taken := owner[r.MethodIndex]; taken {
			consecutive = true
		}
		owner[r.MethodIndex] = r.Method
		out = append(out, series{method: r.Method, settings: r.Varied, index: r.MethodIndex, runs: []Run{r}})
	}
	short := shortKeys(out)
	for i := range out {
		s := &out[i]
		if consecutive {
			s.index = i
		}
		s.label = s.method
		for _, v := range s.settings {
			s.label += ", " + short(v.Key) + "=" + v.Value
		}
		s.label = strict.OneLine(s.label)
	}
	return out
}

// shortKeys returns a function that cuts keys down to their last name, where
// that tells them apart.
func shortKeys(list []series) func(string) string {
	uses := map[string]map[string]bool{}
	last := func(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }
	for _, s := range list {
		for _, v := range s.settings {
			if uses[last(v.Key)] == nil {
				uses[last(v.Key)] = map[string]bool{}
			}
			uses[last(v.Key)][v.Key] = true
		}
	}
	return func(key string) string {
		if len(uses[last(key)]) > 1 {
			return key
		}
		return last(key)
	}
}

// final returns the last values of a column in the complete runs.
func (s series) final(column string) []float64 { return s.values(column, false) }

// values returns the last or the best value of a column in each complete run.
func (s series) values(column string, best bool) (v []float64) {
	for _, r := range s.runs {
		if x, ok := r.result(column, best); ok && r.complete() {
			v = append(v, x)
		}
	}
	return v
}

// result returns the last or the best value of a column, if the run has one.
func (r *Run) result(column string, best bool) (x float64, ok bool) {
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
