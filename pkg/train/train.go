// Package train makes one run: it trains one method from one seed, and measures time
// and cost as it goes. [Training.Run] does all of it; the way of the data is to be read
// in trainer.train: batch -> linearization -> oracle -> optimizer -> line search -> log.
// [Training.Stepper] makes the steps alone.
//
// The clock runs during a step, and stands still during evaluations, logs and
// checkpoints. The order of batches, initial weights and augmentation follow from the
// seed alone, so that all methods see the same, and results are the same bits with any
// number of threads.
package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dualgn/dgn/pkg/clock"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A trainer makes one run: one method from one seed.
type trainer[T tensor.Float] struct {
	config *config.Config
	method *config.Method
	seed   uint64
	data   *datasets.Set
	net    *nn.Net
	pool   *tensor.Pool
	loss   losses.Loss
	eval   *evaluator[T]
	out    Output
	inner  *innerLog  // nil: inner solves are not recorded
	probe  *prober[T] // nil: no other oracles are compared
	large  bool       // its garbage may be in the way, see tidy
	auto   bool       // the number of threads is to be chosen

	// Everything that changes from step to step, and that a checkpoint keeps;
	// the order of batches and how images are augmented, follow from seed and step.
	step          int
	evaluated     int // the last step after which there was an evaluation, -1: none
	w             []T
	clock         clock.Clock
	counters      oracles.Counters
	gradientSteps int           // updates that a line search replaced
	before        clock.Stops   // of the sessions before this one
	previous      config.Moment // before the last step
	began         time.Time
	oracle        oracles.Oracle[T]
	fallbacks     int // updates that the optimizer could not make as it says
	optimizer     optim.Optimizer[T]
	lineSearch    optim.LineSearch

	// Work space, worthless between steps.
	order       *order
	augmentKey  uint64 // of the augmentation of images, drawn from the seed
	batch       *datasets.Batcher[T]
	lin         *nn.Linearization[T]
	x           tensor.Matrix[T]
	y           tensor.Matrix[float64]
	omega       []float64              // room for the weights of a mini-batch
	losses      losses.Weighted        // of the mini-batch of the current step
	d, u        []T                    // direction and update
	now         schedules.Time         // of the step
	warmed      float64                // share of a budget of seconds that the warm-up step took
	following   *following[T]          // nil: the curvature is of the same mini-batch
	mini        oracles.Subproblem[T]  // what the oracle is asked
	way         curve[T]               // along which the step goes
	accelerated oracles.Accelerated[T] // the oracle, if its directions have accelerations; else nil
	along       objective[T]           // the mini-batch objective along it
	logged      oracles.Report         // of the step, completed for the log
	inPlace     optim.InPlace[T]       // the optimizer, where its updates are made as they are; nil: it cannot
	averaging   optim.Averaging[T]     // the optimizer, if its answer is not where it takes gradients; else nil
	reporter    optim.Reporter         // the optimizer, if it works with matrices; else nil
	updated     optim.Report           // of its last update
	spent       optim.Spent            // by the optimizer, for measurements
	factored    clock.Work             // by the oracle
	elementwise time.Duration          // passes over vectors by the oracle
	saved       int                    // step of the last checkpoint

	toldSingular bool // users know that gamma is too large for the precision
	idle         int  // steps since the line search last made one, of this process
	toldIdle     bool // users know of idleSteps of them

	unit float64 // multiply-adds of one forward and one VJP on a mini-batch
}

func newTrainer[T tensor.Float](of Training, pool *tensor.Pool) *trainer[T] {
	seed := of.Seed
	c, m, p, n := of.Problem.Config, of.Method, of.Problem.Set.Drawn(seed), of.Problem.Net
	size, k := c.Train.BatchSize, p.Outputs
	adds := n.MultiplyAdds()
	t := &trainer[T]{
		config: c, method: m, seed: seed, data: p, net: n, pool: pool, evaluated: -1,
		loss: c.Loss.Must(), eval: newEvaluator[T](c, p, n, pool),
		w: make([]T, n.NumParams()), d: make([]T, n.NumParams()), u: make([]T, n.NumParams()),
		order: newOrder(seed, p.Train.Len(), size), augmentKey: stream(seed, streamAugment).Uint64(),
		batch: datasets.NewBatcher[T](pool),
		lin:   nn.NewLinearization[T](n, size, pool),
		x:     tensor.New[T](size, p.Shape.Len()), y: tensor.New[float64](size, k), omega: make([]float64, size),
		unit: float64(c.Train.Unit()) * float64(adds.Forward+adds.VJP),
	}
	t.along.trainer = t
	if c.Log.Inner && m.Solves() {
		t.inner = &innerLog{}
	}
	initialize(t.w, of)
	t.bind()
	t.probe = newProber(t)
	return t
}

