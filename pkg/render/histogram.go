package render

import (
	"github.com/dualgn/dgn/pkg/figure"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A histogram draws the shares of bins as steps.
type histogram struct {
	figure.Histogram
	look style
	row  int // of its legend
}

// Plot implements plot.Plotter.
func (h histogram) Plot(to draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&to)
	line := []vg.Point{{X: tx(h.Edges[0]), Y: ty(0)}}
	for i, s := range h.Share {
		line = append(line, vg.Point{X: tx(h.Edges[i]), Y: ty(s)}, vg.Point{X: tx(h.Edges[i+1]), Y: ty(s)})
	}
	line = append(line, vg.Point{X: tx(h.Edges[len(h.Share)]), Y: ty(0)})
	fill := h.look.band
	fill.A = 30
	to.FillPolygon(fill, to.ClipPolygonXY(line))
	to.StrokeLines(h.look.line, to.ClipLinesXY(line)...)
	if b := h.Below; b != nil {
		lo, hi, top := tx(float64(b.From)), tx(float64(b.To)), ty(float64(b.Share))
		bar := []vg.Point{{X: lo, Y: ty(0)}, {X: lo, Y: top}, {X: hi, Y: top}, {X: hi, Y: ty(0)}}
		to.FillPolygon(fill, to.ClipPolygonXY(bar))
		to.StrokeLines(h.look.line, to.ClipLinesXY(bar)...)
	}
	// Its own legend, as every panel has other steps.
	s := textStyle(smallSize)
	s.XAlign, s.YAlign = draw.XRight, draw.YTop
	at := vg.Point{X: to.Max.X - 22, Y: to.Max.Y - vg.Length(2+9*h.row)}
	to.FillText(s, at, h.Label)
	to.StrokeLine2(h.look.line, at.X+3, at.Y-4, at.X+19, at.Y-4)
}
