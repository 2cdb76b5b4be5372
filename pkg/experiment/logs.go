package experiment

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"

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
	file File
	buf  *bufio.Writer
	csv  *csv.Writer
	row  []string
}

func newTable(files Files, path string, header []string) (*table, error) {
	f, err := files.Create(path)
	if err != nil {
		return nil, err
	}
	t := &table{path: path, file: f, buf: bufio.NewWriterSize(f, 1<<16), row: make([]string, 0, len(header))}
	t.csv = csv.NewWriter(t.buf)
	t.row = append(t.row, header...)
	t.write()
	return t, t.flush()
}

func (t *table) write() {
	t.csv.Write(t.row) // a failure is kept by csv and reported by flush
	t.row = t.row[:0]
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

// flush puts everything written so far on disk.
func (t *table) flush() error {
	t.csv.Flush()
	return t.wrap(errors.Join(t.csv.Error(), t.buf.Flush(), t.file.Sync()))
}

func (t *table) close() error { return errors.Join(t.flush(), t.wrap(t.file.Close())) }

func (t *table) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot write %s: %w", t.path, err)
}

// logs are the two tables of a run.
type logs struct{ metrics, steps *table }

func newLogs(files Files, dir string) (*logs, error) {
	metrics, err := newTable(files, filepath.Join(dir, "metrics.csv"), metricsHeader)
	if err != nil {
		return nil, err
	}
	steps, err := newTable(files, filepath.Join(dir, "steps.csv"), stepsHeader)
	if err != nil {
		return nil, errors.Join(err, metrics.close())
	}
	return &logs{metrics, steps}, nil
}

func (l *logs) flush() error { return errors.Join(l.steps.flush(), l.metrics.flush()) }
func (l *logs) close() error { return errors.Join(l.steps.close(), l.metrics.close()) }

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
