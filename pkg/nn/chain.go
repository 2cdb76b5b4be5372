package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A chain is a list of layers sized for an input shape: a network, or a branch
// of a residual layer.
type chain struct {
	layers  []namedLayer
	in, out tensor.Shape
	params  int
	first   int // the first layer with weights, len(layers) if there is none

	unnumbered int // layers at the beginning that names of weights do not count
}

type namedLayer struct {
	Layer
	kind   string
	in     tensor.Shape
	size   Size
	offset int // of its weights in those of the chain
}

// A LayerConfig is a layer and the name of its kind, for messages.
type LayerConfig struct {
	Kind  string
	Layer Layer
}

// newChain sizes layers. An error names the layer by index and kind.
func newChain(in tensor.Shape, layers []LayerConfig) (chain, error) {
	c := chain{in: in, first: len(layers)}
	if len(layers) > maxLayers {
		return chain{}, fmt.Errorf("a network of %d layers; at most %d are allowed", len(layers), maxLayers)
	}
	for i, l := range mergeRectified(layers) {
		s, err := l.Layer.Size(in)
		if err == nil {
			err = s.checkNumbers(c.params)
		}
		if err != nil {
			return chain{}, fmt.Errorf("layer %d (%s): %w", i, l.Kind, err)
		}
		c.layers = append(c.layers, namedLayer{l.Layer, l.Kind, in, s, c.params})
		c.params += s.NumParams()
		if c.params > 0 {
			c.first = min(c.first, i)
		}
		in = s.Out
	}
	c.out = in
	return c, nil
}

// size returns the Size of the whole chain as one layer.
func (c *chain) size() Size {
	s := Size{Out: c.out}
	last := -1 // the last layer that changes values
	for i, l := range c.layers {
		for _, p := range l.size.Params {
			s.Params = append(s.Params, Param{fmt.Sprintf("%d.%s", i-c.unnumbered, p.Name), p.Shape, p.Vector})
		}
		add(&s.Forward, l.size.Forward)
		add(&s.Weight, l.size.Weight)
		if i <= c.first {
			add(&s.Input, l.size.Input)
		} else {
			add(&s.Weight, l.size.Input) // a tangent comes from the layers before
		}
		s.Kept += l.size.Kept
		s.Indices += l.size.Indices
		if l.changes() {
			if last >= 0 && !c.joined(last) {
				s.Kept += c.layers[last].size.Out.Len()
			}
			last = i
		}
	}
	return s
}

// add adds n multiply-adds; the sum stops at [size.Max].
func add(to *int64, n int64) { *to = int64(size.Sum(int(*to), int(n))) }

// A rectifier is a layer with weights whose ops are all of the kind rectifierOp: it joins a
// relu behind it, and passes back through one before it.
type rectifier interface{ rectifies() }

// joined reports whether the output of layer i has no place of its own: it becomes that of a
// relu at once, which another layer follows.
func (c *chain) joined(i int) bool {
	if _, ok := c.layers[i].Layer.(rectifier); !ok {
		return false
	}
	relu := false
	for _, l := range c.layers[i+1:] {
		if !l.changes() {
			continue
		}
		if relu {
			return true
		}
		if _, relu = l.Layer.(ReLU); !relu {
			return false
		}
	}
	return false
}

// changes reports whether the layer changes values. If not, it needs no work.
func (l namedLayer) changes() bool {
	_, reshaper := l.Layer.(Reshaper)
	return !reshaper
}

// init draws initial weights for a chain that a layer, or nil, follows.
func (c *chain) init(w []float64, next Layer, rng *rand.Rand) {
	for i, l := range c.layers {
		in, ok := l.Layer.(Initializable)
		if !ok {
			continue
		}
		follower := next
		for _, after := range c.layers[i+1:] {
			if _, ok := after.Layer.(Carrier); !ok {
				follower = after.Layer
				break
			}
		}
		in.Init(w[l.offset:l.offset+l.size.NumParams()], l.in, follower, rng)
	}
}

// A branch is a chain within a layer.
type branch struct {
	name string
	chain
}

// A composite layer is made of chains of others.
type composite interface {
	branches(in tensor.Shape) ([]branch, error)
}

// inside returns the branches of a layer that was sized.
func (l namedLayer) inside() []branch {
	c, ok := l.Layer.(composite)
	if !ok {
		return nil
	}
	b, err := c.branches(l.in)
	if err != nil {
		panic("nn: the branches of a layer no longer fit it")
	}
	return b
}

// table returns a row for each layer, and for those inside it.
func (c *chain) table(prefix string) []Row {
	var rows []Row
	for i, l := range c.layers {
		r := Row{
			Path: c.path(prefix, i), Nested: prefix != "", Kind: l.kind, Out: l.size.Out,
			Params: l.size.NumParams(), MultiplyAdds: l.size.Forward, Kept: l.size.Kept, Indices: l.size.Indices,
		}
		if l.changes() && !c.joined(i) {
			r.Kept += l.size.Out.Len() // the output
		}
		rows = append(rows, r)
		for _, b := range l.inside() {
			rows = append(rows, b.table(r.Path+"."+b.name+".")...)
		}
	}
	return rows
}

// path is what the table calls layer i.
func (c *chain) path(prefix string, i int) string {
	if i < c.unnumbered {
		return "-"
	}
	return fmt.Sprint(prefix, i-c.unnumbered)
}

// slots are the sizes of the work space for tangents and cotangents: for each
// depth of nesting, the values of one example between layers, in turn (0 and
// 1, alike, since two layers may be passed at once), and at the ends of a branch (2).
type slots [][3]int

// reserve makes room for a chain at a depth of nesting.
func (s *slots) reserve(c *chain, depth int) {
	for len(*s) <= depth {
		*s = append(*s, [3]int{})
	}
	for _, l := range c.layers {
		if !l.changes() {
			continue
		}
		for slot := range 2 {
			(*s)[depth][slot] = max((*s)[depth][slot], l.size.Out.Len())
		}
		for _, b := range l.inside() {
			s.reserve(&b.chain, depth+1)
			(*s)[depth+1][2] = max((*s)[depth+1][2], b.in.Len(), b.out.Len())
		}
	}
}

// reserveSignals makes room for signals that go back through a chain, a run of ops at a time
// (see tape.backprop): for each depth of nesting what there is at two ends of runs, and at
// the ends of a branch.
func (s *slots) reserveSignals(c *chain, depth int) {
	for len(*s) <= depth {
		*s = append(*s, [3]int{})
	}
	before := 0 // values of the layer before, to which signals go through a composite one
	for _, l := range c.layers {
		if !l.changes() {
			continue
		}
		inside, n := l.inside(), l.size.Out.Len()
		if len(inside) > 0 {
			n = max(n, before)
		}
		before = l.size.Out.Len()
		if l.size.NumParams() > 0 || len(inside) > 0 {
			for end := range 2 {
				(*s)[depth][end] = max((*s)[depth][end], n)
			}
			for _, b := range inside {
				s.reserveSignals(&b.chain, depth+1)
				(*s)[depth+1][2] = max((*s)[depth+1][2], b.in.Len(), b.out.Len())
			}
		}
	}
	for end := range 2 { // where signals come from
		(*s)[depth][end] = max((*s)[depth][end], c.out.Len())
	}
}

// values returns the sum of all slots.
func (s slots) values() (n int) {
	for _, d := range s {
		n += d[0] + d[1] + d[2]
	}
	return n
}
