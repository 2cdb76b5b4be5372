package export

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
	"github.com/parquet-go/parquet-go"
)

// TestParquet: columns are those of the CSV, in their order, and what does not apply is null.
func TestParquet(t *testing.T) {
	a := runlogtest.With(runlogtest.New("A", 0, 7, "finished", 2, 1), "oracle.gamma", "0.5", "optimizer.kind", "sgd")
	b := runlogtest.With(runlogtest.New("B", 1, 7, "finished", 2), "oracle.gamma", "2", "optimizer.kind", "adam")
	c := runlogtest.With(runlogtest.New("C", 2, 7, "interrupted"), "optimizer.kind", "adam")
	res, err := results.Load(runlogtest.Folder(t, a, b, c))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := Parquet(&file, res); err != nil {
		t.Fatal(err)
	}
	p, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, path := range p.Schema().Columns() {
		columns = append(columns, path[0])
	}
	names, _ := res.Labels()
	if want := slices.Concat(names, results.Measured()); !slices.Equal(columns, want) || p.NumRows() != 4 {
		t.Fatalf("%d rows of %v\nwant %v", p.NumRows(), columns, want)
	}
	rows := make([]parquet.Row, 5)
	n, err := p.RowGroups()[0].Rows().ReadRows(rows)
	if n != 4 || err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(n, err)
	}
	at := func(row int, column string) parquet.Value { return rows[row][slices.Index(columns, column)] }
	if v := at(1, "train_loss"); v.Double() != 1 {
		t.Error(v)
	}
	if v := at(0, "oracle.gamma"); v.Double() != 0.5 {
		t.Error(v)
	}
	for row, column := range map[int]string{0: "valid_loss", 3: "train_loss"} {
		if !at(row, column).IsNull() {
			t.Errorf("row %d, %s: %v", row, column, at(row, column))
		}
	}
	if !at(3, "oracle.gamma").IsNull() || at(3, "optimizer.kind").String() != "adam" || at(2, "seed").Uint64() != 7 {
		t.Error(rows[3])
	}
	if Parquet(&file, &results.Results{}) == nil {
		t.Error("no runs are exported")
	}
	if Parquet(full{}, res) == nil {
		t.Error("a full disk is not told")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

// TestTensorBoard: records have their lengths and checksums, and folders tell runs apart.
func TestTensorBoard(t *testing.T) {
	a, b := runlogtest.New("GN dual", 0, 1, "finished", 2, 1), runlogtest.New("gn/dual", 1, 1, "finished", 2)
	res, err := results.Load(runlogtest.Folder(t, a, b))
	if err != nil {
		t.Fatal(err)
	}
	written := map[string][]byte{}
	files, err := TensorBoard(context.Background(), "tb", res, func(_ context.Context, path string, to func(io.Writer) error) error {
		var file bytes.Buffer
		err := to(&file)
		written[path] = file.Bytes()
		return err
	})
	if want := []string{filepath.Join("tb", "gn-dual", "1", "events.out.tfevents.0.dgn"), filepath.Join("tb", "gn-dual", "1_2", "events.out.tfevents.0.dgn")}; err != nil || !slices.Equal(files, want) {
		t.Fatalf("%v, %v, want %v", files, err, want)
	}
	n := 0
	for data := written[files[0]]; len(data) > 0; n++ {
		length := binary.LittleEndian.Uint64(data)
		if binary.LittleEndian.Uint32(data[8:]) != masked(data[:8]) || binary.LittleEndian.Uint32(data[12+length:]) != masked(data[12:12+length]) {
			t.Fatalf("record %d has another checksum", n)
		}
		data = data[16+length:]
	}
	if n != 1+2*8 { // the version, and 8 numbers of 2 evaluations
		t.Errorf("%d records", n)
	}
	// The checksum of RFC 3720, B.4: 32 bytes of zeros have the CRC-32C 8a9136aa.
	const crc uint32 = 0x8a9136aa
	if got := masked(make([]byte, 32)); got != bitsRight(crc)+0xa282ead8 {
		t.Errorf("%08x", got)
	}
	if _, err := TensorBoard(context.Background(), "tb", &results.Results{}, nil); err == nil {
		t.Error("no runs are exported")
	}
	if writeEvents(full{}, &res.Runs[0], nil) == nil {
		t.Error("a full disk is not told")
	}
	if math.IsNaN(seconds(res.Runs[0].Start)) || seconds(res.Runs[0].Start) != 0 {
		t.Error("a run without a start has one")
	}
}

// bitsRight rotates by 15 bits to the right.
func bitsRight(v uint32) uint32 { return v>>15 | v<<17 }
