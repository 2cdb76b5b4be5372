package nn

import (
	"slices"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Models, registry.Info{Name: "convnet", Doc: "blocks of convolutions and a 2x2 max_pool, then dense layers"},
		ConvNet{Filters: []int{32, 64}, Convs: 1, Kernel: 3, Hidden: []int{128}, Activation: chosen("relu", ReLU{}), Init: autoInit}, newConvNet,
		ConvNet{Filters: []int{4}, Convs: 2, Kernel: 3, Norm: groupNormChoice(2), Hidden: []int{}, Activation: chosen("tanh", Tanh{}), Init: autoInit})
}

// ConvNet is, for each entry of Filters, a block of so many times conv, norm and
// activation, then max_pool; then flatten, and dense layers as in MLP. Convolutions
// keep the size of the image.
type ConvNet struct {
	Filters    []int       `yaml:"filters,flow" doc:"filters of the convolutions of each block"`
	Convs      int         `yaml:"convs" doc:"convolutions of each block"`
	Kernel     int         `yaml:"kernel" doc:"height and width of their filters"`
	Norm       NormChoice  `yaml:"norm" doc:"after each convolution, which then has no bias: none, group_norm or layer_norm"`
	Hidden     []int       `yaml:"hidden,flow" doc:"units of each hidden dense layer"`
	Activation LayerChoice `yaml:"activation" doc:"a layer's name, or a mapping with options"`
	Init       string      `yaml:"init" doc:"initializer of every conv and dense layer"`
	K          int         `yaml:"outputs" doc:"0: what data and loss need"`
}

var _ Model = ConvNet{}

func newConvNet(m ConvNet) (Model, error) {
	switch {
	case len(m.Filters) == 0 || slices.Min(m.Filters) <= 0:
		return nil, strict.Field("filters", "needs a positive number for each of one or more blocks, got %v", m.Filters)
	case m.Convs <= 0:
		return nil, strict.Field("convs", "must be a positive number, got %d", m.Convs)
	case m.Kernel <= 0:
		return nil, strict.Field("kernel", "must be a positive number, got %d", m.Kernel)
	}
	for _, o := range []struct {
		key    string
		limit  int
		values []int
	}{{"filters", maxSide, m.Filters}, {"convs", maxLayers, []int{m.Convs}}, {"kernel", maxSide, []int{m.Kernel}}} {
		if err := atMost(o.key, o.limit, o.values...); err != nil {
			return nil, err
		}
	}
	if layers := size.Product(len(m.Filters), m.Convs); layers > maxLayers {
		return nil, strict.Field("convs", "%d blocks of %d convolutions are more than the %d layers allowed", len(m.Filters), m.Convs, maxLayers)
	}
	return m, checkMLP(m.Hidden, m.Activation, m.Init, m.K)
}

func (m ConvNet) Outputs() int { return m.K }

func (m ConvNet) Build(in tensor.Shape, k int) (*Net, error) {
	var layers []LayerChoice
	for _, filters := range m.Filters {
		for range m.Convs {
			layers = append(layers, m.Norm.after(convChoice(filters, m.Kernel, 1, m.Norm.IsZero(), m.Init))...)
			layers = append(layers, m.Activation)
		}
		layers = append(layers, LayerChoice{registry.ChoiceOf(&Layers, "max_pool", MaxPool{Pooling{Size: 2}}, newMaxPool)})
	}
	layers = append(layers, chosen("flatten", Flatten{}))
	return NewNet(in, append(configs(layers), denseLayers(m.Hidden, m.Activation, m.Init, k)...)...)
}

// convChoice is a convolution with square filters. With stride 1 it keeps the
// size of an image, with stride 2 and an odd kernel it halves it, rounding up.
func convChoice(filters, kernel, stride int, bias bool, initializer string) LayerChoice {
	l := Conv{Filters: filters, Kernel: Window{kernel, kernel}, Stride: stride, Padding: Padding{Same: true}, Bias: bias, Initializer: initializer}
	if stride != 1 {
		l.Padding = Padding{N: kernel / 2}
	}
	return LayerChoice{registry.ChoiceOf(&Layers, "conv", l, newConv)}
}

func groupNormChoice(groups int) NormChoice {
	return NormChoice{LayerChoice{registry.ChoiceOf(&Layers, "group_norm", GroupNorm{Groups: groups, Eps: 1e-5}, newGroupNorm)}}
}

// A NormChoice is a normalisation in a config, or none.
type NormChoice struct{ LayerChoice }

// noNorm stands for no normalisation.
const noNorm = "none"

func (c *NormChoice) UnmarshalStrict(v strict.Value) error {
	if name, ok := v.Text(); ok && name == noNorm {
		*c = NormChoice{}
		return nil
	}
	if err := c.LayerChoice.UnmarshalStrict(v); err != nil {
		return err
	}
	if _, ok := c.Must().(Normalization); !ok {
		return v.Errorf("%s is not a normalisation (known: %s, group_norm, layer_norm)", c.Name, noNorm)
	}
	return nil
}

// MarshalYAML returns what UnmarshalStrict reads.
func (c NormChoice) MarshalYAML() (any, error) {
	if c.IsZero() {
		return noNorm, nil
	}
	return c.LayerChoice.MarshalYAML()
}

// after returns a layer and the normalisation, if any, that follows it.
func (c NormChoice) after(l LayerChoice) []LayerChoice {
	if c.IsZero() {
		return []LayerChoice{l}
	}
	return []LayerChoice{l, c.LayerChoice}
}
