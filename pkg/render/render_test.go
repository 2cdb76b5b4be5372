package render

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
)

// sample is a figure with all that a figure may have.
func sample() figure.Figure {
	inf := math.Inf(1)
	curves := figure.Panel{
		Title: "a title",
		X:     figure.Axis{Label: "step", Range: figure.Range{Lo: 0, Hi: 20, Some: true}, Pad: [2]float64{0, 0.02}},
		Y:     figure.Axis{Label: "loss", Log: true, Range: figure.Range{Lo: 0.1, Hi: 10, Some: true}, Pad: [2]float64{0.04, 0.04}},
		Curves: []figure.Curve{
			{Label: "SGD", Style: 0, Mean: []figure.Point{{X: 0, Y: 5}, {X: 10, Y: 2}, {X: 20, Y: 0}}, Lo: figure.Numbers{4, 1, 0}, Hi: figure.Numbers{6, 3, 0},
				Thin: [][]figure.Point{{{X: 0, Y: 6}, {X: 10, Y: inf}}}, Tails: [][]figure.Point{{{X: 10, Y: 3}, {X: 20, Y: 1}}}, Crosses: []figure.Point{{X: 10, Y: inf}}},
			{Label: "Adam", Style: 1, Bars: true, Straight: true, Place: 0.5, Mean: []figure.Point{{X: 0, Y: 1}, {X: 5, Y: 1}, {X: 10, Y: math.NaN()}, {X: 15, Y: 2}, {X: 20, Y: 1}}, Lo: figure.Numbers{0.5, 1, math.NaN(), 2, 1}, Hi: figure.Numbers{2, 1, math.NaN(), 2, 1},
				Notes: []string{"1/2", "", "", "", ""}},
		},
	}
	shares := figure.Panel{
		X: figure.Axis{Label: "weight", Log: true, Range: figure.Range{Lo: 0.01, Hi: 100, Some: true}},
		Y: figure.Axis{Label: "share", Range: figure.Range{Lo: 0, Hi: 100, Some: true}},
		Histograms: []figure.Histogram{{Label: "step 0", Style: 2, Edges: figure.Numbers{1, 10, 100}, Share: figure.Numbers{60, 30},
			Below: &figure.Bar{From: 0.02, To: 0.5, Share: 10}}},
	}
	rows := figure.Panel{
		X:    figure.Axis{Label: "time", Range: figure.Range{Lo: 0, Hi: 5, Some: true}},
		Rows: []figure.Row{{Label: "SGD", Style: 0, At: figure.Numbers{1, 5, inf}, Median: 5}, {Label: "Adam", Style: 1, At: figure.Numbers{inf}, Median: figure.Number(inf)}},
	}
	words := figure.Panel{
		X:      figure.Axis{Label: "formulation", Names: true, Range: figure.Range{Lo: 0, Hi: 1, Some: true}, Pad: [2]float64{0.06, 0.06}, Ticks: []figure.Tick{{Value: 0, Label: "dual"}, {Value: 1, Label: "primal"}}},
		Y:      figure.Axis{Label: "accuracy", Range: figure.Range{Lo: 0, Hi: 1, Some: true}},
		Curves: []figure.Curve{{Label: "SGD", Scatter: true, Bars: true, Mean: []figure.Point{{X: 0, Y: 0.5}, {X: 1, Y: 1}}, Lo: figure.Numbers{0, 1}, Hi: figure.Numbers{1, 1}}},
	}
	return figure.Figure{
		Name: "sample", Columns: 2, Panels: []figure.Panel{curves, shares, rows, words},
		Legend:  []figure.Entry{{Label: "SGD", Style: 0}, {Label: "Adam", Style: 1}},
		Caption: []figure.Remark{{Text: "digits: means of some seeds"}, {Text: "times do not compare", Alert: true}},
	}
}

