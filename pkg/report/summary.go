package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
)

// A Summary has a line for each method, and each of its settings.
type Summary struct {
	Lines    []Line
	Warnings []string
	timing   string
	varied   []string // keys of the settings
}

// A Line sums up the runs of one method with the same settings: final values of
// its complete runs.
type Line struct {
	Method   string
	Settings []runlog.Setting // what tells it from others of the method
	Label    string           // both
	Runs     int
	Complete int                   // of which the final values are
	Outcomes map[string]int        // runs by outcome; of ended ones, damaged and incomplete apart
	Final    map[string]stats.Stat // by column of metrics.csv
}

// finals are the columns that a summary has.
var finals = []string{runlog.Columns.TrainLoss, runlog.Columns.TrainAccuracy, runlog.Columns.ValidLoss, runlog.Columns.ValidAccuracy, runlog.Columns.TestLoss, runlog.Columns.TestAccuracy, runlog.Columns.TestRMSE, runlog.Columns.ValidL2, runlog.Columns.TestL2, runlog.Columns.TestRelativeL2, runlog.Columns.WallSeconds, runlog.Columns.Cost, runlog.Columns.OracleCalls}

// Summarize sums up all methods. Runs that did not reach their end are counted,
// and enter no mean.
func Summarize(res *results.Results) *Summary {
	s := &Summary{Warnings: res.Warnings, timing: res.Timing()}
	for _, runs := range res.Series() {
		l := Line{Method: runs.Method, Settings: runs.Settings, Label: runs.Label, Runs: len(runs.Runs), Outcomes: map[string]int{}, Final: map[string]stats.Stat{}}
		for _, c := range finals {
			l.Final[c] = stats.Of(runs.Final(c))
		}
		for _, r := range runs.Runs {
			state := r.State()
			if r.Complete() {
				l.Complete++
				if len(r.Missing) > 0 {
					state = results.Incomplete
				}
			}
			l.Outcomes[state]++
		}
		for _, v := range l.Settings {
			if !slices.Contains(s.varied, v.Key) {
				s.varied = append(s.varied, v.Key)
			}
		}
		s.Lines = append(s.Lines, l)
	}
	return s
}

// columns are those of final values; ones that earlier versions do not have are left out where
// there is nothing in them.
func (s *Summary) columns() []string {
	added := runlog.Metrics.Added()
	return slices.DeleteFunc(slices.Clone(finals), func(c string) bool { return slices.Contains(added, c) && !s.has(c) })
}

// has reports whether any line has a number in a column.
func (s *Summary) has(column string) bool {
	for _, l := range s.Lines {
		if l.Final[column].N > 0 {
			return true
		}
	}
	return false
}

// WriteTable writes the summary for people.
func (s *Summary) WriteTable(w io.Writer) error {
	shown := []struct{ column, title, format string }{
		{runlog.Columns.TrainLoss, "train loss", "%.4g"}, {runlog.Columns.ValidLoss, "valid. loss", "%.4g"}, {runlog.Columns.TestLoss, "test loss", "%.4g"},
		{runlog.Columns.TestAccuracy, "test accuracy", "%.2f"}, {runlog.Columns.TestRMSE, "test RMSE", "%.4g"}, {runlog.Columns.TestL2, "test L2", "%.4g"}, {runlog.Columns.TestRelativeL2, "relative", "%.4g"},
		{runlog.Columns.WallSeconds, "seconds", "%.3g"}, {runlog.Columns.Cost, "cost", "%.0f"}, {runlog.Columns.OracleCalls, "oracle calls", "%.0f"},
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "method\truns")
	for _, c := range shown {
		if s.has(c.column) {
			fmt.Fprintf(t, "\t%s", c.title)
		}
	}
	fmt.Fprintln(t)
	for _, l := range s.Lines {
		fmt.Fprintf(t, "%s\t%d%s", l.Label, l.Runs, note(l.Outcomes, l.Runs))
		for _, c := range shown {
			if s.has(c.column) {
				fmt.Fprintf(t, "\t%s", cell(c.column, c.format, l.Final[c.column], l.Runs))
			}
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	text := "final values: mean ± standard deviation over the seeds"
	if slices.ContainsFunc(s.Lines, func(l Line) bool { return l.Complete > 0 && l.Complete < l.Runs }) {
		text += "; [k/n]: of the k of n runs that ended well alone"
	}
	_, err := fmt.Fprintln(w, text)
	if s.timing != "" && err == nil {
		_, err = fmt.Fprintln(w, s.timing)
	}
	return err
}

// cell is the text of a final value of some runs: of how many, if not of all.
func cell(column, format string, v stats.Stat, runs int) string {
	if v.N == 0 {
		return "-"
	}
	unit := ""
	if strings.HasSuffix(column, "accuracy") {
		v.Mean, v.SD, unit = 100*v.Mean, 100*v.SD, " %"
	}
	text := fmt.Sprintf(format, v.Mean)
	if v.N > 1 && column != runlog.Columns.Cost && column != runlog.Columns.OracleCalls {
		text += " ± " + fmt.Sprintf(strings.Replace(format, ".4g", ".2g", 1), v.SD)
	}
	text += unit
	if v.N < runs {
		text += fmt.Sprintf(" [%d/%d]", v.N, runs)
	}
	return text
}

// note says why the means of a line are not of all its runs.
func (l Line) note() string {
	counts := maps.Clone(l.Outcomes)
	delete(counts, results.Incomplete)
	parts := ends(counts, l.Runs)
	if l.Complete > 0 && l.Complete < l.Runs {
		parts = append(parts, fmt.Sprintf("means are of the other %d alone", l.Complete))
	}
	return strings.Join(parts, "; ")
}

// WriteCSV writes summary.csv: for each method, with the settings that tell its
// runs apart as columns, the number of runs by outcome, the number mean_runs of
// runs that ended well, and of their final values mean, standard deviation and the
// interval of the mean: see stats.Interval. The column note says of a method whose
// other runs are in no mean what became of them.
func (s *Summary) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	states := results.States()
	header := slices.Concat([]string{"method"}, s.varied, []string{"runs"}, states, []string{"mean_runs"})
	columns := s.columns()
	for _, f := range columns {
		header = append(header, f+"_mean", f+"_sd", f+"_low", f+"_high")
	}
	header = append(header, "note")
	c.Write(header) // errors stay until Error
	for _, l := range s.Lines {
		row := []string{l.Method}
		for _, k := range s.varied {
			v := ""
			if i := slices.IndexFunc(l.Settings, func(s runlog.Setting) bool { return s.Key == k }); i >= 0 {
				v = l.Settings[i].Value
			}
			row = append(row, v)
		}
		row = append(row, strconv.Itoa(l.Runs))
		for _, o := range states {
			row = append(row, strconv.Itoa(l.Outcomes[o]))
		}
		row = append(row, strconv.Itoa(l.Complete))
		for _, f := range columns {
			row = append(row, runlog.Number(l.Final[f].Mean), runlog.Number(l.Final[f].SD), runlog.Number(l.Final[f].Lo), runlog.Number(l.Final[f].Hi))
		}
		c.Write(append(row, l.note()))
	}
	c.Flush()
	return c.Error()
}
