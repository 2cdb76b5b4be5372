package experiment

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/dualgn/dgn/pkg/oracles"
)

// metricsHeader and stepsHeader are the columns of metrics.csv and steps.csv.
// Counters, cost and wall_seconds are cumulative over the run.
var (
	metricsHeader = []string{"method", "seed", "step", "epoch", "wall_seconds", "cost", "oracle_calls",
		"train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy", "test_rmse"}
	stepsHeader = []string{"step", "wall_seconds", "cost", "oracle_calls", "batch_loss", "grad_norm", "direction_norm",
		"slope", "step_size", "gamma", "inner_iterations", "stop_reason", "relative_residual", "duality_gap",
		"forwards", "jvps", "vjps", "gram_products", "multiply_adds"}
)

// A table writes the rows of one CSV file. An error sticks, and comes back
// from flush.
type table struct {
	path string
	file counted
	buf  *bufio.Writer
	csv  *csv.Writer
	row  []string
	rows int // below the header
}

// counted is a file that knows its length and its checksum.
type counted struct {
	File
	size int64
	sum  hash.Hash
}

func (f *counted) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	f.size += int64(n)
	f.sum.Write(b[:n])
	return n, err
}

// hexSum returns the SHA-256 of what was written so far.
func (f *counted) hexSum() string { return hex.EncodeToString(f.sum.Sum(nil)) }

// openTable makes a table with a header, or continues one at its first size bytes.
func openTable(files Files, path string, header []string, size int64) (*table, error) {
	open := func() (File, error) { return files.Create(path) }
	if size > 0 {
		open = func() (File, error) { return files.Continue(path, size) }
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	t := &table{path: path, file: counted{f, size, sha256.New()}, row: make([]string, 0, len(header))}
	t.buf = bufio.NewWriterSize(&t.file, 1<<16)
	t.csv = csv.NewWriter(t.buf)
	if size > 0 {
		return t, t.recount()
	}
	t.row = append(t.row, header...)
	t.write()
	t.rows = 0
	return t, t.flush()
}

// recount finds the number of rows and the checksum of a table that is continued.
func (t *table) recount() (err error) {
	if t.rows, err = countRows(t.path, t.file.size); err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	return copyPrefix(t.file.sum, t.path, t.file.size)
}

func (t *table) write() {
	t.csv.Write(t.row) // a failure is kept by csv and reported by flush
	t.row = t.row[:0]
	t.rows++
}

func (t *table) text(s string)   { t.row = append(t.row, s) }
func (t *table) int(i int64)     { t.row = append(t.row, strconv.FormatInt(i, 10)) }
func (t *table) float(f float64) { t.row = append(t.row, strconv.FormatFloat(f, 'g', -1, 64)) }

// optional leaves the cell empty where a number does not apply, which the
// program marks by NaN.
func (t *table) optional(f float64) {
	if math.IsNaN(f) {
		t.text("")
		return
	}
	t.float(f)
}

// flush hands everything written so far to the operating system, which keeps it
// whatever becomes of the program.
func (t *table) flush() error {
	t.csv.Flush() // its error is one of the buffer's, which keeps it
	return t.wrap(t.buf.Flush())
}

func (t *table) close() error { return errors.Join(t.flush(), t.wrap(t.file.Close())) }

func (t *table) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot write %s: %w", t.path, err)
}

// logs are the tables of a run.
type logs struct {
	metrics, steps, inner *table
	synced                time.Time
}

