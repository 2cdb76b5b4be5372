//go:build long

package browser_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/dualgn/dgn/pkg/page"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
	"github.com/dualgn/dgn/pkg/stats"
)

// colored counts the pixels of the first figure that have a colour of a style, within what
// smoothing of lines changes.
const colored = `(hex => { const c = document.querySelector(".pair canvas"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
	const n = parseInt(hex.slice(1), 16), r = n >> 16, g = (n >> 8) & 255, b = n & 255; let k = 0;
	for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200 && Math.abs(d[i] - r) + Math.abs(d[i + 1] - g) + Math.abs(d[i + 2] - b) < 30) k++;
	return k; })`

const blue, vermillion = "#0072B2", "#D55E00"

// TestLegend: a click on an entry hides its curve and shows it again; "only" leaves one.
func TestLegend(t *testing.T) {
	p := show(t, page.Options{}, runlogtest.Folder(t, runlogtest.Synthetic(3, 3)...))
	drawn := func(what string, color string, is bool) {
		t.Helper()
		if n := eval[int](p, fmt.Sprintf("%s(%q)", colored, color)); n > 50 != is {
			t.Errorf("%s: %d pixels of %s", what, n, color)
		}
	}
	drawn("at first", blue, true)
	drawn("at first", vermillion, true)
	p.click(`.legend .entry`)
	p.want("the entry is told as off", `document.querySelector(".legend .entry").getAttribute("aria-pressed") === "false"`)
	drawn("hidden", blue, false)
	drawn("beside a hidden one", vermillion, true)
	p.click(`.legend .entry`)
	drawn("shown again", blue, true)
	p.click(`.legend .only`)
	drawn("alone", blue, true)
	drawn("beside one alone", vermillion, false)
	p.click(`.legend .only`)
	drawn("all again", vermillion, true)
	p.run(keys(`.legend .entry`, " ")) // a keyboard does the same
	drawn("hidden by a key", blue, false)
	for range 2 {
		p.click(`.legend li:not(.off) .entry`)
	}
	drawn("all hidden", vermillion, false)
}

// TestTable: the summary sorts by any column, both ways, and filters.
func TestTable(t *testing.T) {
	p := show(t, page.Options{}, runlogtest.Folder(t, runlogtest.Synthetic(3, 3)...))
	order := func() string {
		t.Helper()
		return strings.Join(eval[[]string](p, `[...document.querySelectorAll(".summary tbody th bdi")].map(n => n.textContent)`), ", ")
	}
	header := `.summary thead button[data-key="final train_loss"]`
	p.click(header)
	if got := order(); got != "method 3, method 2, method 1" { // the later, the faster
		t.Errorf("by train loss: %s", got)
	}
	p.click(header)
	if got := order(); got != "method 1, method 2, method 3" {
		t.Errorf("downwards: %s", got)
	}
	p.want("the order is told", `document.querySelector(".summary th[aria-sort=descending]").innerText.includes("train loss")`)
	p.choose(`input[name=filter]`, "method 2")
	if got := order(); got != "method 2" {
		t.Errorf("filtered: %s", got)
	}
	p.choose(`input[name=filter]`, "nothing has this name")
	p.want("an empty table says so", `document.body.innerText.includes("None of 3 lines fits the filter")`)
	p.choose(`input[name=filter]`, "")
	cells := func() string {
		return strings.Join(eval[[]string](p, `[...document.querySelectorAll(".summary tbody tr")].map(r => r.children[2].innerText.replace(/\s+/g, " "))`), "|")
	}
	p.choose(`input[name=target-value]`, "1e-9")
	if got := cells(); strings.Count(got, "0/3 reach it") != 3 || strings.Count(got, "> ") != 3 {
		t.Errorf("a target that none reaches: %s", got)
	}
	p.choose(`input[name=target-value]`, "2")
	if got := cells(); strings.Count(got, "3/3 reach it") != 3 {
		t.Errorf("a target that all reach: %s", got)
	}
}

