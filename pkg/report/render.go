package report

import (
	"bytes"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A figure is panels in a grid, a legend above and a caption below.
type figure struct {
	name          string // of its files
	panels        []panel
	columns       int
	width, height vg.Length // of a panel
	legend        []entry
	stacked       bool // the legend has one column
	caption       []remark
}

// An entry of a legend.
type entry struct {
	label  string
	sample plot.Thumbnailer // nil: the label is the rest of the one before
}

// A remark is a part of a caption. Alerts say why a figure may mislead.
type remark struct {
	text  string
	alert bool
}

// Formats are the kinds of files that figures can be.
var Formats = []string{"png", "svg", "pdf"}

// Dots per inch of PNG files: for print, and for a look on a screen.
const (
	printDPI  = 300
	ScreenDPI = 160
)

func init() {
	// The same logs must give the same bytes; vgpdf has no other way to fix
	// the date and the order in which a PDF lists its fonts.
	fpdf.SetDefaultCreationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	fpdf.SetDefaultModificationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	fpdf.SetDefaultCatalogSort(true)
}

// Lengths in points.
const (
	margin      = 4 // around everything
	labelSize   = 8.5
	titleSize   = 8
	captionSize = 6.5
	lineHeight  = 12
	captionLine = 8
	legendLead  = 3.5 // between lines
	sampleWidth = 22
	sampleGap   = 4
	entryGap    = 12
)

// encode returns the figure as a file of a format.
func (f figure) encode(format string, dpi int) ([]byte, error) {
	f.panels = slices.Clone(f.panels) // whose titles are broken into lines below
	inner := vg.Length(f.columns)*f.width - 2*margin
	f.fitLegend(inner)
	columns, lines := f.layLegend(inner)
	caption := f.layCaption(inner)
	for i := range f.panels {
		p := &f.panels[i]
		p.title = strings.Join(wrap(textStyle(titleSize), p.title, f.width-50), "\n")
	}
	legend := vg.Length(lines) * (f.legendSize() + legendLead)
	rows := vg.Length((len(f.panels) + f.columns - 1) / f.columns)
	width := inner + 2*margin
	height := rows*f.height + 2*margin + legend + 4 + vg.Length(len(caption))*captionLine + 3

	var b bytes.Buffer
	if format == "png" {
		c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
		f.draw(draw.New(c), columns, legend, caption)
		e := png.Encoder{}
		if dpi < printDPI { // for the screen: in half the time, and a third larger
			e.CompressionLevel = png.BestSpeed
		}
		err := e.Encode(&b, c.Image())
		return b.Bytes(), err
	}
	var c interface {
		vg.CanvasSizer
		io.WriterTo
	} = vgpdf.New(width, height)
	if format == "svg" {
		c = vgsvg.New(width, height)
	}
	f.draw(draw.New(c), columns, legend, caption)
	_, err := c.WriteTo(&b)
	return b.Bytes(), err
}

// fitLegend breaks labels that a line does not hold: what the edge cut off could
// be what tells two apart.
func (f *figure) fitLegend(width vg.Length) {
	s, room := textStyle(f.legendSize()), width-sampleWidth-sampleGap
	if !slices.ContainsFunc(f.legend, func(e entry) bool { return s.Width(e.label) > room }) {
		return
	}
	var out []entry
	for _, e := range f.legend {
		for i, line := range wrap(s, e.label, room) {
			if i > 0 {
				e.sample = nil
			}
			out = append(out, entry{line, e.sample})
		}
	}
	f.legend, f.stacked = out, true
}

// layLegend arranges the entries in as many columns as fit, row by row, and
// returns the places of the columns.
func (f figure) layLegend(width vg.Length) (columns []vg.Length, rows int) {
	n := len(f.legend)
	if n == 0 {
		return nil, 0
	}
	s := textStyle(f.legendSize())
	most := n
	if f.stacked {
		most = 1
	}
	for cols := most; ; cols-- {
		columns = make([]vg.Length, cols+1)
		for c := range cols {
			widest := vg.Length(0)
			for i := c; i < n; i += cols {
				widest = max(widest, sampleWidth+sampleGap+s.Width(f.legend[i].label)+entryGap)
			}
			columns[c+1] = columns[c] + widest
		}
		if columns[cols]-entryGap <= width || cols == 1 {
			return columns[:cols], (n + cols - 1) / cols
		}
	}
}

// legendSize is smaller for many entries.
func (f figure) legendSize() vg.Length {
	if len(f.legend) > 6 {
		return 7
	}
	return labelSize
}

// wrap breaks text into lines of at most a width, at blanks, and within words
// that are wider.
func wrap(s text.Style, words string, width vg.Length) (lines []string) {
	line := ""
	var parts []string
	for _, word := range strings.Fields(words) {
		for s.Width(word) > width {
			fits := 0
			for i, r := range word {
				if end := i + utf8.RuneLen(r); i == 0 || s.Width(word[:end]) <= width {
					fits = end
				}
			}
			if fits == len(word) {
				break // a single letter
			}
			parts, word = append(parts, word[:fits]), word[fits:]
		}
		parts = append(parts, word)
	}
	for _, word := range parts {
		if line != "" && s.Width(line+" "+word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

// layCaption breaks the remarks into lines.
func (f figure) layCaption(width vg.Length) (lines []remark) {
	for _, r := range f.caption {
		for _, line := range wrap(textStyle(captionSize), r.text, width) {
			lines = append(lines, remark{line, r.alert})
		}
	}
	return lines
}

func (f figure) draw(c draw.Canvas, columns []vg.Length, legend vg.Length, caption []remark) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	f.drawLegend(c, columns)
	for i, r := range caption {
		s := textStyle(captionSize)
		if r.alert {
			s.Color = alertColor
		}
		c.FillText(s, vg.Point{X: c.Min.X, Y: c.Min.Y + vg.Length(len(caption)-1-i)*captionLine}, r.text)
	}
	c = draw.Crop(c, 0, 0, vg.Length(len(caption))*captionLine+3, -legend-4)

	rows := (len(f.panels) + f.columns - 1) / f.columns
	tiles := draw.Tiles{Rows: rows, Cols: f.columns, PadX: 12, PadY: 8, PadRight: 6, PadTop: 2}
	for col := range f.columns {
		// The axes of a column are drawn below each other: all leave as much
		// room for the numbers at their left as the widest needs.
		var left vg.Length
		for i := col; i < len(f.panels); i += f.columns {
			tile := tiles.At(c, col, i/f.columns)
			left = max(left, f.panels[i].plot().DataCanvas(tile).Min.X-tile.Min.X)
		}
		for i := col; i < len(f.panels); i += f.columns {
			p := f.panels[i].plot()
			tile := tiles.At(c, col, i/f.columns)
			label := vg.Length(lineHeight)
			if f.panels[i].ylabel == "" {
				label = 0
			}
			own := draw.Crop(tile, label, 0, lineHeight-2, 0)
			own = draw.Crop(own, left-(p.DataCanvas(own).Min.X-own.Min.X), 0, 0, 0)
			p.Draw(own)
			// plot keeps room for labels as if they were not centred, and on log
			// axes not where it draws them, so they are drawn here.
			data := p.DataCanvas(own)
			s := textStyle(labelSize)
			s.XAlign, s.YAlign = text.XCenter, text.YBottom
			c.FillText(s, vg.Point{X: data.Center().X, Y: tile.Min.Y}, f.panels[i].xlabel)
			s.Rotation, s.YAlign = math.Pi/2, text.YTop
			c.FillText(s, vg.Point{X: tile.Min.X, Y: data.Center().Y}, f.panels[i].ylabel)
		}
	}
}

// drawLegend draws the legend at the top of c, with columns at given places.
func (f figure) drawLegend(c draw.Canvas, columns []vg.Length) {
	size := f.legendSize()
	s := textStyle(size)
	for i, e := range f.legend {
		x := c.Min.X + columns[i%len(columns)]
		y := c.Max.Y - vg.Length(i/len(columns)+1)*(size+legendLead)
		icon := draw.Crop(c, x-c.Min.X, x+sampleWidth-c.Max.X, y-c.Min.Y, y+size+legendLead-2-c.Max.Y)
		if e.sample != nil {
			e.sample.Thumbnail(&icon)
		}
		c.FillText(s, vg.Point{X: x + sampleWidth + sampleGap, Y: y + 1.5}, e.label)
	}
}
