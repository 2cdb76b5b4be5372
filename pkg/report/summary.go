package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
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
	Settings []Setting // swept
	Label    string    // both
	Runs     int
	Outcomes map[string]int
	Final    map[string]Stat // by column of metrics.csv
}

// A Stat is the mean and the sample standard deviation of n numbers; with one
// number, there is no deviation (NaN).
type Stat struct {
	N        int
	Mean, SD float64
}

// stat computes a Stat.
func stat(v []float64) Stat {
	s := Stat{N: len(v), Mean: math.NaN(), SD: math.NaN()}
	if len(v) == 0 {
		return s
	}
	s.Mean = 0
	for _, x := range v {
		s.Mean += x / float64(len(v))
	}
	if len(v) > 1 {
		q := 0.0
		for _, x := range v {
			q += (x - s.Mean) * (x - s.Mean)
		}
		s.SD = math.Sqrt(q / float64(len(v)-1))
	}
	return s
}

// finals are the columns that a summary has.
var finals = []string{"train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy", "test_rmse", "wall_seconds", "cost", "oracle_calls"}

// Summarize sums up all methods. Runs that did not reach their end are counted,
// and enter no mean.
func Summarize(res *Results) *Summary {
	s := &Summary{Warnings: res.Warnings, timing: res.timing()}
	for _, runs := range res.groups() {
		l := Line{Method: runs[0].Method, Settings: runs[0].Varied, Label: runs[0].label(), Runs: len(runs), Outcomes: map[string]int{}, Final: map[string]Stat{}}
		for _, c := range finals {
			var v []float64
			for _, r := range runs {
				if n := len(r.Rows); r.complete() && n > 0 && !math.IsNaN(r.Rows[n-1][c]) {
					v = append(v, r.Rows[n-1][c])
				}
			}
			l.Final[c] = stat(v)
		}
		for _, r := range runs {
			l.Outcomes[r.Outcome]++
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
		{"train_loss", "train loss", "%.4g"}, {"valid_loss", "valid. loss", "%.4g"}, {"test_loss", "test loss", "%.4g"},
		{"test_accuracy", "test accuracy", "%.2f"}, {"test_rmse", "test RMSE", "%.4g"},
		{"wall_seconds", "seconds", "%.3g"}, {"cost", "cost", "%.0f"}, {"oracle_calls", "oracle calls", "%.0f"},
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
				fmt.Fprintf(t, "\t%s", cell(c.column, c.format, l.Final[c.column]))
			}
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "final values: mean ± standard deviation over the seeds' complete runs")
	if s.timing != "" && err == nil {
		_, err = fmt.Fprintln(w, s.timing)
	}
	return err
}

func cell(column, format string, v Stat) string {
	if v.N == 0 {
		return "-"
	}
	unit := ""
	if strings.HasSuffix(column, "accuracy") {
		v.Mean, v.SD, unit = 100*v.Mean, 100*v.SD, " %"
	}
	text := fmt.Sprintf(format, v.Mean)
	if v.N > 1 && column != "cost" && column != "oracle_calls" {
		text += " ± " + fmt.Sprintf(strings.Replace(format, ".4g", ".2g", 1), v.SD)
	}
	return text + unit
}

// WriteCSV writes summary.csv: for each method, with its swept settings as
// columns, the number of runs by outcome, and mean and standard deviation of
// final values.
func (s *Summary) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	outcomes := []string{"finished", "target", "diverged", "interrupted", "failed", "running"}
	header := slices.Concat([]string{"method"}, s.varied, []string{"runs"}, outcomes)
	for _, f := range finals {
		header = append(header, f+"_mean", f+"_sd")
	}
	c.Write(header) // errors stay until Error
	for _, l := range s.Lines {
		row := []string{l.Method}
		for _, k := range s.varied {
			v := ""
			if i := slices.IndexFunc(l.Settings, func(s Setting) bool { return s.Key == k }); i >= 0 {
				v = l.Settings[i].Value
			}
			row = append(row, v)
		}
		row = append(row, strconv.Itoa(l.Runs))
		for _, o := range outcomes {
			row = append(row, strconv.Itoa(l.Outcomes[o]))
		}
		for _, f := range finals {
			row = append(row, number(l.Final[f].Mean), number(l.Final[f].SD))
		}
		c.Write(row)
	}
	c.Flush()
	return c.Error()
}

func number(f float64) string {
	if math.IsNaN(f) {
		return ""
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
