// Package direction calls the oracle of a method once, on weights and a mini-batch in
// files: the exchange format by which other programs are compared with this one.
package direction

import (
	"fmt"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Of calls the oracle of one method once, on weights and a mini-batch in
// files, and returns what came out as named arrays of float64. With weights omega
// in the batch they are those of h = (1/m) Σ omega_i loss_i:
//
//	direction, gradient   p, in parameter order; gradient is that of the mean loss
//	outputs, alpha        m x k
//	loss, model_change, primal, dual, gap, slope, inner_iterations
//
// What does not apply to the method is absent. What an oracle draws is what it draws in the first
// step of the first seed; there is no direction before, as with momentum in that step. warn is told
// of a gamma that is too large for the precision, and of a batch of an equation without points inside or on the boundary.
func Of(c *config.Config, method, paramsFile, batchFile string, warn func(string)) ([]arrays.Array, error) {
	i := slices.IndexFunc(c.Methods, func(m config.Method) bool { return m.Name == method })
	if i < 0 {
		var names []string
		for _, m := range c.Methods {
			names = append(names, m.Name)
		}
		return nil, config.Errorf("there is no method %q%s", method, strict.Suggest(method, names))
	}
	if c.Precision == "float64" {
		return direction[float64](c, &c.Methods[i], paramsFile, batchFile, warn)
	}
	return direction[float32](c, &c.Methods[i], paramsFile, batchFile, warn)
}

func direction[T tensor.Float](c *config.Config, method *config.Method, paramsFile, batchFile string, warn func(string)) ([]arrays.Array, error) {
	loss := c.Loss.Must()
	b, err := readBatch(batchFile)
	if err != nil {
		return nil, err
	}
	var net *nn.Net
	if equation, ok := c.Data.Equation(); ok {
		if err = b.place(equation, c.Data.Name, warn); err == nil {
			net, err = problem.BuildResiduals(c, equation)
		}
	} else {
		net, err = b.build(c, loss, paramsFile)
	}
	if err == nil {
		err = checkNet(c, method, loss, net, b.m)
	}
	if err != nil {
		return nil, err
	}
	k := net.Outputs()
	y, err := b.targets(k, loss)
	if err != nil {
		return nil, err
	}
	w, err := nn.Load[T](paramsFile, net)
	if err != nil {
		return nil, problem.FileErrorf("%w", err)
	}
	if err := checkWeights(paramsFile, net, w); err != nil {
		return nil, err
	}
	spec := method.Oracle.Must()
	if err := problem.CheckSchedules(method.Oracle.Options, schedules.Time{}); err != nil {
		return nil, config.Wrap(method.Oracle.At.Locate(err))
	}

	x := tensor.New[T](b.m, b.shape.Len())
	tensor.Convert(x.Flat(), b.x)
	if err := checkFinite(batchFile, "x", x.Flat()); err != nil {
		return nil, err
	}
	lin := nn.NewLinearization[T](net, b.m, nil)
	z := lin.Linearize(w, x)
	p := &oracles.Subproblem[T]{Loss: loss, Gradient: oracles.Batch[T]{Jacobian: lin, Targets: y, Omega: b.omega}}
	weighted := losses.Weighted{Loss: loss, Omega: b.omega}
	d, gradient := make([]T, len(w)), make([]T, len(w))
	site := oracles.Site{Loss: loss, Dims: net.Dims(b.m)}
	if len(c.Seeds) > 0 {
		site.Seed = c.Seeds[0]
	}
	o := oracles.New[T](spec, site)
	o.Direction(d, p)
	r := o.Complete(true)
	if r.Singular.Unknowns > 0 {
		warn(r.Singular.String())
	}

	alpha := tensor.New[float64](b.m, k)
	for i := range b.m {
		weighted.GradOf(i, alpha.Row(i), z.Row(i), y.Row(i))
	}
	tensor.Scale(nil, 1/float64(b.m), alpha.Flat())
	lin.VJP(gradient, alpha)

	slope := r.WeightDecay * tensor.Dot(nil, w, d) // <grad F, d> of the vectors themselves
	slope += tensor.Dot(nil, gradient, d)

	out := []arrays.Array{
		vector("direction", d), vector("gradient", gradient),
		arrays.Float64("outputs", []int{b.m, k}, z.Flat()),
	}
	if dual, ok := o.(oracles.DualOracle); ok {
		out = append(out, arrays.Float64("alpha", []int{b.m, k}, dual.DualVariables().Flat()))
	}
	if accelerated, ok := o.(oracles.Accelerated[T]); ok {
		if a := accelerated.Acceleration(); a != nil {
			out = append(out, vector("acceleration", a))
		}
	}
	scalars := []struct {
		name  string
		value float64
	}{{"loss", weighted.Mean(z, y)}, {"model_change", r.ModelChange}, {"slope", slope}, {"primal", r.Primal}, {"dual", r.Dual()}, {"gap", r.Gap}}
	for _, s := range scalars {
		if !math.IsNaN(s.value) {
			out = append(out, arrays.Float64(s.name, []int{}, []float64{s.value}))
		}
	}
	if r.StopReason != "" {
		out = append(out, arrays.Float64("inner_iterations", []int{}, []float64{float64(r.InnerIterations)}))
	}
	if !finite(out[len(out)-1].Float64s()[0]) || slices.ContainsFunc(out[0].Float64s(), func(v float64) bool { return !finite(v) }) {
		return nil, fmt.Errorf("the direction is not finite (the loss is %g; inner solve: %s); are weights and batch those of one model?", weighted.Mean(z, y), r.StopReason)
	}
	return out, nil
}

func vector[T tensor.Float](name string, v []T) arrays.Array {
	wide := make([]float64, len(v))
	tensor.Convert(wide, v)
	return arrays.Float64(name, []int{len(v)}, wide)
}

// A batchData is a mini-batch read from a file.
type batchData struct {
	file  string
	m     int
	shape tensor.Shape
	x     []float64
	y     arrays.Array
	omega []float64    // weights of the examples; nil: all 1
	part  arrays.Array // of the domain of an equation, if the batch has that
}

// batchNumbers bounds the numbers of one array of a batch; a step on more would
// take minutes.
const batchNumbers = 1 << 28

// batchArray refuses, before they are read, arrays that no batch has.
func batchArray(h arrays.Header) error {
	switch {
	case !slices.Contains([]string{"x", "y", "omega", "part"}, h.Name):
		return fmt.Errorf("array %.60q is not part of a batch; it takes x and y, weights of the examples as omega, and of an equation part", h.Name)
	case h.Len() > batchNumbers:
		return fmt.Errorf("array %q has shape %v, %d numbers; at most %d are read", h.Name, h.Shape, h.Len(), batchNumbers)
	}
	return nil
}

// readBatch reads the arrays x (m x features or m x C x H x W) and y (int labels
// of length m, or float targets m x k), and weights omega of length m if there are
// any.
func readBatch(file string) (*batchData, error) {
	bytes := 0
	_, err := arrays.ReadFile(file, batchArray, func(h arrays.Header) error {
		bytes = size.Sum(bytes, size.Product(2, int(h.Bytes()))) // into memory that grows
		return arrays.ErrSkip
	})
	if err == nil {
		err = memory.Process.Fits("the batch in "+file, memory.Footprint{{Name: "arrays", Bytes: bytes}})
	}
	if err != nil {
		return nil, problem.FileErrorf("%w", err)
	}
	list, err := arrays.ReadFile(file, batchArray)
	if err != nil {
		return nil, problem.FileErrorf("%w", err)
	}
	b := &batchData{file: file}
	var x, omega arrays.Array
	for _, a := range list {
		switch a.Name {
		case "x":
			x = a
		case "y":
			b.y = a
		case "omega":
			omega = a
		case "part":
			b.part = a
		}
	}
	switch {
	case x.Name == "" || b.y.Name == "":
		return nil, problem.FileErrorf("%s: a batch needs the arrays x (m x features or m x C x H x W) and y (labels or targets)", file)
	case len(x.Shape) == 2:
		b.shape = tensor.Shape{C: x.Shape[1], H: 1, W: 1}
	case len(x.Shape) == 4:
		b.shape = tensor.Shape{C: x.Shape[1], H: x.Shape[2], W: x.Shape[3]}
	default:
		return nil, problem.FileErrorf("%s: x has shape %v; want m x features or m x C x H x W", file, x.Shape)
	}
	b.m, b.x = x.Shape[0], x.Float64s()
	if b.m == 0 || b.shape.Len() == 0 {
		return nil, problem.FileErrorf("%s: x has shape %v, and so no values", file, x.Shape)
	}
	if len(b.y.Shape) == 0 || len(b.y.Shape) > 2 || b.y.Shape[0] != b.m || b.y.Len() == 0 {
		return nil, problem.FileErrorf("%s: y has shape %v; want %d labels, or %d x k targets, one for each row of x", file, b.y.Shape, b.m, b.m)
	}
	for name, v := range map[string][]float64{"x": b.x, "y": b.y.Float64s()} {
		if i := slices.IndexFunc(v, func(v float64) bool { return !finite(v) }); i >= 0 {
			columns := len(v) / b.m
			return nil, problem.FileErrorf("%s: %s holds %g at position %d, column %d of example %d", file, name, v[i], i, i%columns, i/columns)
		}
	}
	if omega.Name != "" {
		return b, b.weigh(omega)
	}
	return b, nil
}

// weigh takes the weights of the examples.
func (b *batchData) weigh(omega arrays.Array) error {
	if len(omega.Shape) != 1 || omega.Shape[0] != b.m {
		return problem.FileErrorf("%s: omega has shape %v; want %d weights, one for each row of x", b.file, omega.Shape, b.m)
	}
	b.omega = omega.Float64s()
	for i, v := range b.omega {
		if !(v >= 0) || !finite(v) {
			return problem.FileErrorf("%s: omega holds %g at position %d; a weight is 0 or a positive number", b.file, v, i)
		}
	}
	if slices.Max(b.omega) == 0 {
		return problem.FileErrorf("%s: every weight in omega is 0; some must be positive, or there is nothing to minimise", b.file)
	}
	return nil
}

// outputsFor returns k where the config leaves it to the data: 1 for a binary
// loss, the columns of float targets, or as many as the last tensor of weights
// has rows.
func outputsFor(c *config.Config, b *batchData, l losses.Loss, paramsFile string) (int, error) {
	switch {
	case c.Model.Must().Outputs() != 0:
		return c.Model.Must().Outputs(), nil
	case b.binary(l):
		return 1, nil
	case !b.y.IsInt():
		return b.y.Len() / b.m, nil
	}
	var last arrays.Header
	if _, err := arrays.ReadFile(paramsFile, func(h arrays.Header) error { last = h; return arrays.ErrSkip }); err != nil {
		return 0, problem.FileErrorf("%w", err)
	}
	if len(last.Shape) == 0 || last.Shape[0] == 0 {
		return 0, problem.FileErrorf("%s: holds no weights", paramsFile)
	}
	return last.Shape[0], nil
}

// targets encodes y as the loss wants it.
func (b *batchData) targets(k int, l losses.Loss) (tensor.Matrix[float64], error) {
	y := tensor.New[float64](b.m, k)
	if !b.y.IsInt() {
		if l.Target() == losses.BinaryTarget {
			return y, problem.FileErrorf("%s: a binary loss takes y as integers 0 and 1", b.file)
		}
		if b.y.Len() != b.m*k {
			return y, problem.FileErrorf("%s: y has shape %v; the model has %d outputs for each of %d examples", b.file, b.y.Shape, k, b.m)
		}
		copy(y.Flat(), b.y.Float64s())
		if l.Target() == losses.ProbabilityTarget {
			if i := slices.IndexFunc(y.Flat(), func(t float64) bool { return !(t >= 0 && t <= 1) }); i >= 0 {
				return y, problem.FileErrorf("%s: y holds %g for output %d of example %d; the loss takes targets in [0, 1]", b.file, y.Flat()[i], i%k, i/k)
			}
		}
		if l.Target() == losses.ClassTarget {
			for i := range b.m {
				var sum float64
				for _, v := range y.Row(i) {
					sum += v
					if v < 0 {
						sum = math.NaN()
					}
				}
				if !(math.Abs(sum-1) < 1e-6) {
					return y, problem.FileErrorf("%s: row %d of y is not a distribution over %d classes", b.file, i, k)
				}
			}
		}
		return y, nil
	}
	if b.y.Len() != b.m {
		return y, problem.FileErrorf("%s: y has shape %v; integer labels are one for each of the %d examples", b.file, b.y.Shape, b.m)
	}
	classes, binary := int64(k), b.binary(l)
	if binary {
		classes = 2
	}
	for i, label := range b.y.Ints() {
		if label < 0 || label >= classes {
			return y, problem.FileErrorf("%s: label %d of example %d is out of range 0 to %d", b.file, label, i, classes-1)
		}
		if binary {
			y.Set(i, 0, float64(2*label-1))
		} else {
			y.Set(i, int(label), 1)
		}
	}
	return y, nil
}
