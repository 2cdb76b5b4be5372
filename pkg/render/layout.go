package render

import (
	"image/color"
	"math"

	"github.com/dualgn/dgn/pkg/figure"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lengths in points.
const (
	margin      = 4 // around everything
	lineHeight  = 12
	captionLine = 8
)

// Sizes of panels: alone, and side by side.
const (
	largeWidth, largeHeight = 9 * vg.Centimeter, 6 * vg.Centimeter
	halfWidth, halfHeight   = 8.5 * vg.Centimeter, 5.4 * vg.Centimeter
)

// A page is a figure whose texts are broken into lines, and that has lengths.
type page struct {
	columns       int
	width, height vg.Length // of a panel
	panels        []panel
	legend        legend
	caption       []figure.Remark // by line
}

func layOut(f figure.Figure) page {
	p := page{columns: max(1, f.Columns), width: halfWidth, height: halfHeight}
	if f.Large {
		p.width, p.height = largeWidth, largeHeight
	}
	for i, of := range f.Panels {
		var rows rows
		if len(of.Rows) > 0 {
			rows = layRows(of.Rows, p.width, i%p.columns == 0)
			if h := rows.height(); i == 0 || h > p.height {
				p.height = h
			}
		}
		p.panels = append(p.panels, newPanel(of, rows, p.width))
	}
	p.legend = layLegend(f.Legend, p.inner())
	for _, r := range f.Caption {
		for _, line := range wrap(textStyle(captionSize), r.Text, p.inner()) {
			p.caption = append(p.caption, figure.Remark{Text: line, Alert: r.Alert})
		}
	}
	return p
}

// inner is the width of what is inside the margins.
func (p page) inner() vg.Length { return vg.Length(p.columns)*p.width - 2*margin }

// rows returns how many panels stand above each other.
func (p page) rows() int { return (len(p.panels) + p.columns - 1) / p.columns }

func (p page) size() (width, height vg.Length) {
	return p.inner() + 2*margin, vg.Length(p.rows())*p.height + 2*margin + p.legend.height() + 4 + vg.Length(len(p.caption))*captionLine + 3
}

func (p page) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	p.legend.draw(c)
	for i, r := range p.caption {
		s := textStyle(captionSize)
		if r.Alert {
			s.Color = opaque(figure.Alert)
		}
		c.FillText(s, vg.Point{X: c.Min.X, Y: c.Min.Y + vg.Length(len(p.caption)-1-i)*captionLine}, r.Text)
	}
	c = draw.Crop(c, 0, 0, vg.Length(len(p.caption))*captionLine+3, -p.legend.height()-4)

	tiles := draw.Tiles{Rows: p.rows(), Cols: p.columns, PadX: 12, PadY: 8, PadRight: 6, PadTop: 2}
	for col := range p.columns {
		// The axes of a column are drawn below each other: all leave as much
		// room for the numbers at their left as the widest needs.
		var left vg.Length
		for i := col; i < len(p.panels); i += p.columns {
			tile := tiles.At(c, col, i/p.columns)
			left = max(left, p.panels[i].plot().DataCanvas(tile).Min.X-tile.Min.X)
		}
		for i := col; i < len(p.panels); i += p.columns {
			p.panels[i].draw(tiles.At(c, col, i/p.columns), left)
		}
	}
}

// draw draws the panel with room at its left for the numbers of the y axis.
func (p panel) draw(tile draw.Canvas, left vg.Length) {
	g := p.plot()
	label := vg.Length(lineHeight)
	if p.y.Label == "" {
		label = 0
	}
	own := draw.Crop(tile, label, 0, lineHeight-2, 0)
	own = draw.Crop(own, left-(g.DataCanvas(own).Min.X-own.Min.X), 0, 0, 0)
	g.Draw(own)
	// plot keeps room for labels as if they were not centred, and on log
	// axes not where it draws them, so they are drawn here.
	data := g.DataCanvas(own)
	s := textStyle(labelSize)
	s.XAlign, s.YAlign = text.XCenter, text.YBottom
	tile.FillText(s, vg.Point{X: data.Center().X, Y: tile.Min.Y}, p.x.Label)
	s.Rotation, s.YAlign = math.Pi/2, text.YTop
	tile.FillText(s, vg.Point{X: tile.Min.X, Y: data.Center().Y}, p.y.Label)
}
