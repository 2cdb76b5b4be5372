package datasets

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/strict"
)

// column makes a table of a feature and a column of labels.
func column(labels ...string) string {
	var b strings.Builder
	for i, l := range labels {
		fmt.Fprintf(&b, "%d,%s\n", i, l)
	}
	return b.String()
}

// TestLabels: equal numbers are one class, and the order of classes is that of
// the labels, whatever that of the rows.
func TestLabels(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		labels  []string
		classes []string
		want    []int
		merged  bool
	}{
		{[]string{"1", "1.0", "01", "+1", "0", "1e0", "-0"}, []string{"0", "1"}, []int{1, 1, 1, 1, 0, 1, 0}, true},
		{[]string{"10", "9", "-3", "2.5"}, []string{"-3", "2.5", "9", "10"}, []int{3, 2, 0, 1}, false},
		{[]string{"9007199254740993", "9007199254740992", "1"}, []string{"1", "9007199254740992", "9007199254740993"}, []int{2, 1, 0}, false},
		{[]string{"-9007199254740993", "-9007199254740992", "1"}, []string{"-9007199254740993", "-9007199254740992", "1"}, []int{0, 1, 2}, false},
		{[]string{"4006381333900007", "4006381333900000.0", "4006381333900000"}, []string{"4006381333900000", "4006381333900007"}, []int{1, 0, 0}, true},
		{[]string{"b", "a", "10", "9"}, []string{"10", "9", "a", "b"}, []int{3, 2, 0, 1}, false},
		{[]string{"-", "+", "+"}, []string{"+", "-"}, []int{1, 0, 0}, false},
		{[]string{" x", "x ", "y"}, []string{"x", "y"}, []int{0, 0, 1}, false},
		{[]string{"inf", "x"}, []string{"inf", "x"}, []int{0, 1}, false},
	} {
		writeFile(t, dir, "f.csv", column(c.labels...))
		for range 10 {
			raw, err := open(t, dir, "{name: csv, path: f.csv, test_path: f.csv}", OneHot)
			if err != nil {
				t.Errorf("%q: %v", c.labels, err)
				break
			}
			if _, merged := raw.Reading["labels"]; !slices.Equal(raw.Classes, c.classes) || !slices.Equal(raw.Train.Labels, c.want) || !slices.Equal(raw.Test.Labels, c.want) || merged != c.merged {
				t.Errorf("%q: classes %q, labels %v, merged %v", c.labels, raw.Classes, raw.Train.Labels, merged)
				break
			}
		}
	}
}

func TestMissingLabels(t *testing.T) {
	dir := t.TempDir()
	for _, missing := range []string{"nan", "NaN", "NA", "N/A", "n/a", "<NA>", "#N/A", "null", "NULL", "None", "nil", "?", " ? ", "", "-", "--", ".", "NaT", "-nan", "#DIV/0!"} {
		for _, labels := range [][]string{{"1", missing, "2"}, {"x", missing, "y"}} {
			for _, part := range []string{"path: f.csv", "path: good.csv, test_path: f.csv"} {
				writeFile(t, dir, "f.csv", column(labels...))
				writeFile(t, dir, "good.csv", column("1", "2", "x", "y"))
				_, err := open(t, dir, "{name: csv, "+part+"}", OneHot)
				var d *DamagedError
				if !errors.As(err, &d) || !strings.Contains(d.Msg, "line 2, column 1: ") {
					t.Errorf("%q, %s: %v", labels, part, err)
				}
			}
		}
	}
	writeFile(t, dir, "f.csv", "a,c\n1,x\n2,?\n3,y\n")
	_, err := open(t, dir, "{name: csv, path: f.csv, header: true}", OneHot)
	if want := `line 3, column 1 (c): the label "?" stands for a missing value; remove the row or fill the cell`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("says %v", err)
	}
	// A feature or a number to predict that is missing.
	writeFile(t, dir, "g.csv", "1,2,3\nNA,5,6\n")
	_, err = open(t, dir, "{name: csv, path: g.csv}", Values)
	if want := `line 2, column 0: "NA" stands for a missing value, not a number`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("says %v", err)
	}
}

