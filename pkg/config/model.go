package config

import (
	"errors"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
)

// keyInit is the option of a model that holds the name of an initializer, which
// belongs to the model, or the file of the weights to start from, which any model
// takes: init: {file: weights.npz}.
const keyInit = "init"

func (c *Model) UnmarshalStrict(v strict.Value) error {
	var given struct {
		File string `yaml:"file"`
	}
	from, _ := v.Lookup(keyInit)
	var errs []error
	if from.IsMapping() {
		if err := from.Decode(&given); err != nil {
			errs = append(errs, err)
		} else if given.File == "" {
			errs = append(errs, from.Errorf("the key \"file\" is missing or empty: it names the weights to start from, an .npz or .safetensors file, relative to the working directory"))
		}
		v = v.Without(keyInit)
	}
	choice, err := nn.Models.Decode(v)
	*c = Model{choice, given.File}
	return errors.Join(append(errs, err)...)
}

// MarshalYAML writes the file in the place of the initializer that it stands in for.
func (c Model) MarshalYAML() (any, error) {
	if c.Start == "" {
		return c.Choice.MarshalYAML()
	}
	out, err := c.Mapping().MarshalYAML()
	if err != nil {
		return nil, err
	}
	var file yaml.Node
	if err := file.Encode(map[string]string{"file": c.Start}); err != nil {
		return nil, err
	}
	file.Style = yaml.FlowStyle
	n := out.(*yaml.Node)
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == keyInit {
			n.Content[i+1] = &file
			return n, nil
		}
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: keyInit}, &file)
	return n, nil
}
