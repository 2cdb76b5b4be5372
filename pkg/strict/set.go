package strict

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Set assigns a value, written as YAML, to a key of the document:
//
//	train.epochs=3
//	methods.GN dual.oracle.gamma=0.1   an element of a list by its name,
//	methods.0.oracle.gamma=0.1         by its position,
//	methods.*.optimizer.learning_rate  or all of them
//
// Names may hold dots and spaces; the longest that fits is taken. Mappings on
// the way that are absent are made, so that a misspelt key is found when the
// document is decoded, with the assignment named as its origin.
func (d *Doc) Set(key, value string) error {
	origin := "--set " + Plain(key+"="+value)
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(value), &n); err != nil {
		return fmt.Errorf("%s: the value is not YAML: %s", origin, problem(err))
	}
	leaf := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if len(n.Content) > 0 {
		leaf = n.Content[0]
	}
	leaf, err := (&Doc{File: origin}).unfold(leaf)
	if err != nil {
		return err
	}
	return (&assignment{Doc: d, leaf: leaf, origin: origin, again: true}).assign(d.root, key)
}

// Assign is Set with a value that was read before, here or in another document.
// It refuses to replace what an earlier assignment made, which would be lost.
func (d *Doc) Assign(key string, v Value) error {
	return (&assignment{Doc: d, leaf: v.node, origin: v.Where()}).assign(d.root, key)
}

// An assignment puts a value where a key says.
type assignment struct {
	*Doc
	leaf   *yaml.Node
	origin string
	again  bool // may replace what another assignment made
}

func (a *assignment) assign(n *yaml.Node, key string) error {
	switch n.Kind {
	case yaml.SequenceNode:
		return a.assignItem(n, key)
	case yaml.MappingNode:
	default:
		return fmt.Errorf("%s: the key goes through %s, which has no keys", a.origin, describe(n))
	}
	// The longest existing key wins, so that keys with dots can be reached.
	best := -1
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i].Value
		if (key == k || strings.HasPrefix(key, k+".")) && (best < 0 || len(k) > len(n.Content[best].Value)) {
			best = i
		}
	}
	if best >= 0 {
		k, child := n.Content[best].Value, &n.Content[best+1]
		if key == k {
			return a.put(child)
		}
		if (*child).Kind == yaml.ScalarNode && (*child).ShortTag() == "!!null" {
			*child = a.own(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, a.origin)
		}
		return a.assign(*child, key[len(k)+1:])
	}
	first, rest, nested := strings.Cut(key, ".")
	if first == "" {
		return fmt.Errorf("%s: the key has an empty part", a.origin)
	}
	child := a.own(a.leaf, a.origin)
	if nested {
		child = a.own(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, a.origin)
		if err := a.assign(child, rest); err != nil {
			return err
		}
	}
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: first}
	n.Content = append(n.Content, a.own(k, a.origin), child)
	return nil
}

func (a *assignment) assignItem(n *yaml.Node, key string) error {
	items, rest, err := pick(n, key)
	if err != nil {
		return fmt.Errorf("%s: %w", a.origin, err)
	}
	for _, i := range items {
		if rest == "" {
			err = a.put(&n.Content[i])
		} else {
			err = a.assign(n.Content[i], rest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// put replaces a node by the value.
func (a *assignment) put(at **yaml.Node) error {
	if by := a.assigned(*at); by != "" && !a.again {
		return fmt.Errorf("%s: the key, or a part of it, is given twice: also by %s", a.origin, by)
	}
	*at = a.own(a.leaf, a.origin)
	return nil
}

// assigned names an assignment that made n or something in it, "" if none did.
func (d *Doc) assigned(n *yaml.Node) string {
	if o, ok := d.origin[n]; ok {
		return o
	}
	for _, c := range n.Content {
		if o := d.assigned(c); o != "" {
			return o
		}
	}
	return ""
}

// Elements returns the positions of the elements of a list that a key
// addresses, by name, position or *, and what is left of the key.
func (v Value) Elements(key string) (at []int, rest string, err error) {
	if v.node == nil || v.node.Kind != yaml.SequenceNode {
		return nil, "", fmt.Errorf("there is no list to find %s in", Quote(key))
	}
	return pick(v.node, key)
}

func pick(n *yaml.Node, key string) (at []int, rest string, err error) {
	if rest, ok := after(key, "*"); ok {
		if len(n.Content) == 0 {
			return nil, "", fmt.Errorf("the list is empty, so * matches nothing")
		}
		for i := range n.Content {
			at = append(at, i)
		}
		return at, rest, nil
	}
	best, bestRest := -1, ""
	var names []string
	for i, c := range n.Content {
		name := nameOf(c)
		if name != "" {
			names = append(names, Quote(name))
		}
		rest, ok := after(key, name)
		if ok && name != "" && (best < 0 || len(rest) < len(bestRest)) {
			best, bestRest = i, rest
		}
	}
	if best >= 0 {
		return []int{best}, bestRest, nil
	}
	first, rest, _ := strings.Cut(key, ".")
	if i, err := strconv.Atoi(first); err == nil && i >= 0 && i < len(n.Content) {
		return []int{i}, rest, nil
	}
	return nil, "", fmt.Errorf("no element of the list fits %s (known: %s, 0 to %d, *)", Quote(key), strings.Join(names[:min(len(names), shownNames)], ", "), len(n.Content)-1)
}

// after reports whether key is name or starts with "name.", and returns what
// follows.
func after(key, name string) (rest string, ok bool) {
	if key == name {
		return "", true
	}
	return strings.CutPrefix(key, name+".")
}

// own returns a copy of a node whose every part is marked as made by origin;
// a copy, because * puts the same value in several places.
func (d *Doc) own(n *yaml.Node, origin string) *yaml.Node {
	c := *n
	d.origin[&c] = origin
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, d.own(child, origin))
	}
	return &c
}

// Clone returns a copy that assignments change apart from d.
func (d *Doc) Clone() *Doc {
	c := &Doc{File: d.File, origin: map[*yaml.Node]string{}}
	c.root = c.copy(d.root, d.origin)
	return c
}

func (d *Doc) copy(n *yaml.Node, origin map[*yaml.Node]string) *yaml.Node {
	c := *n
	if o, ok := origin[n]; ok {
		d.origin[&c] = o
	}
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, d.copy(child, origin))
	}
	return &c
}

// Drop removes a key of the document's mapping, if it is there.
func (d *Doc) Drop(key string) {
	for i := 0; d.root.Kind == yaml.MappingNode && i < len(d.root.Content); i += 2 {
		if d.root.Content[i].Value == key {
			d.root.Content = slices.Delete(d.root.Content, i, i+2)
			return
		}
	}
}

// Only leaves one element of the list under a key. It panics if there is none.
func (d *Doc) Only(key string, element int) {
	v, _ := d.Root().Lookup(key)
	v.node.Content = []*yaml.Node{v.node.Content[element]}
}
