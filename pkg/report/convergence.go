package report

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"sort"

	"gonum.org/v1/plot/plotter"

	"github.com/dualgn/dgn/pkg/stats"
)

// A solve is the course of one inner solve, from iteration 0 or 1 on.
type solve struct {
	step       float64
	iterations []float64
	values     map[string][]float64 // by column of inner.csv; NaN: does not apply
}

// innerColumns are those of inner.csv: a row for each inner iteration of a
// logged step.
var innerColumns = []string{"step", "iteration", "relative_residual", "duality_gap"}

// readInner reads inner.csv.
func readInner(path string, text []byte) (solves []solve, warning string, err error) {
	t, warning, err := readTable(path, text, innerColumns)
	if err != nil {
		return nil, "", err
	}
	for i := range t.rows {
		var row [4]float64
		for j, c := range innerColumns {
			if row[j], err = t.number(i, c); err != nil {
				return nil, "", err
			}
		}
		step, iteration := row[0], row[1]
		if !(step >= 0) || !(iteration >= 0) || math.IsInf(step, 1) || math.IsInf(iteration, 1) {
			return nil, "", t.errorf(i, "iteration", "step %q, iteration %q: must be whole numbers", t.cell(i, "step"), t.cell(i, "iteration"))
		}
		n := len(solves)
		if n == 0 || solves[n-1].step != step || solves[n-1].iterations[len(solves[n-1].iterations)-1] >= iteration {
			solves = append(solves, solve{step: step, values: map[string][]float64{}})
			n++
		}
		s := &solves[n-1]
		s.iterations = append(s.iterations, iteration)
		for j, c := range innerColumns[2:] {
			s.values[c] = append(s.values[c], row[j+2])
		}
	}
	return solves, warning, nil
}

// inner reads the inner.csv of a run, if it has one.
func (res *Results) inner(r *Run) ([]solve, error) {
	path := filepath.Join(r.Dir, "inner.csv")
	text, err := readFile(path, maxLog, maxLine)
	if absent(err) {
		return nil, nil
	}
	if err != nil || r.cut(text, innerColumns) {
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

// convergence draws residual and gap against the inner iteration.
func convergence(d *drawing) (figures []figure, why string, err error) {
	type logged struct {
		series
		solves []solve
		runs   int
	}
	var all []logged
	for _, s := range d.series {
		l := logged{series: s}
		for _, r := range s.sound() {
			solves, err := d.res.inner(&r)
			if err != nil {
				return nil, "", err
			}
			if len(solves) > 0 {
				l.runs++
			}
			l.solves = append(l.solves, solves...)
		}
		if len(l.solves) > 0 {
			all = append(all, l)
		}
	}
	for i, page := range pages(all, many) {
		f := figure{name: numbered("inner", i), width: halfWidth, height: halfHeight}
		var zeros edge
		var seeds interval
		for _, q := range []quantity{
			{column: "relative_residual", label: "relative residual", log: true},
			{column: "duality_gap", label: "duality gap", log: true},
		} {
			if d.opt.LogY != nil {
				q.log = *d.opt.LogY
			}
			var curves []curve
			some := false
			for _, l := range page {
				c := convergenceCurve(l.solves, q)
				c.index, c.label = l.index, fmt.Sprintf("%s [%d solves]", l.label, len(l.solves))
				some = some || len(c.mean) > 0
				curves = append(curves, c)
				seeds.add(float64(l.runs))
			}
			zeros.add(q, curves)
			if f.legend == nil {
				f.legend = plain(curves)
			}
			if some {
				f.panels = append(f.panels, curvePanel(curves, quantity{label: "inner iteration"}, q))
			}
		}
		if f.panels == nil {
			continue
		}
		f.columns = len(f.panels)
		if f.columns == 1 {
			f.width, f.height = aloneWidth, aloneHeight
		}
		n := fmt.Sprintf("n = %.0f", seeds.lo)
		if seeds.hi > seeds.lo {
			n += fmt.Sprintf(" to %.0f", seeds.hi)
		}
		f.caption = []remark{{text: fmt.Sprintf("%s: median over the logged solves of all steps and of %s seeds, band: quartiles; a solve that has ended holds its last value",
			d.res.Runs[0].Dataset, n)}}
		if text := zeros.String(); text != "" {
			f.caption = append(f.caption, remark{text: text})
		}
		figures = append(figures, f)
	}
	return figures, "no run has inner.csv with numbers; train with log: {inner: true}", nil
}

// convergenceCurve returns the median and the quartiles of a quantity at each
// iteration. A solve that has ended counts with its last value from there on: a
// median of those that go on would rise where the good ones end.
func convergenceCurve(solves []solve, q quantity) curve {
	c := curve{straight: true}
	var drawn []plotter.XYs // of each solve that has some numbers
	iterations := map[float64]bool{}
	for _, s := range solves {
		var p plotter.XYs
		for i, v := range s.values[q.column] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			p = append(p, plotter.XY{X: s.iterations[i], Y: v})
			iterations[s.iterations[i]] = true
		}
		if len(p) > 0 {
			c.n++
			drawn = append(drawn, p)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(iterations)) {
		var v []float64
		for _, p := range drawn {
			if i := sort.Search(len(p), func(i int) bool { return p[i].X > k }); i > 0 {
				v = append(v, p[i-1].Y)
			}
		}
		c.mean = append(c.mean, plotter.XY{X: k, Y: stats.Median(v)})
		c.lo, c.hi = append(c.lo, stats.Quantile(v, 0.25)), append(c.hi, stats.Quantile(v, 0.75))
	}
	return c
}
