package strict

import (
	"fmt"
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
	origin := fmt.Sprintf("--set %s=%s", key, value)
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(value), &n); err != nil {
		return fmt.Errorf("%s: the value is not YAML: %s", origin, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	leaf := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if len(n.Content) > 0 {
		leaf = n.Content[0]
	}
	nodes := 0
	if err := d.check(leaf, 0, &nodes); err != nil {
		return fmt.Errorf("%s: %w", origin, err)
	}
	return d.assign(d.root, key, leaf, origin)
}

func (d *Doc) assign(n *yaml.Node, key string, leaf *yaml.Node, origin string) error {
	n = resolve(n)
	switch n.Kind {
	case yaml.SequenceNode:
		return d.assignItem(n, key, leaf, origin)
	case yaml.MappingNode:
	default:
		return fmt.Errorf("%s: the key goes through %s, which has no keys", origin, describe(n))
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
		k := n.Content[best].Value
		if key == k {
			n.Content[best+1] = d.own(leaf, origin)
			return nil
		}
		rest := key[len(k)+1:]
		child := resolve(n.Content[best+1])
		if child.Kind == yaml.ScalarNode && child.ShortTag() == "!!null" {
			n.Content[best+1] = d.own(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, origin)
			child = n.Content[best+1]
		}
		return d.assign(child, rest, leaf, origin)
	}
	first, rest, nested := strings.Cut(key, ".")
	if first == "" {
		return fmt.Errorf("%s: the key has an empty part", origin)
	}
	child := d.own(leaf, origin)
	if nested {
		child = d.own(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, origin)
		if err := d.assign(child, rest, leaf, origin); err != nil {
			return err
		}
	}
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: first}
	n.Content = append(n.Content, d.own(k, origin), child)
	return nil
}

func (d *Doc) assignItem(n *yaml.Node, key string, leaf *yaml.Node, origin string) error {
	put := func(i int, rest string) error {
		if rest == "" {
			n.Content[i] = d.own(leaf, origin)
			return nil
		}
		return d.assign(n.Content[i], rest, leaf, origin)
	}
	if rest, ok := after(key, "*"); ok {
		if len(n.Content) == 0 {
			return fmt.Errorf("%s: the list is empty, so * matches nothing", origin)
		}
		for i := range n.Content {
			if err := put(i, rest); err != nil {
				return err
			}
		}
		return nil
	}
	best, bestRest := -1, ""
	var names []string
	for i, c := range n.Content {
		name := nameOf(resolve(c))
		if name != "" {
			names = append(names, fmt.Sprintf("%q", name))
		}
		rest, ok := after(key, name)
		if ok && name != "" && (best < 0 || len(rest) < len(bestRest)) {
			best, bestRest = i, rest
		}
	}
	if best >= 0 {
		return put(best, bestRest)
	}
	first, rest, _ := strings.Cut(key, ".")
	if i, err := strconv.Atoi(first); err == nil && i >= 0 && i < len(n.Content) {
		return put(i, rest)
	}
	return fmt.Errorf("%s: no element of the list fits %q (known: %s, 0 to %d, *)", origin, key, strings.Join(names, ", "), len(n.Content)-1)
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
	c := *resolve(n)
	d.origin[&c] = origin
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, d.own(child, origin))
	}
	return &c
}