// TestAxes: quantities and log axes are chosen, and zooming shows a part.
func TestAxes(t *testing.T) {
	p := show(t, page.Options{}, runlogtest.Folder(t, runlogtest.Synthetic(2, 2)...))
	aria := `document.querySelector(".plot").getAttribute("aria-label")`
	figure := func(what string) (text string) {
		t.Helper()
		p.run(captureSVG)
		p.click(`.controls button[data-save=svg]`)
		p.wait(`window.saved !== undefined`)
		text = eval[string](p, `window.saved`)
		if !strings.HasPrefix(text, "<svg ") {
			t.Fatalf("%s: %.100s", what, text)
		}
		return text
	}
	if text := figure("at first"); !strings.Contains(text, ">training time, wall clock [s]<") || !strings.Contains(text, ">train loss<") {
		t.Errorf("%.3000s", text)
	}
	for _, x := range []string{"cost", "epoch", "step", "oracle_calls", "wall"} {
		p.choose(`select[name=x]`, x)
		name := map[string]string{"wall": "training time", "oracle_calls": "oracle calls"}[x]
		if name == "" {
			name = x
		}
		p.want("x is "+x, aria+fmt.Sprintf(`.includes("against %s")`, name))
	}
	p.choose(`select[name=y1]`, "test_loss")
	p.want("y is test loss", aria+`.includes("test loss")`)
	linear := figure("linear")
	p.click(`input[name=log-x]`)
	if log := figure("log"); log == linear || !strings.Contains(log, ">0.2<") && !strings.Contains(log, ">2<") {
		t.Error("a log axis changes nothing")
	}
	p.click(`input[name=log-x]`)
	p.click(`input[name=log-y1]`)
	if got := figure("linear y"); got == linear {
		t.Error("a linear axis changes nothing")
	}
	p.click(`input[name=log-y1]`)
	p.click(`input[value=seeds]`)
	if got := figure("every seed"); strings.Count(got, "stroke-opacity=\"0.9\"") != 8 || strings.Contains(got, "fill-opacity") {
		t.Error("there is not a line for each seed of both figures, or there are bands")
	}
	p.click(`input[value=mean]`)
	// Zoom by keys, and back.
	p.run(keys(`.plot`, "+"))
	if figure("zoomed") == linear {
		t.Error("+ does not zoom")
	}
	p.run(keys(`.plot`, "0"))
	if figure("not zoomed") != linear {
		t.Error("0 does not show all again")
	}
	// By the mouse: a part is dragged, and a double click shows all again.
	p.run(drag(0.3, 0.7))
	if figure("dragged") == linear {
		t.Error("dragging does not zoom")
	}
	p.click(`button.reset`)
	if figure("reset") != linear {
		t.Error("reset does not show all")
	}
}

// TestHover: what is logged is told exactly, to the mouse and to the keyboard.
func TestHover(t *testing.T) {
	run := runlogtest.New("A", 0, 0, "finished", 2, 0.123456789012345, 0.0625)
	p := show(t, page.Options{}, runlogtest.Folder(t, run))
	p.run(keys(`.plot`, kb.ArrowRight+kb.ArrowRight)) // two arrows to the right
	p.want("the second evaluation", `document.querySelector(".tip").innerText.includes("0.123456789012345")`)
	p.run(hover(0.98, 0.96))
	p.want("the last evaluation", `document.querySelector(".tip").innerText.includes("0.0625")`)
}

// TestSweep: sliders choose settings, and figures of all kinds are there.
func TestSweep(t *testing.T) {
	p := show(t, page.Options{}, runlogtest.Folder(t, runlogtest.Swept(2, []int{1, 4, 16}, []float64{0.1, 1})...))
	p.want("of many settings the best are shown", `document.querySelectorAll("#curves-digits .legend li").length === 1`)
	p.choose(`input[name="sweep-oracle.inner_iterations"]`, "3")
	p.want("the slider says its value", `document.querySelector(".slider output").textContent.length > 0 && [...document.querySelectorAll(".slider output")].some(o => o.textContent === "16")`)
	p.want("four settings have it", `document.querySelectorAll("#curves-digits .legend li").length === 4`)
	p.want("in the table too", `document.querySelectorAll(".summary tbody tr").length === 4`)
	p.choose(`input[name="sweep-oracle.inner_iterations"]`, "0")
	p.click(`input[name=all]`)
	p.want("all on request", `document.querySelectorAll("#curves-digits .legend li").length === 12`)
	for _, heading := range []string{"Inner solves", "Compared solvers", "Dual weights", "Sensitivity to settings", "Time to a target", "Settings that differ"} {
		p.want(heading, fmt.Sprintf(`[...document.querySelectorAll("h3")].some(h => h.textContent.startsWith(%q))`, heading))
	}
	p.shoot("sweep")
}

