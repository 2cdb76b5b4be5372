package datasets

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
)

// Bounds on classes: a network has an output for each.
const (
	maxClasses = 10_000
	// fewClasses are never too many, however few examples there are.
	fewClasses = 100
)

// missing are the texts that stand for a value that is not there, in small
// letters: those of pandas, R, Weka and spreadsheets. A dash is one as well,
// unless + is a label too.
var missing = []string{
	"", "nan", "-nan", "+nan", "na", "n/a", "<na>", "#na", "#n/a", "#n/a n/a", "nat", "null", "nil", "none", "missing", "(null)",
	"?", ".", "..", "--", "---", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "#null!", "#value!", "#ref!", "#div/0!", "#num!", "#name?",
}

func isMissing(cell string) bool {
	return slices.Contains(missing, strings.ToLower(strings.TrimSpace(cell)))
}

// A labelSet are the labels of a column and their classes.
type labelSet struct {
	names   []string // by class
	class   map[string]int
	numeric bool
	merged  bool // whether one number is written in several ways

	alike []string // two that people may mean to be one; nil if there are none
}

// newLabelSet finds the labels of a column. If all are numbers, equal numbers
// are one label however they are written, and the classes are in numeric order;
// else they are in the order of their bytes.
func newLabelSet(t *table, col int) (*labelSet, error) {
	texts := map[string]int{} // where each occurs first
	for i := range t.rows {
		name := strings.TrimSpace(t.rows[i][col])
		if _, ok := texts[name]; ok {
			continue
		}
		if len(texts) == maxClasses {
			return nil, damagedf(t.file, "column %s has more than %d different labels, and each would be a class; are they numbers to predict? "+
				"Then use task: regression with the loss squared or huber", t.column(col), maxClasses)
		}
		texts[name] = i
	}
	s := &labelSet{class: map[string]int{}, numeric: true}
	_, plus := texts["+"]
	var found []string
	for name := range texts {
		found = append(found, name)
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(texts[a], texts[b]) })
	infinite := -1
	for _, name := range found {
		if isMissing(name) || name == "-" && !plus {
			what := "is empty"
			if name != "" {
				what = strict.Quote(name) + " stands for a missing value"
			}
			return nil, damagedf(t.file, "line %d, column %s: the label %s; remove the row or fill the cell; a class that is called so needs another name", t.lines[texts[name]], t.column(col), what)
		}
		v, err := parseNumber(name)
		if math.IsInf(v, 0) { // also of 1e400
			infinite = texts[name]
			continue
		}
		s.numeric = s.numeric && err == nil
	}
	if infinite >= 0 && s.numeric && len(found) > 1 {
		return nil, damagedf(t.file, "line %d, column %s: the label %s is not a finite number", t.lines[infinite], t.column(col), strict.Quote(strings.TrimSpace(t.rows[infinite][col])))
	}
	s.numeric = s.numeric && infinite < 0
	first := map[string]string{} // the text of each number
	for _, name := range found {
		key := labelKey(name)
		other, ok := first[key]
		switch {
		case !ok:
			first[key] = name
		case s.numeric:
			s.merged = true
		default:
			return nil, damagedf(t.file, "line %d, column %s: the label %s is the number that line %d writes %s, beside labels that are text; write it in one way",
				t.lines[texts[name]], t.column(col), strict.Quote(name), t.lines[texts[other]], strict.Quote(other))
		}
	}
	if s.numeric {
		for key := range first {
			s.names = append(s.names, key)
		}
		slices.SortFunc(s.names, compareNumbers)
	} else {
		s.names = slices.Sorted(slices.Values(found))
	}
	seen := map[string]string{}
	for i, n := range s.names {
		s.class[n] = i
		plain := strings.ToLower(plainName(n))
		if other, ok := seen[plain]; ok && s.alike == nil && !s.numeric {
			s.alike = []string{other, n}
		}
		seen[plain] = n
	}
	for _, name := range found { // spares most rows the parsing of a number
		s.class[name], _ = s.of(name)
	}
	return s, nil
}

