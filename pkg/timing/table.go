// Package timing keeps measured times of runs, and sums them up: medians, spreads and
// ratios. A [Table] is the file timing.csv of a results folder, a row for each time that
// a run was repeated; the runs themselves have their own files, and know nothing of it.
//
// Repeats are measured in blocks: one of each method, one after the other, from one seed.
// A machine that becomes slower or faster does so for all methods of a block alike, so
// that ratios are taken within blocks.
package timing

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/runlog"
)

// File is the name of the table in a results folder.
const File = "timing.csv"

// A Row is one repeat of a run.
type Row struct {
	Key
	Repeat int // from 1
	Place  int // in its block, from 1
	Start  time.Time

	WallSeconds float64 // of training, as metrics.csv has it
	Steps       int
	Threads     int // that were used

	LoadBefore float64 // the load average of the machine; NaN where it is not known
	LoadAfter  float64
	Others     float64 // CPUs of those used here that others kept busy before the block; NaN
	TripNS     float64 // the longest round trip between the CPUs, in nanoseconds; NaN

	SuspendedSeconds float64 // for which the process was stopped; no part of WallSeconds
	Void             string  // why the row does not count, "" if it does

	Conditions
}

// A Key says which run was repeated.
type Key struct {
	Method   string
	Settings string // swept ones, "" if there are none
	Seed     uint64
	Identity string // of all settings
}

// Conditions are what has to be the same for times to compare.
type Conditions struct {
	Asked   string // threads, as they were asked for
	CPUs    string // that threads were bound to, "" if they were not
	CPU     string // its model
	ISA     string
	Version string // of the program, with the commit
}

// StepSeconds is the mean time of a step.
func (r *Row) StepSeconds() float64 { return r.WallSeconds / float64(max(r.Steps, 1)) }

// A Table is all rows, in the order in which they were measured.
type Table struct{ Rows []Row }

// columns are those of the file. Every cell is written by one function and read by
// another; step_seconds follows from others, and is not read.
var columns = []struct {
	name string
	cell func(r *Row) string
	read func(r *Row, cell string) error
}{
	{"method", func(r *Row) string { return r.Method }, func(r *Row, c string) error { r.Method = c; return nil }},
	{"settings", func(r *Row) string { return r.Settings }, func(r *Row, c string) error { r.Settings = c; return nil }},
	{"seed", func(r *Row) string { return strconv.FormatUint(r.Seed, 10) }, func(r *Row, c string) (err error) { r.Seed, err = strconv.ParseUint(c, 10, 64); return err }},
	{"repeat", func(r *Row) string { return strconv.Itoa(r.Repeat) }, func(r *Row, c string) (err error) { r.Repeat, err = strconv.Atoi(c); return err }},
	{"place", func(r *Row) string { return strconv.Itoa(r.Place) }, func(r *Row, c string) (err error) { r.Place, err = strconv.Atoi(c); return err }},
	{"start", func(r *Row) string { return r.Start.UTC().Format(stamp) }, func(r *Row, c string) (err error) { r.Start, err = time.Parse(stamp, c); return err }},
	{"wall_seconds", func(r *Row) string { return runlog.Number(r.WallSeconds) }, func(r *Row, c string) error { return number(&r.WallSeconds, c) }},
	{"steps", func(r *Row) string { return strconv.Itoa(r.Steps) }, func(r *Row, c string) (err error) { r.Steps, err = strconv.Atoi(c); return err }},
	{"step_seconds", func(r *Row) string { return runlog.Number(r.StepSeconds()) }, nil},
	{"threads", func(r *Row) string { return strconv.Itoa(r.Threads) }, func(r *Row, c string) (err error) { r.Threads, err = strconv.Atoi(c); return err }},
	{"load_before", func(r *Row) string { return runlog.Number(r.LoadBefore) }, func(r *Row, c string) error { return number(&r.LoadBefore, c) }},
	{"load_after", func(r *Row) string { return runlog.Number(r.LoadAfter) }, func(r *Row, c string) error { return number(&r.LoadAfter, c) }},
	{"others", func(r *Row) string { return runlog.Number(r.Others) }, func(r *Row, c string) error { return number(&r.Others, c) }},
	{"round_trip_ns", func(r *Row) string { return runlog.Number(r.TripNS) }, func(r *Row, c string) error { return number(&r.TripNS, c) }},
	{"suspended_seconds", func(r *Row) string { return runlog.Number(r.SuspendedSeconds) }, func(r *Row, c string) error { return number(&r.SuspendedSeconds, c) }},
	{"void", func(r *Row) string { return r.Void }, func(r *Row, c string) error { r.Void = c; return nil }},
	{"threads_asked", func(r *Row) string { return r.Asked }, func(r *Row, c string) error { r.Asked = c; return nil }},
	{"cpus", func(r *Row) string { return r.CPUs }, func(r *Row, c string) error { r.CPUs = c; return nil }},
	{"cpu", func(r *Row) string { return r.CPU }, func(r *Row, c string) error { r.CPU = c; return nil }},
	{"isa", func(r *Row) string { return r.ISA }, func(r *Row, c string) error { r.ISA = c; return nil }},
	{"version", func(r *Row) string { return r.Version }, func(r *Row, c string) error { r.Version = c; return nil }},
	{"identity", func(r *Row) string { return r.Identity }, func(r *Row, c string) error { r.Identity = c; return nil }},
}

