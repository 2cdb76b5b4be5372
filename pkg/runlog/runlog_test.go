package runlog

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/strict"
)

// TestSettingJSON: values keep their text, whatever they are, and are written as they
// were.
func TestSettingJSON(t *testing.T) {
	for text, want := range map[string]string{`0.10`: "0.10", `"cosine"`: "cosine", `18446744073709551615`: "18446744073709551615", `[64, 32]`: "[64,32]",
		`{"schedule": "step"}`: `{"schedule":"step"}`, `true`: "true", `"\"a\""`: `"a"`, `""`: "", `" 1"`: " 1", `"[1, 2]"`: "[1, 2]", `"a<b"`: "a<b"} {
		var s Setting
		if err := json.Unmarshal([]byte(`{"key": "a.b", "value": `+text+`}`), &s); err != nil || s != (Setting{"a.b", want}) {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again Setting
		if err := json.Unmarshal(b, &again); err != nil || again != s {
			t.Errorf("%s: written as %s, read as %+v, %v", text, b, again, err)
		}
		var plain struct{ Value any }
		var written struct{ Value any }
		if err := json.Unmarshal([]byte(`{"value": `+text+`}`), &plain); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &written); err != nil || !reflect.DeepEqual(plain, written) {
			t.Errorf("%s is written as %s", text, b)
		}
	}
}

// TestNewSetting: the setting of a value of a config is what a manifest gives back.
func TestNewSetting(t *testing.T) {
	for text, want := range map[string]string{"0.10": "0.1", "1e-3": "0.001", "cosine": "cosine", "18446744073709551615": "18446744073709551615",
		"[64, 32]": "[64,32]", "{schedule: cosine, initial: 0.1}": `{"initial":0.1,"schedule":"cosine"}`, "yes": "yes", "true": "true", "a<b": "a<b"} {
		doc, err := strict.Parse("c.yaml", []byte("x: "+text))
		if err != nil {
			t.Fatal(err)
		}
		v, _ := doc.Root().Lookup("x")
		s, err := NewSetting("x", v)
		if err != nil || s.Value != want {
			t.Errorf("%s: %q, %v, want %q", text, s.Value, err, want)
		}
	}
}

