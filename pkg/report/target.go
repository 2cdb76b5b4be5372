package report

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/dualgn/dgn/pkg/stats"
)

// A Target is a value that a run reaches or not: a loss or RMSE from above, an
// accuracy (a fraction of 1) from below.
type Target struct {
	Metric string
	Value  float64
}

// ParseTarget reads "metric=value".
func ParseTarget(text string) (*Target, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return nil, optionErrorf("target: must be METRIC=VALUE, got %q", text)
	}
	y, err := find(ys, name)
	if err != nil {
		return nil, err
	}
	v, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		return nil, optionErrorf("target: %s: must be a number, got %q", name, value)
	case higherIsBetter(y.column) && (v <= 0 || v > 1):
		return nil, optionErrorf("target: %s: must be a fraction between 0 and 1, got %q", name, value)
	}
	return &Target{name, v}, nil
}

// String says the target as a caption does.
func (t Target) String() string {
	y, err := find(ys, t.Metric)
	if err != nil {
		return t.Metric
	}
	name, unit, _ := strings.Cut(y.label, " [")
	sign := "≤"
	if higherIsBetter(y.column) {
		sign = "≥"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %.4g %s", name, sign, t.Value*y.scale, strings.TrimSuffix(unit, "]")))
}

// reached returns x at the first evaluation that meets the target; +Inf if none
// does.
func (t Target) reached(r *Run, x, y quantity) float64 {
	for _, row := range r.Rows {
		v := row[y.column]
		if v <= t.Value && !higherIsBetter(y.column) || v >= t.Value && higherIsBetter(y.column) {
			if at := row[x.column] * x.scale; !math.IsNaN(at) {
				return at
			}
		}
	}
	return math.Inf(1)
}

// defaultTarget is the train loss that all complete runs of every method's best
// setting end with or below, rounded up to two digits. There is none without
// complete runs.
func (d *drawing) defaultTarget() *Target {
	worst := 0.0
	for _, s := range d.res.bestOf(d.series) {
		for _, v := range s.final("train_loss") {
			worst = max(worst, v)
		}
	}
	if worst <= 0 || math.IsInf(worst, 1) {
		return nil
	}
	unit := math.Pow10(int(math.Floor(math.Log10(worst))) - 1)
	v, err := strconv.ParseFloat(fmt.Sprintf("%.2g", math.Ceil(worst/unit*(1-1e-12))*unit), 64)
	if err != nil {
		return nil
	}
	return &Target{"train_loss", v}
}

// Lengths in points, of the names of rows.
const rowSize, rowLine = 6.5, 8

// rows is the number of series that the figure has room for.
const rows = 40

// targets draws when each run reaches a target.
func targets(d *drawing) ([]figure, string, error) {
	t := d.opt.Target
	remarks := []remark(nil)
	if t == nil {
		if t = d.defaultTarget(); t == nil {
			return nil, "no run ended well, so that there is no default target; give one", nil
		}
		remarks = append(remarks, remark{text: "the target is what all complete runs of every method's best setting reach, rounded up"})
	}
	y, err := find(ys, t.Metric)
	if err != nil {
		return nil, "", err
	}
	if !d.res.has(y.column) {
		return nil, "", optionErrorf("no run has values of %s", t.Metric)
	}
	xs, _, err := d.axes([]string{"wall", "cost"}, nil)
	if err != nil || len(xs) == 0 {
		return nil, "no run has values", err
	}
	shown, chosen := d.series, []remark(nil)
	if len(shown) > rows || d.opt.Target == nil {
		shown, chosen = d.legible()
	}
	// Long names stand in the panel, above their rows: beside, they would take
	// its room.
	long := slices.ContainsFunc(shown, func(s series) bool { return textStyle(8).Width(s.label) > 110 })
	height := vg.Length(15)
	names := make([][]string, len(shown))
	if long {
		height = 22
		for i, s := range shown {
			names[i] = wrap(textStyle(rowSize), s.label, halfWidth-60)
			height = max(height, 14+rowLine*vg.Length(len(names[i])))
		}
	}
	f := figure{name: "target_" + t.Metric, columns: len(xs), width: halfWidth}
	f.height = 40 + height*vg.Length(len(shown))
	wall := false
	seeds, never, atZero := 0, 0, false
	for i, x := range xs {
		if d.opt.LogX == nil {
			x.log = x.spent && spreadOfTargets(shown, t, x, y) > muchLonger
		}
		wall = wall || x.name == "wall"
		p := panel{xlabel: x.label, xlog: x.log, xpad: [2]float64{0.03, 0.1}, yticks: fixedTicks{}, y: interval{-float64(len(shown)) + 0.5, 0.5, true}}
		if !x.log {
			p.x.add(0)
		}
		var labels fixedTicks
		for j, s := range shown {
			row := targetRow{y: -float64(j), look: styleOf(s.index)}
			runs := s.sound()
			for _, r := range runs {
				v := t.reached(&r, x, y)
				row.at = append(row.at, v)
				if x.log && v <= 0 {
					atZero = true
					continue
				}
				if !math.IsInf(v, 1) {
					p.x.add(v)
					continue
				}
				if end := r.end(x); end > 0 { // the axis shows how long it tried
					p.x.add(end)
				}
				if i == 0 {
					never++
				}
			}
			if i == 0 {
				seeds = max(seeds, len(runs))
				label := fmt.Sprintf("%d/%d", row.count(), len(runs))
				if long {
					row.label = names[j]
				} else {
					label = s.label + "  " + label
				}
				labels = append(labels, plot.Tick{Value: row.y, Label: label})
			} else {
				labels = append(labels, plot.Tick{Value: row.y})
			}
			p.marks = append(p.marks, row)
		}
		p.yticks = labels
		f.panels = append(f.panels, p)
	}
	f.caption = []remark{{text: fmt.Sprintf("%s: first evaluation with %s; a mark for each seed, of up to n = %d; bar: median over all seeds, never reached counted as infinite; k/n: k of n seeds reach it",
		d.res.Runs[0].Dataset, t, seeds)}}
	if never > 0 {
		f.caption[0].text += fmt.Sprintf("; triangles at the edge: never reached (%d runs)", never)
	}
	if atZero {
		f.caption[0].text += "; at the left edge: reached at 0"
	}
	f.caption = slices.Concat(f.caption, d.res.only(shown).alerts(wall), remarks, chosen)
	return []figure{f}, "", nil
}

