package scores

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable writes all scores as text, in columns.
func (s *Scores) WriteTable(w io.Writer) error {
	e := &errorWriter{w: w}
	for _, p := range s.Parts() {
		p.writeText(e)
	}
	return e.err
}

// An errorWriter remembers the first error, so that what writes to it need not.
type errorWriter struct {
	w   io.Writer
	err error
}

func (e *errorWriter) Write(b []byte) (int, error) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
	return len(b), nil
}

func (p *Part) writeText(w io.Writer) {
	if p.Title != "" {
		fmt.Fprintln(w, p.Title)
		for _, n := range p.Alerts {
			fmt.Fprintf(w, "! %s\n", n)
		}
		fmt.Fprintln(w)
	}
	for i := range p.Tables {
		p.Tables[i].writeText(w)
	}
}

// writeText writes a line about the table, its rows, and its notes.
func (t *Table) writeText(w io.Writer) {
	if t.Title != "" {
		fmt.Fprintln(w, t.Title)
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if t.Head != nil {
		fmt.Fprintln(columns, strings.TrimRight("  "+strings.Join(t.Head, "\t"), "\t"))
	}
	for _, row := range t.Rows {
		fmt.Fprintln(columns, strings.TrimRight("  "+strings.Join(row, "\t"), "\t"))
	}
	columns.Flush()
	for i, n := range t.Notes {
		fmt.Fprintf(w, "  (%d) %s\n", i+1, n)
	}
	fmt.Fprintln(w)
}
