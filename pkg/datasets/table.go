package datasets

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
)

// blanks is the delimiter that stands for runs of spaces and tabs.
const blanks = "space"

// A table is the text of a file with as many cells in every row.
type table struct {
	file   string
	header []string // without blanks around; nil without one
	rows   [][]string
	lines  []int // of the rows

	delimiter string
	sample    []string // the first lines, as they are
}

// readTable splits text into cells. The first skip lines are left out.
func readTable(file string, text []byte, delimiter string, header bool, skip int) (*table, error) {
	text, err := decodeText(file, text)
	if err != nil {
		return nil, err
	}
	for range skip {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	t := &table{file: file, delimiter: delimiter}
	for line := range bytes.Lines(text) {
		if len(t.sample) == sampleLines || len(line) > sampleWidth {
			break
		}
		if line = bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(line)) > 0 {
			t.sample = append(t.sample, string(line))
		}
	}
	add := func(line int, cells []string) error {
		if header && t.header == nil {
			t.header = cells
			for i, c := range cells {
				t.header[i] = strings.TrimSpace(c)
			}
			return nil
		}
		width := len(cells)
		switch {
		case t.header != nil:
			width = len(t.header)
		case len(t.rows) > 0:
			width = len(t.rows[0])
		}
		if len(cells) != width {
			hint := t.delimiterHint()
			switch {
			case hint != "":
			case strings.ContainsAny(t.sample[0][:1], "#%@"):
				hint = fmt.Sprintf("; the file starts with %q, which is read as any other line: are the first lines comments? Remove them", t.sample[0][:1])
			default:
				hint = fmt.Sprintf("; is the delimiter %q right?", delimiter)
			}
			return damagedf(file, "line %d has %d cells where the lines before have %d%s", line, len(cells), width, hint)
		}
		if (len(t.rows)+1)*width > maxCells {
			return damagedf(file, "has more than %d cells, the most that are read; save the numbers as arrays x and y in an .npz file", maxCells)
		}
		t.rows, t.lines = append(t.rows, cells), append(t.lines, line)
		return nil
	}
	if delimiter == blanks {
		n := skip
		for line := range bytes.Lines(text) {
			n++
			cells, err := splitBlanks(string(line))
			if err != nil {
				return nil, damagedf(file, "line %d: %v", n, err)
			}
			if len(cells) > 0 {
				if err := add(n, cells); err != nil {
					return nil, err
				}
			}
		}
	} else {
		r := csv.NewReader(bytes.NewReader(text))
		r.Comma = rune(delimiter[0])
		r.FieldsPerRecord = -1
		r.TrimLeadingSpace = delimiter != "\t"
		for {
			cells, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, damagedf(file, "%s%s", strings.TrimPrefix(err.Error(), "parse error on "), t.delimiterHint())
			}
			line, _ := r.FieldPos(0)
			if len(cells) == 1 && strings.TrimSpace(cells[0]) == "" {
				continue // a line of blanks
			}
			if err := add(skip+line, cells); err != nil {
				return nil, err
			}
		}
	}
	if len(t.rows) == 0 {
		below := ""
		if t.header != nil {
			below = ", only the line that header: true takes for the names of the columns"
		}
		return nil, damagedf(file, "holds no rows of data%s", below)
	}
	return t, nil
}

// number reads one cell.
func (t *table) number(row, col int) (float64, error) {
	cell := strings.TrimSpace(t.rows[row][col])
	v, err := parseNumber(cell)
	wrong := func(format string, args ...any) (float64, error) {
		return 0, damagedf(t.file, "line %d, column %s: %s", t.lines[row], t.column(col), fmt.Sprintf(format, args...))
	}
	switch {
	case cell == "":
		hint := ""
		if n, _ := t.cells(blanks); n > 1 && strings.TrimSpace(t.delimiter) == "" {
			hint = fmt.Sprintf("; with delimiter: %s, runs of blanks are one delimiter", blanks)
		}
		return wrong("the cell is empty; every cell needs a number%s", hint)
	case err != nil && errors.Is(err, strconv.ErrRange):
		return wrong("%s is too large for a float64", strict.Plain(cell))
	case err != nil && isMissing(cell):
		return wrong("%s stands for a missing value, not a number; remove the row or fill the cell", strict.Quote(cell))
	case err != nil && t.delimiterHint() != "":
		return wrong("%s is not a number%s", strict.Quote(cell), t.delimiterHint())
	case err != nil && isNumber(strings.Replace(cell, ",", ".", 1)):
		return wrong("%s is not a number: write the decimal point as a point, not as a comma", strict.Quote(cell))
	case err != nil && row == 0 && t.header == nil && !t.amongNumbers(cell):
		return wrong("%s is not a number; if this line names the columns, set header: true", strict.Quote(cell))
	case err != nil:
		return wrong("%s is not a number", strict.Quote(cell))
	case math.IsNaN(v) || math.IsInf(v, 0):
		return wrong("%s is not a finite number; remove the row or fill the cell", strict.Plain(cell))
	}
	return v, nil
}

// amongNumbers reports whether a cell of the first row, which is no number, holds
// digits and stands beside numbers, so that the line is hardly one of names.
func (t *table) amongNumbers(cell string) bool {
	return strings.ContainsAny(cell, "0123456789") && slices.ContainsFunc(t.rows[0], func(c string) bool { return isNumber(strings.TrimSpace(c)) })
}

// column names a column for messages, by its position and header.
func (t *table) column(col int) string {
	s := strconv.Itoa(col)
	if t.header != nil {
		s += " (" + strict.Plain(t.header[col]) + ")"
	}
	return s
}

// numbers reads every cell.
func (t *table) numbers() ([][]float64, error) {
	out := make([][]float64, len(t.rows))
	for i, r := range t.rows {
		out[i] = make([]float64, len(r))
		for j := range r {
			var err error
			if out[i][j], err = t.number(i, j); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
