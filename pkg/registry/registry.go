package registry

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
)

// A Table holds the known implementations of T. It is written only during
// package initialisation, and read-only after.
type Table[T any] struct {
	Kind string // in messages: "loss", "oracle"
	Key  string // the config key that holds the name; "" means "kind"

	entries map[string]*Entry[T]
	refused map[string]string
}

// Info describes one implementation to people.
type Info struct {
	Name      string
	Doc       string // one line
	Reference string // where it comes from; "" if it is folklore
}

// An Entry is one implementation.
type Entry[T any] struct {
	Info
	Defaults any                 // the options struct, with default values
	Trials   []func() (T, error) // the defaults and the further settings that conformance suites cover

	decode func(v strict.Value, common []any) (Choice[T], error)
	choose any // func(edit func(*O)) (Choice[T], error) for the type O of the options
}

// Add registers an implementation whose options are the struct type O: fields
// tagged `yaml:"key" doc:"one line"`. The function build checks the options,
// with [strict.Field] errors, and returns a fresh value each time. Trials are
// further options for conformance suites. Add panics on a duplicate name.
func Add[T, O any](t *Table[T], info Info, defaults O, build func(O) (T, error), trials ...O) {
	if _, dup := t.entries[info.Name]; dup {
		panic(fmt.Sprintf("registry: %s %q registered twice", t.Kind, info.Name))
	}
	if t.entries == nil {
		t.entries = map[string]*Entry[T]{}
	}
	e := &Entry[T]{Info: info, Defaults: defaults}
	for _, o := range append([]O{defaults}, trials...) {
		e.Trials = append(e.Trials, func() (T, error) { return build(o) })
	}
	choice := func(o O, at strict.Value) (Choice[T], error) {
		make := func() (T, error) { return build(o) }
		if _, err := make(); err != nil {
			return Choice[T]{}, err
		}
		return Choice[T]{Name: info.Name, Options: o, At: at, key: t.key(), build: make}, nil
	}
	e.choose = func(edit func(*O)) (Choice[T], error) {
		o := defaults
		if edit != nil {
			edit(&o)
		}
		return choice(o, strict.Value{})
	}
	e.decode = func(v strict.Value, common []any) (Choice[T], error) {
		o := defaults
		if _, short := v.Text(); !short {
			name := reflect.New(reflect.StructOf([]reflect.StructField{{
				Name: "Name", Type: reflect.TypeFor[string](),
				Tag: reflect.StructTag(fmt.Sprintf("yaml:%q", t.key())),
			}}))
			if err := v.Decode(append([]any{name.Interface(), &o}, common...)...); err != nil {
				return Choice[T]{}, err
			}
		}
		c, err := choice(o, v)
		return c, v.Locate(err)
	}
	t.entries[info.Name] = e
}

// Refuse says why there is no implementation of a name that people look for.
func (t *Table[T]) Refuse(name, reason string) {
	if t.refused == nil {
		t.refused = map[string]string{}
	}
	t.refused[name] = reason
}

func (t *Table[T]) key() string {
	if t.Key == "" {
		return "kind"
	}
	return t.Key
}

// Names returns the known names in sorted order.
func (t *Table[T]) Names() []string {
	var ns []string
	for n := range t.entries {
		ns = append(ns, n)
	}
	slices.Sort(ns)
	return ns
}

// Entry returns the entry for a name, or nil.
func (t *Table[T]) Entry(name string) *Entry[T] { return t.entries[name] }

// Default returns the choice of a name with its default options. It panics on
// an unknown name or options that need a value: those are programming errors.
func (t *Table[T]) Default(name string) Choice[T] {
	e := t.entries[name]
	if e == nil {
		panic(fmt.Sprintf("registry: no %s %q", t.Kind, name))
	}
	return Choice[T]{Name: name, Options: e.Defaults, key: t.key(), build: e.Trials[0]}
}

// Decode reads a choice: a mapping {kind: name, option: value, ...}, or the
// bare name for default options. The structs in common share the mapping's
// keys. Options are checked here, so that New cannot fail for them later.
func (t *Table[T]) Decode(v strict.Value, common ...any) (Choice[T], error) {
	name, ok := v.Text()
	at := v
	if !ok {
		if !v.IsMapping() {
			return Choice[T]{}, v.Errorf("expected the name of %s or a mapping {%s: NAME, ...} (known: %s)", article(t.Kind), t.key(), strings.Join(t.Names(), ", "))
		}
		at, ok = v.Lookup(t.key())
		if !ok {
			return Choice[T]{}, v.Errorf("the key %q is missing: it names the %s (known: %s)", t.key(), t.Kind, strings.Join(t.Names(), ", "))
		}
		if err := at.Decode(&name); err != nil {
			return Choice[T]{}, err
		}
	}
	e, err := t.find(name)
	if err != nil {
		return Choice[T]{}, at.Locate(err)
	}
	return e.decode(v, common)
}

// find returns the entry for a name. The error says why there is none, or which
// names come near.
func (t *Table[T]) find(name string) (*Entry[T], error) {
	if reason, ok := t.refused[name]; ok {
		return nil, fmt.Errorf("there is no %s %s: %s", t.Kind, name, reason)
	}
	if e := t.entries[name]; e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("unknown %s %s%s", t.Kind, strict.Quote(name), strict.Suggest(name, t.Names()))
}

