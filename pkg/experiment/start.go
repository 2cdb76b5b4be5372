package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

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

// A start holds weights that runs start from, whatever their seeds.
type start struct {
	file, sum string // sum is its SHA-256
	weights   []float64
}

// maxPath is the length in bytes that no path of a file reaches.
const maxPath = 4096

// readStart reads the weights to start from, nil if the config names none. What is
// wrong with the file is a *FileError that lists every array that does not fit.
func (c *Config) readStart(n *nn.Net) (*start, error) {
	file := c.Model.Start
	if file == "" {
		return nil, nil
	}
	wrong := func(err error) error { return &FileError{fmt.Errorf("model.init.file: %w", err)} }
	if len(file) > maxPath {
		return nil, wrong(fmt.Errorf("%s is longer than any path", strict.Plain(file)))
	}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, wrong(fmt.Errorf("there is no such file as %s; a relative path starts at the working directory", file))
	}
	if err != nil {
		return nil, wrong(err)
	}
	if !info.Mode().IsRegular() {
		return nil, wrong(fmt.Errorf("%s is no regular file", file))
	}
	w, err := nn.Load[float64](file, n)
	if err != nil {
		return nil, wrong(err)
	}
	largest := math.MaxFloat64
	if c.Precision == "float32" {
		largest = math.MaxFloat32
	}
	var errs []error
	for _, p := range n.Layout().Blocks {
		for i, v := range w[p.Offset : p.Offset+p.Len()] {
			if !(math.Abs(v) <= largest) {
				errs = append(errs, fmt.Errorf("%s: array %q holds %g at position %d, which is not finite in %s", file, p.Name, v, i, c.Precision))
				break
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, wrong(err)
	}
	sum, err := prefixSum(file, info.Size())
	if err != nil {
		return nil, wrong(err)
	}
	return &start{file, sum, w}, nil
}

// keySum is the setting that takes the place of the file's name in a run's identity.
const keySum = "model.init.sha256"

// identify notes in settings which weights their run starts from: what they are, and
// not where they lie.
func (s *start) identify(settings Settings) {
	if s != nil {
		delete(settings, "model.init.file")
		settings[keySum] = s.sum
	}
}
