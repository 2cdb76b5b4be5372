package report

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
	"gonum.org/v1/plot/vg"
)

// drawn draws figures, and returns the files by name.
func drawn(t testing.TB, res *Results, opt FigureOptions) map[string][]byte {
	t.Helper()
	opt.Dir = t.TempDir()
	files, err := Figures(res, opt)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = b
	}
	return out
}

var svgText = regexp.MustCompile(`<text[^>]*>([^<]*)</text>`)

// says checks that a figure in SVG has texts; those that begin with ! it must
// not have.
func says(t testing.TB, name string, svg []byte, want ...string) {
	t.Helper()
	var b strings.Builder
	for _, m := range svgText.FindAllSubmatch(svg, -1) {
		b.Write(m[1])
		b.WriteString("\n")
	}
	// Captions are broken into lines anywhere.
	text := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#39;", "'", "&#34;", `"`).Replace(b.String())
	flat := strings.Join(strings.Fields(text), " ")
	for _, w := range want {
		w, without := strings.CutPrefix(w, "!")
		if strings.Contains(flat, w) == without {
			t.Errorf("%s: %q is there: %t\n%s", name, w, !without, text)
		}
	}
}

// lines counts the strokes of a figure in a colour and width in points.
func lines(svg []byte, index int, width string) int {
	c := okabeIto[index%len(okabeIto)]
	style := fmt.Sprintf("stroke:#%02X%02X%02X;", c.R, c.G, c.B)
	n := 0
	for _, m := range regexp.MustCompile(`style="([^"]*)"`).FindAllSubmatch(svg, -1) {
		s := string(m[1])
		if strings.Contains(s, style) && strings.Contains(s, "stroke-width:"+width) {
			n++
		}
	}
	return n
}

