package train

import (
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A prober calls the oracles of the section probe on the subproblems of some steps, with
// growing budgets, and compares their directions with the exact one. It changes nothing
// that a step depends on, and is neither timed nor counted.
type prober[T tensor.Float] struct {
	oracles   []oracles.Oracle[T]
	names     []string
	budgets   [][]int // of each oracle
	longest   int     // the most budgets that an oracle has
	calls     int
	reference *oracles.Reference
	d         []T // a direction

	// In float64:
	lin    *nn.Linearization[float64]
	w, d64 []float64
	x      tensor.Matrix[float64]
}

// newProber returns the probe of a method, nil if it has none.
func newProber[T tensor.Float](t *trainer[T]) *prober[T] {
	of, size, weights := t.method.Probe, t.config.Train.BatchSize, t.net.NumParams()
	if of == nil {
		return nil
	}
	at := oracles.Site{Loss: t.loss, Dims: t.net.Dims(size), Pool: t.pool, Seed: t.seed}
	p := &prober[T]{
		calls: of.Calls, reference: oracles.NewReference(t.method.Oracle.Must(), at), d: make([]T, weights),
		lin: nn.NewLinearization[float64](t.net, size, t.pool), w: make([]float64, weights), d64: make([]float64, weights),
		x: tensor.New[float64](size, t.data.Shape.Len()),
	}
	for _, o := range of.Oracles {
		spec := o.Must()
		p.oracles = append(p.oracles, oracles.New[T](spec, at))
		p.names = append(p.names, o.Name)
		list := budgets(oracles.Budget(spec))
		p.budgets, p.longest = append(p.budgets, list), max(p.longest, len(list))
	}
	return p
}

// budgets returns the budgets of inner iterations up to the largest: 1, 2, 3, 4, 6, 8, 12,
// 16, ..., whose costs are evenly spread on a log axis. Of 0, the gradient step, there is
// that alone.
func budgets(largest int) (list []int) {
	for n := 1; n < largest; n *= 2 {
		list = append(list, n)
		if half := n + n/2; half > n && half < largest {
			list = append(list, half)
		}
	}
	return append(list, largest)
}

// probeDue reports whether the step that is being made, the first or the last of an
// interval, is probed.
func (t *trainer[T]) probeDue() bool {
	if t.probe == nil {
		return false
	}
	number, every := t.step+1, t.method.Probe.Every.Steps
	if every == 0 {
		every = t.order.perEpoch()
	}
	return number == 1 || number%every == 0
}

// probeStep compares the oracles on the subproblem of the step that is being made, whose
// direction is there and whose update is not.
func (t *trainer[T]) probeStep() {
	p := t.probe
	problem := t.mini
	problem.Trace, problem.Gamma = nil, t.along.report.Gamma
	p.solve(t, &problem)

	rows := make([][]runlog.Probe, len(p.oracles))
	seconds := make([][][]float64, len(p.oracles))
	call := func(j, i int) oracles.Report {
		problem.Iterations = p.budgets[j][i]
		began := time.Now()
		report := p.oracles[j].Direction(p.d, &problem)
		seconds[j][i] = append(seconds[j][i], time.Since(began).Seconds())
		return report
	}
	// Oracles take turns, so that a machine that is busy for a while is so for all.
	for i := range p.longest {
		for j := range p.oracles {
			if i < len(p.budgets[j]) && !ended(rows[j]) {
				seconds[j] = append(seconds[j], nil)
				report := call(j, i)
				rows[j] = append(rows[j], p.row(t, j, i, &report))
			}
		}
	}
	for range p.calls - 1 {
		for i := range p.longest {
			for j := range p.oracles {
				if i < len(rows[j]) {
					call(j, i)
				}
			}
		}
	}
	for j := range rows {
		for i := range rows[j] {
			rows[j][i].Seconds = stats.Median(seconds[j][i])
			t.out.Log.Probe(&rows[j][i])
		}
	}
}

// ended reports whether the last solve would have ended in the same way with any larger
// budget. Where the direction was refused and the gradient step taken in its place, more
// iterations may make a better one. A jitter says nothing of the end.
func ended(rows []runlog.Probe) bool {
	if len(rows) == 0 {
		return false
	}
	switch last := rows[len(rows)-1]; strings.TrimSuffix(last.StopReason, oracles.Jitter) {
	case oracles.StoppedBudget:
		return false
	case oracles.StoppedNoDecrease, oracles.StoppedSlope, oracles.StoppedRounding:
		return last.Iterations < last.Budget
	}
	return true
}

// solve finds the exact direction of a subproblem.
func (p *prober[T]) solve(t *trainer[T], of *oracles.Subproblem[T]) {
	tensor.Convert(p.w, t.w)
	tensor.Convert(p.x.Flat(), t.x.Flat())
	p.lin.Linearize(p.w, p.x)
	p.reference.Solve(&oracles.Subproblem[float64]{
		Loss: of.Loss, Time: of.Time, Gamma: of.Gamma,
		Gradient: oracles.Batch[float64]{Jacobian: p.lin, Targets: of.Gradient.Targets, Omega: of.Gradient.Omega},
	})
}

// row is what there is to say of the direction that oracle j has just made with its i-th
// budget, but for the time it took.
func (p *prober[T]) row(t *trainer[T], j, i int, report *oracles.Report) runlog.Probe {
	full := p.oracles[j].Complete(true)
	tensor.Convert(p.d64, p.d)
	distance, gap := p.reference.Measure(p.d64)
	return runlog.Probe{
		Step: t.step + 1, Oracle: p.names[j], Budget: p.budgets[j][i], Iterations: report.InnerIterations, StopReason: report.StopReason,
		RelativeResidual: full.RelativeResidual, DualityGap: full.Gap,
		Cost:     float64(t.forwardAdds()+report.Counters.MultiplyAdds) / t.unit,
		Distance: distance, ModelGap: gap,
	}
}
