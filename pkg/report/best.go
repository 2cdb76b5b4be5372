package report

import (
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/scores"
)

// bestOf returns the best series of each method, and of methods without a
// complete run the first. They have the colours that their methods have without
// a sweep.
func bestOf(res *results.Results, list []results.Series) (out []results.Series) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Method == list[0].Method {
			n++
		}
		out = append(out, list[max(0, scores.BestOf(list[:n], scores.Chooser(res)))])
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
