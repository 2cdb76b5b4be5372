package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/google/renameio/v2"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// FigureOptions say what to draw. Empty lists stand for the defaults.
type FigureOptions struct {
	Dir     string   // where files go
	X       []string // wall, cost, epoch, step, oracle_calls
	Y       []string // train_loss, test_loss, test_accuracy, ...
	Formats []string // png, svg, pdf
}

// Formats are the kinds of files that figures can be.
var Formats = []string{"png", "svg", "pdf"}

const dpi = 300

func init() {
	// The same logs must give the same bytes; vgpdf has no other way to fix
	// the date and the order in which a PDF lists its fonts.
	fpdf.SetDefaultCreationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	fpdf.SetDefaultModificationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	fpdf.SetDefaultCatalogSort(true)
}

// Figures draws every y against every x, and an overview, and returns the
// files written. By default these are the losses, and test accuracy or RMSE,
// against wall clock, cost, epoch and step; quantities that no run has are left
// out, unless they were asked for.
func Figures(res *Results, opt FigureOptions) ([]string, error) {
	if len(res.Runs) == 0 {
		return nil, fmt.Errorf("there are no runs to draw")
	}
	for _, r := range res.Runs {
		if r.Dataset != res.Runs[0].Dataset {
			return nil, fmt.Errorf("the runs are of different data sets, %s (%s) and %s (%s); draw them apart", res.Runs[0].Dataset, res.Runs[0].Dir, r.Dataset, r.Dir)
		}
	}
	x, y, err := axes(res, opt)
	if err != nil {
		return nil, err
	}
	formats := opt.Formats
	if len(formats) == 0 {
		formats = Formats
	}
	for _, f := range formats {
		if !slices.Contains(Formats, f) {
			return nil, fmt.Errorf("no figure format is called %q (known: %s)", f, strings.Join(Formats, ", "))
		}
	}
	if err := os.MkdirAll(opt.Dir, 0o755); err != nil {
		return nil, err
	}
	var files []string
	save := func(name string, f figure) error {
		for _, format := range formats {
			path := filepath.Join(opt.Dir, name+"."+format)
			var b bytes.Buffer
			if err := f.render(&b, format); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if err := renameio.WriteFile(path, b.Bytes(), 0o644); err != nil {
				return err
			}
			files = append(files, path)
		}
		return nil
	}
	for _, y := range y {
		for _, x := range x {
			p := newPanel(res, x, y)
			if n := p.left(); n > 0 && x.name == "step" {
				res.Warnings = append(res.Warnings, fmt.Sprintf("%s: %d values are not positive, and are missing on the log axis", y.name, n))
			}
			f := figure{panels: []panel{p}, columns: 1, width: 9 * vg.Centimeter, height: 6.8 * vg.Centimeter, caption: caption(res, p)}
			if err := save(y.name+"_vs_"+x.name, f); err != nil {
				return files, err
			}
		}
	}
	if len(opt.X) == 0 && len(opt.Y) == 0 {
		if err := save("overview", overview(res)); err != nil {
			return files, err
		}
	}
	return files, nil
}

// axes returns the quantities to draw.
func axes(res *Results, opt FigureOptions) (x, y []quantity, err error) {
	names := opt.X
	if len(names) == 0 {
		names = []string{"wall", "cost", "epoch", "step"}
	}
	for _, n := range names {
		q, err := find(xs, n)
		if err != nil {
			return nil, nil, err
		}
		x = append(x, q)
	}
	names = opt.Y
	if len(names) == 0 {
		names = []string{"train_loss", "test_loss", "test_accuracy", "test_rmse"}
	}
	for _, n := range names {
		q, err := find(ys, n)
		if err != nil {
			return nil, nil, err
		}
		if res.has(q.column) {
			y = append(y, q)
		} else if len(opt.Y) > 0 {
			return nil, nil, fmt.Errorf("no run has values of %s", n)
		}
	}
	return x, y, nil
}

// overview is the figure that tells most at one look.
func overview(res *Results) figure {
	score := "test_accuracy"
	if !res.has(score) {
		score = "test_rmse"
	}
	f := figure{columns: 2, width: 17 * vg.Centimeter, height: 12 * vg.Centimeter}
	for _, pair := range [][2]string{{"wall", "train_loss"}, {"cost", "train_loss"}, {"wall", score}, {"cost", score}} {
		x, _ := find(xs, pair[0])
		y, _ := find(ys, pair[1])
		f.panels = append(f.panels, newPanel(res, x, y))
	}
	f.caption = caption(res, f.panels...)
	return f
}

