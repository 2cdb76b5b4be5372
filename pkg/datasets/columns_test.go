package datasets

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
)

// TestTestColumns: names of columns are looked up in each file.
func TestTestColumns(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"train.csv": "a,b,y,w\n1,2,3,1\n4,5,6,2\n7,8,9,3\n",
		"same.csv":  "a, b,y ,w\n10,20,30,4\n",
		"moved.csv": "w,y,b,a\n4,30,20,10\n",
		"twice.csv": "a,a,y\n1,2,3\n4,5,6\n", "twiceto.csv": "a,a,y\n10,20,30\n", "twicemoved.csv": "y,a,a\n30,10,20\n",
		"words.csv": "a,b,class\n1,2,red\n3,4,blue\n", "wordsmoved.csv": "class,b,a\nblue,20,10\n",
	} {
		writeFile(t, dir, name, text)
	}
	for _, c := range []struct {
		config string
		want   Examples // of the test part
		moved  bool
	}{
		{"path: train.csv, test_path: same.csv, target: y, weight: w", Examples{Values: []float64{10, 20}, Targets: []float64{30}, Omega: []float64{4}}, false},
		{"path: train.csv, test_path: moved.csv, target: [y], weight: w", Examples{Values: []float64{10, 20}, Targets: []float64{30}, Omega: []float64{4}}, true},
		{"path: train.csv, test_path: moved.csv", Examples{Values: []float64{10, 20, 30}, Targets: []float64{4}}, true},
		{"path: train.csv, test_path: moved.csv, target: [2, a], weight: -1", Examples{Values: []float64{20}, Targets: []float64{30, 10}, Omega: []float64{4}}, true},
		{"path: twice.csv, test_path: twiceto.csv", Examples{Values: []float64{10, 20}, Targets: []float64{30}}, false},
		{"path: words.csv, test_path: wordsmoved.csv, target: class, task: classification", Examples{Values: []float64{10, 20}, Labels: []int{0}}, true},
	} {
		raw, err := open(t, dir, "{name: csv, header: true, "+c.config+"}", Values)
		if err != nil {
			t.Errorf("%s: %v", c.config, err)
			continue
		}
		e := raw.Test
		if !slices.Equal(e.Values, c.want.Values) || !slices.Equal(e.Targets, c.want.Targets) || !slices.Equal(e.Labels, c.want.Labels) || !slices.Equal(e.Omega, c.want.Omega) {
			t.Errorf("%s: values %v, targets %v, labels %v, weights %v", c.config, e.Values, e.Targets, e.Labels, e.Omega)
		}
		if _, moved := raw.Reading["test_columns"]; moved != c.moved {
			t.Errorf("%s: columns moved: %v", c.config, moved)
		}
	}
}

func TestTestColumnsErrors(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"train.csv": "a,b,y\n1,2,3\n4,5,6\n", "bare.csv": "10,20,30\n40,50,60\n", "lacks.csv": "a,y\n10,30\n", "more.csv": "a,b,id,y\n10,20,1,30\n",
		"other.csv": "a,B,y\n10,20,30\n", "twice.csv": "a,a,y\n1,2,3\n", "twicemoved.csv": "y,a,a\n3,1,2\n", "flower.csv": "5.1,3.5,setosa\n4.9,3.0,setosa\n",
	} {
		writeFile(t, dir, name, text)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct{ config, want string }{
		{"path: train.csv, test_path: bare.csv", at("bare.csv") + ": the first line, 10, 20, 30, should name the columns as that of " + at("train.csv") + " does: a, b, y; add that line to it"},
		{"path: train.csv, test_path: lacks.csv", at("lacks.csv") + ": does not have the columns of " + at("train.csv") + ", a, b, y: it lacks b; the two files need the same names"},
		{"path: train.csv, test_path: more.csv", "it has id besides"},
		{"path: train.csv, test_path: other.csv", "it lacks b, and has B besides"},
		{"path: train.csv, test_path: flower.csv", "it lacks a, b, y, and has 5.1, 3.5, setosa besides"},
		{"path: twice.csv, test_path: twicemoved.csv", `another order, but two of them are named "a"`},
	} {
		_, err := open(t, dir, "{name: csv, header: true, "+c.config+"}", Values)
		var d *DamagedError
		if !errors.As(err, &d) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.config, err, c.want)
		}
	}
}

