package train

import (
	"math"

	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/tensor"
)

// evaluation is the row of metrics.csv for scores at the current weights.
func (t *trainer[T]) evaluation(s scores) runlog.Evaluation {
	return runlog.Evaluation{
		Method: t.method.Name, Seed: t.seed, Step: t.step, Epoch: float64(t.step) / float64(t.order.perEpoch()),
		WallSeconds: t.clock.Seconds(), Cost: t.cost(), OracleCalls: t.counters.Calls(),
		TrainLoss: s.train.loss, TrainAccuracy: s.train.accuracy, ValidLoss: s.valid.loss, ValidAccuracy: s.valid.accuracy,
		TestLoss: s.test.loss, TestAccuracy: s.test.accuracy, TestRMSE: s.test.rmse,
		ValidL2: s.valid.l2, TestL2: s.test.l2, TestRelativeL2: s.test.relative,
	}
}

// cost is the work so far, in gradients of a mini-batch (of train.cost_unit examples): a
// forward pass and a VJP each.
func (t *trainer[T]) cost() float64 { return float64(t.counters.MultiplyAdds) / t.unit }

// row is the row of steps.csv for the step just made, from its completed report.
func (t *trainer[T]) row(batchLoss, stepSize float64) *runlog.Step {
	r, c := &t.logged, t.counters
	reason := r.StopReason
	if t.along.replaced {
		reason = join(reason, runlog.GradientStep)
	}
	if t.accelerated != nil && !t.along.replaced && stepSize > 0 && !t.way.bent(stepSize) {
		reason = join(reason, runlog.AlongLine)
	}
	reason = join(reason, t.updated.Fallback)
	return &runlog.Step{
		Step: t.step, WallSeconds: t.clock.Seconds(), Cost: t.cost(), OracleCalls: c.Calls(),
		BatchLoss: batchLoss, GradNorm: r.GradNorm, DirectionNorm: tensor.Norm2(t.pool, t.d), Slope: r.Slope, StepSize: stepSize, Gamma: r.Gamma,
		InnerIterations: r.InnerIterations, StopReason: reason, RelativeResidual: r.RelativeResidual, DualityGap: r.Gap,
		Forwards: c.Forwards, JVPs: c.JVPs, VJPs: c.VJPs, GramProducts: c.GramProducts, MultiplyAdds: c.MultiplyAdds,
		Fraction: t.previous.Used,
	}
}

// unmeasured is a report without what only a log asks for, see [oracles.Oracle].
func unmeasured(r oracles.Report) oracles.Report {
	r.GradNorm, r.Slope, r.Gap = math.NaN(), math.NaN(), math.NaN()
	return r
}

// join joins two reasons by a plus, where there are two.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "+" + b
}
