package report

import (
	"strings"
	"testing"
)

// TestTexts: what a terminal would obey is escaped, and what a message repeats is short.
func TestTexts(t *testing.T) {
	if got := printable("a\nb\x00c\u202ed 方"); got != `a\nb\x00c\u202ed 方` {
		t.Errorf("%q", got)
	}
	if got := echo(strings.Repeat("x", 1000)); len(got) > 70 || !strings.Contains(got, "1000 characters") {
		t.Errorf("%q", got)
	}
}
