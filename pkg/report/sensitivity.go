package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/scores"
	"github.com/dualgn/dgn/pkg/stats"
	"github.com/dualgn/dgn/pkg/strict"
)

// sensitivities draws, for each swept key, results against its values.
func sensitivities(d *drawing) (figures []figure.Figure, why string, err error) {
	values := map[string]map[string]bool{} // of each swept key
	for _, s := range d.series {
		for _, v := range s.Settings {
			if values[v.Key] == nil {
				values[v.Key] = map[string]bool{}
			}
			values[v.Key][v.Value] = true
		}
	}
	known := slices.Sorted(maps.Keys(values))
	for _, k := range []string{d.opt.Swept, d.opt.Line} {
		if k != "" && values[k] == nil {
			return nil, "", results.OptionErrorf("no run varies %q (varied: %s)", k, strings.Join(known, ", "))
		}
	}
	_, ys, err := d.axes(nil, []string{"train_loss", "test_accuracy", "test_rmse", "test_l2"})
	if err != nil || len(ys) == 0 {
		return nil, "no run has values", err
	}
	for _, key := range known {
		if key == d.opt.Swept || d.opt.Swept == "" && len(values[key]) > 1 && allNumbers(values[key]) {
			figures = append(figures, d.sensitivity(key, slices.Collect(maps.Keys(values[key])), ys))
		}
	}
	return figures, "no run varies a number; see dgn sweep", nil
}

func allNumbers(values map[string]bool) bool {
	for v := range values {
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return false
		}
	}
	return true
}

// A scale places the values of a key on an axis: numbers where they are, on a
// log axis if they are spread over more than a decade; anything else, and zero
// among numbers so spread, at equal distances.
type scale struct {
	log   bool
	at    map[string]float64
	ticks []figure.Tick // nil for those of the axis
	names bool          // ticks are at equal distances
}

func newScale(values []string, log *bool) scale {
	slices.SortFunc(values, results.CompareValues)
	s := scale{at: map[string]float64{}}
	var x, size figure.Range
	numbers := true
	for _, v := range values {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			numbers = false
			break
		}
		s.at[v] = f
		x.Add(f)
		if f != 0 {
			size.Add(math.Abs(f))
		}
	}
	s.log = size.Hi > 10*size.Lo
	if log != nil {
		s.log = *log
	}
	if !numbers || s.log && x.Lo <= 0 {
		s.log, s.names = false, true
		for i, v := range values {
			s.at[v] = float64(i)
		}
	}
	if s.names || len(values) <= 8 {
		for _, v := range values {
			s.ticks = append(s.ticks, figure.Tick{Value: s.at[v], Label: strict.OneLine(v)})
		}
	}
	return s
}