// TestFigures: the default figures say what they show, in every format.
func TestFigures(t *testing.T) {
	res := load(t, fake("SGD", 0, 0, "finished", 2, 1, 0.5), fake("SGD", 0, 1, "finished", 2.2, 0.9, 0.4), fake("Adam", 1, 0, "finished", 2, 0.5, 0.1), fake("Bad", 2, 0, "diverged", 2, 3))
	files := drawn(t, res, FigureOptions{Formats: []string{"svg"}})
	for _, y := range []string{"train_loss", "test_loss", "test_accuracy"} {
		for _, x := range []string{"wall", "cost", "epoch", "step"} {
			name := y + "_vs_" + x + ".svg"
			says(t, name, files[name], "SGD", "Adam [n = 1]", "Bad (1 of 1 diverged) [n = 0]", "digits: mean of n = 2 seeds or as in brackets, band: least to largest", "thin: runs that did not end")
		}
	}
	svg := files["train_loss_vs_wall.svg"]
	says(t, "train_loss_vs_wall.svg", svg, "training time, wall clock [s]", "train loss", "a value holds until the next evaluation", "at the mean of their x", "×: diverged")
	says(t, "train_loss_vs_step.svg", files["train_loss_vs_step.svg"], "!mean of their x", "a value holds until the next evaluation")
	says(t, "target_train_loss.svg", files["target_train_loss.svg"], "SGD 2/2", "Adam 1/1", "Bad 0/1", "first evaluation with train loss ≤ 0.5")
	if len(files) != 3*4+2 { // curves, overview, target
		t.Errorf("%d figures", len(files))
	}
	// Means of the two that ended, with the samples in the legend.
	for index, want := range []int{2, 2, 1} {
		if n := lines(svg, index, "1.3"); n != want {
			t.Errorf("method %d: %d thick lines, want %d", index, n, want)
		}
	}
	for format, magic := range map[string]string{"png": "\x89PNG", "pdf": "%PDF"} {
		b := drawn(t, res, FigureOptions{Figures: []string{"overview"}, Formats: []string{format}})["overview."+format]
		if !strings.HasPrefix(string(b), magic) {
			t.Errorf("not a %s", format)
		}
		if format != "png" {
			continue
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if w := img.Bounds().Dx(); w < 1900 {
			t.Errorf("the overview is %d pixels wide, 17 cm at 300 dpi are 2007", w)
		}
	}
}

// TestSameBytes: the same logs, and an export of them, give the same bytes, of
// every kind of figure.
func TestSameBytes(t *testing.T) {
	dir := folder(t, swept(2, []int{1, 5}, []float64{1, 10})...)
	res, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	opt := FigureOptions{Figures: []string{"curves", "overview", "target", "sensitivity", "formulations", "inner", "duals"}, X: []string{"wall"}, Y: []string{"train_loss"}, Formats: []string{"svg", "pdf"}}
	first := drawn(t, res, opt)
	for _, name := range []string{"train_loss_vs_wall", "overview", "target_train_loss", "sensitivity_oracle_gamma", "sensitivity_oracle_inner_iterations", "formulations", "inner", "duals"} {
		if first[name+".svg"] == nil || first[name+".pdf"] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if res, err = Load(dir); err != nil {
		t.Fatal(err)
	}
	again := drawn(t, res, opt)
	for name, b := range first {
		if !bytes.Equal(b, again[name]) {
			t.Errorf("%s has other bytes the second time", name)
		}
	}
	table := filepath.Join(t.TempDir(), "all.csv")
	var b bytes.Buffer
	if err := Export(&b, res); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(table, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	exported, err := Load(table)
	if err != nil {
		t.Fatal(err)
	}
	opt.Figures = []string{"curves", "overview", "target", "sensitivity", "formulations"} // the others are not in an export
	for name, b := range drawn(t, exported, opt) {
		if !bytes.Equal(b, first[name]) {
			t.Errorf("%s has other bytes when drawn from an export", name)
		}
	}
	opt = FigureOptions{Figures: []string{"overview"}, Formats: []string{"png"}}
	if !bytes.Equal(drawn(t, res, opt)["overview.png"], drawn(t, res, opt)["overview.png"]) {
		t.Error("the PNG has other bytes the second time")
	}
}

// TestManyCurves: ten curves are all drawn and named; of more settings, the best
// of each method, and the figure says so.
func TestManyCurves(t *testing.T) {
	opt := FigureOptions{X: []string{"cost"}, Y: []string{"train_loss"}, Formats: []string{"svg"}}
	svg := drawn(t, load(t, synthetic(10, 4)...), opt)["train_loss_vs_cost.svg"]
	says(t, "ten", svg, "method 1", "method 10", "mean of n = 4 seeds, band: 95 % percentile bootstrap interval of the mean (all 256 resamples)")
	if n := lines(svg, 0, "1.3"); n != 4 { // methods 1 and 8, and their samples
		t.Errorf("%d lines of the first colour", n)
	}
	sweep := swept(1, []int{1, 2, 3, 4, 5, 6}, []float64{1})
	svg = drawn(t, load(t, sweep...), opt)["train_loss_vs_cost.svg"]
	says(t, "best", svg, "GN, formulation=primal, inner_iterations=6, gamma=1", "!inner_iterations=5", "of 12 settings, the one of each method with the least final train loss")
	opt.All = true
	says(t, "all", drawn(t, load(t, sweep...), opt)["train_loss_vs_cost.svg"], "inner_iterations=5", "inner_iterations=6", "!least final")
}

// TestDivergence: runs that diverge do not squeeze the others, are marked where
// they leave, and enter no mean.
func TestDivergence(t *testing.T) {
	runs := synthetic(1, 4)
	runs[1] = diverging(runs[1], 6)
	res := load(t, runs...)
	x, y := axis(t, xs, "step"), axis(t, ys, "train_loss")
	c := newCurve(res.series()[0], x, y, 0)
	if c.n != 3 || len(c.thin) != 1 || c.crosses[0].Y != 1e12 {
		t.Fatalf("n = %d, %d thin, crosses %v", c.n, len(c.thin), c.crosses)
	}
	if _, yr := ranges([]curve{c}, x, y); yr.hi > 50 {
		t.Errorf("the axis goes to %g", yr.hi)
	}
	svg := drawn(t, res, FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}, Formats: []string{"svg"}})["train_loss_vs_step.svg"]
	says(t, "divergence", svg, "method 1 (1 of 4 diverged, mean of the other 3)", "mean of n = 3 seeds", "×: diverged", "thin: runs that did not end, in no mean")
}

// TestSmooth: the figure says that it is smoothed, and over how much.
func TestSmooth(t *testing.T) {
	res := load(t, synthetic(1, 1)...)
	says(t, "smooth", drawn(t, res, FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}, Formats: []string{"svg"}, Smooth: 5})["train_loss_vs_step.svg"],
		"smoothed: running mean of 5 evaluations", "one run each (n = 1, seed 0)")
}

