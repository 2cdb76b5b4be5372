package datasets

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
)

// A Column is named by its header or its position; negative positions count
// from the end.
type Column struct {
	Name  string
	Index int
}

func (c Column) String() string {
	if c.Name != "" {
		return strict.Quote(c.Name)
	}
	return strconv.Itoa(c.Index)
}

// UnmarshalStrict reads a whole number as a position, anything else as a name.
func (c *Column) UnmarshalStrict(v strict.Value) error {
	*c = Column{}
	if v.IsNumber() {
		if v.Decode(&c.Index) != nil {
			return v.Errorf("expected the name or the position of a column; put a name that is a number in quotes")
		}
		return nil
	}
	name, ok := v.Scalar()
	if name = strings.TrimSpace(name); !ok || name == "" {
		return v.Errorf("expected the name or the position of a column")
	}
	c.Name = name
	return nil
}

func (c Column) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(c.Index)}
	if c.Name != "" {
		n = &yaml.Node{}
		n.SetString(c.Name)
	}
	return n, nil
}

// A WeightColumn is a column or, by default, none.
type WeightColumn struct {
	Column
	Set bool
}

// IsZero reports whether there is no column, which need not be written.
func (w WeightColumn) IsZero() bool { return !w.Set }

func (w *WeightColumn) UnmarshalStrict(v strict.Value) error {
	*w = WeightColumn{}
	if text, ok := v.Text(); ok && text == "" {
		return nil
	}
	w.Set = true
	return w.Column.UnmarshalStrict(v)
}

func (w WeightColumn) MarshalYAML() (any, error) {
	if !w.Set {
		return "", nil
	}
	return w.Column.MarshalYAML()
}

// Columns is a list of columns; in a config, one column may stand for a list of
// one.
type Columns []Column

func (c *Columns) UnmarshalStrict(v strict.Value) error {
	items, err := v.ItemsOrOne()
	if err != nil {
		return err
	}
	*c = make(Columns, len(items))
	for i, item := range items {
		if err := item.Decode(&(*c)[i]); err != nil {
			return err
		}
	}
	return nil
}

// A layout says what the columns of a table are for.
type layout struct {
	features, targets []int
	weight            int // -1: none
}

// layout finds the columns of the training part.
func (s CSV) layout(t *table) (layout, error) {
	width := len(t.rows[0])
	l := layout{weight: -1}
	if width == 1 && !s.Target.Input {
		hint := t.delimiterHint()
		if hint == "" {
			hint = "; is this a table, and which character stands between its cells?"
		}
		return l, strict.Field("delimiter", "%q finds one cell in every line of %s, so that every column of it is a target%s", s.Delimiter, t.file, hint)
	}
	if s.Weight.Set {
		i, err := t.find("weight", s.Weight.Column)
		if err != nil {
			return l, err
		}
		l.weight = i
	}
	if s.Target.Input && slices.Contains(t.header, targetInput) {
		return l, strict.Field("target", "%s stands for the inputs themselves, but %s has a column of that name; write target: [%s] for the column, or give it another name", targetInput, t.file, targetInput)
	}
	for _, c := range s.Target.Columns {
		i, err := t.find("target", c)
		switch {
		case err != nil:
			return l, err
		case slices.Contains(l.targets, i):
			return l, strict.Field("target", "column %s is listed twice", c)
		case i == l.weight:
			return l, strict.Field("weight", "column %s is also a target", s.Weight)
		}
		l.targets = append(l.targets, i)
	}
	for i := range width {
		if i != l.weight && !slices.Contains(l.targets, i) {
			l.features = append(l.features, i)
		}
	}
	if l.features == nil {
		what := "a target"
		if l.weight >= 0 {
			what = "a target or the weight"
		}
		return l, strict.Field("target", "every column of %s is %s; none is left to predict from", t.file, what)
	}
	return l, nil
}

// find returns the position of the column that an option names.
func (t *table) find(option string, c Column) (int, error) {
	width := len(t.rows[0])
	if c.Name == "" {
		i := c.Index
		if i < 0 {
			i += width
		}
		if i < 0 || i >= width {
			return 0, strict.Field(option, "column %s does not exist: %s has %d columns, 0 to %d", c, t.file, width, width-1)
		}
		return i, nil
	}
	if t.header == nil {
		return 0, strict.Field(option, "column %s is named, but the file is read without a header; set header: true", c)
	}
	var at []int
	for i, h := range t.header {
		if h == c.Name {
			at = append(at, i)
		}
	}
	switch len(at) {
	case 1:
		return at[0], nil
	case 0:
		return 0, strict.Field(option, "no column is named %s%s", c, t.suggest(c.Name))
	}
	var p []string
	for _, i := range at {
		p = append(p, strconv.Itoa(i))
	}
	return 0, strict.Field(option, "%d columns of %s are named %s, at the positions %s; say which by its position, or rename the others",
		len(at), t.file, c, strings.Join(p, ", "))
}