// initialize sets w to the weights that a run starts from.
func initialize[T tensor.Float](w []T, of Training) {
	if from := of.Problem.Start; from != nil {
		tensor.Convert(w, from.Weights)
	} else {
		tensor.Convert(w, of.Problem.Net.Init(stream(of.Seed, streamWeights)))
	}
}

// bind gives the run a fresh oracle, optimizer and line search.
func (t *trainer[T]) bind() {
	t.lineSearch = t.method.LineSearch.Must()
	t.setOracle(t.method.Oracle.Must())
	t.setOptimizer(t.newOptimizer())
}

func (t *trainer[T]) setOracle(s oracles.Spec) {
	dims := t.net.Dims(t.config.Train.BatchSize)
	t.oracle = oracles.New[T](s, oracles.Site{Loss: t.loss, Dims: dims, Pool: t.pool, Seed: t.seed})
	t.following = newFollowing(t, oracles.CurvatureBatch(s, dims))
	t.way, t.accelerated = curve[T]{pool: t.pool, u: t.u}, nil
	if oracles.Accelerates(s) {
		t.accelerated = t.oracle.(oracles.Accelerated[T])
		t.way.room = make([]T, len(t.w))
	}
}

func (t *trainer[T]) newOptimizer() optim.Optimizer[T] {
	return optim.New[T](t.method.Optimizer.Must(), t.net.Layout(), t.pool)
}

func (t *trainer[T]) setOptimizer(o optim.Optimizer[T]) {
	t.optimizer, t.inPlace = o, nil
	t.averaging, _ = o.(optim.Averaging[T])
	t.reporter, _ = o.(optim.Reporter)
	if _, none := t.lineSearch.(optim.None); none {
		t.inPlace, _ = o.(optim.InPlace[T])
	}
}

// answer returns the weights that are evaluated and kept, valid until the next step.
func (t *trainer[T]) answer() []T {
	if t.averaging == nil {
		return t.w
	}
	t.averaging.Average(t.u, t.w)
	return t.u
}

// train runs to the end, from the beginning or the last checkpoint: it returns the
// outcome, what there is to say about it, and the error of a failed run. The way
// of the data is all here:
// batch -> linearization -> oracle -> optimizer -> line search -> log.
func (t *trainer[T]) train(ctx context.Context) (runlog.Outcome, string, error) {
	t.began = time.Now()
	if err := t.warmUp(); err != nil {
		return runlog.Failed, "", err
	}
	if from := t.out.Checkpoints.Last; from != nil {
		if err := t.restore(from); err != nil {
			return runlog.Failed, "", err
		}
		from.Arrays = nil
	}
	for {
		if t.evaluated != t.step && t.evaluationDue() {
			if t.data.Stale(t.step) { // the loss is that of the step to come, to which the time of drawing belongs
				t.clock.Start()
				t.data.Advance(t.step)
				t.clock.Stop()
			}
			scores, err := t.eval.evaluate(ctx, t.answer())
			if err != nil { // ctx's
				return runlog.Interrupted, interrupt.Reason(ctx), t.save()
			}
			if bad := scores.diverged(); bad != "" {
				return runlog.Diverged, fmt.Sprintf("%s after step %d", bad, t.step) + t.blame(), nil
			}
			e := t.evaluation(scores)
			t.out.Log.Evaluation(&e)
			if err := t.out.Log.Flush(); err != nil {
				return runlog.Failed, "", err
			}
			t.evaluated = t.step
			t.out.Monitor.Evaluated(&e)
			if what := t.goalMet(scores); what != "" {
				return runlog.AtGoal, what, nil
			}
		}
		if t.done() {
			return runlog.Finished, t.overrun(), nil
		}
		if ctx.Err() != nil {
			return runlog.Interrupted, interrupt.Reason(ctx), t.save()
		}
		if t.checkpointDue() {
			if err := t.save(); err != nil {
				return runlog.Failed, "", err
			}
		}

		t.previous = t.moment()
		t.clock.Start()
		report := t.direct()
		t.clock.Stop()
		h := t.losses.Mean(t.lin.Outputs(), t.y)
		if report.Singular.Unknowns > 0 && !t.toldSingular {
			t.toldSingular = true // steps.csv has all of them, whatever log.every is
			t.out.Checkpoints.Log.Warn(fmt.Sprintf("step %d: %s", t.step+1, report.Singular))
		}
		lost := !finite(h) || report.StopReason == oracles.StoppedNonFinite
		due := (t.step+1)%t.config.Log.Every == 0 || lost
		if due { // before the update, which moves the weights that J is taken at
			t.logged = t.oracle.Complete(t.config.Log.Gap) // the line search works with report
		}
		if !lost && t.probeDue() {
			t.probeStep()
		}
		t.clock.Start()
		eta := t.update()
		t.clock.Stop()
		t.step++
		t.countIdle(eta)
		if (t.updated.Fallback != "" || report.Fallback) && !due {
			t.logged, due = unmeasured(report), true
		}
		if due {
			t.out.Log.Step(t.row(h, eta))
		}
		switch {
		case !finite(h):
			return runlog.Diverged, fmt.Sprintf("batch loss is %g at step %d", h, t.step) + t.blame(), nil
		case lost:
			return runlog.Diverged, fmt.Sprintf("inner solve met a NaN or an infinity at step %d, where the batch loss is %.3g", t.step, h), nil
		}
		if t.inner != nil && (t.step == 1 || t.evaluationDue()) {
			t.recordInner()
		}
		t.out.Monitor.Step(Progress{Step: t.step, Seconds: t.clock.Seconds(), Used: t.used(t.moment()), BatchLoss: h})
	}
}

