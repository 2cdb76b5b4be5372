package report

import (
	"fmt"
	"strconv"
	"unicode"

	"github.com/dualgn/dgn/pkg/figure"
)

// printable returns text with an escape in place of each character that would
// move the cursor of a terminal, or turn the direction of writing.
func printable(s string) string {
	return figure.Escape(s, func(r rune) bool { return unicode.IsGraphic(r) })
}

// echo quotes a text of a file for a message, cut to a few dozen characters.
func echo(s string) string {
	const most = 40
	if runes := []rune(s); len(runes) > most {
		return fmt.Sprintf("%q... (%d characters)", string(runes[:most]), len(runes))
	}
	return strconv.Quote(s)
}
