package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"go.yaml.in/yaml/v3"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "csv", Doc: "a table of numbers in a text file"},
		CSV{Delimiter: ",", Target: Columns{{Index: -1}}, Task: "auto"}, newCSV)
}

// CSV is a user's table. Its rows are examples; its columns features and
// targets.
type CSV struct {
	Path      string  `yaml:"path" doc:"file, relative to the data folder"`
	TestPath  string  `yaml:"test_path" doc:"file with the test part; none: data.test splits"`
	Delimiter string  `yaml:"delimiter" doc:"one character, or space for runs of blanks"`
	Header    bool    `yaml:"header" doc:"whether the first line names the columns"`
	Target    Columns `yaml:"target,flow" doc:"names or positions of the target columns, -1 is the last"`
	Task      string  `yaml:"task" doc:"classification, regression, or auto: what the loss needs"`
}

var _ Source = CSV{}

// newCSV checks the options that have a value; Path is checked in Open, so that
// the default options can be listed.
func newCSV(s CSV) (Source, error) {
	switch {
	case s.Delimiter != blanks && len(s.Delimiter) != 1, strings.ContainsAny(s.Delimiter, "\"\r\n"):
		return nil, strict.Field("delimiter", "must be one character, or %q for runs of blanks; got %q", blanks, s.Delimiter)
	case len(s.Target) == 0:
		return nil, strict.Field("target", "the list is empty; name at least one column")
	case !slices.Contains([]string{"auto", "classification", "regression"}, s.Task):
		return nil, strict.Field("task", "must be auto, classification or regression, got %q", s.Task)
	}
	return s, nil
}

// A Column is named by its header or its position; negative positions count
// from the end.
type Column struct {
	Name  string
	Index int
}

func (c Column) String() string {
	if c.Name != "" {
		return fmt.Sprintf("%q", c.Name)
	}
	return strconv.Itoa(c.Index)
}

// Columns is a list of columns, in a config of names and whole numbers.
type Columns []Column

func (c *Columns) UnmarshalStrict(v strict.Value) error {
	items, err := v.Items()
	if err != nil {
		return err
	}
	*c = nil
	for _, item := range items {
		var col Column
		if name, ok := item.Text(); ok {
			col.Name = name
		} else if err := item.Decode(&col.Index); err != nil {
			return item.Errorf("expected the name or the position of a column")
		}
		*c = append(*c, col)
	}
	return nil
}

func (c Columns) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, col := range c {
		item := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(col.Index)}
		if col.Name != "" {
			item = &yaml.Node{}
			item.SetString(col.Name)
		}
		n.Content = append(n.Content, item)
	}
	return n, nil
}

func (s CSV) Describe() Description { return Description{OwnTest: s.TestPath != ""} }

func (s CSV) Open(env Env, enc Encoding) (*Raw, error) {
	if s.Path == "" {
		return nil, strict.Field("path", "is missing: it names the file, relative to %s", env.Dir)
	}
	classes := s.Task == "classification" || s.Task == "auto" && enc != Values
	raw := &Raw{Checksums: map[string]string{}}
	train, err := s.read(env, s.Path, raw)
	if err != nil {
		return nil, err
	}
	targets, err := s.targets(train)
	if err != nil {
		return nil, err
	}
	if classes && len(targets) != 1 {
		return nil, strict.Field("target", "classification takes one target column, got %d", len(targets))
	}
	if raw.Train, err = examples(train, targets, classes, raw); err != nil || s.TestPath == "" {
		return raw, err
	}
	test, err := s.read(env, s.TestPath, raw)
	if err != nil {
		return nil, err
	}
	if a, b := len(train.rows[0]), len(test.rows[0]); a != b {
		return nil, damagedf(test.file, "has %d columns where %s has %d", b, train.file, a)
	}
	raw.Test, err = examples(test, targets, classes, raw)
	return raw, err
}

func (s CSV) read(env Env, path string, raw *Raw) (*table, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.Dir, path)
	}
	b, err := readUserFile(env, "csv", path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	raw.Checksums[filepath.Base(path)] = hex.EncodeToString(sum[:])
	return readTable(path, b, s.Delimiter, s.Header, 0)
}

// readUserFile reads a file that only the user can provide.
func readUserFile(env Env, set, path string) ([]byte, error) {
	b, err := readLimited(env, set, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &MissingError{Set: set, Dir: filepath.Dir(path), Files: []string{filepath.Base(path)}}
	}
	return b, err
}

// targets returns the positions of the target columns.
func (s CSV) targets(t *table) ([]int, error) {
	width := len(t.rows[0])
	var out []int
	for _, c := range s.Target {
		i := c.Index
		if c.Name != "" {
			if t.header == nil {
				return nil, strict.Field("target", "column %s is named, but the file is read without a header; set header: true", c)
			}
			i = slices.IndexFunc(t.header, func(h string) bool { return strings.TrimSpace(h) == c.Name })
			if i < 0 {
				return nil, strict.Field("target", "no column is named %s%s", c, strict.Suggest(c.Name, t.header))
			}
		} else if i < 0 {
			i += width
		}
		if i < 0 || i >= width {
			return nil, strict.Field("target", "column %s does not exist: %s has %d columns, 0 to %d", c, t.file, width, width-1)
		}
		if slices.Contains(out, i) {
			return nil, strict.Field("target", "column %s is listed twice", c)
		}
		out = append(out, i)
	}
	if len(out) == width {
		return nil, strict.Field("target", "every column of %s is a target; none is left to predict from", t.file)
	}
	return out, nil
}

// examples turns a table into examples. For classification, the classes are
// the distinct values of the target column of the training part, in numeric
// order if all are numbers, else in alphabetic order.
func examples(t *table, targets []int, classes bool, raw *Raw) (*Examples, error) {
	width := len(t.rows[0])
	e := &Examples{Shape: tensor.Shape{C: width - len(targets), H: 1, W: 1}}
	for i := range t.rows {
		for j := range width {
			if slices.Contains(targets, j) {
				continue
			}
			v, err := t.number(i, j)
			if err != nil {
				return nil, err
			}
			e.Values = append(e.Values, v)
		}
	}
	if !classes {
		e.K = len(targets)
		for i := range t.rows {
			for _, j := range targets {
				v, err := t.number(i, j)
				if err != nil {
					return nil, err
				}
				e.Targets = append(e.Targets, v)
			}
		}
		return e, nil
	}
	if raw.Classes == nil {
		raw.Classes = distinct(t, targets[0])
	}
	for i, r := range t.rows {
		name := strings.TrimSpace(r[targets[0]])
		l := slices.Index(raw.Classes, name)
		if l < 0 || name == "" {
			return nil, damagedf(t.file, "line %d, column %s: class %q does not occur in the training part", t.lines[i], t.column(targets[0]), name)
		}
		e.Labels = append(e.Labels, l)
	}
	return e, nil
}

func distinct(t *table, col int) []string {
	seen := map[string]float64{}
	numeric := true
	for _, r := range t.rows {
		name := strings.TrimSpace(r[col])
		v, err := strconv.ParseFloat(name, 64)
		seen[name], numeric = v, numeric && err == nil
	}
	var names []string
	for n := range seen {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if numeric && seen[a] != seen[b] {
			if seen[a] < seen[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}
