package runlog

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// A Writer writes the tables of one run. Errors stick, and come back from Flush, Sync
// and Close.
type Writer struct {
	metrics, steps, inner, probes *table
	synced                        time.Time
}

// Requests are the tables that a run has on request.
type Requests struct {
	Inner  bool // of inner solves
	Probes bool // of compared oracles
}

// NewWriter makes the tables of a new run, or, from the sizes that they had at a
// checkpoint, cuts those of an interrupted run to these.
func NewWriter(files diskfile.Files, dir string, also Requests, sizes map[string]int64) (*Writer, error) {
	w := &Writer{synced: time.Now()}
	for _, t := range []struct {
		to     **table
		file   string
		header []string
		wanted bool
	}{{&w.metrics, Metrics.File, Metrics.Header(), true}, {&w.steps, Steps.File, Steps.Header(), true}, {&w.inner, Inner.File, Inner.Header(), also.Inner}, {&w.probes, Probes.File, Probes.Header(), also.Probes}} {
		if !t.wanted {
			continue
		}
		size := sizes[t.file]
		if sizes != nil && size <= 0 {
			return nil, errors.Join(fmt.Errorf("the checkpoint does not say how long %s was", t.file), w.Close())
		}
		var err error
		if *t.to, err = openTable(files, filepath.Join(dir, t.file), t.header, size); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	return w, nil
}

// Evaluation writes a row of metrics.csv.
func (w *Writer) Evaluation(e *Evaluation) { write(w.metrics, Metrics, e) }

// Step writes a row of steps.csv.
func (w *Writer) Step(s *Step) { write(w.steps, Steps, s) }

// Iterate writes a row of inner.csv.
func (w *Writer) Iterate(i *Iterate) { write(w.inner, Inner, i) }

// Probe writes a row of probes.csv.
func (w *Writer) Probe(p *Probe) { write(w.probes, Probes, p) }

// tables returns those that are open.
func (w *Writer) tables() []*table {
	return slices.DeleteFunc([]*table{w.steps, w.inner, w.probes, w.metrics}, func(t *table) bool { return t == nil })
}

// Sizes returns how many bytes of each file have been flushed.
func (w *Writer) Sizes() map[string]int64 {
	sizes := map[string]int64{}
	for _, t := range w.tables() {
		sizes[filepath.Base(t.path)] = t.bytes
	}
	return sizes
}

// Sums returns the SHA-256 of what has been flushed, by file.
func (w *Writer) Sums() map[string]string {
	sums := map[string]string{}
	for _, t := range w.tables() {
		sums[filepath.Base(t.path)] = t.sum()
	}
	return sums
}

// Records says for the manifest what is in each file.
func (w *Writer) Records() map[string]FileRecord {
	records := map[string]FileRecord{}
	for _, t := range w.tables() {
		rows := t.lines - 1 // below the header
		records[filepath.Base(t.path)] = FileRecord{t.bytes, t.sum(), &rows}
	}
	return records
}

// Flush makes sure that nothing is lost with the program, and no more than a
// second of training with the machine: waiting for the disk at each evaluation of a
// short run would take longer than the run.
func (w *Writer) Flush() error {
	if time.Since(w.synced) >= time.Second {
		return w.Sync()
	}
	return each(w.tables(), (*table).flush)
}

// Sync puts everything written so far on disk, which keeps it whatever becomes of
// the machine. File systems make one wait of several at the same time.
func (w *Writer) Sync() error {
	w.synced = time.Now()
	err := each(w.tables(), (*table).flush)
	tables := w.tables()
	errs := make([]error, len(tables))
	var wg sync.WaitGroup
	for i, t := range tables {
		wg.Go(func() { errs[i] = t.wrap(t.file.Sync()) })
	}
	wg.Wait()
	return errors.Join(append(errs, err)...)
}

// Close syncs and closes the files.
func (w *Writer) Close() error { return errors.Join(w.Sync(), each(w.tables(), (*table).close)) }

// each does something with every table, whatever comes of the others.
func each(tables []*table, do func(*table) error) error {
	var errs []error
	for _, t := range tables {
		errs = append(errs, do(t))
	}
	return errors.Join(errs...)
}

// A table writes the rows of one file, buffered.
type table struct {
	counter
	path string
	file diskfile.File
	buf  *bufio.Writer
	csv  *csv.Writer
	row  []string
	cols int // of the header; a file of an earlier version lacks those that were added since
}

// openTable makes a file with a header, or continues one at its first size bytes.
func openTable(files diskfile.Files, path string, header []string, size int64) (*table, error) {
	t := &table{path: path, row: make([]string, 0, len(header)), cols: len(header)}
	var err error
	if size > 0 {
		if t.file, err = files.Continue(path, size); err == nil {
			t.counter, err = prefix(path, size)
			if n := columnsOf(path); n > 0 {
				t.cols = min(t.cols, n)
			}
		}
	} else {
		t.file, err = files.Create(path)
	}
	if t.file == nil {
		return nil, err
	}
	t.buf = bufio.NewWriterSize(t, 1<<16)
	t.csv = csv.NewWriter(t.buf)
	if size > 0 {
		return t, t.wrap(err)
	}
	t.put(header)
	return t, t.flush()
}

// Write implements io.Writer below the buffer.
func (t *table) Write(b []byte) (int, error) {
	n, err := t.file.Write(b)
	t.counter.Write(b[:n])
	return n, err
}

func write[R any](t *table, form Table[R], row *R) {
	t.row = form.cells(t.row[:0], row)
	t.put(t.row[:t.cols])
}

// columnsOf returns the number of columns in the header of a file, 0 if it cannot be read.
func columnsOf(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	header, _ := csv.NewReader(f).Read()
	return len(header)
}

func (t *table) put(row []string) {
	t.csv.Write(row) // a failure is kept by csv and reported by flush
}

// flush hands everything written so far to the operating system, which keeps it
// whatever becomes of the program.
func (t *table) flush() error {
	t.csv.Flush() // its error is one of the buffer's, which keeps it
	return t.wrap(t.buf.Flush())
}

func (t *table) close() error { return t.wrap(t.file.Close()) }

func (t *table) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot write %s: %w", t.path, err)
}

// A counter counts what is written to it: bytes, lines, and their SHA-256.
type counter struct {
	bytes int64
	lines int
	hash  hash.Hash // nil: nothing yet
}

// Write implements io.Writer, and cannot fail.
func (c *counter) Write(b []byte) (int, error) {
	if c.hash == nil {
		c.hash = sha256.New()
	}
	c.hash.Write(b)
	c.bytes += int64(len(b))
	c.lines += bytes.Count(b, []byte("\n"))
	return len(b), nil
}

// sum returns the SHA-256 in hexadecimal.
func (c *counter) sum() string {
	if c.hash == nil {
		c.hash = sha256.New()
	}
	return hex.EncodeToString(c.hash.Sum(nil))
}
