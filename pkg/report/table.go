package report

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
)

// A LogError says what is missing or damaged in the logs.
type LogError struct{ err error }

func (e *LogError) Error() string { return e.err.Error() }
func (e *LogError) Unwrap() error { return e.err }

func logErrorf(format string, args ...any) error { return &LogError{fmt.Errorf(format, args...)} }

// A table is a CSV file in memory.
type table struct {
	path    string
	header  []string
	columns map[string]int
	rows    [][]string
	lines   []int // of the file, by row
}

// readTable reads a CSV file that has at least the needed columns. A last row
// that a crash cut short is left out, with a warning; any other damage is an
// error, with file and line.
func readTable(path string, text []byte, needed []string) (t *table, warning string, err error) {
	if i := bytes.LastIndexByte(text, '\n'); i+1 < len(text) {
		warning = fmt.Sprintf("%s: the last row is cut short: left out", path)
		text = text[:i+1]
	}
	r := csv.NewReader(bytes.NewReader(text))
	t = &table{path: path, columns: map[string]int{}}
	if t.header, err = r.Read(); err != nil {
		return nil, "", logErrorf("%s: there is no header: %w", path, err)
	}
	for i, h := range t.header {
		if _, twice := t.columns[h]; twice {
			return nil, "", logErrorf("%s: two columns are called %q", path, h)
		}
		t.columns[h] = i
	}
	missing := slices.DeleteFunc(slices.Clone(needed), func(c string) bool { _, ok := t.columns[c]; return ok })
	if len(missing) > 0 {
		return nil, "", logErrorf("%s: missing columns: %s", path, strings.Join(missing, ", "))
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, warning, nil
		}
		if err != nil {
			return nil, "", logErrorf("%s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		t.rows, t.lines = append(t.rows, cells), append(t.lines, line)
	}
}

// cell returns the text of a column that was needed.
func (t *table) cell(row int, column string) string { return t.rows[row][t.columns[column]] }

// errorf returns an error that names the row and the column.
func (t *table) errorf(row int, column, format string, args ...any) error {
	return logErrorf("%s:%d: column %s: %w", t.path, t.lines[row], column, fmt.Errorf(format, args...))
}

// number returns the number in a cell, NaN for an empty one.
func (t *table) number(row int, column string) (float64, error) {
	cell := t.cell(row, column)
	if cell == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return 0, t.errorf(row, column, "%s is not a number", echo(cell))
	}
	return v, nil
}

// numbers reads some columns of all rows.
func (t *table) numbers(columns []string) (rows []Row, err error) {
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

// number is the text of a cell.
func number(f float64) string {
	if math.IsNaN(f) {
		return ""
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// A Row is one evaluation, by column; NaN stands for an empty cell.
type Row map[string]float64

// columns are those of metrics.csv that hold numbers.
var columns = []string{"seed", "step", "epoch", "wall_seconds", "cost", "oracle_calls",
	"train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy", "test_rmse"}

// readMetrics reads the rows of metrics.csv.
func readMetrics(path string, text []byte) (rows []Row, warning string, err error) {
	t, warning, err := readTable(path, text, columns)
	if err != nil {
		return nil, "", err
	}
	rows, err = t.numbers(columns)
	return rows, warning, err
}
