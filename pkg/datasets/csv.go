package datasets

import (
	"fmt"
	"strings"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "csv", Doc: "a table of numbers in a text file"},
		CSV{Delimiter: ",", Target: TableTarget{Columns: Columns{{Index: -1}}}, Task: auto}, newCSV)
}

// CSV is a user's table. Its rows are examples; its columns features and
// targets.
type CSV struct {
	Path      string       `yaml:"path" doc:"file, relative to the data folder"`
	TestPath  string       `yaml:"test_path" doc:"file with the test part; none: data.test splits"`
	Delimiter string       `yaml:"delimiter" doc:"one character, or space for runs of blanks"`
	Header    bool         `yaml:"header" doc:"whether the first line names the columns; those of test_path are found by name"`
	Target    TableTarget  `yaml:"target,flow" doc:"names or positions of the target columns, -1 is the last; or input: each row is its own target"`
	Task      Task         `yaml:"task" doc:"classification, regression, or auto: what the loss needs"`
	Weight    WeightColumn `yaml:"weight,omitempty" doc:"name or position of a column that weighs the loss of each example; none by default"`
}

var _ Source = CSV{}

// newCSV checks the options that have a value; Path is checked in Open, so that
// the default options can be listed.
func newCSV(s CSV) (Source, error) {
	switch {
	case s.Delimiter == `\t`, s.Delimiter == "tab":
		return nil, strict.Field("delimiter", "a tab is written \"\\t\", in double quotes")
	case s.Delimiter != blanks && len(s.Delimiter) != 1, strings.ContainsAny(s.Delimiter, "\"\r\n"):
		return nil, strict.Field("delimiter", "must be one character, or %q for runs of blanks; got %q", blanks, s.Delimiter)
	case len(s.Target.Columns) == 0 && !s.Target.Input:
		return nil, strict.Field("target", "the list is empty; name at least one column")
	}
	return s, s.Task.check()
}

func (s CSV) Describe() Description { return Description{OwnTest: s.TestPath != ""} }

func (s CSV) Open(env Env, enc Encoding) (*Raw, error) {
	if s.Path == "" {
		return nil, strict.Field("path", "is missing: it names the file, relative to %s", env.Dir)
	}
	raw := newRaw()
	train, err := s.read(env, s.Path, raw)
	if err != nil {
		return nil, err
	}
	warning, err := s.checkHeader(train)
	if err != nil {
		return nil, err
	}
	if warning != "" {
		raw.Warnings = append(raw.Warnings, warning)
	}
	l, err := s.layout(train)
	if err != nil {
		return nil, err
	}
	var labels *labelSet
	switch {
	case s.Target.Input:
		if s.Task != auto {
			return nil, strict.Field("task", "does not apply with target: %s, which has neither labels nor other targets", targetInput)
		}
	case s.Task == classification, s.Task == auto && enc != Values && !(enc == Probabilities && len(l.targets) > 1):
		if labels, err = s.labels(train, l); err != nil {
			return nil, err
		}
		raw.Classes = labels.names
		if a := labels.alike; a != nil {
			raw.Warnings = append(raw.Warnings, fmt.Sprintf("%s: the labels %s and %s are two classes, though they differ only in capitals, blanks or ways to write a letter",
				train.file, ascii(a[0]), ascii(a[1])))
		}
		if labels.merged {
			raw.Reading["labels"] = "by value"
		}
	}
	if raw.Train, err = examples(train, l, labels, enc); err != nil || s.TestPath == "" {
		return raw, err
	}
	test, err := s.read(env, s.TestPath, raw)
	if err != nil {
		return nil, err
	}
	l, moved, err := l.like(train, test)
	if err != nil {
		return nil, err
	}
	if moved {
		raw.Reading["test_columns"] = "by name"
	}
	raw.Test, err = examples(test, l, labels, enc)
	return raw, err
}

