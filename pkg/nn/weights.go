package nn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Arrays returns weights under the names and in the layout of the state_dict of
// a torch.nn.Sequential of the same layers. They are views of w.
func Arrays[T tensor.Float](n *Net, w []T) (out []arrays.Array) {
	if len(w) != n.params {
		panic("nn: Arrays: the weights have the wrong length")
	}
	for _, p := range n.Layout().Blocks {
		out = append(out, arrays.Floats(p.Name, p.Shape, tensor.Of(p, w)))
	}
	return out
}

// Load reads [Arrays] from an .npz or .safetensors file, ours or PyTorch's. Arrays that are missing, too
// many, or of another shape are all named in the error.
func Load[T tensor.Float](path string, n *Net) ([]T, error) {
	file, err := arrays.ReadFile(path)
	if err != nil {
		return nil, err
	}
	w := make([]T, n.params)
	byName := map[string]arrays.Array{}
	for _, a := range file {
		byName[a.Name] = a
	}
	var errs []error
	for _, p := range n.Layout().Blocks {
		a, ok := byName[p.Name]
		delete(byName, p.Name)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s: array %q is missing; the model needs it with shape %v", path, p.Name, p.Shape))
		case !slices.Equal(a.Shape, p.Shape):
			errs = append(errs, fmt.Errorf("%s: array %q has shape %v; the model needs %v", path, p.Name, a.Shape, p.Shape))
		default:
			tensor.Convert(tensor.Of(p, w), a.Float64s())
		}
	}
	for _, a := range file {
		if _, extra := byName[a.Name]; extra {
			errs = append(errs, fmt.Errorf("%s: array %q belongs to no layer of the model", path, a.Name))
		}
	}
	return w, errors.Join(errs...)
}
