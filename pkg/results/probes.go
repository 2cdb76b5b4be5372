package results

import (
	"math"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/runlog"
)

// A Course is what one of the compared oracles made of the subproblem of one step, budget
// by budget.
type Course struct {
	Step   float64
	Oracle string
	Values map[string][]float64 // by column of numbers of probes.csv; NaN: does not apply
}

// ReadProbes reads the text of probes.csv, whose path is for messages. A last row that a
// crash cut short is left out, with a warning.
func ReadProbes(path string, text []byte) (courses []Course, warning string, err error) {
	t, warning, err := runlog.ReadCSV(path, text, runlog.Probes.Header())
	if err != nil {
		return nil, "", err
	}
	columns := runlog.Probes.Numbers()
	rows, err := t.Numbers(columns)
	if err != nil {
		return nil, "", err
	}
	for i, row := range rows {
		step, budget, oracle := row["step"], row["budget"], t.Cell(i, "oracle")
		if !(step >= 0) || !(budget >= 0) || math.IsInf(step, 1) || math.IsInf(budget, 1) {
			return nil, "", t.Errorf(i, "budget", "step %q, budget %q: must be whole numbers", t.Cell(i, "step"), t.Cell(i, "budget"))
		}
		if oracle == "" {
			return nil, "", t.Errorf(i, "oracle", "is empty, expected the name of an oracle")
		}
		n := len(courses)
		if n == 0 || courses[n-1].Step != step || courses[n-1].Oracle != oracle || last(courses[n-1].Values["budget"]) >= budget {
			courses = append(courses, Course{Step: step, Oracle: oracle, Values: map[string][]float64{}})
			n++
		}
		for _, c := range columns {
			courses[n-1].Values[c] = append(courses[n-1].Values[c], row[c])
		}
	}
	return courses, warning, nil
}

func last(list []float64) float64 { return list[len(list)-1] }

// Probes reads the probes.csv of a run, if it has one. That its last row is cut short is
// a warning.
func (res *Results) Probes(r *Run) ([]Course, error) {
	return readLog(res, r, runlog.Probes, ReadProbes)
}

// readLog reads a table that a run has on request, nil if it has none.
func readLog[R, E any](res *Results, r *Run, form runlog.Table[R], read func(path string, text []byte) ([]E, string, error)) ([]E, error) {
	path := filepath.Join(r.Dir, form.File)
	text, err := runlog.ReadFile(path, runlog.MaxTable, runlog.MaxLine)
	if absent(err) {
		return nil, nil
	}
	if err != nil || !r.ended() && form.Begins(text) {
		return nil, err
	}
	list, warning, err := read(path, text)
	if warning != "" {
		res.warn("%s", warning)
	}
	return list, err
}
