// Package results_test holds the text of README.md to the summaries and logs beside it:
// its tables are written from them (go test ./docs/results -update), and every number
// of its sentences is computed from them.
package results_test

import (
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of README.md anew")

// A table is a header and rows of cells.
type table [][]string

// A row is a line of a CSV file by the names of its columns.
type row map[string]string

// files keeps what read has read.
var files = map[string][]row{}

// read returns the rows of a CSV file.
func read(t *testing.T, path string) []row {
	t.Helper()
	if rows, ok := files[path]; ok {
		return rows
	}
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for _, line := range lines[1:] {
		r := row{}
		for i, name := range lines[0] {
			r[name] = line[i]
		}
		rows = append(rows, r)
	}
	files[path] = rows
	return rows
}

// number returns the value of a column, or NaN where it is empty.
func (r row) number(t *testing.T, column string) float64 {
	t.Helper()
	text, ok := r[column]
	if !ok {
		t.Fatalf("no column %q", column)
	}
	if text == "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// value formats the mean of a column. Verbs with %% show a fraction in percent. Where
// runs diverged it says how many did, beside the mean of the others.
func (r row) value(t *testing.T, column, verb string) string {
	t.Helper()
	v := r.number(t, column+"_mean")
	if strings.Contains(verb, "%%") {
		v *= 100
	}
	diverged := r["diverged"]
	switch {
	case diverged == "0":
		return fmt.Sprintf(verb, v)
	case diverged == r["runs"]:
		return "all diverge"
	default:
		return fmt.Sprintf(verb+" (%s diverges)", v, diverged)
	}
}

// A column is a metric, or a setting where it has no verb.
type column struct{ name, verb string }

func columnsOf(text string) (out []column) {
	for _, c := range strings.Split(text, ";") {
		name, verb, _ := strings.Cut(strings.TrimSpace(c), " ")
		out = append(out, column{name, verb})
	}
	return out
}

func (c column) title() string {
	name := strings.TrimSuffix(c.name, ".initial")
	name = name[strings.LastIndex(name, ".")+1:]
	return strings.ReplaceAll(strings.Replace(name, "wall_seconds", "seconds", 1), "_", " ")
}

// list is a table with a row for each row of the summary.
func list(t *testing.T, rows []row, columns []column) table {
	out := table{nil}
	for _, c := range columns {
		out[0] = append(out[0], c.title())
	}
	for _, r := range rows {
		var line []string
		for _, c := range columns {
			if c.verb == "" {
				line = append(line, r[c.name])
			} else {
				line = append(line, r.value(t, c.name, c.verb))
			}
		}
		out = append(out, line)
	}
	return out
}

// best keeps of each method the row with the least mean of a column, of those rows of
// which no run diverged.
func best(t *testing.T, rows []row, by string) (out []row) {
	at := map[string]int{}
	for _, r := range rows {
		if r["diverged"] != "0" {
			continue
		}
		i, seen := at[r["method"]]
		if !seen {
			at[r["method"]] = len(out)
			out = append(out, r)
		} else if r.number(t, by+"_mean") < out[i].number(t, by+"_mean") {
			out[i] = r
		}
	}
	return out
}

// grid is a table of one metric, with the values of the setting across as columns.
func grid(t *testing.T, rows []row, columns []column, across string) table {
	metric := columns[len(columns)-1]
	keys := columns[:len(columns)-1]
	out := table{nil}
	for _, k := range keys {
		out[0] = append(out[0], k.title())
	}
	where := map[string]int{}
	for _, r := range rows {
		var line []string
		for _, k := range keys {
			line = append(line, r[k.name])
		}
		id := strings.Join(line, "\x00")
		head := column{name: across}.title() + " " + r[across]
		if !slices.Contains(out[0], head) {
			out[0] = append(out[0], head)
		}
		if _, ok := where[id]; !ok {
			where[id] = len(out)
			out = append(out, line)
		}
		out[where[id]] = append(out[where[id]], r.value(t, metric.name, metric.verb))
	}
	return out
}

func (t table) markdown() string {
	var b strings.Builder
	for i, line := range t {
		b.WriteString("| " + strings.Join(line, " | ") + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(line)) + "|\n")
		}
	}
	return b.String()
}

// marked matches a table of the README under the comment that says what it shows:
// kind, folder, columns.
var marked = regexp.MustCompile(`<!-- (list|best|grid) ([\w/]+)(?: (?:by|across) ([\w.]+))?: ([^\n]*) -->\n\n((?:\|[^\n]*\n)*)`)

// TestTables compares the tables of the README with the summaries.
func TestTables(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	fresh := marked.ReplaceAllStringFunc(string(text), func(whole string) string {
		found++
		m := marked.FindStringSubmatch(whole)
		rows, columns := read(t, m[2]+"/summary.csv"), columnsOf(m[4])
		var made table
		switch m[1] {
		case "list":
			made = list(t, rows, columns)
		case "best":
			made = list(t, best(t, rows, m[3]), columns)
		case "grid":
			made = grid(t, rows, columns, m[3])
		}
		end := ""
		if m[5] == "" { // a new one: set it off from what follows
			end = "\n"
		}
		return strings.TrimSuffix(whole, m[5]) + made.markdown() + end
	})
	if folders, _ := filepath.Glob("*/summary.csv"); found < len(folders)-1 { // inner_solvers shows curves
		t.Errorf("the README has %d tables for %d experiments", found, len(folders))
	}
	if fresh == string(text) {
		return
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Error("tables differ from the summaries: run go test ./docs/results -update")
}
