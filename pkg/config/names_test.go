package config

import (
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
			if Slug(name) != ASCIISlug(name) {
				t.Errorf("%q: %q, not %q", name, Slug(name), ASCIISlug(name))
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
