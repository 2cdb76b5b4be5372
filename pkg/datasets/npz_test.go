package datasets

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/strict"
)

// TestNPZTask: integers are classes or numbers as the task says, and without one
// they are classes where there are few that count from 0.
func TestNPZTask(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, y func(i int) int64) {
		x, v := make([]float64, 200), make([]int64, 200)
		for i := range v {
			x[i], v[i] = float64(i), y(i)
		}
		writeFile(t, dir, name, string(npzFile(t, arrays.Float64("x", []int{200, 1}, x), arrays.Int64("y", []int{200}, v))))
	}
	file("few.npz", func(i int) int64 { return int64(i % 10) })
	file("ages.npz", func(i int) int64 { return int64(18 + i%72) })
	file("ratings.npz", func(i int) int64 { return int64(1 + i%5) })
	file("prices.npz", func(i int) int64 { return int64(100_000 + 1_833*i) })
	file("signed.npz", func(i int) int64 { return int64(i - 100) })
	x := arrays.Float64("x", []int{3, 1}, []float64{1, 2, 3})
	writeFile(t, dir, "floats.npz", string(npzFile(t, x, arrays.Float64("y", []int{3}, []float64{0, 2, 1}))))
	writeFile(t, dir, "halves.npz", string(npzFile(t, x, arrays.Float64("y", []int{3}, []float64{0, 0.5, 1}))))
	writeFile(t, dir, "wide.npz", string(npzFile(t, x, arrays.Int64("y", []int{3, 2}, []int64{5, 6, 7, 8, 9, 10}))))
	for _, c := range []struct {
		options string
		enc     Encoding
		classes int // 0: targets
		want    string
	}{
		{"path: few.npz", OneHot, 10, ""},
		{"path: few.npz", Values, 10, ""},
		{"path: few.npz, task: regression", Values, 0, ""},
		{"path: ages.npz", OneHot, 90, ""},
		{"path: ages.npz", Values, 0, "task: is needed: y of ages.npz holds integers from 18 to 89, and the loss can take them as numbers or as classes, of which there would be 90, with an output each; set task: regression or task: classification"},
		{"path: ages.npz, task: classification", Values, 90, ""},
		{"path: ages.npz, task: regression", Values, 0, ""},
		{"path: ratings.npz", Values, 0, "task: is needed"},
		{"path: ratings.npz, task: regression", Values, 0, ""},
		{"path: prices.npz", Values, 0, "set task: regression"},
		{"path: prices.npz", OneHot, 0, "set task: regression"},
		{"path: prices.npz, task: regression", Values, 0, ""},
		{"path: signed.npz", Values, 0, "set task: regression"},
		{"path: signed.npz, task: regression", Values, 0, ""},
		{"path: signed.npz, task: classification", Values, 0, "label -100 of example 0 is out of range; labels count from 0"},
		{"path: floats.npz, task: classification", OneHot, 3, ""},
		{"path: floats.npz", Values, 0, ""},
		{"path: halves.npz, task: classification", OneHot, 0, "label 0.5 of example 1 is not a whole number"},
		{"path: wide.npz", Values, 0, "if they are numbers to predict, set task: regression"},
		{"path: wide.npz, task: regression", Values, 0, ""},
		{"path: few.npz, task: guess", Values, 0, `task: must be auto, classification or regression, got "guess"`},
	} {
		raw, err := open(t, dir, "{name: npz, "+c.options+"}", c.enc)
		if err != nil || c.want != "" {
			var d *DamagedError
			var f *strict.FieldError
			if err == nil || c.want == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: says %v, want %s", c.options, err, c.want)
			} else if !errors.As(err, &d) && !errors.As(err, &f) && !strings.Contains(err.Error(), "c.yaml:1") {
				t.Errorf("%s: says %T", c.options, err)
			}
			continue
		}
		if len(raw.Classes) != c.classes || (raw.Train.Labels != nil) != (c.classes > 0) || raw.Train.Len() == 0 {
			t.Errorf("%s: %d classes, want %d", c.options, len(raw.Classes), c.classes)
		}
	}
	raw, err := open(t, dir, "{name: npz, path: ratings.npz}", OneHot)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw.Classes) != 6 || len(raw.Notes) != 1 || !strings.Contains(raw.Notes[0], "none of: 0") {
		t.Errorf("%d classes, notes %q", len(raw.Classes), raw.Notes)
	}
}