// TestLogOptions: axes are as asked, and what they have no place for is marked at
// their edge.
func TestLogOptions(t *testing.T) {
	yes, no := true, false
	runs := []fakeRun{fake("A", 0, 0, "finished", 1, 0, -1, 0.5)}
	opt := FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}, Formats: []string{"svg"}}
	says(t, "default", drawn(t, load(t, runs...), opt)["train_loss_vs_step.svg"], "triangles at the lower edge: 0 or less")
	opt.LogY = &no
	says(t, "linear", drawn(t, load(t, runs...), opt)["train_loss_vs_step.svg"], "!triangles", "-1.0")
	opt.LogX = &yes // step 0
	says(t, "log x", drawn(t, load(t, runs...), opt)["train_loss_vs_step.svg"], "what is at 0 starts at the left edge")
}

// TestTimesFlagged: figures against wall clock say why times do not compare,
// others do not.
func TestTimesFlagged(t *testing.T) {
	runs := synthetic(2, 1)
	runs[1].Threads = 64
	files := drawn(t, load(t, runs...), FigureOptions{Figures: []string{"curves", "target"}, X: []string{"wall", "step"}, Y: []string{"train_loss"}, Formats: []string{"svg"}})
	const flag = "times do not compare: runs were made with different threads"
	says(t, "wall", files["train_loss_vs_wall.svg"], flag)
	says(t, "target", files["target_train_loss.svg"], flag)
	says(t, "step", files["train_loss_vs_step.svg"], "!"+flag)
}

// TestColours: a method keeps its colour when others are left out.
func TestColours(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 1), fake("B", 1, 0, "finished", 1), fake("C", 2, 0, "finished", 1))
	res.Keep([]string{"C"})
	if c := newCurve(res.series()[0], xs[0], ys[0], 0); c.index != 2 {
		t.Errorf("C has the colour of method %d", c.index)
	}
}

func TestFigureErrors(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 1, 0.5))
	for _, c := range []struct {
		opt  FigureOptions
		want string
	}{
		{FigureOptions{X: []string{"time"}}, `no axis is called "time" (known: wall, cost, epoch, step, oracle_calls)`},
		{FigureOptions{Y: []string{"loss"}}, `no axis is called "loss" (known: train_loss,`},
		{FigureOptions{Y: []string{"test_rmse"}}, "no run has values of test_rmse"},
		{FigureOptions{Formats: []string{"gif"}}, `no figure format is called "gif" (known: png, svg, pdf)`},
		{FigureOptions{Figures: []string{"pie"}}, `no figure is called "pie" (known: curves, overview, target, sensitivity, formulations, inner, duals)`},
		{FigureOptions{Figures: []string{"inner"}}, "figure inner: no run has inner.csv with numbers; train with log: {inner: true}"},
		{FigureOptions{Figures: []string{"duals"}}, "figure duals: no run has duals.npz"},
		{FigureOptions{Figures: []string{"sensitivity"}}, "figure sensitivity: no run varies a number"},
		{FigureOptions{Figures: []string{"sensitivity"}, Swept: "gamma"}, `no run varies "gamma" (varied: )`},
		{FigureOptions{Figures: []string{"formulations"}}, "figure formulations: no runs have the same settings"},
		{FigureOptions{Figures: []string{"target"}, Target: &Target{"valid_loss", 1}}, "no run has values of valid_loss"},
		{FigureOptions{Smooth: -1}, "smooth: must be a number of evaluations, got -1"},
	} {
		c.opt.Dir = t.TempDir()
		if _, err := Figures(res, c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v\n  says %v\n  want %s", c.opt, err, c.want)
		}
	}
	if _, err := Figures(&Results{}, FigureOptions{}); err == nil {
		t.Error("no runs are drawn")
	}
	other := fake("A", 0, 1, "finished", 1)
	other.Dataset = "mnist"
	res = load(t, fake("A", 0, 0, "finished", 1), other)
	if _, err := Figures(res, FigureOptions{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "different data sets, digits") {
		t.Errorf("two data sets: %v", err)
	}
}

