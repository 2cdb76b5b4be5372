package report

import (
	"bytes"
	"compress/zlib"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestLetters: the font has what people write in Latin, Greek and Cyrillic, and all
// that captions have; of others, figures have escapes, and a warning says so.
func TestLetters(t *testing.T) {
	if lost := lostLetters([]string{"κ-FAC, Жук, Ελ, é, ñ, ß, ±×≤≥²Σ·λγ–…'\" \n"}); lost != "" {
		t.Errorf("the font lacks %q", lost)
	}
	for text, want := range map[string]string{"方法 κ": `\u65b9\u6cd5 κ`, "a\x1b[31mb": `a\x1b[31mb`, "🙂": `\U0001f642`, "plain": "plain"} {
		if got := escaped(text, hasLetter); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := printable("a\nb\x00c\u202ed 方"); got != `a\nb\x00c\u202ed 方` {
		t.Errorf("%q", got)
	}
	if got := echo(strings.Repeat("x", 1000)); len(got) > 70 || !strings.Contains(got, "1000 characters") {
		t.Errorf("%q", got)
	}

	opt := FigureOptions{Figures: []string{"curves"}, X: []string{"step"}, Y: []string{"train_loss"}, Formats: []string{"png", "svg", "pdf"}, DPI: 100}
	res := load(t, fake("方法", 0, 0, "finished", 2, 1))
	files := drawn(t, res, opt)
	if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], `the font of figures has no "方法": PNG and PDF have "\\u65b9\\u6cd5" in its place`) {
		t.Errorf("warnings %q", res.Warnings)
	}
	says(t, "svg", files["train_loss_vs_step.svg"], "方法") // viewers have fonts of their own
	// The same picture as of a method of the name that the escapes spell.
	other := drawn(t, load(t, fake(`\u65b9\u6cd5`, 0, 0, "finished", 2, 1)), opt)
	for _, name := range []string{"train_loss_vs_step.png", "train_loss_vs_step.pdf"} {
		if !bytes.Equal(files[name], other[name]) {
			t.Errorf("%s has no escapes", name)
		}
	}
	res = load(t, fake("κ-FAC", 0, 0, "finished", 2, 1))
	if drawn(t, res, opt); len(res.Warnings) != 0 {
		t.Errorf("warnings %q", res.Warnings)
	}
}

// TestPDFLetters: texts in PDF files, whose font has 256 letters, are ASCII; others
// are drawn as outlines.
func TestPDFLetters(t *testing.T) {
	opt := FigureOptions{Figures: []string{"target"}, Formats: []string{"pdf"}}
	for _, name := range []string{"κ", "ab"} {
		pdf := drawn(t, load(t, fake(name, 0, 0, "finished", 2, 1)), opt)["target_train_loss.pdf"]
		var all []byte
		for _, m := range regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`).FindAllSubmatch(pdf, -1) {
			if z, err := zlib.NewReader(bytes.NewReader(m[1])); err == nil {
				if b, err := io.ReadAll(z); err == nil && bytes.Contains(b, []byte("Tj")) {
					all = append(all, b...)
				}
			}
		}
		texts := regexp.MustCompile(`\((.*?)\) ?Tj`).FindAllSubmatch(all, -1)
		if len(texts) == 0 {
			t.Fatal("the page has no texts")
		}
		for _, m := range texts {
			for _, b := range m[1] {
				if b >= 0x80 {
					t.Errorf("%q is written with a font that lacks it", m[1])
					break
				}
			}
		}
		// The caption has ≤, which is drawn.
		if !bytes.Contains(all, []byte(" c\n")) && !bytes.Contains(all, []byte(" c ")) {
			t.Error("there are no outlines")
		}
	}
}

// TestSetAside: figures that were drawn before the logs were written go to a folder
// of their own, which is new each time; other files stay.
func TestSetAside(t *testing.T) {
	dir := folder(t, fake("A", 0, 0, "finished", 2, 1))
	res, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	figures := filepath.Join(dir, "figures")
	if err := res.SetAside(figures, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(figures, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string, at time.Time) string {
		path := filepath.Join(figures, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	now := time.Now()
	for n, text := range map[string]string{"1": "first", "2": "second"} {
		for _, name := range []string{"overview.pdf", "train_loss_vs_wall.png", "inner_2.svg", "sensitivity_oracle_gamma.png", "target_test_accuracy.png"} {
			write(name, text+n, now.Add(-time.Hour))
		}
		mine := write("mine.png", "mine", now.Add(-time.Hour))
		current := write("duals.png", "current", now.Add(time.Hour))
		drawn := write("overview.png", "drawn", now.Add(-time.Hour))
		res.Warnings = nil
		if err := res.SetAside(figures, []string{drawn}); err != nil {
			t.Fatal(err)
		}
		if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "5 figures are older than the logs of these runs") {
			t.Errorf("%q", res.Warnings)
		}
		for _, path := range []string{mine, current, drawn} {
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		}
	}
	for _, n := range []string{"1", "2"} {
		list, err := os.ReadDir(filepath.Join(figures, "old", n))
		if err != nil || len(list) != 5 {
			t.Errorf("%d files, %v", len(list), err)
		}
	}
	res.Warnings = nil
	if err := res.SetAside(figures, nil); err != nil || len(res.Warnings) != 1 { // overview.png
		t.Errorf("%q, %v", res.Warnings, err)
	}
}

// TestDPI: PNG files have the asked resolution.
func TestDPI(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 2, 1))
	b := drawn(t, res, FigureOptions{Kinds: []string{"overview", "inner"}, Formats: []string{"png"}, DPI: ScreenDPI})["overview.png"]
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if w := img.Bounds().Dx(); w < 1060 || w > 1080 { // 17 cm
		t.Errorf("%d pixels", w)
	}
}
