// Package export writes the runs of package results for other tools: Apache Parquet, by
// parquet-go, and TensorBoard's event files.
package export

import (
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/parquet-go/parquet-go"
)

// Parquet writes the table that results.Export writes as CSV: a row for each evaluation, with
// types. Numbers that do not apply are null, and so are settings that a run does not have;
// settings that are numbers in all runs are numbers.
func Parquet(w io.Writer, res *results.Results) error {
	if len(res.Runs) == 0 {
		return runlog.Errorf("there are no runs to export")
	}
	t := newTable(res)
	out := parquet.NewWriter(w, parquet.NewSchema("evaluations", t.schema), parquet.Compression(&parquet.Zstd), parquet.CreatedBy("dgn", "", ""))
	for i := range res.Runs {
		rows := res.Runs[i].Rows
		if len(rows) == 0 {
			rows = []runlog.Row{nil} // a run without evaluations has one row, without numbers
		}
		head := t.head(&res.Runs[i])
		list := make([]parquet.Row, len(rows))
		for j, row := range rows {
			list[j] = t.row(head, row)
		}
		if _, err := out.WriteRows(list); err != nil {
			return err
		}
	}
	return out.Close()
}

// counted are the columns of whole numbers.
var counted = []string{"method_index", "seed", "threads", "jobs", runlog.Columns.Step, runlog.Columns.OracleCalls}

// A table is the form of the file.
type table struct {
	schema   ordered
	names    []string // labels, then measured
	labels   func(r *results.Run) []string
	measured []string
	numeric  map[string]bool // settings that are numbers
}

func newTable(res *results.Results) *table {
	t := &table{measured: results.Measured(), numeric: map[string]bool{}}
	t.names, t.labels = res.Labels()
	for i, name := range t.names[results.Described():] {
		t.numeric[name] = true
		for j := range res.Runs {
			text := t.labels(&res.Runs[j])[results.Described()+i]
			if _, err := strconv.ParseFloat(text, 64); err != nil && text != "" {
				t.numeric[name] = false
				break
			}
		}
	}
	t.schema.Group = parquet.Group{}
	for i, name := range slices.Concat(t.names, t.measured) {
		node := parquet.String()
		switch {
		case name == "seed":
			node = parquet.Uint(64)
		case slices.Contains(counted, name):
			node = parquet.Int(64)
		case i >= len(t.names) || t.numeric[name]:
			node = parquet.Leaf(parquet.DoubleType)
		}
		if i >= results.Described() {
			node = parquet.Optional(node)
		}
		t.schema.Group[name] = node
		t.schema.order = append(t.schema.order, name)
	}
	return t
}

// ordered is a group whose fields have the order of the CSV, and not of the alphabet.
type ordered struct {
	parquet.Group
	order []string
}

// Fields implements parquet.Node.
func (g ordered) Fields() []parquet.Field {
	list := g.Group.Fields()
	slices.SortFunc(list, func(a, b parquet.Field) int {
		return slices.Index(g.order, a.Name()) - slices.Index(g.order, b.Name())
	})
	return list
}

// head returns the values of a run that all its rows have.
func (t *table) head(r *results.Run) (list []parquet.Value) {
	for i, text := range t.labels(r) {
		name, optional := t.names[i], i >= results.Described()
		v := parquet.ValueOf(text)
		switch {
		case name == "seed":
			v = parquet.ValueOf(r.Seed)
		case slices.Contains(counted, name):
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				panic(err) // it was written from a number
			}
			v = parquet.ValueOf(n)
		case optional && text == "":
			v = parquet.Value{}
		case t.numeric[name]:
			x, err := strconv.ParseFloat(text, 64)
			if err != nil {
				panic(err) // looked at before
			}
			v = parquet.ValueOf(x)
		}
		list = append(list, placed(v, optional, i))
	}
	return list
}

// row adds the numbers of an evaluation, nil for none.
func (t *table) row(head []parquet.Value, row runlog.Row) parquet.Row {
	out := slices.Clone(head)
	for i, name := range t.measured {
		var v parquet.Value // null
		if x, ok := row[name]; ok && !math.IsNaN(x) {
			v = parquet.ValueOf(x)
			if slices.Contains(counted, name) {
				v = parquet.ValueOf(int64(x))
			}
		}
		out = append(out, placed(v, true, len(head)+i))
	}
	return out
}

// placed gives a value its column and, if that is optional, its level.
func placed(v parquet.Value, optional bool, column int) parquet.Value {
	level := 0
	if optional && !v.IsNull() {
		level = 1
	}
	return v.Level(0, level, column)
}