// TestWriterReader: what a Writer writes, the tables read, column by column; what a
// run continues is recorded as if it had been written at once.
func TestWriterReader(t *testing.T) {
	dir := t.TempDir()
	nan := math.NaN()
	e := []Evaluation{
		{Method: `a "b", c`, Seed: math.MaxUint64, Step: 1_000_000_000, Epoch: 0.5, WallSeconds: 1e-9, Cost: 3, OracleCalls: 7, TrainLoss: 2, TrainAccuracy: 0.25,
			ValidLoss: nan, ValidAccuracy: nan, TestLoss: math.Inf(1), TestAccuracy: 0, TestRMSE: nan},
		{Method: "a", TrainLoss: nan, ValidLoss: nan},
	}
	steps := []Step{{Step: 1, BatchLoss: nan, GradNorm: nan, Gamma: 1, StopReason: GradientStep, MultiplyAdds: math.MaxInt64}, {Step: 2, RelativeResidual: 0.5}}
	iterates := []Iterate{{1, 0, 1, nan}, {1, 1, nan, 0}}
	probes := []Probe{{1, "a, b", 2, 1, "exact", 0.5, nan, 3, 1e-9, nan, -1e-300}, {2, "α", 0, 0, "", nan, 0, 1, 0, 0, nan}}
	half := func(w *Writer, i int) {
		w.Evaluation(&e[i])
		w.Step(&steps[i])
		w.Iterate(&iterates[i])
		w.Probe(&probes[i])
	}
	w, err := NewWriter(diskfile.OS{}, dir, Requests{Inner: true, Probes: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	half(w, 0)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	sizes := w.Sizes()
	w.Step(&Step{Step: 99}) // lost with the program
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w, err = NewWriter(diskfile.OS{}, dir, Requests{Inner: true, Probes: true}, sizes); err != nil {
		t.Fatal(err)
	}
	half(w, 1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, r := range w.Records() {
		if *r.Rows != 2 {
			t.Errorf("%s: %d rows", name, *r.Rows)
		}
		if d, err := r.Compare(filepath.Join(dir, name), nil, 0); d != "" || err != nil {
			t.Errorf("%s %s, %v", name, d, err)
		}
		*r.Rows = 3
		r.Bytes++
		if d, err := r.Compare(filepath.Join(dir, name), nil, 0); d != "has 2 rows, and 3 when the run ended" || err != nil {
			t.Errorf("%s %s, %v", name, d, err)
		}
	}
	readBack(t, dir, Metrics, e)
	readBack(t, dir, Steps, steps)
	readBack(t, dir, Inner, iterates)
	readBack(t, dir, Probes, probes)
	if _, err := NewWriter(diskfile.OS{}, dir, Requests{Inner: true, Probes: true}, map[string]int64{"metrics.csv": 10, "steps.csv": 10}); err == nil || !strings.Contains(err.Error(), "how long inner.csv was") {
		t.Error(err)
	}
	if _, err := NewWriter(diskfile.OS{}, dir, Requests{}, nil); err == nil {
		t.Error("a log that is there is begun again")
	}
}

// TestAddedColumns: a file of a version that lacked columns is read without them, and goes on
// without them.
func TestAddedColumns(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, Metrics.File)
	old := strings.Join(Metrics.Needed(Metrics.Header()), ",") + "\n"
	row := "a,0,0,0,0,0,0,2,,,,,,\n"
	if err := os.WriteFile(path, []byte(old+row), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, Steps.File), []byte(strings.Join(Steps.Header(), ",")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, Steps.File))
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(diskfile.OS{}, dir, Requests{}, map[string]int64{Metrics.File: int64(len(old + row)), Steps.File: info.Size()})
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	w.Evaluation(&Evaluation{Method: "a", Step: 1, TrainLoss: 1, TrainAccuracy: nan, ValidLoss: nan, ValidAccuracy: nan, TestLoss: nan, TestAccuracy: nan, TestRMSE: nan, TestL2: nan})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, warning, err := Metrics.Read(path, text)
	if err != nil || warning != "" || len(rows) != 2 || rows[1][Columns.TrainLoss] != 1 || !math.IsNaN(rows[0][Columns.TestL2]) || !math.IsNaN(rows[1][Columns.TestL2]) {
		t.Errorf("%v, %s, %v in\n%s", rows, warning, err, text)
	}
}

// readBack compares the rows of a file with those that were written.
func readBack[R any](t *testing.T, dir string, form Table[R], want []R) {
	t.Helper()
	text, err := ReadFile(filepath.Join(dir, form.File), MaxTable, MaxLine)
	if err != nil {
		t.Fatal(err)
	}
	rows, warning, err := form.Read(form.File, text)
	if err != nil || warning != "" || len(rows) != len(want) {
		t.Fatalf("%d rows, %s, %v", len(rows), warning, err)
	}
	if !form.Begins(text[:20]) || form.Begins(append([]byte("x"), text...)) {
		t.Error("the beginning of the header is not known")
	}
	for i, row := range rows {
		v := reflect.ValueOf(want[i])
		for j := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(j).Tag.Get("csv"), ",")
			f := v.Field(j)
			if f.Kind() == reflect.String {
				continue
			}
			x := f.Convert(reflect.TypeFor[float64]()).Float()
			if got := row[name]; got != x && !(math.IsNaN(got) && math.IsNaN(x)) || !slices.Contains(form.Numbers(), name) {
				t.Errorf("%s, row %d: %s is %g, want %g", form.File, i, name, got, x)
			}
		}
	}
}

// TestManifestFormats: later formats are told from damage.
func TestManifestFormats(t *testing.T) {
	for text, want := range map[string]string{
		`{"format": 1}`: "", `{}`: "",
		`{"format": 2}`:  "has format 2, of a later version of dgn; this one reads format 1",
		`{"format": -1}`: "has format -1, this version of dgn reads format 1",
		`{"seed": "a"}`:  "json: cannot unmarshal",
		``:               "unexpected end",
	} {
		_, err := ParseManifest([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestGoal: losses are reached from above, accuracies from below, and by no NaN.
func TestGoal(t *testing.T) {
	for _, c := range []struct {
		g    Goal
		v    float64
		want bool
	}{{Goal{"train_loss", 1}, 1, true}, {Goal{"train_loss", 1}, 2, false}, {Goal{"test_accuracy", 0.5}, 0.6, true}, {Goal{"test_accuracy", 0.5}, 0.4, false},
		{Goal{"train_loss", 1}, math.NaN(), false}, {Goal{"valid_accuracy", 0}, math.NaN(), false}} {
		if got := c.g.MetBy(c.v); got != c.want {
			t.Errorf("%+v by %g: %t", c.g, c.v, got)
		}
	}
}