// TestWeights: weights are read from a column or an array, and are no feature.
func TestWeights(t *testing.T) {
	dir := t.TempDir()
	x, y := arrays.Float64("x", []int{3, 1}, []float64{1, 2, 3}), arrays.Int64("y", []int{3}, []int64{0, 1, 0})
	writeFile(t, dir, "w.npz", string(npzFile(t, x, y, arrays.Int64("omega", []int{3, 1}, []int64{2, 0, 1}))))
	writeFile(t, dir, "plain.npz", string(npzFile(t, x, y)))
	writeFile(t, dir, "w.csv", "1,2,0\n2,0,1\n3,1,0\n")
	writeFile(t, dir, "named.csv", "a,w,y\n1,2,0\n2,0,1\n3,1,0\n")
	for _, options := range []string{"name: npz, path: w.npz, test_path: w.npz", "name: csv, path: w.csv, weight: 1, test_path: w.csv", "name: csv, path: named.csv, header: true, weight: w, test_path: named.csv"} {
		raw, err := open(t, dir, "{"+options+"}", OneHot)
		if err != nil {
			t.Errorf("%s: %v", options, err)
			continue
		}
		for _, e := range []*Examples{raw.Train, raw.Test} {
			if !slices.Equal(e.Omega, []float64{2, 0, 1}) || !slices.Equal(e.Values, []float64{1, 2, 3}) || !slices.Equal(e.Labels, []int{0, 1, 0}) {
				t.Errorf("%s: %+v", options, e)
			}
		}
	}
	for name, text := range map[string]string{"negative.csv": "1,2,0\n2,-1,1\n", "nan.csv": "1,2,0\n2,nan,1\n", "inf.csv": "1,inf,0\n2,1,1\n", "zero.csv": "1,0,0\n2,0.0,1\n", "hole.csv": "1,,0\n2,1,1\n"} {
		writeFile(t, dir, name, text)
	}
	for _, c := range []struct{ options, want string }{
		{"name: csv, path: negative.csv, weight: 1", "negative.csv: line 2, column 1: the weight -1 is negative"},
		{"name: csv, path: w.csv, test_path: negative.csv, weight: 1", "negative.csv: line 2, column 1: the weight -1 is negative"},
		{"name: csv, path: nan.csv, weight: 1", "line 2, column 1: nan is not a finite number"},
		{"name: csv, path: inf.csv, weight: 1", "line 1, column 1: inf is not a finite number"},
		{"name: csv, path: zero.csv, weight: 1", "column 1: every weight is 0"},
		{"name: csv, path: hole.csv, weight: 1", "line 1, column 1: the cell is empty"},
		{"name: csv, path: named.csv, header: true, weight: W", `weight: no column is named "W"; capitals count`},
		{"name: csv, path: w.csv, weight: 3", "weight: column 3 does not exist"},
		{"name: csv, path: w.csv, weight: w", "weight: column \"w\" is named, but the file is read without a header"},
		{"name: npz, path: w.npz, test_path: plain.npz", "should both have an array omega, or neither"},
		{"name: npz, path: plain.npz, test_path: w.npz", "should both have an array omega, or neither"},
	} {
		if _, err := open(t, dir, "{"+c.options+"}", OneHot); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.options, err, c.want)
		}
	}
	// Parts of a set must have some weight each.
	e := tableSet(10)
	e.Omega = []float64{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}
	if _, err := Prepare(&Raw{Train: e, Test: tableSet(5)}, Common{TrainLimit: 5}, Values); err == nil || !strings.Contains(err.Error(), "the weights of all 5 examples to train on are 0") {
		t.Errorf("says %v", err)
	}
}
