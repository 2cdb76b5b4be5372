package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/stats"
)

// weights draws, for each series, histograms of the examples' dual weights at
// the first, middle and last logged steps.
func weights(d *drawing) (figures []figure.Figure, why string, err error) {
	var panels []figure.Panel
	var remarks []figure.Remark
	apart := false
	for _, s := range d.series {
		byStep := map[int][]float64{}
		n := 0
		for _, r := range s.Sound() {
			duals, err := r.DualWeights()
			if err != nil {
				return nil, "", err
			}
			if len(duals) > 0 {
				n++
			}
			for step, w := range duals {
				byStep[step] = append(byStep[step], w...)
			}
		}
		if n == 0 {
			continue
		}
		p, below, text := d.weightPanel(byStep)
		apart = apart || below
		p.Title = fmt.Sprintf("%s, n = %d", s.Label, n)
		panels = append(panels, p)
		if text != "" {
			remarks = append(remarks, figure.Remark{Text: s.Label + ": " + text, Alert: true})
		}
	}
	for i, page := range pages(panels, 6) {
		f := figure.Figure{Name: numbered("duals", i), Panels: page, Columns: min(2, len(page)), Large: len(page) == 1}
		text := fmt.Sprintf("%s: weights w of the m examples of mini-batches: the norms of their dual variables, pooled over n seeds; in brackets the effective share of examples, (Σw)²/(mΣw²)", d.res.Runs[0].Dataset)
		if apart {
			text += "; the bar apart, at the left: weights that are 0 or too small for the axis"
		}
		f.Caption = append([]figure.Remark{{Text: text}}, remarks...)
		figures = append(figures, f)
	}
	return figures, "no run has duals.npz; train with log: {inner: true}", nil
}

// weightPanel draws the histograms of some steps on common bins; apart tells that
// there is a bar of what a log axis has no place for.
func (d *drawing) weightPanel(byStep map[int][]float64) (p figure.Panel, apart bool, remarks string) {
	steps := slices.Sorted(maps.Keys(byStep))
	shown := []int{steps[0], steps[len(steps)/2], steps[len(steps)-1]}
	if len(steps) < 3 {
		shown = steps
	}
	shown = slices.Compact(shown)
	var all, positive []float64
	zeros, bad := 0, 0
	for _, step := range shown {
		for _, w := range byStep[step] {
			switch {
			case math.IsNaN(w) || math.IsInf(w, 0):
				bad++
				continue
			case w > 0:
				positive = append(positive, w)
			case w == 0:
				zeros++
			}
			all = append(all, w)
		}
	}
	p.X = figure.Axis{Label: "dual weight of an example", Pad: padX}
	p.Y = figure.Axis{Label: "share of examples [%]", Pad: padY}
	if len(positive) > 0 {
		// Weights that are spread over decades show nothing on a linear axis.
		p.X.Log = stats.Quantile(positive, 0.95) > 50*stats.Quantile(positive, 0.05)
	}
	if d.opt.LogX != nil {
		p.X.Log = *d.opt.LogX && len(positive) > 0
	}
	x := &p.X.Range
	switch {
	case p.X.Log:
		x.Add(positive...)
		// Few tiny weights would take the room of all others.
		x.Lo = max(x.Lo, stats.Quantile(positive, 0.01)/10)
	case len(all) > 0:
		x.Add(0)
		x.Add(all...)
	}
	if x.Hi <= x.Lo {
		*x = figure.Range{Lo: x.Lo / 2, Hi: max(x.Hi*2, 1), Some: true}
	}
	p.Y.Range.Add(0)
	b := bins{*x, p.X.Log}
	for i, step := range shown {
		h := figure.Histogram{Label: fmt.Sprintf("step %d [%.0f %%]", step, 100*effective(byStep[step])), Style: i, Edges: b.edges()}
		below := 0.0
		if h.Share, below = b.count(byStep[step]); below > 0 {
			from, to := b.apart()
			h.Below = &figure.Bar{From: figure.Number(from), To: figure.Number(to), Share: figure.Number(below)}
			apart = true
		}
		p.Y.Range.Add(h.Share...)
		p.Y.Range.Add(below)
		p.Histograms = append(p.Histograms, h)
	}
	p.Y.Range.Hi *= 1.4 // room for the legend
	var parts []string
	if apart {
		from, _ := b.apart()
		x.Add(max(from/math.Sqrt(b.ratio()), math.SmallestNonzeroFloat64))
	}
	if zeros > 0 && p.X.Log {
		parts = append(parts, fmt.Sprintf("%d weights are exactly 0", zeros))
	}
	if bad > 0 {
		parts = append(parts, fmt.Sprintf("%d weights are NaN or infinite", bad))
	}
	return p, apart, strings.Join(parts, "; ")
}

// effective returns (sum w)^2 / (m sum w^2): 1 if all weights are equal, 1/m if
// one alone is not 0.
func effective(w []float64) float64 {
	var sum, squares float64
	for _, v := range w {
		sum += v
		squares += v * v
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / squares / float64(len(w))
}
