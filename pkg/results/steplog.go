package results

import (
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/runlog"
)

// A StepLog is the columns of the steps.csv of a run, as far as it has them.
type StepLog struct {
	Values map[string][]float64 // by column; NaN: does not apply
	Stops  []string             // why inner solves ended; nil: there is no such column
}

// StepLog reads the steps.csv of a run, nil if it has none. Of the columns only step is
// needed: other versions have others. That its last row is cut short is a warning.
func (res *Results) StepLog(r *Run) (*StepLog, error) {
	list, err := readLog(res, r, runlog.Steps, readSteps)
	if err != nil || list == nil {
		return nil, err
	}
	return &list[0], nil
}

// stopReason is the column of texts.
const stopReason = "stop_reason"

// readSteps reads the text of steps.csv, whose path is for messages.
func readSteps(path string, text []byte) ([]StepLog, string, error) {
	t, warning, err := runlog.ReadCSV(path, text, []string{runlog.Columns.Step})
	if err != nil {
		return nil, "", err
	}
	columns := slices.DeleteFunc(runlog.Steps.Numbers(), func(c string) bool { return !slices.Contains(t.Header, c) })
	rows, err := t.Numbers(columns)
	if err != nil {
		return nil, "", err
	}
	log := StepLog{Values: map[string][]float64{}}
	for i, row := range rows {
		if s := row[runlog.Columns.Step]; !(s >= 0) || math.IsInf(s, 1) {
			return nil, "", t.Errorf(i, runlog.Columns.Step, "%q is not the number of a step", t.Cell(i, runlog.Columns.Step))
		}
		for _, c := range columns {
			log.Values[c] = append(log.Values[c], row[c])
		}
		if slices.Contains(t.Header, stopReason) {
			log.Stops = append(log.Stops, t.Cell(i, stopReason))
		}
	}
	return []StepLog{log}, warning, nil
}
