package page

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
	"pgregory.net/rapid"
)

func pageOf(t testing.TB, opt Options, runs ...runlogtest.Run) (p *Page, text string) {
	t.Helper()
	logs, err := results.Open(runlogtest.Folder(t, runs...))
	if err != nil {
		t.Fatal(err)
	}
	if p, err = Make(logs, opt); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return p, b.String()
}

// TestExtremes: of any log, as many rows as there is room for are kept, and in each stretch of it the
// least and the largest of every column.
func TestExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, width := rapid.IntRange(1, 300).Draw(t, "n"), rapid.IntRange(0, 3).Draw(t, "width")
		limit := rapid.IntRange(30, 320).Draw(t, "limit")
		columns := make([][]float64, width)
		for i := range columns {
			for range n {
				columns[i] = append(columns[i], rapid.OneOf(rapid.Float64Range(-5, 5), rapid.Just(math.NaN()), rapid.Just(math.Inf(1)), rapid.Just(0.)).Draw(t, "v"))
			}
		}
		rows := extremes(n, columns, limit)
		if rows == nil {
			if n > limit {
				t.Fatalf("nothing is left out of %d rows", n)
			}
			return
		}
		if len(rows) > limit || !slices.IsSorted(rows) || rows[0] != 0 || rows[len(rows)-1] != n-1 {
			t.Fatalf("%d rows of %d: %v", len(rows), n, rows)
		}
		for _, c := range columns {
			finite := slices.DeleteFunc(slices.Clone(c), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
			kept := slices.DeleteFunc(at(c, rows), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
			if len(finite) > 0 && (slices.Min(kept) != slices.Min(finite) || slices.Max(kept) != slices.Max(finite)) {
				t.Fatalf("an extremum is lost: %v of %v", kept, finite)
			}
			if slices.ContainsFunc(c, func(v float64) bool { return math.IsInf(v, 1) || math.IsNaN(v) }) && len(kept) == len(rows) {
				t.Fatal("that there are numbers that are not finite is lost")
			}
		}
	})
	// Spikes that are lower than others are kept too, where they stand.
	smooth := make([]float64, 10000)
	for i := range smooth {
		smooth[i] = 1 / (1 + float64(i))
	}
	for _, spike := range []int{1234, 5678, 5690, 9000} {
		smooth[spike] = 2
	}
	rows := extremes(len(smooth), [][]float64{smooth}, 2000)
	for _, spike := range []int{1234, 5678, 5690, 9000} {
		if !slices.Contains(rows, spike) {
			t.Errorf("the spike at %d is lost", spike)
		}
	}
	if len(rows) < 1000 {
		t.Errorf("%d rows, where there is room for 2000", len(rows))
	}
}

// TestColumn: numbers are JSON whatever they are.
func TestColumn(t *testing.T) {
	v := []float64{1, 0.1234567890123, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, 123456789012, -2.5}
	for digits, want := range map[int]string{
		0: `[1,0.1234567890123,null,"Infinity","-Infinity",1e+300,123456789012,-2.5]`,
		7: `[1,0.1234568,null,"Infinity","-Infinity",1e+300,123456789012,-2.5]`,
	} {
		b, err := json.Marshal(column{v, digits})
		if err != nil || string(b) != want {
			t.Errorf("%s, %v, want %s", b, err, want)
		}
	}
	var p pool
	if p.add([]float64{1, 2}) != 0 || p.add([]float64{3}) != 1 || p.add([]float64{1, 2}) != 0 || p.add(nil) != 2 || p.numbers() != 3 {
		t.Error("columns are not there once")
	}
}

// TestThinned: seeds that were evaluated at the same steps keep the same rows, and the page says
// that it is thinned.
func TestThinned(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var runs []runlogtest.Run
	for seed := range uint64(3) {
		losses := make([]float64, 5000)
		for i := range losses {
			losses[i] = math.Exp(r.NormFloat64()) / float64(1+i)
		}
		losses[777+seed] = 50
		runs = append(runs, runlogtest.New("A", 0, seed, "finished", losses...))
	}
	p, _ := pageOf(t, Options{}, runs...)
	if !strings.Contains(p.doc.Thinned, "up to 5000 evaluations of a run are thinned to 2000") {
		t.Errorf("%q", p.doc.Thinned)
	}
	s := p.doc.Sections[0]
	steps := s.Columns[s.Runs[0].Rows["step"]].values
	if len(steps) > 2000 || len(steps) < 500 {
		t.Errorf("%d rows", len(steps))
	}
	for i, run := range s.Runs {
		if !slices.Equal(s.Columns[run.Rows["step"]].values, steps) || slices.Max(s.Columns[run.Rows["train_loss"]].values) != 50 || !slices.Contains(steps, float64(10*(777+i))) {
			t.Errorf("run %d has other rows, or lost its spike", i)
		}
	}
	if p, _ = pageOf(t, Options{}, runlogtest.Synthetic(2, 2)...); p.doc.Thinned != "" || p.doc.Digits != 0 {
		t.Errorf("a small page is thinned: %q, %d digits", p.doc.Thinned, p.doc.Digits)
	}
}

