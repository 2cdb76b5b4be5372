package train

import (
	"time"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/tensor"
)

// advance makes the step from the current weights.
func (t *trainer[T]) advance() {
	t.direct()
	t.update()
}

// direct makes the direction at the current weights, and returns the oracle's report,
// which the line search uses too.
func (t *trainer[T]) direct() oracles.Report {
	t.now = t.time()
	t.data.Advance(t.step)
	var curvature *oracles.Batch[T]
	if t.following != nil {
		curvature = t.assemble(t.following)
	}
	t.batch.ReadAugmented(t.data.Augment, datasets.Chance{Key: t.augmentKey, Step: t.step}, t.data.Train, t.order.batch(t.step), t.x, t.y)
	t.losses = losses.Weighted{Loss: t.loss, Omega: t.data.Train.Omega(t.omega, t.order.batch(t.step))}
	t.lin.Linearize(t.w, t.x)
	t.count(oracles.Counters{Forwards: 1, MultiplyAdds: t.forwardAdds()})

	t.mini = oracles.Subproblem[T]{
		Loss: t.loss, Time: t.now, Curvature: curvature,
		Gradient: oracles.Batch[T]{Jacobian: t.lin, Targets: t.y, Omega: t.losses.Omega, Examples: t.order.batch(t.step)},
	}
	if t.inner != nil {
		t.mini.Trace = &t.inner.trace
	}
	t.along.report, t.along.replaced = t.oracle.Direction(t.d, &t.mini), false
	t.count(t.along.report.Counters)
	t.factored.Add(t.along.report.Factored)
	t.elementwise += t.along.report.Elementwise
	return t.along.report
}

// update moves the weights by eta times the optimizer's update.
func (t *trainer[T]) update() (eta float64) {
	now, began := t.now, time.Now()
	if t.inPlace != nil && t.accelerated == nil {
		t.inPlace.Step(t.d, t.w, now)
		t.account(began)
		return 1
	}
	t.optimizer.Update(t.u, t.d, t.w, now)
	t.account(began)
	if t.accelerated != nil {
		t.way.a = nil
		if c, ok := t.optimizer.ScalesDirection(now); ok {
			t.way.bend(t.accelerated, t.d, c)
		}
	}
	eta = t.lineSearch.Search(&t.along)
	if eta != 0 { // or 0 times an update that is not finite would be added
		factor, v := t.way.at(eta)
		tensor.Axpy(t.pool, T(factor), v, t.w)
	}
	return eta
}

// account counts what the optimizer made of matrices in an update that began at a time.
func (t *trainer[T]) account(began time.Time) {
	took := optim.Spent{Time: time.Since(began)}
	if t.reporter == nil {
		t.spent.Add(took)
		return
	}
	t.updated = t.reporter.Report()
	took.Products, took.Factorisations = t.updated.Products, t.updated.Factorisations
	t.spent.Add(took)
	t.count(oracles.Counters{MultiplyAdds: t.updated.Products.MultiplyAdds + t.updated.Factorisations.MultiplyAdds})
	if t.updated.Fallback != "" {
		t.fallbacks++
	}
}

func (t *trainer[T]) count(c oracles.Counters) { t.counters.Add(c) }

func (t *trainer[T]) forwardAdds() int64 {
	return int64(t.config.Train.BatchSize) * t.net.MultiplyAdds().Forward
}
