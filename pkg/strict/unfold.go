package strict

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Limits of a document. Aliases are followed, so a small file can describe a
// huge tree; these bound the work.
const (
	maxDepth = 100
	maxNodes = 1_000_000
)

// coreTags are those that YAML gives to values without a tag. Another would ask for
// a value of a kind that there is not.
var coreTags = []string{"!!null", "!!bool", "!!int", "!!float", "!!str", "!!timestamp", "!!seq", "!!map", "!!merge"}

// unfold returns a copy of a tree with a copy in place of each alias, so that an
// assignment to one place changes no other, and with the keys that "<<" merges
// in its place.
func (d *Doc) unfold(n *yaml.Node) (*yaml.Node, error) {
	nodes := 0
	if err := d.check(n, 0, &nodes); err != nil {
		return nil, err
	}
	return d.copyOf(n)
}

// check bounds the tree that aliases unfold to. A self-containing alias runs
// into maxDepth.
func (d *Doc) check(n *yaml.Node, depth int, nodes *int) error {
	*nodes++
	if depth > maxDepth {
		return fmt.Errorf("%s:%d: nested more than %d levels deep", Plain(d.File), n.Line, maxDepth)
	}
	if *nodes > maxNodes {
		return fmt.Errorf("%s:%d: the file holds, or its aliases unfold to, more than %d values", Plain(d.File), n.Line, maxNodes)
	}
	if n.Kind == yaml.AliasNode {
		return d.check(n.Alias, depth+1, nodes)
	}
	if n.Style&yaml.TaggedStyle != 0 && !slices.Contains(coreTags, n.ShortTag()) {
		return fmt.Errorf("%s:%d: the tag %s has no meaning here; leave it out", Plain(d.File), n.Line, Plain(n.Tag))
	}
	for _, c := range n.Content {
		if err := d.check(c, depth+1, nodes); err != nil {
			return err
		}
	}
	return nil
}

// copyOf returns a copy without aliases of a tree that was checked. A copy in
// place of an alias has the alias's line, and what is inside its own.
func (d *Doc) copyOf(n *yaml.Node) (*yaml.Node, error) {
	line := n.Line
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	c := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value, Line: line}
	var merge *yaml.Node
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && isMerge(n.Content[i-i%2]) {
			if i%2 == 0 && merge != nil {
				return nil, d.errorAt(child, "duplicate key, first on line %d; one << takes a list of mappings", merge.Line)
			}
			merge = child
			continue
		}
		part, err := d.copyOf(child)
		if err != nil {
			return nil, err
		}
		c.Content = append(c.Content, part)
	}
	if merge == nil {
		return c, nil
	}
	return c, d.merge(c, merge)
}

// isMerge reports whether a key is << without quotes.
func isMerge(key *yaml.Node) bool { return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" }

// merge adds to a mapping the keys of another, or of a list of others, that it
// does not have: its own keys win over merged ones, and earlier mappings of a
// list over later ones (https://yaml.org/type/merge.html).
func (d *Doc) merge(to, from *yaml.Node) error {
	for from.Kind == yaml.AliasNode {
		from = from.Alias
	}
	sources := []*yaml.Node{from}
	if from.Kind == yaml.SequenceNode {
		sources = from.Content
	}
	have := map[string]bool{}
	note := func(lo int) {
		for i := lo; i < len(to.Content); i += 2 {
			have[to.Content[i].Value] = true
		}
	}
	note(0)
	for _, s := range sources {
		part, err := d.copyOf(s)
		if err != nil {
			return err
		}
		if part.Kind != yaml.MappingNode {
			return d.errorAt(s, "merges a mapping, or a list of mappings, into the one it stands in; got %s", describe(part))
		}
		end := len(to.Content)
		for i := 0; i < len(part.Content); i += 2 {
			if k := part.Content[i]; !have[k.Value] || k.Kind != yaml.ScalarNode {
				to.Content = append(to.Content, k, part.Content[i+1])
			}
		}
		note(end)
	}
	return nil
}

// errorAt is an error about a key << and its value.
func (d *Doc) errorAt(n *yaml.Node, text string, args ...any) error {
	return Value{doc: d, node: n, key: "<<"}.Errorf(text, args...)
}
