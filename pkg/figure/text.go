package figure

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// Texts returns all that a figure says, but for the numbers on its axes.
func (f Figure) Texts() (list []string) {
	for _, r := range f.Caption {
		list = append(list, r.Text)
	}
	for _, e := range f.Legend {
		list = append(list, e.Label)
	}
	for _, p := range f.Panels {
		list = append(list, p.Title, p.X.Label, p.Y.Label)
		for _, t := range p.X.Ticks {
			list = append(list, t.Label)
		}
		for _, c := range p.Curves {
			list = append(list, c.Notes...)
		}
		for _, h := range p.Histograms {
			list = append(list, h.Label)
		}
		for _, r := range p.Rows {
			list = append(list, r.Label)
		}
	}
	return list
}

// Escape returns text with a Go escape in place of each character that is not fit to be
// shown.
func Escape(s string, fit func(rune) bool) string {
	if strings.IndexFunc(s, func(r rune) bool { return !fit(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case fit(r):
			b.WriteRune(r)
		case unicode.IsControl(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		case r > math.MaxUint16:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
