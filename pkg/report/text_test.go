package report

import (
	"testing"
)

// TestTexts: what a terminal would obey is escaped, and what a message repeats is short.
func TestTexts(t *testing.T) {
	if got := printable("a\nb\x00c\u202ed 方"); got != `a\nb\x00c\u202ed 方` {
		t.Errorf("%q", got)
	}
}
