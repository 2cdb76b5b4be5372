package export

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"google.golang.org/protobuf/encoding/protowire"
)

// TensorBoard writes a folder that TensorBoard reads as one of its log directories: for each
// run a folder METHOD[/SETTINGS]/SEED with an event file of scalars by step, those of
// metrics.csv by their names and those of steps.csv as steps/NAME. The time of an event is
// that of training after the start of the run, so that the axes of relative and of wall time
// are those of training too. It returns the files; write replaces one whole. A steps.csv that
// cannot be read is a warning of the results.
func TensorBoard(ctx context.Context, dir string, res *results.Results, write func(ctx context.Context, path string, to func(io.Writer) error) error) (files []string, err error) {
	if len(res.Runs) == 0 {
		return nil, runlog.Errorf("there are no runs to export")
	}
	taken := map[string]bool{}
	for i := range res.Runs {
		r := &res.Runs[i]
		own := filepath.Join(dir, runFolder(r))
		for n := 2; taken[own]; n++ { // experiments may have a run in common
			own = filepath.Join(dir, fmt.Sprintf("%s_%d", runFolder(r), n))
		}
		taken[own] = true
		steps, err := res.StepLog(r)
		if err != nil {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%v; its steps are not exported", err))
		}
		// The name has to hold tfevents, and is the same each time, so that an export takes the
		// place of one before.
		path := filepath.Join(own, "events.out.tfevents.0.dgn")
		if err := write(ctx, path, func(w io.Writer) error { return writeEvents(w, r, steps) }); err != nil {
			return files, err
		}
		files = append(files, path)
	}
	return files, nil
}

// runFolder is where a run is in the folder of all.
func runFolder(r *results.Run) string {
	method := strings.Trim(unsafe.ReplaceAllString(strings.ToLower(r.Method), "-"), "-.")
	return filepath.Join(cmp.Or(method, "method"), r.Varied.Slug(), fmt.Sprint(r.Seed))
}

// unsafe is what names of folders do without.
var unsafe = regexp.MustCompile(`[^\p{L}\p{N}._+-]+`)

// writeEvents writes the event file of a run.
func writeEvents(w io.Writer, r *results.Run, steps *results.StepLog) error {
	out := &events{w: w, start: seconds(r.Start)}
	out.put(event(out.start, 0, func(b []byte) []byte {
		b = protowire.AppendTag(b, 3, protowire.BytesType) // file_version
		return protowire.AppendString(b, "brain.Event:2")
	}))
	for _, row := range r.Rows {
		for _, c := range results.Measured() {
			if c != runlog.Columns.Step {
				out.scalar(c, row[runlog.Columns.Step], row[runlog.Columns.WallSeconds], row[c])
			}
		}
	}
	if steps == nil {
		return out.err
	}
	of := func(column string, i int) float64 {
		if v := steps.Values[column]; v != nil {
			return v[i]
		}
		return math.NaN()
	}
	for i := range steps.Values[runlog.Columns.Step] {
		for _, c := range runlog.Steps.Numbers() {
			if c != runlog.Columns.Step {
				out.scalar("steps/"+c, of(runlog.Columns.Step, i), of(runlog.Columns.WallSeconds, i), of(c, i))
			}
		}
	}
	return out.err
}

// seconds is a time as TensorBoard has it, 0 if it is not known.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}

// events writes records, and remembers the first error.
type events struct {
	w     io.Writer
	start float64
	err   error
}

// scalar writes one number, if it applies. TensorBoard keeps 32 bits of it.
func (e *events) scalar(tag string, step, wall, v float64) {
	if math.IsNaN(v) || math.IsNaN(step) {
		return
	}
	at := e.start
	if !math.IsNaN(wall) && !math.IsInf(wall, 0) {
		at += wall
	}
	e.put(event(at, int64(step), func(b []byte) []byte {
		var value []byte
		value = protowire.AppendTag(value, 1, protowire.BytesType) // tag
		value = protowire.AppendString(value, tag)
		value = protowire.AppendTag(value, 2, protowire.Fixed32Type) // simple_value
		value = protowire.AppendFixed32(value, math.Float32bits(float32(v)))
		var summary []byte
		summary = protowire.AppendTag(summary, 1, protowire.BytesType) // value
		summary = protowire.AppendBytes(summary, value)
		b = protowire.AppendTag(b, 5, protowire.BytesType) // summary
		return protowire.AppendBytes(b, summary)
	}))
}

// event is a message Event of TensorFlow's event.proto: wall_time, step, and what it tells.
func event(wall float64, step int64, what func([]byte) []byte) []byte {
	var b []byte
	b = protowire.AppendTag(b, 1, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, math.Float64bits(wall))
	b = protowire.AppendTag(b, 2, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(step))
	return what(b)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of TFRecord: a rotated CRC-32C plus a constant.
func masked(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// put writes a record of the form TFRecord: its length, the checksum of that, the data, and
// their checksum.
func (e *events) put(data []byte) {
	if e.err != nil {
		return
	}
	record := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	record = binary.LittleEndian.AppendUint32(record, masked(record))
	record = append(record, data...)
	record = binary.LittleEndian.AppendUint32(record, masked(data))
	_, e.err = e.w.Write(record)
}