func render(t testing.TB, r figure.Renderer, f figure.Figure) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Render(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var svgText = regexp.MustCompile(`<text[^>]*>([^<]*)</text>`)

// texts are those of an SVG file.
func texts(svg []byte) (list []string) {
	for _, m := range svgText.FindAllSubmatch(svg, -1) {
		list = append(list, strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#39;", "'", "&#34;", `"`).Replace(string(m[1])))
	}
	return list
}

// strokes counts the lines of an SVG file in a colour and a width in points.
func strokes(svg []byte, c figure.Color, width string) (n int) {
	for _, m := range regexp.MustCompile(`style="([^"]*)"`).FindAllSubmatch(svg, -1) {
		s := string(m[1])
		if strings.Contains(s, "stroke:"+c.Hex()+";") && strings.Contains(s, "stroke-width:"+width) {
			n++
		}
	}
	return n
}

// TestAgrees: a file has all texts of its figure, the numbers on its axes, and its
// curves in their colours.
func TestAgrees(t *testing.T) {
	f := sample()
	svg := render(t, SVG{}, f)
	got := texts(svg)
	want := f.Texts()
	for _, p := range f.Panels {
		for _, a := range []figure.Axis{p.X, p.Y} {
			for _, m := range a.Marks() {
				if lo, hi := a.Ends(); len(p.Rows) == 0 && lo <= m.Value && m.Value <= hi {
					want = append(want, m.Label)
				}
			}
		}
	}
	for _, text := range append(want, "SGD  2/3", "Adam  0/1") {
		if text != "" && text != "SGD" && text != "Adam" && !slices.Contains(got, text) {
			t.Errorf("%q is missing among %q", text, got)
		}
	}
	// Means, of the first curve up to its 0, of the second on both sides of its gap, of
	// the third, which is of points alone, none; and the samples of the legend.
	for style, want := range []int{2, 3, 3} {
		if n := strokes(svg, figure.StyleOf(style).Color, "1.3"); n != want {
			t.Errorf("style %d: %d lines, want %d", style, n, want)
		}
	}
	if n := bytes.Count(svg, []byte(figure.Alert.Hex())); n != 1 {
		t.Errorf("%d alerts", n)
	}
}

// TestFormats: each format has its own kind of file, of the same bytes each time.
func TestFormats(t *testing.T) {
	f := sample()
	list, err := For(nil, PrintDPI)
	if err != nil || len(list) != len(Formats) {
		t.Fatalf("%d renderers, %v", len(list), err)
	}
	for i, magic := range []string{"\x89PNG", "<?xml", "%PDF"} {
		b := render(t, list[i], f)
		if !bytes.HasPrefix(b, []byte(magic)) || list[i].Extension() != Formats[i] {
			t.Errorf("not a %s, of extension %s", Formats[i], list[i].Extension())
		}
		if !bytes.Equal(b, render(t, list[i], f)) {
			t.Errorf("%s has other bytes the second time", Formats[i])
		}
	}
	if _, err := For([]string{"svg", "gif"}, PrintDPI); err == nil || err.Error() != `no figure format is called "gif" (known: png, svg, pdf)` {
		t.Error(err)
	}
	if _, err := For(nil, 5); err == nil || err.Error() != "dpi: must be between 10 and 1200, got 5" {
		t.Error(err)
	}
}

// TestDPI: PNG files have the asked resolution.
func TestDPI(t *testing.T) {
	for dpi, want := range map[int]int{ScreenDPI: 1070, PrintDPI: 2007} { // 17 cm
		img, err := png.Decode(bytes.NewReader(render(t, PNG{dpi}, sample())))
		if err != nil {
			t.Fatal(err)
		}
		if w := img.Bounds().Dx(); w < want-10 || w > want+10 {
			t.Errorf("%d pixels, want %d", w, want)
		}
	}
}

// faulty is a renderer that fails for one figure.
type faulty struct{}

func (faulty) Extension() string { return "txt" }

func (faulty) Render(w io.Writer, f figure.Figure) error {
	if f.Name == "b" {
		return errors.New("no ink")
	}
	_, err := io.WriteString(w, f.Name)
	return err
}

// TestWrite: figures are written in the order given, as far as the first that fails.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if files, err := Write(dir, nil, All(72)); files != nil || err != nil {
		t.Errorf("%v, %v", files, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("there is a folder of no figures")
	}
	var figures []figure.Figure
	for _, name := range []string{"d", "a", "c"} {
		figures = append(figures, figure.Figure{Name: name})
	}
	files, err := Write(dir, figures, []figure.Renderer{faulty{}})
	if err != nil || fmt.Sprint(files) != fmt.Sprint([]string{filepath.Join(dir, "d.txt"), filepath.Join(dir, "a.txt"), filepath.Join(dir, "c.txt")}) {
		t.Errorf("%v, %v", files, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a.txt")); string(b) != "a" {
		t.Errorf("%q, %v", b, err)
	}
	figures[1].Name = "b"
	files, err = Write(dir, figures, []figure.Renderer{faulty{}})
	if len(files) != 1 || err == nil || !strings.HasSuffix(err.Error(), "b.txt: no ink") {
		t.Errorf("%v, %v", files, err)
	}
}
