package results

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// hashed is the size in bytes up to which arrays are compared by their checksum.
// Of larger ones the size has to do: to hash the weights of hundreds of runs would
// take longer than to draw their figures.
const hashed = 16 << 20

// inspect compares the folder of a run, whose metrics.csv has been read, with
// what is known of it, and fills in Damage and Missing.
func (r *Run) inspect(metrics []byte) error {
	r.Damage = r.disorder()
	if !r.ended() {
		return nil
	}
	if r.Files == nil {
		if r.Damage == "" {
			r.Damage = r.shortened()
		}
		r.lacks()
		return nil
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		want := r.Files[name]
		if !filepath.IsLocal(name) {
			return runlog.Errorf("%s: files: %s is not the name of a file of the run", filepath.Join(r.Dir, runlog.ManifestFile), strict.Quote(name))
		}
		var text []byte
		if name == runlog.Metrics.File {
			text = metrics
		}
		problem, err := want.Compare(filepath.Join(r.Dir, name), text, hashed)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.Missing = append(r.Missing, name)
		case err != nil:
			found = append(found, fmt.Sprintf("%s cannot be read: %v", name, err))
		case problem != "":
			found = append(found, name+" "+problem)
		}
	}
	if len(found) > 0 { // says more than the order of the rows
		r.Damage = strings.Join(found, ", ")
	}
	return nil
}

// disorder says where the rows of metrics.csv are those of another run, or do not
// follow each other.
func (r *Run) disorder() string {
	for _, row := range r.Rows {
		if seed := row[runlog.Columns.Seed]; seed != float64(r.Seed) && !math.IsNaN(seed) {
			return fmt.Sprintf("metrics.csv has rows of seed %.0f, and the run is that of seed %d", seed, r.Seed)
		}
	}
	for i := 1; i < len(r.Rows); i++ {
		switch a, b := r.Rows[i-1][runlog.Columns.Step], r.Rows[i][runlog.Columns.Step]; {
		case a == b:
			return fmt.Sprintf("metrics.csv has two rows of step %.0f", a)
		case b < a:
			return fmt.Sprintf("metrics.csv goes back from step %.0f to step %.0f", a, b)
		}
	}
	return ""
}

// shortened says what shows that rows of metrics.csv are missing, where a
// manifest does not say how many there were. Runs are evaluated before the first
// step, every epoch or every N steps, and at their end, where the manifest has the
// time.
func (r *Run) shortened() string {
	if r.Settings["evaluate.every"] == "" { // the logs of another tool
		return ""
	}
	column, every, distance := runlog.Columns.Epoch, 1.0, "epoch"
	if n, err := strconv.Atoi(r.Settings["evaluate.every"]); err == nil && n > 0 {
		column, every, distance = runlog.Columns.Step, float64(n), fmt.Sprintf("%d steps", n)
	}
	n := len(r.Rows)
	switch {
	case n == 0:
		return "metrics.csv has no rows"
	case r.Rows[0][runlog.Columns.Step] != 0:
		return fmt.Sprintf("metrics.csv begins at step %.0f, and not at 0", r.Rows[0][runlog.Columns.Step])
	}
	for i := 1; i < n; i++ {
		from, to := r.Rows[i-1][column], r.Rows[i][column]
		if gap := (to - from) / every; gap > 1+1e-6 || gap < 1-1e-6 && i < n-1 {
			return fmt.Sprintf("metrics.csv goes from %s %.4g to %.4g, and there was an evaluation every %s", column, from, to, distance)
		}
	}
	if last := r.Rows[n-1][runlog.Columns.WallSeconds]; r.Complete() && r.WallSeconds > 0 && math.Abs(last-r.WallSeconds) > 1e-6*r.WallSeconds {
		return fmt.Sprintf("metrics.csv ends at %.4g s, and the run did at %.4g s", last, r.WallSeconds)
	}
	return ""
}

// lacks finds the files that all runs leave, where the manifest does not list
// them.
func (r *Run) lacks() {
	if r.Settings["evaluate.every"] == "" { // the logs of another tool
		return
	}
	names := []string{runlog.Steps.File}
	if r.Outcome != runlog.Diverged {
		names = append(names, runlog.ParamsFile)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(r.Dir, name)); err != nil {
			r.Missing = append(r.Missing, name)
		}
	}
}

// WarnOfFiles adds warnings of damaged runs one by one, and one of all the files
// that runs have lost and that figures and tables do not need.
func (res *Results) WarnOfFiles() {
	n, first := 0, ""
	for _, r := range res.Runs {
		if r.Damage != "" {
			res.warn("%s: damaged, and in no mean or figure: %s; restore the file, or move the folder away and let dgn run make the run again", r.Dir, r.Damage)
		}
		if len(r.Missing) > 0 {
			if n++; n == 1 {
				first = fmt.Sprintf("%s lacks %s", r.Dir, strings.Join(r.Missing, " and "))
			}
		}
	}
	res.warnOfBits()
	switch {
	case n == 1:
		res.warn("%s, which the run left; its metrics.csv is whole, and in tables and figures", first)
	case n > 1:
		res.warn("%s, which the run left, and %d more runs lack files; their metrics.csv are whole, and in tables and figures", first, n-1)
	}
}

// warnOfBits tells of runs that instruction sets of two kinds have made.
func (res *Results) warnOfBits() {
	n, first := 0, ""
	for _, r := range res.Runs {
		if r.MixedISA != nil {
			if n++; n == 1 {
				first = fmt.Sprintf("%s was made with the instruction sets %s, one after another", r.Dir, strings.Join(r.MixedISA, ", "))
			}
		}
	}
	switch {
	case n == 1:
		res.warn("%s: its bits are those of none of them", first)
	case n > 1:
		res.warn("%s, and %d more runs with several too: their bits are those of none of them", first, n-1)
	}
}
