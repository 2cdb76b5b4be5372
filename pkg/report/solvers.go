package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/stats"
	"github.com/dualgn/dgn/pkg/strict"
)

// spent are the axes of what a direction takes, by the names that they have for runs.
var spent = []quantity{
	{name: "cost", column: "cost", label: "cost of the direction [gradients of one mini-batch]", log: true},
	{name: "wall", column: "seconds", label: "time of the call [s]", log: true},
}

// accuracies are what compared oracles are judged by.
var accuracies = []quantity{
	{column: "relative_residual", label: "relative residual", log: true},
	{column: "duality_gap", label: "duality gap", log: true},
	{column: "distance", label: "distance |d - d*| / |d*|", log: true},
	{column: "model_gap", label: "model gap P(d) - P(d*)", log: true},
}

// A probed is the courses of one oracle along the runs of a method.
type probed struct {
	name    string
	style   int
	courses []results.Course
}

// solvers draws, for each method that others were compared along, what they reach against
// what they take. The cost is the x axis, or the time of a call.
func solvers(d *drawing) (figures []figure.Figure, why string, err error) {
	for _, s := range d.series {
		list, logs, err := d.probes(s)
		if err != nil {
			return nil, "", err
		}
		for _, x := range spent {
			if asked := slices.Contains(d.opt.X, x.name); !asked && (x.name != "cost" || slices.Contains(d.opt.X, "wall")) {
				continue
			}
			x = x.on(d.opt.LogX)
			for _, page := range pages(list, many) {
				if f := d.solversFigure(s, page, x, logs); f.Panels != nil {
					figures = append(figures, f)
				}
			}
		}
	}
	number(figures)
	return figures, "no run has probes.csv with numbers; compare oracles along a method by its section probe", nil
}

// probes returns what each oracle made along the runs of a series, in the order of the
// config, and the number of runs that have any.
func (d *drawing) probes(s results.Series) (list []probed, logs int, err error) {
	at := map[string]int{}
	for _, r := range s.Sound() {
		courses, err := d.res.Probes(&r)
		if err != nil {
			return nil, 0, err
		}
		if len(courses) > 0 {
			logs++
		}
		for _, c := range courses {
			i, ok := at[c.Oracle]
			if !ok {
				i = len(list)
				at[c.Oracle], list = i, append(list, probed{name: strict.OneLine(c.Oracle), style: i})
			}
			list[i].courses = append(list[i].courses, c)
		}
	}
	return list, logs, nil
}

// solversFigure is the figure of some oracles along one method.
func (d *drawing) solversFigure(s results.Series, list []probed, x quantity, logs int) figure.Figure {
	f := figure.Figure{Name: "solvers", Columns: 2}
	if x.name != "cost" {
		f.Name += "_vs_" + x.name
	}
	var marks edge
	for _, y := range accuracies {
		y = y.on(d.opt.LogY)
		var curves []curve
		some := false
		for _, p := range list {
			c := courseCurve(p.courses, x, y)
			c.Style, c.Label = p.style, p.name
			some = some || len(c.Mean) > 0
			curves = append(curves, c)
		}
		if !some {
			continue
		}
		marks.add(y, curves)
		if f.Legend == nil {
			f.Legend = plain(curves)
		}
		f.Panels = append(f.Panels, curvePanel(curves, x, y))
	}
	var common figure.Range
	for _, p := range f.Panels {
		if p.X.Range.Some {
			common.Add(p.X.Range.Lo, p.X.Range.Hi)
		}
	}
	for i := range f.Panels { // which compare one below the other
		f.Panels[i].X.Range = common
	}
	steps := map[float64]bool{}
	for _, p := range list {
		for _, c := range p.courses {
			steps[c.Step] = true
		}
	}
	residual := "the residual is that of the system which an oracle solves, in the dual or in the primal"
	if kind, _ := s.Runs[0].Value("oracle.kind"); kind == "prox_linear" {
		residual += ", in the dual that of the recursion, into which the rounding of d does not enter"
	}
	parts := []string{
		fmt.Sprintf("%s, along %s: a mark for each budget of inner iterations", d.res.Runs[0].Dataset, s.Label),
		fmt.Sprintf("medians over %d probed steps of n = %d seeds, band: quartiles", len(steps), logs),
		"a solve that has ended holds its last value",
		residual,
		fmt.Sprintf("directions d are made in %s, the exact one d* in float64", s.Runs[0].Precision),
	}
	if text := marks.String(); text != "" {
		parts = append(parts, text)
	}
	f.Caption = append([]figure.Remark{{Text: strings.Join(parts, "; ")}}, alerts(only([]results.Series{s}), x.name == "wall")...)
	return f
}

// courseCurve returns, at each budget, the medians of x and y over the courses, and the
// quartiles of y. A course that has ended counts with its last values from there on.
func courseCurve(courses []results.Course, x, y quantity) curve {
	c := curve{Curve: figure.Curve{Straight: true}}
	type point struct{ budget, x, y float64 }
	var drawn [][]point
	budgets := map[float64]bool{}
	for _, course := range courses {
		var line []point
		for i, budget := range course.Values["budget"] {
			p := point{budget, course.Values[x.column][i], course.Values[y.column][i]}
			if finite(p.x) && finite(p.y) {
				line = append(line, p)
				budgets[budget] = true
			}
		}
		if len(line) > 0 {
			c.n++
			drawn = append(drawn, line)
		}
	}
	for _, budget := range slices.Sorted(maps.Keys(budgets)) {
		var at, v []float64
		for _, line := range drawn {
			if i := sort.Search(len(line), func(i int) bool { return line[i].budget > budget }); i > 0 {
				at, v = append(at, line[i-1].x), append(v, line[i-1].y)
			}
		}
		c.Mean = append(c.Mean, figure.Point{X: stats.Median(at), Y: stats.Median(v)})
		c.Lo, c.Hi = append(c.Lo, stats.Quantile(v, 0.25)), append(c.Hi, stats.Quantile(v, 0.75))
	}
	return c
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
