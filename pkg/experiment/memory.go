package experiment

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/size"
)

// A footprint is an estimate of the memory that a run takes beside its data, which
// all runs share.
type footprint []footing

// A footing is a part of it, in bytes.
type footing struct {
	name  string
	bytes int
}

func (f footprint) total() int {
	n := 0
	for _, part := range f {
		n = size.Sum(n, part.bytes)
	}
	return n
}

// String lists the largest parts.
func (f footprint) String() string {
	parts := slices.Clone(f)
	slices.SortStableFunc(parts, func(a, b footing) int { return b.bytes - a.bytes })
	var texts []string
	for _, p := range parts[:min(len(parts), 3)] {
		texts = append(texts, fmt.Sprintf("%s %s", p.name, size.Bytes(p.bytes)))
	}
	return fmt.Sprintf("%s (%s)", size.Bytes(f.total()), strings.Join(texts, ", "))
}

// footprint estimates the memory of a run of a method by so many threads.
func (p *Problem) footprint(m *Method, threads int) footprint {
	c, net := p.Config, p.Net
	value := c.valueSize()
	batch, k, weights, in := c.Train.BatchSize, net.Outputs(), net.NumParams(), p.Shape.Len()
	state := optim.StateBytes(m.Optimizer.Must(), net.Layout(), value)
	held := oracles.HeldBy(m.Oracle.Must(), c.Loss.Must(), oracleSizes(net, batch, value, p.Train.Len()))

	linearizations, trial := 1, 0
	if held.OutputsAt || m.LineSearch.Name != "none" {
		linearizations, trial = 2, 1
	}
	mini, large := net.Memory(batch, value), net.Memory(evalChunk, value)
	examples := func(n int) int { return size.Product(n, size.Sum(size.Product(in, value), size.Product(8, k))) }
	indices := 2*p.Train.Len() + p.Test.Len()
	if p.Valid != nil {
		indices += p.Valid.Len()
	}

	// Initial weights are drawn in float64. Later a checkpoint is encoded into a
	// buffer that grows, and read from a file into arrays of float64.
	saved := size.Sum(size.Product(weights, value), state)
	if c.Log.Inner && m.solves() {
		saved = size.Sum(saved, p.duals())
	}
	transient := max(size.Product(8, weights), size.Product(4, saved))
	return footprint{
		{"weights, direction and update", size.Product(3, weights, value)},
		{"optimizer", state},
		{"oracle", held.Bytes},
		{fmt.Sprintf("linearization on %d examples", batch), size.Sum(
			size.Product(linearizations, size.Sum(mini.Kept, mini.Work)), size.Product(trial, weights, value), examples(batch))},
		{"evaluation", size.Sum(large.Kept, large.Work, examples(evalChunk), size.Product(8, indices))},
		{"products", net.ProductSpace(threads, value)},
		{"drawing and saving weights", transient},
	}
}

// oracleSizes are those of an oracle on batches of m examples of a network, out of a
// training set of so many.
func oracleSizes(n *nn.Net, m, value, examples int) oracles.Sizes {
	return oracles.Sizes{
		Dims: n.Dims(m), Value: value, Seen: examples,
		GramMemory: func(blocks bool) int { return n.GramMemory(m, value, blocks) },
	}
}

// valueSize is the number of bytes of a number in the precision of the runs.
func (c *Config) valueSize() int {
	if c.Precision == "float64" {
		return 8
	}
	return 4
}

// duals is the number of bytes of the dual variables that log: {inner: true}
// keeps, where the number of evaluations is known.
func (p *Problem) duals() int {
	perEpoch := p.Train.Len() / p.Config.Train.BatchSize
	every := p.Config.Evaluate.Every.Steps
	if every == 0 {
		every = perEpoch
	}
	evaluations := 2 + p.Config.Train.total(perEpoch)/every
	return size.Product(8, evaluations, p.Config.Train.BatchSize, p.Net.Outputs())
}
