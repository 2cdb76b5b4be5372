package datasets

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
)

// Bounds of what messages show of a user's data.
const (
	maxShown  = 40 // characters of a cell
	maxListed = 20 // names
)

// ascii is strict.Quote with all letters beyond ASCII escaped, to tell apart what looks
// the same.
func ascii(s string) string {
	q := strconv.QuoteToASCII(s)
	if len(q) > 2*maxShown {
		return q[:2*maxShown] + "..."
	}
	return q
}

// maxPath is longer than the paths of most people, which are shown whole.
const maxPath = 500

// shownPath is the path of a file for messages.
func shownPath(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(path[:maxPath], ""), len(path))
}

// listed joins names.
func listed(names []string) string {
	var out []string
	for _, n := range names[:min(len(names), maxListed)] {
		if n == "" {
			n = `""` // else nothing would be seen
		} else {
			n = strict.Plain(n)
		}
		out = append(out, n)
	}
	s := strings.Join(out, ", ")
	if n := len(names) - len(out); n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}
