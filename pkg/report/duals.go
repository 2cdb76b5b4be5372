package report

import (
	"bytes"
	"fmt"
	"image/color"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/stats"
)

// maxDuals bounds the dual variables in the file of a run: 1 GiB.
const maxDuals = 1 << 27

// readDuals reads duals.npz: arrays alpha_STEP, m x k, of the dual variables
// after the steps of evaluations. It returns, by step, the weight ||alpha_i|| of
// each example of the mini-batch.
func readDuals(path string, data []byte) (map[int][]float64, error) {
	steps := map[string]int{}
	total := 0
	list, err := arrays.ReadNPZ(bytes.NewReader(data), int64(len(data)), func(h arrays.Header) error {
		text, ok := strings.CutPrefix(h.Name, "alpha_")
		step, err := strconv.Atoi(text)
		if !ok || err != nil || step < 0 {
			return fmt.Errorf("array %.60q: expected alpha_STEP", h.Name)
		}
		if len(h.Shape) != 2 || h.Shape[0] == 0 || h.Shape[1] == 0 {
			return fmt.Errorf("array %q has shape %v, expected m x k", h.Name, h.Shape)
		}
		if total += h.Len(); total > maxDuals {
			return fmt.Errorf("with array %q there are more than %d dual variables, the most that are read", h.Name, maxDuals)
		}
		steps[h.Name] = step
		return nil
	})
	if err != nil {
		return nil, logErrorf("%s: %w", path, err)
	}
	out := map[int][]float64{}
	for _, a := range list {
		step := steps[a.Name]
		if _, twice := out[step]; twice {
			return nil, logErrorf("%s: there are two arrays of step %d", path, step)
		}
		alpha, k := a.Float64s(), a.Shape[1]
		w := make([]float64, a.Shape[0])
		for i := range w {
			for _, v := range alpha[i*k : (i+1)*k] {
				w[i] = math.Hypot(w[i], v)
			}
		}
		out[step] = w
	}
	return out, nil
}

// duals reads the duals.npz of a run, if it has one.
func (r *Run) duals() (map[int][]float64, error) {
	path := filepath.Join(r.Dir, "duals.npz")
	data, err := readFile(path, maxDualsFile, 0)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readDuals(path, data)
}