const stamp = "2006-01-02T15:04:05.000Z07:00"

// number reads a number, NaN from an empty cell.
func number(to *float64, cell string) (err error) {
	if *to = math.NaN(); cell != "" {
		*to, err = strconv.ParseFloat(cell, 64)
	}
	return err
}

// Bytes returns the file.
func (t *Table) Bytes() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b) // whose errors are those of b, which has none
	var cells []string
	for _, c := range columns {
		cells = append(cells, c.name)
	}
	w.Write(cells)
	for i := range t.Rows {
		for j, c := range columns {
			cells[j] = c.cell(&t.Rows[i])
		}
		w.Write(cells)
	}
	w.Flush()
	return b.Bytes()
}

// Parse reads the file, whose path is for messages. The error is a *[runlog.Error] with
// file, line and column.
func Parse(path string, text []byte) (*Table, error) {
	var needed []string
	for _, c := range columns {
		if c.read != nil {
			needed = append(needed, c.name)
		}
	}
	in, warning, err := runlog.ReadCSV(path, text, needed)
	if err == nil && warning != "" { // it is always written whole
		err = runlog.Errorf("%s", warning)
	}
	if err != nil {
		return nil, err
	}
	t := &Table{Rows: make([]Row, in.Len())}
	for i := range t.Rows {
		for _, c := range columns {
			if c.read == nil {
				continue
			}
			if err := c.read(&t.Rows[i], in.Cell(i, c.name)); err != nil {
				return nil, in.Errorf(i, c.name, "%w", err)
			}
		}
	}
	return t, nil
}

// Measured reports whether a block is complete: whether all of these runs, which are of
// one seed, have a row of a repeat that counts.
func (t *Table) Measured(repeat int, block []Key) bool {
	for _, k := range block {
		found := false
		for i := range t.Rows {
			r := &t.Rows[i]
			found = found || r.Key == k && r.Repeat == repeat && r.Void == ""
		}
		if !found {
			return false
		}
	}
	return true
}

// Discard makes the rows of a block void, which is to be measured as a whole.
func (t *Table) Discard(repeat int, block []Key, why string) {
	for i := range t.Rows {
		r := &t.Rows[i]
		for _, k := range block {
			if r.Key == k && r.Repeat == repeat && r.Void == "" {
				r.Void = why
			}
		}
	}
}

// Difference says in what the conditions of the rows differ from others, "" if in nothing.
func (t *Table) Difference(now Conditions) string {
	for i := range t.Rows {
		var out []string
		was := t.Rows[i].Conditions
		for _, d := range []struct{ what, was, now string }{
			{"threads", was.Asked, now.Asked}, {"CPUs", was.CPUs, now.CPUs}, {"processor", was.CPU, now.CPU},
			{"instruction set", was.ISA, now.ISA}, {"version", was.Version, now.Version},
		} {
			if d.was != d.now {
				out = append(out, fmt.Sprintf("%s: %s -> %s", d.what, cmp.Or(d.was, "(none)"), cmp.Or(d.now, "(none)")))
			}
		}
		if out != nil {
			return strings.Join(out, ", ")
		}
	}
	return ""
}

// Order returns the order in which the n runs of a block are made: each begins with another
// one, so that none has the same neighbours and the same place all the time.
func Order(n, block int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = (i + block) % n
	}
	return order
}
