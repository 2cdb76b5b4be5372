package render

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/strict"
)

// named is a figure that says some words in its legend.
func named(words string) figure.Figure {
	f := sample()
	f.Legend = []figure.Entry{{Label: words}}
	return f
}

// TestLetters: the font has what people write in Latin, Greek and Cyrillic, and all
// that captions have; of others, figures have escapes, and a warning says so.
func TestLetters(t *testing.T) {
	if lost := LostLetters([]figure.Figure{named("κ-FAC, Жук, Ελ, é, ñ, ß, ±×≤≥²Σ·λγ–…'\" \n")}); lost != "" {
		t.Error(lost)
	}
	if lost, want := LostLetters([]figure.Figure{named("方法"), named("方")}), `the font of figures has no "方法": PNG and PDF have "\\u65b9\\u6cd5" in its place`; !strings.HasPrefix(lost, want) {
		t.Errorf("%s, want %s", lost, want)
	}
	for text, want := range map[string]string{"方法 κ": `\u65b9\u6cd5 κ`, "a\x1b[31mb": `a\x1b[31mb`, "🙂": `\U0001f642`, "plain": "plain"} {
		if got := strict.Escape(text, hasLetter); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := texts(render(t, SVG{}, named("方法"))); !slices.Contains(got, "方法") { // viewers have fonts of their own
		t.Errorf("%q", got)
	}
	// The same picture as of the text that the escapes spell.
	for _, r := range []figure.Renderer{PNG{100}, PDF{}} {
		if !bytes.Equal(render(t, r, named("方法")), render(t, r, named(`\u65b9\u6cd5`))) {
			t.Errorf("%s has no escapes", r.Extension())
		}
	}
}

// TestPDFLetters: texts in PDF files, whose font has 256 letters, are ASCII; others
// are drawn as outlines.
func TestPDFLetters(t *testing.T) {
	for _, name := range []string{"ε", "ab"} {
		var all []byte
		for _, m := range regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`).FindAllSubmatch(render(t, PDF{}, named(name)), -1) {
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
		// Letters are of quadratic curves, as nothing else in a figure is.
		if outlines := bytes.Contains(all, []byte(" v\n")); outlines != (name == "ε") {
			t.Errorf("%s: outlines %t", name, outlines)
		}
	}
}
