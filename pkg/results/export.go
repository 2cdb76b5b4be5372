package results

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// described are the columns of an export that say where a row comes from. They
// are followed by the settings in which runs differ, then by the columns of
// metrics.csv.
var described = []string{"experiment", "dataset", "method", "method_index", "seed", "outcome", "flags",
	"version", "commit", "cpu", "isa", "threads", "jobs", "varied", mixed}

// maxExport is the length in bytes of the longest export that is read.
const maxExport = 512 << 20

// mixed is the column of Manifest.Mixed, which files of earlier versions lack.
const mixed = "mixed"

// measured are the numbers of an export.
var measured = slices.DeleteFunc(runlog.Metrics.Numbers(), func(c string) bool { return c == "seed" })

// Export writes a row for each evaluation of each run, with the settings in
// which any two runs differ as columns, empty where a run has none. The column
// varied lists, separated by blanks, those that tell runs of one method apart,
// in quotes where they hold blanks themselves; mixed lists what of the machine
// changed while a run was made; flags says what to be careful about: the run's
// end, damaged logs, files that are gone, and why its times do not compare. Runs without evaluations have one row,
// without numbers. Load reads what Export writes.
func Export(w io.Writer, res *Results) error {
	if len(res.Runs) == 0 {
		return runlog.Errorf("there are no runs to export")
	}
	names, labels := res.Labels()
	out := csv.NewWriter(w)
	columns := slices.DeleteFunc(slices.Clone(measured), func(c string) bool {
		return slices.Contains(runlog.Metrics.Added(), c) && !res.Has(c) // as files of earlier versions are
	})
	out.Write(slices.Concat(names, columns)) // errors stay until Error
	for i := range res.Runs {
		head := labels(&res.Runs[i])
		rows := res.Runs[i].Rows
		if len(rows) == 0 {
			out.Write(append(head, make([]string, len(columns))...))
		}
		for _, row := range rows {
			cells := slices.Clone(head)
			for _, c := range columns {
				cells = append(cells, runlog.Number(row[c]))
			}
			out.Write(cells)
		}
	}
	out.Flush()
	return out.Error()
}

// Labels returns the columns of an export that say where a row comes from, the settings in
// which any two runs differ the last of them, and a function to what they are of a run. Texts
// are empty where a run has no value.
func (res *Results) Labels() (names []string, of func(r *Run) []string) {
	settings := res.settings()
	return slices.Concat(described, settings), func(r *Run) []string {
		var varied []string
		for _, s := range r.Varied {
			varied = append(varied, blankless(s.Key))
		}
		cells := []string{r.Name, r.Dataset, r.Method, strconv.Itoa(r.MethodIndex), strconv.FormatUint(r.Seed, 10), string(r.Outcome), res.flags(r),
			r.Version, r.Commit, r.CPU, r.ISA, strconv.Itoa(r.Threads), strconv.Itoa(r.Jobs), strings.Join(varied, " "), strings.Join(r.Mixed, " ")}
		for _, k := range settings {
			v, _ := r.Value(k)
			cells = append(cells, v)
		}
		return cells
	}
}

// Described is how many of the columns that [Results.Labels] returns are no settings.
func Described() int { return len(described) }

// Measured are the columns of numbers of an export.
func Measured() []string { return slices.Clone(measured) }

// blankless puts a key of the column varied in quotes where it has to be.
func blankless(key string) string {
	if key == "" || strings.ContainsFunc(key, unicode.IsSpace) || strings.HasPrefix(key, `"`) {
		return strconv.Quote(key)
	}
	return key
}

// keys cuts the text of the column varied.
func keys(text string) (list []string, err error) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		end := strings.IndexFunc(text, unicode.IsSpace)
		if end < 0 {
			end = len(text)
		}
		key := text[:end]
		if strings.HasPrefix(text, `"`) {
			quoted, err := strconv.QuotedPrefix(text)
			if err != nil {
				return nil, fmt.Errorf("%q: a quote is not closed", text)
			}
			if key, err = strconv.Unquote(quoted); err != nil {
				return nil, fmt.Errorf("%q: %w", text, err)
			}
			end = len(quoted)
		}
		list, text = append(list, key), text[end:]
	}
	return list, nil
}

// settings returns the keys in which any two runs differ.
func (res *Results) settings() []string {
	keys := Differing(res.Runs)
	for _, r := range res.Runs {
		for _, s := range r.Varied {
			keys = append(keys, s.Key)
		}
	}
	slices.Sort(keys)
	return slices.DeleteFunc(slices.Compact(keys), func(k string) bool { return slices.Contains(described, k) })
}

// flags says what to be careful about.
func (res *Results) flags(r *Run) string {
	var flags []string
	if !r.Outcome.Well() {
		flags = append(flags, string(r.Outcome))
	}
	if r.Damage != "" {
		flags = append(flags, damagedFlag+strings.ReplaceAll(r.Damage, "; ", ", "))
	}
	if len(r.Missing) > 0 {
		flags = append(flags, lacksFlag+strings.Join(r.Missing, " and "))
	}
	if r.MixedISA != nil {
		flags = append(flags, "instruction sets "+strings.Join(r.MixedISA, ", "))
	}
	if t := res.Timing(); t != "" {
		flags = append(flags, t)
	}
	return strings.Join(flags, "; ")
}

