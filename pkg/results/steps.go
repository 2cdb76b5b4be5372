package results

import (
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/runlog"
)

// spent are the columns of steps.csv that say what a run had spent after a step.
var spent = []string{runlog.Columns.Step, runlog.Columns.WallSeconds, runlog.Columns.Cost, runlog.Columns.OracleCalls}

// Beyond returns what a run had spent, by column of metrics.csv, after the first logged step
// that ended at some amount of a column or beyond it, if the run was well there: of one that
// diverged, a later batch must have had a finite loss. It knows more than the evaluations
// of a run that ended between two of them. Runs without steps.csv, as those of exports, and
// amounts that it does not have, are not known of. A file that cannot be understood is a
// warning.
func (res *Results) Beyond(r *Run, column string, amount float64) (at runlog.Row, ok bool) {
	if r.known != nil || !slices.Contains(spent, column) {
		return nil, false
	}
	const loss = "batch_loss"
	rows, err := readLog(res, r, runlog.Steps, func(path string, text []byte) ([]runlog.Row, string, error) {
		columns := append(slices.Clone(spent), loss)
		t, warning, err := runlog.ReadCSV(path, text, columns)
		if err != nil {
			return nil, "", err
		}
		rows, err := t.Numbers(columns)
		return rows, warning, err
	})
	if err != nil {
		res.warn("%v; where the run ended is not known", err)
		return nil, false
	}
	i := slices.IndexFunc(rows, func(row runlog.Row) bool { return row[column] >= amount })
	if i < 0 {
		return nil, false
	}
	finite := func(row runlog.Row) bool { return !math.IsNaN(row[loss]) && !math.IsInf(row[loss], 0) }
	if r.Outcome == runlog.Diverged && !slices.ContainsFunc(rows[i+1:], finite) {
		return nil, false
	}
	at = rows[i]
	delete(at, loss)
	return at, true
}
