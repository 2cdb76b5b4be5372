package report

import (
	"unicode"

	"github.com/dualgn/dgn/pkg/figure"
)

// printable returns text with an escape in place of each character that would
// move the cursor of a terminal, or turn the direction of writing.
func printable(s string) string {
	return figure.Escape(s, func(r rune) bool { return unicode.IsGraphic(r) })
}