// What begins the flags that tell of damaged logs.
const damagedFlag, lacksFlag = "damaged: ", "lacks "

// readFlags takes from flags what they tell of damaged logs.
func (r *Run) readFlags(text string) {
	for flag := range strings.SplitSeq(text, "; ") {
		if why, ok := strings.CutPrefix(flag, damagedFlag); ok {
			r.Damage = why
		}
		if names, ok := strings.CutPrefix(flag, lacksFlag); ok {
			r.Missing = strings.Split(names, " and ")
		}
	}
}

// loadExport reads runs from a file that Export wrote.
func (res *Results) loadExport(path string) error {
	text, err := runlog.ReadStream(path, maxExport, runlog.MaxLine)
	if err != nil {
		return err
	}
	runs, warning, err := readExport(path, text)
	if warning != "" {
		res.warn("%s", warning)
	}
	res.Runs = append(res.Runs, runs...)
	return err
}

// readExport reads what Export wrote, in any order of rows. Columns of other
// names are settings.
func readExport(path string, text []byte) (runs []Run, warning string, err error) {
	needed := slices.DeleteFunc(slices.Concat(described, runlog.Metrics.Needed(measured)), func(c string) bool { return c == mixed })
	t, warning, err := runlog.ReadCSV(path, text, needed)
	if err != nil {
		return nil, "", err
	}
	if t.Len() == 0 {
		return nil, "", runlog.Errorf("%s: there are no rows", path)
	}
	rows, err := t.Numbers(measured)
	if err != nil {
		return nil, "", err
	}
	var labels []string // what is the same in all rows of a run
	for _, h := range t.Header {
		if !slices.Contains(measured, h) {
			labels = append(labels, h)
		}
	}
	at := map[string]int{}
	for i, row := range rows {
		var id strings.Builder
		for _, c := range labels {
			fmt.Fprintf(&id, "%q", t.Cell(i, c))
		}
		n, ok := at[id.String()]
		if !ok {
			r, err := readRun(t, path, i, labels)
			if err != nil {
				return nil, "", err
			}
			n, at[id.String()] = len(runs), len(runs)
			runs = append(runs, r)
		}
		if !slices.ContainsFunc(measured, func(c string) bool { return !math.IsNaN(row[c]) }) {
			continue // a run without evaluations
		}
		row["seed"] = float64(runs[n].Seed)
		runs[n].Rows = append(runs[n].Rows, row)
	}
	for i := range runs {
		r := &runs[i]
		slices.SortStableFunc(r.Rows, func(a, b runlog.Row) int { return cmp.Compare(a[runlog.Columns.Step], b[runlog.Columns.Step]) })
		if r.Damage == "" {
			r.Damage = r.disorder()
		}
	}
	return runs, warning, nil
}

// readRun reads the columns of a row that say where it comes from.
func readRun(t *runlog.CSV, path string, row int, labels []string) (r Run, err error) {
	text := func(c string) string { return t.Cell(row, c) }
	r.Manifest = runlog.Manifest{Name: text("experiment"), Dataset: text("dataset"), Method: text("method"), Outcome: runlog.Outcome(text("outcome")),
		Build: runlog.Build{Version: text("version"), Commit: text("commit")}, Machine: runlog.Machine{CPU: text("cpu"), ISA: text("isa")}, Settings: runlog.Settings{}}
	for i, to := range []*int{&r.MethodIndex, &r.Threads, &r.Jobs} {
		c := []string{"method_index", "threads", "jobs"}[i]
		if *to, err = strconv.Atoi(text(c)); err != nil || *to < 0 {
			return r, t.Errorf(row, c, "%q is not a whole number", text(c))
		}
	}
	if r.Seed, err = strconv.ParseUint(text("seed"), 10, 64); err != nil {
		return r, t.Errorf(row, "seed", "%q is not a seed", text("seed"))
	}
	for _, c := range []string{"method", "outcome"} {
		if text(c) == "" {
			return r, t.Errorf(row, c, "is empty")
		}
	}
	if !r.Outcome.Known() {
		return r, t.Errorf(row, "outcome", "must be %s, got %s", strings.Join(outcomes(), ", "), strict.Quote(string(r.Outcome)))
	}
	r.known = map[string]bool{}
	for _, c := range labels {
		if slices.Contains(described, c) {
			continue
		}
		r.known[c] = true
		if text(c) != "" {
			r.Settings[c] = text(c)
		}
	}
	if slices.Contains(labels, mixed) {
		r.Mixed = strings.Fields(text(mixed))
	}
	varied, err := keys(text("varied"))
	if err != nil {
		return r, t.Errorf(row, "varied", "%w", err)
	}
	for _, k := range varied {
		if !slices.Contains(labels, k) {
			return r, t.Errorf(row, "varied", "there is no column %q", k)
		}
		r.Varied = append(r.Varied, runlog.Setting{Key: k, Value: text(k)})
	}
	r.readFlags(text("flags"))
	r.Dir = fmt.Sprintf("%s (%s, seed %d)", path, r.Method, r.Seed)
	return r, nil
}