// TestText: names, settings and errors are shown as text, whatever is in them.
func TestText(t *testing.T) {
	evil := []string{`<img src=x onerror="document.title='owned'">`, `</script><script>document.title='owned'</script>`, `"quotes' & <b>bold</b>`, "right\u202eto left\u200f", `{{title}} ${1} \u003c`}
	var runs []runlogtest.Run
	for i, name := range evil {
		r := runlogtest.With(runlogtest.New(name, i, 0, "failed", 2, 1), "optimizer.kind", name, `<i>key</i>`, fmt.Sprint(i))
		r.Error, r.Name, r.Dataset = name, name, evil[1]
		r.Text = runlogtest.Header + "x,0,0,0,0,0,0,2,0.5,,,2,0.5,\nx,0,10,1,1,10,10,1,0.6,,,1,0.6,\n"
		r.Outcome = runlog.Failed
		if i == 4 {
			r.Outcome = runlog.Finished
		}
		runs = append(runs, r)
	}
	p := show(t, page.Options{Title: evil[0] + evil[1]}, runlogtest.Folder(t, runs...))
	p.want("nothing of it runs", `document.title !== "owned" && !document.querySelector("main img, main b:not(.tip b), main i:not([aria-hidden]):not(.key i)")`)
	text := eval[string](p, `document.querySelectorAll("details").forEach(d => d.open = true), document.body.innerText`)
	for _, want := range []string{evil[0], evil[1], evil[2], `right\u202eto left\u200f`, evil[4]} {
		if !strings.Contains(text, want) {
			t.Errorf("does not show %q", want)
		}
	}
	if strings.ContainsAny(text, "\u202e\u200f") {
		t.Error("marks that turn the direction of texts are not escaped")
	}
	p.shoot("evil")
}

// TestNumbers: NaN, infinities, and zeros on log axes are told, and nothing is blank.
func TestNumbers(t *testing.T) {
	zero := runlogtest.New("zero", 0, 0, "finished", 1, 0.5, 0, 0)
	odd := runlogtest.New("odd", 1, 0, "diverged")
	odd.Text = runlogtest.Header + "odd,0,0,0,0,0,0,2,0.5,,,2,0.5,\nodd,0,10,1,1,10,10,+Inf,0.5,,,NaN,0.5,\nodd,0,20,2,2,20,20,NaN,NaN,,,-Inf,0.1,\n"
	none := runlogtest.New("none", 2, 0, "interrupted")
	none.Text = runlogtest.Header
	p := show(t, page.Options{}, runlogtest.Folder(t, zero, odd, none))
	for _, want := range []string{"2 values of train loss are 0 or less", "values of train loss are infinite", "1 diverged", "1 interrupted"} {
		p.want(want, fmt.Sprintf(`document.body.innerText.includes(%q)`, want))
	}
	p.want("lines are drawn", colored+fmt.Sprintf(`(%q) > 20`, blue))
	empty := show(t, page.Options{}, runlogtest.Folder(t, none))
	empty.want("no evaluations", `document.body.innerText.includes("there is nothing to draw")`)
}

// TestSets: each data set has a section, and problems of different versions are told.
func TestSets(t *testing.T) {
	other := runlogtest.New("B", 1, 0, "finished", 2, 1)
	other.Dataset, other.Name = "mnist", "elsewhere"
	a, b := runlogtest.New("A", 0, 0, "finished", 2, 1), runlogtest.New("C", 2, 0, "finished", 2, 0.5)
	b.Version = "v9"
	p := show(t, page.Options{}, runlogtest.Folder(t, a, b), runlogtest.Folder(t, other))
	p.want("two sections", `document.querySelectorAll("section.set").length === 2 && document.querySelector("nav").innerText.includes("mnist")`)
	p.want("versions differ", `document.body.innerText.includes("runs were made with different versions")`)
}