// labels finds the classes of the training part.
func (s CSV) labels(t *table, l layout) (*labelSet, error) {
	if len(l.targets) != 1 {
		return nil, strict.Field("target", "classification takes one target column, got %d", len(l.targets))
	}
	labels, err := newLabelSet(t, l.targets[0])
	if err != nil {
		return nil, err
	}
	if n := len(labels.names); s.Task == auto && (n > fewClasses && 2*n > len(t.rows) || labels.measured(len(t.rows))) {
		return nil, strict.Field("task", "column %s of %s has %d different labels in %d rows; if they are numbers to predict, set task: regression, with the loss squared or huber, or binary_logistic if all are in [0, 1]; "+
			"if each is a class, set task: classification", t.column(l.targets[0]), t.file, n, len(t.rows))
	}
	return labels, nil
}

func (s CSV) read(env Env, path string, raw *Raw) (*table, error) {
	at, b, err := readUserFile(env, "csv", path)
	if err != nil {
		return nil, err
	}
	if err := checkText(at, b, s.Delimiter); err != nil {
		return nil, err
	}
	raw.note(s.Path, s.TestPath, path, b)
	return readTable(at, b, s.Delimiter, s.Header, 0)
}

// examples turns a table into examples: of classification if there are labels, their own
// targets if there are no columns of others.
func examples(t *table, l layout, labels *labelSet, enc Encoding) (*Examples, error) {
	e := &Examples{Shape: tensor.Shape{C: len(l.features), H: 1, W: 1}}
	if labels == nil {
		e.K = len(l.targets)
	}
	for i := range t.rows {
		for _, j := range l.features {
			v, err := t.number(i, j)
			if err == nil && enc == Probabilities && l.targets == nil && outsideUnit(v) {
				err = damagedf(t.file, "line %d, column %s: %g is not in [0, 1], but %s", t.lines[i], t.column(j), v, scaleInputs)
			}
			if err != nil {
				return nil, err
			}
			e.Values = append(e.Values, v)
		}
		if l.weight >= 0 {
			v, err := t.number(i, l.weight)
			if err == nil && v < 0 {
				err = damagedf(t.file, "line %d, column %s: the weight %g is negative", t.lines[i], t.column(l.weight), v)
			}
			if err != nil {
				return nil, err
			}
			e.Omega = append(e.Omega, v)
		}
		if labels != nil {
			class, err := t.label(i, l.targets[0], labels)
			if err != nil {
				return nil, err
			}
			e.Labels = append(e.Labels, class)
			continue
		}
		for _, j := range l.targets {
			v, err := t.number(i, j)
			if d, ok := err.(*DamagedError); ok && !isNumber(strings.TrimSpace(t.rows[i][j])) && !isMissing(t.rows[i][j]) {
				d.Msg += "; if the column holds classes, set task: classification"
			}
			if err == nil && enc == Probabilities && outsideUnit(v) {
				err = damagedf(t.file, "line %d, column %s: the target %g is not in [0, 1], but %s", t.lines[i], t.column(j), v, scaleTargets)
			}
			if err != nil {
				return nil, err
			}
			e.Targets = append(e.Targets, v)
		}
	}
	if l.weight >= 0 && allZero(e.Omega) {
		return nil, damagedf(t.file, "column %s: every weight is 0; some example must count", t.column(l.weight))
	}
	return e, nil
}

// label reads the class of one row.
func (t *table) label(row, col int, labels *labelSet) (int, error) {
	class, ok := labels.of(t.rows[row][col])
	name := strings.TrimSpace(t.rows[row][col])
	switch {
	case ok:
		return class, nil
	case isMissing(name):
		return 0, damagedf(t.file, "line %d, column %s: the label %s is missing; remove the row or fill the cell", t.lines[row], t.column(col), strict.Quote(name))
	}
	return 0, damagedf(t.file, "line %d, column %s: class %s does not occur in the training part", t.lines[row], t.column(col), strict.Quote(name))
}
