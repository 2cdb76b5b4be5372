package datasets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/memory"
)

// rows makes lines of two features and what f says of each.
func rows(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,%d,%s\n", i, i*i%7, f(i))
	}
	return b.String()
}

// TestWhatTablesLookLike: of tables that are not what they were taken for, messages
// say what they look like.
func TestWhatTablesLookLike(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, text, config string
		enc                Encoding
		want               string
	}{
		{"underscore", "1,2_0\n3,4\n", "", Values, `line 1, column 1: "2_0" is not a number`},
		{"hex", "1,2\n0x1p3,4\n", "", Values, `line 2, column 0: "0x1p3" is not a number`},
		{"minus", "1,\u22122.5\n3,4\n", "", Values, "line 1, column 1: \"\u22122.5\" is not a number; if the column holds classes"},
		{"semicolons", "\"a\";\"b\"\n1;2\n3;4\n", "header: true", Values, `set delimiter: ";"`},
		{"comment", "# first second third\n1 2 3\n", "delimiter: space", Values, `the file starts with "#", which is read as any other line`},
		{"page", "<head><title>404</title></head>\n", "", Values, "finds one cell in every line"},
		{"json", "[\n  {\"a\": 1},\n  {\"a\": 2}\n]\n", "", Values, "is a JSON file; export the table as CSV"},
		{"infinite", "1,1e400\n2,1\n3,2\n", "", OneHot, `line 1, column 1: the label "1e400" is not a finite number`},
		{"fractions", rows(40, func(i int) string { return fmt.Sprintf("%d.5", i) }), "", OneHot, "task: column 2 of "},
		{"prices", rows(400, func(i int) string { return fmt.Sprint(1000 * (i % 150)) }), "", OneHot, "has 150 different labels in 400 rows; if they are numbers to predict, set task: regression"},
	} {
		writeFile(t, dir, c.name, c.text)
		_, err := open(t, dir, "{name: csv, path: "+c.name+", "+c.config+"}", c.enc)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: says %v, want %s", c.name, err, c.want)
		}
	}
	writeFile(t, dir, "grades", rows(40, func(i int) string { return fmt.Sprintf("%d.5", i%5) }))
	writeFile(t, dir, "codes", rows(300, func(i int) string { return fmt.Sprint(i % 150) }))
	for _, name := range []string{"grades", "codes"} {
		if _, err := open(t, dir, "{name: csv, path: "+name+"}", OneHot); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnderscoreLabels: 1_0 is a name, and not the number 10.
func TestUnderscoreLabels(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "f.csv", column("1_0", "10", "9"))
	raw, err := open(t, dir, "{name: csv, path: f.csv}", OneHot)
	if err != nil || len(raw.Classes) != 3 {
		t.Errorf("%v, %v", raw, err)
	}
}

// TestAlikeLabels: of labels that differ in little people are told.
func TestAlikeLabels(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		labels []string
		want   string
	}{
		{[]string{"Cat", "cat", "dog"}, `the labels "Cat" and "cat" are two classes`},
		{[]string{"\u00e9", "e\u0301"}, `the labels "e\u0301" and "\u00e9" are two classes`},
		{[]string{"a b", "a  b"}, `are two classes`},
		{[]string{"cat", "dog"}, ""},
		{[]string{"1", "1.0", "2"}, ""},
	} {
		writeFile(t, dir, "f.csv", column(c.labels...))
		raw, err := open(t, dir, "{name: csv, path: f.csv}", OneHot)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(raw.Warnings, "\n"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q: warns %q, want %q", c.labels, got, c.want)
		}
	}
}

// TestTestFileHints: a column without a name can be seen in a message, and so can
// another delimiter.
func TestTestFileHints(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "train", "a,y\n1,2\n3,4\n")
	writeFile(t, dir, "index", ",a,y\n0,1,2\n1,3,4\n")
	writeFile(t, dir, "semicolons", "a;y\n1;2\n3;4\n")
	for name, want := range map[string]string{
		"index":      `it has "" besides`,
		"semicolons": `the delimiter is "," for both files, and this one seems to have another`,
	} {
		_, err := open(t, dir, "{name: csv, header: true, path: train, test_path: "+name+"}", Values)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: says %v, want %s", name, err, want)
		}
	}
}

