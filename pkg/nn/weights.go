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
	shapes := map[string][]int{}
	for _, p := range n.Layout().Blocks {
		shapes[p.Name] = p.Shape
	}
	// Arrays that do not fit are told of below, and need not be read for that.
	var headers []arrays.Header
	file, err := arrays.ReadFile(path, func(h arrays.Header) error {
		headers = append(headers, h)
		if want, ok := shapes[h.Name]; !ok || !slices.Equal(h.Shape, want) {
			return arrays.ErrSkip
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	w := make([]T, n.params)
	byName, given := map[string]arrays.Array{}, map[string][]int{}
	for _, a := range file {
		byName[a.Name] = a
	}
	for _, h := range headers {
		given[h.Name] = h.Shape
	}
	var errs []error
	for _, p := range n.Layout().Blocks {
		shape, ok := given[p.Name]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s: array %q is missing; the model needs it with shape %v", path, p.Name, p.Shape))
		case !slices.Equal(shape, p.Shape):
			errs = append(errs, fmt.Errorf("%s: array %q has shape %v; the model needs %v", path, p.Name, shape, p.Shape))
		default:
			tensor.Convert(tensor.Of(p, w), byName[p.Name].Float64s())
		}
	}
	for _, h := range headers {
		if _, ok := shapes[h.Name]; !ok {
			errs = append(errs, fmt.Errorf("%s: array %.60q belongs to no layer of the model", path, h.Name))
		}
	}
	return w, errors.Join(errs...)
}