// suggest is [strict.Suggest] for the names of columns. Names that look the same
// are spelt out, with what is not ASCII escaped.
func (t *table) suggest(name string) string {
	for _, h := range t.header {
		switch {
		case plainName(h) == plainName(name):
			return fmt.Sprintf("; %s has one that looks the same but is written with other characters: %+q where the config has %+q", t.file, h, name)
		case strings.EqualFold(h, name):
			return fmt.Sprintf("; capitals count: %s has %s", t.file, strict.Quote(h))
		}
	}
	known := make([]string, 0, maxListed)
	for _, h := range t.header[:min(len(t.header), maxListed)] {
		known = append(known, strict.Plain(h))
	}
	return strict.Suggest(strict.Plain(name), known)
}

// plainName is a name as people see it: composed letters, single spaces, nothing
// invisible.
func plainName(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune("\u200b\u200c\u200d\u2060\ufeff\u00ad", r) {
			return -1
		}
		return r
	}, norm.NFKC.String(s))
	return strings.Join(strings.Fields(s), " ")
}

// checkHeader refuses a first line that was taken for names but looks like data:
// one of numbers. The line of 0, 1, 2, ... that pandas writes for a table
// without names is taken for names, and told.
func (s CSV) checkHeader(t *table) (warning string, err error) {
	if len(t.header) == 0 {
		return "", nil
	}
	for _, c := range append(slices.Clone(s.Target.Columns), s.Weight.Column) {
		if c.Name != "" && slices.Contains(t.header, c.Name) {
			return "", nil // the config says that these are names
		}
	}
	counted := true
	for i, h := range t.header {
		counted = counted && h == strconv.Itoa(i)
	}
	if counted && len(t.header) > 2 {
		return fmt.Sprintf("%s: the first line, %s, is taken for the names of the columns, as header: true says", t.file, listed(t.header)), nil
	}
	numbers, other := 0, -1
	for i, h := range t.header {
		switch _, err := parseNumber(h); {
		case err == nil:
			numbers++
		case isMissing(h):
		case other >= 0:
			return "", nil // two names
		default:
			other = i
		}
	}
	if numbers == 0 {
		return "", nil
	}
	// One text among numbers is a name, unless it is a label of the rows below.
	if other >= 0 && !slices.ContainsFunc(t.rows, func(r []string) bool { return strings.TrimSpace(r[other]) == t.header[other] }) {
		return "", nil
	}
	return "", damagedf(t.file, "the first line, %s, looks like data, but header: true takes it for the names of the columns; set header: false, "+
		"or, if these are names, name the target as text: target: [%q]", listed(t.header), strict.Plain(t.header[len(t.header)-1]))
}

// like returns the layout of the test part: each column where its name stands
// there, or in the same place in files without names. The result moved tells
// whether any column stands elsewhere.
func (l layout) like(train, test *table) (_ layout, moved bool, err error) {
	if train.header == nil {
		if a, b := len(train.rows[0]), len(test.rows[0]); a != b {
			return l, false, damagedf(test.file, "has %d columns where %s has %d", b, train.file, a)
		}
		return l, false, nil
	}
	if slices.Equal(train.header, test.header) {
		return l, false, nil
	}
	if !slices.ContainsFunc(test.header, func(h string) bool { return !isNumber(h) && !isMissing(h) }) {
		return l, false, damagedf(test.file, "the first line, %s, should name the columns as that of %s does: %s; add that line to it",
			listed(test.header), train.file, listed(train.header))
	}
	missing, extra := without(train.header, test.header), without(test.header, train.header)
	if missing != nil || extra != nil {
		var what []string
		if missing != nil {
			what = append(what, "lacks "+listed(missing))
		}
		if extra != nil {
			what = append(what, "has "+listed(extra)+" besides")
		}
		hint := "; the two files need the same names, in any order"
		if test.delimiterHint() != "" {
			hint = fmt.Sprintf("; the delimiter is %q for both files, and this one seems to have another", test.delimiter)
		}
		return l, false, damagedf(test.file, "does not have the columns of %s, %s: it %s%s",
			train.file, listed(train.header), strings.Join(what, ", and "), hint)
	}
	to := make([]int, len(train.header))
	for i, h := range train.header {
		if slices.Index(train.header, h) != i {
			return l, false, damagedf(test.file, "has the columns of %s in another order, but two of them are named %s, so that it is not known which is which; give each a name of its own",
				train.file, strict.Quote(h))
		}
		to[i] = slices.Index(test.header, h)
	}
	out := layout{weight: -1}
	for _, i := range l.features {
		out.features = append(out.features, to[i])
	}
	for _, i := range l.targets {
		out.targets = append(out.targets, to[i])
	}
	if l.weight >= 0 {
		out.weight = to[l.weight]
	}
	return out, true, nil
}

// without returns the names in a that b lacks; a name that is there twice is
// wanted twice.
func without(a, b []string) (out []string) {
	left := map[string]int{}
	for _, n := range b {
		left[n]++
	}
	for _, n := range a {
		if left[n]--; left[n] < 0 {
			out = append(out, n)
		}
	}
	return out
}

// parseNumber is strconv.ParseFloat for numbers as tables write them. Go's own
// forms, as 1_000 and 0x1p3, are text.
func parseNumber(s string) (float64, error) {
	if strings.ContainsAny(s, "_xX") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(s, 64)
}

func isNumber(s string) bool {
	_, err := parseNumber(s)
	return err == nil
}
