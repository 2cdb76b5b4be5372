// Package render draws figures as PNG, SVG and PDF files with gonum/plot: it finds what
// depends on fonts and lengths, as where texts are broken into lines.
package render

import (
	"fmt"
	"image/png"
	"io"
	"slices"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/dualgn/dgn/pkg/figure"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Formats are the kinds of files that figures can be, in the order of All.
var Formats = []string{"png", "svg", "pdf"}

// Dots per inch of PNG files: for print, and for a look on a screen.
const (
	PrintDPI  = 300
	ScreenDPI = 160
)

func init() {
	// The same logs must give the same bytes; vgpdf has no other way to fix
	// the date and the order in which a PDF lists its fonts.
	fpdf.SetDefaultCreationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	fpdf.SetDefaultModificationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	fpdf.SetDefaultCatalogSort(true)
}

// All returns the renderers of all formats, of PNG files with a resolution in dots per
// inch.
func All(dpi int) []figure.Renderer { return []figure.Renderer{PNG{dpi}, SVG{}, PDF{}} }

// For returns the renderers of some formats, of all if none is named.
func For(formats []string, dpi int) (list []figure.Renderer, err error) {
	all := All(dpi)
	if len(formats) == 0 {
		list = all
	}
	for _, f := range formats {
		i := slices.Index(Formats, f)
		if i < 0 {
			return nil, fmt.Errorf("no figure format is called %q (known: %s)", f, strings.Join(Formats, ", "))
		}
		list = append(list, all[i])
	}
	if dpi < 10 || dpi > 1200 {
		return nil, fmt.Errorf("dpi: must be between 10 and 1200, got %d", dpi)
	}
	return list, nil
}

// PNG renders pixels.
type PNG struct{ DPI int }

// SVG renders vectors for browsers, which bring the fonts.
type SVG struct{}

// PDF renders vectors for print.
type PDF struct{}

// Extension implements figure.Renderer.
func (PNG) Extension() string { return "png" }

// Extension implements figure.Renderer.
func (SVG) Extension() string { return "svg" }

// Extension implements figure.Renderer.
func (PDF) Extension() string { return "pdf" }

// Render implements figure.Renderer.
func (r PNG) Render(w io.Writer, f figure.Figure) error {
	p := layOut(f)
	c := vgimg.NewWith(vgimg.UseWH(p.size()), vgimg.UseDPI(r.DPI))
	p.draw(draw.New(c))
	e := png.Encoder{}
	if r.DPI < PrintDPI { // for the screen: in half the time, and a third larger
		e.CompressionLevel = png.BestSpeed
	}
	return e.Encode(w, c.Image())
}

// Render implements figure.Renderer.
func (SVG) Render(w io.Writer, f figure.Figure) error {
	p := layOut(f)
	c := vgsvg.New(p.size())
	p.draw(draw.New(c))
	_, err := c.WriteTo(w)
	return err
}

// Render implements figure.Renderer.
func (PDF) Render(w io.Writer, f figure.Figure) error {
	p := layOut(f)
	c := vgpdf.New(p.size())
	p.draw(draw.New(c))
	_, err := c.WriteTo(w)
	return err
}