// measured reports whether the labels of so many rows look like numbers to predict:
// most rows have a fraction of their own, or the labels are more than a few and lie
// far apart, as prices do.
func (s *labelSet) measured(rows int) bool {
	n := len(s.names)
	if !s.numeric || n <= manyClasses {
		return false
	}
	low, _ := parseNumber(s.names[0])
	high, _ := parseNumber(s.names[n-1])
	fraction := slices.ContainsFunc(s.names, func(name string) bool {
		v, _ := parseNumber(name)
		return v != math.Trunc(v)
	})
	return fraction && 2*n > rows || n > fewClasses && high-low > 2*float64(n)
}

// of returns the class of a label.
func (s *labelSet) of(text string) (class int, ok bool) {
	text = strings.TrimSpace(text)
	if class, ok = s.class[text]; !ok && s.numeric {
		class, ok = s.class[labelKey(text)]
	}
	return class, ok
}

// labelKey is the same for texts of the same finite number; other texts are
// their own. Integers that float64 does not tell apart are compared by digits.
func labelKey(text string) string {
	v, err := parseNumber(text)
	switch {
	case err != nil || math.IsInf(v, 0) || math.IsNaN(v):
		return text
	case v == 0:
		return "0" // also of -0
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case math.Abs(v) < 1<<53:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	sign := ""
	if v < 0 {
		sign = "-"
	}
	digits := strings.TrimLeft(whole, "+-0")
	if strings.Trim(fraction, "0") != "" || strings.Trim(digits, "0123456789") != "" {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return sign + digits
}

// compareNumbers orders texts of numbers by value.
func compareNumbers(a, b string) int {
	x, _ := parseNumber(a) // both are numbers
	y, _ := parseNumber(b)
	c := cmp.Compare(x, y)
	if c != 0 {
		return c
	}
	// Of integers too long for a float64, the one with more digits, then the one
	// with greater digits, is further from 0.
	if c = cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)); x < 0 {
		return -c
	}
	return c
}

// Labels are labels as the files of a set write them. In a config, one label may
// stand for a list of one.
type Labels []string

func (l *Labels) UnmarshalStrict(v strict.Value) error {
	items, err := v.ItemsOrOne()
	if err != nil {
		return err
	}
	*l = Labels{}
	for _, item := range items {
		text, ok := item.Scalar()
		if !ok {
			return item.Errorf("expected a label, a number or text")
		}
		*l = append(*l, strings.TrimSpace(text))
	}
	return nil
}

// MarshalYAML writes labels that YAML takes for numbers as such.
func (l Labels) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, text := range l {
		item := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
		if tag := item.ShortTag(); tag == "!!int" || tag == "!!float" || tag == "!!bool" {
			item.Tag = tag
		} else {
			item.SetString(text)
		}
		n.Content = append(n.Content, item)
	}
	return n, nil
}

// class returns the class of a label that a config names: by its name, or as the
// files write it, where numbers may be written in any way.
func (r *Raw) class(label string) (int, error) {
	if i := slices.Index(r.Classes, label); i >= 0 {
		return i, nil
	}
	key := labelKey(label)
	for _, names := range [][]string{r.Codes, r.Classes} {
		if i := slices.IndexFunc(names, func(n string) bool { return labelKey(n) == key }); i >= 0 {
			return i, nil
		}
	}
	var known []string
	for i, n := range r.Classes[:min(len(r.Classes), maxListed)] {
		n = strict.Plain(n)
		if r.Codes != nil {
			n = fmt.Sprintf("%s (%s)", n, r.Codes[i])
		}
		known = append(known, n)
	}
	more := ""
	if n := len(r.Classes) - len(known); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return 0, strict.Field("binary", "no example has the label %s; the labels are %s%s%s", strict.Quote(label), strings.Join(known, ", "), more, r.similar(label))
}

// similar suggests the name that differs in capitals alone.
func (r *Raw) similar(label string) string {
	for _, n := range r.Classes {
		if strings.EqualFold(n, label) {
			return fmt.Sprintf("; did you mean %s?", strict.Quote(n))
		}
	}
	return ""
}
