package nn

import (
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Models, registry.Info{Name: "resnet", Doc: "residual network for small images, of three stages, with group_norm in place of batch_norm", Reference: "He et al. 2016, arXiv 1512.03385, section 4.2"},
		ResNet{Depth: 20, Width: 16, Norm: groupNormChoice(8), Activation: chosen("relu", ReLU{}), Init: autoInit}, newResNet,
		ResNet{Depth: 8, Width: 4, Norm: groupNormChoice(2), Activation: chosen("tanh", Tanh{}), Init: autoInit})
}

// ResNet is the network of He et al. for CIFAR-10: a convolution, three stages of
// (Depth-2)/6 residual blocks of two convolutions each, of Width, 2 Width and 4
// Width filters, the second and third stage at half the size of the one before;
// then the mean over places, and a dense layer. Where a block changes the shape,
// its shortcut is a convolution with kernel 1.
//
// All scales of norms start at 1. With the last of each block at 0, as is usual in
// long first-order training, the blocks' convolutions would have no derivative at
// the start, and a linearization there would not see them.
type ResNet struct {
	Depth      int         `yaml:"depth" doc:"layers with weights on the longest path: 6n+2, as in 8, 14, 20, 32"`
	Width      int         `yaml:"width" doc:"filters of the first stage; the others have 2 and 4 times as many"`
	Norm       NormChoice  `yaml:"norm" doc:"after each convolution, which then has no bias: none, group_norm or layer_norm"`
	Activation LayerChoice `yaml:"activation" doc:"a layer's name, or a mapping with options"`
	Init       string      `yaml:"init" doc:"initializer of every conv and dense layer"`
	K          int         `yaml:"outputs" doc:"0: what data and loss need"`
}

var _ Model = ResNet{}

func newResNet(m ResNet) (Model, error) {
	switch {
	case m.Depth < 8 || (m.Depth-2)%6 != 0:
		return nil, strict.Field("depth", "must be 6n+2, as in 8, 14, 20 or 32, got %d", m.Depth)
	case m.Width <= 0:
		return nil, strict.Field("width", "must be a positive number, got %d", m.Width)
	}
	if err := atMost("depth", maxLayers, m.Depth); err != nil {
		return nil, err
	}
	if err := atMost("width", maxSide/4, m.Width); err != nil {
		return nil, err
	}
	return m, checkMLP(nil, m.Activation, m.Init, m.K)
}

func (m ResNet) Outputs() int { return m.K }

func (m ResNet) Build(in tensor.Shape, k int) (*Net, error) {
	conv := func(filters, kernel, stride int) []LayerChoice {
		return m.Norm.after(convChoice(filters, kernel, stride, m.Norm.IsZero(), m.Init))
	}
	layers := append(conv(m.Width, 3, 1), m.Activation)
	for stage := range 3 {
		filters := m.Width << stage
		for block := range (m.Depth - 2) / 6 {
			r, stride := Residual{Shortcut: []LayerChoice{}}, 1
			if stage > 0 && block == 0 {
				stride = 2
				r.Shortcut = conv(filters, 1, stride)
			}
			r.Body = append(conv(filters, 3, stride), m.Activation)
			r.Body = append(r.Body, conv(filters, 3, 1)...)
			layers = append(layers, LayerChoice{registry.ChoiceOf(&Layers, "residual", r, newResidual)}, m.Activation)
		}
	}
	layers = append(layers, chosen("global_avg_pool", GlobalAvgPool{}))
	return NewNet(in, append(configs(layers), denseLayers(nil, m.Activation, m.Init, k)...)...)
}
