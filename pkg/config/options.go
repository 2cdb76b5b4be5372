package config

import (
	"iter"
	"reflect"
	"strings"
)

// EachOption yields the fields of a type in a struct of options and the structs in
// it, by key.
func EachOption[F any](options any) iter.Seq2[string, F] {
	return func(yield func(string, F) bool) { visit(reflect.ValueOf(options), "", yield) }
}

// visit reports whether to go on.
func visit[F any](v reflect.Value, prefix string, yield func(string, F) bool) bool {
	if v.Kind() == reflect.Interface { // the options of a choice within
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return true
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if o, ok := v.Field(i).Interface().(F); ok {
			if !yield(join(prefix, key), o) {
				return false
			}
		} else if !visit(v.Field(i), join(prefix, key), yield) {
			return false
		}
	}
	return true
}
