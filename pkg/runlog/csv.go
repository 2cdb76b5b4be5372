package runlog

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

// A CSV is a table in memory, of any columns.
type CSV struct {
	Header []string

	path    string
	columns map[string]int
	rows    [][]string
	lines   []int // of the file, by row
}

// CutShort ends the warning that [ReadCSV] gives of a last row.
const CutShort = ": the last row is cut short: left out"

// ReadCSV reads a CSV file that has at least the needed columns. A last row that a
// crash cut short is left out, with a warning; any other damage is an [Error], with
// file and line.
func ReadCSV(path string, text []byte, needed []string) (t *CSV, warning string, err error) {
	if i := bytes.LastIndexByte(text, '\n'); i+1 < len(text) {
		warning = path + CutShort
		text = text[:i+1]
	}
	r := csv.NewReader(bytes.NewReader(text))
	t = &CSV{path: path, columns: map[string]int{}}
	if t.Header, err = r.Read(); err != nil {
		return nil, "", Errorf("%s: there is no header: %w", path, err)
	}
	for i, h := range t.Header {
		if _, twice := t.columns[h]; twice {
			return nil, "", Errorf("%s: two columns are called %q", path, h)
		}
		t.columns[h] = i
	}
	missing := slices.DeleteFunc(slices.Clone(needed), func(c string) bool { _, ok := t.columns[c]; return ok })
	if len(missing) > 0 {
		return nil, "", Errorf("%s: missing columns: %s", path, strings.Join(missing, ", "))
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, warning, nil
		}
		if err != nil {
			return nil, "", Errorf("%s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		t.rows, t.lines = append(t.rows, cells), append(t.lines, line)
	}
}

// Len is the number of rows.
func (t *CSV) Len() int { return len(t.rows) }

// Cell returns the text of a column, empty where the file has no such column.
func (t *CSV) Cell(row int, column string) string {
	i, ok := t.columns[column]
	if !ok {
		return ""
	}
	return t.rows[row][i]
}

// Errorf returns an [Error] that names the row and the column.
func (t *CSV) Errorf(row int, column, format string, args ...any) error {
	return Errorf("%s:%d: column %s: %w", t.path, t.lines[row], column, fmt.Errorf(format, args...))
}

// number returns the number in a cell, NaN for an empty one.
func (t *CSV) number(row int, column string) (float64, error) {
	cell := t.Cell(row, column)
	if cell == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return 0, t.Errorf(row, column, "%s is not a number", strict.Quote(cell))
	}
	return v, nil
}

// Numbers reads some columns of all rows.
func (t *CSV) Numbers(columns []string) (rows []Row, err error) {
	for i := range t.rows {
		row := Row{}
		for _, c := range columns {
			if row[c], err = t.number(i, c); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}
