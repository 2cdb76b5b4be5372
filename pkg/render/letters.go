package render

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/strict"
	ximage "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// letters is a text handler that loses no letter. Those that the font does not
// have are written as escapes, but in SVG, whose viewers have fonts of their own.
// In PDF, for which the canvas has the 256 letters of one code page, other texts
// are drawn as outlines.
type letters struct{ text.Handler }

func (h letters) Box(txt string, f font.Font) (width, height, depth vg.Length) {
	return h.Handler.Box(strict.Escape(txt, hasLetter), f)
}

func (h letters) Draw(c vg.Canvas, txt string, s text.Style, at vg.Point) {
	switch target := bare(c).(type) {
	case *vgsvg.Canvas:
	case *vgpdf.Canvas:
		txt = strict.Escape(txt, hasLetter)
		if strings.IndexFunc(txt, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
			c = outlines{target}
		}
	default:
		txt = strict.Escape(txt, hasLetter)
	}
	h.Handler.Draw(c, txt, s, at)
}

// bare returns the canvas that draws for another.
func bare(c vg.Canvas) vg.Canvas {
	for {
		switch d := c.(type) {
		case *draw.Canvas:
			c = d.Canvas
		case draw.Canvas:
			c = d.Canvas
		default:
			return c
		}
	}
}

// letterFont is the font of all figures.
var letterFont = sync.OnceValue(func() *opentype.Font {
	return plot.DefaultTextHandler.Cache().Lookup(sans(labelSize), labelSize).Face
})

var letterKnown sync.Map // rune -> bool

// hasLetter reports whether the font of figures has a letter. A line break needs
// none.
func hasLetter(r rune) bool {
	if r == '\n' || r >= ' ' && r < unicode.MaxASCII {
		return true
	}
	if known, ok := letterKnown.Load(r); ok {
		return known.(bool)
	}
	i, err := letterFont().GlyphIndex(nil, r)
	known := err == nil && i != 0 && !unicode.IsControl(r)
	letterKnown.Store(r, known)
	return known
}

// LostLetters says which letters of the texts of figures the font does not have, and
// what is written in their place; "" if it has all.
func LostLetters(figures []figure.Figure) string {
	var lost []rune
	for _, f := range figures {
		for _, text := range f.Texts() {
			for _, r := range text {
				if !hasLetter(r) && !slices.Contains(lost, r) {
					lost = append(lost, r)
				}
			}
		}
	}
	if lost == nil {
		return ""
	}
	text := string(lost)
	return fmt.Sprintf("the font of figures has no %s: PNG and PDF have %s in its place, SVG is left to the fonts of its viewer", strict.Quote(text), strict.Quote(strict.Escape(text, hasLetter)))
}

// outlines is a canvas that draws texts as filled paths.
type outlines struct{ *vgpdf.Canvas }

func (c outlines) FillString(face font.Face, at vg.Point, txt string) {
	var buf sfnt.Buffer
	units := fixed.Int26_6(face.Face.UnitsPerEm()) // so that lengths come in units of the font
	scale := face.Font.Size / vg.Length(units)
	x := at.X
	var before sfnt.GlyphIndex
	for _, r := range txt {
		i, err := face.Face.GlyphIndex(&buf, r)
		if err != nil {
			continue // the font of the program is whole
		}
		if kern, err := face.Face.Kern(&buf, before, i, units, ximage.HintingNone); err == nil && before != 0 {
			x += scale * vg.Length(kern)
		}
		segments, err := face.Face.LoadGlyph(&buf, i, units, nil)
		if err != nil {
			continue
		}
		place := func(p fixed.Point26_6) vg.Point {
			return vg.Point{X: x + scale*vg.Length(p.X), Y: at.Y - scale*vg.Length(p.Y)}
		}
		var path vg.Path
		for _, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if path != nil {
					path.Close()
				}
				path.Move(place(s.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(place(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(place(s.Args[0]), place(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(place(s.Args[0]), place(s.Args[1]), place(s.Args[2]))
			}
		}
		if path != nil {
			path.Close()
			c.Fill(path)
		}
		if advance, err := face.Face.GlyphAdvance(&buf, i, units, ximage.HintingNone); err == nil {
			x += scale * vg.Length(advance)
		}
		before = i
	}
}
