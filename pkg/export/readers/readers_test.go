// Package readers_test reads what package export writes with the programs that it is for:
// TensorBoard, and pyarrow.
//
// Where Python has neither, go test says "[no tests to run]" of this package and, with -v, why.
// With DGN_READERS=required, as CI has it, that is a failure. DGN_PYTHON may name the Python.
package readers_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/export"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
)

var python = cmp.Or(os.Getenv("DGN_PYTHON"), "python3")

func TestMain(m *testing.M) {
	flag.Parse()
	if out, err := exec.Command(python, "-c", "import pyarrow.parquet, tensorboard").CombinedOutput(); err != nil {
		text := fmt.Sprintf("exports are not read back: %s cannot import pyarrow and tensorboard (%v); pip install them, or name a Python that has them in DGN_PYTHON\n%s", python, err, out)
		if os.Getenv("DGN_READERS") == "required" {
			fmt.Fprintln(os.Stderr, "DGN_READERS=required, but "+text)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stderr, text)
		if err := flag.Set("test.run", "^$"); err != nil { // go test then says that there were no tests to run
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// read runs a program in Python that prints JSON.
func read(t *testing.T, program string, v any, args ...string) {
	t.Helper()
	var errors bytes.Buffer
	cmd := exec.Command(python, append([]string{"-c", program}, args...)...)
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errors.String())
	}
	if err := json.Unmarshal(out, v); err != nil {
		t.Fatalf("%v\n%.500s", err, out)
	}
}

// odd returns runs with all that an export may hold: settings, infinite numbers, names of any
// letters, no evaluations.
func odd(t *testing.T) *results.Results {
	t.Helper()
	runs := runlogtest.Swept(2, []int{1, 4}, []float64{0.1, 10})
	diverged := runlogtest.New(`ä "<b>", 'SGD'`, 1, math.MaxUint64, "diverged")
	diverged.Text = runlogtest.Header + "x,18446744073709551615,0,0,0,0,0,2,0.5,,,2,0.5,\nx,18446744073709551615,10,1,1.5,10,30,+Inf,0.25,,,-Inf,,\n"
	none := runlogtest.New("none", 2, 0, "interrupted")
	none.Text = runlogtest.Header
	steps := runlogtest.New("steps", 3, 0, "finished", 2, 1)
	steps.Steps = "step,wall_seconds,cost,oracle_calls,batch_loss,gamma,stop_reason\n1,0.5,1,3,2.5,0.125,budget\n2,1,2,6,,+Inf,\n"
	res, err := results.Load(runlogtest.Folder(t, append(runs, diverged, none, steps)...))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestParquet: pyarrow reads the numbers and texts of the logs, in the order of the CSV.
func TestParquet(t *testing.T) {
	res := odd(t)
	path := filepath.Join(t.TempDir(), "runs.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := export.Parquet(f, res); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Columns, Types []string
		Rows           [][]*string
	}
	read(t, `
import sys, json, pyarrow.parquet as pq
t = pq.read_table(sys.argv[1])
text = lambda v: None if v is None else repr(v) if isinstance(v, float) else str(v)
print(json.dumps({"columns": t.column_names, "types": [str(c.type) for c in t.columns], "rows": [[text(v) for v in r.values()] for r in t.to_pylist()]}))
`, &got, path)
	names, labels := res.Labels()
	names = append(names, results.Measured()...)
	if !slices.Equal(got.Columns, names) {
		t.Fatalf("columns %v\nwant %v", got.Columns, names)
	}
	for name, kind := range map[string]string{"seed": "uint64", "step": "int64", "train_loss": "double", "oracle.gamma": "double", "oracle.formulation": "string", "method": "string"} {
		if i := slices.Index(names, name); got.Types[i] != kind {
			t.Errorf("%s is %s, want %s", name, got.Types[i], kind)
		}
	}
	n := 0
	for i := range res.Runs {
		r := &res.Runs[i]
		head := labels(r)
		for j := range max(1, len(r.Rows)) {
			row := got.Rows[n]
			n++
			for k, name := range names {
				if k < len(head) {
					if text := cellOf(row[k]); text != head[k] && !same(text, head[k]) {
						t.Errorf("row %d, %s: %q, want %q", n, name, text, head[k])
					}
					continue
				}
				want := math.NaN()
				if len(r.Rows) > 0 {
					want = r.Rows[j][name]
				}
				if (row[k] == nil) != math.IsNaN(want) || row[k] != nil && !same(*row[k], fmt.Sprint(want)) {
					t.Errorf("row %d, %s: %v, want %g", n, name, cellOf(row[k]), want)
				}
			}
		}
	}
	if n != len(got.Rows) {
		t.Errorf("%d rows, want %d", len(got.Rows), n)
	}
}

func cellOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// same reports whether two texts are of one number.
func same(a, b string) bool {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && x == y
}

// TestTensorBoard: TensorBoard reads every number, in 32 bits, at its step and time, and finds
// no checksum wrong.
func TestTensorBoard(t *testing.T) {
	res := odd(t)
	dir := t.TempDir()
	write := func(ctx context.Context, path string, to func(io.Writer) error) error {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		f, err := diskfile.Create(ctx, path)
		if err != nil {
			return err
		}
		if err := to(f); err != nil {
			return err
		}
		return f.Commit()
	}
	var files []string
	for range 2 { // an export takes the place of the one before
		var err error
		if files, err = export.TensorBoard(context.Background(), dir, res, write); err != nil {
			t.Fatal(err)
		}
	}
	var got map[string]map[string][][]any // by folder, then tag: step, time and value
	read(t, `
import sys, json
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
m = EventMultiplexer(size_guidance={"scalars": 0}).AddRunsFromDirectory(sys.argv[1])
m.Reload()
print(json.dumps({run: {tag: [[s.step, s.wall_time, repr(s.value)] for s in m.Scalars(run, tag)] for tag in tags["scalars"]} for run, tags in m.Runs().items()}))
`, &got, dir)
	if len(files) != len(res.Runs) || len(got) != len(res.Runs) {
		t.Fatalf("%d files and %d runs, want %d", len(files), len(got), len(res.Runs))
	}
	for i, path := range files {
		own, err := filepath.Rel(dir, filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		r := &res.Runs[i]
		for _, name := range results.Measured() {
			var want [][]any
			for _, row := range r.Rows {
				if v := row[name]; !math.IsNaN(v) && name != "step" {
					want = append(want, []any{row["step"], row["wall_seconds"], v})
				}
			}
			compare(t, own+" "+name, got[own][name], want)
		}
	}
	compare(t, "gamma", got["steps/0"]["steps/gamma"], [][]any{{1., 0.5, 0.125}, {2., 1., math.Inf(1)}})
	compare(t, "batch loss", got["steps/0"]["steps/batch_loss"], [][]any{{1., 0.5, 2.5}})
}

func compare(t *testing.T, what string, got, want [][]any) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		v, err := strconv.ParseFloat(got[i][2].(string), 64)
		if err != nil || got[i][0] != want[i][0] || got[i][1] != want[i][1] || v != float64(float32(want[i][2].(float64))) {
			t.Errorf("%s: %v, want %v", what, got[i], want[i])
		}
	}
}
