package problem

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
)

// Footprint estimates the memory of a run of a method by so many threads.
func (p *Problem) Footprint(m *config.Method, threads int) memory.Footprint {
	c, net := p.Config, p.Net
	value := c.ValueSize()
	batch, k, weights, in := c.Train.BatchSize, net.Outputs(), net.NumParams(), p.Shape.Len()
	state := optim.StateBytes(m.Optimizer.Must(), net.Layout(), value)
	held := oracles.HeldBy(m.Oracle.Must(), c.Loss.Must(), OracleSizes(net, batch, value, p.Train.Len()))

	linearizations, trial := 1, 0
	if held.OutputsAt || m.LineSearch.Name != "none" {
		linearizations, trial = 2, 1
	}
	vectors := 3
	if oracles.Accelerates(m.Oracle.Must()) {
		vectors++ // a point of the curve
	}
	mini, large := net.Memory(batch, value), net.Memory(EvalChunk, value)
	examples := func(n int) int { return size.Product(n, size.Sum(size.Product(in, value), size.Product(8, k))) }
	indices := 2*p.Train.Len() + p.Test.Len()
	if p.Valid != nil {
		indices += p.Valid.Len()
	}

	// Initial weights are drawn in float64. Later a checkpoint is encoded into a
	// buffer that grows, and read from a file into arrays of float64.
	saved := size.Sum(size.Product(weights, value), state, held.State)
	if c.Log.Inner && m.Solves() {
		saved = size.Sum(saved, p.duals())
	}
	transient := max(size.Product(8, weights), size.Product(4, saved))
	optimizer, oracle := "optimizer", "oracle"
	if key := optim.LimitOf(m.Optimizer.Must()); key != "" {
		optimizer += fmt.Sprintf(" (a smaller %s lowers it)", key)
	}
	if l, ok := m.Oracle.Must().(oracles.Limited); ok {
		oracle += fmt.Sprintf(" (a smaller %s lowers it)", l.Limit())
	}
	f := memory.Footprint{
		{Name: "weights, direction and update", Bytes: size.Product(vectors, weights, value)},
		{Name: optimizer, Bytes: size.Sum(state, optim.WorkBytes(m.Optimizer.Must(), net.Layout(), value))},
		{Name: oracle, Bytes: held.Bytes},
		{Name: fmt.Sprintf("linearization on %d examples", batch), Bytes: size.Sum(
			size.Product(linearizations, size.Sum(mini.Kept, mini.Work)), size.Product(trial, weights, value), examples(batch))},
		{Name: "evaluation", Bytes: size.Sum(large.Kept, large.Work, examples(EvalChunk), size.Product(8, indices))},
		{Name: "products", Bytes: net.ProductSpace(max(batch, EvalChunk), threads, value)},
		{Name: "drawing and saving weights", Bytes: transient},
	}
	if n := oracles.CurvatureBatch(m.Oracle.Must(), net.Dims(batch)); n > 0 {
		next := net.Memory(n, value)
		f = append(f, memory.Part{Name: fmt.Sprintf("linearization on %d examples of the next mini-batch", n), Bytes: size.Sum(next.Kept, next.Work, examples(n), size.Product(16, n))})
	}
	if p.Equation != nil { // of the run's own seed
		f = append(f, memory.Part{Name: "points", Bytes: p.Bytes()})
	}
	if m.Probe != nil {
		f = append(f, memory.Part{Name: "compared oracles", Bytes: p.probed(m)})
	}
	return f
}

// probed is what the oracles that a method is compared with hold, and the exact direction
// that they are measured against: a linearization in float64 and its oracle.
func (p *Problem) probed(m *config.Method) int {
	const exact = 8
	c, net := p.Config, p.Net
	value, loss, batch, weights := c.ValueSize(), c.Loss.Must(), c.Train.BatchSize, net.NumParams()
	kept := net.Memory(batch, exact)
	total := size.Sum(kept.Kept, kept.Work, size.Product(exact, batch, p.Shape.Len()), size.Product(2*exact+value, weights))
	for _, o := range m.Probe.Oracles {
		total = size.Sum(total, oracles.HeldBy(o.Must(), loss, OracleSizes(net, batch, value, p.Train.Len())).Bytes)
	}
	return size.Sum(total, oracles.HeldByReference(m.Oracle.Must(), loss, OracleSizes(net, batch, exact, p.Train.Len())).Bytes)
}

// OracleSizes are those of an oracle on batches of m examples of a network, out of a
// training set of so many.
func OracleSizes(n *nn.Net, m, value, examples int) oracles.Sizes {
	return oracles.Sizes{Dims: n.Dims(m), Value: value, Seen: examples}
}

// duals is the number of bytes of the dual variables that log: {inner: true}
// keeps, where the number of evaluations is known: at most one a step.
func (p *Problem) duals() int {
	t, every := p.Config.Train, p.Config.Evaluate.Every
	perEpoch := p.Train.Len() / t.BatchSize
	evaluations := t.Total(perEpoch)
	switch {
	case every.Geometric > 0:
		evaluations = every.Geometric
	case every.Cost > 0 && t.Cost > 0:
		evaluations = int(t.Cost / every.Cost)
	case every.Cost > 0 || every.Seconds > 0:
	case every.Steps > 0:
		evaluations /= every.Steps
	default:
		evaluations /= perEpoch
	}
	return size.Product(8, size.Sum(2, evaluations), t.BatchSize, p.Net.Outputs())
}

// EvalChunk is the number of examples that are evaluated at a time; it is fixed, since
// the order of summation is part of a result's bits.
const EvalChunk = 256

// Fits returns a *[config.Error] for methods whose runs, one at a time, do not fit in
// the memory that is left.
func (p *Problem) Fits() error {
	var all strict.Complaints
	for i := range p.Config.Methods {
		m := &p.Config.Methods[i]
		all.Add(memory.Process.Fits("a run of "+m.Name, p.of(i).Footprint(m, 1)))
	}
	if err := all.Err(); err != nil {
		return config.Wrap(err)
	}
	return nil
}