// TestWhole: the page has all that it needs: data that are what JSON says, one script besides
// uPlot, with its licence, and no reference to elsewhere; the same logs give the same bytes.
func TestWhole(t *testing.T) {
	runs := runlogtest.Synthetic(2, 3)
	logs, err := results.Open(runlogtest.Folder(t, runs...))
	if err != nil {
		t.Fatal(err)
	}
	var pages [2]string
	var p *Page
	for i := range pages {
		if p, err = Make(logs, Options{Title: "a {{data}} & <b>", Version: "v1"}); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		pages[i] = b.String()
	}
	text := pages[0]
	if text != pages[1] {
		t.Error("the same logs give other bytes")
	}
	m := regexp.MustCompile(`<script type="text/plain" id="data">([A-Za-z0-9+/=]+)</script>`).FindStringSubmatch(text)
	if m == nil {
		t.Fatal("there are no data")
	}
	packed, err := base64.StdEncoding.DecodeString(m[1])
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	want, failed := p.JSON()
	if err != nil || failed != nil || !bytes.Equal(data, want) {
		t.Errorf("the data are not those of JSON: %v, %v", err, failed)
	}
	if n := strings.Count(text, "<script"); n != 3 || strings.Count(text, "</script>") != 3 {
		t.Errorf("%d scripts", n)
	}
	for _, want := range []string{"Copyright (c) 2022 Leon Sorokin", "<title>a {{data}} &amp; &lt;b&gt;</title>", "connect-src &#39;none&#39;", "method 2", html.EscapeString("train_loss <= ")} {
		if !strings.Contains(text, want) {
			t.Errorf("does not hold %q", want)
		}
	}
	for _, ref := range regexp.MustCompile(`(?i)(src|href)\s*=\s*["'][^"']*|@import|url\([^)]*`).FindAllString(strings.Split(text, `id="data"`)[0], -1) {
		if ref != `href="#main` && !strings.Contains(ref, "data:") {
			t.Errorf("refers to %q", ref)
		}
	}
	library := source("vendor/uPlot.iife.min.js")
	if !strings.Contains(library, "uPlot (v1.6.32)") || strings.Contains(library, "</script") || strings.Contains(script(), "</script") {
		t.Error("the library is of another version, or would end its element")
	}
}

// TestDefaultGoals: each task has the train loss that all of its methods reach.
func TestDefaultGoals(t *testing.T) {
	a, b := runlogtest.New("A", 0, 0, "finished", 2, 0.5), runlogtest.New("A", 0, 0, "finished", 2, 0.25)
	b.Name, b.Dataset = "other", "mnist"
	p, _ := pageOf(t, Options{}, a, b)
	for i, want := range []float64{0.5, 0.25} {
		if g := p.doc.Sections[i].Goal; g == nil || g.Metric != runlog.Columns.TrainLoss || g.Value != want {
			t.Errorf("%+v, want %g", g, want)
		}
	}
	if p, text := pageOf(t, Options{}, runlogtest.New("A", 0, 0, "failed", 2, 1)); p.doc.Sections[0].Goal != nil || !strings.Contains(text, "1 failed") {
		t.Error("a run that failed has a target, or is not told")
	}
}

// TestAlerts: damaged runs, steps that cannot be read and figures that cannot be made are told,
// and the rest is there.
func TestAlerts(t *testing.T) {
	twice := runlogtest.New("B", 1, 0, "finished")
	twice.Text = runlogtest.Header + "B,0,0,0,0,0,0,1,,,,,,\nB,0,0,0,0,0,0,1,,,,,,\n"
	bad := runlogtest.New("A", 0, 0, "finished", 2, 1)
	bad.Steps, bad.Inner = "step\nx\n", "not,a,table\n"
	p, text := pageOf(t, Options{Alerts: []string{"first"}}, bad, twice)
	all := strings.Join(append(p.doc.Alerts, p.doc.Sections[0].Alerts...), "\n")
	for _, want := range []string{"first\n", "damaged", "its steps are not shown", "no figure inner:"} {
		if !strings.Contains(all, want) {
			t.Errorf("does not say %q:\n%s", want, all)
		}
	}
	if !strings.Contains(text, "1 damaged") || len(p.doc.Sections[0].Runs) != 2 {
		t.Error("not all runs are there")
	}
	if p, err := Make(results.OpenChanging(), Options{}); err != nil || p.doc.Title != "no runs yet" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, opt := range []Options{{Compare: "A,C"}, {Compare: "x"}} {
		logs, err := results.Open(runlogtest.Folder(t, bad))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Make(logs, opt); err == nil {
			t.Errorf("%+v is no error", opt)
		}
	}
}

// TestDraws: the resamples of as many seeds as there may be come with the page.
func TestDraws(t *testing.T) {
	p, _ := pageOf(t, Options{}, runlogtest.Synthetic(1, 8)...)
	for n := 1; n <= 9; n++ {
		if got := len(p.doc.Draws[n]) / n; got != map[bool]int{true: 2000}[n > 5 && n <= 8] {
			t.Errorf("%d resamples of %d seeds", got, n)
		}
	}
	if got := fmt.Sprint(len(p.doc.Styles) >= 35, p.doc.Styles[0]); got != "true {#0072B2 #4DA3E8 []}" {
		t.Error(got)
	}
}
