package datasets

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/strict"
)

// open decodes the options of a data set, and opens it in dir.
func open(t *testing.T, dir, config string, enc Encoding) (*Raw, error) {
	t.Helper()
	doc, err := strict.Parse("c.yaml", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	choice, err := Known.Decode(doc.Root())
	if err != nil {
		return nil, err
	}
	return choice.Must().Open(offline(dir), enc)
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestCSV(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "plain.csv", "1,2,3\n4,5,6\n")
	writeFile(t, dir, "names.csv", "a;\"b c\";y\r\n1;2;3\r\n4;5;6\r\n")
	writeFile(t, dir, "bom.csv", "\ufeffa,y\n1,3\n4,6\n")
	writeFile(t, dir, "blanks.txt", "  1  2\t3\n\n  4  5  6 \n")
	writeFile(t, dir, "tabs.tsv", "1\t2\t3\n4\t5\t6\n")
	writeFile(t, dir, "classes.csv", "1,red\n2,blue\n3,red\n")
	writeFile(t, dir, "numbers.csv", "1,10\n2,9\n3,10\n")
	for _, c := range []struct {
		config  string
		enc     Encoding
		values  []float64
		targets []float64
		labels  []int
		classes []string
	}{
		{"{name: csv, path: plain.csv}", Values, []float64{1, 2, 4, 5}, []float64{3, 6}, nil, nil},
		{"{name: csv, path: plain.csv, target: [0, 2]}", Values, []float64{2, 5}, []float64{1, 3, 4, 6}, nil, nil},
		{"{name: csv, path: names.csv, delimiter: ';', header: true, target: [b c]}", Values, []float64{1, 3, 4, 6}, []float64{2, 5}, nil, nil},
		{"{name: csv, path: bom.csv, header: true, target: [a]}", Values, []float64{3, 6}, []float64{1, 4}, nil, nil},
		{"{name: csv, path: blanks.txt, delimiter: space}", Values, []float64{1, 2, 4, 5}, []float64{3, 6}, nil, nil},
		{"{name: csv, path: tabs.tsv, delimiter: \"\\t\"}", Values, []float64{1, 2, 4, 5}, []float64{3, 6}, nil, nil},
		{"{name: csv, path: classes.csv}", OneHot, []float64{1, 2, 3}, nil, []int{1, 0, 1}, []string{"blue", "red"}},
		{"{name: csv, path: numbers.csv}", PlusMinus, []float64{1, 2, 3}, nil, []int{1, 0, 1}, []string{"9", "10"}},
		{"{name: csv, path: numbers.csv, task: classification}", Values, []float64{1, 2, 3}, nil, []int{1, 0, 1}, []string{"9", "10"}},
		{"{name: csv, path: plain.csv, test_path: tabs.tsv}", OneHot, nil, nil, nil, nil}, // an error, below
	} {
		raw, err := open(t, dir, c.config, c.enc)
		if c.values == nil {
			if err == nil {
				t.Errorf("%s is read", c.config)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.config, err)
			continue
		}
		e := raw.Train
		if !slices.Equal(e.Values, c.values) || !slices.Equal(e.Targets, c.targets) || !slices.Equal(e.Labels, c.labels) || !slices.Equal(raw.Classes, c.classes) {
			t.Errorf("%s: values %v, targets %v, labels %v, classes %v", c.config, e.Values, e.Targets, e.Labels, raw.Classes)
		}
	}
}

func TestCSVErrors(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"bare.csv": "1,2,3\n", "good.csv": "1,2,3\n4,5,6\n", "nan.csv": "1,2\nNaN,3\n", "inf.csv": "1,2\n3,-inf\n", "word.csv": "1,2\nx,3\n",
		"head.csv": "a,b\n1,2\n", "ragged.csv": "1,2,3\n4,5\n", "empty.csv": "", "headonly.csv": "a,b\n", "hole.csv": "1,,3\n4,5,6\n",
		"big.csv": "1,1e999\n", "quote.csv": "1,\"2\n", "one.csv": "1\n2\n", "train.csv": "1,red\n2,blue\n", "test.csv": "3,green\n", "wide.csv": "1,2,red\n",
	} {
		writeFile(t, dir, name, text)
	}
	at := func(name string) string { return filepath.Join(dir, name) + ": " }
	for _, c := range []struct{ config, want string }{
		{"path: nan.csv", at("nan.csv") + "line 2, column 0: NaN is not a finite number; remove the row or fill the cell"},
		{"path: inf.csv", at("inf.csv") + "line 2, column 1: -inf is not a finite number"},
		{"path: word.csv", at("word.csv") + `line 2, column 0: "x" is not a number`},
		{"path: head.csv", at("head.csv") + `line 1, column 0: "a" is not a number; if this line names the columns, set header: true`},
		{"path: ragged.csv", at("ragged.csv") + `line 2 has 2 cells where the lines before have 3; is the delimiter "," right?`},
		{"path: empty.csv", at("empty.csv") + "holds no rows of data"},
		{"path: headonly.csv, header: true", at("headonly.csv") + "holds no rows of data"},
		{"path: hole.csv", at("hole.csv") + "line 1, column 1: the cell is empty; every cell needs a number"},
		{"path: bare.csv, header: true", at("bare.csv") + "holds no rows of data, only the line that header: true takes for the names of the columns"},
		{"path: big.csv", at("big.csv") + "line 1, column 1: 1e999 is too large for a float64"},
		{"path: quote.csv", at("quote.csv")},
		{"path: nosuch.csv", "files are missing in " + dir},
		{"path: one.csv", "every column of"},
		{"path: good.csv, delimiter: ';'", "every column of"},
		{"path: good.csv, target: [7]", "target: column 7 does not exist: "},
		{"path: good.csv, target: [-4]", "target: column -4 does not exist: "},
		{"path: good.csv, target: [y]", `target: column "y" is named, but the file is read without a header; set header: true`},
		{"path: head.csv, header: true, target: [bb]", `target: no column is named "bb"; did you mean "b"?`},
		{"path: good.csv, target: [0, -3]", "target: column -3 is listed twice"},
		{"path: good.csv, target: []", "target: the list is empty"},
		{"path: good.csv, delimiter: '\\t'", `delimiter: a tab is written "\t", in double quotes`},
		{"path: train.csv", at("train.csv") + `line 1, column 1: "red" is not a number; if this line names the columns, set header: true; if the column holds classes, set task: classification`},
		{"path: good.csv, delimiter: ab", "delimiter: must be one character"},
		{"path: good.csv, task: guess", "task: must be auto, classification or regression"},
		{"path: good.csv, task: classification, target: [0, 1]", "target: classification takes one target column, got 2"},
		{"header: true", "path: is missing"},
		{"path: train.csv, test_path: test.csv, task: classification", at("test.csv") + `line 1, column 1: class "green" does not occur in the training part`},
		{"path: train.csv, test_path: wide.csv, task: classification", at("wide.csv") + "has 3 columns where"},
		{"path: .", "cannot be read"},
	} {
		_, err := open(t, dir, "{name: csv, "+c.config+"}", Values)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.config, err, c.want)
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, text := range []string{"1,2,3\n4,5,6\n", "a;b\n1;2\n", "1,\"2\"\n3,4", "NaN,1\n", "1 2\n\n3\t4\n", "\ufeffa,b\n1,2\n", "1,2\n3\n", "\"", "1e999,2\n"} {
		f.Add([]byte(text), ",", false)
		f.Add([]byte(text), "space", true)
		f.Add([]byte(text), ";", true)
	}
	f.Fuzz(func(t *testing.T, text []byte, delimiter string, header bool) {
		s := CSV{Delimiter: delimiter, Header: header, Target: TableTarget{Columns: Columns{{Index: -1}}}, Task: auto}
		if _, err := newCSV(s); err != nil {
			return
		}
		check := func(err error) {
			var d *DamagedError
			var f *strict.FieldError
			if err != nil && !errors.As(err, &d) && !errors.As(err, &f) {
				t.Fatalf("neither a DamagedError nor a FieldError: %v", err)
			}
		}
		table, err := readTable("file", text, delimiter, header, 0)
		if err == nil {
			for _, task := range []Task{regression, classification} {
				var e *Examples
				if e, err = s.whole(table, task); err == nil && e.Len() != len(table.rows) {
					t.Fatalf("%d rows, %d examples", len(table.rows), e.Len())
				}
				check(err)
			}
			return
		}
		check(err)
	})
}