// openLogs makes the logs of a new run, or, from a checkpoint, cuts those of an
// interrupted run to the lengths that they had then.
func openLogs(files Files, dir string, inner bool, from *checkpoint) (*logs, error) {
	l := &logs{synced: time.Now()}
	for _, t := range []struct {
		to     **table
		file   string
		header []string
		wanted bool
	}{{&l.metrics, "metrics.csv", metricsHeader, true}, {&l.steps, "steps.csv", stepsHeader, true}, {&l.inner, "inner.csv", innerHeader, inner}} {
		if !t.wanted {
			continue
		}
		var size int64
		if from != nil {
			if size = from.Logs[t.file]; size <= 0 {
				return nil, errors.Join(fmt.Errorf("the checkpoint does not say how long %s was", t.file), l.close())
			}
		}
		var err error
		if *t.to, err = openTable(files, filepath.Join(dir, t.file), t.header, size); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	return l, nil
}

// tables returns those that are open.
func (l *logs) tables() []*table {
	return slices.DeleteFunc([]*table{l.steps, l.inner, l.metrics}, func(t *table) bool { return t == nil })
}

// sizes returns how many bytes of each have been flushed, by file.
func (l *logs) sizes() map[string]int64 {
	sizes := map[string]int64{}
	for _, t := range l.tables() {
		sizes[filepath.Base(t.path)] = t.file.size
	}
	return sizes
}

// sums returns the SHA-256 of what has been flushed, by file.
func (l *logs) sums() map[string]string {
	sums := map[string]string{}
	for _, t := range l.tables() {
		sums[filepath.Base(t.path)] = t.file.hexSum()
	}
	return sums
}

// records says for the manifest what is in each.
func (l *logs) records() map[string]FileRecord {
	records := map[string]FileRecord{}
	for _, t := range l.tables() {
		records[filepath.Base(t.path)] = FileRecord{t.file.size, t.file.hexSum(), &t.rows}
	}
	return records
}

// flush makes sure that nothing is lost with the program, and no more than a
// second of training with the machine: waiting for the disk at each evaluation of a
// short run would take longer than the run.
func (l *logs) flush() error {
	if time.Since(l.synced) >= time.Second {
		return l.sync()
	}
	return each(l.tables(), (*table).flush)
}

// sync puts everything written so far on disk, which keeps it whatever becomes of
// the machine. File systems make one wait of several at the same time.
func (l *logs) sync() error {
	l.synced = time.Now()
	err := each(l.tables(), (*table).flush)
	tables := l.tables()
	errs := make([]error, len(tables))
	var wg sync.WaitGroup
	for i, t := range tables {
		wg.Go(func() { errs[i] = t.wrap(t.file.Sync()) })
	}
	wg.Wait()
	return errors.Join(append(errs, err)...)
}

func (l *logs) close() error { return errors.Join(l.sync(), each(l.tables(), (*table).close)) }

// each does something with every table, whatever comes of the others.
func each(tables []*table, do func(*table) error) error {
	var errs []error
	for _, t := range tables {
		errs = append(errs, do(t))
	}
	return errors.Join(errs...)
}

// progress is where a run stands on the axes of every figure.
type progress struct {
	step     int
	seconds  float64
	cost     float64
	counters oracles.Counters
}

// evaluation writes a row of metrics.csv.
func (l *logs) evaluation(method string, seed uint64, epoch float64, at progress, e Evaluation) {
	t := l.metrics
	t.text(method)
	t.text(strconv.FormatUint(seed, 10))
	t.int(int64(at.step))
	t.float(epoch)
	t.float(at.seconds)
	t.float(at.cost)
	t.int(int64(at.counters.Calls()))
	for _, s := range []Score{e.Train, e.Valid, e.Test} {
		t.optional(s.Loss)
		t.optional(s.Accuracy)
	}
	t.optional(e.Test.RMSE)
	t.write()
}

// gradientStep marks, in the column stop_reason, a step whose update did not
// descend, so that the line search took the gradient step in its place.
const gradientStep = "gradient_step"

// step writes a row of steps.csv.
func (l *logs) step(at progress, batchLoss, directionNorm, stepSize float64, r *oracles.Report, replaced bool) {
	t := l.steps
	t.int(int64(at.step))
	t.float(at.seconds)
	t.float(at.cost)
	t.int(int64(at.counters.Calls()))
	t.float(batchLoss)
	t.optional(r.GradNorm)
	t.float(directionNorm)
	t.optional(r.Slope)
	t.float(stepSize)
	t.float(r.Gamma)
	reason := r.StopReason
	switch {
	case replaced && reason == "":
		reason = gradientStep
	case replaced:
		reason += "+" + gradientStep
	}
	t.int(int64(r.InnerIterations))
	t.text(reason)
	t.optional(r.RelativeResidual)
	t.optional(r.Gap)
	c := at.counters
	for _, n := range []int{c.Forwards, c.JVPs, c.VJPs, c.GramProducts} {
		t.int(int64(n))
	}
	t.int(c.MultiplyAdds)
	t.write()
}