// TestColumnNames: names are found without the blanks around them, and what is
// not plain is told.
func TestColumnNames(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"spaces.csv": "a, median value ,y\n1,2,3\n4,5,6\n", "twice.csv": "a,a ,y,y\n1,2,3,4\n", "accent.csv": "a,caf\u0065\u0301\n1,2\n", "width.csv": "a,y\u200b\n1,2\n",
		"numbers.csv": "1.5,2.5,3.5\n1,2,3\n4,5,6\n", "holes.csv": ",2.5,3.5\n1,2,3\n", "flower.csv": "5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,3.3,virginica\n",
		"pandas.csv": "0,1,2\n1,2,3\n4,5,6\n", "years.csv": "1990,1991,city\n1,2,3\n4,5,6\n", "yearsonly.csv": "1990,1991\n1,2\n3,4\n", "truth.csv": "a,true\n1,2\n3,4\n",
	} {
		writeFile(t, dir, name, text)
	}
	for _, c := range []struct {
		config, want string
		targets      []float64
	}{
		{`path: spaces.csv, target: ["median value "]`, "", []float64{2, 5}},
		{`path: spaces.csv, target: " median value"`, "", []float64{2, 5}},
		{"path: spaces.csv, target: 1", "", []float64{2, 5}},
		{"path: spaces.csv, target: median_value", `no column is named "median_value"; did you mean "median value"?`, nil},
		{"path: spaces.csv, target: Y", `no column is named "Y"; capitals count: ` + filepath.Join(dir, "spaces.csv") + ` has "y"`, nil},
		{"path: twice.csv, target: [a]", `2 columns of ` + filepath.Join(dir, "twice.csv") + ` are named "a", at the positions 0, 1; say which by its position`, nil},
		{"path: twice.csv, target: 3, weight: y", `2 columns of`, nil},
		{"path: twice.csv, target: -1", "", []float64{4}},
		{"path: accent.csv, target: \"caf\\u00e9\"", `looks the same but is written with other characters: "cafe\u0301" where the config has "caf\u00e9"`, nil},
		{"path: width.csv, target: y", `looks the same but is written with other characters: "y\u200b" where the config has "y"`, nil},
		{"path: numbers.csv", "the first line, 1.5, 2.5, 3.5, looks like data, but header: true takes it for the names of the columns; set header: false", nil},
		{"path: holes.csv", "looks like data", nil},
		{"path: flower.csv, task: classification", "the first line, 5.1, 3.5, setosa, looks like data", nil},
		{"path: yearsonly.csv", "looks like data", nil},
		{`path: yearsonly.csv, target: ["1991"]`, "", []float64{2, 4}},
		{"path: years.csv", "", []float64{3, 6}},
		{"path: pandas.csv", "", []float64{3, 6}},
		{"path: truth.csv, target: true", "", []float64{2, 4}},
		{"path: spaces.csv, target: 1.5", "expected the name or the position of a column; put a name that is a number in quotes", nil},
		{"path: spaces.csv, target: {a: 1}", "expected a list, got a mapping", nil},
		{"path: spaces.csv, target: [[a]]", "expected the name or the position of a column", nil},
		{"path: spaces.csv, target: y, weight: y", `column "y" is also a target`, nil},
		{"path: truth.csv, weight: \"\"", "", []float64{2, 4}},
		{"path: truth.csv, weight: ", "expected the name or the position of a column", nil},
		{"path: truth.csv, weight: [a]", "expected the name or the position of a column", nil},
		{"path: truth.csv, weight: a", "every column of " + filepath.Join(dir, "truth.csv") + " is a target or the weight", nil},
	} {
		raw, err := open(t, dir, "{name: csv, header: true, "+c.config+"}", Values)
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s\n  says %v\n  want %s", c.config, err, c.want)
		case err == nil && !slices.Equal(raw.Train.Targets, c.targets):
			t.Errorf("%s: targets %v, want %v", c.config, raw.Train.Targets, c.targets)
		case err == nil && strings.Contains(c.config, "pandas") != (len(raw.Warnings) == 1):
			t.Errorf("%s: warnings %q", c.config, raw.Warnings)
		}
	}
}

// TestColumnsRoundTrip: a resolved config reads as what it was written from.
func TestColumnsRoundTrip(t *testing.T) {
	for _, text := range []string{"{target: [a, 2, -1, \"3\", b c], weight: \"7\", binary: [1, \"x y\", 1.0, true, \"null\", a]}", "{target: [y], weight: -2, binary: []}"} {
		decode := func(text string) (s CSV, c Common) {
			doc, err := strict.Parse("c.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := doc.Root().Decode(&s, &c); err != nil {
				t.Fatal(err)
			}
			return s, c
		}
		s, c := decode(text)
		again, err := yaml.Marshal(map[string]any{"target": s.Target.Columns, "weight": s.Weight, "binary": c.Binary})
		if err != nil {
			t.Fatal(err)
		}
		s2, c2 := decode(string(again))
		if !slices.Equal(s.Target.Columns, s2.Target.Columns) || s.Weight != s2.Weight || !slices.Equal(c.Binary, c2.Binary) {
			t.Errorf("%s became %s", text, again)
		}
	}
}
