package strict

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// UnmarshalStrict keeps the value as it was written, to be decoded later.
func (v *Value) UnmarshalStrict(from Value) error {
	*v = from
	return nil
}

// MarshalYAML returns the value as it was written, without comments.
func (v Value) MarshalYAML() (any, error) { return v.node, nil }

// Without returns a mapping without one of its keys, for a key that a part of the
// program reads for itself.
func (v Value) Without(key string) Value {
	n := *v.node
	n.Content = nil
	for i := 0; i < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value != key {
			n.Content = append(n.Content, v.node.Content[i], v.node.Content[i+1])
		}
	}
	if from, ok := v.doc.origin[v.node]; ok {
		v.doc.origin[&n] = from
	}
	return Value{v.doc, &n, v.key}
}

// With returns a mapping with one key more, if it has none of that name, for what a part
// of the program takes from elsewhere. In messages the value keeps its place.
func (v Value) With(key string, value Value) Value {
	if _, ok := v.Lookup(key); ok {
		return v
	}
	n := *v.node
	n.Content = append(slices.Clip(n.Content), &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value.node)
	if from, ok := v.doc.origin[v.node]; ok {
		v.doc.origin[&n] = from
	}
	return Value{v.doc, &n, v.key}
}

// Keys returns the keys of a mapping in their order, nil of anything else.
func (v Value) Keys() (keys []string) {
	if v.IsMapping() {
		for i := 0; i < len(v.node.Content); i += 2 {
			keys = append(keys, v.node.Content[i].Value)
		}
	}
	return keys
}

// Any returns the value as numbers, text, truth values, lists and mappings.
func (v Value) Any() (any, error) {
	var x any
	if err := v.node.Decode(&x); err != nil {
		return nil, v.Errorf("%s", problem(err))
	}
	return x, nil
}

// List reads YAML values separated by commas, which do not split inside
// brackets, braces and quotes: "0.1,{schedule: cosine, initial: 1}" are two.
// The origin says in messages where the text was given, as "--grid KEY=TEXT".
func List(origin, text string) ([]Value, error) {
	origin = Plain(origin)
	wrong := func(why string) ([]Value, error) {
		return nil, fmt.Errorf("%s: expected YAML values separated by commas, as in 0.1,1 or [64],[64, 64]: %s", origin, why)
	}
	if strings.TrimSpace(text) == "" {
		return wrong("there are none")
	}
	// The text is the inside of a YAML list; the element added at its end turns
	// a comma at the end, which YAML allows, into the empty value that it is.
	dec := yaml.NewDecoder(strings.NewReader("[" + text + ",0]"))
	var n, more yaml.Node
	if err := dec.Decode(&n); err != nil {
		return wrong("a value is empty, or brackets or quotes do not match: " + problem(err))
	}
	list := n.Content[0]
	switch {
	case !errors.Is(dec.Decode(&more), io.EOF) || list.Kind != yaml.SequenceNode || len(list.Content) < 2:
		return wrong("a bracket closes too early")
	case hasComment(&n):
		return wrong("# begins a comment; put text that holds it in quotes")
	}
	d := &Doc{File: origin, origin: map[*yaml.Node]string{}}
	list, err := d.unfold(list)
	if err != nil {
		return nil, err
	}
	var values []Value
	for _, c := range list.Content[:len(list.Content)-1] {
		values = append(values, Value{doc: d, node: d.own(c, origin)})
	}
	return values, nil
}

func hasComment(n *yaml.Node) bool {
	if n.HeadComment+n.LineComment+n.FootComment != "" {
		return true
	}
	for _, c := range n.Content {
		if hasComment(c) {
			return true
		}
	}
	return false
}

// From returns the value with another origin in messages.
func (v Value) From(origin string) Value {
	d := &Doc{File: origin, origin: map[*yaml.Node]string{}}
	return Value{doc: d, node: d.own(v.node, origin), key: v.key}
}

// Scalar returns the text of a scalar as it was written, be it text, a number, a
// truth value or a date; nothing (null) is no scalar.
func (v Value) Scalar() (string, bool) {
	n := v.node
	if n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return "", false
	}
	return n.Value, true
}

// ItemsOrOne is Items for a list, and for a scalar the list of it alone.
func (v Value) ItemsOrOne() ([]Value, error) {
	if _, ok := v.Scalar(); ok {
		return []Value{v}, nil
	}
	return v.Items()
}
