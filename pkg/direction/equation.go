package direction

import (
	"fmt"
	"slices"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/tensor"
)

// place puts the part that each point is of behind its coordinates, as networks of residuals
// take them, and has each part count as its mean, unless the batch has weights of its own. warn is told
// of a batch that lacks one of them.
func (b *batchData) place(e datasets.EquationSet, name string, warn func(string)) error {
	d := e.Jet().Dimension
	switch {
	case !b.shape.IsVector() || b.shape.C != d:
		return problem.FileErrorf("%s: x has examples of shape %s; the equation %s has %d coordinates", b.file, b.shape, name, d)
	case b.part.Name == "":
		return problem.FileErrorf("%s: part is missing; a batch of an equation needs it beside x and y: for each of the %d points 0 inside, or 1 on the boundary or at the initial time", b.file, b.m)
	case len(b.part.Shape) != 1 || b.part.Shape[0] != b.m:
		return problem.FileErrorf("%s: part has shape %v; want %d numbers, one for each row of x", b.file, b.part.Shape, b.m)
	}
	parts := b.part.Float64s()
	for i, p := range parts {
		if p != nn.Interior && p != nn.Boundary {
			return problem.FileErrorf("%s: part holds %g at position %d; it is %d inside, and %d on the boundary or at the initial time", b.file, p, i, nn.Interior, nn.Boundary)
		}
	}
	for p, where := range map[float64]string{nn.Interior: "inside", nn.Boundary: "on the boundary or at the initial time"} {
		if !slices.Contains(parts, p) { // there is one such part at most
			warn(fmt.Sprintf("%s: none of the %d points is %s: the loss is the mean over the others alone", b.file, b.m, where))
		}
	}
	x := tensor.New[float64](b.m, d+1)
	for i, p := range parts {
		copy(x.Row(i), b.x[i*d:(i+1)*d])
		x.Row(i)[d] = p
	}
	b.x, b.shape.C = x.Data, d+1
	if b.y.IsInt() { // numbers, not labels
		b.y = arrays.Float64("y", b.y.Shape, b.y.Float64s())
	}
	if b.omega == nil {
		b.omega = make([]float64, b.m)
		e.Omega(b.omega, func(i int) int { return int(parts[i]) })
	}
	return nil
}
