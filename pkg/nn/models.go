package nn

import (
	"slices"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Model builds a network for examples of a shape and k outputs.
type Model interface {
	Build(in tensor.Shape, k int) (*Net, error)
	// Outputs returns the number of outputs that the config asks for, 0 for
	// what the data say.
	Outputs() int
}

// Models is the table of models.
var Models = registry.Table[Model]{Kind: "model"}

func init() {
	registry.Add(&Models, registry.Info{Name: "mlp", Doc: "dense layers with an activation between; images are flattened"},
		MLP{Hidden: []int{}, Activation: chosen("relu", ReLU{}), Init: autoInit}, newMLP,
		MLP{Hidden: []int{5, 4}, Activation: chosen("tanh", Tanh{}), Init: "he_uniform"})
	registry.Add(&Models, registry.Info{Name: "sequential", Doc: "any chain of layers"}, Sequential{}, newSequential)
}

// chosen returns an option-free layer as a choice. The table cannot be asked:
// it may still be filling up.
func chosen(name string, l Layer) LayerChoice {
	return LayerChoice{registry.ChoiceOf(&Layers, name, l, func(l Layer) (Layer, error) { return l, nil })}
}

// MLP is the chain dense, activation, dense, activation, ..., dense. Without
// hidden layers it is a linear model.
type MLP struct {
	Hidden     []int       `yaml:"hidden,flow" doc:"units of each hidden layer; [] is a linear model"`
	Activation LayerChoice `yaml:"activation" doc:"a layer's name, or a mapping with options"`
	Init       string      `yaml:"init" doc:"initializer of every dense layer"`
	K          int         `yaml:"outputs" doc:"0: what data and loss need"`
}

var _ Model = MLP{}

func newMLP(m MLP) (Model, error) { return m, checkMLP(m.Hidden, m.Activation, m.Init, m.K) }

// checkMLP checks the options of dense layers.
func checkMLP(hidden []int, activation LayerChoice, initializer string, outputs int) error {
	if slices.ContainsFunc(hidden, func(n int) bool { return n <= 0 }) {
		return strict.Field("hidden", "every layer needs a positive number of units, got %v", hidden)
	}
	if err := atMost("hidden", maxSide, hidden...); err != nil {
		return err
	}
	if _, ok := activation.Must().(Activation); !ok {
		return strict.Field("activation", "%s is not an activation (known: %v)", activation.Name, activations())
	}
	if err := checkInit(initializer); err != nil {
		return err
	}
	return checkOutputs(outputs)
}

// activations returns the names of layers that may stand between dense ones.
func activations() (names []string) {
	for _, name := range Layers.Names() {
		for _, trial := range Layers.Entry(name).Trials {
			if l, err := trial(); err == nil {
				if _, ok := l.(Activation); ok {
					names = append(names, name)
				}
				break
			}
		}
	}
	return names
}

func checkOutputs(k int) error {
	if k < 0 {
		return strict.Field("outputs", "must be 0 (what data and loss need) or a positive number, got %d", k)
	}
	return atMost("outputs", maxSide, k)
}

func (m MLP) Outputs() int { return m.K }

func (m MLP) Build(in tensor.Shape, k int) (*Net, error) {
	return NewNet(tensor.Shape{C: in.Len(), H: 1, W: 1}, denseLayers(m.Hidden, m.Activation, m.Init, k)...)
}

// denseLayers are dense layers with an activation between; the last has k units.
func denseLayers(hidden []int, activation LayerChoice, initializer string, k int) (layers []LayerConfig) {
	for _, units := range append(slices.Clone(hidden), k) {
		if len(layers) > 0 {
			layers = append(layers, LayerConfig{activation.Name, activation.Must()})
		}
		layers = append(layers, LayerConfig{"dense", Dense{Units: units, Bias: true, Initializer: initializer}})
	}
	return layers
}

// Sequential is any chain of layers. The last one makes the outputs.
type Sequential struct {
	Layers []LayerChoice `yaml:"layers" doc:"list of layers, each {kind: ..., options}"`
	K      int           `yaml:"outputs" doc:"0: what data and loss need"`
}

var _ Model = Sequential{}

func newSequential(m Sequential) (Model, error) {
	if len(m.Layers) == 0 {
		return nil, strict.Field("layers", "is missing or empty, as in layers: [{kind: flatten}, {kind: dense, units: 10}]")
	}
	return m, checkOutputs(m.K)
}

func (m Sequential) Outputs() int { return m.K }

func (m Sequential) Build(in tensor.Shape, _ int) (*Net, error) {
	return NewNet(in, configs(m.Layers)...)
}

// configs returns the layers that were chosen.
func configs(choices []LayerChoice) []LayerConfig {
	layers := make([]LayerConfig, len(choices))
	for i, l := range choices {
		layers[i] = LayerConfig{l.Name, l.Must()}
	}
	return layers
}
