package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/strict"
)

// solving are the settings in which the primal and the dual of one problem may
// differ.
var solving = []string{"oracle.formulation", "oracle.solver", "oracle.warm_start"}

// solves reports whether a key is one of those, or of their options.
func solves(key string) bool {
	return slices.ContainsFunc(solving, func(s string) bool { return key == s || strings.HasPrefix(key, s+".") })
}

// question names what a series solves: all its settings but how. It is "" if the
// settings do not say.
func question(s results.Series) string {
	r := &s.Runs[0]
	if _, ok := r.Value("oracle.formulation"); !ok {
		return ""
	}
	settings := map[string]string{}
	maps.Copy(settings, r.Settings)
	for _, v := range s.Settings {
		settings[v.Key] = v.Value
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		if k != "seed" && !solves(k) {
			fmt.Fprintf(&b, "%q=%q", k, settings[k])
		}
	}
	return b.String()
}

// formulations draws, for each problem that was solved both in the primal and in
// the dual, both against cost, up to where the cheaper one ends, and to the next
// evaluation of the other.
func formulations(d *drawing) (figures []figure.Figure, why string, err error) {
	groups := map[string][]results.Series{}
	var order []string
	for _, s := range d.series {
		q := question(s)
		if q == "" {
			continue
		}
		if groups[q] == nil {
			order = append(order, q)
		}
		groups[q] = append(groups[q], s)
	}
	xs, ys, err := d.axes([]string{"cost"}, []string{"train_loss"})
	if err != nil || len(xs) == 0 || len(ys) == 0 {
		return nil, "no run has values", err
	}
	x, y := xs[0], ys[0]
	var pairs [][]results.Series
	for _, q := range order {
		forms := distinct(groups[q], formulation)
		if slices.Contains(forms, "primal") && slices.Contains(forms, "dual") {
			pairs = append(pairs, groups[q])
		}
	}
	for i, page := range pages(pairs, 6) {
		f := figure.Figure{Name: numbered("formulations", i), Columns: min(len(page), 2), Large: len(page) == 1}
		c := captioner{smooth: d.opt.Smooth, band: "band", upTo: true, res: &results.Results{}}
		name := variants(page)
		names := slices.Sorted(slices.Values(distinct(slices.Concat(page...), name)))
		legend := map[string]figure.Entry{}
		for _, pair := range page {
			p, curves := d.formulationPanel(pair, x, y, names, name)
			f.Panels = append(f.Panels, p)
			c.res.Runs = append(c.res.Runs, only(pair).Runs...)
			c.add(x, y, curves)
			for _, e := range plain(curves) {
				legend[e.Label] = e
			}
		}
		for _, n := range names {
			f.Legend = append(f.Legend, legend[n])
		}
		f.Caption = append(c.remarks(), figure.Remark{Text: fmt.Sprintf("the same problem solved in the primal and in the dual, as far as both went in %s and to the next evaluation of the other", strings.ReplaceAll(x.name, "_", " "))})
		figures = append(figures, f)
	}
	return figures, "no runs have the same settings, once in the primal and once in the dual", nil
}

// formulation is "primal" or "dual".
func formulation(s results.Series) string {
	v, _ := s.Runs[0].Value("oracle.formulation")
	return v
}

// variants names the way in which each series of some pairs is solved: by its
// formulation and, if several of a pair have the same, by what else differs.
func variants(pairs [][]results.Series) func(results.Series) string {
	keys := map[string]bool{}
	for _, pair := range pairs {
		for _, form := range distinct(pair, formulation) {
			var runs []results.Run
			for _, s := range pair {
				if formulation(s) == form {
					runs = append(runs, s.Runs[0])
				}
			}
			for _, k := range results.Differing(runs) {
				keys[k] = solves(k)
			}
		}
	}
	name := func(s results.Series) string {
		text := formulation(s)
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if v, ok := s.Runs[0].Value(k); ok && keys[k] {
				text += ", " + strings.TrimPrefix(k, "oracle.") + "=" + v
			}
		}
		return text
	}
	if slices.ContainsFunc(pairs, func(pair []results.Series) bool { return len(distinct(pair, name)) < len(pair) }) {
		return func(s results.Series) string { return name(s) + " (" + s.Label + ")" } // methods of two names, alike
	}
	return func(s results.Series) string { return strict.OneLine(name(s)) }
}

// formulationPanel draws the formulations of a pair; names are those of all
// ways to solve one, in the order of their colours.
func (d *drawing) formulationPanel(pair []results.Series, x, y quantity, names []string, name func(results.Series) string) (figure.Panel, []curve) {
	var curves []curve
	end := -1.0
	for _, s := range pair {
		c := newCurve(s, x, y, d.opt.Smooth)
		c.Label = name(s)
		c.Style = slices.Index(names, c.Label)
		c.Place = placeOf(c.Style, len(names))
		curves = append(curves, c)
		if n := len(c.Mean); n > 0 && (end < 0 || c.Mean[n-1].X < end) {
			end = c.Mean[n-1].X
		}
	}
	for i := range curves {
		c := &curves[i]
		c.Mean = until(c.Mean, end)
		c.Lo, c.Hi = c.Lo[:min(len(c.Lo), len(c.Mean))], c.Hi[:min(len(c.Hi), len(c.Mean))]
		c.Tails = slices.DeleteFunc(c.Tails, func(t []figure.Point) bool { return t[0].X >= end })
	}
	p := curvePanel(curves, x, y)
	p.Title = d.titleOf(pair)
	if end > 0 {
		p.X.Range.Hi = end
		for _, c := range curves {
			if n := len(c.Mean); n > 0 {
				p.X.Range.Add(c.Mean[n-1].X)
			}
		}
	}
	return p, curves
}

// titleOf names a pair by its methods and settings, or by settings alone
// where these are long and the methods two, and tells of runs that are missing.
func (d *drawing) titleOf(pair []results.Series) string {
	short := results.ShortKeys(d.series)
	methods := distinct(pair, func(s results.Series) string { return s.Method })
	var parts, settings []string
	for _, v := range pair[0].Settings {
		if !solves(v.Key) {
			settings = append(settings, short(v.Key)+"="+v.Value)
		}
	}
	if len(settings) < 2 || len(methods) == 1 {
		parts = append(parts, strings.Join(methods, " and "))
	}
	parts = append(parts, settings...)
	for _, s := range pair {
		counts := map[string]int{}
		for _, r := range s.Runs {
			counts[r.State()]++
		}
		if text := note(counts, len(s.Runs)); text != "" {
			parts = append(parts, formulation(s)+text)
		}
	}
	return strict.OneLine(strings.Join(parts, ", "))
}

// until returns a line up to the point after x.
func until(line []figure.Point, x float64) []figure.Point {
	for i, p := range line {
		if p.X > x && x >= 0 {
			return line[:i+1]
		}
	}
	return line
}

// pages cuts a list into parts of at most n.
func pages[E any](list []E, n int) (out [][]E) {
	for part := range slices.Chunk(list, n) {
		out = append(out, part)
	}
	return out
}

// numbered is the name of the i-th page of a figure.
func numbered(name string, i int) string {
	if i == 0 {
		return name
	}
	return fmt.Sprintf("%s_%d", name, i+1)
}
