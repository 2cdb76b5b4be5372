package report

import (
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// okabeIto are colours that all readers can tell apart (Okabe and Ito 2008),
// without yellow, which is faint on paper, and with black last.
var okabeIto = []color.NRGBA{
	{0, 114, 178, 255},   // blue
	{213, 94, 0, 255},    // vermillion
	{0, 158, 115, 255},   // bluish green
	{204, 121, 167, 255}, // reddish purple
	{230, 159, 0, 255},   // orange
	{86, 180, 233, 255},  // sky blue
	{0, 0, 0, 255},       // black
}

// alertColor is that of remarks that say why a figure may mislead.
var alertColor = color.NRGBA{170, 0, 0, 255}

// dashes tell methods apart in print without colours, and beyond seven.
var dashes = [][]vg.Length{nil, {6, 2}, {2, 2}, {6, 2, 2, 2}, {10, 3}}

var glyphs = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.RingGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.PlusGlyph{}}

// partSize is that of the numbers beside means of some of the runs.
const partSize = 5.5

// A style is how a method looks, in every figure.
type style struct {
	line, thin draw.LineStyle
	bar        draw.LineStyle
	band       color.NRGBA
	glyph      draw.GlyphStyle
	cross      draw.GlyphStyle
}

func styleOf(method int) style {
	c := okabeIto[method%len(okabeIto)]
	band := c
	band.A = 45
	s := style{band: band}
	s.line = draw.LineStyle{Color: c, Width: vg.Points(1.3), Dashes: dashes[(method/len(okabeIto)+method)%len(dashes)]}
	s.bar = draw.LineStyle{Color: c, Width: vg.Points(0.9)}
	faint := c
	faint.A = 170
	s.thin = draw.LineStyle{Color: faint, Width: vg.Points(0.6), Dashes: s.line.Dashes}
	s.glyph = draw.GlyphStyle{Color: c, Radius: vg.Points(2), Shape: glyphs[(method+method/len(glyphs))%len(glyphs)]}
	s.cross = draw.GlyphStyle{Color: c, Radius: vg.Points(3), Shape: draw.CrossGlyph{}}
	return s
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

func textStyle(size vg.Length) text.Style {
	return text.Style{Color: color.Black, Font: sans(size), Handler: letters{plot.DefaultTextHandler}}
}

// newPlot returns a plot with the fonts and lines of a paper's figure.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.TextStyle = textStyle(titleSize)
	p.Title.TextStyle.XAlign, p.Title.TextStyle.YAlign = text.XCenter, text.YTop
	grey := color.NRGBA{120, 120, 120, 255}
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Tick.Label.Font = sans(8)
		a.Tick.Label.Handler = letters{plot.DefaultTextHandler}
		a.Tick.Length = vg.Points(3.5)
		a.Tick.LineStyle = draw.LineStyle{Color: grey, Width: vg.Points(0.5)}
		a.LineStyle = draw.LineStyle{Color: grey, Width: vg.Points(0.5)}
		a.Padding = 0
	}
	return p
}

// A fixedTicks labels given places.
type fixedTicks []plot.Tick

// Ticks implements plot.Ticker.
func (t fixedTicks) Ticks(float64, float64) []plot.Tick { return t }

// logTicks labels the powers of ten; 2 and 5 times them too where there are few, 3
// times them where there are some more, and 1 to 9 times where there is none but
// one; not all where there are many.
type logTicks struct{}

func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	decades := math.Log10(hi) - math.Log10(lo)
	labelled := map[int]bool{1: true}
	switch {
	case decades < 0.6:
		for i := range 10 {
			labelled[i] = true
		}
	case decades < 2.2:
		labelled[2], labelled[5] = true, true
	case decades < 3.5:
		labelled[3] = true
	}
	every := 1 // powers of ten that are labelled
	if decades >= 8 {
		every = 2 * int(math.Ceil(decades/30))
	}
	numbers := 0
	var ticks []plot.Tick
	for e := int(math.Floor(math.Log10(lo))); e <= int(math.Ceil(math.Log10(hi))); e++ {
		for i := 1; i < 10; i++ {
			v := float64(i) * math.Pow10(e)
			if v == 0 || math.IsInf(v, 0) || v < lo*(1-1e-9) || v/(1+1e-9) > hi {
				continue
			}
			t := plot.Tick{Value: v}
			if i > 1 && every > 1 || every > 4 && e%every != 0 {
				break // there is no room
			}
			if labelled[i] && e%every == 0 {
				t.Label = tickLabel(v)
				numbers++
			}
			ticks = append(ticks, t)
		}
	}
	if numbers < 3 && decades < 0.6 { // so short an axis is nearly linear
		return linearTicks{}.Ticks(lo, hi)
	}
	return ticks
}

func tickLabel(v float64) string {
	if v >= 1e-3 && v < 1e4 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return scientific(v, 0)
}

// scientific writes a number with an exponent, and digits after its point.
func scientific(v float64, digits int) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits, 64), "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + "e" + strings.TrimPrefix(strings.TrimPrefix(strings.Replace(exponent, "-0", "-", 1), "+"), "0")
}

// linearTicks labels multiples of 1, 2 or 5 times a power of ten, about five
// of them.
type linearTicks struct{}

func (linearTicks) Ticks(lo, hi float64) []plot.Tick {
	raw := (hi - lo) / 5
	unit := math.Pow10(int(math.Floor(math.Log10(raw))))
	step := 10 * unit
	for _, f := range []float64{1, 2, 5} {
		if f*unit >= raw*0.999 {
			step = f * unit
			break
		}
	}
	var ticks []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); (i-1e-9)*step <= hi; i++ {
		v := i*step + 0 // not -0
		digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
		label := strconv.FormatFloat(v, 'f', digits, 64)
		if v != 0 && (max(math.Abs(lo), math.Abs(hi)) >= 1e6 || step < 1e-6) { // would take the room of the figure
			label = scientific(v, max(0, int(math.Floor(math.Log10(math.Abs(v))+1e-9)-math.Floor(math.Log10(step)+1e-9))))
		} else if v == 0 && digits > 6 {
			label = "0"
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: label})
	}
	return ticks
}
