package page

import (
	"fmt"
	"slices"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A runLog is the logs of a run by column.
type runLog struct {
	rows  map[string][]float64 // columns of metrics.csv that have a number
	steps *results.StepLog     // nil: there are none
}

// readLogs takes the logs of all runs apart into columns. A steps.csv that cannot be read is
// a warning of the results.
func readLogs(res *results.Results) (logs []runLog) {
	for i := range res.Runs {
		r := &res.Runs[i]
		l := runLog{rows: map[string][]float64{}}
		for _, c := range runlog.Metrics.Numbers() {
			values := make([]float64, len(r.Rows))
			some := false
			for j, row := range r.Rows {
				values[j] = row[c]
				some = some || row[c] == row[c] // is no NaN
			}
			if some {
				l.rows[c] = values
			}
		}
		var err error
		if l.steps, err = res.StepLog(r); err != nil {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%v; its steps are not shown", err))
		}
		logs = append(logs, l)
	}
	return logs
}

// sharedRows returns for each run of a series which rows of metrics.csv to keep, nil for all.
// Runs that were evaluated at the same steps keep the same rows, as means are of these.
func sharedRows(logs []runLog, shown []axis, limit int) [][]int {
	kept := make([][]int, len(logs))
	step := runlog.Columns.Step
	together := true
	for _, l := range logs {
		together = together && slices.Equal(l.rows[step], logs[0].rows[step])
	}
	columns := func(l runLog) (out [][]float64) {
		for _, a := range shown {
			if v, ok := l.rows[a.Column]; ok {
				out = append(out, v)
			}
		}
		return out
	}
	var all [][]float64
	for i, l := range logs {
		own := columns(l)
		all = append(all, own...)
		if !together {
			kept[i] = extremes(len(l.rows[step]), own, limit)
		}
	}
	if together && len(logs) > 0 {
		rows := extremes(len(logs[0].rows[step]), all, limit)
		for i := range kept {
			kept[i] = rows
		}
	}
	return kept
}