// whole reads a table as Open does.
func (s CSV) whole(t *table, task Task) (*Examples, error) {
	if _, err := s.checkHeader(t); err != nil {
		return nil, err
	}
	l, err := s.layout(t)
	if err != nil {
		return nil, err
	}
	var labels *labelSet
	if s.Task = task; task == classification {
		if labels, err = s.labels(t, l); err != nil {
			return nil, err
		}
	}
	return examples(t, l, labels, Values)
}

// npzFile makes an .npz data set.
func npzFile(t testing.TB, list ...arrays.Array) []byte {
	var b bytes.Buffer
	if err := arrays.WriteNPZ(&b, list); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestNPZ(t *testing.T) {
	dir := t.TempDir()
	x := arrays.Float32("x", []int{3, 2}, []float32{1, 2, 3, 4, 5, 6})
	images := arrays.Float64("x", []int{2, 3, 1, 2}, make([]float64, 12))
	writeFile(t, dir, "labels.npz", string(npzFile(t, x, arrays.Int64("y", []int{3}, []int64{0, 2, 1}))))
	writeFile(t, dir, "values.npz", string(npzFile(t, images, arrays.Float64("y", []int{2, 2}, []float64{1, 2, 3, 4}))))
	raw, err := open(t, dir, "{name: npz, path: labels.npz}", OneHot)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(raw.Train.Labels, []int{0, 2, 1}) || len(raw.Classes) != 3 || raw.Train.Values[5] != 6 {
		t.Errorf("%+v", raw.Train)
	}
	raw, err = open(t, dir, "{name: npz, path: values.npz, test_path: values.npz}", Values)
	if err != nil {
		t.Fatal(err)
	}
	if raw.Train.K != 2 || raw.Train.Shape.C != 3 || raw.Train.Shape.W != 2 || raw.Test.Len() != 2 || raw.Classes != nil {
		t.Errorf("%+v", raw.Train)
	}
	if _, err := open(t, dir, "{name: npz, path: labels.npz, test_path: values.npz}", Values); err == nil || !strings.Contains(err.Error(), "has examples of shape 3x1x2") {
		t.Errorf("unlike parts: %v", err)
	}
}

func TestNPZErrors(t *testing.T) {
	x := arrays.Float64("x", []int{2, 2}, []float64{1, 2, 3, 4})
	y := arrays.Int64("y", []int{2}, []int64{0, 1})
	nan := arrays.Float64("x", []int{1, 1}, []float64{0})
	nan.Float64s()[0] /= nan.Float64s()[0]
	for _, c := range []struct {
		file []byte
		want string
	}{
		{[]byte("hello"), "not an .npz file"},
		{npzFile(t, x), "needs the two arrays x and y"},
		{npzFile(t, x, y, arrays.Int64("z", []int{0}, []int64{})), `array "z" is unknown; a data set has the arrays x and y, and perhaps omega`},
		{[]byte("\x93NUMPY\x01\x00"), "is not an .npz file: it is a single NumPy array (.npy); save the two arrays x and y with numpy.savez"},
		{[]byte("\x1f\x8b"), "is not an .npz file: it is compressed by gzip; unpack it first"},
		{npzFile(t, x, arrays.Int64("y", []int{2}, []int64{0, 1 << 20})), "label 1048576 of example 1 is out of range: labels count from 0, and there may be 10000 classes; if they are numbers to predict, set task: regression"},
		{npzFile(t, x, arrays.Int64("y", []int{2}, []int64{0, 9000})), "label 9000 makes 9001 classes, more than the 2 examples"},
		{npzFile(t, x, y, arrays.Float64("omega", []int{2}, []float64{1, -0.5})), "element 1 of omega is -0.5; weights are not negative"},
		{npzFile(t, x, y, arrays.Float64("omega", []int{2}, []float64{1, math.Inf(1)})), "element 1 of omega is +Inf, not a finite number"},
		{npzFile(t, x, y, arrays.Float64("omega", []int{2}, []float64{math.NaN(), 1})), "element 0 of omega is NaN, not a finite number"},
		{npzFile(t, x, y, arrays.Float64("omega", []int{2}, []float64{0, 0})), "omega is 0 throughout"},
		{npzFile(t, x, y, arrays.Float64("omega", []int{1}, []float64{1})), "omega has shape [1]; expected [2], a weight for each example"},
		{npzFile(t, x, y, arrays.Float64("omega", []int{}, []float64{1})), "omega has shape []"},
		{npzFile(t, arrays.Float64("x", []int{2}, []float64{1, 2}), y), "x has shape [2]; expected"},
		{npzFile(t, arrays.Float64("x", []int{0, 2}, []float64{}), y), "x is empty"},
		{npzFile(t, x, arrays.Int64("y", []int{3}, []int64{0, 1, 2})), "y has shape [3]; expected [2]"},
		{npzFile(t, x, arrays.Int64("y", []int{2, 2}, []int64{0, 1, 2, 3})), "y holds integers, so labels"},
		{npzFile(t, x, arrays.Int64("y", []int{2}, []int64{0, -1})), "label -1 of example 1 is out of range"},
		{npzFile(t, nan, arrays.Int64("y", []int{1}, []int64{0})), "element 0 of x is NaN, not a finite number"},
		{npzFile(t, x, arrays.Float64("y", []int{2, 0}, []float64{})), "y is empty"},
	} {
		_, _, err := parseNPZ("f.npz", c.file, auto, false)
		var d *DamagedError
		if !errors.As(err, &d) || d.File != "f.npz" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("says %v\nwant %s", err, c.want)
		}
	}
}