// TestForeignArrays: a file in place of an .npz is told for what it is.
func TestForeignArrays(t *testing.T) {
	dir := t.TempDir()
	for start, want := range map[string]string{
		"PAR1": "is not an .npz file: it is a Parquet file", "\x1f\x8b": "is compressed by gzip", "<!DOCTYPE html>": "is a web page", "\x80\x04": "is a Python pickle", "\x93NUMPY": "is a single NumPy array",
	} {
		writeFile(t, dir, "f.npz", start)
		if _, err := open(t, dir, "{name: npz, path: f.npz}", Values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: says %v, want %s", start, err, want)
		}
	}
}

// TestFilesThatDoNotFit: what does not fit in memory is not read.
func TestFilesThatDoNotFit(t *testing.T) {
	defer func(f func() (memory.Limit, bool)) { memoryLeft = f }(memoryLeft)
	left := 100 << 20
	memoryLeft = func() (memory.Limit, bool) { return memory.Limit{Name: "the test", Left: left}, true }
	dir := t.TempDir()
	const n = 1 << 20
	x := make([]float64, 4*n)
	if err := os.WriteFile(filepath.Join(dir, "f.npz"), npzFile(t, arrays.Float64("x", []int{n, 4}, x), arrays.Float64("y", []int{n}, x[:n])), 0o644); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "f.csv", strings.Repeat("1,2,3,4\n", n))
	writeFile(t, dir, "f.txt", strings.Repeat("1 2 3 4\n", n))
	for _, config := range []string{"{name: npz, path: f.npz}", "{name: csv, path: f.csv}", "{name: csv, path: f.txt, delimiter: space}"} {
		_, err := open(t, dir, config, Values)
		var d *DamagedError
		if !errors.As(err, &d) || !strings.Contains(d.Msg, "of memory, and the test leaves 100.0 MiB") {
			t.Errorf("%s: says %v", config, err)
		}
	}
	left = 1 << 40
	if _, err := open(t, dir, "{name: npz, path: f.npz}", Values); err != nil {
		t.Error(err)
	}
}

// TestLongPaths: a path is not repeated at any length.
func TestLongPaths(t *testing.T) {
	for _, set := range []string{"csv", "npz"} {
		_, err := open(t, t.TempDir(), "{name: "+set+", path: "+strings.Repeat("x", 1<<20)+"}", Values)
		if err == nil || len(err.Error()) > 3*maxPath {
			t.Errorf("%s: an error of %d bytes", set, len(fmt.Sprint(err)))
		}
	}
}

// TestTooLarge: numbers that float32 cannot hold are found, wherever they stand.
func TestTooLarge(t *testing.T) {
	for _, c := range []struct {
		change func(e *Examples)
		want   string
	}{
		{func(e *Examples) {}, ""},
		{func(e *Examples) { e.Values[0] = -1e39 }, "feature 0 of example 0 of those to train on is -1e+39"},
		{func(e *Examples) { e.Targets[0] = 1e39 }, "target 0 of example 0 of those to train on is 1e+39"},
		{func(e *Examples) { e.Omega[0] = 1e39 }, "weight 0 of example 0 of those to train on is 1e+39"},
	} {
		train, test := tableSet(4), tableSet(4)
		train.Omega, test.Omega = []float64{1, 1, 1, 1}, []float64{1, 1, 1, 1}
		c.change(train)
		p, err := Prepare(&Raw{Train: train, Test: test}, Common{}, Values)
		if err != nil || p.TooLarge != c.want {
			t.Errorf("%q, %v, want %q", p.TooLarge, err, c.want)
		}
	}
}

// TestOneFileMissing: of the files of a set those are named that are not there.
func TestOneFileMissing(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "mnist"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"} {
		writeFile(t, filepath.Join(dir, "mnist"), name, "")
	}
	_, err := open(t, dir, "{name: mnist}", OneHot)
	if err == nil || !strings.Contains(err.Error(), "wanted: t10k-labels-idx1-ubyte.gz.") {
		t.Errorf("says %v", err)
	}
}
