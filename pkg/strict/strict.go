// Package strict decodes YAML documents into Go values without ever ignoring
// anything: unknown and duplicate keys, wrong types and non-finite numbers are
// errors that name the file and line, the key, and what would be valid.
//
// A [Value] is a YAML node together with where it came from, so that a value
// can be decoded, and complained about, long after the file was parsed.
package strict

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Doc is one parsed YAML document and the assignments made to it since.
type Doc struct {
	File string
	root *yaml.Node

	// origin names the assignment ("--set train.epochs=3") that made a node;
	// nodes of the file itself are absent.
	origin map[*yaml.Node]string
}

// Parse reads the single YAML document in data. The file name is used in
// messages only.
func Parse(file string, data []byte) (*Doc, error) {
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var n yaml.Node
	if err := dec.Decode(&n); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty; expected a mapping of settings", file)
		}
		return nil, fmt.Errorf("%s: %s", Plain(file), problem(err))
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, fmt.Errorf("%s: %s", Plain(file), problem(err))
		}
		return nil, fmt.Errorf("%s:%d: a second YAML document starts here; a file holds one", Plain(file), more.Line)
	}
	d := &Doc{File: file, origin: map[*yaml.Node]string{}}
	var err error
	d.root, err = d.unfold(n.Content[0])
	return d, err
}

// problem is what the YAML library says, which may repeat a name from the file.
func problem(err error) string {
	return Plain(strings.TrimPrefix(err.Error(), "yaml: "))
}

// Root returns the whole document as a value.
func (d *Doc) Root() Value { return Value{doc: d, node: d.root} }

// YAML writes the document, with the assignments made to it.
func (d *Doc) YAML() ([]byte, error) { return yaml.Marshal(d.root) }

// A Value is a node of a document and its key path. The zero Value is absent.
type Value struct {
	doc  *Doc
	node *yaml.Node
	key  string
}

// IsZero reports whether the value is absent.
func (v Value) IsZero() bool { return v.node == nil }

// Key returns the path of keys that leads to the value, joined by dots.
func (v Value) Key() string { return v.key }

// Where returns "file:line" of the value, or the assignment that made it.
func (v Value) Where() string {
	if v.node == nil || v.doc == nil {
		return ""
	}
	if o, ok := v.doc.origin[v.node]; ok {
		return o
	}
	return fmt.Sprintf("%s:%d", Plain(v.doc.File), v.node.Line)
}

// An Error is a complaint about one value. Where is "file:line".
type Error struct{ Where, Key, Msg string }

func (e *Error) Error() string {
	s := e.Msg
	if e.Key != "" {
		s = Plain(e.Key) + ": " + s
	}
	if e.Where != "" {
		s = e.Where + ": " + s
	}
	return s
}

// Errorf returns an Error about v. Of what %q and %v print of the user's own text
// it keeps the beginning.
func (v Value) Errorf(text string, args ...any) error {
	return &Error{Where: v.Where(), Key: v.key, Msg: format(text, args)}
}

// A FieldError is what a constructor says of one of its options, by key. It
// does not know where that key was written; [Value.Locate] does.
type FieldError struct{ Key, Msg string }

func (e *FieldError) Error() string { return e.Key + ": " + e.Msg }

// Field returns a FieldError.
func Field(key, text string, args ...any) error {
	return &FieldError{Key: key, Msg: format(text, args)}
}

// Locate gives an error from a constructor the place of the value that the
// constructor was built from: a FieldError the place of its key, and any other
// error that of v. An Error keeps the place it has; nil stays nil.
func (v Value) Locate(err error) error {
	var at *Error
	var field *FieldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &at):
		return err
	case errors.As(err, &field):
		if c, ok := v.Lookup(field.Key); ok {
			return c.Errorf("%s", field.Msg)
		}
		return (Value{v.doc, v.node, join(v.key, field.Key)}).Errorf("%s", field.Msg)
	}
	return v.Errorf("%s", err)
}

// Lookup returns the value under a key of a mapping; a dotted key leads
// through nested mappings, and ranges[2] to an element of a list.
func (v Value) Lookup(key string) (Value, bool) {
	n := v.node
	if n == nil || n.Kind != yaml.MappingNode {
		return Value{}, false
	}
	for i := 0; i < len(n.Content); i += 2 {
		k, c := n.Content[i].Value, Value{v.doc, n.Content[i+1], join(v.key, n.Content[i].Value)}
		if k == key {
			return c, true
		}
		if rest, ok := strings.CutPrefix(key, k+"."); ok {
			if r, ok := c.Lookup(rest); ok {
				return r, true
			}
		}
		if rest, ok := strings.CutPrefix(key, k+"["); ok {
			if r, ok := c.element(rest); ok {
				return r, true
			}
		}
	}
	return Value{}, false
}

// element returns what i] or i].key leads to in a list.
func (v Value) element(key string) (Value, bool) {
	index, rest, _ := strings.Cut(key, "]")
	i, err := strconv.Atoi(index)
	if n := v.node; err != nil || n.Kind != yaml.SequenceNode || i < 0 || i >= len(n.Content) {
		return Value{}, false
	}
	c := Value{v.doc, v.node.Content[i], fmt.Sprintf("%s[%d]", v.key, i)}
	if rest == "" {
		return c, true
	}
	rest, ok := strings.CutPrefix(rest, ".")
	if !ok {
		return Value{}, false
	}
	return c.Lookup(rest)
}

// Items returns the elements of a sequence. An element that has a name is
// addressed by it in messages, another by its position.
func (v Value) Items() ([]Value, error) {
	n := v.node
	if n.Kind != yaml.SequenceNode {
		return nil, v.Errorf("expected a list, got %s", describe(n))
	}
	items := make([]Value, len(n.Content))
	for i, c := range n.Content {
		items[i] = Value{v.doc, c, fmt.Sprintf("%s[%d]", v.key, i)}
		if name := nameOf(c); name != "" {
			items[i].key = join(v.key, name)
		}
	}
	return items, nil
}

// Text returns the value if it is a scalar string.
func (v Value) Text() (string, bool) {
	n := v.node
	if n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return "", false
	}
	return n.Value, true
}

// IsMapping reports whether the value is a mapping.
func (v Value) IsMapping() bool {
	n := v.node
	return n != nil && n.Kind == yaml.MappingNode
}

// IsNumber reports whether the value is a number.
func (v Value) IsNumber() bool {
	n := v.node
	return n != nil && n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!int" || n.ShortTag() == "!!float")
}

// nameOf returns the `name` of a mapping node, or "".
func nameOf(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == "name" && n.Content[i+1].Kind == yaml.ScalarNode {
			return n.Content[i+1].Value
		}
	}
	return ""
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// describe says what a node is, for messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!str":
		return "the text " + Quote(n.Value)
	case "!!int", "!!float":
		return "the number " + Plain(n.Value)
	case "!!bool":
		return "the truth value " + Plain(n.Value)
	}
	return Quote(n.Value)
}