// spreadOfTargets returns how many times as much the slowest series takes to reach
// a target as the fastest, by the medians over their runs.
func spreadOfTargets(list []series, t *Target, x, y quantity) float64 {
	var all interval
	for _, s := range list {
		var at []float64
		for _, r := range s.sound() {
			at = append(at, t.reached(&r, x, y))
		}
		if m := stats.Median(at); m > 0 && !math.IsInf(m, 1) {
			all.add(m)
		}
	}
	if !all.some {
		return 1
	}
	return all.hi / all.lo
}

// end returns where a run's last evaluation is, NaN if it has none.
func (r *Run) end(x quantity) float64 {
	if len(r.Rows) == 0 {
		return math.NaN()
	}
	return r.Rows[len(r.Rows)-1][x.column] * x.scale
}

// A targetRow draws when the runs of one series reach a target.
type targetRow struct {
	y     float64
	at    []float64 // +Inf: never
	look  style
	label []string // above the row, by line
}

// count returns how many runs reach the target.
func (t targetRow) count() (n int) {
	for _, v := range t.at {
		if !math.IsInf(v, 1) {
			n++
		}
	}
	return n
}

// Plot implements plot.Plotter.
func (t targetRow) Plot(to draw.Canvas, p *plot.Plot) {
	f := newFrame(to, p)
	y := f.at(1, t.y).Y
	tx := func(x float64) vg.Length { return f.at(x, t.y).X }
	for i, line := range t.label {
		to.FillText(textStyle(rowSize), vg.Point{X: to.Min.X + 3, Y: y + 5 + rowLine*vg.Length(len(t.label)-1-i)}, line)
	}
	if m := stats.Median(t.at); !math.IsInf(m, 1) && !math.IsNaN(m) {
		bar := t.look.bar
		bar.Width = vg.Points(1.8)
		to.StrokeLine2(bar, tx(m), y-5, tx(m), y+5)
	}
	mark := t.look.glyph
	never := 0
	for _, v := range t.at {
		if !math.IsInf(v, 1) {
			to.DrawGlyph(mark, vg.Point{X: tx(v), Y: y})
			continue
		}
		// Side by side, so that they can be counted.
		drawNever(to, t.look.bar.Color, vg.Point{X: to.Max.X - vg.Points(3+5*float64(never)), Y: y})
		never++
	}
}

// drawNever draws a hollow triangle that points to the right.
func drawNever(to draw.Canvas, c color.Color, at vg.Point) {
	r := vg.Points(2)
	a, b, d := vg.Point{X: at.X - r, Y: at.Y - r}, vg.Point{X: at.X + r, Y: at.Y}, vg.Point{X: at.X - r, Y: at.Y + r}
	to.StrokeLines(draw.LineStyle{Color: c, Width: vg.Points(0.7)}, []vg.Point{a, b, d, a})
}
