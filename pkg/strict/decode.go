package strict

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Unmarshaler decodes itself.
type Unmarshaler interface{ UnmarshalStrict(v Value) error }

var unmarshalerType = reflect.TypeFor[Unmarshaler]()

// Decode stores the value in dst, a pointer, keeping what dst holds for keys
// that are absent: that is how defaults work. Struct fields are matched by
// their `yaml` tag, exactly; fields without a tag are not settings. Several
// dsts, all structs, share the keys of one mapping. All that is wrong with the
// value is reported, not the first thing only.
func (v Value) Decode(dsts ...any) error {
	if len(dsts) == 1 {
		return v.into(reflect.ValueOf(dsts[0]).Elem())
	}
	fields := map[string]reflect.Value{}
	var order []string
	for _, d := range dsts {
		order = collect(fields, order, reflect.ValueOf(d).Elem())
	}
	return v.mapping(fields, order)
}

func (v Value) into(dst reflect.Value) error {
	if dst.CanAddr() && dst.Addr().Type().Implements(unmarshalerType) {
		return dst.Addr().Interface().(Unmarshaler).UnmarshalStrict(v)
	}
	n := v.node
	if n.ShortTag() == "!!null" {
		return v.Errorf("has no value; expected %s (leave the key out for the default)", expected(dst.Type()))
	}
	wrong := func() error {
		msg := fmt.Sprintf("expected %s, got %s", expected(dst.Type()), describe(n))
		if dst.Kind() == reflect.String && n.Kind == yaml.ScalarNode {
			msg += "; put it in quotes: " + Quote(n.Value)
		}
		return v.Errorf("%s", msg)
	}
	if k := dst.Kind(); k != reflect.String && v.IsNumber() && octal(n.Value) {
		return v.Errorf("%s is a number of base 8 to some readers of YAML and of base 10 to others; write it without the 0 in front, or as 0o...", Plain(n.Value))
	}
	switch dst.Kind() {
	case reflect.Struct:
		fields := map[string]reflect.Value{}
		return v.mapping(fields, collect(fields, nil, dst))
	case reflect.Pointer:
		p := reflect.New(dst.Type().Elem())
		if !dst.IsNil() {
			p.Elem().Set(dst.Elem())
		}
		if err := v.into(p.Elem()); err != nil {
			return err
		}
		dst.Set(p)
		return nil
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return wrong()
		}
		items, err := v.Items()
		if err != nil {
			return err
		}
		s := reflect.MakeSlice(dst.Type(), len(items), len(items))
		var errs []error
		for i, item := range items {
			errs = append(errs, item.into(s.Index(i)))
		}
		dst.Set(s)
		return errors.Join(errs...)
	case reflect.String:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
			return wrong()
		}
		dst.SetString(n.Value)
		return nil
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Decode(dst.Addr().Interface()) != nil {
			return wrong()
		}
		return nil
	case reflect.Int, reflect.Int64, reflect.Uint64:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Decode(dst.Addr().Interface()) != nil {
			return wrong()
		}
		return nil
	case reflect.Float64:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" && n.ShortTag() != "!!float" || n.Decode(dst.Addr().Interface()) != nil {
			return wrong()
		}
		if f := dst.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return v.Errorf("expected a finite number, got %s", Plain(n.Value))
		}
		return nil
	}
	panic("strict: cannot decode into " + dst.Type().String())
}

// octal reports whether a whole number with a 0 in front is another one in base 8, as
// YAML 1.1 reads it, than in base 10, as YAML 1.2 does, or is none in base 8.
func octal(text string) bool {
	digits := strings.ReplaceAll(strings.TrimLeft(text, "+-"), "_", "")
	if len(digits) < 2 || digits[0] != '0' || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	digits = strings.TrimLeft(digits, "0")
	return len(digits) > 1 || digits == "8" || digits == "9"
}

func expected(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		return "a mapping"
	case reflect.Pointer:
		return expected(t.Elem())
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number that is not negative"
	}
	return "a number"
}

// collect adds the settings of struct s to fields, and their keys to order.
func collect(fields map[string]reflect.Value, order []string, s reflect.Value) []string {
	for i := range s.NumField() {
		tag, ok := s.Type().Field(i).Tag.Lookup("yaml")
		if !ok || tag == "-" {
			continue
		}
		key, opts, _ := strings.Cut(tag, ",")
		if strings.Contains(opts, "inline") {
			order = collect(fields, order, s.Field(i))
			continue
		}
		if _, taken := fields[key]; taken {
			continue // by a struct before, whose own meaning of the key counts
		}
		fields[key] = s.Field(i)
		order = append(order, key)
	}
	return order
}

// mapping decodes the keys of v into fields; order lists the valid keys as
// messages should show them.
func (v Value) mapping(fields map[string]reflect.Value, order []string) error {
	n := v.node
	if n.Kind != yaml.MappingNode {
		return v.Errorf("expected a mapping with the keys %s; got %s", strings.Join(order, ", "), describe(n))
	}
	var errs []error
	seen := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		at := Value{v.doc, k, join(v.key, k.Value)}
		if o, ok := v.doc.origin[n.Content[i+1]]; ok {
			v.doc.origin[k] = o
		}
		if k.Kind != yaml.ScalarNode {
			errs = append(errs, Value{v.doc, k, v.key}.Errorf("a key must be text, got %s", describe(k)))
			continue
		}
		if line, dup := seen[k.Value]; dup {
			errs = append(errs, at.Errorf("duplicate key, first on line %d", line))
			continue
		}
		seen[k.Value] = k.Line
		f, ok := fields[k.Value]
		if !ok {
			errs = append(errs, at.Errorf("unknown key%s", Suggest(k.Value, order)))
			continue
		}
		errs = append(errs, Value{v.doc, n.Content[i+1], at.key}.into(f))
	}
	return errors.Join(errs...)
}

// Suggest returns "; did you mean X? (known: ...)" for a misspelt name.
func Suggest(got string, known []string) string {
	best, dist := "", len(got)/2+2
	for _, k := range known {
		if len(got) > wordLength || len(k) > wordLength || k == got {
			continue
		}
		if d := distance(got, k); d < dist {
			best, dist = k, d
		}
	}
	s := ""
	if best != "" {
		s = "; did you mean " + Quote(best) + "?"
	}
	if len(known) == 0 {
		return s + " (nothing is known here)"
	}
	var names []string
	for _, k := range known[:min(len(known), shownNames)] {
		names = append(names, Plain(k))
	}
	if more := len(known) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return s + " (known: " + strings.Join(names, ", ") + ")"
}

// distance is the number of single-letter edits and swaps of neighbours that
// turn a into b (Damerau 1964, restricted).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