func TestLabelErrors(t *testing.T) {
	dir := t.TempDir()
	many := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("%d.5", i))
		}
		return out
	}
	for _, c := range []struct {
		labels []string
		want   string
	}{
		{[]string{"1", "1.0", "x"}, `line 2, column 1: the label "1.0" is the number that line 1 writes "1", beside labels that are text`},
		{[]string{"1", "inf", "2"}, `line 2, column 1: the label "inf" is not a finite number`},
		{many(100_000), "column 1 has more than 10000 different labels, and each would be a class; are they numbers to predict? Then use task: regression"},
		{many(300), "column 1 of " + dir + "/f.csv has 300 different labels in 300 rows; if they are numbers to predict, set task: regression"},
	} {
		writeFile(t, dir, "f.csv", column(c.labels...))
		began := time.Now()
		_, err := open(t, dir, "{name: csv, path: f.csv}", OneHot)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("says %v\nwant %s", err, c.want)
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("%d labels took %v", len(c.labels), d)
		}
	}
	raw, err := open(t, dir, "{name: csv, path: f.csv, task: classification}", OneHot)
	if err != nil || len(raw.Classes) != 300 {
		t.Errorf("300 classes on request: %v", err)
	}
}

// TestBinaryLabels: binary names labels as the files write them, or classes.
func TestBinaryLabels(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "numbers.csv", column("1", "2.0", "3", "1", "2"))
	writeFile(t, dir, "words.csv", column("red", "blue", "dark red", "red", "blue"))
	embedded := func(name string) *Raw {
		raw, err := open(t, dir, "{name: "+name+"}", OneHot)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	cifar := &Raw{Classes: cifar10.classes, Codes: classNames(10), Train: &Examples{Labels: []int{0, 1, 2, 3, 4}}}
	table := func(path string) *Raw {
		raw, err := open(t, dir, "{name: csv, path: "+path+"}", OneHot)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, c := range []struct {
		raw    *Raw
		binary string
		ones   []int // classes
		marked bool
		want   string
	}{
		{table("numbers.csv"), "[1]", []int{0}, true, ""},
		{table("numbers.csv"), "2", []int{1}, true, ""},
		{table("numbers.csv"), `["3.0", +1]`, []int{0, 2}, true, ""},
		{table("numbers.csv"), "[0]", nil, false, `binary: no example has the label "0"; the labels are 1, 2, 3`},
		{table("words.csv"), "[red]", []int{2}, true, ""},
		{table("words.csv"), "[blue, dark red]", []int{0, 1}, true, ""},
		{table("words.csv"), "[Red]", nil, false, `no example has the label "Red"; the labels are blue, dark red, red; did you mean "red"?`},
		{table("words.csv"), "[0]", nil, false, `no example has the label "0"`},
		{embedded("digits"), "[5, 6]", []int{5, 6}, false, ""},
		{embedded("digits"), "[10]", nil, false, `no example has the label "10"; the labels are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9`},
		{embedded("breast_cancer"), "[malignant]", []int{0}, true, ""},
		{embedded("breast_cancer"), "[1]", []int{1}, false, ""},
		{embedded("breast_cancer"), "[2]", nil, false, `no example has the label "2"; the labels are malignant (0), benign (1)`},
		{cifar, "[cat, 0]", []int{0, 3}, true, ""},
		{cifar, "[3]", []int{3}, false, ""},
	} {
		doc, err := strict.Parse("c.yaml", []byte("{binary: "+c.binary+"}"))
		if err != nil {
			t.Fatal(err)
		}
		var common Common
		if err := doc.Root().Decode(&common); err != nil {
			t.Fatal(err)
		}
		reading := map[string]string{}
		e, err := newEncoder(c.raw, common, PlusMinus, parts{c.raw.Train, upTo(c.raw.Train.Len())}, transform{}, reading)
		if err != nil || c.want != "" {
			if err == nil || c.want == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q binary %s: says %v, want %s", c.raw.Classes, c.binary, err, c.want)
			}
			continue
		}
		var ones []int
		for l, class := range e.class {
			if class == 1 {
				ones = append(ones, l)
			}
		}
		if _, marked := reading["binary"]; !slices.Equal(ones, c.ones) || marked != c.marked {
			t.Errorf("%q binary %s: classes %v are 1, marked %v", c.raw.Classes, c.binary, ones, marked)
		}
	}
}
