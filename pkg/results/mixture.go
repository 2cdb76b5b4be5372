package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
)

// Mixture says in which settings of the problem the runs differ that no label
// tells: their curves do not compare as they stand; "" if in none.
func (res *Results) Mixture() string {
	var keys []string
	for _, k := range Differing(res.Runs) {
		group, _, _ := strings.Cut(k, ".")
		group, _, _ = strings.Cut(group, "[")
		if slices.Contains([]string{"data", "checksums", "model", "loss", "precision", "experiment"}, group) || k == "train.batch_size" && !res.sameUnit() {
			if k != "experiment" && !res.labelled(k) {
				keys = append(keys, k)
			}
		}
	}
	if len(keys) == 0 {
		return ""
	}
	if len(keys) > 4 {
		keys = append(keys[:4], fmt.Sprintf("%d more", len(keys)-4))
	}
	return "the problems differ: runs have different " + strings.Join(keys, ", ")
}

// sameUnit reports whether the costs of all runs are counted in mini-batches of one
// size, so that they compare whatever the sizes of their own.
func (res *Results) sameUnit() bool {
	unit := func(r *Run) string { return cmp.Or(r.Settings["train.cost_unit"], r.Settings["train.batch_size"]) }
	for i := range res.Runs {
		if unit(&res.Runs[i]) != unit(&res.Runs[0]) {
			return false
		}
	}
	return true
}

// labelled reports whether all labels tell a setting.
func (res *Results) labelled(key string) bool {
	for _, r := range res.Runs {
		told := slices.ContainsFunc(r.Varied, func(s runlog.Setting) bool {
			return s.Key == key || strings.HasPrefix(key, s.Key+".") || strings.HasPrefix(key, s.Key+"[")
		})
		if !told {
			return false
		}
	}
	return true
}
