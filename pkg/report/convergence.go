package report

import (
	"errors"
	"io/fs"
	"math"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/runlog"
)

// A solve is the course of one inner solve, from iteration 0 or 1 on.
type solve struct {
	step       float64
	iterations []float64
	values     map[string][]float64 // by column of inner.csv; NaN: does not apply
}

// readInner reads inner.csv.
func readInner(path string, text []byte) (solves []solve, warning string, err error) {
	t, warning, err := runlog.ReadCSV(path, text, runlog.Inner.Numbers())
	if err != nil {
		return nil, "", err
	}
	rows, err := t.Numbers(runlog.Inner.Numbers())
	if err != nil {
		return nil, "", err
	}
	for i, row := range rows {
		step, iteration := row["step"], row["iteration"]
		if !(step >= 0) || !(iteration >= 0) || math.IsInf(step, 1) || math.IsInf(iteration, 1) {
			return nil, "", t.Errorf(i, "iteration", "step %q, iteration %q: must be whole numbers", t.Cell(i, "step"), t.Cell(i, "iteration"))
		}
		n := len(solves)
		if n == 0 || solves[n-1].step != step || solves[n-1].iterations[len(solves[n-1].iterations)-1] >= iteration {
			solves = append(solves, solve{step: step, values: map[string][]float64{}})
			n++
		}
		s := &solves[n-1]
		s.iterations = append(s.iterations, iteration)
		for _, c := range []string{"relative_residual", "duality_gap"} {
			s.values[c] = append(s.values[c], row[c])
		}
	}
	return solves, warning, nil
}

// inner reads the inner.csv of a run, if it has one.
func (res *Results) inner(r *Run) ([]solve, error) {
	path := filepath.Join(r.Dir, "inner.csv")
	text, err := runlog.ReadFile(path, runlog.MaxTable, runlog.MaxLine)
	if absent(err) {
		return nil, nil
	}
	if err != nil || !r.ended() && runlog.Inner.Begins(text) {
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
