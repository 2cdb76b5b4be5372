package runlog

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A Table is the form of one CSV file of a run, a row of which is an R. Its columns
// are the fields of R, in their order, by their tags `csv:"name"`. A NaN in a field
// tagged optional is an empty cell: the number does not apply. So it is in those tagged added,
// which come last, and which files of earlier versions lack.
type Table[R any] struct {
	File    string
	columns []column
}

// A column is a field of a row.
type column struct {
	name     string
	kind     reflect.Kind
	optional bool
	added    bool
}

// The tables of a run.
var (
	Metrics = newTable[Evaluation]("metrics.csv")
	Steps   = newTable[Step]("steps.csv")
	Inner   = newTable[Iterate]("inner.csv")
	Probes  = newTable[Probe]("probes.csv")
)

// newTable panics if a field of R has no name, or a type that no cell holds.
func newTable[R any](file string) Table[R] {
	t := Table[R]{File: file}
	row := reflect.TypeFor[R]()
	for i := range row.NumField() {
		f := row.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("csv"), ",")
		switch f.Type.Kind() {
		case reflect.String, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		default:
			panic(fmt.Sprintf("runlog: column %s of %s has the type %s", name, file, f.Type))
		}
		if name == "" {
			panic(fmt.Sprintf("runlog: the field %s of %s has no column", f.Name, row))
		}
		t.columns = append(t.columns, column{name, f.Type.Kind(), option != "", option == "added"})
	}
	return t
}

// Header are the names of the columns.
func (t Table[R]) Header() (names []string) {
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	return names
}

// Numbers are the names of the columns that hold numbers.
func (t Table[R]) Numbers() (names []string) {
	for _, c := range t.columns {
		if c.kind != reflect.String {
			names = append(names, c.name)
		}
	}
	return names
}

// Needed are those of the names that files of every version have.
func (t Table[R]) Needed(names []string) []string {
	added := t.Added()
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(added, n) })
}

// Added are the names of the columns that files of earlier versions lack.
func (t Table[R]) Added() (names []string) {
	for _, c := range t.columns {
		if c.added {
			names = append(names, c.name)
		}
	}
	return names
}

// cells appends the cells of a row.
func (t Table[R]) cells(to []string, row *R) []string {
	v := reflect.ValueOf(row).Elem()
	for i, c := range t.columns {
		f := v.Field(i)
		switch c.kind {
		case reflect.String:
			to = append(to, f.String())
		case reflect.Uint64:
			to = append(to, strconv.FormatUint(f.Uint(), 10))
		case reflect.Float64:
			to = append(to, floatCell(f.Float(), c.optional))
		default:
			to = append(to, strconv.FormatInt(f.Int(), 10))
		}
	}
	return to
}

func floatCell(x float64, optional bool) string {
	if optional && math.IsNaN(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// Number is the text of a number in a table, empty for NaN.
func Number(x float64) string { return floatCell(x, true) }

// A Row is what a reader takes from a row of a table: its numbers by column, NaN for
// an empty cell.
type Row map[string]float64

// Read reads the text of a table, whose path is for messages. It must have all columns but added ones,
// and may have others, in any order. A last row that a crash cut short is left out,
// with a warning; any other damage is an [Error], with file and line.
func (t Table[R]) Read(path string, text []byte) (rows []Row, warning string, err error) {
	c, warning, err := ReadCSV(path, text, t.Needed(t.Numbers()))
	if err != nil {
		return nil, "", err
	}
	rows, err = c.Numbers(t.Numbers())
	return rows, warning, err
}

// Begins reports whether a text is the beginning of the header: all there is of a
// table whose writer ended, with the program or the room on the disk, before there
// was more.
func (t Table[R]) Begins(text []byte) bool {
	return strings.HasPrefix(strings.Join(t.Header(), ","), string(text))
}
