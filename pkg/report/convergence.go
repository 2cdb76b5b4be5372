package report

import (
	"errors"
	"io/fs"
	"math"
	"path/filepath"
)

// A solve is the course of one inner solve, from iteration 0 or 1 on.
type solve struct {
	step       float64
	iterations []float64
	values     map[string][]float64 // by column of inner.csv; NaN: does not apply
}

// innerColumns are those of inner.csv: a row for each inner iteration of a
// logged step.
var innerColumns = []string{"step", "iteration", "relative_residual", "duality_gap"}

// readInner reads inner.csv.
func readInner(path string, text []byte) (solves []solve, warning string, err error) {
	t, warning, err := readTable(path, text, innerColumns)
	if err != nil {
		return nil, "", err
	}
	for i := range t.rows {
		var row [4]float64
		for j, c := range innerColumns {
			if row[j], err = t.number(i, c); err != nil {
				return nil, "", err
			}
		}
		step, iteration := row[0], row[1]
		if !(step >= 0) || !(iteration >= 0) || math.IsInf(step, 1) || math.IsInf(iteration, 1) {
			return nil, "", t.errorf(i, "iteration", "step %q, iteration %q: must be whole numbers", t.cell(i, "step"), t.cell(i, "iteration"))
		}
		n := len(solves)
		if n == 0 || solves[n-1].step != step || solves[n-1].iterations[len(solves[n-1].iterations)-1] >= iteration {
			solves = append(solves, solve{step: step, values: map[string][]float64{}})
			n++
		}
		s := &solves[n-1]
		s.iterations = append(s.iterations, iteration)
		for j, c := range innerColumns[2:] {
			s.values[c] = append(s.values[c], row[j+2])
		}
	}
	return solves, warning, nil
}

// inner reads the inner.csv of a run, if it has one.
func (res *Results) inner(r *Run) ([]solve, error) {
	path := filepath.Join(r.Dir, "inner.csv")
	text, err := readFile(path, maxLog, maxLine)
	if absent(err) {
		return nil, nil
	}
	if err != nil || r.cut(text, innerColumns) {
		return nil, err
	}
	solves, warning, err := readInner(path, text)
	if warning != "" {
		res.warn("%s", warning)
	}
	return solves, err
}

// absent reports whether a file is not there. Runs of an export have no folder:
// what should be one is not there either.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