// Choose makes a choice in a program, as [Table.Decode] reads one from a config: the
// default options of a name, as edit changes them, checked. Options of a slice or a map
// are shared with the defaults, so that edit sets them as a whole. A nil edit leaves the
// defaults. O is the options struct of the implementation, and any other is an error.
//
//	registry.Choose(&nn.Models, "mlp", func(m *nn.MLP) { m.Hidden = []int{64} })
func Choose[T, O any](t *Table[T], name string, edit func(*O)) (Choice[T], error) {
	e, err := t.find(name)
	if err != nil {
		return Choice[T]{}, err
	}
	choose, ok := e.choose.(func(func(*O)) (Choice[T], error))
	if !ok {
		return Choice[T]{}, fmt.Errorf("%s %s: its options are %T, not %v", t.Kind, name, e.Defaults, reflect.TypeFor[O]())
	}
	c, err := choose(edit)
	if err != nil {
		return Choice[T]{}, fmt.Errorf("%s %s: %w", t.Kind, name, err)
	}
	return c, nil
}

// A Choice is one implementation with its options, as a config or [Choose] chose it.
type Choice[T any] struct {
	Name    string
	Options any          // the options struct, complete
	At      strict.Value // where it was written; zero for what a program chose

	key   string
	build func() (T, error)
}

// ChoiceOf returns a choice made by a program, for a default that is needed
// while the table fills up.
func ChoiceOf[T, O any](t *Table[T], name string, options O, build func(O) (T, error)) Choice[T] {
	return Choice[T]{Name: name, Options: options, key: t.key(), build: func() (T, error) { return build(options) }}
}

// New returns a fresh value; its options were checked before.
func (c Choice[T]) New() (T, error) { return c.build() }

// Must is New for choices that were decoded or made by [Choose], whose options are known
// to be valid. It panics if they are not.
func (c Choice[T]) Must() T {
	v, err := c.build()
	if err != nil {
		panic(fmt.Sprintf("registry: %s: %v", c.Name, err))
	}
	return v
}

// IsZero reports whether nothing was chosen.
func (c Choice[T]) IsZero() bool { return c.build == nil }

// MarshalYAML returns the mapping {kind: name, every option: value}.
func (c Choice[T]) MarshalYAML() (any, error) { return c.Mapping(), nil }

// Mapping returns the choice as a config would hold it.
func (c Choice[T]) Mapping() Mapping { return Mapping{c.key, c.Name, []any{c.Options}} }

// A Mapping is {kind: name, every option: value}: a choice without its type.
type Mapping struct {
	Key, Name string
	Options   []any // structs that share the mapping
}

// MarshalYAML returns the mapping as a node.
func (m Mapping) MarshalYAML() (any, error) {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
	out.Content = append(out.Content,
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: m.Key},
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: m.Name})
	for _, o := range m.Options {
		n := &yaml.Node{}
		if err := n.Encode(o); err != nil {
			return nil, err
		}
		if n.Kind == yaml.MappingNode {
			out.Content = append(out.Content, n.Content...)
		}
	}
	return out, nil
}

// An Option is one setting of an implementation, for help text.
type Option struct {
	Key, Default, Doc string
}

// Nested is an option that may be a mapping {key: {...}} with settings of its own, or, if the
// key is "", that is such settings.
type Nested interface {
	Nested() (key string, defaults any)
}

// A Documented options struct says of some of its settings, by key, what their tags
// cannot, since they are part of a struct that others have too; "" leaves the tag.
type Documented interface {
	OptionDoc(key string) string
}

// Options lists the settings of an options struct, with their defaults.
func Options(defaults any) []Option {
	v := reflect.ValueOf(defaults)
	if v.Kind() != reflect.Struct {
		return nil
	}
	var out []Option
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if strings.Contains(opts, "inline") {
			out = append(out, Options(v.Field(i).Interface())...)
			continue
		}
		if key == "" || key == "-" {
			continue
		}
		var node yaml.Node
		err := node.Encode(v.Field(i).Interface())
		if node.Kind == yaml.SequenceNode || node.Kind == yaml.MappingNode {
			node.Style = yaml.FlowStyle // on one line
		}
		var text []byte
		if err == nil {
			text, err = yaml.Marshal(&node)
		}
		if err != nil {
			panic(fmt.Sprintf("registry: option %s: %v", key, err))
		}
		out = append(out, Option{Key: key, Default: strings.TrimSpace(string(text)), Doc: f.Tag.Get("doc")})
		if n, ok := v.Field(i).Interface().(Nested); ok {
			inner, defaults := n.Nested()
			for _, o := range Options(defaults) {
				if o.Key = key + "." + o.Key; inner != "" {
					o.Key = key + "." + inner + strings.TrimPrefix(o.Key, key)
				}
				out = append(out, o)
			}
		}
	}
	if d, ok := defaults.(Documented); ok {
		for i, o := range out {
			if doc := d.OptionDoc(o.Key); doc != "" {
				out[i].Doc = doc
			}
		}
	}
	return out
}

// article puts a or an before the name of a thing.
func article(name string) string {
	if strings.ContainsAny(name[:1], "aeiou") {
		return "an " + name
	}
	return "a " + name
}
