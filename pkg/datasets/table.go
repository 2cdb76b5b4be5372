package datasets

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// blanks is the delimiter that stands for runs of spaces and tabs.
const blanks = "space"

// A table is the text of a file with as many cells in every row.
type table struct {
	file   string
	header []string // nil without one
	rows   [][]string
	lines  []int // of the rows
}

// readTable splits text into cells. The first skip lines are left out.
func readTable(file string, text []byte, delimiter string, header bool, skip int) (*table, error) {
	t := &table{file: file}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // spreadsheets write a byte order mark
	for range skip {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	add := func(line int, cells []string) error {
		if header && t.header == nil {
			t.header = cells
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
			return damagedf(file, "line %d has %d cells where the lines before have %d; is the delimiter %q right?", line, len(cells), width, delimiter)
		}
		if (len(t.rows)+1)*width > maxCells {
			return damagedf(file, "has more than %d cells, the most that are read; save the numbers as arrays x and y in an .npz file", maxCells)
		}
		t.rows, t.lines = append(t.rows, cells), append(t.lines, line)
		return nil
	}
	if delimiter == blanks {
		for i, line := range strings.Split(string(text), "\n") {
			if cells := strings.Fields(line); len(cells) > 0 {
				if err := add(skip+i+1, cells); err != nil {
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
				return nil, damagedf(file, "%s", strings.TrimPrefix(err.Error(), "parse error on "))
			}
			line, _ := r.FieldPos(0)
			if err := add(skip+line, cells); err != nil {
				return nil, err
			}
		}
	}
	if len(t.rows) == 0 {
		return nil, damagedf(file, "holds no rows of data")
	}
	return t, nil
}

// number reads one cell.
func (t *table) number(row, col int) (float64, error) {
	cell := strings.TrimSpace(t.rows[row][col])
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case cell == "":
		return 0, damagedf(t.file, "line %d, column %s: the cell is empty; every cell needs a number", t.lines[row], t.column(col))
	case err != nil && errors.Is(err, strconv.ErrRange):
		return 0, damagedf(t.file, "line %d, column %s: %s is too large for a float64", t.lines[row], t.column(col), cell)
	case err != nil && row == 0 && t.header == nil:
		return 0, damagedf(t.file, "line %d, column %s: %q is not a number; if this line names the columns, set header: true", t.lines[row], t.column(col), cell)
	case err != nil:
		return 0, damagedf(t.file, "line %d, column %s: %q is not a number", t.lines[row], t.column(col), cell)
	case math.IsNaN(v) || math.IsInf(v, 0):
		return 0, damagedf(t.file, "line %d, column %s: %s is not a finite number; remove the row or fill the cell", t.lines[row], t.column(col), cell)
	}
	return v, nil
}

// column names a column for messages, by its position and header.
func (t *table) column(col int) string {
	s := strconv.Itoa(col)
	if t.header != nil {
		s += " (" + strings.TrimSpace(t.header[col]) + ")"
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
