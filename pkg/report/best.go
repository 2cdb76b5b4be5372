package report

import (
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/stats"
)

// chooser is the column that tells good settings from bad ones: never one of
// test data.
func chooser(res *results.Results) string {
	if res.Has("valid_loss") {
		return "valid_loss"
	}
	return "train_loss"
}

// best returns the one of several series with the least mean of a final value,
// -1 if none has one. A series with runs that did not end well comes after all
// without.
func best(list []results.Series, column string) int {
	at, least, whole := -1, 0.0, false
	for i, s := range list {
		v := s.Final(column)
		if len(v) == 0 {
			continue
		}
		m := stats.Mean(v)
		if w := len(v) == len(s.Runs); at < 0 || w && !whole || w == whole && m < least {
			at, least, whole = i, m, w
		}
	}
	return at
}

// bestOf returns the best series of each method, and of methods without a
// complete run the first. They have the colours that their methods have without
// a sweep.
func bestOf(res *results.Results, list []results.Series) (out []results.Series) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Method == list[0].Method {
			n++
		}
		out = append(out, list[max(0, best(list[:n], chooser(res)))])
		list = list[n:]
	}
	indices := map[int]bool{}
	for _, s := range out {
		indices[s.Runs[0].MethodIndex] = true
	}
	for i := range out {
		out[i].Index = i
		if len(indices) == len(out) { // else the methods are of several experiments
			out[i].Index = out[i].Runs[0].MethodIndex
		}
	}
	return out
}
