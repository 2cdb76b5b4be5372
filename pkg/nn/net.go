package nn

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/tensor"
)

// A Net is a chain of layers over one flat vector of weights.
type Net struct {
	chain
	total Size // of all layers as one
}

// NewNet sizes a chain of layers for examples of shape in. An error names the
// layer by index and kind.
func NewNet(in tensor.Shape, layers ...LayerConfig) (*Net, error) {
	c, err := newChain(in, layers)
	switch {
	case err != nil:
		return nil, err
	case c.params == 0:
		return nil, errors.New("the network has no weights to train; it needs at least one dense layer")
	case !c.out.IsVector():
		return nil, fmt.Errorf("the network ends with examples of shape %s, not vectors; add a flatten and a dense layer", c.out)
	}
	return &Net{c, c.size()}, nil
}

// NumParams returns p, the number of weights.
func (n *Net) NumParams() int { return n.params }

// Input returns the shape of an example.
func (n *Net) Input() tensor.Shape { return n.in }

// Outputs returns k, the number of outputs of an example.
func (n *Net) Outputs() int { return n.out.C }

// Layout returns the blocks of the flat vector of weights in order, named as in the
// state_dict of a torch.nn.Sequential of the same layers: "0.weight". A residual
// layer is a module with the children body and shortcut: "3.body.0.weight".
func (n *Net) Layout() tensor.Layout {
	var l tensor.Layout
	for _, p := range n.total.Params {
		l.Add(tensor.Block{Name: p.Name, Shape: p.Shape, Vector: p.Vector})
	}
	return l
}

// Init draws initial weights. They are drawn in float64 for every precision,
// so that runs in float32 and float64 start from the same point.
func (n *Net) Init(rng *rand.Rand) []float64 {
	w := make([]float64, n.params)
	n.init(w, nil, rng)
	return w
}

// MultiplyAdds are those of one example.
type MultiplyAdds struct{ Forward, JVP, VJP int64 }

// MultiplyAdds returns the work of one example. Layers up to the first with
// weights have no input half.
func (n *Net) MultiplyAdds() MultiplyAdds {
	return MultiplyAdds{Forward: n.total.Forward, JVP: n.total.Weight, VJP: n.total.Weight}
}

// Dims are the sizes of a model linearized on a mini-batch, and the multiply-adds of
// what can be done with it, on the whole mini-batch.
type Dims struct {
	Weights, Examples, Outputs int // p, m, k
	Forward, JVP, VJP          int64

	// Gram tells what K = J Jᵀ takes, in the ways that the model knows; nil: it knows none.
	Gram GramModel
}

// A GramModel is a model that multiplies by K = J Jᵀ in ways of its own.
type GramModel interface {
	// GramCosts returns what they take for mini-batches of m examples.
	GramCosts(m int) GramCosts

	// GramMemory returns the bytes that a use of K takes, where a number takes so many.
	GramMemory(m, value int, use GramUse) int

	// ProductsMemory returns what products of so many vectors at the same time take beside.
	ProductsMemory(m, value, vectors int, use GramUse) int
}

// Dims returns the sizes for a mini-batch of m examples.
func (n *Net) Dims(m int) Dims {
	a := n.MultiplyAdds()
	return Dims{
		Weights: n.params, Examples: m, Outputs: n.Outputs(),
		Forward: int64(m) * a.Forward, JVP: int64(m) * a.JVP, VJP: int64(m) * a.VJP,
		Gram: n,
	}
}

// A Row of a layer table describes one layer. Numbers are for one example.
type Row struct {
	Path         string // the index; "3.body.0" inside a residual layer
	Nested       bool   // inside a layer, whose row counts it too
	Kind         string
	Out          tensor.Shape
	Params       int
	MultiplyAdds int64 // forward
	Kept         int   // values held for the linearization, the output among them
	Indices      int   // and int32
}

// Table returns a row for each layer, those inside a residual layer below it.
func (n *Net) Table() []Row { return n.table("") }
