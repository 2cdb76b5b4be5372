package experiment

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"SGD": "sgd", "dual GN, 16 its": "dual-gn-16-its", " --a__B ": "a-b", "é!": "é", "Ünlü 2": "ünlü-2",
		"Ньютон": "ньютон", "梯度下降 2": "梯度下降-2", "Straße": "strasse", "e\u0301": "é", "GN γ=0.1": "gn-γ-0-1",
		"हिन्दी": "हिन्दी", "❤\ufe0f a": "a", "!?": "", "L²": "l²",
	} {
		if got := Slug(name); got != want {
			t.Errorf("Slug(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestASCIISlugs: folders of names in ASCII are what they always were.
func TestASCIISlugs(t *testing.T) {
	var all strings.Builder
	for c := range byte(128) {
		all.WriteByte(c)
		for _, name := range []string{"A" + string(c) + "b", string(c) + "9", all.String()} {
			if Slug(name) != asciiSlug(name) {
				t.Errorf("%q: %q, not %q", name, Slug(name), asciiSlug(name))
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ name, method, experiment string }{
		{"a", "", ""},
		{"Ньютон", "", ""},
		{"梯度下降", "", ""},
		{"Größe-2", "", ""},
		{"می\u200cخواهم", "", "cannot name a folder"}, // joiners are no part of a folder's name
		{"GN dual", "", "cannot name a folder"},
		{"\u0301a", "", "cannot name a folder"},
		{"\u0301", "no letter or digit", "cannot name a folder"},
		{"!", "no letter or digit", "cannot name a folder"},
		{"a\x7f", "control character U+007F", "control character U+007F"},
		{"a\u0085", "control character U+0085", "control character U+0085"},
		{"a\u2066b", "direction of text", "direction of text"},
		{"a\u2028b", "cannot be seen", "cannot be seen"},
		{"a\u00adb", "cannot be seen", "cannot be seen"},
		{"a\u3164b", "cannot be seen", "cannot be seen"},
		{"a\ufeff", "cannot be seen", "cannot be seen"},
		{"a\xff", "not UTF-8", "not UTF-8"},
		{strings.Repeat("x", 251), "", ""},
		{strings.Repeat("x", 252), "takes 252 bytes", "takes 252 bytes"},
		{strings.Repeat("梯", 84), "takes 252 bytes", "takes 252 bytes"},
		{"a" + strings.Repeat("!", 251), "takes 252 bytes", "cannot name a folder"},
	} {
		for i, check := range []func(string) string{badMethodName, badExperimentName} {
			want := []string{c.method, c.experiment}[i]
			if got := check(c.name); want == "" && got != "" || !strings.Contains(got, want) || strings.ContainsAny(got, "\x7f\u2066") {
				t.Errorf("%.40q: says %q, want %q", c.name, got, want)
			}
		}
	}
}

// TestOldFolders: results that stand in a folder named by the ASCII letters of
// their method are found, kept, and not taken for those of a method of that name.
func TestOldFolders(t *testing.T) {
	dir := t.TempDir()
	config := func(first string) *Config {
		return parse(t, toy, "methods.SGD.name="+first, "methods.Adam!.name=Ньютон")
	}
	run(t, config("Größe"), options(dir))
	if _, err := os.Stat(filepath.Join(dir, "runs", "ньютон", "0", "manifest.json")); err != nil {
		t.Error(err)
	}
	if err := os.Rename(filepath.Join(dir, "runs", "grösse"), filepath.Join(dir, "runs", "gr-e")); err != nil {
		t.Fatal(err)
	}
	if r := run(t, config("Größe"), options(dir)); r.Made != 0 {
		t.Errorf("%d runs are made again", r.Made)
	}
	if r := run(t, config("Gr(e"), options(dir)); r.Made != 0 {
		t.Errorf("%d runs of a method whose folder that is are made again", r.Made)
	}
	if r := run(t, config("Grüße"), options(dir)); r.Made != 2 {
		t.Errorf("of another method, only %d runs are made", r.Made)
	}
}