// TestInterval: the page computes the intervals that package stats has.
func TestInterval(t *testing.T) {
	source, err := os.ReadFile("../web/js/stats.js")
	if err != nil {
		t.Fatal(err)
	}
	p := show(t, page.Options{}, runlogtest.Folder(t, runlogtest.New("A", 0, 0, "finished", 1)))
	r := rand.New(rand.NewPCG(7, 1))
	for _, n := range []int{1, 2, 3, 4, 5, 6, 9} {
		for range 5 {
			v := make([]float64, n)
			for i := range v {
				v[i] = math.Exp(2 * r.NormFloat64())
			}
			draws := map[int][]uint16{}
			if n > 5 {
				draws[n] = stats.Resamples(n)
			}
			given, err := json.Marshal([]any{v, draws})
			if err != nil {
				t.Fatal(err)
			}
			got := eval[[]float64](p, fmt.Sprintf(`(() => { %s; const [v, draws] = %s; return [mean(v), ...interval(v, draws), median(v)]; })()`, source, given))
			want := stats.Of(v)
			for i, w := range []float64{want.Mean, want.Lo, want.Hi, stats.Median(v)} {
				if math.Abs(got[i]-w) > 1e-12*w {
					t.Errorf("n = %d: the page has %v, want %+v, median %g", n, got, want, stats.Median(v))
					break
				}
			}
		}
	}
}

// TestFiles: every figure is saved as SVG and PNG, also in the dark.
func TestFiles(t *testing.T) {
	run := runlogtest.Synthetic(2, 2)
	run[0].Steps = "step,wall_seconds,cost,oracle_calls,batch_loss,gamma,stop_reason\n1,1,1,1,2,0.5,budget\n2,2,2,2,1,0.25,\n"
	p := show(t, page.Options{}, runlogtest.Folder(t, run...))
	p.click(`#theme`)
	p.want("it is dark", `getComputedStyle(document.body).backgroundColor === "rgb(15, 19, 24)"`)
	for y := range 20 { // figures are drawn when they are near
		p.run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`window.scrollTo({top: %d, behavior: "instant"})`, 400*y)))
	}
	p.wait(`document.querySelectorAll(".panels .panel").length === 2`)
	n := eval[int](p, `document.querySelectorAll("[data-save]").length`)
	if n < 10 {
		t.Errorf("there are %d buttons", n)
	}
	for i := range n {
		p.run(captureSVG, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelectorAll("[data-save]")[%d].click()`, i)))
		p.wait(`window.saved !== undefined`)
		kind := eval[string](p, fmt.Sprintf(`document.querySelectorAll("[data-save]")[%d].dataset.save`, i))
		if kind == "png" {
			p.want("a PNG", `String(window.savedBytes) === "137,80,78,71,13,10,26,10" && window.saved.length > 2000`)
			continue
		}
		p.want("SVG that is XML", `(() => { const d = new DOMParser().parseFromString(window.saved, "image/svg+xml"); return d.documentElement.nodeName === "svg" && !d.querySelector("parsererror") && d.querySelectorAll("path, rect").length > 3; })()`)
		if *shots != "" {
			if err := os.WriteFile(filepath.Join(*shots, fmt.Sprintf("figure_%d.svg", i)), []byte(eval[string](p, `window.saved`)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		p.want("on white, in the colours of paper", fmt.Sprintf(`window.saved.includes('fill="#fff"') && !window.saved.includes("#4DA3E8") && window.saved.includes(%q)`, blue))
	}
	p.shoot("dark")
}

// TestPhone: at the width of a phone nothing is wider than the screen, and texts can be read.
func TestPhone(t *testing.T) {
	p := show(t, page.Options{}, runlogtest.Folder(t, runlogtest.Swept(2, []int{1, 4}, []float64{0.1, 1})...))
	p.run(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile), chromedp.Reload())
	p.wait(`document.documentElement.dataset.ready === "yes"`)
	p.shoot("phone")
	p.want("nothing sticks out", `document.documentElement.scrollWidth <= 390`)
	p.want("texts are not small", `[...document.querySelectorAll("p, td, th, button, label, summary")].every(e => parseFloat(getComputedStyle(e).fontSize) >= 11)`)
}
