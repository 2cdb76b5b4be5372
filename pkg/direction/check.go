package direction

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// binary reports whether the targets are -1 and +1 under a loss.
func (b *batchData) binary(l losses.Loss) bool {
	return l.Target() == losses.BinaryTarget || l.Target() == losses.ProbabilityTarget && b.y.IsInt()
}

// build sizes the model for a batch of examples. Errors are *[config.Error], or about files.
func (b *batchData) build(c *config.Config, l losses.Loss, paramsFile string) (*nn.Net, error) {
	if b.part.Name != "" {
		return nil, problem.FileErrorf("%s: part is for equations, and the config names none; it would do so as data: {name: poisson, dimension: 2}", b.file)
	}
	k, err := outputsFor(c, b, l, paramsFile)
	if err != nil {
		return nil, err
	}
	model, binary := c.Model.Must(), b.binary(l)
	one := fmt.Sprintf("but the loss %s takes one output, whose sign is the class; logistic takes one for each class", c.Loss.Name)
	if l.Target() == losses.ProbabilityTarget {
		one = fmt.Sprintf("but the loss %s takes one output where y are labels; it takes any number with float targets in [0, 1], m x k", c.Loss.Name)
	}
	if o := model.Outputs(); binary && o > 1 {
		return nil, config.Wrap(c.Model.At.Locate(strict.Field("outputs", "is %d, %s", o, one)))
	}
	net, err := model.Build(b.shape, k)
	if err == nil && binary && net.Outputs() != 1 {
		err = fmt.Errorf("the last layer gives %d numbers, %s", net.Outputs(), one)
	}
	if err != nil {
		return nil, config.Wrap(c.Model.At.Locate(err))
	}
	return net, nil
}

// checkNet refuses what the oracle cannot take, or what memory does not hold.
func checkNet(c *config.Config, method *config.Method, l losses.Loss, net *nn.Net, m int) error {
	if err := method.Oracle.Must().Fits(l, net.Dims(m)); err != nil {
		return config.Wrap(method.Oracle.At.Locate(err))
	}
	if oracles.CurvatureBatch(method.Oracle.Must(), net.Dims(m)) > 0 {
		return config.Wrap(method.Oracle.At.Locate(strict.Field("curvature.batch", "next needs a second mini-batch, and dgn direction is given one; take same")))
	}
	value, weights := c.ValueSize(), net.NumParams()
	mem, held := net.Memory(m, value), oracles.HeldBy(method.Oracle.Must(), l, problem.OracleSizes(net, m, value, m))
	linearizations, vectors := 1, size.Product(3, weights, value+8)
	if held.OutputsAt {
		linearizations, vectors = 2, size.Sum(vectors, size.Product(weights, value)) // a trial point
	}
	if oracles.Accelerates(method.Oracle.Must()) {
		vectors = size.Sum(vectors, size.Product(8, weights))
	}
	err := memory.Process.Fits("the direction", memory.Footprint{
		{Name: "weights, direction, gradient and what is written", Bytes: vectors},
		{Name: "oracle", Bytes: held.Bytes},
		{Name: fmt.Sprintf("linearization on %d examples", m), Bytes: size.Product(linearizations, size.Sum(mem.Kept, mem.Work))},
		{Name: "products", Bytes: net.ProductSpace(m, 1, value)},
	})
	if err != nil {
		return config.Wrap(err)
	}
	return nil
}

// checkFinite returns an error about a number of a file that is none in precision T.
func checkFinite[T tensor.Float](file, name string, v []T) error {
	i := slices.IndexFunc(v, func(x T) bool { return !finite(float64(x)) })
	if i < 0 {
		return nil
	}
	return problem.FileErrorf("%s: %s holds a number at position %d that is NaN, infinite, or too large for the precision of the config", file, name, i)
}

// checkWeights is checkFinite for weights read from a file.
func checkWeights[T tensor.Float](file string, n *nn.Net, w []T) error {
	var errs []error
	for _, p := range n.Layout().Blocks {
		errs = append(errs, checkFinite(file, fmt.Sprintf("array %q", p.Name), w[p.Offset:p.Offset+p.Len()]))
	}
	return errors.Join(errs...)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