// caption says what lines and bands are, and what to be careful about.
func caption(res *Results, panels ...panel) []string {
	seeds := map[uint64]bool{}
	for _, r := range res.Runs {
		seeds[r.Seed] = true
	}
	line := res.Runs[0].Dataset + ": "
	if len(seeds) > 1 {
		line += fmt.Sprintf("mean of %d seeds, band from least to largest", len(seeds))
	} else {
		line += fmt.Sprintf("one run (seed %d)", res.Runs[0].Seed)
	}
	lines := []string{line}
	wall := false
	left := 0
	for _, p := range panels {
		wall = wall || p.x.name == "wall"
		left += p.left()
		for _, c := range p.curves {
			if len(c.crosses) > 0 && len(lines) == 1 {
				lines[0] += "; x: diverged"
				break
			}
		}
	}
	if t := res.timing(); wall && t != "" {
		lines = append(lines, t)
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("%d values that are not positive are missing on the log axis", left))
	}
	return lines
}

// A figure is panels in a grid, a legend above and a caption below.
type figure struct {
	panels        []panel
	columns       int
	width, height vg.Length
	caption       []string
}

// render writes the figure in a format.
func (f figure) render(w io.Writer, format string) error {
	var c interface {
		vg.CanvasSizer
		io.WriterTo
	}
	switch format {
	case "png":
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(dpi))}
	case "svg":
		c = vgsvg.New(f.width, f.height)
	default:
		c = vgpdf.New(f.width, f.height)
	}
	f.draw(draw.New(c))
	_, err := c.WriteTo(w)
	return err
}

const (
	margin     = 4 // points around everything
	legendSize = 8.5
	labelSize  = 8.5
	lineHeight = 12
)

func (f figure) draw(c draw.Canvas) {
	c.SetColor(okabeIto[6])
	white := newPlot().BackgroundColor
	c.FillPolygon(white, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
	c = draw.Crop(c, margin, -margin, margin, -margin)
	used := legend(c, f.panels[0].curves)
	small := textStyle(6.5)
	for i, line := range f.caption {
		c.FillText(small, vg.Point{X: c.Min.X, Y: c.Min.Y + vg.Length(len(f.caption)-1-i)*8}, line)
	}
	c = draw.Crop(c, 0, 0, vg.Length(len(f.caption))*8+3, -used)

	rows := (len(f.panels) + f.columns - 1) / f.columns
	tiles := draw.Tiles{Rows: rows, Cols: f.columns, PadX: 12, PadY: 8, PadRight: 6, PadTop: 2}
	for col := range f.columns {
		// The axes of a column are drawn below each other: all leave as much
		// room for the numbers at their left as the widest needs.
		var left vg.Length
		for row := range rows {
			tile := tiles.At(c, col, row)
			left = max(left, f.panels[row*f.columns+col].plot().DataCanvas(tile).Min.X-tile.Min.X)
		}
		for row := range rows {
			tile, panel := tiles.At(c, col, row), f.panels[row*f.columns+col]
			p := panel.plot()
			own := p.DataCanvas(tile)
			p.Draw(draw.Crop(tile, lineHeight+left-(own.Min.X-tile.Min.X), 0, 0, 0))
			// plot keeps room for a rotated label as if it were not centred,
			// so the label is drawn here.
			s := textStyle(labelSize)
			s.Rotation, s.XAlign, s.YAlign = math.Pi/2, draw.XCenter, draw.YTop
			c.FillText(s, vg.Point{X: tile.Min.X, Y: own.Center().Y}, panel.y.label)
		}
	}
}

// legend draws the curves' names in rows at the top of c, and returns the
// height it used.
func legend(c draw.Canvas, curves []curve) vg.Length {
	const sample, gap = 22, 12
	s := textStyle(legendSize)
	x, y := c.Min.X, c.Max.Y-lineHeight
	for _, l := range curves {
		w := sample + 4 + s.Width(l.label)
		if x > c.Min.X && x+w > c.Max.X {
			x, y = c.Min.X, y-lineHeight
		}
		icon := draw.Crop(c, x-c.Min.X, x+sample-c.Max.X, y-c.Min.Y, y+lineHeight-2-c.Max.Y)
		l.plotter().(curvePlotter).Thumbnail(&icon)
		c.FillText(s, vg.Point{X: x + sample + 4, Y: y + 1.5}, l.label)
		x += w + gap
	}
	return c.Max.Y - y + 4
}
