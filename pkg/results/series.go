package results

import (
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// A Series is the runs of one method with the same settings, a seed each.
type Series struct {
	Method   string
	Settings []runlog.Setting // that tell it from others of the method
	Label    string           // both
	Index    int              // gives it its colour, the same in all figures
	Runs     []Run
}

// Series returns the runs, grouped.
func (res *Results) Series() []Series {
	var out []Series
	owner := map[int]string{}
	consecutive := false // method indices do not tell the series apart
	for _, r := range res.Runs {
		if n := len(out); n > 0 && out[n-1].Method == r.Method && slices.Equal(out[n-1].Settings, r.Varied) {
			out[n-1].Runs = append(out[n-1].Runs, r)
			continue
		}
		if _, taken := owner[r.MethodIndex]; taken {
			consecutive = true
		}
		owner[r.MethodIndex] = r.Method
		out = append(out, Series{Method: r.Method, Settings: r.Varied, Index: r.MethodIndex, Runs: []Run{r}})
	}
	short := ShortKeys(out)
	for i := range out {
		s := &out[i]
		if consecutive {
			s.Index = i
		}
		s.Label = s.Method
		for _, v := range s.Settings {
			s.Label += ", " + short(v.Key) + "=" + v.Value
		}
		s.Label = strict.OneLine(s.Label)
	}
	return out
}

// ShortKeys returns a function that cuts keys down to their last name, where
// that tells them apart.
func ShortKeys(list []Series) func(string) string {
	uses := map[string]map[string]bool{}
	last := func(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }
	for _, s := range list {
		for _, v := range s.Settings {
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

// Sound returns the runs whose logs are not damaged.
func (s Series) Sound() (out []Run) {
	for _, r := range s.Runs {
		if r.Damage == "" {
			out = append(out, r)
		}
	}
	return out
}

// Final returns the last values of a column in the complete runs.
func (s Series) Final(column string) []float64 { return s.Values(column, false) }

// Values returns the last or the best value of a column in each complete run.
func (s Series) Values(column string, best bool) (v []float64) {
	for _, r := range s.Runs {
		if x, ok := r.Result(column, best); ok && r.Complete() {
			v = append(v, x)
		}
	}
	return v
}
