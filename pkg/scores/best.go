package scores

import (
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

// Chooser is the column that tells good settings from bad ones: never one of
// test data.
func Chooser(res *results.Results) string {
	if res.Has(runlog.Columns.ValidLoss) {
		return runlog.Columns.ValidLoss
	}
	return runlog.Columns.TrainLoss
}

// BestOf returns the one of several series with the least mean of a final value,
// -1 if none has one. A series with runs that did not end well comes after all
// without.
func BestOf(list []results.Series, column string) int {
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
