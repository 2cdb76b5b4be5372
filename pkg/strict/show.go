package strict

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths, in characters, of what messages repeat of the user's own text: enough
// to find it again in the file, and no more.
const (
	shownLength = 60
	wordLength  = 100 // of a longer key or name no misspelling is guessed
	shownNames  = 50  // known names that a message lists
)

// Quote returns a value in quotes for a message: shortened, and with control
// characters, which a terminal would obey, and invisible ones escaped.
func Quote(s string) string {
	head, more := shorten(s, shownLength)
	return strconv.Quote(head) + more
}

// Plain is [Quote] without quotes, for keys and file names.
func Plain(s string) string {
	head, more := shorten(s, 2*shownLength)
	return escape(head) + more
}

// shorten returns the first limit characters, and how many there are in all if
// that is not all.
func shorten(s string, limit int) (head, more string) {
	if len(s) <= limit {
		return s, ""
	}
	n := 0
	for i := range s {
		if n == limit {
			return s[:i], fmt.Sprintf("... (%d characters)", utf8.RuneCountInString(s))
		}
		n++
	}
	return s, ""
}

// Printable returns a text of any length with what a terminal would obey, other than
// line ends and tabs, and what cannot be seen escaped.
func Printable(s string) string { return escapeBut(s, "\n\t") }

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

// OneLine returns text with an escape in place of each character that would move the
// cursor of a terminal, or turn the direction of writing.
func OneLine(s string) string { return Escape(s, unicode.IsGraphic) }

// escape replaces what does not print by \n, \x1b or \u202e.
func escape(s string) string {
	return escapeBut(s, "")
}

// escapeBut is escape, but for some characters.
func escapeBut(s, kept string) string {
	bad := func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsGraphic(r) && !strings.ContainsRune(kept, r)
	}
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch q := strconv.Quote(s[i : i+size]); {
		case bad(r) && q[0] == '"':
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteString(s[i : i+size])
		}
	}
	return b.String()
}

// format is fmt.Sprintf for messages. What the verbs %q and %v print of texts and
// lists is shortened; %s is for the program's own words.
func format(text string, args []any) string {
	for i, a := range args {
		switch reflect.ValueOf(a).Kind() {
		case reflect.String, reflect.Slice:
			if _, own := a.(fmt.Formatter); !own {
				args[i] = echo{a}
			}
		}
	}
	return Printable(fmt.Sprintf(text, args...))
}

// An echo is a value of the user's in a message.
type echo struct{ value any }

func (e echo) Format(f fmt.State, verb rune) {
	text, isText := e.value.(string)
	switch {
	case verb == 'q' && isText:
		fmt.Fprint(f, Quote(text))
	case verb == 'v' && !isText:
		head, more := shorten(fmt.Sprintf("%v", e.value), shownLength)
		fmt.Fprint(f, head, more)
	default:
		fmt.Fprintf(f, fmt.FormatString(f, verb), e.value)
	}
}
