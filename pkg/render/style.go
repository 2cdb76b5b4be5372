package render

import (
	"image/color"

	"github.com/dualgn/dgn/pkg/figure"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var glyphs = map[figure.Glyph]draw.GlyphDrawer{
	figure.FilledCircle: draw.CircleGlyph{}, figure.Square: draw.SquareGlyph{}, figure.Triangle: draw.TriangleGlyph{}, figure.Circle: draw.RingGlyph{},
	figure.FilledSquare: draw.BoxGlyph{}, figure.FilledTriangle: draw.PyramidGlyph{}, figure.Plus: draw.PlusGlyph{},
}

// A style is the lines and marks of a style of figures.
type style struct {
	line, thin draw.LineStyle
	bar        draw.LineStyle
	band       color.NRGBA
	glyph      draw.GlyphStyle
	cross      draw.GlyphStyle
}

func styleOf(index int) style {
	look := figure.StyleOf(index)
	c := opaque(look.Color)
	band := c
	band.A = 45
	s := style{band: band}
	s.line = draw.LineStyle{Color: c, Width: vg.Points(1.3)}
	for _, length := range look.Dash {
		s.line.Dashes = append(s.line.Dashes, vg.Points(length))
	}
	s.bar = draw.LineStyle{Color: c, Width: vg.Points(0.9)}
	faint := c
	faint.A = 170
	s.thin = draw.LineStyle{Color: faint, Width: vg.Points(0.6), Dashes: s.line.Dashes}
	s.glyph = draw.GlyphStyle{Color: c, Radius: vg.Points(2), Shape: glyphs[look.Glyph]}
	s.cross = draw.GlyphStyle{Color: c, Radius: vg.Points(3), Shape: draw.CrossGlyph{}}
	return s
}

func opaque(c figure.Color) color.NRGBA { return color.NRGBA{c.R, c.G, c.B, 255} }

// newPlot returns a plot with the fonts and lines of a paper's figure.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.TextStyle = textStyle(titleSize)
	p.Title.TextStyle.XAlign, p.Title.TextStyle.YAlign = text.XCenter, text.YTop
	grey := color.NRGBA{120, 120, 120, 255}
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Tick.Label.Font = sans(tickSize)
		a.Tick.Label.Handler = letters{plot.DefaultTextHandler}
		a.Tick.Length = vg.Points(3.5)
		a.Tick.LineStyle = draw.LineStyle{Color: grey, Width: vg.Points(0.5)}
		a.LineStyle = draw.LineStyle{Color: grey, Width: vg.Points(0.5)}
		a.Padding = 0
	}
	return p
}
