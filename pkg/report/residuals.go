package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/stats"
)

// residuals draws residual and gap against the inner iteration.
func residuals(d *drawing) (figures []figure.Figure, why string, err error) {
	type logged struct {
		results.Series
		solves []results.Solve
		logs   int // runs that have an inner.csv
	}
	var all []logged
	for _, s := range d.series {
		l := logged{Series: s}
		for _, r := range s.Sound() {
			solves, err := d.res.Solves(&r)
			if err != nil {
				return nil, "", err
			}
			if len(solves) > 0 {
				l.logs++
			}
			l.solves = append(l.solves, solves...)
		}
		if len(l.solves) > 0 {
			all = append(all, l)
		}
	}
	for i, page := range pages(all, many) {
		f := figure.Figure{Name: numbered("inner", i)}
		var zeros edge
		var seeds figure.Range
		for _, q := range []quantity{
			{column: "relative_residual", label: "relative residual", log: true},
			{column: "duality_gap", label: "duality gap", log: true},
		} {
			q = q.on(d.opt.LogY)
			var curves []curve
			some := false
			for _, l := range page {
				c := residualCurve(l.solves, q)
				c.Style, c.Label = l.Index, fmt.Sprintf("%s [%d solves]", l.Label, len(l.solves))
				some = some || len(c.Mean) > 0
				curves = append(curves, c)
				seeds.Add(float64(l.logs))
			}
			zeros.add(q, curves)
			if f.Legend == nil {
				f.Legend = plain(curves)
			}
			if some {
				f.Panels = append(f.Panels, curvePanel(curves, quantity{label: "inner iteration"}, q))
			}
		}
		if f.Panels == nil {
			continue
		}
		f.Columns, f.Large = len(f.Panels), len(f.Panels) == 1
		n := fmt.Sprintf("n = %.0f", seeds.Lo)
		if seeds.Hi > seeds.Lo {
			n += fmt.Sprintf(" to %.0f", seeds.Hi)
		}
		f.Caption = []figure.Remark{{Text: fmt.Sprintf("%s: median over the logged solves of all steps and of %s seeds, band: quartiles; a solve that has ended holds its last value",
			d.res.Runs[0].Dataset, n)}}
		if text := zeros.String(); text != "" {
			f.Caption = append(f.Caption, figure.Remark{Text: text})
		}
		figures = append(figures, f)
	}
	return figures, "no run has inner.csv with numbers; train with log: {inner: true}", nil
}

// residualCurve returns the median and the quartiles of a quantity at each
// iteration. A solve that has ended counts with its last value from there on: a
// median of those that go on would rise where the good ones end.
func residualCurve(solves []results.Solve, q quantity) curve {
	c := curve{Curve: figure.Curve{Straight: true}}
	var drawn [][]figure.Point // of each solve that has some numbers
	iterations := map[float64]bool{}
	for _, s := range solves {
		var p []figure.Point
		for i, v := range s.Values[q.column] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			p = append(p, figure.Point{X: s.Iterations[i], Y: v})
			iterations[s.Iterations[i]] = true
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
		c.Mean = append(c.Mean, figure.Point{X: k, Y: stats.Median(v)})
		c.Lo, c.Hi = append(c.Lo, stats.Quantile(v, 0.25)), append(c.Hi, stats.Quantile(v, 0.75))
	}
	return c
}
