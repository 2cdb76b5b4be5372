package timing

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dualgn/dgn/pkg/stats"
)

// mostSpread is the spread of a ratio, in percent, beyond which it is marked: it should not
// be quoted.
const mostSpread = 10

// MuchOthers is how many CPUs others may keep busy before a block without being told.
const MuchOthers = 0.5

// A Spread is what some measurements of one number have in the middle and how far they lie
// apart. All but the median are in percent of it.
type Spread struct {
	N         int
	Median    float64
	IQR       float64 // interquartile range
	Low, High float64 // the least and the largest, below and above the median
}

// Of computes a Spread; all is NaN of no numbers.
func Of(v []float64) Spread {
	s := Spread{len(v), stats.Median(v), math.NaN(), math.NaN(), math.NaN()}
	if len(v) > 0 {
		percent := 100 / s.Median
		s.IQR = (stats.Quantile(v, 0.75) - stats.Quantile(v, 0.25)) * percent
		s.Low, s.High = (slices.Min(v)-s.Median)*percent, (slices.Max(v)-s.Median)*percent
	}
	return s
}

// A Line sums up the repeats of one method with the same settings, of all seeds.
type Line struct {
	Method, Settings string

	Seconds Spread // of a run
	Step    Spread // seconds of a step
	Ratio   Spread // of a run to one of the first line in the same block
	Threads []int  // that were used
}

// Doubtful reports whether the ratio lies so far apart that it should not be quoted.
func (l *Line) Doubtful() bool { return !(l.Ratio.IQR <= mostSpread) }

// A Summary is a table of times.
type Summary struct {
	Lines   []Line
	Repeats int // the most of any run
	Seeds   int
	Rows    []Row // that count
	Void    int   // rows that do not
}

// Summarize sums up the rows of some runs, a line for those of the same method and
// settings, in their order.
func Summarize(t *Table, runs []Key) *Summary {
	type series struct{ method, settings string }
	type block struct {
		seed   uint64
		repeat int
	}
	s := &Summary{}
	wanted := map[Key]bool{}
	line := map[series]int{}
	seeds := map[uint64]bool{}
	for _, k := range runs {
		wanted[k], seeds[k.Seed] = true, true
		of := series{k.Method, k.Settings}
		if _, ok := line[of]; !ok {
			line[of] = len(s.Lines)
			s.Lines = append(s.Lines, Line{Method: k.Method, Settings: k.Settings})
		}
	}
	s.Seeds = len(seeds)
	seconds, steps, ratios := make([][]float64, len(s.Lines)), make([][]float64, len(s.Lines)), make([][]float64, len(s.Lines))
	first := map[block]float64{}
	for _, r := range t.Rows {
		if !wanted[r.Key] {
			continue
		}
		if r.Void != "" {
			s.Void++
			continue
		}
		s.Rows = append(s.Rows, r)
		s.Repeats = max(s.Repeats, r.Repeat)
		i := line[series{r.Method, r.Settings}]
		if i == 0 {
			first[block{r.Seed, r.Repeat}] = r.WallSeconds
		}
		seconds[i], steps[i] = append(seconds[i], r.WallSeconds), append(steps[i], r.StepSeconds())
		if l := &s.Lines[i]; !slices.Contains(l.Threads, r.Threads) {
			l.Threads = append(l.Threads, r.Threads)
		}
	}
	for _, r := range s.Rows {
		if base, ok := first[block{r.Seed, r.Repeat}]; ok {
			i := line[series{r.Method, r.Settings}]
			ratios[i] = append(ratios[i], r.WallSeconds/base)
		}
	}
	for i := range s.Lines {
		l := &s.Lines[i]
		l.Seconds, l.Step, l.Ratio = Of(seconds[i]), Of(steps[i]), Of(ratios[i])
		slices.Sort(l.Threads)
	}
	return s
}

// WriteTable writes the lines, and what is to be known of them.
func (s *Summary) WriteTable(w io.Writer) error {
	if len(s.Rows) == 0 {
		_, err := fmt.Fprintln(w, "\ntimes: none was measured")
		return err
	}
	settings := slices.ContainsFunc(s.Lines, func(l Line) bool { return l.Settings != "" })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := []string{"method", "settings", "threads", "s/run", "spread", "min", "max", "ms/step", "spread", "ratio", "spread", "min", "max"}
	if !settings {
		head = slices.Delete(head, 1, 2)
	}
	fmt.Fprintf(w, "\ntimes, of %s, methods alternated:\n\n", s.counts())
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for i := range s.Lines {
		l := &s.Lines[i]
		cells := []string{l.Method}
		if settings {
			cells = append(cells, l.Settings)
		}
		cells = append(cells, strings.Trim(fmt.Sprint(l.Threads), "[]"), fmt.Sprintf("%.4g", l.Seconds.Median))
		cells = append(cells, l.Seconds.cells()...)
		cells = append(cells, fmt.Sprintf("%.4g", 1e3*l.Step.Median), percent(l.Step.IQR))
		if i == 0 {
			cells = append(cells, "1")
		} else {
			cells = append(cells, fmt.Sprintf("%.3f", l.Ratio.Median))
			cells = append(cells, l.Ratio.cells()...)
			if l.Doubtful() {
				cells = append(cells, fmt.Sprintf("spread %.0f %%: do not quote", l.Ratio.IQR))
			}
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(s.notes(), "\n"))
	return err
}

func (s *Spread) cells() []string {
	return []string{percent(s.IQR), fmt.Sprintf("%+.1f %%", s.Low), fmt.Sprintf("%+.1f %%", s.High)}
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", x) }

func (s *Summary) counts() string {
	return fmt.Sprintf("%s x %s", plural(s.Repeats, "repeat"), plural(s.Seeds, "seed"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// notes say what the columns are, where it was measured, and what went on besides.
func (s *Summary) notes() []string {
	first := s.Rows[0]
	notes := []string{
		"medians; spread: interquartile range, min and max: from the median, in percent of it;",
		"ratio: median of those to " + s.Lines[0].Method + " measured next to it, by repeat and seed",
	}
	where := "threads: " + first.Asked + ", not bound to CPUs"
	if first.CPUs != "" {
		where = fmt.Sprintf("threads: %s, bound to CPUs %s", first.Asked, first.CPUs)
	}
	if trips := known(s.Rows, func(r *Row) float64 { return r.TripNS }); len(trips) > 0 {
		where += fmt.Sprintf("; round trip %.0f ns (%.0f to %.0f)", stats.Median(trips), slices.Min(trips), slices.Max(trips))
	}
	notes = append(notes, where+"; "+first.CPU)
	if loads := known(s.Rows, func(r *Row) float64 { return r.LoadBefore }); len(loads) > 0 {
		load := fmt.Sprintf("load average %.2f to %.2f, this program included", slices.Min(loads), slices.Max(loads))
		if others := known(s.Rows, func(r *Row) float64 { return r.Others }); len(others) > 0 {
			much := 0
			for _, o := range others {
				if o > MuchOthers {
					much++
				}
			}
			load += fmt.Sprintf("; others kept up to %.1f CPUs busy, and more than %g before %d of %d measurements", slices.Max(others), MuchOthers, much, len(others))
		}
		notes = append(notes, load)
	}
	if s.Void > 0 {
		notes = append(notes, plural(s.Void, "measurement")+" void, and made again: "+File+" says why")
	}
	return notes
}

// known are the values of a column that are not NaN.
func known(rows []Row, of func(*Row) float64) (v []float64) {
	for i := range rows {
		if x := of(&rows[i]); !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	return v
}