// TestOneEvaluation: figures of a single point, and of runs that were killed at
// once, are drawn.
func TestOneEvaluation(t *testing.T) {
	for _, res := range []*Results{load(t, fake("A", 0, 0, "finished", 1)), load(t, fake("A", 0, 0, "running"))} {
		if _, err := Figures(res, FigureOptions{Dir: t.TempDir(), Formats: []string{"svg"}}); err != nil {
			t.Error(err)
		}
	}
}

// TestLongLabels: a label that is wider than its figure is broken, not cut off.
func TestLongLabels(t *testing.T) {
	var runs []fakeRun
	schedule := `{"schedule":"cosine","initial":0.1,"final":0.0001,"warmup_steps":`
	for i, n := range []string{"100}", "1000}"} {
		r := fake("a method of some length", 0, 0, "finished", 2, 1+float64(i))
		r.Varied = []runlog.Setting{{Key: "optimizer.learning_rate", Value: schedule + n}, {Key: "train.batch_size", Value: "64"}}
		runs = append(runs, r)
	}
	d := &drawing{res: load(t, runs...)}
	d.series = d.res.series()
	x, y := axis(t, xs, "step"), axis(t, ys, "train_loss")
	f := d.curveFigure("curves", d.series, [][2]quantity{{x, y}}, nil)
	width := f.width - 2*margin
	f.fitLegend(width)
	columns, rows := f.layLegend(width)
	if len(columns) != 1 || rows != len(f.legend) || rows < 4 {
		t.Errorf("%d columns, %d rows of %d", len(columns), rows, len(f.legend))
	}
	var labels []string
	for _, e := range f.legend {
		if w := sampleWidth + sampleGap + textStyle(f.legendSize()).Width(e.label); w > width {
			t.Errorf("%q has width %g of %g", e.label, w, width)
		}
		if e.sample != nil {
			labels = append(labels, "")
		}
		labels[len(labels)-1] += strings.ReplaceAll(e.label, " ", "")
	}
	for i, s := range d.series {
		if want := strings.ReplaceAll(s.label, " ", ""); len(labels) != 2 || labels[i] != want {
			t.Errorf("%q, want %q", labels, want)
		}
	}
	for _, format := range Formats {
		if _, err := f.encode(format, printDPI); err != nil {
			t.Error(err)
		}
	}
	// So are names of rows, and values on an axis.
	svg := drawn(t, d.res, FigureOptions{Figures: []string{"target"}, Target: &Target{"train_loss", 2}, Formats: []string{"svg"}})["target_train_loss.svg"]
	says(t, "target", svg, "!"+d.series[0].label, `{"schedule":"cosine","initial":0.1,"final":`)
	figures, _, err := sensitivities(&drawing{res: d.res, series: d.series, opt: FigureOptions{Swept: "optimizer.learning_rate"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range figures[0].panels {
		room := figures[0].width / vg.Length(len(p.xticks.(fixedTicks)))
		for _, tick := range p.xticks.(fixedTicks) {
			for line := range strings.Lines(tick.Label) {
				if w := textStyle(8).Width(line); w > room {
					t.Errorf("%q has width %g of %g", line, w, room)
				}
			}
		}
	}
}