// weights draws, for each series, histograms of the examples' dual weights at
// the first, middle and last logged steps.
func weights(d *drawing) (figures []figure, why string, err error) {
	var panels []panel
	var remarks []remark
	apart := false
	for _, s := range d.series {
		byStep := map[int][]float64{}
		n := 0
		for _, r := range s.sound() {
			duals, err := r.duals()
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
		p.title = fmt.Sprintf("%s, n = %d", s.label, n)
		panels = append(panels, p)
		if text != "" {
			remarks = append(remarks, remark{s.label + ": " + text, true})
		}
	}
	for i, page := range pages(panels, 6) {
		f := figure{name: numbered("duals", i), panels: page, columns: min(2, len(page)), width: halfWidth, height: halfHeight}
		if len(page) == 1 {
			f.width, f.height = aloneWidth, aloneHeight
		}
		text := fmt.Sprintf("%s: weights w of the m examples of mini-batches: the norms of their dual variables, pooled over n seeds; in brackets the effective share of examples, (Σw)²/(mΣw²)", d.res.Runs[0].Dataset)
		if apart {
			text += "; the bar apart, at the left: weights that are 0 or too small for the axis"
		}
		f.caption = append([]remark{{text: text}}, remarks...)
		figures = append(figures, f)
	}
	return figures, "no run has duals.npz; train with log: {inner: true}", nil
}

const bins = 30

// weightPanel draws the histograms of some steps on common bins; apart tells that
// there is a bar of what a log axis has no place for.
func (d *drawing) weightPanel(byStep map[int][]float64) (p panel, apart bool, remarks string) {
	steps := slices.Sorted(maps.Keys(byStep))
	shown := []int{steps[0], steps[len(steps)/2], steps[len(steps)-1]}
	if len(steps) < 3 {
		shown = steps
	}
	shown = slices.Compact(shown)
	var all, positive []float64
	bad := 0
	for _, step := range shown {
		for _, w := range byStep[step] {
			switch {
			case math.IsNaN(w) || math.IsInf(w, 0):
				bad++
				continue
			case w > 0:
				positive = append(positive, w)
			}
			all = append(all, w)
		}
	}
	p = panel{xlabel: "dual weight of an example", xpad: [2]float64{0, 0.02}, ylabel: "share of examples [%]"}
	if len(positive) > 0 {
		// Weights that are spread over decades show nothing on a linear axis.
		p.xlog = stats.Quantile(positive, 0.95) > 50*stats.Quantile(positive, 0.05)
	}
	if d.opt.LogX != nil {
		p.xlog = *d.opt.LogX && len(positive) > 0
	}
	switch {
	case p.xlog:
		p.x.add(positive...)
		// Few tiny weights would take the room of all others.
		p.x.lo = max(p.x.lo, stats.Quantile(positive, 0.01)/10)
	case len(all) > 0:
		p.x.add(0)
		p.x.add(all...)
	}
	if p.x.hi <= p.x.lo {
		p.x = interval{p.x.lo / 2, max(p.x.hi*2, 1), true}
	}
	p.y.add(0)
	zeros, below := 0, 0
	for i, step := range shown {
		h := histogram{look: styleOf(i), x: p.x, log: p.xlog}
		h.label = fmt.Sprintf("step %d [%.0f %%]", step, 100*effective(byStep[step]))
		h.share, h.below = h.count(byStep[step])
		for _, w := range byStep[step] {
			if w == 0 {
				zeros++
			}
		}
		if h.below > 0 {
			below++
		}
		p.y.add(h.share...)
		p.y.add(h.below)
		h.row = i
		p.marks = append(p.marks, h)
	}
	p.y.hi *= 1.4 // room for the legend
	var parts []string
	if below > 0 {
		lo, _ := p.marks[0].(histogram).belowBin()
		p.x.add(max(lo/math.Sqrt(p.marks[0].(histogram).ratio()), math.SmallestNonzeroFloat64))
		apart = true
	}
	if zeros > 0 && p.xlog {
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

// A histogram draws the shares of bins as steps.
type histogram struct {
	label string
	look  style
	x     interval
	log   bool
	row   int // of its legend
	share []float64
	below float64 // share of what lies below a log axis
}

// ratio is that of the edges of a bin of a log axis.
func (h histogram) ratio() float64 { return math.Pow(h.x.hi/h.x.lo, 1./bins) }

// belowBin is the place of the bar of what lies below a log axis, at the left of
// the first bin and apart from it.
func (h histogram) belowBin() (lo, hi float64) {
	r := h.ratio()
	return h.x.lo / (r * r * r), h.x.lo / (r * math.Sqrt(r))
}

// edge returns the lower edge of bin i.
func (h histogram) edge(i int) float64 {
	t := float64(i) / bins
	if h.log {
		return h.x.lo * math.Pow(h.x.hi/h.x.lo, t)
	}
	return h.x.lo + (h.x.hi-h.x.lo)*t
}

// count returns the share of the weights in each bin, in percent, and of those
// that lie below a log axis.
func (h histogram) count(w []float64) (share []float64, below float64) {
	share = make([]float64, bins)
	for _, v := range w {
		t := (v - h.x.lo) / (h.x.hi - h.x.lo)
		if h.log {
			t = math.Log(v/h.x.lo) / math.Log(h.x.hi/h.x.lo)
		}
		if t < -1e-12 && h.log {
			below += 100 / float64(len(w))
		}
		if !(t >= -1e-12 && t <= 1+1e-12) {
			continue
		}
		share[min(max(int(t*bins), 0), bins-1)] += 100 / float64(len(w))
	}
	return share, below
}

// Plot implements plot.Plotter.
func (h histogram) Plot(to draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&to)
	line := []vg.Point{{X: tx(h.edge(0)), Y: ty(0)}}
	for i, s := range h.share {
		line = append(line, vg.Point{X: tx(h.edge(i)), Y: ty(s)}, vg.Point{X: tx(h.edge(i + 1)), Y: ty(s)})
	}
	line = append(line, vg.Point{X: tx(h.edge(bins)), Y: ty(0)})
	fill := h.look.band
	fill.A = 30
	to.FillPolygon(fill, to.ClipPolygonXY(line))
	to.StrokeLines(h.look.line, to.ClipLinesXY(line)...)
	if h.below > 0 {
		lo, hi := h.belowBin()
		bar := []vg.Point{{X: tx(lo), Y: ty(0)}, {X: tx(lo), Y: ty(h.below)}, {X: tx(hi), Y: ty(h.below)}, {X: tx(hi), Y: ty(0)}}
		to.FillPolygon(fill, to.ClipPolygonXY(bar))
		to.StrokeLines(h.look.line, to.ClipLinesXY(bar)...)
	}
	// Its own legend, as every panel has other steps.
	s := textStyle(7)
	s.XAlign, s.YAlign = draw.XRight, draw.YTop
	s.Color = color.Black
	at := vg.Point{X: to.Max.X - 22, Y: to.Max.Y - vg.Length(2+9*h.row)}
	to.FillText(s, at, h.label)
	to.StrokeLine2(h.look.line, at.X+3, at.Y-4, at.X+19, at.Y-4)
}
