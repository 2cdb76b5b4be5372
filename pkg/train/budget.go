package train

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/schedules"
)

// moment is where the run stands between two steps.
func (t *trainer[T]) moment() config.Moment {
	m := config.Moment{Step: t.step, Cost: t.cost(), Seconds: t.clock.Seconds()}
	m.Used = t.used(m)
	return m
}

// used returns the share of the run's length that is behind a moment: of steps and cost
// the larger, or of seconds, if nothing else limits the run.
func (t *trainer[T]) used(m config.Moment) float64 {
	limits := t.config.Train
	total := limits.Total(t.order.perEpoch())
	if total == 0 && limits.Cost == 0 {
		return m.Seconds / limits.Seconds
	}
	used := 0.0
	if total > 0 {
		used = float64(m.Step) / float64(total)
	}
	if limits.Cost > 0 {
		used = max(used, m.Cost/limits.Cost)
	}
	return used
}

// leastOfSeconds is the share of a budget of seconds at which geometric moments begin.
const leastOfSeconds = 1e-3

// first is the share that a first step takes, if it costs a gradient.
func (t *trainer[T]) first() float64 {
	limits := t.config.Train
	total := limits.Total(t.order.perEpoch())
	if total == 0 && limits.Cost == 0 {
		return leastOfSeconds
	}
	step := float64(limits.BatchSize) / float64(limits.Unit()) // its cost, at least
	return min(1/max(float64(total), limits.Cost/step), 1)
}

// least is the share at which geometric moments begin, that of a gradient of the
// mini-batch in which costs are counted: the same for methods with others of their own.
func (t *trainer[T]) least() float64 {
	limits := t.config.Train
	total := limits.Total(max(len(t.order.perm)/limits.Unit(), 1))
	if total == 0 && limits.Cost == 0 {
		return leastOfSeconds
	}
	return min(1/max(float64(total), limits.Cost), 1)
}

// time is the moment at which the next step begins, as schedules see it. It must not
// change before the step has ended.
func (t *trainer[T]) time() schedules.Time {
	limits, perEpoch := t.config.Train, t.order.perEpoch()
	now := schedules.Time{Step: t.step, Total: limits.Total(perEpoch), StepsPerEpoch: perEpoch, Budget: limits.Budget(perEpoch)}
	if !now.Budget {
		return now
	}
	now.Used = min(t.used(t.moment()), 1)
	// The step is expected to take as much as those before it on average.
	now.Next = now.Used + max(t.first(), t.warmed)
	if t.step > 0 {
		now.Next = now.Used + now.Used/float64(t.step)
	}
	now.Next = min(now.Next, 1)
	return now
}

// done reports whether a limit is reached.
func (t *trainer[T]) done() bool {
	limits := t.config.Train
	total := limits.Total(t.order.perEpoch())
	return total > 0 && t.step >= total || limits.Seconds > 0 && t.clock.Seconds() >= limits.Seconds || limits.Cost > 0 && t.cost() >= limits.Cost
}

// due reports whether an event is due after the last step.
func (t *trainer[T]) due(every config.Every) bool {
	return every.Due(t.previous, t.moment(), t.order.perEpoch(), t.least())
}

// evaluationDue: at the start, at the configured interval, at the end, and before a long step that
// is expected to end beyond the limit of seconds: then a row says what there was within it.
func (t *trainer[T]) evaluationDue() bool {
	return t.step == 0 || t.due(t.config.Evaluate.Every) || t.done() || t.closing()
}

// longStep is the share of train.seconds from which a step is a long one.
const longStep = 0.01

// closing reports whether a step as long as the last one, if that was long, would end beyond the limit
// of seconds.
func (t *trainer[T]) closing() bool {
	limit, now := t.config.Train.Seconds, t.clock.Seconds()
	last := now - t.previous.Seconds
	return limit > 0 && t.step > 0 && last >= longStep*limit && now+last > limit
}

// overrun says of a run whose last step ended well beyond the limit of seconds what its last row is; ""
// of others.
func (t *trainer[T]) overrun() string {
	limit, now := t.config.Train.Seconds, t.clock.Seconds()
	began := t.previous.Seconds
	if limit == 0 || t.step == 0 || began >= limit || now-limit < longStep*limit {
		return ""
	}
	return fmt.Sprintf("train.seconds, %.4g, passed within step %d, which began at %.4g and ended at %.4g: so did the last row of metrics.csv, by its wall_seconds", limit, t.step, began, now)
}
