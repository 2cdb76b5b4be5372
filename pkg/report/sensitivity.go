package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/dualgn/dgn/pkg/stats"
)

// sensitivities draws, for each swept key, results against its values.
func sensitivities(d *drawing) (figures []figure, why string, err error) {
	values := map[string]map[string]bool{} // of each swept key
	for _, s := range d.series {
		for _, v := range s.settings {
			if values[v.Key] == nil {
				values[v.Key] = map[string]bool{}
			}
			values[v.Key][v.Value] = true
		}
	}
	known := slices.Sorted(maps.Keys(values))
	for _, k := range []string{d.opt.Swept, d.opt.Line} {
		if k != "" && values[k] == nil {
			return nil, "", optionErrorf("no run varies %q (varied: %s)", k, strings.Join(known, ", "))
		}
	}
	_, ys, err := d.axes(nil, []string{"train_loss", "test_accuracy", "test_rmse"})
	if err != nil {
		return nil, "", err
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
	ticks plot.Ticker // nil for those of the axis
}

func newScale(values []string, log *bool) scale {
	slices.SortFunc(values, func(a, b string) int { return Setting{"", a}.compare(Setting{"", b}) })
	s := scale{at: map[string]float64{}}
	var x, size interval
	numbers := true
	for _, v := range values {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			numbers = false
			break
		}
		s.at[v] = f
		x.add(f)
		if f != 0 {
			size.add(math.Abs(f))
		}
	}
	s.log = size.hi > 10*size.lo
	if log != nil {
		s.log = *log
	}
	if !numbers || s.log && x.lo <= 0 {
		s.log = false
		var ticks fixedTicks
		for i, v := range values {
			s.at[v] = float64(i)
			lines := wrap(textStyle(8), printable(v), (halfWidth-60)/vg.Length(len(values)))
			ticks = append(ticks, plot.Tick{Value: float64(i), Label: strings.Join(lines, "\n")})
		}
		s.ticks = ticks
		return s
	}
	if len(values) <= 8 {
		var ticks fixedTicks
		for _, v := range values {
			ticks = append(ticks, plot.Tick{Value: s.at[v], Label: printable(v)})
		}
		s.ticks = spaced(ticks, s.log, x)
	}
	return s
}

// spaced drops labels that would touch the one before.
func spaced(ticks fixedTicks, log bool, x interval) fixedTicks {
	place := func(v float64) float64 {
		if log {
			return math.Log(v/x.lo) / math.Log(x.hi/x.lo)
		}
		return (v - x.lo) / (x.hi - x.lo)
	}
	last := math.Inf(-1)
	for i := range ticks {
		if at := place(ticks[i].Value); at-last < 0.012*float64(4+len(ticks[i].Label)) {
			ticks[i].Label = ""
		} else {
			last = at
		}
	}
	return ticks
}

// sensitivity draws results against the values of one key: a line for each
// method and value of the other keys or, of too many, for each method (and value
// of opt.Line), with the best of the other settings.
func (d *drawing) sensitivity(key string, values []string, ys []quantity) figure {
	var with []series
	for _, s := range d.series {
		if slices.ContainsFunc(s.settings, func(v Setting) bool { return v.Key == key }) {
			with = append(with, s)
		}
	}
	short := shortKeys(d.series)
	line := func(keep func(string) bool) func(s series) string {
		return func(s series) string {
			label := s.method
			for _, v := range s.settings {
				if v.Key != key && keep(v.Key) {
					label += ", " + short(v.Key) + "=" + v.Value
				}
			}
			return printable(label)
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
	f := figure{name: "sensitivity_" + strings.ReplaceAll(key, ".", "_"), columns: len(ys), width: halfWidth, height: halfHeight}
	c := captioner{res: d.res.only(with), band: "bars", upTo: true}
	reduced := false
	pad := max(0.06, (1.25*float64(len(labels)-1)+5)/180) // room for crosses beside each other
	for _, y := range ys {
		p := panel{xlabel: short(key), ylabel: what + " " + y.label, xlog: x.log, ylog: y.log, xticks: x.ticks, xpad: [2]float64{pad, pad}}
		var curves []curve
		for i, label := range labels {
			cells := map[string][]series{}
			for _, s := range with {
				if lineOf(s) == label {
					v, _ := s.runs[0].value(key)
					cells[v] = append(cells[v], s)
				}
			}
			k := curve{label: label, index: i, bars: true, straight: true, dodge: 2.5 * (vg.Length(i) - vg.Length(len(labels)-1)/2)}
			counts, runs := map[string]int{}, 0
			for _, v := range values {
				cell := cells[v]
				if len(cell) > 1 && !scatter {
					reduced = true
					cell = cell[max(0, best(cell, d.res.chooser())):][:1]
				}
				for _, s := range cell {
					k.addResult(s, x.at[v], y, d.opt.Best)
					runs += len(s.runs)
					for _, r := range s.runs {
						counts[r.state()]++
					}
				}
			}
			k.label += note(counts, runs)
			curves = append(curves, k)
		}
		p.x, p.y = ranges(curves, quantity{log: x.log}, quantity{log: y.log})
		for _, at := range x.at {
			p.x.add(at)
		}
		for _, k := range curves {
			m := k.plotter()
			if scatter {
				m.look.line.Width = 0
			}
			p.marks = append(p.marks, m)
		}
		c.add(quantity{}, y, curves)
		f.panels = append(f.panels, p)
		if f.legend == nil {
			f.legend = plain(curves)
		}
	}
	f.caption = c.remarks()
	if reduced {
		f.caption = append(f.caption, remark{text: fmt.Sprintf("each point is of the other settings' best, by final %s", strings.ReplaceAll(d.res.chooser(), "_", " "))})
	}
	if d.opt.Best {
		f.caption = append(f.caption, remark{text: "best of all evaluations of a run: of test data, this looks at what should not be known"})
	}
	return f
}

// distinct returns the values of a function, in the order of their first.
func distinct(list []series, of func(series) string) (out []string) {
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
func (c *curve) addResult(s series, x float64, y quantity, best bool) {
	v := s.values(y.column, best)
	for i := range v {
		v[i] *= y.scale
	}
	for _, r := range s.runs {
		if r.Outcome == "diverged" {
			edge := math.Inf(1)
			if higherIsBetter(y.column) {
				edge = math.Inf(-1)
			}
			c.crosses = append(c.crosses, plotter.XY{X: x, Y: edge})
		}
	}
	st := stats.Of(v)
	part := ""
	if st.N > 0 && st.N < len(s.runs) {
		part = fmt.Sprintf("%d/%d", st.N, len(s.runs))
		if c.parts == nil {
			c.parts = make([]string, len(c.mean))
		}
	}
	if c.parts != nil {
		c.parts = append(c.parts, part)
	}
	c.n = max(c.n, st.N)
	c.mean = append(c.mean, plotter.XY{X: x, Y: st.Mean})
	c.lo, c.hi = append(c.lo, st.Lo), append(c.hi, st.Hi)
}
