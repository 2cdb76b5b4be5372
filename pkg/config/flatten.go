package config

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/runlog"
	"go.yaml.in/yaml/v3"
)

// Flatten adds a part of a config to settings: the scalars of its YAML text under
// dotted keys.
func Flatten(s runlog.Settings, key string, value any) error { return flat(s).add(key, value) }

// DataKey is the same for configs that read and prepare data in the same way.
func (c *Config) DataKey() string {
	s := runlog.Settings{}
	if err := Flatten(s, "data", c.Data); err != nil {
		panic("config: data settings that were decoded cannot be written: " + err.Error())
	}
	return fmt.Sprint(c.Loss.Must().Target(), s.Identity())
}

// flat are settings while parts of a config are added to them.
type flat runlog.Settings

// add adds the scalars of a value. They are made from the values themselves, since a sweep of thousands of runs
// would spend its time writing and parsing YAML. File names hold dots, so that
// keys are for people and the map is never taken apart again.
func (s flat) add(key string, value any) error {
	switch v := value.(type) {
	case registry.Mapping:
		s[key+"."+v.Key] = v.Name
		for _, o := range v.Options {
			if err := s.add(key, o); err != nil {
				return err
			}
		}
		return nil
	case *yaml.Node:
		s.addNode(key, v)
		return nil
	case yaml.Marshaler:
		if r := reflect.ValueOf(value); r.Kind() == reflect.Pointer && r.IsNil() {
			break
		}
		text, err := v.MarshalYAML()
		if err != nil {
			return err
		}
		return s.add(key, text)
	}
	return s.addValue(key, reflect.ValueOf(value))
}

func (s flat) addValue(key string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Invalid:
		s[key] = "null"
	case reflect.Pointer:
		if v.IsNil() {
			s[key] = "null"
			return nil
		}
		return s.add(key, v.Elem().Interface())
	case reflect.Struct:
		return s.addFields(key, v)
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			if err := s.add(key+"."+k.String(), v.MapIndex(k).Interface()); err != nil {
				return err
			}
		}
	case reflect.Slice:
		s[key+".length"] = strconv.Itoa(v.Len())
		for i := range v.Len() {
			if err := s.add(fmt.Sprintf("%s[%d]", key, i), v.Index(i).Interface()); err != nil {
				return err
			}
		}
	case reflect.String:
		s[key] = v.String()
	case reflect.Bool:
		s[key] = strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int64:
		s[key] = strconv.FormatInt(v.Int(), 10)
	case reflect.Uint64:
		s[key] = strconv.FormatUint(v.Uint(), 10)
	case reflect.Float64:
		s[key] = floatText(v.Float())
	default:
		return fmt.Errorf("%s: a setting of type %s has no text", key, v.Type())
	}
	return nil
}

// addFields adds the fields of a struct as package yaml would name them.
func (s flat) addFields(key string, v reflect.Value) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || name == "-" || strings.Contains(options, "omitempty") && isZero(v.Field(i)) {
			continue
		}
		at := key
		if !strings.Contains(options, "inline") {
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			at += "." + name
		}
		if err := s.add(at, v.Field(i).Interface()); err != nil {
			return err
		}
	}
	return nil
}

// isZero reports whether package yaml leaves out a field marked omitempty.
func isZero(v reflect.Value) bool {
	if z, ok := v.Interface().(yaml.IsZeroer); ok {
		return z.IsZero()
	}
	return v.IsZero()
}

// floatText is a number as package yaml writes it.
func floatText(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return ".inf"
	case math.IsInf(x, -1):
		return "-.inf"
	case math.IsNaN(x):
		return ".nan"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// addNode adds the scalars below n.
func (s flat) addNode(key string, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			s.addNode(key+"."+n.Content[i].Value, n.Content[i+1])
		}
	case yaml.SequenceNode:
		s[key+".length"] = strconv.Itoa(len(n.Content))
		for i, c := range n.Content {
			s.addNode(fmt.Sprintf("%s[%d]", key, i), c)
		}
	default:
		s[key] = n.Value
	}
}