// sensitivity draws results against the values of one key: a line for each
// method and value of the other keys or, of too many, for each method (and value
// of opt.Line), with the best of the other settings.
func (d *drawing) sensitivity(key string, values []string, ys []quantity) figure.Figure {
	var with []results.Series
	for _, s := range d.series {
		if slices.ContainsFunc(s.Settings, func(v runlog.Setting) bool { return v.Key == key }) {
			with = append(with, s)
		}
	}
	short := results.ShortKeys(d.series)
	line := func(keep func(string) bool) func(s results.Series) string {
		return func(s results.Series) string {
			label := s.Method
			for _, v := range s.Settings {
				if v.Key != key && keep(v.Key) {
					label += ", " + short(v.Key) + "=" + v.Value
				}
			}
			return strict.OneLine(label)
		}
	}
	lineOf := line(func(k string) bool { return d.opt.Line == "" || k == d.opt.Line })
	labels := distinct(with, lineOf)
	if len(labels) > many && d.opt.Line == "" {
		lineOf = line(func(string) bool { return false })
		labels = distinct(with, lineOf)
	}
	x := newScale(values, d.opt.LogX)
	scatter := len(values) > many && len(values)*2 > len(with) // random values: other keys vary with this one
	what := "final"
	if d.opt.Best {
		what = "best"
	}
	f := figure.Figure{Name: "sensitivity_" + strings.ReplaceAll(key, ".", "_"), Columns: len(ys)}
	c := captioner{res: only(with), band: "bars", upTo: true}
	reduced := false
	pad := [2]float64{0.06, 0.06}
	for _, y := range ys {
		p := figure.Panel{X: figure.Axis{Label: short(key), Log: x.log, Pad: pad, Ticks: x.ticks, Names: x.names}, Y: y.axis(padY)}
		p.Y.Label = what + " " + y.label
		var curves []curve
		for i, label := range labels {
			cells := map[string][]results.Series{}
			for _, s := range with {
				if lineOf(s) == label {
					v, _ := s.Runs[0].Value(key)
					cells[v] = append(cells[v], s)
				}
			}
			k := curve{Curve: figure.Curve{Label: label, Style: i, Bars: true, Straight: true, Scatter: scatter, Place: placeOf(i, len(labels))}}
			counts, runs := map[string]int{}, 0
			for _, v := range values {
				cell := cells[v]
				if len(cell) > 1 && !scatter {
					reduced = true
					cell = cell[max(0, scores.BestOf(cell, scores.Chooser(d.res))):][:1]
				}
				for _, s := range cell {
					k.addResult(s, x.at[v], y, d.opt.Best)
					runs += len(s.Runs)
					for _, r := range s.Runs {
						counts[r.State()]++
					}
				}
			}
			k.Label += note(counts, runs)
			curves = append(curves, k)
		}
		p.X.Range, p.Y.Range = ranges(curves, quantity{log: x.log}, quantity{log: y.log})
		for _, at := range x.at {
			p.X.Range.Add(at)
		}
		for _, k := range curves {
			p.Curves = append(p.Curves, k.Curve)
		}
		c.add(quantity{}, y, curves)
		f.Panels = append(f.Panels, p)
		if f.Legend == nil {
			f.Legend = plain(curves)
		}
	}
	f.Caption = c.remarks()
	if reduced {
		f.Caption = append(f.Caption, figure.Remark{Text: fmt.Sprintf("each point is of the other settings' best, by final %s", strings.ReplaceAll(scores.Chooser(d.res), "_", " "))})
	}
	if d.opt.Best {
		f.Caption = append(f.Caption, figure.Remark{Text: "best of all evaluations of a run: of test data, this looks at what should not be known"})
	}
	return f
}

// placeOf is the place of the crosses of the i-th of n curves.
func placeOf(i, n int) float64 { return float64(i) - float64(n-1)/2 }

// distinct returns the values of a function, in the order of their first.
func distinct(list []results.Series, of func(results.Series) string) (out []string) {
	for _, s := range list {
		if v := of(s); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// addResult adds a point for the results of a series: their mean, a gap if there
// is none, and a cross at the upper edge for each run that diverged. A mean of
// some of the runs says of how many.
func (c *curve) addResult(s results.Series, x float64, y quantity, best bool) {
	v := s.Values(y.column, best)
	for i := range v {
		v[i] *= y.scale
	}
	for _, r := range s.Runs {
		if r.Outcome == runlog.Diverged {
			edge := math.Inf(1)
			if runlog.HigherIsBetter(y.column) {
				edge = math.Inf(-1)
			}
			c.Crosses = append(c.Crosses, figure.Point{X: x, Y: edge})
		}
	}
	st := stats.Of(v)
	part := ""
	if st.N > 0 && st.N < len(s.Runs) {
		part = fmt.Sprintf("%d/%d", st.N, len(s.Runs))
		if c.Notes == nil {
			c.Notes = make([]string, len(c.Mean))
		}
	}
	if c.Notes != nil {
		c.Notes = append(c.Notes, part)
	}
	c.n = max(c.n, st.N)
	c.Mean = append(c.Mean, figure.Point{X: x, Y: st.Mean})
	c.Lo, c.Hi = append(c.Lo, st.Lo), append(c.Hi, st.Hi)
}
