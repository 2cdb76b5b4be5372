package results

import (
	"errors"
	"io/fs"
	"math"

	"github.com/dualgn/dgn/pkg/runlog"
)

// A Solve is the course of one inner solve, from iteration 0 or 1 on.
type Solve struct {
	Step       float64
	Iterations []float64
	Values     map[string][]float64 // by column of inner.csv; NaN: does not apply
}

// ReadSolves reads the text of inner.csv, whose path is for messages. A last row that a
// crash cut short is left out, with a warning.
func ReadSolves(path string, text []byte) (solves []Solve, warning string, err error) {
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
		if n == 0 || solves[n-1].Step != step || solves[n-1].Iterations[len(solves[n-1].Iterations)-1] >= iteration {
			solves = append(solves, Solve{Step: step, Values: map[string][]float64{}})
			n++
		}
		s := &solves[n-1]
		s.Iterations = append(s.Iterations, iteration)
		for _, c := range []string{"relative_residual", "duality_gap"} {
			s.Values[c] = append(s.Values[c], row[c])
		}
	}
	return solves, warning, nil
}

// Solves reads the inner.csv of a run, if it has one. That its last row is cut short is
// a warning.
func (res *Results) Solves(r *Run) ([]Solve, error) {
	return readLog(res, r, runlog.Inner, ReadSolves)
}

// absent reports whether a file is not there. Runs of an export have no folder:
// what should be one is not there either.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