// blame says what is wrong with the data where they are the reason for a loss that is no number.
func (t *trainer[T]) blame() string {
	if err := t.data.Finite(); err != nil {
		return ": " + err.Error()
	}
	return ""
}

// idleSteps is after how many steps in a row without one users are told.
const idleSteps = 10

// countIdle counts steps of length 0 in a row along updates that are not 0, and tells of them once in
// a run.
func (t *trainer[T]) countIdle(eta float64) {
	if eta != 0 || tensor.Norm2(t.pool, t.u) == 0 {
		t.idle = 0
		return
	}
	if t.idle++; t.idle >= idleSteps && !t.toldIdle {
		t.toldIdle = true // steps.csv has all of them
		t.out.Checkpoints.Log.Warn(fmt.Sprintf("steps %d to %d: the line search made no step: the loss is as low as rounding lets it be, or the updates are so long that line_search has to try smaller steps, or gamma or learning_rate to be smaller",
			t.step-idleSteps+1, t.step))
	}
}

// checkpointDue: at the configured interval. Epochs may be shorter than what it
// takes to sync a file, and losing less than a second of training hurts nobody;
// a number of steps is taken at its word. When checkpoints are written changes no
// result.
func (t *trainer[T]) checkpointDue() bool {
	every := t.config.Checkpoint.Every
	return t.step > t.saved && t.due(every) && (every.Steps > 0 || time.Since(t.out.Checkpoints.At) >= time.Second)
}

// save writes a checkpoint. The logs it refers to are put on disk before it; its
// error is that they cannot be.
func (t *trainer[T]) save() error {
	if err := errors.Join(t.out.Log.Sync(), t.saveDuals()); err != nil {
		return err
	}
	t.out.Checkpoints.Write(t.checkpoint())
	t.tidy()
	t.saved = t.step
	return nil
}

// stops tells how the process was stopped while the run was made.
func (t *trainer[T]) stops() clock.Stops {
	s := t.before
	if t.clock.Watch != nil {
		stopped, times := t.clock.Watch.During(t.began, time.Now())
		s.Time += stopped
		s.Number += times
	}
	return s
}

// goalMet says what was reached, "" if nothing.
func (t *trainer[T]) goalMet(s scores) string {
	goal := t.config.Train.Target
	if goal == nil {
		return ""
	}
	if v := s.metric(goal.Metric); goal.MetBy(v) {
		return fmt.Sprintf("%s is %g after step %d", goal.Metric, v, t.step)
	}
	return ""
}
