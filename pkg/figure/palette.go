package figure

import "fmt"

// A Color is opaque.
type Color struct{ R, G, B uint8 }

// Hex is the colour as CSS and SVG write it.
func (c Color) Hex() string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// Palette are colours that all readers can tell apart (Okabe and Ito 2008), without
// yellow, which is faint on paper, and with black last.
var Palette = []Color{
	{0, 114, 178},   // blue
	{213, 94, 0},    // vermillion
	{0, 158, 115},   // bluish green
	{204, 121, 167}, // reddish purple
	{230, 159, 0},   // orange
	{86, 180, 233},  // sky blue
	{0, 0, 0},       // black
}

// Alert is the colour of remarks that say why a figure may mislead.
var Alert = Color{170, 0, 0}

// dashes, the lengths of lines and gaps by turns in points, tell curves apart in print
// without colours, and beyond seven.
var dashes = [][]float64{nil, {6, 2}, {2, 2}, {6, 2, 2, 2}, {10, 3}}

// A Glyph is the shape of the marks of a curve: an outline, or filled.
type Glyph string

// The glyphs, in the order in which curves have them.
const (
	FilledCircle   Glyph = "filled circle"
	Square         Glyph = "square"
	Triangle       Glyph = "triangle"
	Circle         Glyph = "circle"
	FilledSquare   Glyph = "filled square"
	FilledTriangle Glyph = "filled triangle"
	Plus           Glyph = "plus"
)

var glyphs = []Glyph{FilledCircle, Square, Triangle, Circle, FilledSquare, FilledTriangle, Plus}

// A Style is how a curve looks, the same in every figure.
type Style struct {
	Color Color
	Dash  []float64 // lengths of lines and gaps by turns, in points; nil: a solid line
	Glyph Glyph
}

// StyleOf returns the style of an index, which is not negative. No two of the first seven
// have a colour or a glyph in common, and no two of the first 35 both colour and dashes.
func StyleOf(index int) Style {
	return Style{
		Color: Palette[index%len(Palette)],
		Dash:  dashes[(index/len(Palette)+index)%len(dashes)],
		Glyph: glyphs[(index+index/len(glyphs))%len(glyphs)],
	}
}
