package nn

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/tensor"
)

// A Net is a chain of layers over one flat vector of weights.
type Net struct {
	layers []namedLayer
	in     tensor.Shape
	params int
	first  int // the first layer with weights: no derivative goes before it
}

type namedLayer struct {
	Layer
	kind   string
	in     tensor.Shape
	size   Size
	offset int // of its weights in the flat vector
}

// A LayerConfig is a layer and the name of its kind, for messages.
type LayerConfig struct {
	Kind  string
	Layer Layer
}

// NewNet sizes a chain of layers for examples of shape in. An error names the
// layer by index and kind.
func NewNet(in tensor.Shape, layers ...LayerConfig) (*Net, error) {
	n := &Net{in: in, first: -1}
	for i, l := range layers {
		s, err := l.Layer.Size(in)
		if err != nil {
			return nil, fmt.Errorf("layer %d (%s): %w", i, l.Kind, err)
		}
		n.layers = append(n.layers, namedLayer{l.Layer, l.Kind, in, s, n.params})
		n.params += s.NumParams()
		if n.first < 0 && n.params > 0 {
			n.first = i
		}
		in = s.Out
	}
	if n.params == 0 {
		return nil, errors.New("the network has no weights to train; it needs at least one dense layer")
	}
	if !in.IsVector() {
		return nil, fmt.Errorf("the network ends with examples of shape %s, not vectors; add a flatten and a dense layer", in)
	}
	return n, nil
}

// NumParams returns p, the number of weights.
func (n *Net) NumParams() int { return n.params }

// Input returns the shape of an example.
func (n *Net) Input() tensor.Shape { return n.in }

// Outputs returns k, the number of outputs of an example.
func (n *Net) Outputs() int { return n.layers[len(n.layers)-1].size.Out.C }

// A NamedParam is one tensor of a network's weights.
type NamedParam struct {
	Param      // its Name has the layer's index: "0.weight"
	Offset int // in the flat vector
}

// Params returns the tensors of weights in order, named as in the state_dict
// of a torch.nn.Sequential of the same layers.
func (n *Net) Params() []NamedParam {
	var out []NamedParam
	for i, l := range n.layers {
		at := l.offset
		for _, p := range l.size.Params {
			out = append(out, NamedParam{Param{fmt.Sprintf("%d.%s", i, p.Name), p.Shape}, at})
			at += p.Len()
		}
	}
	return out
}

// Init draws initial weights. They are drawn in float64 for every precision,
// so that runs in float32 and float64 start from the same point.
func (n *Net) Init(rng *rand.Rand) []float64 {
	w := make([]float64, n.params)
	for i, l := range n.layers {
		in, ok := l.Layer.(Initializable)
		if !ok {
			continue
		}
		var next Layer
		if i+1 < len(n.layers) {
			next = n.layers[i+1].Layer
		}
		in.Init(w[l.offset:l.offset+l.size.NumParams()], l.in, next, rng)
	}
	return w
}

// MultiplyAdds are those of one example.
type MultiplyAdds struct{ Forward, JVP, VJP int64 }

// MultiplyAdds returns the work of one example. Layers up to the first with
// weights have no input half.
func (n *Net) MultiplyAdds() MultiplyAdds {
	var a MultiplyAdds
	for i, l := range n.layers {
		half := l.size.Weight
		if i > n.first {
			half += l.size.Input
		}
		a.Forward += l.size.Forward
		a.JVP += half
		a.VJP += half
	}
	return a
}

// A Row of a layer table describes one layer. Numbers are for one example.
type Row struct {
	Kind         string
	Out          tensor.Shape
	Params       int
	MultiplyAdds int64 // forward
	Kept         int   // values held for the linearization
}

// Table returns a row for each layer.
func (n *Net) Table() []Row {
	rows := make([]Row, len(n.layers))
	for i, l := range n.layers {
		rows[i] = Row{l.kind, l.size.Out, l.size.NumParams(), l.size.Forward, l.size.Kept}
		if _, ok := l.Layer.(Reshaper); !ok {
			rows[i].Kept += l.size.Out.Len() // the output
		}
	}
	return rows
}