func FuzzNPZ(f *testing.F) {
	x := arrays.Float64("x", []int{2, 2}, []float64{1, 2, 3, 4})
	f.Add(npzFile(f, x, arrays.Int64("y", []int{2}, []int64{0, 1})))
	f.Add(npzFile(f, x, arrays.Float64("y", []int{2, 1}, []float64{0, 1})))
	f.Add(npzFile(f, x, arrays.Int64("y", []int{2}, []int64{0, -1})))
	f.Add(npzFile(f, x, arrays.Int64("y", []int{2}, []int64{0, 1}), arrays.Float64("omega", []int{2}, []float64{0, 2})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if own, _, err := parseNPZ("file", b, auto, true); err == nil && len(own.Values) != own.Len()*own.Shape.Len() {
			t.Fatalf("%d inputs of %d examples of shape %v", len(own.Values), own.Len(), own.Shape)
		}
		e, classes, err := parseNPZ("file", b, auto, false)
		var d *DamagedError
		if err != nil {
			if !errors.As(err, &d) {
				t.Fatalf("not a DamagedError: %v", err)
			}
			return
		}
		if len(e.Values) != e.Len()*e.Shape.Len() || (classes > 0) != (e.Labels != nil) {
			t.Fatalf("%d values, %d examples, %d classes", len(e.Values), e.Len(), classes)
		}
	})
}
